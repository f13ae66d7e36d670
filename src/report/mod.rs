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
mod headline;
mod identity;
mod latex;
#[cfg(test)]
mod method_checks;
mod names;
mod naming;
mod numbering;
mod opening;
mod options;
mod outcome_context;
mod overlap;
mod page;
mod person;
mod person_files;
mod phrases;
mod published;
mod ranking;
mod results;
mod section;
mod sections;
mod style;
mod svg;
mod svg_file;
mod system_scores;
mod table;
mod whole;
mod words;

pub use compare::{CompareError, Comparisons};
pub use export::{EeeModel, ExportError, InspectLog, evaluations, logs, predictions, predictions_parquet};
pub use options::ReportOptions;
pub use page::{Page, PageError};
pub use whole::Report;

#[doc(hidden)]
pub use compare::Factor;
#[doc(hidden)]
pub use svg_file::{FigureFile, is_figure, is_figure_name};
#[doc(hidden)]
pub use table::Table;

pub(crate) use latex::document as latex_document;

pub(crate) use answers::{AnswerFilter, ModelAnswer, answers};
pub(crate) use csv::CsvTable;
pub(crate) use names::condition_words;
pub(crate) use naming::Naming;
pub(crate) use person::{PersonFile, PersonPages};
pub(crate) use person_files::run_folder;
