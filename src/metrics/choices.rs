//! What a system chooses whoever is asked: whether it tells people apart at all.
//!
//! Accuracy alone cannot say so. The first statement of a question is often the commonest answer, so a model that always
//! chooses it scores well, and one that repeats the majority scores better still, without any regard for the person.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::average::Sums;
use super::bootstrap::Resampling;
use super::contrast::Contrast;
use super::input::RunData;
use super::paired::{Agreement, Paired, agreement};
use super::panel::{Chooser, Panel, Row, Unread};
use super::roster::Roster;
use crate::scoring::{Condition, Evidence};

/// One position with more than this share of the choices makes a constant answerer.
pub const ONE_POSITION: f64 = 0.90;

/// So does choosing the same for everybody on more than this share of the probes ...
pub const ONE_ANSWER: f64 = 0.95;

/// ... where people themselves agree on less than this.
pub const PEOPLE_AGREE: f64 = 0.80;

/// Fewer choices than this show no habit.
pub const FEWEST_CHOICES: usize = 20;

/// What a system chooses, beside what people answered on the same probes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Habits {
    /// Probes whose choice could be read: all shares below are of these.
    pub read: usize,
    /// By position among the candidates, in the order of the catalogue.
    pub positions: Vec<Beside>,
    /// The mean over probes of how many people get the commonest choice of their question.
    pub commonest: Beside,
    /// Agreement with the person's own answer; its kappa is accuracy beyond what the same choices, dealt to other people,
    /// would reach.
    pub agreement: Option<Agreement>,
    /// Overall accuracy of always giving this system's commonest choice for each question.
    pub always_commonest: Option<f64>,
    /// The system minus that.
    pub over_commonest: Option<Contrast>,
}

/// A share among a system's choices, beside the same share among people's own answers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Beside {
    /// The system's.
    pub chosen: f64,
    /// People's own.
    pub own: f64,
}

/// In what a system answers alike, whoever is asked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Constancy {
    /// It nearly always chooses one position.
    Position {
        /// Which, from 0.
        position: usize,
        /// On this share of probes.
        share: Beside,
    },
    /// It nearly always chooses the same for a question.
    Question {
        /// On this share of probes.
        share: Beside,
    },
    /// It nearly always chooses the shortest candidate.
    Shortest {
        /// On this share of the probes whose candidates differ in length.
        share: Beside,
    },
}

impl Habits {
    /// What `panel` chose. Absent where nothing could be read.
    pub fn of(panel: &Panel, roster: &Roster, how: &Resampling) -> Option<Self> {
        let (read, positions, commonest) = tallied(&panel.rows)?;
        let answers = panel.rows.iter().map(|row| {
            let own = Row {
                choice: Some(row.label),
                ..*row
            };
            (*row, own)
        });
        let answers: Vec<(Row, Row)> = answers.collect();
        let categories = roster.categories.len();
        let constant = always_commonest(&panel.rows);
        let sums = Sums::of_panel(&constant, categories, constant.credit(Unread::Wrong));
        let paired = Paired::new(panel, &constant, roster, ("the system", "its commonest choice")).ok();
        Some(Self {
            read,
            positions,
            commonest,
            agreement: agreement(&answers, |_| true),
            always_commonest: sums.totals(|_| 1.0).overall(),
            over_commonest: paired.and_then(|paired| paired.overall(categories, how)),
        })
    }
}

/// In what a panel's choices are constant; absent where they are not, or where fewer than `FEWEST_CHOICES` were read.
pub fn constancy(rows: &[Row]) -> Option<Constancy> {
    let (_, positions, commonest) = tallied(rows).filter(|(read, ..)| *read >= FEWEST_CHOICES)?;
    let (position, share) = positions
        .into_iter()
        .enumerate()
        .reduce(|best, next| if next.1.chosen > best.1.chosen { next } else { best })?;
    if share.chosen > ONE_POSITION {
        return Some(Constancy::Position { position, share });
    }
    let alike = commonest.chosen > ONE_ANSWER && commonest.own < PEOPLE_AGREE;
    alike.then_some(Constancy::Question { share: commonest })
}

/// Number of read choices, shares by position, and shares of the commonest choice.
fn tallied(rows: &[Row]) -> Option<(usize, Vec<Beside>, Beside)> {
    let mut positions: Vec<[usize; 2]> = Vec::new();
    let mut questions: BTreeMap<usize, Vec<[usize; 2]>> = BTreeMap::new();
    let mut read = 0;
    for row in rows {
        let Some(choice) = row.choice else { continue };
        read += 1;
        let question = questions.entry(row.question).or_default();
        for counts in [&mut positions, question] {
            counts.resize(counts.len().max(row.candidates), [0; 2]);
            counts[choice][0] += 1;
            counts[row.label][1] += 1;
        }
    }
    let share = |count: usize| count as f64 / read as f64;
    let commonest = |of: usize| {
        let most = questions
            .values()
            .map(|counts| counts.iter().map(|count| count[of]).max().unwrap_or(0));
        share(most.sum())
    };
    (read > 0).then(|| {
        let positions = positions.iter().map(|[chosen, own]| Beside {
            chosen: share(*chosen),
            own: share(*own),
        });
        let both = Beside {
            chosen: commonest(0),
            own: commonest(1),
        };
        (read, positions.collect(), both)
    })
}

