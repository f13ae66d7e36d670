//! Dot plots: one line a row, a mark and an interval a system.

use super::super::svg::{Anchor, Canvas, Mark, Scale, domain};
use super::super::words::{percent, signed, with_interval};
use crate::metrics::Estimate;

/// One figure of a row.
#[derive(Debug, Clone)]
pub struct Point {
    /// Shape and colour.
    pub mark: Mark,
    /// What it is called in the text alternative.
    pub name: String,
    /// The figure.
    pub estimate: Estimate,
}

/// One row.
#[derive(Debug, Clone)]
pub struct DotRow {
    /// What it is called.
    pub label: String,
    /// Said in smaller letters behind the label, such as a number of people.
    pub note: String,
    /// Its figures.
    pub points: Vec<Point>,
}

/// A vertical line through all rows.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Where it stands.
    pub value: f64,
    /// What it is.
    pub label: String,
}

/// Where labels stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// In a line of their own above the row: for long ones.
    Above,
    /// In a column to the left.
    Beside,
}

/// A dot plot.
#[derive(Debug, Clone)]
pub struct DotPlot {
    /// Its rows.
    pub rows: Vec<DotRow>,
    /// Where labels stand.
    pub labels: Labels,
    /// Lines through all rows.
    pub references: Vec<Reference>,
    /// Whether figures are differences, which are signed and whose scale holds 0.
    pub differences: bool,
    /// Ends of the scale, where several plots are to share one; absent: from the figures.
    pub domain: Option<(f64, f64)>,
}

/// Natural widths: of plots that stand alone, and of those that stand side by side.
const WIDTHS: (f64, f64) = (400.0, 330.0);

/// Draws it. `id` is unique within the page; `title` names the picture, and every figure is in the text alternative.
pub fn dots(plot: &DotPlot, id: &str, title: &str) -> String {
    let most = plot.rows.iter().map(|row| row.points.len()).max().unwrap_or(1).max(1);
    let single = most == 1;
    let (above, beside) = match plot.labels {
        Labels::Above => (17.0, 6.0),
        Labels::Beside => (0.0, 134.0),
    };
    let width = if plot.labels == Labels::Above {
        WIDTHS.0
    } else {
        WIDTHS.1
    };
    // Series of one row stand below each other, so that intervals never cover one another.
    let row_height = above + 13.0 + 8.0 * most as f64;
    let top = 18.0;
    let bottom = top + row_height * plot.rows.len() as f64;
    let right = if single { width - 46.0 } else { width - 12.0 };
    let scale = Scale {
        domain: plot.domain.unwrap_or_else(|| own_domain(plot)),
        range: (beside + 6.0, right),
    };
    let mut canvas = Canvas::new(width, bottom + 24.0);
    // A line through all rows leaves out the labels that stand above them.
    let upright = |canvas: &mut Canvas, x: f64, class: &str| match plot.labels {
        Labels::Beside => canvas.line((x, top - 4.0), (x, bottom), class),
        Labels::Above => {
            for row in 0..plot.rows.len() {
                let y = top + row_height * row as f64;
                canvas.line((x, y + above + 2.0), (x, y + row_height), class);
            }
        }
    };
    for tick in scale.ticks(5) {
        let x = scale.at(tick);
        upright(&mut canvas, x, "grid");
        let word = if plot.differences {
            signed(100.0 * tick)
        } else {
            format!("{:.0}", 100.0 * tick)
        };
        canvas.text(
            (x, bottom + 15.0),
            Anchor::Middle,
            "m tick",
            word.trim_end_matches(".0"),
        );
    }
    for (position, reference) in plot.references.iter().enumerate() {
        let x = scale.at(reference.value);
        upright(&mut canvas, x, if position == 0 { "ref" } else { "ref second" });
        let anchor = if x > width - 70.0 { Anchor::End } else { Anchor::Middle };
        canvas.text((x, top - 7.0), anchor, "m tick", &reference.label);
    }
    for (at, row) in plot.rows.iter().enumerate() {
        let y = top + row_height * at as f64;
        let middle = y + above + (row_height - above) / 2.0;
        match plot.labels {
            Labels::Above => {
                canvas.text(
                    (beside, y + 14.0),
                    Anchor::Start,
                    "t",
                    &super::super::names::cut(&row.label, 58),
                );
            }
            Labels::Beside => {
                let room = if row.note.is_empty() { 21 } else { 17 };
                canvas.text(
                    (0.0, middle + 4.0),
                    Anchor::Start,
                    "t",
                    &super::super::names::cut(&row.label, room),
                );
                canvas.text((beside - 4.0, middle + 4.0), Anchor::End, "m tick", &row.note);
            }
        }
        for (series, point) in row.points.iter().enumerate() {
            let y = middle + 8.0 * (series as f64 - (row.points.len() - 1) as f64 / 2.0);
            let figure = if plot.differences {
                super::super::words::difference(Some(&point.estimate))
            } else {
                with_interval(Some(&point.estimate))
            };
            if let Some((low, high)) = point.estimate.ends() {
                let class = format!("interval {}", point.mark.class());
                canvas.line((scale.at(low), y), (scale.at(high), y), &class);
            }
            let about = format!("{}: {} {figure}", row.label, point.name);
            canvas.mark(point.mark, (scale.at(point.estimate.value), y), &about);
            if single {
                let word = if plot.differences {
                    signed(100.0 * point.estimate.value)
                } else {
                    percent(Some(point.estimate.value))
                };
                canvas.text((width - 2.0, y + 4.0), Anchor::End, "t number", &word);
            }
        }
    }
    canvas.finish(id, title, &describe(plot))
}

fn own_domain(plot: &DotPlot) -> (f64, f64) {
    let bounds = if plot.differences { (-1.0, 1.0) } else { (0.0, 1.0) };
    let figures = plot
        .rows
        .iter()
        .flat_map(|row| &row.points)
        .flat_map(|point| ends(&point.estimate));
    domain(figures.chain(plot.references.iter().map(|r| r.value)), bounds)
}

/// The figure and both ends of its interval.
pub(super) fn ends(estimate: &Estimate) -> impl Iterator<Item = f64> + use<> {
    let (low, high) = estimate.ends().unwrap_or((estimate.value, estimate.value));
    [low, estimate.value, high].into_iter()
}

/// Every figure in words.
fn describe(plot: &DotPlot) -> String {
    let mut said: Vec<String> = plot
        .references
        .iter()
        .filter(|r| !plot.differences || r.value != 0.0)
        .map(|r| format!("{}: {} %", r.label, percent(Some(r.value))))
        .collect();
    for row in &plot.rows {
        let points: Vec<String> = row
            .points
            .iter()
            .map(|point| {
                let figure = if plot.differences {
                    super::super::words::difference(Some(&point.estimate))
                } else {
                    with_interval(Some(&point.estimate))
                };
                if point.name.is_empty() {
                    figure
                } else {
                    format!("{} {figure}", point.name)
                }
            })
            .collect();
        said.push(format!("{}: {}", row.label, points.join(", ")));
    }
    said.join("; ")
}
