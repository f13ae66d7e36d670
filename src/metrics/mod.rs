//! Pure numbers from outcomes: accuracies, intervals, paired tests, agreement, calibration, inequity.
//!
//! [`RunData`] is what a run folder says; [`Roster`] numbers people and questions; a [`Panel`] is what one [`System`]
//! chose on every probe; [`Sums`] reduce it to one numerator and denominator a person and slot, from which every mean
//! and every resample is made. Nothing here reads files or prints.

mod average;
mod bootstrap;
mod calibration;
mod choice;
mod choices;
mod constancy;
mod contrast;
mod crossed;
mod estimate;
mod flips;
mod groups;
mod input;
mod paired;
mod panel;
mod reading;
mod roster;
mod shortest;
mod student;
mod tail;

pub use crate::scoring::Norm;
pub use average::{ProbeCounts, Scores, Sums, Totals, counts, mean, tally};
pub use bootstrap::{Resampling, clustered, clustered_overall};
pub use calibration::{BINS, Bin, Calibration, Forecast, calibration, softmax};
pub use choice::{candidate_scores, is_informed, prediction};
pub use choices::{AlwaysAlike, Flips, Habits, flips};
pub use constancy::{Beside, Constancy, constancy};
pub use contrast::{Constant, Contrast, Otherwise, contrasts, p_by_category};
pub use crossed::crossed_overall;
pub use estimate::{
    Estimate, FEWEST_FOR_INTERVAL, FEWEST_FOR_WORDS, FROM_PERCENTILE, Interval, LEVEL, Quantity, Tested, Verdict,
};
pub use flips::{sign_flip, smallest_p, tries_all};
pub use groups::{DimensionGroups, GroupAccuracy, Inequity, by_group, sample_deviation};
pub use input::{BaselineRow, DimensionOrder, ModelInfo, Person, QuestionInfo, RunData, RunHeader};
pub use paired::{Agreement, Comparison, Outcomes2x2, Paired, agreement};
pub use panel::{Chooser, Credit, Panel, Row, SPLITS, System, Unread, baselines, conditions};
pub use reading::{Bounds, Readings, bounds, readings};
pub use roster::{MetricsError, Roster};
pub use shortest::{Measure, Shortest, shortest};
pub use tail::{EXACT_UP_TO, holm, mcnemar, minimum_detectable};
