//! Answers that could not be read.

use std::collections::BTreeMap;

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::csv::{CsvTable, Figure};
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, words};
use super::super::words::percent;
use crate::metrics::{Bounds, MetricsError, Readings, bounds, readings};
use crate::scoring::Condition;

/// How one condition's answers were read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemReadings {
    /// Position among the report's systems.
    pub system: usize,
    /// What it is called.
    pub label: String,
    /// The condition.
    pub condition: Condition,
    /// Counts.
    pub readings: Readings,
    /// What the unread may be worth.
    pub bounds: Bounds,
}

impl ReportSection for Vec<SystemReadings> {
    /// How generated answers were read, by condition.
    fn compute(bench: &Bench<'_>, _: &Results) -> Result<Self, MetricsError> {
        let counts: Vec<BTreeMap<Condition, Readings>> = bench.runs.iter().map(readings).collect();
        let read = |at: usize| {
            let entry = &bench.entries[at];
            let condition = entry.condition()?;
            Some((condition, counts[entry.run].get(condition)?))
        };
        let generated: Vec<usize> = (0..bench.entries.len()).filter(|at| read(*at).is_some()).collect();
        let labelled = generated.iter().zip(bench.labels(&generated));
        let all = labelled.filter_map(|(&at, label)| {
            let (condition, readings) = read(at)?;
            Some(SystemReadings {
                system: at,
                label,
                condition: condition.clone(),
                readings: readings.clone(),
                bounds: bounds(&bench.entries[at].panel, bench.categories()),
            })
        });
        Ok(all.collect())
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "readings",
            title: "Unread answers",
            template: include_str!("../templates/readings.html"),
        }
    }

    fn page(&self, _: &ReportContext<'_>) -> Option<Value> {
        let rows: Vec<ReadingWords> = self.iter().map(ReadingWords::of).collect();
        (!rows.is_empty()).then(|| context! { rows => words(&rows) })
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter();
        let rows = rows.map(|one| (report.results.columns_of(one.system), ReadingColumns::of(one)));
        CsvTable::of("readings", rows).map(Some)
    }
}

/// What stands in a row of the page's table.
#[derive(Serialize)]
struct ReadingWords {
    system: String,
    readings: Readings,
    unread: String,
    wrong: String,
    chance: String,
    dropped: String,
    right: String,
}

impl ReadingWords {
    fn of(one: &SystemReadings) -> Self {
        let (readings, bounds) = (&one.readings, &one.bounds);
        let unread = (readings.probes - readings.choice) as f64 / readings.probes as f64;
        Self {
            system: one.label.clone(),
            readings: readings.clone(),
            unread: percent((readings.probes > 0).then_some(unread)),
            wrong: percent(bounds.wrong),
            chance: percent(bounds.chance),
            dropped: percent(bounds.dropped),
            right: percent(bounds.right),
        }
    }
}

/// A row of the CSV table.
#[derive(Serialize)]
struct ReadingColumns {
    probes: usize,
    choice: usize,
    out_of_range: usize,
    missing: usize,
    unparsed: usize,
    failed: usize,
    retries: usize,
    as_wrong: Figure,
    as_chance: Figure,
    dropped: Figure,
    as_right: Figure,
}

impl ReadingColumns {
    fn of(one: &SystemReadings) -> Self {
        let (readings, bounds) = (&one.readings, &one.bounds);
        Self {
            probes: readings.probes,
            choice: readings.choice,
            out_of_range: readings.out_of_range,
            missing: readings.missing,
            unparsed: readings.unparsed,
            failed: readings.failed,
            retries: readings.retries,
            as_wrong: bounds.wrong.into(),
            as_chance: bounds.chance.into(),
            dropped: bounds.dropped.into(),
            as_right: bounds.right.into(),
        }
    }
}
