//! The sections of a report, in the order in which a reader meets them.
//!
//! A section is a file here, its template, and a line in the list below.

use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::results::Results;
use super::section::ReportSection;
use crate::metrics::MetricsError;

mod accuracy;
mod calibration;
mod choices;
mod conditions;
mod demonstrations;
mod differences;
mod factors;
mod groups;
mod individuals;
mod lift;
mod methods;
mod norms;
mod notes;
mod ordered;
mod people;
mod readings;
mod repeated;
mod transfer;
mod wordings;

pub use calibration::SystemCalibration;
pub use choices::SystemChoices;
pub use demonstrations::Curve;
pub use factors::ShownPair;
pub use groups::SystemGroups;
pub use individuals::SystemIndividuals;
pub use lift::Lift;
pub use methods::MethodPair;
pub use norms::NormScores;
pub use ordered::OrderedAnswers;
pub use people::SystemPeople;
pub use readings::SystemReadings;
pub use repeated::AskedAgain;
pub use transfer::Transfer;
pub(in crate::report) use transfer::diagonal;
pub use wordings::Wordings;

/// Declares the sections: the struct that holds them, their computation, and the list that the page, the tables and the
/// CSV files are made from.
macro_rules! sections {
    ($($(#[$about:meta])* $name:ident: $kind:ty,)+) => {
        /// The numbers of every section.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct Sections {
            $($(#[$about])* pub $name: $kind,)+
        }

        impl Sections {
            /// Computes all of them.
            pub(in crate::report) fn compute(bench: &Bench<'_>, results: &Results) -> Result<Self, MetricsError> {
                Ok(Self { $($name: ReportSection::compute(bench, results)?,)+ })
            }

            /// All of them, in order.
            pub(in crate::report) fn list(&self) -> Vec<&dyn ReportSection> {
                vec![$(&self.$name),+]
            }
        }
    };
}

// A section whose numbers are those of `Results` has none of its own to write down.
sections! {
    /// The table of categories.
    #[serde(skip)]
    accuracy: accuracy::AccuracyTable,
    /// Ranked systems against each other.
    #[serde(skip)]
    differences: differences::DifferenceMatrix,
    /// What every condition chooses, beside what people answered.
    choices: Vec<SystemChoices>,
    /// Agreement by question, spread, distances, and for how many people each system beats the baselines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    individuals: Vec<SystemIndividuals>,
    /// Accuracy against number of demonstrations.
    curves: Vec<Curve>,
    /// Refined and polar statements, demographics and none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shown: Vec<ShownPair>,
    /// Own demonstrations against somebody else's or nobody's.
    lift: Vec<Lift>,
    /// Main conditions by demographic group.
    groups: Vec<SystemGroups>,
    /// Who is known best and least.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    people: Vec<SystemPeople>,
    /// Questions whose answers have an order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ordered: Vec<OrderedAnswers>,
    /// Accuracies beside what people themselves reach, and weighted ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    asked_again: Vec<AskedAgain>,
    /// Accuracy by category of the probe and category of the demonstrations.
    transfer: Vec<Transfer>,
    /// Methods of one run against each other.
    methods: Vec<MethodPair>,
    /// One condition in several prompt files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    wordings: Vec<Wordings>,
    /// Likelihood conditions under every norm.
    norms: Vec<NormScores>,
    /// Calibration of conditions that give probabilities.
    calibration: Vec<SystemCalibration>,
    /// How generated answers were read.
    readings: Vec<SystemReadings>,
    /// What was run, and every condition of the grid.
    #[serde(skip)]
    conditions: conditions::RunList,
    /// How figures are made.
    #[serde(skip)]
    notes: notes::Notes,
}
