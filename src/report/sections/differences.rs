//! Ranked systems against each other: a matrix of their differences.

use minijinja::{Value, context};
use serde::Serialize;

use super::super::bench::Bench;
use super::super::csv::{ContrastColumns, CsvTable};
use super::super::ranking::RankedPair;
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, words};
use super::super::table::{Column, Table, left, right};
use super::super::words::{contrast, p_value, signed};
use crate::metrics::{MetricsError, Verdict};

/// The section; its numbers are the report's differences.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DifferenceMatrix;

/// Of two systems the opening says all that a matrix would.
const FEWEST: usize = 3;

/// Points at which the colour of a difference is strongest.
const STRONGEST: f64 = 0.15;

impl ReportSection for DifferenceMatrix {
    fn compute(_: &Bench<'_>, _: &Results) -> Result<Self, MetricsError> {
        Ok(Self)
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "differences",
            title: "Differences",
            template: include_str!("../templates/differences.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        let rows = rows(report.results)?;
        let pairs = report.results.differences.len();
        Some(context! { rows => words(&rows), pairs })
    }

    fn tables(&self, report: &ReportContext<'_>) -> Vec<Table> {
        let Some(rows) = rows(report.results) else {
            return Vec::new();
        };
        let caption = format!(
            "Differences of overall accuracy in percentage points, row minus column, on the probes that both have ({} \
             respondents); * p < 0.05 after Holm for all {} pairs, where unread answers make no difference either.",
            report.respondents(),
            report.results.differences.len()
        );
        let count = rows.len();
        let mut columns: Vec<Column<'_, MatrixRow>> =
            vec![left("system", |row: &MatrixRow| format!("{} {}", row.rank, row.label))];
        // The last one is in everybody else's row.
        columns.extend((1..count).map(|at| {
            right((at + 1).to_string(), move |row: &MatrixRow| {
                let cell = &row.cells[at];
                let mark = if cell.told { "*" } else { " " };
                match cell.kind {
                    "difference" => format!("{}{mark}", cell.text),
                    _ => String::new(),
                }
            })
        }));
        let rows = rows.into_iter().take(count - 1);
        vec![Table::of("differences", caption, rows, &columns)]
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let results = report.results;
        let system = |place: usize| results.ranking[place].system;
        let rows = results.differences.iter().map(|pair| {
            let sides = (
                results.columns_of(system(pair.first)),
                results.other_columns_of(system(pair.second)),
            );
            (
                sides,
                ContrastColumns::of_family(Some(&pair.difference), pair.p_adjusted),
            )
        });
        CsvTable::of("differences", rows).map(Some)
    }
}

/// A system's row of the matrix.
#[derive(Serialize)]
struct MatrixRow {
    rank: usize,
    label: String,
    cells: Vec<MatrixCell>,
}

/// What stands where two systems meet: to the right of the diagonal the difference, to the left of it p.
#[derive(Serialize)]
struct MatrixCell {
    kind: &'static str,
    text: String,
    /// Whether the two differ significantly.
    told: bool,
    heat: String,
    about: String,
}

/// All rows; absent where there are too few systems for a matrix.
fn rows(results: &Results) -> Option<Vec<MatrixRow>> {
    let ranking = &results.ranking;
    let pair = |a: usize, b: usize| {
        let wanted = (a.min(b), a.max(b));
        results
            .differences
            .iter()
            .find(|pair| (pair.first, pair.second) == wanted)
    };
    let about = |pair: &RankedPair| {
        format!(
            "{} minus {}: {} points, {}",
            ranking[pair.first].label,
            ranking[pair.second].label,
            contrast(Some(&pair.difference)),
            judged(pair)
        )
    };
    let cell = |row: usize, column: usize| match (row == column, pair(row, column)) {
        (true, _) => MatrixCell::empty("diagonal"),
        (false, None) => MatrixCell::empty("none"),
        (false, Some(pair)) => {
            let (kind, text) = match row < column {
                true => ("difference", signed(100.0 * pair.difference.wrong.estimate.value)),
                false => ("p", pair.p_adjusted.map_or("–".to_owned(), p_value)),
            };
            let size = pair.difference.wrong.estimate.value.abs() / STRONGEST;
            let told = matches!(pair.verdict(), Verdict::Ahead | Verdict::Behind);
            MatrixCell {
                kind,
                text,
                told,
                heat: format!("{:.3}", size.min(1.0)),
                about: about(pair),
            }
        }
    };
    let count = ranking.len();
    let rows = ranking.iter().enumerate().map(|(rank, one)| MatrixRow {
        rank: rank + 1,
        label: one.label.clone(),
        cells: (0..count).map(|column| cell(rank, column)).collect(),
    });
    (count >= FEWEST).then(|| rows.collect())
}

impl MatrixCell {
    fn empty(kind: &'static str) -> Self {
        Self {
            kind,
            text: String::new(),
            told: false,
            heat: String::new(),
            about: String::new(),
        }
    }
}

/// What a difference shows, in a few words.
fn judged(pair: &RankedPair) -> String {
    let p = pair
        .p_adjusted
        .map_or("p unknown".to_owned(), |p| format!("adjusted p {}", p_value(p)));
    let verdict = match pair.verdict() {
        Verdict::Ahead | Verdict::Behind => "significant",
        Verdict::Open => "not significant",
        Verdict::TooFew => "not judged: too few people",
        Verdict::Constant => "not judged: one of them answers the same whoever is asked",
        Verdict::Depends => "not judged: that depends on unread answers",
    };
    format!("{p}, {verdict}")
}