/// The same probes, each answered with the choice that is commonest for its question, the first of equals.
fn always_commonest(rows: &[Row]) -> Panel {
    let mut counts: BTreeMap<usize, BTreeMap<usize, usize>> = BTreeMap::new();
    for row in rows {
        if let Some(choice) = row.choice {
            *counts.entry(row.question).or_default().entry(choice).or_default() += 1;
        }
    }
    let most = |question: usize| {
        let choices = counts.get(&question)?.iter();
        let best = choices.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(choice, _)| *choice)
    };
    let rows = rows.iter().map(|row| Row {
        choice: most(row.question).filter(|choice| *choice < row.candidates),
        ..*row
    });
    Panel {
        rows: rows.collect(),
        asked: Chooser::Baseline,
    }
}

/// How often the shortest candidate is chosen, in tokens of the continuation. Only probes count whose candidates differ
/// in length; of several shortest ones any counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Shortest {
    /// Probes whose candidates differ in length.
    pub probes: usize,
    /// How often a shortest candidate was chosen, and how often it was the person's own.
    pub share: Beside,
    /// How often a guess would choose one.
    pub by_chance: f64,
}

impl Shortest {
    /// Whether the system nearly always chooses the shortest candidate while people do not.
    pub fn constancy(&self) -> Option<Constancy> {
        let share = self.share;
        let often = self.probes >= FEWEST_CHOICES && share.chosen > ONE_POSITION;
        (often && share.own < PEOPLE_AGREE).then_some(Constancy::Shortest { share })
    }
}

/// How often one condition's likelihoods chose the shortest candidate, `choose` being what an outcome chose under a norm.
/// Absent for other evidence, and where all candidates are equally long.
pub fn shortest(
    run: &RunData,
    condition: &Condition,
    choose: impl Fn(&crate::scoring::Outcome) -> Option<usize>,
) -> Option<Shortest> {
    let (mut probes, mut chosen, mut own, mut chance) = (0usize, 0usize, 0usize, 0.0);
    for outcome in run.outcomes.iter().filter(|outcome| outcome.condition == *condition) {
        let (Evidence::Likelihood { scores }, Some(choice)) = (&outcome.evidence, choose(outcome)) else {
            continue;
        };
        let lengths: Vec<usize> = scores.iter().map(|score| score.tokens.len()).collect();
        let least = lengths.iter().min().copied().unwrap_or(0);
        let short = |at: usize| lengths.get(at) == Some(&least);
        let count = (0..lengths.len()).filter(|at| short(*at)).count();
        if count == lengths.len() {
            continue;
        }
        probes += 1;
        chosen += usize::from(short(choice));
        own += usize::from(short(outcome.label));
        chance += count as f64 / lengths.len() as f64;
    }
    let share = |count: f64| count / probes as f64;
    (probes > 0).then(|| Shortest {
        probes,
        share: Beside {
            chosen: share(chosen as f64),
            own: share(own as f64),
        },
        by_chance: share(chance),
    })
}

/// How often a choice depends on the order in which its options were listed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Flips {
    /// Probes that were asked in several orders and could be read in at least two.
    pub probes: usize,
    /// The share of them on which not all orders gave the same choice.
    pub share: f64,
}

/// How often the choices of one condition flip with the order of the options; absent where none was asked in several.
pub fn flips(run: &RunData, condition: &Condition) -> Option<Flips> {
    let (mut probes, mut flipped) = (0usize, 0usize);
    let of_condition = run.outcomes.iter().filter(|outcome| outcome.condition == *condition);
    for flips in of_condition.filter_map(|outcome| outcome.evidence.flips_with_order()) {
        probes += 1;
        flipped += usize::from(flips);
    }
    (probes > 0).then(|| Flips {
        probes,
        share: flipped as f64 / probes as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twelve people on two questions of two candidates.
    fn rows(choice: impl Fn(usize, usize) -> usize, label: impl Fn(usize, usize) -> usize) -> Vec<Row> {
        let row = |person: usize, question: usize| Row {
            person,
            split: 0,
            question,
            category: 0,
            candidates: 2,
            label: label(person, question),
            choice: Some(choice(person, question)),
        };
        (0..12)
            .flat_map(|person| (0..2).map(move |question| (person, question)))
            .map(|(p, q)| row(p, q))
            .collect()
    }

    #[test]
    fn one_position_is_found_and_told_apart_from_one_answer_a_question() {
        let half = |person: usize, _: usize| person % 2;
        let always_first = rows(|_, _| 0, half);
        assert!(matches!(
            constancy(&always_first),
            Some(Constancy::Position { position: 0, share }) if share.chosen == 1.0 && share.own == 0.5
        ));
        let by_question = rows(|_, question| question, half);
        assert!(matches!(
            constancy(&by_question),
            Some(Constancy::Question { share }) if share.chosen == 1.0 && share.own == 0.5
        ));
        // A handful of choices shows no habit.
        assert_eq!(constancy(&always_first[..FEWEST_CHOICES - 1]), None);
        // Where people agree as much, answering alike is knowing them.
        assert_eq!(constancy(&rows(|_, question| question, |_, question| question)), None);
        assert_eq!(constancy(&rows(half, half)), None);
    }

    #[test]
    fn kappa_with_the_person_is_0_for_a_constant_answerer() {
        let mut roster = Roster::new(&[]).expect("no runs");
        roster.categories.push("c".to_owned());
        let panel = Panel {
            rows: rows(|_, _| 0, |person, _| usize::from(person % 4 == 3)),
            asked: Chooser::Model,
        };
        let how = Resampling::default();
        let choices = Habits::of(&panel, &roster, &how).expect("eight choices");
        let agreement = choices.agreement.expect("eight choices");
        assert_eq!((agreement.agreement, agreement.kappa), (0.75, Some(0.0)));
        assert_eq!(choices.positions[0], Beside { chosen: 1.0, own: 0.75 });
    }
}
