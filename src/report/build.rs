//! Runs become the numbers of a report.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::choices;
use super::names::{self, Name, Part};
use super::numbers::{Against, Report, ReportOptions, RunSummary, SystemScores};
use super::ranking;
use super::sections;
use super::transfer;
use crate::metrics::{
    Credit, Estimate, MetricsError, Norm, Paired, Panel, Quantity, Resampling, Roster, Row, RunData, Sums, System,
    Unread, baselines, clustered, clustered_overall, conditions, counts, crossed_overall,
};
use crate::run::Spec;
use crate::scoring::{Condition, Method};
use crate::survey::Form;

/// A system with its rows, before it is reduced to numbers.
pub(super) struct Entry {
    /// Position of the run.
    pub run: usize,
    /// What it is.
    pub system: System,
    /// Its rows.
    pub panel: Panel,
    /// Its name.
    pub name: Name,
}

impl Entry {
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
    pub runs: &'a [RunData],
    /// The headline norm of each run.
    pub norms: Vec<Norm>,
    /// People and questions.
    pub roster: Roster,
    /// All systems: model conditions of all runs, then baselines.
    pub entries: Vec<Entry>,
    /// For each run, positions of its baselines in `entries`.
    pub baselines: Vec<Vec<usize>>,
    /// Positions of main conditions.
    pub headline: Vec<usize>,
    /// What the report is made with.
    pub options: ReportOptions,
}

impl Bench<'_> {
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

    /// Everything that a system's name says.
    pub fn full_label(&self, at: usize) -> String {
        self.entries[at].name.full()
    }

    /// Labels that tell some systems apart.
    pub fn labels(&self, some: &[usize]) -> Vec<String> {
        self.labels_without(some, &[])
    }

    /// Labels that tell some systems apart by other parts of their names than these.
    pub fn labels_without(&self, some: &[usize], parts: &[Part]) -> Vec<String> {
        let names: Vec<Name> = some.iter().map(|at| self.entries[*at].name.without(parts)).collect();
        names::labels(&names)
    }
}

impl Report {
    /// Computes everything from runs.
    ///
    /// # Errors
    /// Where a run names people, questions or candidates that it does not have, or runs contradict each other.
    pub fn new(runs: &[RunData], options: ReportOptions) -> Result<Self, MetricsError> {
        let bench = bench(runs, options)?;
        let systems: Vec<SystemScores> = (0..bench.entries.len()).map(|at| scores(&bench, at)).collect();
        let shown = shown_baselines(&bench, &systems);
        let mut against = Vec::new();
        for &system in &bench.headline {
            for &baseline in bench.baselines[bench.entries[system].run]
                .iter()
                .filter(|b| shown.contains(*b))
            {
                let paired = bench.pair(system, baseline)?;
                let overall = |paired: Paired| paired.overall(bench.categories(), &options.resampling);
                let difference = paired.and_then(overall);
                against.extend(difference.map(|difference| Against {
                    system,
                    baseline,
                    difference,
                }));
            }
        }
        Ok(Self {
            version: crate::base::version::FULL.to_owned(),
            synthetic: runs.iter().any(|run| run.header.synthetic),
            options,
            categories: bench.roster.categories.clone(),
            runs: runs
                .iter()
                .zip(&bench.norms)
                .map(|(run, norm)| summary(run, *norm))
                .collect(),
            against,
            ranking: ranking::ranking(&bench, &systems)?,
            curves: sections::curves(&bench, &systems)?,
            groups: sections::groups(&bench),
            transfer: transfer::transfer(&bench, &systems, &shown)?,
            methods: sections::methods(&bench)?,
            norms: sections::norms(&bench, &systems)?,
            calibration: sections::calibrations(&bench),
            readings: sections::readings_of(&bench),
            lift: sections::lift(&bench)?,
            choices: choices::choices(&bench, &systems),
            headline: bench.headline.clone(),
            baseline_runs: shown
                .iter()
                .map(|at| {
                    (0..runs.len())
                        .filter(|run| bench.baselines[*run].contains(at))
                        .collect()
                })
                .collect(),
            baselines: shown,
            systems,
        })
    }
}

/// Reads the panels of all systems.
pub(super) fn bench(runs: &[RunData], options: ReportOptions) -> Result<Bench<'_>, MetricsError> {
    let roster = Roster::new(runs)?;
    let norms: Vec<Norm> = runs
        .iter()
        .map(|run| options.norm.unwrap_or_else(|| spec_norm(run)))
        .collect();
    let mut entries: Vec<Entry> = Vec::new();
    let mut headline = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let start = entries.len();
        for condition in conditions(run) {
            let system = System::Model {
                condition,
                norm: norms[at],
            };
            let panel = Panel::new(run, &roster, &system)?;
            let name = Name::new(&run.name, &run.header.model.name, &system);
            entries.push(Entry {
                run: at,
                system,
                panel,
                name,
            });
        }
        headline.extend(
            main_conditions(&entries[start..], &spec_methods(run))
                .into_iter()
                .map(|position| start + position),
        );
    }
    let first_baseline = entries.len();
    let mut of_runs = Vec::new();
    for (at, run) in runs.iter().enumerate() {
        let mut own = Vec::new();
        for system in baselines(run) {
            let panel = Panel::new(run, &roster, &system)?;
            let known = (first_baseline..entries.len())
                .find(|e| entries[*e].system == system && entries[*e].panel.rows == panel.rows);
            own.push(known.unwrap_or(entries.len()));
            if known.is_none() {
                let name = Name::new(&run.name, "", &system);
                entries.push(Entry {
                    run: at,
                    system,
                    panel,
                    name,
                });
            }
        }
        of_runs.push(own);
    }
    Ok(Bench {
        runs,
        norms,
        roster,
        entries,
        baselines: of_runs,
        headline,
        options,
    })
}

