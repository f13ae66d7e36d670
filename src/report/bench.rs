//! What every number of a report is computed from: people and questions, and what each system said of every probe.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::identity::NamedSystem;
use super::names::{self, Name, NamePart};
use super::naming::Naming;
use super::options::ReportOptions;
use crate::metrics::{MetricsError, Norm, Paired, Panel, Probes, Roster, RunTable, System, baselines, conditions};
use crate::run::Spec;
use crate::scoring::{Condition, Method};
use crate::survey::Form;

/// A system with its rows, before it is reduced to numbers.
pub(super) struct Contender {
    /// Position of the run.
    pub run: usize,
    /// What it is.
    pub system: System,
    /// Its rows.
    pub panel: Panel,
    /// Its name.
    pub name: Name,
}

impl Contender {
    /// The condition; absent for baselines.
    pub fn condition(&self) -> Option<&Condition> {
        match &self.system {
            System::Model { condition, .. } => Some(condition),
            _ => None,
        }
    }
}

/// Everything that the sections of a report are computed from.
pub(super) struct Bench<'a> {
    /// The runs.
    pub runs: &'a [RunTable],
    /// The headline norm of each run.
    pub norms: Vec<Norm>,
    /// People and questions.
    pub roster: Roster,
    /// All systems: model conditions of all runs, then baselines.
    pub entries: Vec<Contender>,
    /// For each run, positions of its baselines in `entries`.
    pub baselines: Vec<Vec<usize>>,
    /// Positions of main conditions.
    pub headline: Vec<usize>,
    /// How conditions are called.
    pub naming: Naming,
    /// What the report is made with.
    pub options: ReportOptions,
}

impl<'a> Bench<'a> {
    /// Reads the panels of all systems.
    pub fn new(runs: &'a [RunTable], options: ReportOptions) -> Result<Self, MetricsError> {
        let norm = |run: &RunTable| options.norm.unwrap_or_else(|| spec_norm(run));
        let mut bench = Self {
            runs,
            norms: runs.iter().map(norm).collect(),
            roster: Roster::new(runs)?,
            entries: Vec::new(),
            baselines: Vec::new(),
            headline: Vec::new(),
            naming: Naming::of_runs(runs),
            options,
        };
        for run in 0..runs.len() {
            bench.add_conditions(run)?;
        }
        let first = bench.entries.len();
        for run in 0..runs.len() {
            bench.add_baselines(run, first)?;
        }
        Ok(bench)
    }

    /// Adds the conditions of a run, and says which of them are its main ones.
    fn add_conditions(&mut self, run: usize) -> Result<(), MetricsError> {
        let start = self.entries.len();
        for condition in conditions(&self.runs[run]) {
            let norm = self.norms[run];
            let entry = self.contender(run, condition, norm)?;
            self.entries.push(entry);
        }
        let main = main_conditions(&self.entries[start..], &spec_methods(&self.runs[run]));
        self.headline.extend(main.into_iter().map(|position| start + position));
        Ok(())
    }

    /// Adds the baselines of a run, which stand from `first` on; one that another run has alike is the same.
    fn add_baselines(&mut self, run: usize, first: usize) -> Result<(), MetricsError> {
        let mut own = Vec::new();
        let runs: &'a [RunTable] = self.runs;
        let data = &runs[run];
        let probes = Probes::new(data, &self.roster)?;
        for system in baselines(data) {
            let Some(panel) = Panel::of_baseline(&probes, &system) else {
                continue;
            };
            let entry = self.entry(run, system, panel);
            let alike = |known: &Contender| known.system == entry.system && known.panel.rows == entry.panel.rows;
            let known = self.entries[first..].iter().position(alike);
            own.push(known.map_or(self.entries.len(), |at| first + at));
            if known.is_none() {
                self.entries.push(entry);
            }
        }
        self.baselines.push(own);
        Ok(())
    }

    /// A condition of a run with its rows under a norm.
    pub fn contender(&self, run: usize, condition: Condition, norm: Norm) -> Result<Contender, MetricsError> {
        let panel = Panel::of_condition(&self.runs[run], &self.roster, &condition, norm)?;
        Ok(self.entry(run, System::Model { condition, norm }, panel))
    }

