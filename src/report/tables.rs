//! The table of a report that people read first.

use super::names;
use super::numbers::Report;
use super::table::{Align, Table};
use super::words::{percent, with_interval};
use crate::metrics::{Estimate, System};

impl Report {
    /// Systems shown in the main table: main cells, then baselines.
    pub fn shown(&self) -> Vec<usize> {
        self.headline.iter().chain(&self.baselines).copied().collect()
    }

    /// Labels of the systems of the main table.
    pub fn shown_labels(&self) -> Vec<String> {
        let parts = |at: &usize| {
            let scores = &self.systems[*at];
            let run = &self.runs[scores.run];
            names::parts(&run.name, &run.header.model.name, &scores.system)
        };
        let models: Vec<_> = self.headline.iter().map(parts).collect();
        let baselines = self
            .baselines
            .iter()
            .map(|at| names::baseline(&self.systems[*at].system));
        names::labels(&models).into_iter().chain(baselines).collect()
    }

    /// The word that stands wherever a result is shown.
    pub fn respondents_word(&self) -> &'static str {
        if self.synthetic { "synthetic" } else { "survey" }
    }

    /// The table for people: categories and overall by system, in percent with 95 % intervals.
    pub fn main_table(&self) -> Table {
        let synthetic = if self.synthetic { "SYNTHETIC respondents. " } else { "" };
        let people = self.runs.iter().map(|run| run.people).max().unwrap_or(0);
        let caption = format!(
            "{synthetic}Accuracy in percent with 95 % intervals over {people} people; overall is the mean of the categories."
        );
        let labels = self.shown_labels();
        let mut columns = vec![("category".to_owned(), Align::Left)];
        columns.extend(labels.into_iter().map(|label| (label, Align::Right)));
        let mut table = Table {
            name: "main".into(),
            caption,
            columns,
            rows: Vec::new(),
        };
        let cell = |at: usize, estimate: Option<&Estimate>| match self.systems[at].system {
            System::Chance => percent(estimate.map(|e| e.value)),
            _ => with_interval(estimate),
        };
        for (row, category) in self.categories.iter().enumerate() {
            let cells = self
                .shown()
                .into_iter()
                .map(|at| cell(at, self.systems[at].scores.categories[row].as_ref()));
            table
                .rows
                .push(std::iter::once(names::short_category(category)).chain(cells).collect());
        }
        let overall = self
            .shown()
            .into_iter()
            .map(|at| cell(at, self.systems[at].scores.overall.as_ref()));
        table
            .rows
            .push(std::iter::once("Overall".to_owned()).chain(overall).collect());
        table
    }
}
