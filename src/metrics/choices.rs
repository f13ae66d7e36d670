//! What a system chooses whoever is asked: whether it tells people apart at all.
//!
//! Accuracy alone cannot say so. The first statement of a question is often the commonest answer, so a model that always
//! chooses it scores well, and one that repeats the majority scores better still, without any regard for the person.

use serde::{Deserialize, Serialize};

use super::average::Sums;
use super::bootstrap::Resampling;
use super::constancy::{Beside, commonest, tallied};
use super::contrast::Contrast;
use super::input::RunTable;
use super::paired::{Agreement, Paired, agreement};
use super::panel::{Chooser, Panel, Row, Unread};
use super::roster::Roster;
use super::table::Basis;
use crate::scoring::Condition;

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
        let always = AlwaysAlike::of(panel, &always_commonest(&panel.rows), roster, how);
        Some(Self {
            read,
            positions,
            commonest,
            agreement: agreement(&answers, |_| true),
            always_commonest: always.accuracy,
            over_commonest: always.over,
        })
    }
}

/// What always answering alike would reach on a panel's probes, and what the panel has beyond that.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AlwaysAlike {
    /// Overall accuracy of it.
    pub accuracy: Option<f64>,
    /// The system minus that.
    pub over: Option<Contrast>,
}

impl AlwaysAlike {
    /// Always choosing the candidate at one position, from 0.
    pub fn position(panel: &Panel, position: usize, roster: &Roster, how: &Resampling) -> Self {
        let position = u8::try_from(position).ok();
        let rows = panel.rows.iter().map(|row| Row {
            choice: position.filter(|position| *position < row.candidates),
            ..*row
        });
        let constant = Panel::of(rows.collect(), Chooser::Baseline);
        Self::of(panel, &constant, roster, how)
    }

    fn of(panel: &Panel, constant: &Panel, roster: &Roster, how: &Resampling) -> Self {
        let categories = roster.categories.len();
        let sums = Sums::of_panel(constant, categories, constant.credit(Unread::Wrong));
        let paired = Paired::new(panel, constant, roster, ("the system", "always answering alike")).ok();
        Self {
            accuracy: sums.totals().overall(),
            over: paired.and_then(|paired| paired.overall(categories, how)),
        }
    }
}

/// The same probes, each answered with the choice that is commonest for its question, the first of equals.
fn always_commonest(rows: &[Row]) -> Panel {
    let most = commonest(rows);
    let rows = rows.iter().map(|row| Row {
        choice: most
            .get(&row.question)
            .copied()
            .filter(|choice| *choice < row.candidates),
        ..*row
    });
    Panel::of(rows.collect(), Chooser::Baseline)
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
pub fn flips(run: &RunTable, condition: &Condition) -> Option<Flips> {
    let (mut probes, mut flipped) = (0usize, 0usize);
    let known = |basis| match basis {
        Basis::Likelihood { .. } => None,
        Basis::Label { flips, .. } | Basis::Generation { flips, .. } => flips,
    };
    let of_condition = run.outcomes.of_condition(condition);
    for flips in of_condition.filter_map(|outcome| known(outcome.basis)) {
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
            person: person as u32,
            split: 0,
            question: question as u32,
            category: 0,
            candidates: 2,
            label: label(person, question) as u8,
            choice: Some(choice(person, question) as u8),
        };
        (0..12)
            .flat_map(|person| (0..2).map(move |question| (person, question)))
            .map(|(p, q)| row(p, q))
            .collect()
    }

    #[test]
    fn kappa_with_the_person_is_0_for_a_constant_answerer() {
        let mut roster = Roster::new(&[]).expect("no runs");
        roster.categories.push("c".to_owned());
        let always_first = rows(|_, _| 0, |person, _| usize::from(person % 4 == 3));
        let panel = Panel::of(always_first, Chooser::Model);
        let how = Resampling::default();
        let choices = Habits::of(&panel, &roster, &how).expect("eight choices");
        let agreement = choices.agreement.expect("eight choices");
        assert_eq!((agreement.agreement, agreement.kappa), (0.75, Some(0.0)));
        assert_eq!(choices.positions[0], Beside { chosen: 1.0, own: 0.75 });
    }
}
