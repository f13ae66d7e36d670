//! Comparisons as tables and sentences.

use super::compare::{Comparisons, GroupDifference, Pair};
use super::csv::{CONTRAST, contrast as contrast_csv, number};
use super::findings::verdict;
use super::names;
use super::table::{Align, Table};
use super::words::{contrast, kappa, otherwise, p_value, p_words, people, percent, reach};
use crate::metrics::{Agreement, Contrast, FEWEST_FOR_WORDS, Verdict};

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
            "both read",
            "unread a guess",
            "p (Holm)",
            "agree, %",
            "kappa",
        ];
        table
            .columns
            .extend(titles.map(|title| (title.to_owned(), Align::Right)));
        let mut push = |name: String, first: Option<f64>, second: Option<f64>, rest: [String; 6]| {
            let mut row = vec![name, percent(first), percent(second)];
            row.extend(rest);
            table.rows.push(row);
        };
        let rest = |difference: &Option<Contrast>, p: Option<f64>, agreement: &Option<Agreement>| {
            let [shared, chance] = otherwise(difference.as_ref());
            [
                contrast(difference.as_ref()),
                shared,
                chance,
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
        let p = c.difference.overall.and_then(|overall| overall.wrong.p);
        let overall = rest(&c.difference.overall, p, &c.agreement);
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
        if let Some(overall) = &c.difference.overall {
            // One person has no sign to flip.
            let p = overall.wrong.p;
            let flipping = p.map_or(String::new(), |p| {
                format!("{} by flipping whole people, ", p_words(Some(p)))
            });
            lines.push(format!(
                "{} probes of {}. The first is {} ({flipping}McNemar's {}).",
                c.table.probes(),
                people(c.people),
                verdict(overall, p),
                p_words(Some(c.mcnemar))
            ));
        }
        lines.extend(reach(c.people, self.categories.len(), &self.options.resampling));
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
            let is_told = |g: &&GroupDifference| {
                matches!(g.difference.verdict_at(g.p_adjusted), Verdict::Ahead | Verdict::Behind)
            };
            let mut told: Vec<&GroupDifference> = pair.groups.iter().filter(is_told).collect();
            let value = |g: &GroupDifference| g.difference.wrong.estimate.value.abs();
            told.sort_by(|a, b| value(b).total_cmp(&value(a)));
            let named = told
                .iter()
                .take(NAMED)
                .map(|g| format!("{} {} {}", g.dimension, g.group, contrast(Some(&g.difference))));
            let what = if told.is_empty() {
                String::new()
            } else {
                format!(", the largest in {}", named.collect::<Vec<_>>().join("; "))
            };
            lines.push(format!(
                "Groups of {FEWEST_FOR_WORDS} people or more with a difference after Holm's correction: {} of {}{what}.",
                told.len(),
                pair.groups.len()
            ));
        }
        lines.join("\n")
    }

    /// All figures of all comparisons, a line each, for programs.
    pub fn csv_table(&self) -> Table {
        let left = ["first", "second", "common", "scope", "dimension", "name"];
        let mut columns: Vec<(&str, Align)> = left.map(|name| (name, Align::Left)).to_vec();
        let right = ["first_accuracy", "second_accuracy"].iter().chain(&CONTRAST);
        let right = right.chain(&["p_holm", "agreement", "kappa", "people"]);
        columns.extend(right.map(|name| (*name, Align::Right)));
        columns.push(("respondents", Align::Left));
        let mut table = Table::new("compare", "", &columns);
        for pair in &self.pairs {
            let c = &pair.comparison;
            let mut line =
                |place: [&str; 3], sides: [Option<f64>; 2], d: &Contrast, tail: [Option<f64>; 3], count: usize| {
                    let mut row = vec![pair.first.clone(), pair.second.clone(), pair.common.clone()];
                    row.extend(place.map(str::to_owned));
                    row.extend(sides.map(number));
                    row.extend(contrast_csv(Some(d)));
                    row.extend(tail.map(number));
                    row.push(count.to_string());
                    row.push(if self.synthetic { "synthetic" } else { "survey" }.to_owned());
                    table.rows.push(row);
                };
            let agreed = |a: &Option<Agreement>| (a.map(|a| a.agreement), a.and_then(|a| a.kappa));
            if let Some(overall) = &c.difference.overall {
                let (agreement, kappa) = agreed(&c.agreement);
                let sides = [c.accuracy.0.overall, c.accuracy.1.overall];
                line(["overall", "", ""], sides, overall, [None, agreement, kappa], c.people);
            }
            for (at, category) in self.categories.iter().enumerate() {
                let Some(estimate) = &c.difference.categories[at] else {
                    continue;
                };
                let (agreement, kappa) = agreed(&c.agreement_by_category[at]);
                let sides = [c.accuracy.0.categories[at], c.accuracy.1.categories[at]];
                let tail = [pair.p_by_category[at], agreement, kappa];
                line(
                    ["category", "", category],
                    sides,
                    estimate,
                    tail,
                    estimate.wrong.estimate.people,
                );
            }
            for group in &pair.groups {
                let tail = [group.p_adjusted, None, None];
                let place = ["group", group.dimension.as_str(), group.group.as_str()];
                line(place, [None, None], &group.difference, tail, group.people);
            }
        }
        table
    }
}
