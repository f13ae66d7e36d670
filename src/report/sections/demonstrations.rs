//! Accuracy against number of demonstrations.

use std::collections::BTreeMap;

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::charts::{CurveLine, CurvePlot, Reference, curves};
use super::super::names::NamePart;
use super::super::published::Published;
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, key, safe, words};
use super::super::svg::Mark;
use super::super::words::ContrastWords;
use crate::metrics::{Bounds, Contrast, Estimate, MetricsError, bounds};
use crate::scoring::Method;
use crate::survey::Form;

/// Accuracy against number of demonstrations, all else equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Position among the report's systems of its last point.
    pub system: usize,
    /// What is equal.
    pub label: String,
    /// By number of demonstrations, ascending.
    pub points: Vec<CurvePoint>,
    /// The last point minus the first, on the same probes.
    pub gain: Option<Contrast>,
}

/// One point of a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Number of demonstrations.
    pub demonstrations: usize,
    /// Overall accuracy; what could not be read is wrong.
    pub accuracy: Estimate,
    /// What it would be under the other rules for unread answers.
    pub bounds: Bounds,
}

impl ReportSection for Vec<Curve> {
    /// Own demonstrations of all categories, one curve for everything else that is equal.
    fn compute(bench: &Bench<'_>, results: &Results) -> Result<Self, MetricsError> {
        let curves = alike(bench);
        let ends: Vec<usize> = curves.iter().filter_map(|list| list.last().copied()).collect();
        let labels = bench.labels_without(&ends, &[NamePart::Demonstrations]);
        let labelled = curves.into_iter().zip(labels);
        labelled
            .map(|(list, label)| curve(bench, results, list, label))
            .collect()
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "demonstrations",
            title: "Demonstrations",
            template: include_str!("../templates/demonstrations.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        if self.is_empty() {
            return None;
        }
        let references: Vec<Reference> = [report.chance(), report.majority()].into_iter().flatten().collect();
        // Published figures are of real people: beside invented ones they would only mislead.
        let published = match report.results.synthetic {
            true => Vec::new(),
            false => Published::read()
                .map(|published| published.curve(&report.results.categories))
                .unwrap_or_default(),
        };
        let systems: Vec<usize> = self.iter().map(|curve| curve.system).collect();
        let marks = report.marks(&systems);
        let drawn = || self.iter().zip(&marks);
        let mut legend: Vec<Value> = drawn().map(|(curve, mark)| key(*mark, &curve.label)).collect();
        if !published.is_empty() {
            let label = "published (GPT-4o of August 2024; at 0 also with demographics alone)";
            legend.push(key(Mark::Published, label));
        }
        let line = |curve: &'_ Curve| -> Vec<(usize, Estimate)> {
            let points = curve.points.iter();
            points.map(|point| (point.demonstrations, point.accuracy)).collect()
        };
        let plot = CurvePlot {
            curves: drawn()
                .map(|(curve, &mark)| CurveLine {
                    label: &curve.label,
                    mark,
                    points: line(curve),
                })
                .collect(),
            references,
            published,
        };
        let title = report.tagged("Accuracy against number of demonstrations");
        let gains: Vec<GainWords> = self.iter().filter_map(GainWords::of).collect();
        Some(context! { svg => safe(curves(&plot, "curve", &title)), legend_keys => legend, gains => words(&gains) })
    }
}

/// Conditions of which only the number of demonstrations differs, by number. None at all belong to every form.
fn alike(bench: &Bench<'_>) -> Vec<Vec<usize>> {
    type CurveKey = (usize, Method, Form, bool);
    let mut curves: BTreeMap<CurveKey, Vec<usize>> = BTreeMap::new();
    let mut without: Vec<(CurveKey, usize)> = Vec::new();
    for (at, entry) in bench.entries.iter().enumerate() {
        let condition = entry.condition();
        let Some(condition) = condition.filter(|one| one.category.is_none() && one.control.is_own()) else {
            continue;
        };
        let equal = (entry.run, condition.method, condition.form, condition.demographics);
        if condition.demonstrations == 0 {
            without.push((equal, at));
        } else {
            curves.entry(equal).or_default().push(at);
        }
    }
    for ((run, method, _, demographics), at) in without {
        for (equal, list) in &mut curves {
            if (equal.0, equal.1, equal.3) == (run, method, demographics) {
                list.push(at);
            }
        }
    }
    curves.retain(|_, list| list.len() > 1);
    let mut curves: Vec<Vec<usize>> = curves.into_values().collect();
    for list in &mut curves {
        list.sort_by_key(|at| demonstrations(bench, *at));
    }
    curves
}

fn demonstrations(bench: &Bench<'_>, at: usize) -> usize {
    bench.entries[at]
        .condition()
        .map_or(0, |condition| condition.demonstrations)
}

fn curve(bench: &Bench<'_>, results: &Results, list: Vec<usize>, label: String) -> Result<Curve, MetricsError> {
    let points = list.iter().filter_map(|at| {
        Some(CurvePoint {
            demonstrations: demonstrations(bench, *at),
            accuracy: results.systems[*at].scores.overall?,
            bounds: bounds(&bench.entries[*at].panel, bench.categories()),
        })
    });
    let points = points.collect();
    let paired = match (list.first(), list.last()) {
        (Some(first), Some(last)) => bench.pair(*last, *first)?,
        _ => None,
    };
    let gain = paired.and_then(|paired| paired.overall(bench.categories(), &bench.options.resampling));
    Ok(Curve {
        system: list.last().copied().unwrap_or_default(),
        label,
        points,
        gain,
    })
}

/// What the most demonstrations add to the fewest, in words.
#[derive(Serialize)]
struct GainWords {
    curve: String,
    from: usize,
    to: usize,
    gain: ContrastWords,
}

impl GainWords {
    fn of(curve: &Curve) -> Option<Self> {
        Some(Self {
            curve: curve.label.clone(),
            from: curve.points.first()?.demonstrations,
            to: curve.points.last()?.demonstrations,
            gain: ContrastWords::of(curve.gain.as_ref()),
        })
    }
}
