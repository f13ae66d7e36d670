//! The accuracies of one system.

use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::names;
use crate::metrics::{
    Credit, Estimate, Panel, ProbeCounts, Quantity, Resampling, Row, Scores, Sums, System, Unread, clustered,
    clustered_overall, counts, crossed_overall,
};

/// One system's accuracies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemScores {
    /// Position of its run.
    pub run: usize,
    /// What it is.
    pub system: System,
    /// What it is called in full.
    pub label: String,
    /// Number of people.
    pub people: usize,
    /// Number of probes.
    pub probes: usize,
    /// Probes whose choice could not be read; they count as wrong.
    pub unread: usize,
    /// Accuracies with intervals over people.
    pub scores: Scores<Estimate>,
    /// What stands behind each of them.
    pub counts: Scores<ProbeCounts>,
    /// Overall accuracy with its interval over people and questions.
    pub crossed: Option<Estimate>,
    /// The mean of people's own shares, as the paper computes it: it weighs a person alike however many probes they have.
    pub mean_of_people: Option<Estimate>,
    /// Mean number of demonstrations really shown; absent for baselines.
    pub shown: Option<f64>,
    /// Mean number of tokens of a context; absent for baselines.
    pub context_tokens: Option<f64>,
}

impl SystemScores {
    /// Whether it is a condition of a run, and no baseline.
    pub(super) fn is_model(&self) -> bool {
        matches!(self.system, System::Model { .. })
    }

    /// The accuracies of the system at a position of the bench.
    pub(super) fn of(bench: &Bench<'_>, at: usize) -> Self {
        let entry = &bench.entries[at];
        let how = &bench.options.resampling;
        let credit = entry.panel.credit(Unread::Wrong);
        let sums = Sums::of_panel(&entry.panel, bench.categories(), credit);
        let asked = || {
            let condition = entry.condition().into_iter();
            condition.flat_map(|condition| bench.runs[entry.run].outcomes.of_condition(condition))
        };
        let crossed = || crossed_overall(&entry.panel, bench.categories(), credit);
        Self {
            run: entry.run,
            system: entry.system.clone(),
            label: match entry.condition() {
                Some(_) => bench.full_label(at),
                None => names::baseline(&entry.system),
            },
            people: entry.panel.people(),
            probes: entry.panel.rows.len(),
            unread: entry.panel.unread(),
            scores: clustered(&sums, how),
            counts: counts(&entry.panel, bench.categories()),
            mean_of_people: mean_of_people(&entry.panel, credit, how),
            crossed: bench.headline.contains(&at).then(crossed).flatten(),
            shown: crate::metrics::mean(asked().map(|outcome| outcome.shown as f64)),
            context_tokens: crate::metrics::mean(asked().map(|outcome| outcome.context_tokens as f64)),
        }
    }

    /// The overall accuracy; below every figure where there is none.
    pub(super) fn rank(&self) -> f64 {
        self.scores.overall.map_or(f64::NEG_INFINITY, |estimate| estimate.value)
    }
}

/// The mean over people of each person's own share of correct choices: the overall figure as the paper computes it.
fn mean_of_people(panel: &Panel, credit: Credit, how: &Resampling) -> Option<Estimate> {
    let shares = |rows: &[Row]| {
        let worth = rows.iter().map(|row| credit.of(row));
        let (right, all) = worth.fold((0.0, 0.0), |sum, (n, d)| (sum.0 + n, sum.1 + d));
        (right, all)
    };
    let people: Vec<&[Row]> = panel.rows.chunk_by(|a, b| a.person == b.person).collect();
    let one = people.iter().filter_map(|rows| rows.first()).map(|row| Row {
        category: 0,
        split: 0,
        ..*row
    });
    let one: Vec<Row> = one.collect();
    let quantity = if panel.is_chance() {
        Quantity::Exact
    } else {
        Quantity::Share
    };
    let own = people.iter().map(|rows| match shares(rows) {
        (right, all) if all > 0.0 => (right / all, 1.0),
        _ => (0.0, 0.0),
    });
    let sums = Sums::of_worths(one.iter().zip(own), 1, quantity);
    clustered_overall(&sums, how)
}
