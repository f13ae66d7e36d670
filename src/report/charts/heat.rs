//! Heat maps: categories against categories, and right against wrong.

use super::super::names::{cut, short_category};
use super::super::svg::{Anchor, Drawing, Picture};
use super::super::table::folded;
use super::super::words::percent;
use crate::metrics::Outcomes2x2;

/// The share at which the sequential scale begins and ends: below a quarter and above nine tenths all look alike.
pub const HEAT: (f64, f64) = (0.25, 0.90);

/// Where a share stands on the sequential scale, between 0 and 1.
pub fn heat(value: f64) -> f64 {
    ((value - HEAT.0) / (HEAT.1 - HEAT.0)).clamp(0.0, 1.0)
}

/// Accuracy by category of the probe (rows) and of the demonstrations (columns).
#[derive(Debug, Clone)]
pub struct CategoryGrid<'a> {
    /// Names of all categories: the rows.
    pub categories: &'a [String],
    /// The category of each column, by position.
    pub columns: &'a [usize],
    /// Mean number of statements shown, by column.
    pub shown: &'a [f64],
    /// Accuracy by row and column; absent where nothing was probed.
    pub accuracy: Vec<Vec<Option<f64>>>,
}

/// Where the squares begin, and how long a side of one is.
const CORNER: (f64, f64) = (112.0, 98.0);
const SQUARE: f64 = 40.0;

/// Draws it, the diagonal framed.
pub fn category_grid(grid: &CategoryGrid<'_>, id: &str, title: &str) -> Drawing {
    let (left, top) = CORNER;
    let width = left + SQUARE * grid.columns.len() as f64 + 34.0;
    let bottom = top + SQUARE * grid.categories.len() as f64;
    let mut canvas = Picture::new(width, bottom + 24.0);
    let name = |at: usize| short_category(&grid.categories[at]);
    for (at, &column) in grid.columns.iter().enumerate() {
        let x = left + SQUARE * (at as f64 + 0.5);
        canvas.text_upwards((x + 4.0, top - 8.0), "t", &name(column));
        let shown = format!("{:.0}", grid.shown[at]);
        canvas.text((x, bottom + 16.0), Anchor::Middle, "m tick", &shown);
    }
    canvas.text((left - 8.0, bottom + 16.0), Anchor::End, "m tick", "statements shown");
    let mut said = Vec::new();
    for (row, accuracy) in grid.accuracy.iter().enumerate() {
        let y = top + SQUARE * row as f64;
        let place = (left - 8.0, y + SQUARE / 2.0 + 4.0);
        canvas.text(place, Anchor::End, "t", &name(row));
        let mut words = Vec::new();
        for (at, (&column, value)) in grid.columns.iter().zip(accuracy).enumerate() {
            let Some(value) = *value else { continue };
            let x = left + SQUARE * at as f64;
            let class = if column == row { "heat own" } else { "heat" };
            let size = (SQUARE - 2.0, SQUARE - 2.0);
            canvas.rectangle((x + 1.0, y + 1.0), size, class, Some(heat(value)));
            let place = (x + SQUARE / 2.0, y + SQUARE / 2.0 + 4.0);
            canvas.text(place, Anchor::Middle, "t cell", &format!("{:.0}", 100.0 * value));
            words.push(format!("{} {}", name(column), percent(Some(value))));
        }
        said.push(format!("{} from {}", name(row), words.join(", ")));
    }
    canvas.finish(id, title, &said.join("; "))
}

/// Characters that a line above the matrix has room for.
const LINE: usize = 42;

/// How often two methods are right together and apart.
pub fn matrix(table: &Outcomes2x2, first: &str, second: &str, id: &str, title: &str) -> Drawing {
    let probes = table.probes().max(1) as f64;
    // Who stands where is said in lines of their own above: names are too long for the ends of rows and columns.
    let mut said = folded(&format!("rows: {first}"), LINE);
    said.extend(folded(&format!("columns: {second}"), LINE));
    let (left, top, side) = (56.0, 32.0 + 15.0 * said.len() as f64, 112.0);
    let mut canvas = Picture::new(left + 2.0 * side + 8.0, top + 2.0 * side + 8.0);
    for (at, line) in said.iter().enumerate() {
        let place = (0.0, 13.0 + 15.0 * at as f64);
        canvas.text(place, Anchor::Start, "t", &cut(line, LINE));
    }
    for (at, word) in ["right", "wrong"].into_iter().enumerate() {
        canvas.text(
            (left + side * (at as f64 + 0.5), top - 10.0),
            Anchor::Middle,
            "m tick",
            word,
        );
        canvas.text(
            (left - 10.0, top + side * (at as f64 + 0.5) + 4.0),
            Anchor::End,
            "m tick",
            word,
        );
    }
    let both_wrong = table.both_wrong_alike + table.both_wrong_apart;
    let cells = [
        (0, 0, table.both_right),
        (0, 1, table.only_first),
        (1, 0, table.only_second),
        (1, 1, both_wrong),
    ];
    for (row, column, count) in cells {
        let (x, y) = (left + side * f64::from(column), top + side * f64::from(row));
        let share = count as f64 / probes;
        canvas.rectangle((x + 1.0, y + 1.0), (side - 2.0, side - 2.0), "heat", Some(share));
        let middle = x + side / 2.0;
        canvas.text(
            (middle, y + side / 2.0 + 2.0),
            Anchor::Middle,
            "t big",
            &format!("{} %", percent(Some(share))),
        );
        let below = match (row, column) {
            (1, 1) => format!("{} alike", table.both_wrong_alike),
            _ => format!("{count} probes"),
        };
        canvas.text((middle, y + side / 2.0 + 20.0), Anchor::Middle, "m tick", &below);
    }
    let description = format!(
        "both right {}, only {first} right {}, only {second} right {}, both wrong {both_wrong}, of these {} chose alike",
        table.both_right, table.only_first, table.only_second, table.both_wrong_alike
    );
    canvas.finish(id, title, &description)
}
