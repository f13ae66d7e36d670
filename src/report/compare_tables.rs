//! Comparisons as tables and sentences.

use super::compare::{Comparisons, FEWEST, GroupDifference, Pair};
use super::names;
use super::table::{Align, Table};
use super::words::{difference, kappa, p_value, p_words, people, percent};
use crate::metrics::{Agreement, Estimate};

/// Groups that a summary names; the CSV and JSON forms have all.
const NAMED: usize = 3;

impl Comparisons {
    /// Every comparison as a table by category with the main figures above, for people.
    pub fn tables(&self) -> Vec<Table> {
        self.pairs.iter().map(|pair| self.table(pair)).collect()
    }

    fn table(&self, pair: &Pair) -> Table {
        let c = &pair.comparison;
        let mut table = Table::new("comparison", self.summary(pair), &[("category", Align::Left)]);
        let titles = [
            "first, %",
            "second, %",
            "difference (95 %)",
            "p (Holm)",
            "agree, %",
            "kappa",
        ];
        table
            .columns
            .extend(titles.map(|title| (title.to_owned(), Align::Right)));
        let mut push = |name: String, first: Option<f64>, second: Option<f64>, rest: [String; 4]| {
            let mut row = vec![name, percent(first), percent(second)];
            row.extend(rest);
            table.rows.push(row);
        };
        let rest = |estimate: &Option<Estimate>, p: Option<f64>, agreement: &Option<Agreement>| {
            [
                difference(estimate.as_ref()),
                p.map_or("–".to_owned(), p_value),
                percent(agreement.map(|a| a.agreement)),
                kappa(agreement.and_then(|a| a.kappa)),
            ]
        };
        for (at, category) in self.categories.iter().enumerate() {
            let (first, second) = (c.accuracy.0.categories[at], c.accuracy.1.categories[at]);
            let rest = rest(
                &c.difference.categories[at],
                pair.p_by_category[at],
                &c.agreement_by_category[at],
            );
            push(names::short_category(category), first, second, rest);
        }
        let overall = rest(&c.difference.overall, c.p.overall, &c.agreement);
        push(
            "Overall".to_owned(),
            c.accuracy.0.overall,
            c.accuracy.1.overall,
            overall,
        );
        table
    }

    /// The main figures in sentences.
    fn summary(&self, pair: &Pair) -> String {
        let c = &pair.comparison;
        let mut lines = vec![format!(
            "{}first: {}; second: {}{}",
            if self.synthetic { "SYNTHETIC respondents. " } else { "" },
            pair.first,
            pair.second,
            if pair.common.is_empty() {
                String::new()
            } else {
                format!(" ({})", pair.common)
            }
        )];
        // One person has no sign to flip.
        let flipping = c.p.overall.map_or(String::new(), |p| {
            format!("{} by flipping whole people, ", p_words(Some(p)))
        });
        lines.push(format!(
            "{} probes of {}; difference {} points, {flipping}McNemar's {}.",
            c.table.probes(),
            people(c.people),
            difference(c.difference.overall.as_ref()),
            p_words(Some(c.mcnemar))
        ));
        lines.push(format!(
            "Both right {}, only the first {}, only the second {}, both wrong {} (alike {}).",
            c.table.both_right,
            c.table.only_first,
            c.table.only_second,
            c.table.both_wrong_alike + c.table.both_wrong_apart,
            c.table.both_wrong_alike
        ));
        if let Some(detectable) = c.minimum_detectable {
            lines.push(format!(
                "Minimum detectable difference: {:.1} points (power 80 %, level 5 %, these people).",
                100.0 * detectable
            ));
        }
        if !pair.groups.is_empty() {
            let mut told: Vec<&GroupDifference> = pair.groups.iter().filter(|g| g.p_adjusted < 0.05).collect();
            told.sort_by(|a, b| b.difference.value.abs().total_cmp(&a.difference.value.abs()));
            let named = told
                .iter()
                .take(NAMED)
                .map(|g| format!("{} {} {}", g.dimension, g.group, difference(Some(&g.difference))));
            let what = if told.is_empty() {
                String::new()
            } else {
                format!(", the largest in {}", named.collect::<Vec<_>>().join("; "))
            };
            lines.push(format!(
                "Groups of {FEWEST} people or more with a difference after Holm's correction: {} of {}{what}.",
                told.len(),
                pair.groups.len()
            ));
        }
        lines.join("\n")
    }

    /// All figures of all comparisons, a line each, for programs.
    pub fn csv_table(&self) -> Table {
        let left = ["first", "second", "common", "scope", "dimension", "name"];
        let right = [
            "first_accuracy",
            "second_accuracy",
            "difference",
            "se",
            "low",
            "high",
            "p",
            "p_holm",
        ];
        let mut columns: Vec<(&str, Align)> = left.map(|name| (name, Align::Left)).to_vec();
        columns.extend(
            right
                .iter()
                .chain(&["agreement", "kappa", "people"])
                .map(|name| (*name, Align::Right)),
        );
        columns.push(("respondents", Align::Left));
        let mut table = Table::new("compare", "", &columns);
        for pair in &self.pairs {
            let c = &pair.comparison;
            let mut line =
                |place: [&str; 3], sides: [Option<f64>; 2], d: &Estimate, tail: [Option<f64>; 4], count: usize| {
                    let mut row = vec![pair.first.clone(), pair.second.clone(), pair.common.clone()];
                    row.extend(place.map(str::to_owned));
                    row.extend(sides.map(super::csv::number));
                    row.extend(super::csv::numbers(Some(d)));
                    row.extend(tail.map(super::csv::number));
                    row.push(count.to_string());
                    row.push(if self.synthetic { "synthetic" } else { "survey" }.to_owned());
                    table.rows.push(row);
                };
            let agreed = |a: &Option<Agreement>| (a.map(|a| a.agreement), a.and_then(|a| a.kappa));
            if let Some(overall) = &c.difference.overall {
                let (agreement, kappa) = agreed(&c.agreement);
                let sides = [c.accuracy.0.overall, c.accuracy.1.overall];
                line(
                    ["overall", "", ""],
                    sides,
                    overall,
                    [c.p.overall, None, agreement, kappa],
                    c.people,
                );
            }
            for (at, category) in self.categories.iter().enumerate() {
                let Some(estimate) = &c.difference.categories[at] else {
                    continue;
                };
                let (agreement, kappa) = agreed(&c.agreement_by_category[at]);
                let sides = [c.accuracy.0.categories[at], c.accuracy.1.categories[at]];
                let tail = [c.p.categories[at], pair.p_by_category[at], agreement, kappa];
                line(["category", "", category], sides, estimate, tail, c.people);
            }
            for group in &pair.groups {
                let tail = [Some(group.p), Some(group.p_adjusted), None, None];
                let place = ["group", group.dimension.as_str(), group.group.as_str()];
                line(place, [None, None], &group.difference, tail, group.people);
            }
        }
        table
    }
}
