//! Dot plots: one line a row, a mark and an interval a system.

use super::super::names::{cut, cut_within};
use super::super::svg::{Anchor, Drawing, Mark, Picture, Scale, domain};
use super::super::words::{difference, percent, signed, with_interval};
use crate::metrics::Estimate;

/// One figure of a row.
#[derive(Debug, Clone)]
pub struct Dot {
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
    pub dots: Vec<Dot>,
}

/// A line through all rows.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Where it stands.
    pub value: f64,
    /// What it is.
    pub label: String,
}

/// Where labels stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelPlace {
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
    pub labels: LabelPlace,
    /// Lines through all rows.
    pub references: Vec<Reference>,
    /// Whether figures are differences, which are signed and whose scale holds 0.
    pub differences: bool,
    /// Ends of the scale, where several plots are to share one; absent: from the figures.
    pub domain: Option<(f64, f64)>,
}

/// Natural widths: of plots that stand alone, and of those that stand side by side.
const WIDTHS: (f64, f64) = (400.0, 330.0);

/// Height above the first row, where the names of lines stand.
const TOP: f64 = 18.0;

/// Height of one figure of a row. Those of one row stand below each other, so that intervals never cover one another.
const STEP: f64 = 8.0;

/// Rows that stand with room between them; of more, those with labels above stand closer.
const ROOMY: usize = 8;

/// Draws it. `id` is unique within the page; `title` names the picture, and every figure is in the text alternative.
pub fn dots(plot: &DotPlot, id: &str, title: &str) -> Drawing {
    let layout = DotLayout::of(plot);
    let mut canvas = Picture::new(layout.width, layout.bottom() + 24.0);
    layout.axis(&mut canvas);
    layout.references(&mut canvas);
    for (at, row) in plot.rows.iter().enumerate() {
        layout.label(&mut canvas, at, row);
        layout.figures(&mut canvas, at, row);
    }
    canvas.finish(id, title, &describe(plot))
}

/// Where everything of a plot stands.
struct DotLayout<'a> {
    plot: &'a DotPlot,
    width: f64,
    /// Height of a label above its row, if it stands there.
    above: f64,
    /// Width of the labels to the left, if they stand there.
    beside: f64,
    row_height: f64,
    /// Whether every row has one figure, which is then written at its end.
    single: bool,
    scale: Scale,
}

impl<'a> DotLayout<'a> {
    fn of(plot: &'a DotPlot) -> Self {
        let most = plot.rows.iter().map(|row| row.dots.len()).max().unwrap_or(1).max(1);
        let single = most == 1;
        let (width, above, beside) = match plot.labels {
            LabelPlace::Above => (WIDTHS.0, 17.0, 6.0),
            LabelPlace::Beside => (WIDTHS.1, 0.0, 134.0),
        };
        // Many rows stand closer.
        let (above, gap) = match plot.rows.len() > ROOMY && above > 0.0 {
            true => (15.0, 7.0),
            false => (above, 13.0),
        };
        let right = if single { width - 46.0 } else { width - 12.0 };
        Self {
            plot,
            width,
            above,
            beside,
            row_height: above + gap + STEP * most as f64,
            single,
            scale: Scale {
                domain: plot.domain.unwrap_or_else(|| own_domain(plot)),
                range: (beside + 6.0, right),
            },
        }
    }

    fn top_of(&self, row: usize) -> f64 {
        TOP + self.row_height * row as f64
    }

    fn bottom(&self) -> f64 {
        self.top_of(self.plot.rows.len())
    }

    /// The height of the middle of a row's figures.
    fn middle_of(&self, row: usize) -> f64 {
        self.top_of(row) + self.above + (self.row_height - self.above) / 2.0
    }

    /// A line through all rows, which leaves out the labels that stand above them.
    fn upright(&self, canvas: &mut Picture, x: f64, class: &str) {
        match self.plot.labels {
            LabelPlace::Beside => canvas.line((x, TOP - 4.0), (x, self.bottom()), class),
            LabelPlace::Above => {
                for row in 0..self.plot.rows.len() {
                    let y = self.top_of(row);
                    canvas.line((x, y + self.above + 2.0), (x, y + self.row_height), class);
                }
            }
        }
    }

