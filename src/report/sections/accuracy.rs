//! The table of categories and systems: the report's main result.

use minijinja::{Value, context};
use serde::Serialize;

use super::super::bench::Bench;
use super::super::charts::heat_share;
use super::super::csv::{CsvTable, EstimateColumns};
use super::super::names;
use super::super::published::Published;
use super::super::results::{ResultColumn, Results};
use super::super::section::{PagePart, ReportContext, ReportSection, words};
use super::super::system_scores::SystemScores;
use super::super::table::{Column, Table, left, right};
use super::super::words::{percent, range, with_interval};
use crate::metrics::{Estimate, MetricsError, ProbeCounts, SPLITS};
use crate::survey::PublishedResult;

/// The section; its numbers are the report's systems.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AccuracyTable;

/// People behind the paper's figures, which are printed without intervals.
const PAPERS_PEOPLE: usize = 800;

/// Columns that a page has room for; more of them go on in a table below.
const COLUMNS: usize = 16;

/// A table turned so that systems are its rows has the overall figures first and no splits, which are in accuracy.csv.
const OVERALL: [&str; 2] = ["Overall", "Mean of people"];

impl ReportSection for AccuracyTable {
    fn compute(_: &Bench<'_>, _: &Results) -> Result<Self, MetricsError> {
        Ok(Self)
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "categories",
            title: "Categories",
            template: include_str!("../templates/categories.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        let published = published(report.results);
        let sources: Vec<String> = defined(report.results)
            .iter()
            .map(|one| format!("{}: {}", one.name, one.source))
            .collect();
        let columns: Vec<HeatColumn> = report
            .columns
            .iter()
            .map(|column| heat_column(report, column))
            .collect();
        let columns: Vec<HeatColumn> = columns.into_iter().chain(published).collect();
        let has_published = columns.iter().any(|column| column.kind == "published");
        let restricted = report.results.headline.is_empty();
        if report.many() {
            let turned = words(&turned(report, &columns));
            return Some(context! { turned, has_published, sources, restricted });
        }
        let names: Vec<String> = row_names(report);
        let tables = in_tables(columns).into_iter().map(|columns| {
            let spans: Vec<Value> = columns
                .chunk_by(|a, b| a.kind == b.kind)
                .map(|alike| context! { kind => alike[0].kind, width => alike.len() })
                .collect();
            let rows = names.iter().enumerate().filter_map(|(at, name)| {
                let cells: Vec<&HeatCell> = columns.iter().map(|column| &column.cells[at]).collect();
                let kind = row_kind(at, report.results.categories.len());
                let is_empty = cells.iter().all(|cell| cell.figure.is_empty());
                (!is_empty).then(|| context! { name, kind, cells => words(&cells) })
            });
            let rows: Vec<Value> = rows.collect();
            context! { spans, columns => words(&columns), rows }
        });
        let tables: Vec<Value> = tables.collect();
        Some(context! { tables, has_published, sources, restricted })
    }

    fn tables(&self, report: &ReportContext<'_>) -> Vec<Table> {
        vec![main_table(report)]
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = report
            .results
            .systems
            .iter()
            .enumerate()
            .flat_map(|(at, system)| csv_rows(report.results, at, system));
        CsvTable::of("accuracy", rows).map(Some)
    }
}

/// The table for people: categories and overall by system, in percent with 95 % intervals.
fn main_table(report: &ReportContext<'_>) -> Table {
    let results = report.results;
    let synthetic = if results.synthetic {
        "SYNTHETIC respondents. "
    } else {
        ""
    };
    let common = names::in_common(&results.names(&results.headline));
    let shown: String = common.iter().map(|part| format!(", {part}")).collect();
    let ours = || report.columns.iter().filter(|column| column.ours);
    let counts = || ours().map(|column| column.people).filter(|people| *people > 0);
    let over = match counts().next() {
        Some(_) => format!(" over {}", range(counts())),
        None => String::new(),
    };
    let silent = results.silent().map_or(String::new(), |silent| format!(" {silent}"));
    let grids = match ours().count() > results.headline.len() {
        true => " All demonstrations came from one category: that of the probe (same category) or another one.",
        false => "",
    };
    let few = [results.unequal(), results.few()].into_iter().flatten();
    let few: String = few.map(|few| format!(" {few}")).collect();
    let caption = format!(
        "{synthetic}Accuracy in percent with 95 % intervals{over}{shown}; overall is the mean of the \
         categories; the mean of people (the paper's way) counts every person alike.{grids}{silent}{few}"
    );
    if report.many() {
        let turned = turned_columns(report);
        return Table::of("main", caption + TURNED, &report.columns, &turned);
    }
    // A row is a category, the overall figure, or the mean of people.
    type Pick<'a> = Box<dyn Fn(&ResultColumn<'_>) -> Option<Estimate> + 'a>;
    let categories = results.categories.iter().enumerate().map(|(row, category)| {
        let pick: Pick<'_> = Box::new(move |column| column.scores.categories[row]);
        (names::short_category(category), pick)
    });
    let overall: Pick<'_> = Box::new(|column| column.scores.overall);
    let of_people: Pick<'_> = Box::new(|column| column.mean_of_people.copied());
    let rows = categories.chain([
        ("Overall".to_owned(), overall),
        ("Mean of people".to_owned(), of_people),
    ]);
    type TableRow<'a> = (String, Pick<'a>);
    let mut columns: Vec<Column<'_, TableRow<'_>>> = vec![left("category", |row: &TableRow<'_>| row.0.clone())];
    columns.extend(report.columns.iter().map(|column| {
        right(column.label.clone(), move |row: &TableRow<'_>| {
            with_interval((row.1)(column).as_ref())
        })
    }));
    Table::of("main", caption, rows, &columns)
}

