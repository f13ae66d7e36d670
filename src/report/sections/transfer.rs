//! From one category to another: accuracy by category of the probe and of the demonstrations, and what the diagonal is worth.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::charts::{CategoryGrid, category_grid};
use super::super::csv::{CsvTable, EstimateColumns, Tenth};
use super::super::names::NamePart;
use super::super::phrases::share;
use super::super::results::{ResultColumn, Results};
use super::super::section::{PagePart, ReportContext, ReportSection, placed};
use super::super::svg::Drawing;
use super::super::words::contrast;
use crate::metrics::{
    Chooser, Constancy, Constant, Contrast, Credit, Estimate, MetricsError, Paired, Panel, Quantity, Resampling, Row,
    Scores, Sums, Unread, clustered, constancy, contrasts, tally,
};
use crate::scoring::Method;
use crate::survey::Form;

/// Accuracy by category of the probe (row) and the only category of the demonstrations (column).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// What it is called.
    pub label: String,
    /// Whether its run has no condition of this method with demonstrations from all categories: then this is its result.
    pub main: bool,
    /// Positions among the report's systems, by column.
    pub systems: Vec<usize>,
    /// Categories that demonstrations came from, by position.
    pub columns: Vec<usize>,
    /// Mean number of demonstrations shown, by column.
    pub shown: Vec<f64>,
    /// `cells[row][column]`, rows being all categories.
    pub cells: Vec<Vec<Option<Estimate>>>,
    /// The diagonal: probes of the category that the demonstrations came from.
    pub same: Scores<Estimate>,
    /// Everything beside the diagonal: probes of other categories, all columns together.
    pub others: Scores<Estimate>,
    /// The diagonal minus the mean beside it, on the same probes.
    pub lift: Scores<Contrast>,
    /// Shown baselines (positions among the report's systems) and the diagonal minus them, overall, on the same probes.
    pub against: Vec<(usize, Contrast)>,
}

impl ReportSection for Vec<Transfer> {
    /// Conditions whose demonstrations came from one category, side by side.
    fn compute(bench: &Bench<'_>, results: &Results) -> Result<Self, MetricsError> {
        let grids = grids(bench);
        let ends = grids.values().filter_map(|list| list.first().map(|(_, at)| *at));
        let labels = bench.labels_without(&ends.collect::<Vec<_>>(), &[NamePart::Category]);
        let labelled = grids.into_iter().zip(labels);
        labelled
            .map(|((equal, list), label)| {
                let has_main = bench.headline.iter().any(|at| {
                    let entry = &bench.entries[*at];
                    entry.run == equal.0 && entry.condition().is_some_and(|condition| condition.method == equal.1)
                });
                let grid = CategoryConditions {
                    label,
                    main: !has_main,
                    list,
                };
                grid.transfer(bench, results)
            })
            .collect()
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "transfer",
            title: "Category to category",
            template: include_str!("../templates/transfer.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        let grids = self.iter().zip(self.drawings(report)).map(
            |(grid, drawing)| context! { heading => grid.label.clone(), summary => diagonal(grid), ..placed(&drawing) },
        );
        let grids: Vec<Value> = grids.collect();
        (!grids.is_empty()).then(|| context! { grids })
    }

    fn drawings(&self, report: &ReportContext<'_>) -> Vec<Drawing> {
        let grids = self.iter().enumerate().map(|(at, grid)| {
            let title = report.tagged(&format!(
                "Accuracy by category of the probe and category of the demonstrations, {}",
                grid.label
            ));
            let value = |cell: &Option<Estimate>| cell.as_ref().map(|estimate| estimate.value);
            let picture = CategoryGrid {
                categories: &report.results.categories,
                columns: &grid.columns,
                shown: &grid.shown,
                accuracy: grid.cells.iter().map(|row| row.iter().map(value).collect()).collect(),
            };
            category_grid(&picture, &format!("transfer-{at}"), &title)
        });
        grids.collect()
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter().flat_map(|grid| csv_rows(grid, report.results));
        CsvTable::of("category-to-category", rows).map(Some)
    }

