//! Everything a report tells, as numbers: `summary.json` is this, and tables and pictures are made from it alone.

use serde::{Deserialize, Serialize};

use crate::metrics::{
    Agreement, Bounds, Calibration, Comparison, Counts, Estimate, Inequity, Norm, Readings, Resampling, RunHeader,
    Scores, System,
};
use crate::scoring::Condition;

/// What a report is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ReportOptions {
    /// The norm of likelihoods behind headline figures; absent: the one that each run's spec names.
    pub norm: Option<Norm>,
    /// Resamples behind intervals.
    pub resampling: Resampling,
}

/// Everything a report tells of one or several runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of indieval that made the report.
    pub version: String,
    /// Whether any run's respondents were invented.
    pub synthetic: bool,
    /// What the report was made with.
    pub options: ReportOptions,
    /// Category names.
    pub categories: Vec<String>,
    /// The runs.
    pub runs: Vec<RunSummary>,
    /// Every condition of every run under its headline norm, then the baselines.
    pub systems: Vec<SystemScores>,
    /// Positions in `systems` of each run's main conditions: one a method, with the most demonstrations. A method whose conditions
    /// are each restricted to another category has none: its [`Transfer`] stands in for it.
    pub headline: Vec<usize>,
    /// Positions in `systems` of the baselines shown beside them; of several k of resemblance, the best.
    pub baselines: Vec<usize>,
    /// For each of `baselines`, positions of the runs on whose probes it is.
    pub baseline_runs: Vec<Vec<usize>>,
    /// Main conditions against baselines, on the same probes.
    pub against: Vec<Against>,
    /// Accuracy against number of demonstrations.
    pub curves: Vec<Curve>,
    /// Main conditions by demographic group.
    pub groups: Vec<SystemGroups>,
    /// Accuracy by category of the probe and category of the demonstrations.
    pub transfer: Vec<Transfer>,
    /// Methods of one run against each other.
    pub methods: Vec<MethodPair>,
    /// Likelihood conditions under every norm.
    pub norms: Vec<NormScores>,
    /// Calibration of conditions that give probabilities.
    pub calibration: Vec<SystemCalibration>,
    /// How generated answers were read.
    pub readings: Vec<SystemReadings>,
    /// Own demonstrations against somebody else's or nobody's.
    pub lift: Vec<Lift>,
}

/// What one run was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    /// Its name.
    pub name: String,
    /// Facts about it.
    pub header: RunHeader,
    /// The norm behind its headline.
    pub norm: Norm,
    /// What the spec says it is for; empty where it says nothing.
    pub title: String,
    /// Number of people with an outcome.
    pub people: usize,
    /// Number of outcomes.
    pub outcomes: usize,
}

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
    /// Accuracies with intervals by resampling people.
    pub scores: Scores<Estimate>,
    /// What stands behind each of them.
    pub counts: Scores<Counts>,
    /// Overall accuracy with its interval by resampling people and questions.
    pub crossed: Option<Estimate>,
    /// Mean number of demonstrations really shown; absent for baselines.
    pub shown: Option<f64>,
    /// Mean number of tokens of a context; absent for baselines.
    pub context_tokens: Option<f64>,
}

/// One system against a baseline on the same probes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// Position in `systems`.
    pub system: usize,
    /// Position in `systems`.
    pub baseline: usize,
    /// System minus baseline, overall.
    pub difference: Estimate,
}

/// Accuracy against number of demonstrations, all else equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What is equal.
    pub label: String,
    /// (number of demonstrations, overall accuracy), ascending.
    pub points: Vec<(usize, Estimate)>,
}

/// One system by group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemGroups {
    /// Position in `systems`.
    pub system: usize,
    /// What it is called among those shown together.
    pub label: String,
    /// Its groups.
    pub inequity: Inequity,
}

/// Accuracy by category of the probe (row) and the only category of the demonstrations (column).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// What it is called.
    pub label: String,
    /// Whether its run has no condition of this method with demonstrations from all categories: then this is its result.
    pub main: bool,
    /// Positions in [`Report::systems`], by column.
    pub systems: Vec<usize>,
    /// Categories that demonstrations came from, by position.
    pub columns: Vec<usize>,
    /// Mean number of demonstrations shown, by column.
    pub shown: Vec<f64>,
    /// `cells[row][column]`, rows being all categories.
    pub cells: Vec<Vec<Option<Estimate>>>,
    /// The diagonal: probes of the category that the demonstrations came from.
    pub same: Scores<Estimate>,
    /// Everything beside the diagonal: probes of other categories, all columns together.
    pub others: Scores<Estimate>,
    /// The diagonal minus the mean beside it, on the same probes.
    pub lift: Scores<Estimate>,
    /// Shown baselines (positions in [`Report::systems`]) and the diagonal minus them, overall, on the same probes.
    pub against: Vec<(usize, Estimate)>,
}

/// Two methods of one run on the same probes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodPair {
    /// What the first is called.
    pub first: String,
    /// What the second is called.
    pub second: String,
    /// What is equal in both.
    pub common: String,
    /// The comparison, first minus second.
    pub comparison: Comparison,
}

/// One likelihood condition under every norm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NormScores {
    /// What it is called.
    pub label: String,
    /// Its norms.
    pub norms: Vec<NormRow>,
    /// The baseline that conclusions are about: the strongest there is.
    pub baseline: String,
}

/// One norm of one condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NormRow {
    /// The norm.
    pub norm: Norm,
    /// Overall accuracy.
    pub accuracy: Estimate,
    /// Agreement of its choices with those of the headline norm; absent for that norm itself.
    pub agreement: Option<Agreement>,
    /// Accuracy minus chance, on the same probes.
    pub over_chance: Option<Estimate>,
    /// Accuracy minus the strongest baseline, on the same probes.
    pub over_baseline: Option<Estimate>,
}

/// Calibration of one condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemCalibration {
    /// What it is called.
    pub label: String,
    /// Its calibration.
    pub calibration: Calibration,
}

/// How one condition's answers were read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemReadings {
    /// What it is called.
    pub label: String,
    /// The condition.
    pub condition: Condition,
    /// Counts.
    pub readings: Readings,
    /// What the unread may be worth.
    pub bounds: Bounds,
}

/// Own demonstrations minus a control, paired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    /// What is equal in both.
    pub label: String,
    /// Whose demonstrations the control showed.
    pub control: String,
    /// Accuracy with one's own.
    pub own: f64,
    /// Accuracy under the control.
    pub other: f64,
    /// Own minus control.
    pub difference: Scores<Estimate>,
    /// Number of probes.
    pub probes: usize,
}

impl RunSummary {
    /// Whether outcomes are missing.
    pub fn incomplete(&self) -> bool {
        self.header.planned.is_some_and(|planned| self.outcomes < planned)
    }
}
