//! Pure numbers from outcomes: accuracies, intervals, paired tests, agreement, calibration, inequity.
//!
//! [`RunData`] is what a run folder says; [`Roster`] numbers people and questions; a [`Panel`] is what one [`System`]
//! chose on every probe; [`Sums`] reduce it to one numerator and denominator a person and slot, from which every mean
//! and every resample is made. Nothing here reads files or prints.

mod average;
mod bootstrap;
mod calibration;
mod choice;
mod groups;
mod input;

mod paired;
mod panel;
mod reading;
mod roster;
mod tail;

pub use crate::scoring::Norm;
pub use average::{Counts, Scores, Sums, Totals, counts, mean};
pub use bootstrap::{Estimate, Resampling, Spread, clustered, clustered_overall, crossed_overall};
pub use calibration::{BINS, Bin, Calibration, calibration, softmax};
pub use choice::{candidate_scores, prediction};
pub use groups::{DimensionGroups, Group, Inequity, by_group, sample_deviation};
pub use input::{BaselineRow, Dimension, ModelInfo, Person, QuestionInfo, RunData, RunHeader};
pub use paired::{Agreement, Comparison, Outcomes2x2, Paired, agreement, sign_flip};
pub use panel::{Credit, Panel, Row, SPLITS, System, Unread, baselines, conditions};
pub use reading::{Bounds, Readings, bounds, readings};
pub use roster::{MetricsError, Roster};
pub use tail::{EXACT_UP_TO, holm, mcnemar, minimum_detectable};
