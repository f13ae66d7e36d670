//! Answers from which no choice could be read, and what that may be worth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::average::Sums;
use super::estimate::Quantity;
use super::input::RunTable;
use super::panel::{Panel, Unread};
use super::table::Basis;
use crate::scoring::{Condition, Reading};

/// How the answers of one condition were read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Readings {
    /// Number of probes.
    pub probes: usize,
    /// A valid choice.
    pub choice: usize,
    /// A choice that is none of the candidates.
    pub out_of_range: usize,
    /// The answer does not mention the probe.
    pub missing: usize,
    /// No choice can be read.
    pub unparsed: usize,
    /// Whoever was asked elsewhere failed to answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed: usize,
    /// Texts that were generated again because the first could not be read.
    pub retries: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Overall accuracy under each rule for choices that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// They are wrong.
    pub wrong: Option<f64>,
    /// They are worth a guess.
    pub chance: Option<f64>,
    /// They do not count.
    pub dropped: Option<f64>,
    /// They are all right: nothing can be better than this.
    pub right: Option<f64>,
}

/// Counts readings by condition, for the conditions whose answers are generated.
pub fn readings(run: &RunTable) -> BTreeMap<Condition, Readings> {
    let mut counts: BTreeMap<Condition, Readings> = BTreeMap::new();
    for outcome in run.outcomes.iter() {
        let Basis::Generation { reading, retries, .. } = outcome.basis else {
            continue;
        };
        let none = Readings {
            probes: 0,
            choice: 0,
            out_of_range: 0,
            missing: 0,
            unparsed: 0,
            failed: 0,
            retries: 0,
        };
        let count = match counts.get_mut(outcome.condition) {
            Some(count) => count,
            None => counts.entry(outcome.condition.clone()).or_insert(none),
        };
        count.probes += 1;
        count.retries += retries;
        match reading {
            Reading::Choice => count.choice += 1,
            Reading::OutOfRange => count.out_of_range += 1,
            Reading::Missing => count.missing += 1,
            Reading::Unparsed => count.unparsed += 1,
            Reading::Failed => count.failed += 1,
        }
    }
    counts
}

/// The overall accuracy of a panel under each rule.
pub fn bounds(panel: &Panel, categories: usize) -> Bounds {
    let under = |unread| {
        Sums::of_panel(panel, categories, panel.credit(unread))
            .totals()
            .overall()
    };
    let right = Sums::of_rows(&panel.rows, categories, Quantity::Share, |row| {
        (f64::from(u8::from(row.choice.is_none() || row.correct())), 1.0)
    });
    Bounds {
        wrong: under(Unread::Wrong),
        chance: under(Unread::Chance),
        dropped: under(Unread::Dropped),
        right: right.totals().overall(),
    }
}
