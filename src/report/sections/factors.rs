//! What else a model is shown: refined or polar statements, and demographics or none, one of them changed at a time.

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::{Bench, Contender};
use super::super::csv::{ContrastColumns, CsvTable, Figure};
use super::super::names::NamePart;
use super::super::published::{Published, PublishedPair};
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, words};
use super::super::table::{Table, left, right};
use super::super::words::{ContrastWords, percent, signed};
use crate::metrics::{Contrast, MetricsError};
use crate::scoring::Condition;
use crate::survey::Form;

crate::choices! {
    /// What is changed.
    pub enum Changed {
        /// Refined statements in place of polar ones.
        Form = "form",
        /// Demographic sentences before the statements in place of none.
        Demographics = "demographics",
    }
}

/// Two conditions that differ in one of these alone, on the same probes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShownPair {
    /// What is changed.
    pub changed: Changed,
    /// Positions among the report's systems: refined and polar statements, or with and without demographics.
    pub systems: (usize, usize),
    /// What is equal in both.
    pub label: String,
    /// Overall accuracy of both.
    pub accuracies: (f64, f64),
    /// Accuracy of both by split.
    pub splits: Vec<Option<(f64, f64)>>,
    /// First minus second, overall.
    pub difference: Contrast,
}

impl ReportSection for Vec<ShownPair> {
    fn compute(bench: &Bench<'_>, _: &Results) -> Result<Self, MetricsError> {
        let mut all = Vec::new();
        for changed in Changed::ALL {
            let found = changed.pairs(&bench.entries);
            let seconds: Vec<usize> = found.iter().map(|(_, second)| *second).collect();
            let labels = bench.labels_without(&seconds, changed.parts());
            for (&systems, label) in found.iter().zip(labels) {
                all.extend(shown_pair(bench, changed, systems, label)?);
            }
        }
        Ok(all)
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "shown",
            title: "Form and demographics",
            template: include_str!("../templates/shown.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        let of = |changed: Changed| {
            let rows = self.iter().filter(move |pair| pair.changed == changed);
            let rows: Vec<ShownWords> = rows.map(ShownWords::of).collect();
            let paper = if rows.is_empty() {
                Vec::new()
            } else {
                beside(changed, report)
            };
            (rows, paper)
        };
        let (form, paper_form) = of(Changed::Form);
        let (demographics, paper_demographics) = of(Changed::Demographics);
        let splits = self.first()?.splits.len();
        Some(context! {
            form => words(&form), paper_form => words(&paper_form),
            demographics => words(&demographics), paper_demographics => words(&paper_demographics),
            splits => (1..=splits).collect::<Vec<_>>(),
        })
    }

    fn tables(&self, report: &ReportContext<'_>) -> Vec<Table> {
        let of = |changed: Changed| {
            let rows: Vec<ShownWords> = self
                .iter()
                .filter(|pair| pair.changed == changed)
                .map(ShownWords::of)
                .collect();
            let (name, what, [first, second]) = changed.said();
            let caption = format!(
                "{what}: overall accuracy in percent, and the difference in percentage points on the same probes with its \
                 95 % interval ({} respondents).",
                report.respondents()
            );
            let columns = [
                left("condition", |row: &ShownWords| row.label.clone()),
                right(first, |row: &ShownWords| row.first.clone()),
                right(second, |row: &ShownWords| row.second.clone()),
                right("difference", |row: &ShownWords| row.difference.difference.clone()),
                right("both read", |row: &ShownWords| row.difference.both_read.clone()),
                right("unread as guesses", |row: &ShownWords| row.difference.guess.clone()),
            ];
            (!rows.is_empty()).then(|| Table::of(name, caption, rows, &columns))
        };
        Changed::ALL.into_iter().filter_map(of).collect()
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter().flat_map(|pair| {
            let (first, second) = pair.systems;
            let sides = (
                report.results.columns_of(first),
                report.results.other_columns_of(second),
            );
            let line = |scope, split: Option<usize>, (own, other): (f64, f64), difference| {
                let of_pair = ShownColumns {
                    changed: pair.changed.name(),
                    scope,
                    split: split.map(|at| at + 1),
                    accuracy: own.into(),
                    other_accuracy: other.into(),
                };
                (sides.clone(), of_pair, ContrastColumns::of(difference))
            };
            let overall = line("overall", None, pair.accuracies, Some(&pair.difference));
            let splits = pair.splits.iter().enumerate();
            let splits = splits.filter_map(|(at, both)| Some(line("split", Some(at), (*both)?, None)));
            std::iter::once(overall).chain(splits).collect::<Vec<_>>()
        });
        CsvTable::of("form-and-demographics", rows).map(Some)
    }
}