    /// A grid that stands in for a main condition has two columns: its diagonal, and the rest.
    fn columns<'a>(&'a self, results: &'a Results) -> Vec<ResultColumn<'a>> {
        let grids = self.iter().filter(|grid| grid.main);
        let columns = grids.flat_map(|grid| {
            let people = grid.systems.first().map_or(0, |at| results.systems[*at].people);
            let sides = [("same category", &grid.same), ("other categories", &grid.others)];
            sides.map(|(what, scores)| ResultColumn {
                label: format!("{} · {what}", grid.label),
                ours: true,
                chance: false,
                people,
                scores,
                mean_of_people: None,
            })
        });
        columns.collect()
    }

    fn leads(&self, results: &Results) -> bool {
        results.headline.is_empty()
    }
}

/// What is equal in all conditions of a grid: run, method, form, demographics, number of demonstrations.
type GridKey = (usize, Method, Form, bool, usize);

/// Conditions of a grid as (category, position in the bench), ordered by category.
type GridConditions = Vec<(usize, usize)>;

fn grids(bench: &Bench<'_>) -> BTreeMap<GridKey, GridConditions> {
    let mut grids: BTreeMap<GridKey, GridConditions> = BTreeMap::new();
    for (at, entry) in bench.entries.iter().enumerate() {
        let Some(condition) = entry.condition().filter(|condition| condition.control.is_own()) else {
            continue;
        };
        let Some(name) = &condition.category else { continue };
        let Some(category) = bench.roster.categories.iter().position(|c| c == name) else {
            continue;
        };
        let equal = (
            entry.run,
            condition.method,
            condition.form,
            condition.demographics,
            condition.demonstrations,
        );
        grids.entry(equal).or_default().push((category, at));
    }
    grids.values_mut().for_each(|list| list.sort_unstable());
    grids
}

/// One grid before it is reduced to numbers.
struct CategoryConditions {
    label: String,
    main: bool,
    list: GridConditions,
}

impl CategoryConditions {
    fn transfer(self, bench: &Bench<'_>, results: &Results) -> Result<Transfer, MetricsError> {
        let how = &bench.options.resampling;
        let (same, others) = (self.rows(bench, true), self.rows(bench, false));
        let credit = Credit::Choice(Unread::Wrong);
        let sums = |rows: &[Row]| Sums::of_rows(rows, bench.categories(), Quantity::Share, |row| credit.of(row));
        let systems: Vec<usize> = self.list.iter().map(|(_, at)| *at).collect();
        let scores = || systems.iter().map(|at| &results.systems[*at]);
        let cells = (0..bench.categories()).map(|row| scores().map(|one| one.scores.categories[row]).collect());
        Ok(Transfer {
            cells: cells.collect(),
            columns: self.list.iter().map(|(category, _)| *category).collect(),
            shown: scores().map(|one| one.shown.unwrap_or(0.0)).collect(),
            same: clustered(&sums(&same), how),
            others: clustered(&sums(&others), how),
            lift: beside_diagonal(
                &same,
                &others,
                self.constant(bench, &same, &others),
                bench.categories(),
                how,
            ),
            against: self.against(bench, &results.baselines, same)?,
            label: self.label,
            main: self.main,
            systems,
        })
    }

