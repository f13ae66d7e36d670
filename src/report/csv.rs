//! The tables of a report for programs.

use super::names;
use super::numbers::{Report, SystemScores};
use super::table::{Align, Table};
use crate::metrics::{Agreement, Contrast, Counts, Estimate, System};

impl Report {
    /// All tables for programs; each has a column that says whether the respondents are synthetic.
    pub fn csv_tables(&self) -> Vec<Table> {
        let mut tables = vec![self.accuracy_csv()];
        tables.extend([
            self.groups_csv(),
            self.transfer_csv(),
            self.agreement_csv(),
            self.norms_csv(),
        ]);
        tables.extend([
            self.calibration_csv(),
            self.readings_csv(),
            self.lift_csv(),
            self.choices_csv(),
        ]);
        tables.retain(|table| !table.rows.is_empty());
        for table in &mut tables {
            table.columns.push(("respondents".to_owned(), Align::Left));
            table
                .rows
                .iter_mut()
                .for_each(|row| row.push(self.respondents_word().to_owned()));
        }
        tables
    }

    fn accuracy_csv(&self) -> Table {
        let left = [
            "run",
            "model",
            "method",
            "norm",
            "demonstrations",
            "form",
            "demographics",
            "from_category",
        ];
        let mut columns: Vec<(&str, Align)> = left.iter().map(|name| (*name, Align::Left)).collect();
        columns.extend([("control", Align::Left), ("scope", Align::Left), ("name", Align::Left)]);
        columns.extend(
            NUMBERS
                .iter()
                .chain(&["people", "probes", "unread"])
                .map(|name| (*name, Align::Right)),
        );
        let mut table = Table::new("accuracy", "", &columns);
        for system in &self.systems {
            let identity = self.identity(system);
            let mut push = |scope: &str, name: &str, estimate: &Option<Estimate>, counts: &Option<Counts>| {
                let Some(estimate) = estimate else { return };
                let mut row = identity.clone();
                row.extend([scope.to_owned(), name.to_owned()]);
                row.extend(numbers(Some(estimate)));
                let counts = counts.map(|c| [c.people, c.probes, c.unread].map(|n| n.to_string()));
                row.extend(counts.unwrap_or_default());
                table.rows.push(row);
            };
            let counts = &system.counts;
            push("overall", "", &system.scores.overall, &counts.overall);
            for (split, estimate) in system.scores.splits.iter().enumerate() {
                push("split", &(split + 1).to_string(), estimate, &counts.splits[split]);
            }
            let categories = self.categories.iter().zip(&system.scores.categories);
            for ((category, estimate), counts) in categories.zip(&counts.categories) {
                push("category", category, estimate, counts);
            }
            push("overall, mean of people", "", &system.mean_of_people, &counts.overall);
            push("overall, crossed with questions", "", &system.crossed, &counts.overall);
        }
        table
    }

    /// The identifying columns of a system.
    fn identity(&self, scores: &SystemScores) -> Vec<String> {
        let run = &self.runs[scores.run];
        let mut row = vec![run.name.clone(), run.header.model.name.clone()];
        match &scores.system {
            System::Model { condition, norm } => row.extend([
                names::method(condition.method).to_owned(),
                if condition.method.definition().is_normed() {
                    norm.name()
                } else {
                    ""
                }
                .to_owned(),
                condition.demonstrations.to_string(),
                names::form(condition.form).to_owned(),
                condition.demographics.to_string(),
                condition.category.clone().unwrap_or_default(),
                names::control(condition.control).to_owned(),
            ]),
            baseline => {
                row[1].clear();
                row.push(names::baseline(baseline));
                row.extend(std::iter::repeat_n(String::new(), 6));
            }
        }
        row
    }

    fn groups_csv(&self) -> Table {
        let mut columns = vec![
            ("system", Align::Left),
            ("dimension", Align::Left),
            ("group", Align::Left),
        ];
        columns.push(("people", Align::Right));
        columns.extend(NUMBERS.iter().map(|name| (*name, Align::Right)));
        let mut table = Table::new("groups", "", &columns);
        for system in &self.groups {
            let label = &self.systems[system.system].label;
            for dimension in &system.inequity.dimensions {
                for group in &dimension.groups {
                    let mut row = vec![label.clone(), dimension.name.clone(), group.name.clone()];
                    row.push(group.people.to_string());
                    row.extend(numbers(Some(&group.accuracy)));
                    table.rows.push(row);
                }
            }
        }
        table
    }

