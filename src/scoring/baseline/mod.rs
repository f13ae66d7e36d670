//! What can be told without a model: chance, the most common answer of the others, the most common answer among those
//! who are most like the person.
//!
//! All three choose among polar candidates, on the same probes as a model. The person themself is never among the
//! others. Rules, so that every figure can be computed again:
//!
//! - **Random** is the exact chance level, 1 / candidates, not a draw.
//! - **Majority** is the candidate that most others chose; of several, the one that stands first in the catalogue.
//! - **Resemblance** of a person to another is the share of agreeing polar answers among the questions that both
//!   answered, probes of the split left out. The others are ranked by it; those who share fewer than half of the
//!   person's answered questions come after all who share more, so that a high share of very few questions counts for
//!   little. Of equal ones, more agreements come first, then the earlier row of the file. The k first vote with their
//!   own answers to the probe; of several candidates with most votes, the one whose first supporter ranks highest wins.
//!   Where none of the k answered the probe, the majority decides.

mod packed;
mod tally;

pub use tally::{Accuracy, BaselineMethod, Tally};

use packed::{Packed, Query};

use crate::probe::{Split, split_questions};
use crate::survey::{Catalogue, MISSING, QuestionIndex};

/// The largest number of similar others that is looked at, as in the paper.
pub const MOST_NEIGHBOURS: usize = 35;

/// The others: everyone whose answers a baseline may draw on, in the order of their file.
#[derive(Debug, Clone)]
pub struct Crowd {
    packed: Packed,
    splits: [SplitQuestions; 3],
    /// How often each candidate of each question was chosen.
    chosen: Vec<Vec<u32>>,
}

#[derive(Debug, Clone)]
struct SplitQuestions {
    split: Split,
    probes: Vec<QuestionIndex>,
}

/// A person whose probes are predicted.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Polar answers as in [`crate::survey::Respondents::groups`]: one byte a question, [`MISSING`] where there is none.
    pub groups: &'a [u8],
    /// The person's own position in the crowd, where they are part of it.
    pub own: Option<usize>,
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
    /// The answer of the k most similar others at position k - 1; absent where nobody else answered.
    pub resemblance: Vec<Option<usize>>,
}

impl Crowd {
    /// Packs polar answers (one row a person, as in [`Target::groups`]) for fast comparison.
    ///
    /// A group number that the catalogue does not have counts as missing.
    pub fn new<'a>(catalogue: &Catalogue, rows: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let packed = Packed::new(catalogue, rows);
        let mut chosen: Vec<Vec<u32>> = catalogue.questions.iter().map(|q| vec![0; q.polar.len()]).collect();
        for row in 0..packed.len() {
            for (question, counts) in chosen.iter_mut().enumerate() {
                if let Some(count) = packed.answer(row, question).and_then(|group| counts.get_mut(group)) {
                    *count += 1;
                }
            }
        }
        let splits = Split::ALL.map(|split| SplitQuestions {
            split,
            probes: split_questions(catalogue, split),
        });
        Self { packed, splits, chosen }
    }

    /// How many people it holds.
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// Whether it holds nobody.
    pub fn is_empty(&self) -> bool {
        self.packed.len() == 0
    }

    /// Predicts all probes of `splits` that the person answered, split by split in the order of their questions.
    ///
    /// `neighbours` is the largest k of resemblance (0: leave it out). Takes time in proportion to the crowd.
    pub fn predict(&self, target: &Target<'_>, splits: &[Split], neighbours: usize) -> Vec<Prediction> {
        let asked: Vec<&SplitQuestions> = self.splits.iter().filter(|s| splits.contains(&s.split)).collect();
        let nearest = match neighbours {
            0 => vec![Vec::new(); asked.len()],
            most => {
                let queries: Vec<Query> = asked
                    .iter()
                    .map(|s| self.packed.query(target.groups, &s.probes))
                    .collect();
                self.packed.nearest(&queries, target.own, most)
            }
        };
        let mut predictions = Vec::new();
        for (SplitQuestions { split, probes }, nearest) in asked.into_iter().zip(&nearest) {
            for &question in probes {
                let Some(&label) = target.groups.get(question).filter(|&&group| group != MISSING) else {
                    continue;
                };
                let majority = self.majority(question, target.own);
                predictions.push(Prediction {
                    split: *split,
                    question,
                    label: label.into(),
                    majority,
                    resemblance: self.votes(question, nearest, neighbours, majority),
                });
            }
        }
        predictions
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