    /// Rows of the diagonal, or of everything beside it.
    fn rows(&self, bench: &Bench<'_>, same: bool) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for (category, at) in &self.list {
            let own = bench.entries[*at].panel.rows.iter();
            rows.extend(own.filter(|row| (usize::from(row.category) == *category) == same));
        }
        rows.sort_unstable();
        rows
    }

    /// That every condition nearly always chooses the shortest candidate, if so.
    fn by_length(&self, bench: &Bench<'_>) -> Option<Constancy> {
        let each = self.list.iter().map(|(_, at)| bench.entries[*at].panel.by_length());
        each.collect::<Option<Vec<Constancy>>>()?.first().copied()
    }

    /// Which of the diagonal and what is beside it answers alike whoever is asked.
    fn constant(&self, bench: &Bench<'_>, same: &[Row], others: &[Row]) -> Constant {
        let by_length = self.by_length(bench).is_some();
        let alike = |rows: &[Row]| by_length || constancy(rows).is_some();
        Constant {
            first: alike(same),
            second: alike(others),
            own_rule: false,
        }
    }

    /// The diagonal against the baselines that are shown.
    fn against(
        &self,
        bench: &Bench<'_>,
        shown: &[usize],
        diagonal: Vec<Row>,
    ) -> Result<Vec<(usize, Contrast)>, MetricsError> {
        let mut against = Vec::new();
        if diagonal.is_empty() {
            return Ok(against);
        }
        let diagonal = Panel::of(diagonal, Chooser::Model).with_length(self.by_length(bench));
        let run = self.list.first().map_or(0, |(_, at)| bench.entries[*at].run);
        for &baseline in bench.baselines[run].iter().filter(|b| shown.contains(*b)) {
            let name = bench.full_label(baseline);
            let other = &bench.entries[baseline].panel;
            let paired = Paired::new(&diagonal, other, &bench.roster, (&self.label, &name))?;
            let difference = paired.overall(bench.categories(), &bench.options.resampling);
            against.extend(difference.map(|difference| (baseline, difference)));
        }
        Ok(against)
    }
}

/// The diagonal minus what is beside it. A probe has one condition on the diagonal and several beside it: their mean is
/// what the one is held against. Where only what was read counts, it is the mean of those that were.
fn beside_diagonal(
    same: &[Row],
    others: &[Row],
    constant: Constant,
    categories: usize,
    how: &Resampling,
) -> Scores<Contrast> {
    type Probe = (u32, u8, u32);
    let means = |rule: Unread| {
        let mut sums: BTreeMap<Probe, (f64, f64)> = BTreeMap::new();
        for row in others {
            let (numerator, denominator) = Credit::Choice(rule).of(row);
            let sum = sums.entry(row.key()).or_default();
            *sum = (sum.0 + numerator, sum.1 + denominator);
        }
        sums
    };
    let sums = |rule: Unread| {
        let means = means(rule);
        Sums::of_rows(same, categories, Quantity::Difference, |row| {
            match (Credit::Choice(rule).of(row), means.get(&row.key())) {
                ((own, counts), Some((sum, count))) if counts > 0.0 && *count > 0.0 => (own - sum / count, 1.0),
                _ => (0.0, 0.0),
            }
        })
    };
    let unread = same.iter().chain(others).filter(|row| row.choice.is_none());
    let unread: BTreeSet<Probe> = unread.map(Row::key).collect();
    let rows: Vec<Row> = same.iter().filter(|row| unread.contains(&row.key())).copied().collect();
    contrasts(&tally(&rows, categories), constant, sums, how)
}

/// "same category 55.0 % (…), other categories …" for one grid.
pub(in crate::report) fn diagonal(grid: &Transfer) -> String {
    let figure = |estimate: &Option<Estimate>| estimate.as_ref().map_or("–".to_owned(), share);
    format!(
        "same category {}, other categories {}, difference {} points.",
        figure(&grid.same.overall),
        figure(&grid.others.overall),
        contrast(grid.lift.overall.as_ref())
    )
}

/// What a row of the CSV table is about.
#[derive(Serialize)]
struct TransferColumns<'a> {
    probed: &'a str,
    demonstrated: &'a str,
    demonstrations_shown: Tenth,
}

fn csv_rows<'a>(grid: &'a Transfer, results: &'a Results) -> impl Iterator<Item = impl Serialize> {
    let categories = &results.categories;
    grid.cells.iter().zip(categories).flat_map(move |(cells, probed)| {
        let columns = grid.columns.iter().zip(&grid.shown).zip(&grid.systems).zip(cells);
        columns.map(move |(((&column, &shown), &system), cell)| {
            let of_cell = TransferColumns {
                probed,
                demonstrated: &categories[column],
                demonstrations_shown: Tenth(shown),
            };
            let about = results.columns_of(system);
            (about, of_cell, EstimateColumns::of(cell.as_ref()))
        })
    })
}
