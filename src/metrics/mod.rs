//! Pure numbers from outcomes: accuracies, intervals, paired tests, agreement, calibration, inequity.
//!
//! `RunData` is what a run folder says, `RunTable` what is needed of it here; `Roster` numbers people and questions; a `Panel` is what one `System`
//! chose on every probe; `Sums` reduce it to one numerator and denominator a person and slot, from which every mean
//! and every resample is made. Nothing here reads files or prints.

mod average;
mod baseline_table;
mod bootstrap;
mod calibration;
mod choices;
mod constancy;
mod contrast;
mod counted;
mod crossed;
mod drawn;
mod estimate;
mod flips;
mod groups;
mod individuals;
mod input;
mod met;
pub(crate) mod ordered;
mod paired;
mod panel;
mod probes;
mod reading;
mod roster;
mod row;
mod shortest;
mod student;
mod table;
mod tail;
mod weighed;

pub use bootstrap::Resampling;
pub use input::{RunData, RunTable};
pub use roster::MetricsError;
pub use table::{OutcomeTable, TabledOutcome};

#[doc(hidden)]
pub use crate::scoring::Norm;
pub(crate) use baseline_table::TabledBaseline;
#[doc(hidden)]
pub use baseline_table::{BaselineRow, BaselineTable};
#[doc(hidden)]
pub use input::{DimensionOrder, ModelInfo, Person, QuestionInfo, RunHeader, SecondAnswer};

pub(crate) use average::{ProbeCounts, Scores, Sums, counts, mean, tally};
pub(crate) use bootstrap::{clustered, clustered_overall};
pub(crate) use calibration::{Bin, Calibration, Forecast, calibration, softmax};
pub(crate) use choices::{AlwaysAlike, Flips, Habits, flips};
pub(crate) use constancy::{Beside, Constancy, constancy};
pub(crate) use contrast::{Constant, Contrast, contrasts, p_by_category};
pub(crate) use crossed::crossed_overall;
#[doc(hidden)]
pub use estimate::Verdict;
pub(crate) use estimate::{Estimate, FEWEST_FOR_INTERVAL, FEWEST_FOR_WORDS, Interval, LEVEL, Quantity, Tested};
pub(crate) use flips::{smallest_p, tries_all};
pub(crate) use groups::{DimensionGroups, GroupAccuracy, Inequity, by_group};
pub(crate) use individuals::{
    CountryDistance, FEWEST_OF_A_COUNTRY, PeopleBeaten, QuestionFigures, by_country, by_question, gap_closed,
    people_beaten, spread,
};
pub(crate) use ordered::{ChoicePair, effective_people};
pub(crate) use paired::{Agreement, Comparison, Outcomes2x2, Paired, agreement};
pub(crate) use panel::{Chooser, Credit, Panel, Row, SPLITS, System, Unread, baselines, conditions};
pub(crate) use probes::Probes;
pub(crate) use reading::{Bounds, Readings, bounds, readings};
pub(crate) use roster::Roster;
pub(crate) use shortest::{Shortest, shortest};
pub(crate) use tail::holm;