/// What a caption adds where systems are rows.
const TURNED: &str = " Intervals of the categories are in accuracy.csv.";

/// Columns of the table for people where systems are its rows.
fn turned_columns<'a>(report: &'a ReportContext<'a>) -> Vec<Column<'a, &'a ResultColumn<'a>>> {
    let categories = report.results.categories.iter().enumerate();
    let categories = categories.map(|(at, name)| {
        right(names::short_category(name), move |row: &&ResultColumn<'_>| {
            percent(row.scores.categories[at].map(|estimate| estimate.value))
        })
    });
    let overall = [
        left("system", |row: &&ResultColumn<'_>| row.label.clone()),
        right("Overall", |row: &&ResultColumn<'_>| {
            with_interval(row.scores.overall.as_ref())
        }),
        right("Mean of people", |row: &&ResultColumn<'_>| {
            with_interval(row.mean_of_people)
        }),
    ];
    overall.into_iter().chain(categories).collect()
}

/// A column of the page's table.
#[derive(Serialize)]
struct HeatColumn {
    title: String,
    kind: &'static str,
    cells: Vec<HeatCell>,
}

/// A figure of the page's table, coloured by how high it is.
#[derive(Serialize)]
struct HeatCell {
    figure: String,
    interval: String,
    heat: Option<String>,
}

impl HeatCell {
    fn of(estimate: Option<Estimate>) -> Self {
        let ends = estimate.and_then(|estimate| estimate.ends());
        let whole = |(low, high)| format!("{:.0}–{:.0}", 100.0 * low, 100.0 * high);
        Self {
            figure: percent(estimate.map(|estimate| estimate.value)),
            interval: ends.map(whole).unwrap_or_default(),
            heat: estimate.map(|estimate| format!("{:.3}", heat_share(estimate.value))),
        }
    }
}

/// Splits that any column has.
fn splits(report: &ReportContext<'_>) -> Vec<usize> {
    let has = |split: &usize| {
        report
            .columns
            .iter()
            .any(|column| column.scores.splits[*split].is_some())
    };
    (0..SPLITS).filter(has).collect()
}

/// Names of the page's rows: categories, overall, the mean of people, splits.
fn row_names(report: &ReportContext<'_>) -> Vec<String> {
    let overall = ["Overall", "Overall, mean of people"].map(str::to_owned);
    let splits = splits(report).into_iter().map(|split| format!("Split {}", split + 1));
    report
        .results
        .categories
        .iter()
        .cloned()
        .chain(overall)
        .chain(splits)
        .collect()
}

/// The table with systems as rows: what its columns are called, and each system's figures.
#[derive(Serialize)]
struct TurnedTable<'a> {
    names: Vec<String>,
    rows: Vec<TurnedRow<'a>>,
}

/// One system's row.
#[derive(Serialize)]
struct TurnedRow<'a> {
    title: &'a str,
    kind: &'static str,
    /// Whether it is the first of its kind.
    first: bool,
    cells: Vec<&'a HeatCell>,
}

fn turned<'a>(report: &ReportContext<'_>, columns: &'a [HeatColumn]) -> TurnedTable<'a> {
    let categories = report.results.categories.len();
    let names = OVERALL.map(str::to_owned).into_iter();
    let names = names.chain(report.results.categories.iter().map(|name| names::short_category(name)));
    let rows = columns.iter().enumerate().map(|(at, column)| {
        // The overall figures stand behind the categories there.
        let (of_categories, overall) = column.cells.split_at(categories);
        TurnedRow {
            title: &column.title,
            kind: column.kind,
            first: at == 0 || columns[at - 1].kind != column.kind,
            cells: overall.iter().take(OVERALL.len()).chain(of_categories).collect(),
        }
    });
    TurnedTable {
        names: names.collect(),
        rows: rows.collect(),
    }
}

/// What kind of row stands at a position: a category, overall, or what stands below it.
fn row_kind(at: usize, categories: usize) -> &'static str {
    match at.checked_sub(categories) {
        None => "category",
        Some(0) => "overall",
        Some(_) => "split",
    }
}

