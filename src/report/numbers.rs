//! Everything a report tells, as numbers: `summary.json` is this, and tables and pictures are made from it alone.

use serde::{Deserialize, Serialize};

use super::choices::SystemChoices;
use crate::metrics::{
    Agreement, Bounds, Calibration, Comparison, Contrast, Counts, Estimate, Inequity, Norm, Readings, Resampling,
    RunHeader, Scores, Shortest, System,
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
    /// Main conditions of all runs from the highest overall accuracy down; empty for a single run, whose headline is the
    /// first method of its spec.
    pub ranking: Vec<Ranked>,
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
    /// What every condition chooses, beside what people answered.
    pub choices: Vec<SystemChoices>,
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
    /// Accuracies with intervals over people.
    pub scores: Scores<Estimate>,
    /// What stands behind each of them.
    pub counts: Scores<Counts>,
    /// Overall accuracy with its interval over people and questions.
    pub crossed: Option<Estimate>,
    /// The mean of people's own shares, as the paper computes it: it weighs a person alike however many probes they have.
    pub mean_of_people: Option<Estimate>,
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
    pub difference: Contrast,
}

/// One system among those of several runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// Position in `systems`.
    pub system: usize,
    /// What it is called among them.
    pub label: String,
    /// It minus the next one, on the probes that both have; absent for the last one and where they share none.
    pub ahead_of_next: Option<Contrast>,
    /// p of that difference, adjusted after Holm for all pairs of ranked systems.
    pub p_adjusted: Option<f64>,
}

/// Accuracy against number of demonstrations, all else equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What is equal.
    pub label: String,
    /// By number of demonstrations, ascending.
    pub points: Vec<CurvePoint>,
    /// The last point minus the first, on the same probes.
    pub gain: Option<Contrast>,
}

/// One point of a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Number of demonstrations.
    pub demonstrations: usize,
    /// Overall accuracy; what could not be read is wrong.
    pub accuracy: Estimate,
    /// What it would be under the other rules for unread answers.
    pub bounds: Bounds,
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
    pub lift: Scores<Contrast>,
    /// Shown baselines (positions in [`Report::systems`]) and the diagonal minus them, overall, on the same probes.
    pub against: Vec<(usize, Contrast)>,
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
    /// Overall accuracy; absent where no record says anything under the norm.
    pub accuracy: Option<Estimate>,
    /// How often the shortest candidate is chosen; absent where all are equally long.
    pub shortest: Option<Shortest>,
    /// Agreement of its choices with those of the headline norm; absent for that norm itself.
    pub agreement: Option<Agreement>,
    /// Accuracy minus chance, on the same probes.
    pub over_chance: Option<Contrast>,
    /// Accuracy minus the strongest baseline, on the same probes.
    pub over_baseline: Option<Contrast>,
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
    pub difference: Scores<Contrast>,
    /// Number of probes.
    pub probes: usize,
}

impl RunSummary {
    /// Whether outcomes are missing.
    pub fn incomplete(&self) -> bool {
        self.header.planned.is_some_and(|planned| self.outcomes < planned)
    }
}
