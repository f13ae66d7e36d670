//! One method against another on the same probes.

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::charts::{heat_share, matrix};
use super::super::csv::{ContrastColumns, CsvTable, Figure};
use super::super::names;
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, placed, words};
use super::super::svg::Drawing;
use super::super::words::{ContrastWords, contrast, kappa, p_words, people, percent};
use crate::metrics::{Agreement, Comparison, MetricsError, p_by_category};

/// Two methods of one run on the same probes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodPair {
    /// Positions of both among the report's systems.
    pub systems: (usize, usize),
    /// What the first is called.
    pub first: String,
    /// What the second is called.
    pub second: String,
    /// What is equal in both.
    pub common: String,
    /// The comparison, first minus second.
    pub comparison: Comparison,
}

impl ReportSection for Vec<MethodPair> {
    /// Main conditions of one run against each other.
    fn compute(bench: &Bench<'_>, _: &Results) -> Result<Self, MetricsError> {
        let mut pairs = Vec::new();
        let labels = bench.labels(&bench.headline);
        let labelled: Vec<(usize, String)> = bench.headline.iter().copied().zip(labels).collect();
        for (position, (first, label)) in labelled.iter().enumerate() {
            for (second, other) in &labelled[position + 1..] {
                let (one, two) = (&bench.entries[*first], &bench.entries[*second]);
                if one.run != two.run {
                    continue;
                }
                let paired = bench.pair(*first, *second)?;
                pairs.extend(paired.map(|paired| MethodPair {
                    systems: (*first, *second),
                    first: label.clone(),
                    second: other.clone(),
                    common: one.name.common(&two.name),
                    comparison: paired.compare(bench.categories(), &bench.options.resampling),
                }));
            }
        }
        Ok(pairs)
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "methods",
            title: "Methods",
            template: include_str!("../templates/methods.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        let pairs = self.iter().zip(self.drawings(report)).map(|(pair, drawing)| {
            let categories = report.results.categories.iter().enumerate();
            let rows: Vec<AgreementWords> = categories
                .filter_map(|(row, category)| AgreementWords::of(pair, row, category))
                .collect();
            context! { picture => placed(&drawing), rows => words(&rows), words => words(&PairWords::of(pair)) }
        });
        let pairs: Vec<Value> = pairs.collect();
        (!pairs.is_empty()).then(|| context! { pairs })
    }

    fn drawings(&self, report: &ReportContext<'_>) -> Vec<Drawing> {
        let drawings = self.iter().enumerate().map(|(at, pair)| {
            let title = report.tagged(&format!("{} and {}, right and wrong", pair.first, pair.second));
            let table = &pair.comparison.table;
            matrix(table, &pair.first, &pair.second, &format!("pair-{at}"), &title)
        });
        drawings.collect()
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter().flat_map(|pair| csv_rows(pair, report.results));
        CsvTable::of("agreement", rows).map(Some)
    }
}

/// A pair in words.
#[derive(Serialize)]
struct PairWords {
    first: String,
    second: String,
    difference: ContrastWords,
    p: Option<String>,
    mcnemar: String,
    detectable: Option<String>,
    agreement: String,
    kappa: String,
    probes: usize,
    people: String,
}

impl PairWords {
    fn of(pair: &MethodPair) -> Self {
        let c = &pair.comparison;
        let overall = c.difference.overall.as_ref();
        Self {
            first: pair.first.clone(),
            second: pair.second.clone(),
            difference: ContrastWords::of(overall),
            p: overall.and_then(|contrast| contrast.wrong.p).map(|p| p_words(Some(p))),
            mcnemar: p_words(Some(c.mcnemar)),
            detectable: c.minimum_detectable.map(|share| format!("{:.1}", 100.0 * share)),
            agreement: percent(c.agreement.map(|agreement| agreement.agreement)),
            kappa: kappa(c.agreement.and_then(|agreement| agreement.kappa)),
            probes: c.table.probes(),
            people: people(c.people),
        }
    }
}

/// Agreement on one category in words.
#[derive(Serialize)]
struct AgreementWords {
    category: String,
    agreement: String,
    heat: String,
    kappa: String,
    difference: String,
}

impl AgreementWords {
    fn of(pair: &MethodPair, row: usize, category: &str) -> Option<Self> {
        let agreement = pair.comparison.agreement_by_category[row]?;
        Some(Self {
            category: names::short_category(category),
            agreement: percent(Some(agreement.agreement)),
            heat: format!("{:.3}", heat_share(agreement.agreement)),
            kappa: kappa(agreement.kappa),
            difference: contrast(pair.comparison.difference.categories[row].as_ref()),
        })
    }
}

/// What a row of the CSV table says before the difference.
#[derive(Serialize)]
struct AgreementColumns<'a> {
    category: &'a str,
    probes: usize,
    agreement: Figure,
    kappa: Figure,
}

/// Overall, then by category, where there is any agreement to tell.
fn csv_rows<'a>(pair: &'a MethodPair, results: &'a Results) -> impl Iterator<Item = impl Serialize> {
    let sides = (
        results.columns_of(pair.systems.0),
        results.other_columns_of(pair.systems.1),
    );
    let c = &pair.comparison;
    let differences = c.difference.categories.iter().zip(p_by_category(&c.difference));
    let by_category = c.agreement_by_category.iter().zip(differences);
    let by_category = results.categories.iter().map(String::as_str).zip(by_category);
    let overall = ("", (&c.agreement, (&c.difference.overall, None)));
    let all = std::iter::once(overall).chain(by_category);
    all.filter_map(move |(category, (agreement, (difference, p)))| {
        let Agreement {
            probes,
            agreement,
            kappa,
        } = (*agreement)?;
        let about = AgreementColumns {
            category,
            probes,
            agreement: agreement.into(),
            kappa: kappa.into(),
        };
        let difference = ContrastColumns::of_family(difference.as_ref(), p);
        Some((sides.clone(), about, difference))
    })
}
