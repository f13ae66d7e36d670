//! The table of a report that people read first.

use super::names::{self, Name};
use super::numbers::{Lift, Report};
use super::table::{Align, Table};
use super::words::{contrast, mean_shown, otherwise, percent, range, reach, with_interval};
use crate::metrics::{Estimate, Scores, System};

/// One column of the tables and pictures of overall results.
pub(super) struct Column<'a> {
    /// What it is called.
    pub label: String,
    /// A result of this report; otherwise a baseline.
    pub ours: bool,
    /// Whether it is chance, which has no interval.
    pub chance: bool,
    /// Number of people.
    pub people: usize,
    /// Its accuracies.
    pub scores: &'a Scores<Estimate>,
    /// The mean of people's own shares; absent for grids.
    pub mean_of_people: Option<&'a Estimate>,
}

impl Report {
    /// Columns of the main table: main conditions, grids of categories that stand in for one, then baselines.
    pub(super) fn columns(&self) -> Vec<Column<'_>> {
        let ours = self.headline.iter().zip(names::labels(&self.names(&self.headline)));
        let mut columns: Vec<Column<'_>> = ours.map(|(at, label)| self.column(*at, label, true)).collect();
        for grid in self.transfer.iter().filter(|grid| grid.main) {
            let people = grid.systems.first().map_or(0, |at| self.systems[*at].people);
            for (what, scores) in [("same category", &grid.same), ("other categories", &grid.others)] {
                columns.push(Column {
                    label: format!("{} · {what}", grid.label),
                    ours: true,
                    chance: false,
                    people,
                    scores,
                    mean_of_people: None,
                });
            }
        }
        let baselines = self.baselines.iter().copied();
        columns.extend(baselines.map(|at| self.column(at, self.baseline_label(at), false)));
        columns
    }

    fn column(&self, at: usize, label: String, ours: bool) -> Column<'_> {
        let system = &self.systems[at];
        Column {
            label,
            ours,
            chance: system.system == System::Chance,
            people: system.people,
            scores: &system.scores,
            mean_of_people: system.mean_of_people.as_ref(),
        }
    }

    /// What a baseline is called: with the runs that it belongs to where another run has one of the same kind.
    pub(super) fn baseline_label(&self, at: usize) -> String {
        let system = &self.systems[at].system;
        let kind = |at: &usize| std::mem::discriminant(&self.systems[*at].system);
        let alike = self.baselines.iter().filter(|other| kind(other) == kind(&at)).count();
        let word = names::baseline(system);
        let runs = self.baselines.iter().position(|b| *b == at);
        let runs = runs
            .and_then(|position| self.baseline_runs.get(position))
            .filter(|_| alike > 1);
        let runs = runs.map(|runs| runs.iter().map(|run| self.runs[*run].name.as_str()).collect::<Vec<_>>());
        runs.map_or(word.clone(), |runs| format!("{word} ({})", runs.join(", ")))
    }

    /// What systems are called.
    fn names(&self, systems: &[usize]) -> Vec<Name> {
        let name = |at: &usize| {
            let scores = &self.systems[*at];
            let run = &self.runs[scores.run];
            Name::new(&run.name, &run.header.model.name, &scores.system)
        };
        systems.iter().map(name).collect()
    }

    /// The word that stands wherever a result is shown.
    pub fn respondents_word(&self) -> &'static str {
        if self.synthetic { "synthetic" } else { "survey" }
    }

    /// The tables for people: the main one, and where there is more than it shows, every condition and the individual lift.
    pub fn tables(&self) -> Vec<Table> {
        let more = [self.choices_table(), self.conditions_table(), self.lift_table()];
        std::iter::once(self.main_table())
            .chain(more.into_iter().flatten())
            .collect()
    }

    /// What the people of this report are too few to show, if anything; of several runs, the one with the fewest decides.
    pub(super) fn few(&self) -> Option<String> {
        let least = self.runs.iter().map(|run| run.people).min()?;
        reach(least, self.categories.len(), &self.options.resampling)
    }

    /// The table for people: categories and overall by system, in percent with 95 % intervals.
    pub fn main_table(&self) -> Table {
        let synthetic = if self.synthetic { "SYNTHETIC respondents. " } else { "" };
        let columns = self.columns();
        let shown: String = names::in_common(&self.names(&self.headline))
            .iter()
            .map(|part| format!(", {part}"))
            .collect();
        let ours = || columns.iter().filter(|column| column.ours);
        let people = range(ours().map(|column| column.people));
        let grids = if self.transfer.iter().any(|grid| grid.main) {
            " All demonstrations came from one category: that of the probe (same category) or another one."
        } else {
            ""
        };
        let few = self.few().map_or(String::new(), |few| format!(" {few}"));
        let caption = format!(
            "{synthetic}Accuracy in percent with 95 % intervals over {people}{shown}; overall is the mean of the \
             categories, as mean of people it weighs people alike (the paper's figure).{grids}{few}"
        );
        let mut table = Table::new("main", caption, &[("category", Align::Left)]);
        let titles = columns.iter().map(|column| (column.label.clone(), Align::Right));
        table.columns.extend(titles);
        for (row, category) in self.categories.iter().enumerate() {
            let cells = columns
                .iter()
                .map(|column| with_interval(column.scores.categories[row].as_ref()));
            let name = names::short_category(category);
            table.rows.push(std::iter::once(name).chain(cells).collect());
        }
        let overall = columns
            .iter()
            .map(|column| with_interval(column.scores.overall.as_ref()));
        table
            .rows
            .push(std::iter::once("Overall".to_owned()).chain(overall).collect());
        let people = columns.iter().map(|column| with_interval(column.mean_of_people));
        table
            .rows
            .push(std::iter::once("Mean of people".to_owned()).chain(people).collect());
        table
    }

    /// Position and label of every condition of a model.
    pub fn conditions(&self) -> Vec<(usize, String)> {
        let of_model = |at: &usize| matches!(self.systems[*at].system, System::Model { .. });
        let conditions: Vec<usize> = (0..self.systems.len()).filter(of_model).collect();
        let labels = names::labels(&self.names(&conditions));
        conditions.into_iter().zip(labels).collect()
    }

    /// Overall accuracy of every condition; absent where the main table has them all.
    pub fn conditions_table(&self) -> Option<Table> {
        let conditions = self.conditions();
        if conditions.len() <= self.headline.len() {
            return None;
        }
        let row = |(at, label): (usize, String)| {
            let system = &self.systems[at];
            let scores = system.scores.overall.as_ref();
            let tokens = system.context_tokens.map_or(String::new(), |n| format!("{n:.0}"));
            let shown = system.shown.map_or(String::new(), mean_shown);
            let people = system.people.to_string();
            vec![
                label,
                people,
                with_interval(scores),
                system.unread.to_string(),
                shown,
                tokens,
            ]
        };
        let columns = [
            ("condition", Align::Left),
            ("people", Align::Right),
            ("overall", Align::Right),
            ("unreadable", Align::Right),
            ("statements shown", Align::Right),
            ("tokens of context", Align::Right),
        ];
        let caption = format!(
            "Overall accuracy of every condition ({} respondents); an answer that cannot be read counts as wrong.",
            self.respondents_word()
        );
        let mut table = Table::new("conditions", caption, &columns);
        table.rows = conditions.into_iter().map(row).collect();
        Some(table)
    }

    /// Own demonstrations against somebody else's or nobody's; absent where no control was run.
    pub fn lift_table(&self) -> Option<Table> {
        let columns = [
            ("system", Align::Left),
            ("control", Align::Left),
            ("own, %", Align::Right),
            ("control, %", Align::Right),
            ("lift, points", Align::Right),
            ("both read", Align::Right),
            ("unread a guess", Align::Right),
            ("probes", Align::Right),
        ];
        let caption = format!(
            "Individual lift: accuracy with the person's own statements minus accuracy with the control's, paired on the \
             same probes, with 95 % intervals ({} respondents). Unread answers are wrong; beside it, the probes that both sides \
             could read, and unread answers worth a guess.",
            self.respondents_word()
        );
        let mut table = Table::new("lift", caption, &columns);
        let row = |lift: &Lift| {
            let (own, other) = (percent(Some(lift.own)), percent(Some(lift.other)));
            let [shared, chance] = otherwise(lift.difference.overall.as_ref());
            vec![
                lift.label.clone(),
                lift.control.clone(),
                own,
                other,
                contrast(lift.difference.overall.as_ref()),
                shared,
                chance,
                lift.probes.to_string(),
            ]
        };
        table.rows = self.lift.iter().map(row).collect();
        (!table.rows.is_empty()).then_some(table)
    }
}
