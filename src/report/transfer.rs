//! Accuracy by category of the probe and of the demonstrations, and what the diagonal is worth.

use std::collections::{BTreeMap, BTreeSet};

use super::build::Bench;
use super::names::Part;
use super::numbers::{SystemScores, Transfer};
use crate::metrics::Constant;
use crate::metrics::{
    Asked, Contrast, Credit, MetricsError, Paired, Panel, Quantity, Resampling, Row, Scores, Sums, Unread, clustered,
    constancy, contrasts, tally,
};
use crate::scoring::Method;
use crate::survey::Form;

/// Conditions whose demonstrations came from one category, side by side, `shown` being the baselines that are shown.
pub(super) fn transfer(
    bench: &Bench<'_>,
    systems: &[SystemScores],
    shown: &[usize],
) -> Result<Vec<Transfer>, MetricsError> {
    type Key = (usize, Method, Form, bool, usize);
    let mut grids: BTreeMap<Key, Vec<(usize, usize)>> = BTreeMap::new();
    for (at, entry) in bench.entries.iter().enumerate() {
        let Some(condition) = entry.condition().filter(|condition| condition.control.is_own()) else {
            continue;
        };
        let Some(name) = &condition.category else { continue };
        let Some(category) = bench.roster.categories.iter().position(|c| c == name) else {
            continue;
        };
        let key = (
            entry.run,
            condition.method,
            condition.form,
            condition.demographics,
            condition.demonstrations,
        );
        grids.entry(key).or_default().push((category, at));
    }
    let ends: Vec<usize> = grids
        .values()
        .filter_map(|list| list.first().map(|(_, at)| *at))
        .collect();
    let labels = bench.labels_without(&ends, &[Part::Category]);
    let keys = grids.keys().copied().collect::<Vec<_>>();
    let mut all = Vec::new();
    for ((key, mut list), label) in keys.into_iter().zip(grids.into_values()).zip(labels) {
        list.sort_unstable();
        let has_main = bench.headline.iter().any(|at| {
            let entry = &bench.entries[*at];
            entry.run == key.0 && entry.condition().is_some_and(|condition| condition.method == key.1)
        });
        all.push(grid(bench, systems, shown, (label, !has_main), &list)?);
    }
    Ok(all)
}

/// One grid of (category, condition), ordered by category.
fn grid(
    bench: &Bench<'_>,
    systems: &[SystemScores],
    shown: &[usize],
    (label, main): (String, bool),
    list: &[(usize, usize)],
) -> Result<Transfer, MetricsError> {
    let how = &bench.options.resampling;
    let credit = Credit::Choice(Unread::Wrong);
    let rows = |same: bool| {
        let mut rows: Vec<Row> = Vec::new();
        for (category, at) in list {
            let own = bench.entries[*at].panel.rows.iter();
            rows.extend(own.filter(|row| (row.category == *category) == same));
        }
        rows.sort_unstable();
        rows
    };
    let (same, others) = (rows(true), rows(false));
    let sums = |rows: &[Row]| Sums::of_rows(rows, bench.categories(), Quantity::Share, |row| credit.of(row));
    let (of_same, of_others) = (sums(&same), sums(&others));
    let lift = beside(&same, &others, bench.categories(), how);
    let diagonal = Panel {
        rows: same,
        asked: Asked::Model,
    };
    let run = list.first().map_or(0, |(_, at)| bench.entries[*at].run);
    let mut against = Vec::new();
    for &baseline in bench.baselines[run].iter().filter(|b| shown.contains(*b)) {
        if diagonal.rows.is_empty() {
            continue;
        }
        let other = &bench.entries[baseline].panel;
        let name = bench.full_label(baseline);
        let paired = Paired::new(&diagonal, other, &bench.roster, (&label, &name))?;
        let difference = paired.overall(bench.categories(), how);
        against.extend(difference.map(|difference| (baseline, difference)));
    }
    let cells = (0..bench.categories())
        .map(|row| list.iter().map(|(_, at)| systems[*at].scores.categories[row]).collect())
        .collect();
    Ok(Transfer {
        label,
        main,
        systems: list.iter().map(|(_, at)| *at).collect(),
        columns: list.iter().map(|(category, _)| *category).collect(),
        shown: list.iter().map(|(_, at)| systems[*at].shown.unwrap_or(0.0)).collect(),
        cells,
        same: clustered(&of_same, how),
        others: clustered(&of_others, how),
        lift,
        against,
    })
}

/// The diagonal minus what is beside it. A probe has one condition on the diagonal and several beside it: their mean is
/// what the one is held against. Where only what was read counts, it is the mean of those that were.
fn beside(same: &[Row], others: &[Row], categories: usize, how: &Resampling) -> Scores<Contrast> {
    type Key = (usize, usize, usize);
    let means = |rule: Unread| {
        let mut sums: BTreeMap<Key, (f64, f64)> = BTreeMap::new();
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
    let unread: BTreeSet<Key> = same
        .iter()
        .chain(others)
        .filter(|row| row.choice.is_none())
        .map(Row::key)
        .collect();
    let rows: Vec<Row> = same.iter().filter(|row| unread.contains(&row.key())).copied().collect();
    let alike = |rows: &[Row]| constancy(rows).is_some();
    let constant = Constant {
        first: alike(same),
        second: alike(others),
    };
    contrasts(&tally(&rows, categories), constant, sums, how)
}