    fn transfer_csv(&self) -> Table {
        let mut columns = vec![
            ("system", Align::Left),
            ("probed", Align::Left),
            ("demonstrated", Align::Left),
        ];
        columns.push(("demonstrations_shown", Align::Right));
        columns.extend(NUMBERS.iter().map(|name| (*name, Align::Right)));
        let mut table = Table::new("category-to-category", "", &columns);
        for grid in &self.transfer {
            for (row, cells) in grid.cells.iter().enumerate() {
                for ((&column, shown), cell) in grid.columns.iter().zip(&grid.shown).zip(cells) {
                    let mut line = vec![
                        grid.label.clone(),
                        self.categories[row].clone(),
                        self.categories[column].clone(),
                    ];
                    line.push(format!("{shown:.1}"));
                    line.extend(numbers(cell.as_ref()));
                    table.rows.push(line);
                }
            }
        }
        table
    }

    fn agreement_csv(&self) -> Table {
        let mut columns = vec![
            ("first", Align::Left),
            ("second", Align::Left),
            ("category", Align::Left),
        ];
        columns.extend(["probes", "agreement", "kappa"].map(|name| (name, Align::Right)));
        columns.extend(CONTRAST.map(|name| (name, Align::Right)));
        let mut table = Table::new("agreement", "", &columns);
        for pair in &self.methods {
            let comparison = &pair.comparison;
            let mut push = |category: &str, agreement: &Option<Agreement>, difference: Option<&Contrast>| {
                let Some(agreement) = agreement else { return };
                let mut row = vec![pair.first.clone(), pair.second.clone(), category.to_owned()];
                row.push(agreement.probes.to_string());
                row.extend([Some(agreement.agreement), agreement.kappa].map(number));
                row.extend(contrast(difference));
                table.rows.push(row);
            };
            push("", &comparison.agreement, comparison.difference.overall.as_ref());
            for (at, category) in self.categories.iter().enumerate() {
                let difference = comparison.difference.categories[at].as_ref();
                push(category, &comparison.agreement_by_category[at], difference);
            }
        }
        table
    }

    fn norms_csv(&self) -> Table {
        let mut columns = vec![("system", Align::Left), ("norm", Align::Left)];
        columns.extend(
            NUMBERS
                .iter()
                .chain(&["agreement_with_headline"])
                .map(|name| (*name, Align::Right)),
        );
        columns.extend(["over_chance", "over_baseline"].map(|name| (name, Align::Right)));
        columns.push(("baseline", Align::Left));
        columns.extend(
            ["shortest_probes", "shortest", "shortest_own", "shortest_by_chance"].map(|name| (name, Align::Right)),
        );
        let mut table = Table::new("norms", "", &columns);
        for system in &self.norms {
            for norm in &system.norms {
                let mut row = vec![system.label.clone(), norm.norm.name().to_owned()];
                row.extend(numbers(norm.accuracy.as_ref()));
                row.push(number(norm.agreement.map(|a| a.agreement)));
                row.extend([norm.over_chance, norm.over_baseline].map(|c| number(c.map(|c| c.wrong.estimate.value))));
                row.push(system.baseline.clone());
                row.push(norm.shortest.map(|s| s.probes.to_string()).unwrap_or_default());
                let shares = norm.shortest.map(|s| [s.share.chosen, s.share.own, s.by_chance]);
                row.extend((0..3).map(|at| number(shares.map(|shares| shares[at]))));
                table.rows.push(row);
            }
        }
        table
    }

    fn calibration_csv(&self) -> Table {
        let right = [
            "low",
            "high",
            "probes",
            "confidence",
            "accuracy",
            "accuracy_low",
            "accuracy_high",
            "people",
            "brier",
            "brier_of_chance",
            "log_loss",
            "ece",
        ];
        let mut columns = vec![("system", Align::Left)];
        columns.extend(right.map(|name| (name, Align::Right)));
        let mut table = Table::new("calibration", "", &columns);
        for system in &self.calibration {
            let all = &system.calibration;
            for bin in &all.bins {
                let mut row = vec![
                    system.label.clone(),
                    format!("{:.1}", bin.low),
                    format!("{:.1}", bin.high),
                ];
                row.push(bin.probes.to_string());
                let ends = bin.accuracy.ends();
                row.extend([Some(bin.confidence), Some(bin.accuracy.value)].map(number));
                row.extend([ends.map(|(low, _)| low), ends.map(|(_, high)| high)].map(number));
                row.push(bin.accuracy.people.to_string());
                let figures = [all.brier, all.brier_of_chance, all.log_loss, all.ece];
                row.extend(figures.map(|f| number(Some(f))));
                table.rows.push(row);
            }
        }
        table
    }

