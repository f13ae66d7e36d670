//! Records become tables, pictures and pages.
//!
//! [`Report::new`] computes every number from runs; tables ([`Report::tables`], [`Report::csv_tables`]) and the page
//! (`Page`) are made from those numbers alone. What is said of all systems alike is in `Results`; everything else is
//! a section, one file each in `sections/`, with its numbers, its tables and its part of the page.

mod answers;
mod bench;
mod charts;
mod compare;
mod compare_tables;
mod csv;
mod export;
#[cfg(test)]
mod method_checks;
mod names;
mod opening;
mod options;
mod outcome_context;
mod page;
mod phrases;
mod published;
mod ranking;
mod results;
mod section;
mod sections;
mod svg;
mod system_scores;
mod table;
mod whole;
mod words;

pub use compare::{CompareError, Comparisons};
pub use export::{EeeModel, ExportError, InspectLog, evaluations, logs, predictions};
pub use options::ReportOptions;
pub use page::{Page, PageError};
pub use whole::Report;

#[doc(hidden)]
pub use compare::Factor;
#[doc(hidden)]
pub use table::Table;

pub(crate) use answers::{AnswerFilter, ModelAnswer, answers};
pub(crate) use csv::CsvTable;
pub(crate) use names::condition_words;
