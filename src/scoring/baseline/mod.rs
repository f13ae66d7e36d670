//! What can be told without a model: chance, the most common answer of the others, the most common answer among those
//! who are most like the person, and what naive Bayes learns from the others.
//!
//! All four choose among polar candidates, on the same probes as a model. The person themself is never among the
//! others. Rules, so that every figure can be computed again:
//!
//! - **Random** is the exact chance level, 1 / candidates, not a draw.
//! - **Majority** is the candidate that most others chose; of several, the one that stands first in the catalogue.
//! - **Resemblance**: the others are ranked by how similar they are to the person, see [`Similarity`]. The k first vote
//!   with their own answers to the probe; of several candidates with most votes, the one whose first supporter ranks
//!   highest wins. Where none of the k answered the probe, the majority decides.
//! - **Naive Bayes** is learnt from all others: the candidate that is most probable given the person's answers outside the
//!   split, as if these had nothing to do with each other; see the module `bayes`.

mod bayes;
mod packed;
mod rank;
mod tally;

pub use tally::{Accuracy, BaselineMethod, Tally};

use std::sync::OnceLock;

use bayes::AnswerPairs;
use packed::{Nearest, Packed, Seeker};

use crate::probe::{Split, Splitting};
use crate::survey::{Catalogue, MISSING, QuestionIndex};

/// The largest number of similar others that is looked at, as in the paper.
pub const MOST_NEIGHBOURS: usize = 35;

crate::choices! {
    /// How people are compared. Only questions that both answered count, the probes of the split left out.
    pub enum Similarity: Share {
        /// By the share of equal polar answers. Those who share fewer than half of the person's answered questions come
        /// after all who share more. Of equal shares, more equal answers come first, then the earlier row of the file.
        Share = "share",
        /// By the number of equal polar answers, as the paper ranks; of equal numbers, the earlier row first.
        Count = "count",
    }
}

/// Everyone whose answers a baseline may draw on, in the order of their file.
#[derive(Debug, Clone)]
pub struct ReferencePeople {
    packed: Packed,
    splitting: Splitting,
    /// How often each candidate of each question was chosen.
    chosen: Vec<Vec<u32>>,
    /// Counted when naive Bayes is first asked.
    pairs: OnceLock<AnswerPairs>,
}

/// A person whose probes are predicted.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Polar answers as in [`crate::survey::Respondents::groups`]: one byte a question, [`MISSING`] where there is none.
    pub groups: &'a [u8],
    /// The person's own position among the reference people, where they are one of them.
    pub own: Option<usize>,
}

/// What is to be predicted, and how.
#[derive(Debug, Clone, Copy)]
pub struct Rule<'a> {
    /// The splits whose probes are predicted.
    pub splits: &'a [Split],
    /// The largest k of resemblance; 0 leaves it out.
    pub neighbours: usize,
    /// How people are compared.
    pub similarity: Similarity,
    /// Whether naive Bayes is asked.
    pub naive_bayes: bool,
}

/// What the baselines say of one probe. Positions are among the question's polar statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// The split that holds the question out.
    pub split: Split,
    /// The question.
    pub question: QuestionIndex,
    /// The person's own answer.
    pub label: usize,
    /// The most common answer of the others; absent where nobody else answered.
    pub majority: Option<usize>,
    /// Whether the majority hangs on a single answer, see `ReferencePeople::near_tie`.
    pub near_tie: bool,
    /// The answer of the k most similar others at position k - 1; absent where nobody else answered.
    pub resemblance: Vec<Option<usize>>,
    /// What naive Bayes says; absent where nobody else answered or it was not asked.
    pub naive_bayes: Option<usize>,
}

