//! Records become tables, pictures and pages.
//!
//! [`Report::new`] computes every number from runs; tables ([`Report::main_table`], [`Report::csv_tables`]) and the page
//! ([`Page`]) are made from those numbers alone.

mod build;
mod charts;
mod choices;
mod compare;
mod compare_tables;

mod csv;
mod findings;
#[cfg(test)]
mod method_checks;
mod names;
mod numbers;
mod page;
mod page_checks;
mod page_parts;
mod page_results;
mod published;
mod ranking;
mod sections;
mod svg;
mod table;
mod tables;
mod transfer;
mod words;

pub use choices::SystemChoices;
pub use compare::{CompareError, Comparisons, Factor, GroupDifference, Pair};
pub use numbers::{
    Against, Curve, CurvePoint, Lift, MethodPair, NormRow, NormScores, Ranked, Report, ReportOptions, RunSummary,
    SystemCalibration, SystemGroups, SystemReadings, SystemScores, Transfer,
};
pub use page::{Page, PageError};
pub use table::{Align, Table};