    fn readings_csv(&self) -> Table {
        let counts = ["probes", "choice", "out_of_range", "missing", "unparsable", "retries"];
        let mut columns = vec![("system", Align::Left)];
        columns.extend(counts.map(|name| (name, Align::Right)));
        columns.extend(["as_wrong", "as_chance", "dropped", "as_right"].map(|name| (name, Align::Right)));
        let mut table = Table::new("readings", "", &columns);
        for system in &self.readings {
            let r = &system.readings;
            let mut row = vec![system.label.clone()];
            row.extend([r.probes, r.choice, r.out_of_range, r.missing, r.unparsable, r.retries].map(|n| n.to_string()));
            let b = &system.bounds;
            row.extend([b.wrong, b.chance, b.dropped, b.right].map(number));
            table.rows.push(row);
        }
        table
    }

    fn lift_csv(&self) -> Table {
        let mut columns = vec![
            ("system", Align::Left),
            ("control", Align::Left),
            ("category", Align::Left),
        ];
        columns.extend(["own", "other"].map(|name| (name, Align::Right)));
        columns.extend(CONTRAST.iter().chain(&["probes"]).map(|name| (*name, Align::Right)));
        let mut table = Table::new("individual-lift", "", &columns);
        for lift in &self.lift {
            let categories = self
                .categories
                .iter()
                .map(String::as_str)
                .zip(&lift.difference.categories);
            for (category, difference) in std::iter::once(("", &lift.difference.overall)).chain(categories) {
                let overall = category.is_empty();
                let mut row = vec![lift.label.clone(), lift.control.clone(), category.to_owned()];
                row.extend([lift.own, lift.other].map(|v| number(overall.then_some(v))));
                row.extend(contrast(difference.as_ref()));
                row.push(if overall {
                    lift.probes.to_string()
                } else {
                    String::new()
                });
                table.rows.push(row);
            }
        }
        table
    }
}

/// Columns that [`numbers`] fills.
pub const NUMBERS: [&str; 5] = ["value", "se", "low", "high", "interval"];
/// Columns that [`contrast`] fills: the difference with unread answers wrong, then under the other rules.
pub const CONTRAST: [&str; 16] = [
    "difference",
    "se",
    "low",
    "high",
    "interval",
    "p",
    "unread",
    "both_read",
    "both_read_low",
    "both_read_high",
    "both_read_p",
    "as_chance",
    "as_chance_low",
    "as_chance_high",
    "as_chance_p",
    "verdict",
];

/// Value, standard error and interval as shares with six decimals, and how the interval was made.
pub fn numbers(estimate: Option<&Estimate>) -> [String; 5] {
    let ends = estimate.and_then(Estimate::ends);
    let [value, se, low, high] = [
        estimate.map(|e| e.value),
        estimate.and_then(|e| e.se),
        ends.map(|(low, _)| low),
        ends.map(|(_, high)| high),
    ]
    .map(number);
    let kind = estimate.map_or("", |e| e.interval.name());
    [value, se, low, high, kind.to_owned()]
}

/// A paired difference under every rule for unread answers; where everything was read, the rules agree.
pub fn contrast(contrast: Option<&Contrast>) -> Vec<String> {
    let Some(contrast) = contrast else {
        return vec![String::new(); CONTRAST.len()];
    };
    let mut row: Vec<String> = numbers(Some(&contrast.wrong.estimate)).into();
    row.push(number(contrast.wrong.p));
    row.push(contrast.unread.to_string());
    let (shared, chance) = match &contrast.otherwise {
        Some(rules) => (rules.shared, Some(rules.chance)),
        None => (Some(contrast.wrong), Some(contrast.wrong)),
    };
    for tested in [shared, chance] {
        let ends = tested.and_then(|tested| tested.estimate.ends());
        let figures = [
            tested.map(|tested| tested.estimate.value),
            ends.map(|(low, _)| low),
            ends.map(|(_, high)| high),
            tested.and_then(|tested| tested.p),
        ];
        row.extend(figures.map(number));
    }
    row.push(contrast.verdict().name().to_owned());
    row
}

/// Six decimals; nothing where there is nothing.
pub fn number(value: Option<f64>) -> String {
    value.map(|v| format!("{v:.6}")).unwrap_or_default()
}
