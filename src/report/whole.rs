//! A report: all systems and how they stand, and the sections that lean on them.

use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::csv::CsvTable;
use super::headline::picture;
use super::options::ReportOptions;
use super::results::Results;
use super::section::ReportContext;
use super::sections::Sections;
use super::svg_file::FigureFile;
use super::table::Table;
use crate::metrics::{MetricsError, RunData, RunTable};

/// Everything a report tells of one or several runs; `summary.json` is this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// All systems and how they stand to each other.
    #[serde(flatten)]
    pub results: Results,
    /// Everything else, by section.
    #[serde(flatten)]
    pub sections: Sections,
}

impl Report {
    /// Names of all tables for programs that a report may have.
    pub const TABLES: [&str; 15] = [
        "accuracy",
        "agreement",
        "asked-again",
        "calibration",
        "category-to-category",
        "choices",
        "differences",
        "form-and-demographics",
        "groups",
        "individual-lift",
        "individuals",
        "norms",
        "ordered-answers",
        "readings",
        "wordings",
    ];

    /// Computes everything from runs.
    ///
    /// # Errors
    /// Where a run names people, questions or candidates that it does not have, or runs contradict each other.
    pub fn new(runs: &[RunData], options: ReportOptions) -> Result<Self, MetricsError> {
        let runs: Vec<RunTable> = runs.iter().map(RunData::table).collect();
        Self::of_tables(&runs, options)
    }

    /// The same from runs whose outcomes are tables, which is all that is computed from.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_tables(runs: &[RunTable], options: ReportOptions) -> Result<Self, MetricsError> {
        let bench = Bench::new(runs, options)?;
        let results = Results::new(&bench)?;
        let sections = Sections::compute(&bench, &results)?;
        Ok(Self { results, sections })
    }

    /// What sections draw on beside their own numbers.
    pub(super) fn context(&self) -> ReportContext<'_> {
        let mut columns = self.results.main_columns();
        for section in self.sections.list() {
            columns.extend(section.columns(&self.results));
        }
        columns.extend(self.results.baseline_columns());
        ReportContext {
            results: &self.results,
            columns,
            people_pages: false,
        }
    }

    /// The tables for people, the main one first.
    pub fn tables(&self) -> Vec<Table> {
        let context = self.context();
        let sections = self.sections.list().into_iter();
        sections.flat_map(|section| section.tables(&context)).collect()
    }

    /// All pictures, as files that stand alone, the opening's first.
    pub fn figures(&self) -> Vec<FigureFile> {
        let context = self.context();
        let sections = self.sections.list().into_iter();
        let drawings = sections.flat_map(|section| section.drawings(&context));
        std::iter::once(picture(&context))
            .chain(drawings)
            .map(|drawing| FigureFile {
                name: drawing.id.clone(),
                text: drawing.file(),
            })
            .collect()
    }

    /// All tables for programs that have a row, the accuracies first.
    ///
    /// # Errors
    /// Where a row has no columns, which tests rule out.
    pub fn csv_tables(&self) -> Result<Vec<CsvTable>, csv::Error> {
        let context = self.context();
        let mut tables = Vec::new();
        for section in self.sections.list() {
            tables.extend(section.csv(&context)?.filter(|table| !table.text.is_empty()));
        }
        Ok(tables)
    }
}