impl Changed {
    /// The parts of a name that it changes.
    fn parts(self) -> &'static [NamePart] {
        match self {
            Self::Form => &[NamePart::Form],
            Self::Demographics => &[NamePart::Demographics],
        }
    }

    /// Name and title of its table, and what its two sides are called.
    fn said(self) -> (&'static str, &'static str, [&'static str; 2]) {
        match self {
            Self::Form => ("form", "Refined and polar statements", ["refined", "polar"]),
            Self::Demographics => ("demographics", "With demographics and without", ["with", "without"]),
        }
    }

    /// Whether a condition is the first side of a pair, and what the second side is.
    fn counterpart(self, condition: &Condition) -> Option<Condition> {
        let condition = condition.clone();
        match self {
            Self::Form => (condition.form == Form::Refined).then_some(Condition {
                form: Form::Polar,
                ..condition
            }),
            Self::Demographics => condition.demographics.then_some(Condition {
                demographics: false,
                ..condition
            }),
        }
    }

    /// Positions of conditions that differ in this alone. Where nothing of the person is shown there is none: its form is
    /// that of no statement.
    fn pairs(self, entries: &[Contender]) -> Vec<(usize, usize)> {
        let pairs = entries.iter().enumerate().filter_map(|(at, entry)| {
            let condition = entry.condition()?;
            let other = self.counterpart(condition).filter(|_| condition.category.is_none())?;
            let is_other = |second: &Contender| second.run == entry.run && second.condition() == Some(&other);
            Some((at, entries.iter().position(is_other)?))
        });
        pairs.collect()
    }
}

/// Two conditions on the same probes; absent where they share none.
fn shown_pair(
    bench: &Bench<'_>,
    changed: Changed,
    systems: (usize, usize),
    label: String,
) -> Result<Option<ShownPair>, MetricsError> {
    let Some(paired) = bench.pair(systems.0, systems.1)? else {
        return Ok(None);
    };
    let (own, other) = paired.accuracies(bench.categories());
    let overall = own.overall.zip(other.overall);
    let difference = paired.overall(bench.categories(), &bench.options.resampling);
    let splits = own.splits.iter().zip(&other.splits).map(|(own, other)| own.zip(*other));
    Ok(overall.zip(difference).map(|(accuracies, difference)| ShownPair {
        changed,
        systems,
        label,
        accuracies,
        splits: splits.collect(),
        difference,
    }))
}

/// A row of the tables for people.
#[derive(Serialize)]
struct ShownWords {
    label: String,
    first: String,
    second: String,
    /// By split, both sides.
    splits: Vec<(String, String)>,
    difference: ContrastWords,
}

impl ShownWords {
    fn of(pair: &ShownPair) -> Self {
        let splits = pair.splits.iter().map(|both| {
            let both = both.unzip();
            (percent(both.0), percent(both.1))
        });
        Self {
            label: pair.label.clone(),
            first: percent(Some(pair.accuracies.0)),
            second: percent(Some(pair.accuracies.1)),
            splits: splits.collect(),
            difference: ContrastWords::of(Some(&pair.difference)),
        }
    }
}

/// The paper's figures beside ours, where categories and people are the paper's kind.
fn beside(changed: Changed, report: &ReportContext<'_>) -> Vec<PublishedWords> {
    let figures = match report.results.synthetic {
        true => None,
        false => Published::read().ok(),
    };
    let categories = &report.results.categories;
    let figures = figures.map(|figures| match changed {
        Changed::Form => figures.forms(categories),
        Changed::Demographics => figures.demographics(categories),
    });
    figures
        .unwrap_or_default()
        .into_iter()
        .map(PublishedWords::of)
        .collect()
}

/// A published row.
#[derive(Serialize)]
struct PublishedWords {
    label: String,
    first: String,
    second: String,
    splits: Vec<(String, String)>,
    difference: String,
}

impl PublishedWords {
    fn of(pair: PublishedPair) -> Self {
        let splits = pair
            .splits
            .iter()
            .map(|(own, other)| (percent(Some(*own)), percent(Some(*other))));
        Self {
            label: pair.label,
            first: percent(Some(pair.overall.0)),
            second: percent(Some(pair.overall.1)),
            splits: splits.collect(),
            difference: signed(100.0 * (pair.overall.0 - pair.overall.1)),
        }
    }
}

/// A row of the CSV table before the difference.
#[derive(Serialize)]
struct ShownColumns {
    changed: &'static str,
    scope: &'static str,
    split: Option<usize>,
    accuracy: Figure,
    other_accuracy: Figure,
}
