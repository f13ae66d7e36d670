//! Calibration: whether a method is right as often as it is sure.

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::charts::reliability;
use super::super::csv::{CsvTable, Figure, Tenth};
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, SIDE_BY_SIDE, placed};
use super::super::svg::Drawing;
use super::super::words::percent;
use crate::metrics::{Bin, Calibration, Forecast, MetricsError, calibration, softmax};

/// Calibration of one condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SystemCalibration {
    /// Position among the report's systems.
    pub system: usize,
    /// What it is called.
    pub label: String,
    /// Its calibration.
    pub calibration: Calibration,
}

impl ReportSection for Vec<SystemCalibration> {
    /// Main conditions that give every candidate a probability, under their headline norm.
    fn compute(bench: &Bench<'_>, _: &Results) -> Result<Self, MetricsError> {
        let labelled = bench.headline.iter().zip(bench.labels(&bench.headline));
        let all = labelled.filter_map(|(&at, label)| {
            let entry = &bench.entries[at];
            let condition = entry.condition()?;
            let run = &bench.runs[entry.run];
            let people = run.outcomes.respondents().iter();
            let people: Vec<Option<usize>> = people.map(|id| bench.roster.person(run, id)).collect();
            let of_condition = run.outcomes.of_condition(condition);
            let forecasts = of_condition.filter_map(|outcome| {
                Some(Forecast {
                    person: people[outcome.person]?,
                    probabilities: softmax(&outcome.candidate_scores(bench.norms[entry.run])?)?,
                    label: outcome.label,
                })
            });
            let calibration = calibration(forecasts, &bench.options.resampling)?;
            Some(SystemCalibration {
                system: at,
                label,
                calibration,
            })
        });
        Ok(all.collect())
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "calibration",
            title: "Calibration",
            template: include_str!("../templates/calibration.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        let systems = self.iter().zip(self.drawings(report)).map(|(one, drawing)| {
            let c = &one.calibration;
            context! {
                system => one.label.clone(),
                picture => placed(&drawing),
                brier => format!("{:.3}", c.brier), brier_of_chance => format!("{:.3}", c.brier_of_chance),
                ece => percent(Some(c.ece)), log_loss => format!("{:.3}", c.log_loss), probes => c.probes,
            }
        });
        let systems: Vec<Value> = systems.collect();
        let several = systems.len() > SIDE_BY_SIDE;
        (!systems.is_empty()).then(|| context! { systems, several })
    }

    fn drawings(&self, report: &ReportContext<'_>) -> Vec<Drawing> {
        let drawings = self.iter().enumerate().map(|(at, one)| {
            let title = report.tagged(&format!("Calibration of {}", one.label));
            reliability(&one.calibration, at, &format!("calibration-{at}"), &title)
        });
        drawings.collect()
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter().flat_map(|one| {
            let bins = one.calibration.bins.iter();
            bins.map(|bin| {
                let about = report.results.columns_of(one.system);
                (about, CalibrationColumns::of(&one.calibration, bin))
            })
        });
        CsvTable::of("calibration", rows).map(Some)
    }
}

/// A row of the CSV table: one bin, the figures of the whole condition on each.
#[derive(Serialize)]
struct CalibrationColumns {
    low: Tenth,
    high: Tenth,
    probes: usize,
    confidence: Figure,
    accuracy: Figure,
    accuracy_low: Figure,
    accuracy_high: Figure,
    people: usize,
    brier: Figure,
    brier_of_chance: Figure,
    log_loss: Figure,
    ece: Figure,
}

impl CalibrationColumns {
    fn of(all: &Calibration, bin: &Bin) -> Self {
        let ends = bin.accuracy.ends();
        Self {
            low: Tenth(bin.low),
            high: Tenth(bin.high),
            probes: bin.probes,
            confidence: bin.confidence.into(),
            accuracy: bin.accuracy.value.into(),
            accuracy_low: ends.map(|(low, _)| low).into(),
            accuracy_high: ends.map(|(_, high)| high).into(),
            people: bin.accuracy.people,
            brier: all.brier.into(),
            brier_of_chance: all.brier_of_chance.into(),
            log_loss: all.log_loss.into(),
            ece: all.ece.into(),
        }
    }
}
