//! Accuracy against number of demonstrations.

use std::collections::BTreeMap;

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::charts::{CurveLine, CurvePlot, PublishedPoint, curves};
use super::super::names::{self, NamePart};
use super::super::published::Published;
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, SIDE_BY_SIDE, placed, words};
use super::super::svg::{Drawing, Mark};
use super::super::words::ContrastWords;
use crate::metrics::{Bounds, Contrast, Estimate, MetricsError, System, bounds};
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
        let drawings = self.drawings(report);
        let several = drawings.len() > 1;
        let panels = panels(self, report).into_iter().zip(&drawings);
        let panels = panels.map(|(panel, drawing)| context! { heading => panel.heading, ..placed(drawing) });
        let panels: Vec<Value> = panels.collect();
        let gains: Vec<GainWords> = self.iter().filter_map(GainWords::of).collect();
        let has_published = !published(report).is_empty();
        Some(context! { panels, several, has_published, gains => words(&gains) })
    }

    fn drawings(&self, report: &ReportContext<'_>) -> Vec<Drawing> {
        let systems: Vec<usize> = self.iter().map(|curve| curve.system).collect();
        let lines = self.iter().zip(report.marks(&systems)).map(|(curve, mark)| CurveLine {
            label: &curve.label,
            mark,
            points: curve
                .points
                .iter()
                .map(|one| (one.demonstrations, one.accuracy))
                .collect(),
        });
        let lines: Vec<CurveLine<'_>> = lines.collect();
        let panels = if self.is_empty() {
            Vec::new()
        } else {
            panels(self, report)
        };
        let several = panels.len() > 1;
        let panels = panels.iter().enumerate();
        panels
            .map(|(number, panel)| panel.drawn(&lines, report, several.then_some(number)))
            .collect()
    }
}

/// Curves that share a pair of axes, by position.
struct CurvePanel {
    /// What they have in common; empty where they are all there are.
    heading: String,
    curves: Vec<usize>,
}

/// All curves on one pair of axes, or, where they would pile up, one a model; of one model, one a method.
fn panels(curves: &[Curve], report: &ReportContext<'_>) -> Vec<CurvePanel> {
    let scores = |curve: &Curve| &report.results.systems[curve.system];
    let model = |curve: &Curve| report.results.runs[scores(curve).run].header.model.name.clone();
    let method = |curve: &Curve| match &scores(curve).system {
        System::Model { condition, .. } => names::method(condition.method).to_owned(),
        _ => String::new(),
    };
    let all = CurvePanel {
        heading: String::new(),
        curves: (0..curves.len()).collect(),
    };
    if curves.len() <= SIDE_BY_SIDE {
        return vec![all];
    }
    let by = |heading: &dyn Fn(&Curve) -> String| {
        let mut panels: Vec<CurvePanel> = Vec::new();
        for (at, curve) in curves.iter().enumerate() {
            let heading = heading(curve);
            match panels.iter_mut().find(|panel| panel.heading == heading) {
                Some(panel) => panel.curves.push(at),
                None => panels.push(CurvePanel {
                    heading,
                    curves: vec![at],
                }),
            }
        }
        panels
    };
    let mut ways = [by(&model), by(&method)].into_iter();
    ways.find(|panels| panels.len() > 1).unwrap_or_else(|| vec![all])
}

/// The paper's points. They are of real people: beside invented ones they would only mislead.
fn published(report: &ReportContext<'_>) -> Vec<PublishedPoint> {
    match report.results.synthetic {
        true => Vec::new(),
        false => Published::read()
            .map(|published| published.curve(&report.results.categories))
            .unwrap_or_default(),
    }
}

impl CurvePanel {
    /// The picture with its legend; curves of other panels stand behind its own.
    fn drawn(&self, lines: &[CurveLine<'_>], report: &ReportContext<'_>, number: Option<usize>) -> Drawing {
        let chosen = |own: bool| {
            let lines = lines.iter().enumerate();
            let chosen = lines.filter(move |(at, _)| self.curves.contains(at) == own);
            chosen.map(|(_, line)| line.clone()).collect::<Vec<_>>()
        };
        let plot = CurvePlot {
            curves: chosen(true),
            others: chosen(false),
            references: [report.chance(), report.majority()].into_iter().flatten().collect(),
            published: published(report),
        };
        let mut legend: Vec<(Mark, String)> = plot
            .curves
            .iter()
            .map(|line| (line.mark, line.label.to_owned()))
            .collect();
        if !plot.published.is_empty() {
            legend.push((Mark::Published, PUBLISHED.to_owned()));
        }
        let (id, title) = match number {
            None => (
                "curve".to_owned(),
                "Accuracy against number of demonstrations".to_owned(),
            ),
            Some(number) => (
                format!("curve-{number}"),
                format!("Accuracy against number of demonstrations, {}", self.heading),
            ),
        };
        curves(&plot, &id, &report.tagged(&title)).with_legend(legend)
    }
}

/// What the legend says of the paper's points.
const PUBLISHED: &str = "published (GPT-4o of August 2024; at 0 also with demographics alone)";

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