/// One of our columns, row by row as [`row_names`] has them.
fn heat_column(report: &ReportContext<'_>, column: &ResultColumn<'_>) -> HeatColumn {
    let overall = [column.scores.overall, column.mean_of_people.copied()];
    let splits = splits(report).into_iter().map(|split| column.scores.splits[split]);
    let figures = column.scores.categories.iter().copied().chain(overall).chain(splits);
    HeatColumn {
        title: column.label.clone(),
        kind: if column.ours { "ours" } else { "baseline" },
        cells: figures.map(HeatCell::of).collect(),
    }
}

/// Published columns: the paper's, where the categories are the paper's, and those that the survey's definition names. All are
/// of demonstrations from all categories.
fn published(results: &Results) -> Vec<HeatColumn> {
    if results.headline.is_empty() {
        return Vec::new();
    }
    let paper = Published::read().map(|published| published.columns(&results.categories));
    let paper = paper.unwrap_or_default().into_iter().map(|column| {
        let categories = column.categories.into_iter().map(Some).collect();
        published_column(column.name, categories, Some(column.overall))
    });
    let own = defined(results).into_iter().map(|one| {
        let share = |percent: f64| percent / 100.0;
        let of = |category: &String| one.categories.get(category).copied().map(share);
        let categories = results.categories.iter().map(of).collect();
        published_column(one.name.clone(), categories, one.overall.map(share))
    });
    paper.chain(own).collect()
}

/// A published column, of shares; neither a second overall figure nor splits are published.
fn published_column(title: String, categories: Vec<Option<f64>>, overall: Option<f64>) -> HeatColumn {
    let cell = |share: Option<f64>| match share {
        Some(share) => HeatCell::of(Some(Estimate::exact(share, PAPERS_PEOPLE))),
        None => HeatCell {
            figure: String::new(),
            interval: String::new(),
            heat: None,
        },
    };
    let shares = categories.into_iter().chain([overall]);
    HeatColumn {
        title,
        kind: "published",
        cells: shares.chain((0..=SPLITS).map(|_| None)).map(cell).collect(),
    }
}

/// What the definitions of the runs' surveys name, each once.
fn defined(results: &Results) -> Vec<&PublishedResult> {
    let mut found: Vec<&PublishedResult> = Vec::new();
    for one in results.runs.iter().flat_map(|run| &run.header.published) {
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// Columns by table: all in one where a page has room for them, otherwise kinds kept together as far as that goes.
fn in_tables(columns: Vec<HeatColumn>) -> Vec<Vec<HeatColumn>> {
    let mut kinds: Vec<Vec<HeatColumn>> = Vec::new();
    for column in columns {
        match kinds.last_mut() {
            Some(last) if last.len() < COLUMNS && last[0].kind == column.kind => last.push(column),
            _ => kinds.push(vec![column]),
        }
    }
    let mut tables: Vec<Vec<HeatColumn>> = Vec::new();
    for kind in kinds {
        match tables.last_mut() {
            Some(last) if last.len() + kind.len() <= COLUMNS => last.extend(kind),
            _ => tables.push(kind),
        }
    }
    tables
}

/// What part of a system's result a row of the CSV table is.
#[derive(Debug, Clone, Serialize)]
struct ScopeColumns {
    scope: &'static str,
    name: String,
}

/// What stands behind a figure.
#[derive(Debug, Clone, Copy, Serialize)]
struct CountColumns {
    people: Option<usize>,
    probes: Option<usize>,
    unread: Option<usize>,
}

/// Every figure of a system: overall, by split, by category, and overall as the paper has it and with questions varied.
fn csv_rows(results: &Results, at: usize, system: &SystemScores) -> Vec<impl Serialize + use<>> {
    let (scores, counts) = (&system.scores, &system.counts);
    type Line<'a> = (&'static str, String, Option<&'a Estimate>, Option<ProbeCounts>);
    let overall = |scope, estimate| (scope, String::new(), estimate, counts.overall);
    let splits = scores.splits.iter().zip(counts.splits).enumerate();
    let splits =
        splits.map(|(split, (estimate, counts))| ("split", (split + 1).to_string(), estimate.as_ref(), counts));
    let categories = results
        .categories
        .iter()
        .zip(&scores.categories)
        .zip(&counts.categories);
    let categories =
        categories.map(|((name, estimate), counts)| ("category", name.clone(), estimate.as_ref(), *counts));
    let last = [
        overall("overall, mean of people", system.mean_of_people.as_ref()),
        overall("overall, crossed with questions", system.crossed.as_ref()),
    ];
    let all = std::iter::once(overall("overall", scores.overall.as_ref()))
        .chain(splits)
        .chain(categories)
        .chain(last);
    let identity = results.columns_of(at);
    let row = |(scope, name, estimate, counts): Line<'_>| {
        let counts = CountColumns {
            people: counts.map(|counts| counts.people),
            probes: counts.map(|counts| counts.probes),
            unread: counts.map(|counts| counts.unread),
        };
        let figures = EstimateColumns::of(Some(estimate?));
        Some((identity.clone(), ScopeColumns { scope, name }, figures, counts))
    };
    all.filter_map(row).collect()
}
