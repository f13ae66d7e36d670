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

    /// What systems are called, part by part.
    fn parts(&self, systems: &[usize]) -> Vec<[String; 9]> {
        let parts = |at: &usize| {
            let scores = &self.systems[*at];
            let run = &self.runs[scores.run];
            names::parts(&run.name, &run.header.model.name, &scores.system)
        };
        systems.iter().map(parts).collect()
    }

    /// Labels of the systems of the main table.
    pub fn shown_labels(&self) -> Vec<String> {
        let models = self.parts(&self.headline);
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
        let shown: String = names::in_common(&self.parts(&self.headline))
            .iter()
            .map(|part| format!(", {part}"))
            .collect();
        let caption = format!(
            "{synthetic}Accuracy in percent with 95 % intervals over {people} people{shown}; overall is the mean of the categories."
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

    /// Position and label of every cell of a model.
    pub fn cells(&self) -> Vec<(usize, String)> {
        let of_model = |at: &usize| matches!(self.systems[*at].system, System::Model { .. });
        let cells: Vec<usize> = (0..self.systems.len()).filter(of_model).collect();
        let labels = names::labels(&self.parts(&cells));
        cells.into_iter().zip(labels).collect()
    }

    /// Overall accuracy of every cell; absent where the main table has them all.
    pub fn cells_table(&self) -> Option<Table> {
        let cells = self.cells();
        if cells.len() <= self.headline.len() {
            return None;
        }
        let row = |(at, label): (usize, String)| {
            let system = &self.systems[at];
            let scores = system.scores.overall.as_ref();
            let tokens = system.context_tokens.map_or(String::new(), |n| format!("{n:.0}"));
            vec![label, with_interval(scores), system.unread.to_string(), tokens]
        };
        let columns = [
            ("cell", Align::Left),
            ("overall", Align::Right),
            ("unreadable", Align::Right),
            ("tokens of context", Align::Right),
        ];
        let caption = format!(
            "Overall accuracy of every cell ({} respondents); an answer that cannot be read counts as wrong.",
            self.respondents_word()
        );
        let mut table = Table::new("cells", caption, &columns);
        table.rows = cells.into_iter().map(row).collect();
        Some(table)
    }
}