    fn entry(&self, run: usize, system: System, panel: Panel) -> Contender {
        let data = &self.runs[run];
        Contender {
            run,
            panel,
            name: Name::new(&data.name, &data.header.model.name, &system, &self.naming),
            system,
        }
    }

    /// Number of categories.
    pub fn categories(&self) -> usize {
        self.roster.categories.len()
    }

    /// Matches two systems probe by probe; absent where they have no probe in common.
    pub fn pair(&self, first: usize, second: usize) -> Result<Option<Paired>, MetricsError> {
        let names = (self.full_label(first), self.full_label(second));
        let paired = Paired::new(
            &self.entries[first].panel,
            &self.entries[second].panel,
            &self.roster,
            (&names.0, &names.1),
        );
        match paired {
            Err(MetricsError::NothingShared { .. }) => Ok(None),
            paired => paired.map(Some),
        }
    }

    /// A system with its run and model by name.
    pub fn named(&self, at: usize) -> NamedSystem {
        let entry = &self.entries[at];
        let run = &self.runs[entry.run];
        NamedSystem {
            run: run.name.clone(),
            model: entry
                .condition()
                .map_or(String::new(), |_| run.header.model.name.clone()),
            system: entry.system.clone(),
        }
    }

    /// Everything that a system's name says.
    pub fn full_label(&self, at: usize) -> String {
        self.entries[at].name.full()
    }

    /// Labels that tell some systems apart.
    pub fn labels(&self, some: &[usize]) -> Vec<String> {
        self.labels_without(some, &[])
    }

    /// Labels that tell some systems apart by other parts of their names than these.
    pub fn labels_without(&self, some: &[usize], parts: &[NamePart]) -> Vec<String> {
        let names: Vec<Name> = some.iter().map(|at| self.entries[*at].name.without(parts)).collect();
        names::labels(&names)
    }
}

/// The norm that a run's spec names for its headline; the sum where it names none.
fn spec_norm(run: &RunTable) -> Norm {
    let spec: Option<Spec> = toml::from_str(&run.header.spec).ok();
    spec.map(|spec| spec.scoring.norm).unwrap_or_default()
}

/// The methods of a run in the order of its spec: the first one is what its headline is about, decided before any result.
fn spec_methods(run: &RunTable) -> Vec<Method> {
    let spec: Option<Spec> = toml::from_str(&run.header.spec).ok();
    spec.map(|spec| spec.grid.methods).unwrap_or_default()
}

/// The main condition of each method: the person's own demonstrations from all categories, as many as there are; polar and
/// without demographics where there is a choice. A method whose conditions are restricted to several categories, one each,
/// has no main condition: none of them speaks for the others.
fn main_conditions(entries: &[Contender], order: &[Method]) -> Vec<usize> {
    let of_entries: BTreeSet<Method> = entries
        .iter()
        .filter_map(Contender::condition)
        .map(|c| c.method)
        .collect();
    let mut methods: Vec<Method> = of_entries.into_iter().collect();
    // Methods that the spec does not name, if there are any, come last.
    methods.sort_by_key(|method| order.iter().position(|named| named == method).unwrap_or(order.len()));
    let rank = |condition: &Condition| {
        (
            condition.control.is_own(),
            condition.category.is_none(),
            condition.demonstrations,
            condition.form == Form::Polar,
            !condition.demographics,
        )
    };
    methods
        .into_iter()
        .filter_map(|method| {
            let conditions = entries.iter().enumerate();
            let conditions =
                conditions.filter_map(|(at, entry)| entry.condition().filter(|c| c.method == method).map(|c| (at, c)));
            let conditions: Vec<(usize, &Condition)> = conditions.collect();
            let shown = conditions
                .iter()
                .filter(|(_, c)| c.control.is_own() && c.demonstrations > 0);
            let categories: BTreeSet<_> = shown.map(|(_, condition)| &condition.category).collect();
            let speaks = categories.len() < 2 || categories.contains(&None);
            let (at, _) = conditions
                .iter()
                .max_by_key(|(at, condition)| (rank(condition), Reverse(*at)))?;
            speaks.then_some(*at)
        })
        .collect()
}
