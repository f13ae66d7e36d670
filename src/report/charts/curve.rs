//! Accuracy against number of demonstrations.

use super::super::names::cut;
use super::super::svg::{Anchor, Drawing, Mark, Picture, Scale, domain};
use super::super::words::{percent, with_interval};
use super::dots::{Reference, ends};
use crate::metrics::Estimate;

/// One curve.
#[derive(Debug, Clone)]
pub struct CurveLine<'a> {
    /// What it is called.
    pub label: &'a str,
    /// How it is drawn.
    pub mark: Mark,
    /// Number of demonstrations and accuracy, ascending.
    pub points: Vec<(usize, Estimate)>,
}

/// A figure of the paper beside the curves.
#[derive(Debug, Clone)]
pub struct PublishedPoint {
    /// Number of demonstrations.
    pub demonstrations: usize,
    /// The accuracy.
    pub value: f64,
    /// What it is.
    pub label: String,
}

/// All that stands on one pair of axes.
#[derive(Debug, Clone)]
pub struct CurvePlot<'a> {
    /// The curves.
    pub curves: Vec<CurveLine<'a>>,
    /// Curves that stand in another plot on the same scales, drawn thin and grey so that plots can be compared.
    pub others: Vec<CurveLine<'a>>,
    /// Horizontal lines for what needs no demonstrations.
    pub references: Vec<Reference>,
    /// Figures of the paper.
    pub published: Vec<PublishedPoint>,
}

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 300.0;
/// Room to the right of the axes for the names of horizontal lines.
const MARGIN: f64 = 58.0;
/// The intervals of all curves at one number of demonstrations stand within this, or they would seem to be at another.
const DODGE: f64 = 14.0;
/// Where the axes begin and end.
const LEFT: f64 = 34.0;
const RIGHT: f64 = WIDTH - MARGIN;
/// The height of one of these names.
const LINE: f64 = 12.0;
/// Numbers below the axis that would stand closer than this are left out; their points are still drawn.
const APART: f64 = 26.0;

/// Draws it. `id` is unique within the page; `title` names the picture, and every figure is in the text alternative.
pub fn curves(plot: &CurvePlot<'_>, id: &str, title: &str) -> Drawing {
    let axes = Axes::of(plot);
    let mut canvas = Picture::new(WIDTH, HEIGHT);
    axes.draw(&mut canvas, plot);
    axes.references(&mut canvas, &plot.references);
    for other in &plot.others {
        axes.faint(&mut canvas, other);
    }
    for (series, curve) in plot.curves.iter().enumerate() {
        // Intervals of different curves stand a little apart.
        let gaps = (plot.curves.len() - 1) as f64;
        let step = f64::min(5.0, DODGE / gaps.max(1.0));
        axes.curve(&mut canvas, curve, curve.mark, step * (series as f64 - gaps / 2.0));
    }
    for point in &plot.published {
        let about = format!("published: {} {}", point.label, percent(Some(point.value)));
        let place = (axes.x.at(point.demonstrations as f64), axes.y.at(point.value));
        canvas.mark(Mark::Published, place, &about);
    }
    canvas.finish(id, title, &describe(plot))
}

/// Both scales.
struct Axes {
    x: Scale,
    y: Scale,
}

impl Axes {
    fn of(plot: &CurvePlot<'_>) -> Self {
        let points = || plot.curves.iter().chain(&plot.others).flat_map(|curve| &curve.points);
        let figures = points()
            .flat_map(|(_, accuracy)| ends(accuracy))
            .chain(plot.references.iter().map(|r| r.value))
            .chain(plot.published.iter().map(|p| p.value));
        let published = plot.published.iter().map(|p| p.demonstrations);
        let most = points().map(|(n, _)| *n).chain(published).max().unwrap_or(1);
        Self {
            x: Scale {
                domain: (0.0, most as f64),
                range: (40.0, RIGHT - 8.0),
            },
            y: Scale {
                domain: domain(figures, (0.0, 1.0)),
                range: (HEIGHT - 38.0, 14.0),
            },
        }
    }

