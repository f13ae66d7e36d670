//! Heat maps: categories against categories, and right against wrong.

use super::super::names::short_category;
use super::super::numbers::Transfer;
use super::super::svg::{Anchor, Canvas};
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
pub fn transfer(grid: &Transfer, categories: &[String], id: &str, title: &str) -> String {
    let (left, top, side) = (112.0, 98.0, 40.0);
    let width = left + side * grid.columns.len() as f64 + 34.0;
    let mut canvas = Canvas::new(width, top + side * categories.len() as f64 + 24.0);
    for (at, &column) in grid.columns.iter().enumerate() {
        let x = left + side * (at as f64 + 0.5) + 4.0;
        canvas.text_upwards((x, top - 8.0), "t", &short_category(&categories[column]));
        let below = top + side * categories.len() as f64 + 16.0;
        canvas.text(
            (x - 4.0, below),
            Anchor::Middle,
            "m tick",
            &format!("{:.0}", grid.shown[at]),
        );
    }
    canvas.text(
        (left - 8.0, top + side * categories.len() as f64 + 16.0),
        Anchor::End,
        "m tick",
        "statements shown",
    );
    let mut said = Vec::new();
    for (row, category) in categories.iter().enumerate() {
        let y = top + side * row as f64;
        canvas.text(
            (left - 8.0, y + side / 2.0 + 4.0),
            Anchor::End,
            "t",
            &short_category(category),
        );
        let mut words = Vec::new();
        for (at, &column) in grid.columns.iter().enumerate() {
            let Some(estimate) = grid.cells[row][at] else { continue };
            let x = left + side * at as f64;
            let class = if column == row { "heat own" } else { "heat" };
            canvas.rectangle(
                (x + 1.0, y + 1.0),
                (side - 2.0, side - 2.0),
                class,
                Some(heat(estimate.value)),
            );
            let place = (x + side / 2.0, y + side / 2.0 + 4.0);
            canvas.text(
                place,
                Anchor::Middle,
                "t cell",
                &format!("{:.0}", 100.0 * estimate.value),
            );
            words.push(format!(
                "{} {}",
                short_category(&categories[column]),
                percent(Some(estimate.value))
            ));
        }
        said.push(format!("{} from {}", short_category(category), words.join(", ")));
    }
    canvas.finish(id, title, &said.join("; "))
}

/// Characters that a line above the matrix has room for.
const LINE: usize = 42;

/// How often two methods are right together and apart.
pub fn matrix(table: &Outcomes2x2, first: &str, second: &str, id: &str, title: &str) -> String {
    let probes = table.probes().max(1) as f64;
    // Who stands where is said in lines of their own above: names are too long for the ends of rows and columns.
    let mut said = folded(&format!("rows: {first}"), LINE);
    said.extend(folded(&format!("columns: {second}"), LINE));
    let (left, top, side) = (56.0, 32.0 + 15.0 * said.len() as f64, 112.0);
    let mut canvas = Canvas::new(left + 2.0 * side + 8.0, top + 2.0 * side + 8.0);
    for (at, line) in said.iter().enumerate() {
        let place = (0.0, 13.0 + 15.0 * at as f64);
        canvas.text(place, Anchor::Start, "t", &super::super::names::cut(line, LINE));
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
