//! Accuracy by category of the probe and of the demonstrations, and what the diagonal is worth.

use std::collections::BTreeMap;

use super::build::Bench;
use super::names;
use super::numbers::{SystemScores, Transfer};
use crate::metrics::{Credit, MetricsError, Paired, Panel, Row, Sums, Unread, clustered};
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
    let mut parts: Vec<_> = ends.iter().map(|at| bench.entries[*at].parts.clone()).collect();
    parts.iter_mut().for_each(|parts| parts[7].clear());
    let labels = names::labels(&parts);
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
    let sums = |rows: &[Row]| Sums::of_rows(rows, bench.categories(), |row| credit.of(row));
    let (of_same, of_others) = (sums(&same), sums(&others));
    // A probe has one condition on the diagonal and several beside it: their mean is what the one is held against.
    let mut beside: BTreeMap<(usize, usize, usize), (f64, f64)> = BTreeMap::new();
    for row in &others {
        let sum = beside.entry(row.key()).or_default();
        sum.0 += credit.of(row).0;
        sum.1 += 1.0;
    }
    let lift = Sums::of_rows(&same, bench.categories(), |row| {
        beside
            .get(&row.key())
            .map_or((0.0, 0.0), |(sum, count)| (credit.of(row).0 - sum / count, 1.0))
    });
    let diagonal = Panel {
        rows: same,
        chance: false,
    };
    let run = list.first().map_or(0, |(_, at)| bench.entries[*at].run);
    let mut against = Vec::new();
    for &baseline in bench.baselines[run].iter().filter(|b| shown.contains(*b)) {
        if diagonal.rows.is_empty() {
            continue;
        }
        let other = &bench.entries[baseline].panel;
        let name = bench.full_label(baseline);
        let paired = Paired::new(&diagonal, other, Unread::Wrong, &bench.roster, (&label, &name))?;
        let difference = paired.difference(bench.categories(), how);
        against.extend(difference.overall.map(|difference| (baseline, difference)));
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
        lift: clustered(&lift, how),
        against,
    })
}