    /// Grid, numbers and what they are.
    fn draw(&self, canvas: &mut Picture, plot: &CurvePlot<'_>) {
        for tick in self.y.ticks(6) {
            let y = self.y.at(tick);
            canvas.line((LEFT, y), (RIGHT, y), "grid");
            let word = format!("{:.0}", 100.0 * tick);
            canvas.text((LEFT - 6.0, y + 4.0), Anchor::End, "m tick", &word);
        }
        let points = plot.curves.iter().flat_map(|curve| &curve.points);
        let mut counts: Vec<usize> = points.map(|(n, _)| *n).collect();
        counts.sort_unstable();
        counts.dedup();
        let mut last = f64::NEG_INFINITY;
        for count in counts {
            let x = self.x.at(count as f64);
            if x - last > APART {
                last = x;
                canvas.text((x, HEIGHT - 20.0), Anchor::Middle, "m tick", &count.to_string());
            }
        }
        let middle = (self.x.range.0 + self.x.range.1) / 2.0;
        let place = (middle, HEIGHT - 4.0);
        canvas.text(place, Anchor::Middle, "m tick", "demonstrations, at most");
    }

    /// Horizontal lines, named beside the axes where no mark can cover the name.
    fn references(&self, canvas: &mut Picture, references: &[Reference]) {
        let heights = apart(references.iter().map(|r| self.y.at(r.value)).collect());
        for (position, (reference, height)) in references.iter().zip(heights).enumerate() {
            let y = self.y.at(reference.value);
            let class = if position == 0 { "ref" } else { "ref second" };
            canvas.line((LEFT, y), (RIGHT, y), class);
            let place = (RIGHT + 4.0, height + 4.0);
            canvas.text(place, Anchor::Start, "m tick", &cut(&reference.label, 10));
        }
    }

    /// A curve of another plot.
    fn faint(&self, canvas: &mut Picture, curve: &CurveLine<'_>) {
        let points = curve.points.iter();
        let line = points.map(|(n, accuracy)| (self.x.at(*n as f64), self.y.at(accuracy.value)));
        canvas.path(&line.collect::<Vec<_>>(), "curve faint");
    }

    fn curve(&self, canvas: &mut Picture, curve: &CurveLine<'_>, mark: Mark, shift: f64) {
        let place = |n: usize, value: f64| (self.x.at(n as f64) + shift, self.y.at(value));
        let points = curve.points.iter();
        let line: Vec<(f64, f64)> = points.map(|(n, accuracy)| place(*n, accuracy.value)).collect();
        canvas.path(&line, &format!("curve {}", mark.class()));
        for (n, accuracy) in &curve.points {
            if let Some((low, high)) = accuracy.ends() {
                let class = format!("interval {}", mark.class());
                canvas.line(place(*n, low), place(*n, high), &class);
            }
            let about = format!("{}, {n} demonstrations: {}", curve.label, with_interval(Some(accuracy)));
            canvas.mark(mark, place(*n, accuracy.value), &about);
        }
    }
}

/// Heights of names beside their lines, pushed apart where they would touch.
fn apart(mut heights: Vec<f64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..heights.len()).collect();
    order.sort_by(|a, b| heights[*a].total_cmp(&heights[*b]));
    for pair in order.windows(2) {
        let missing = LINE - (heights[pair[1]] - heights[pair[0]]);
        if missing > 0.0 {
            heights[pair[0]] -= missing / 2.0;
            heights[pair[1]] += missing / 2.0;
        }
    }
    heights
}

fn describe(plot: &CurvePlot<'_>) -> String {
    let curves = plot.curves.iter().map(|curve| {
        let points = curve.points.iter();
        let points: Vec<String> = points
            .map(|(n, accuracy)| format!("{n}: {}", with_interval(Some(accuracy))))
            .collect();
        format!("{} by number of demonstrations {}", curve.label, points.join(", "))
    });
    let references = plot.references.iter();
    let references = references.map(|r| format!("{}: {}", r.label, percent(Some(r.value))));
    let published = plot.published.iter();
    let published = published.map(|p| format!("published, {}: {}", p.label, percent(Some(p.value))));
    curves.chain(references).chain(published).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_lines_do_not_touch() {
        assert_eq!(apart(vec![100.0, 50.0]), [100.0, 50.0]);
        assert_eq!(apart(vec![100.0, 98.0]), [105.0, 93.0]);
    }
}