impl ReferencePeople {
    /// Packs polar answers (one row a person, as in [`Target::groups`]) for fast comparison.
    ///
    /// A group number that the catalogue does not have counts as missing.
    pub fn new<'a>(catalogue: &Catalogue, rows: impl IntoIterator<Item = &'a [u8]>) -> Self {
        // More candidates than a byte can tell apart do not come up: a group number is one byte everywhere.
        let candidates = |polar: usize| polar.min(usize::from(MISSING)) as u8;
        let candidates = catalogue.questions.iter().map(|q| candidates(q.polar.len())).collect();
        let splitting = Splitting::new(catalogue);
        // Where people have probes of their own, what is held out differs from person to person: `nearest` sees to it.
        let probes = Split::ALL.map(|split| match splitting.is_personal() {
            true => vec![false; catalogue.questions.len()],
            false => splitting.hidden(&splitting.questions(split, |_| true)),
        });
        let questions = 0..catalogue.questions.len();
        let held_out: Vec<_> = questions
            .map(|question| std::array::from_fn(|split| probes[split][question]))
            .collect();
        let packed = Packed::new(candidates, &held_out, rows);
        let mut chosen: Vec<Vec<u32>> = catalogue.questions.iter().map(|q| vec![0; q.polar.len()]).collect();
        for row in 0..packed.len() {
            for (question, counts) in chosen.iter_mut().enumerate() {
                if let Some(count) = packed.answer(row, question).and_then(|group| counts.get_mut(group)) {
                    *count += 1;
                }
            }
        }
        Self {
            packed,
            splitting,
            chosen,
            pairs: OnceLock::new(),
        }
    }

    /// How many people it holds.
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// Whether it holds nobody.
    pub fn is_empty(&self) -> bool {
        self.packed.len() == 0
    }

    /// Whether the two commonest answers to a question are at most one answer apart: leaving a person's own answer out
    /// can then make the other one the majority, and majority is right for fewer people than either answer has.
    pub(crate) fn near_tie(&self, question: QuestionIndex) -> bool {
        let (mut first, mut second) = (0, 0);
        for &count in self.chosen.get(question).into_iter().flatten() {
            (first, second) = (first.max(count), second.max(count.min(first)));
        }
        first > 0 && first - second <= 1
    }

    /// Predicts all probes of the rule's splits that each person answered, split by split in the order of their questions.
    ///
    /// Takes time in proportion to the reference people. People who are predicted together share what is read of it.
    pub(crate) fn predict(&self, targets: &[Target<'_>], rule: &Rule<'_>) -> Vec<Vec<Prediction>> {
        let nearest = match rule.neighbours {
            0 => targets.iter().map(|_| Nearest::default()).collect(),
            most => self.nearest(targets, rule.similarity, most),
        };
        let people = targets.iter().zip(&nearest);
        people
            .map(|(target, nearest)| self.of_person(target, nearest, rule))
            .collect()
    }

    /// The most similar others of each person, by split.
    fn nearest(&self, targets: &[Target<'_>], similarity: Similarity, most: usize) -> Vec<Nearest> {
        let seekers: Vec<Seeker<'_>> = targets
            .iter()
            .map(|target| Seeker {
                groups: target.groups,
                own: target.own,
            })
            .collect();
        if !self.splitting.is_personal() {
            return self.packed.nearest(&seekers, similarity, most);
        }
        let mut nearest: Vec<Nearest> = targets.iter().map(|_| Nearest::default()).collect();
        for (at, split) in Split::ALL.into_iter().enumerate() {
            // Only what both answered counts, so a person's own held-out answers are taken for missing.
            let shown: Vec<Vec<u8>> = targets.iter().map(|target| self.shown(target, split)).collect();
            let seekers: Vec<Seeker<'_>> = seekers
                .iter()
                .zip(&shown)
                .map(|(seeker, groups)| Seeker { groups, ..*seeker })
                .collect();
            let found = self.packed.nearest(&seekers, similarity, most);
            for (nearest, mut found) in nearest.iter_mut().zip(found) {
                nearest[at] = std::mem::take(&mut found[at]);
            }
        }
        nearest
    }

    /// A person's answers without those that a split hides.
    fn shown(&self, target: &Target<'_>, split: Split) -> Vec<u8> {
        let hidden = self.splitting.hidden(&self.probes(target, split));
        let groups = target.groups.iter().zip(hidden);
        groups
            .map(|(&group, hidden)| if hidden { MISSING } else { group })
            .collect()
    }

    fn probes(&self, target: &Target<'_>, split: Split) -> Vec<QuestionIndex> {
        let answered = |question: QuestionIndex| target.groups.get(question).is_some_and(|&group| group != MISSING);
        self.splitting.questions(split, answered)
    }

    fn of_person(&self, target: &Target<'_>, nearest: &Nearest, rule: &Rule<'_>) -> Vec<Prediction> {
        let mut predictions = Vec::new();
        for (split, nearest) in Split::ALL.into_iter().zip(nearest) {
            if !rule.splits.contains(&split) {
                continue;
            }
            let shown = match rule.naive_bayes {
                true => self.shown(target, split),
                false => Vec::new(),
            };
            for question in self.probes(target, split) {
                let Some(&label) = target.groups.get(question).filter(|&&group| group != MISSING) else {
                    continue;
                };
                let majority = self.majority(question, target.own);
                predictions.push(Prediction {
                    split,
                    question,
                    label: label.into(),
                    majority,
                    near_tie: self.near_tie(question),
                    resemblance: self.votes(question, nearest, rule.neighbours, majority),
                    naive_bayes: match rule.naive_bayes {
                        true => {
                            self.pairs()
                                .guess(target.own.and_then(|own| self.packed.answers(own)), &shown, question)
                        }
                        false => None,
                    },
                });
            }
        }
        predictions
    }

    /// How often any two answers were given by one person.
    fn pairs(&self) -> &AnswerPairs {
        self.pairs.get_or_init(|| {
            let questions = self.chosen.len();
            let mut probes = vec![self.splitting.is_personal(); questions];
            for split in Split::ALL.into_iter().filter(|_| !self.splitting.is_personal()) {
                for question in self.splitting.questions(split, |_| true) {
                    probes[question] = true;
                }
            }
            let answer = |person, question| self.packed.answer(person, question);
            AnswerPairs::new(self.packed.candidates(), &probes, self.len(), answer)
        })
    }

    /// The most common answer of everyone but `own`; of several, the first.
    fn majority(&self, question: QuestionIndex, own: Option<usize>) -> Option<usize> {
        let own = own.and_then(|own| self.packed.answer(own, question));
        let mut best: Option<(usize, u32)> = None;
        for (group, &count) in self.chosen[question].iter().enumerate() {
            let count = count - u32::from(own == Some(group));
            if count > best.map_or(0, |(_, most)| most) {
                best = Some((group, count));
            }
        }
        best.map(|(group, _)| group)
    }

    /// What the k first of `nearest` vote for, for every k up to `neighbours`.
    fn votes(
        &self,
        question: QuestionIndex,
        nearest: &[usize],
        neighbours: usize,
        otherwise: Option<usize>,
    ) -> Vec<Option<usize>> {
        let mut votes = vec![0u32; self.chosen[question].len()];
        // Candidates in the order of their first supporters, so that the first of several best is the one that wins.
        let mut supported: Vec<usize> = Vec::new();
        (0..neighbours)
            .map(|k| {
                let vote = nearest.get(k).and_then(|&row| self.packed.answer(row, question));
                if let Some(group) = vote {
                    if votes[group] == 0 {
                        supported.push(group);
                    }
                    votes[group] += 1;
                }
                let most = supported.iter().map(|&group| votes[group]).max();
                supported
                    .iter()
                    .copied()
                    .find(|&group| Some(votes[group]) == most)
                    .or(otherwise)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