    fn axis(&self, canvas: &mut Picture) {
        for tick in self.scale.ticks(5) {
            let x = self.scale.at(tick);
            self.upright(canvas, x, "grid");
            let word = match self.plot.differences {
                true => signed(100.0 * tick),
                false => format!("{:.0}", 100.0 * tick),
            };
            let place = (x, self.bottom() + 15.0);
            canvas.text(place, Anchor::Middle, "m tick", word.trim_end_matches(".0"));
        }
    }

    fn references(&self, canvas: &mut Picture) {
        for (position, reference) in self.plot.references.iter().enumerate() {
            let x = self.scale.at(reference.value);
            self.upright(canvas, x, if position == 0 { "ref" } else { "ref second" });
            let anchor = if x > self.width - 70.0 {
                Anchor::End
            } else {
                Anchor::Middle
            };
            canvas.text((x, TOP - 7.0), anchor, "m tick", &reference.label);
        }
    }

    fn label(&self, canvas: &mut Picture, at: usize, row: &DotRow) {
        match self.plot.labels {
            LabelPlace::Above => {
                let place = (self.beside, self.top_of(at) + self.above - 3.0);
                canvas.text(place, Anchor::Start, "t", &cut_within(&row.label, 58));
            }
            LabelPlace::Beside => {
                let room = if row.note.is_empty() { 21 } else { 17 };
                let y = self.middle_of(at) + 4.0;
                canvas.text((0.0, y), Anchor::Start, "t", &cut(&row.label, room));
                canvas.text((self.beside - 4.0, y), Anchor::End, "m tick", &row.note);
            }
        }
    }

    fn figures(&self, canvas: &mut Picture, at: usize, row: &DotRow) {
        let among = (row.dots.len() - usize::from(!row.dots.is_empty())) as f64 / 2.0;
        for (series, dot) in row.dots.iter().enumerate() {
            let y = self.middle_of(at) + STEP * (series as f64 - among);
            if let Some((low, high)) = dot.estimate.ends() {
                let class = format!("interval {}", dot.mark.class());
                canvas.line((self.scale.at(low), y), (self.scale.at(high), y), &class);
            }
            let about = format!("{}: {} {}", row.label, dot.name, figure(self.plot, dot));
            canvas.mark(dot.mark, (self.scale.at(dot.estimate.value), y), &about);
            if self.single {
                let word = match self.plot.differences {
                    true => signed(100.0 * dot.estimate.value),
                    false => percent(Some(dot.estimate.value)),
                };
                canvas.text((self.width - 2.0, y + 4.0), Anchor::End, "t number", &word);
            }
        }
    }
}

fn own_domain(plot: &DotPlot) -> (f64, f64) {
    let bounds = if plot.differences { (-1.0, 1.0) } else { (0.0, 1.0) };
    let figures = plot
        .rows
        .iter()
        .flat_map(|row| &row.dots)
        .flat_map(|dot| ends(&dot.estimate));
    domain(figures.chain(plot.references.iter().map(|r| r.value)), bounds)
}

/// The figure and both ends of its interval.
pub(super) fn ends(estimate: &Estimate) -> impl Iterator<Item = f64> + use<> {
    let (low, high) = estimate.ends().unwrap_or((estimate.value, estimate.value));
    [low, estimate.value, high].into_iter()
}

/// A figure in words.
fn figure(plot: &DotPlot, dot: &Dot) -> String {
    match plot.differences {
        true => difference(Some(&dot.estimate)),
        false => with_interval(Some(&dot.estimate)),
    }
}

/// Every figure in words.
fn describe(plot: &DotPlot) -> String {
    let references = plot.references.iter().filter(|r| !plot.differences || r.value != 0.0);
    let mut said: Vec<String> = references
        .map(|r| format!("{}: {} %", r.label, percent(Some(r.value))))
        .collect();
    for row in &plot.rows {
        let figures = row.dots.iter().map(|dot| match dot.name.as_str() {
            "" => figure(plot, dot),
            name => format!("{name} {}", figure(plot, dot)),
        });
        said.push(format!("{}: {}", row.label, figures.collect::<Vec<_>>().join(", ")));
    }
    said.join("; ")
}