/// The norm that a run's spec names for its headline; the sum where it names none.
fn spec_norm(run: &RunData) -> Norm {
    let spec: Option<Spec> = toml::from_str(&run.header.spec).ok();
    spec.and_then(|spec| spec.scoring.norm.parse().ok()).unwrap_or_default()
}

/// The methods of a run in the order of its spec: the first one is what its headline is about, decided before any result.
fn spec_methods(run: &RunData) -> Vec<Method> {
    let spec: Option<Spec> = toml::from_str(&run.header.spec).ok();
    spec.map(|spec| spec.grid.methods).unwrap_or_default()
}

fn summary(run: &RunData, norm: Norm) -> RunSummary {
    let title = toml::from_str::<Spec>(&run.header.spec)
        .map(|spec| spec.title)
        .unwrap_or_default();
    let people: std::collections::BTreeSet<&str> = run.outcomes.iter().map(|o| o.respondent.as_str()).collect();
    RunSummary {
        name: run.name.clone(),
        header: run.header.clone(),
        norm,
        title,
        people: people.len(),
        outcomes: run.outcomes.len(),
    }
}

/// The main condition of each method: the person's own demonstrations from all categories, as many as there are; polar and
/// without demographics where there is a choice. A method whose conditions are restricted to several categories, one each,
/// has no main condition: none of them speaks for the others.
fn main_conditions(entries: &[Entry], order: &[Method]) -> Vec<usize> {
    let of_entries: BTreeSet<Method> = entries.iter().filter_map(Entry::condition).map(|c| c.method).collect();
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

fn scores(bench: &Bench<'_>, at: usize) -> SystemScores {
    let entry = &bench.entries[at];
    let how = &bench.options.resampling;
    let credit = entry.panel.credit(Unread::Wrong);
    let sums = Sums::of_panel(&entry.panel, bench.categories(), credit);
    let (shown, context_tokens) = entry.condition().map_or((None, None), |condition| {
        let of_condition = || {
            bench.runs[entry.run]
                .outcomes
                .iter()
                .filter(|outcome| outcome.condition == *condition)
        };
        (
            crate::metrics::mean(of_condition().map(|outcome| outcome.shown as f64)),
            crate::metrics::mean(of_condition().map(|outcome| outcome.context_tokens as f64)),
        )
    });
    SystemScores {
        run: entry.run,
        system: entry.system.clone(),
        label: if entry.condition().is_some() {
            bench.full_label(at)
        } else {
            names::baseline(&entry.system)
        },
        people: entry.panel.people(),
        probes: entry.panel.rows.len(),
        unread: entry.panel.unread(),
        scores: clustered(&sums, how),
        counts: counts(&entry.panel, bench.categories()),
        mean_of_people: mean_of_people(&entry.panel, credit, how),
        crossed: bench
            .headline
            .contains(&at)
            .then(|| crossed_overall(&entry.panel, bench.categories(), credit))
            .flatten(),
        shown,
        context_tokens,
    }
}

/// The mean over people of each person's own share of correct choices: the overall figure as the paper computes it.
fn mean_of_people(panel: &Panel, credit: Credit, how: &Resampling) -> Option<Estimate> {
    let shares = |rows: &[Row]| {
        let worth = rows.iter().map(|row| credit.of(row));
        let (right, all) = worth.fold((0.0, 0.0), |sum, (n, d)| (sum.0 + n, sum.1 + d));
        (right, all)
    };
    let people: Vec<&[Row]> = panel.rows.chunk_by(|a, b| a.person == b.person).collect();
    let one = people.iter().filter_map(|rows| rows.first()).map(|row| Row {
        category: 0,
        split: 0,
        ..*row
    });
    let one: Vec<Row> = one.collect();
    let quantity = if panel.is_chance() {
        Quantity::Exact
    } else {
        Quantity::Share
    };
    let mut own = people.iter().map(|rows| shares(rows));
    let sums = Sums::of_rows(&one, 1, quantity, |_| match own.next() {
        Some((right, all)) if all > 0.0 => (right / all, 1.0),
        _ => (0.0, 0.0),
    });
    clustered_overall(&sums, how)
}

/// Baselines to be shown: all but, of several k of resemblance on the same probes, the best one. Choosing it by its
/// result favours the baseline, never the model.
fn shown_baselines(bench: &Bench<'_>, systems: &[SystemScores]) -> Vec<usize> {
    let value = |at: usize| systems[at].scores.overall.map_or(f64::NEG_INFINITY, |e| e.value);
    let mut shown = Vec::new();
    for own in &bench.baselines {
        let best = own
            .iter()
            .copied()
            .filter(|at| matches!(systems[*at].system, System::Resemblance { .. }))
            .reduce(|best, next| if value(next) > value(best) { next } else { best });
        for &at in own {
            let resemblance = matches!(systems[at].system, System::Resemblance { .. });
            if (!resemblance || Some(at) == best) && !shown.contains(&at) {
                shown.push(at);
            }
        }
    }
    shown
}
