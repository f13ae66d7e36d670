//! Accuracy against number of demonstrations.

use super::super::names::cut;
use super::super::numbers::Curve;
use super::super::svg::{Anchor, Canvas, Mark, Scale, domain};
use super::super::words::{percent, with_interval};
use super::dots::{Reference, ends};

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

const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 300.0;

/// Draws all curves on one pair of axes, with horizontal lines for what needs no demonstrations.
pub fn curves(
    curves: &[Curve],
    references: &[Reference],
    published: &[PublishedPoint],
    id: &str,
    title: &str,
) -> String {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let figures = points()
        .flat_map(|(_, estimate)| ends(estimate))
        .chain(references.iter().map(|r| r.value))
        .chain(published.iter().map(|p| p.value));
    let most = points()
        .map(|(n, _)| *n)
        .chain(published.iter().map(|p| p.demonstrations))
        .max()
        .unwrap_or(1);
    let y = Scale {
        domain: domain(figures, (0.0, 1.0)),
        range: (HEIGHT - 38.0, 14.0),
    };
    let x = Scale {
        domain: (0.0, most as f64),
        range: (40.0, WIDTH - 16.0),
    };
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    for tick in y.ticks(6) {
        canvas.line((34.0, y.at(tick)), (WIDTH - 8.0, y.at(tick)), "grid");
        canvas.text(
            (28.0, y.at(tick) + 4.0),
            Anchor::End,
            "m tick",
            &format!("{:.0}", 100.0 * tick),
        );
    }
    let mut counts: Vec<usize> = points().map(|(n, _)| *n).collect();
    counts.sort_unstable();
    counts.dedup();
    let mut last = f64::NEG_INFINITY;
    for &count in &counts {
        // Numbers that would touch the one before are left out; their points are still drawn.
        if x.at(count as f64) - last > 26.0 {
            last = x.at(count as f64);
            canvas.text((last, HEIGHT - 20.0), Anchor::Middle, "m tick", &count.to_string());
        }
    }
    canvas.text(
        ((x.range.0 + x.range.1) / 2.0, HEIGHT - 4.0),
        Anchor::Middle,
        "m tick",
        "demonstrations shown",
    );
    for (position, reference) in references.iter().enumerate() {
        let at = y.at(reference.value);
        canvas.line(
            (34.0, at),
            (WIDTH - 8.0, at),
            if position == 0 { "ref" } else { "ref second" },
        );
        canvas.text(
            (WIDTH - 8.0, at - 4.0),
            Anchor::End,
            "m tick",
            &cut(&reference.label, 30),
        );
    }
    for (series, curve) in curves.iter().enumerate() {
        let mark = Mark::Series(series);
        // Intervals of different curves stand a little apart.
        let shift = 5.0 * (series as f64 - (curves.len() - 1) as f64 / 2.0);
        let place = |n: usize, value: f64| (x.at(n as f64) + shift, y.at(value));
        let line: Vec<(f64, f64)> = curve.points.iter().map(|(n, e)| place(*n, e.value)).collect();
        canvas.path(&line, &format!("curve {}", mark.class()));
        for (n, estimate) in &curve.points {
            if let Some(spread) = estimate.spread {
                let class = format!("interval {}", mark.class());
                canvas.line(place(*n, spread.low), place(*n, spread.high), &class);
            }
            let about = format!("{}, {n} demonstrations: {}", curve.label, with_interval(Some(estimate)));
            canvas.mark(mark, place(*n, estimate.value), &about);
        }
    }
    for point in published {
        let about = format!("published: {} {}", point.label, percent(Some(point.value)));
        canvas.mark(
            Mark::Published,
            (x.at(point.demonstrations as f64), y.at(point.value)),
            &about,
        );
    }
    canvas.finish(id, title, &describe(curves, references, published))
}

fn describe(curves: &[Curve], references: &[Reference], published: &[PublishedPoint]) -> String {
    let mut said: Vec<String> = curves
        .iter()
        .map(|curve| {
            let points: Vec<String> = curve
                .points
                .iter()
                .map(|(n, e)| format!("{n}: {}", with_interval(Some(e))))
                .collect();
            format!("{} by number of demonstrations {}", curve.label, points.join(", "))
        })
        .collect();
    said.extend(
        references
            .iter()
            .map(|r| format!("{}: {}", r.label, percent(Some(r.value)))),
    );
    said.extend(
        published
            .iter()
            .map(|p| format!("published, {}: {}", p.label, percent(Some(p.value)))),
    );
    said.join("; ")
}
