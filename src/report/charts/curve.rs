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
/// Room to the right of the axes for the names of horizontal lines.
const MARGIN: f64 = 58.0;
/// The height of one of these names.
const LINE: f64 = 12.0;

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
        .flat_map(|point| ends(&point.accuracy))
        .chain(references.iter().map(|r| r.value))
        .chain(published.iter().map(|p| p.value));
    let most = points()
        .map(|point| point.demonstrations)
        .chain(published.iter().map(|p| p.demonstrations))
        .max()
        .unwrap_or(1);
    let y = Scale {
        domain: domain(figures, (0.0, 1.0)),
        range: (HEIGHT - 38.0, 14.0),
    };
    let x = Scale {
        domain: (0.0, most as f64),
        range: (40.0, WIDTH - MARGIN - 8.0),
    };
    let end = WIDTH - MARGIN;
    let mut canvas = Canvas::new(WIDTH, HEIGHT);
    for tick in y.ticks(6) {
        canvas.line((34.0, y.at(tick)), (end, y.at(tick)), "grid");
        canvas.text(
            (28.0, y.at(tick) + 4.0),
            Anchor::End,
            "m tick",
            &format!("{:.0}", 100.0 * tick),
        );
    }
    let mut counts: Vec<usize> = points().map(|point| point.demonstrations).collect();
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
        "demonstrations, at most",
    );
    let heights = apart(references.iter().map(|r| y.at(r.value)).collect());
    for (position, (reference, height)) in references.iter().zip(heights).enumerate() {
        let at = y.at(reference.value);
        let class = if position == 0 { "ref" } else { "ref second" };
        canvas.line((34.0, at), (end, at), class);
        // Beside the axes, where no mark can cover it.
        canvas.text(
            (end + 4.0, height + 4.0),
            Anchor::Start,
            "m tick",
            &cut(&reference.label, 10),
        );
    }
    for (series, curve) in curves.iter().enumerate() {
        let mark = Mark::Series(series);
        // Intervals of different curves stand a little apart.
        let shift = 5.0 * (series as f64 - (curves.len() - 1) as f64 / 2.0);
        let place = |n: usize, value: f64| (x.at(n as f64) + shift, y.at(value));
        let line: Vec<(f64, f64)> = curve
            .points
            .iter()
            .map(|point| place(point.demonstrations, point.accuracy.value))
            .collect();
        canvas.path(&line, &format!("curve {}", mark.class()));
        for point in &curve.points {
            let (n, estimate) = (point.demonstrations, &point.accuracy);
            if let Some((low, high)) = estimate.ends() {
                let class = format!("interval {}", mark.class());
                canvas.line(place(n, low), place(n, high), &class);
            }
            let about = format!("{}, {n} demonstrations: {}", curve.label, with_interval(Some(estimate)));
            canvas.mark(mark, place(n, estimate.value), &about);
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

fn describe(curves: &[Curve], references: &[Reference], published: &[PublishedPoint]) -> String {
    let mut said: Vec<String> = curves
        .iter()
        .map(|curve| {
            let points: Vec<String> = curve
                .points
                .iter()
                .map(|point| format!("{}: {}", point.demonstrations, with_interval(Some(&point.accuracy))))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_lines_do_not_touch() {
        assert_eq!(apart(vec![100.0, 50.0]), [100.0, 50.0]);
        assert_eq!(apart(vec![100.0, 98.0]), [105.0, 93.0]);
    }
}
