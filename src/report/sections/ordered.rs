//! Ordered answers: how far off wrong choices are, and whether a model's people are distributed as people are.

use std::collections::BTreeMap;

use minijinja::{Value, context};
use serde::{Deserialize, Serialize};

use super::super::bench::Bench;
use super::super::csv::{CsvTable, Figure};
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection, words};
use crate::metrics::{ChoicePair, MetricsError, mean, ordered};

/// One main condition or baseline on the questions whose answers have an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderedAnswers {
    /// Position among the report's systems.
    pub system: usize,
    /// What it is called.
    pub label: String,
    /// Of whom: absent for everybody, else the name of a group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Questions with an order, of those asked.
    pub questions: usize,
    /// Probes of theirs whose choice could be read; the others have no place on a scale.
    pub probes: usize,
    /// Mean distance of a choice from the answer, in steps of the scale.
    pub mean_absolute_error: Option<f64>,
    /// 1 minus the distance as a share of the scale's range.
    pub mad_accuracy: Option<f64>,
    /// Pearson's r over people, by Fisher's z over questions.
    pub correlation: Option<f64>,
    /// Questions without an r: everybody's choice, or everybody's answer, is the same.
    pub constant: usize,
    /// Cohen's kappa with quadratic weights.
    pub kappa: Option<f64>,
    /// Standard deviation of choices over that of answers.
    pub spread_ratio: Option<f64>,
    /// Wasserstein-1 distance of choices from answers, as a share of the range.
    pub wasserstein: Option<f64>,
    /// Jensen–Shannon distance of choices from answers (base 2).
    pub jensen_shannon: Option<f64>,
}

impl ReportSection for Vec<OrderedAnswers> {
    fn compute(bench: &Bench<'_>, results: &Results) -> Result<Self, MetricsError> {
        let scales = scales(bench);
        if scales.is_empty() {
            return Ok(Vec::new());
        }
        let shown: Vec<usize> = results.headline.iter().chain(&results.baselines).copied().collect();
        let models = bench.labels(&results.headline).into_iter();
        let baselines = results.baselines.iter().map(|at| results.baseline_label(*at));
        let labels: Vec<String> = models.chain(baselines).collect();
        let mut all = Vec::new();
        for (&at, label) in shown.iter().zip(labels) {
            if bench.entries[at].panel.is_chance() {
                continue;
            }
            all.push(OrderedAnswers::of(bench, at, &label, None, &scales));
            for dimension in &bench.roster.dimensions {
                for group in &dimension.groups {
                    let name = (dimension.name.as_str(), group.as_str());
                    let of_group = OrderedAnswers::of(bench, at, &label, Some(name), &scales);
                    all.extend(Some(of_group).filter(|one| one.probes > 0));
                }
            }
        }
        Ok(all)
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "ordered",
            title: "Ordered answers",
            template: include_str!("../templates/ordered.html"),
        }
    }

    fn page(&self, _: &ReportContext<'_>) -> Option<Value> {
        let rows: Vec<OrderedWords> = self
            .iter()
            .filter(|one| one.group.is_none())
            .map(OrderedWords::of)
            .collect();
        (!rows.is_empty()).then(|| context! { rows => words(&rows) })
    }

    fn csv(&self, report: &ReportContext<'_>) -> Result<Option<CsvTable>, csv::Error> {
        let rows = self.iter();
        let rows = rows.map(|one| (report.results.columns_of(one.system), OrderedColumns::of(one)));
        CsvTable::of("ordered-answers", rows).map(Some)
    }
}

/// Where the candidates of a question stand, by the question's number; only of questions with an order.
pub(super) fn scales(bench: &Bench<'_>) -> BTreeMap<usize, Vec<f64>> {
    let questions = bench.runs.iter().flat_map(|run| &run.questions);
    let ordered = questions.filter(|question| !question.values.is_empty());
    ordered
        .filter_map(|question| Some((bench.roster.question(question.id)?, question.values.clone())))
        .collect()
}

/// A figure of one question, from choices and the places of candidates.
type QuestionFigure<'a> = &'a dyn Fn(&[ChoicePair], &[f64]) -> Option<f64>;

impl OrderedAnswers {
    fn of(
        bench: &Bench<'_>,
        at: usize,
        label: &str,
        group: Option<(&str, &str)>,
        scales: &BTreeMap<usize, Vec<f64>>,
    ) -> Self {
        let members = group.map(|(dimension, group)| bench.roster.members(dimension, group));
        let mut by_question: BTreeMap<usize, Vec<ChoicePair>> = BTreeMap::new();
        for row in &bench.entries[at].panel.rows {
            let wanted = members
                .as_ref()
                .is_none_or(|members| members.binary_search(&(row.person as usize)).is_ok());
            let known = scales
                .get(&(row.question as usize))
                .is_some_and(|values| values.len() == usize::from(row.candidates));
            if let Some(choice) = row.choice.filter(|_| wanted && known) {
                let pair = (usize::from(choice), usize::from(row.label));
                by_question.entry(row.question as usize).or_default().push(pair);
            }
        }
        let questions: Vec<(&[ChoicePair], &[f64])> = by_question
            .iter()
            .map(|(question, pairs)| (pairs.as_slice(), scales[question].as_slice()))
            .collect();
        let over =
            |figure: QuestionFigure<'_>| mean(questions.iter().filter_map(|(pairs, values)| figure(pairs, values)));
        let correlations = questions
            .iter()
            .filter_map(|(pairs, values)| ordered::pearson(pairs, values));
        let correlations: Vec<f64> = correlations.collect();
        let distributions = |pairs: &[ChoicePair], candidates: usize| {
            let chosen = ordered::shares(pairs.iter().map(|pair| pair.0), candidates);
            let answered = ordered::shares(pairs.iter().map(|pair| pair.1), candidates);
            (chosen, answered)
        };
        Self {
            system: at,
            label: label.to_owned(),
            group: group.map(|(dimension, group)| format!("{dimension}: {group}")),
            questions: questions.len(),
            probes: questions.iter().map(|(pairs, _)| pairs.len()).sum(),
            mean_absolute_error: over(&ordered::mean_absolute_error),
            mad_accuracy: over(&ordered::mad_accuracy),
            constant: questions.len() - correlations.len(),
            correlation: ordered::fisher_mean(correlations),
            kappa: over(&|pairs, values| ordered::quadratic_kappa(pairs, values.len())),
            spread_ratio: over(&ordered::spread_ratio),
            wasserstein: over(&|pairs, values| {
                let (chosen, answered) = distributions(pairs, values.len());
                ordered::wasserstein(&chosen, &answered, values)
            }),
            jensen_shannon: over(&|pairs, values| {
                let (chosen, answered) = distributions(pairs, values.len());
                Some(ordered::jensen_shannon(&chosen, &answered).sqrt())
            }),
        }
    }
}

/// A row of the page's table.
#[derive(Serialize)]
struct OrderedWords {
    system: String,
    probes: usize,
    figures: Vec<String>,
}

impl OrderedWords {
    fn of(one: &OrderedAnswers) -> Self {
        let figures = [
            one.mean_absolute_error,
            one.mad_accuracy,
            one.correlation,
            one.kappa,
            one.spread_ratio,
            one.wasserstein,
            one.jensen_shannon,
        ];
        let shown = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.3}"));
        Self {
            system: one.label.clone(),
            probes: one.probes,
            figures: figures.into_iter().map(shown).collect(),
        }
    }
}

/// A row of the CSV table.
#[derive(Serialize)]
struct OrderedColumns<'a> {
    group: &'a str,
    questions: usize,
    probes: usize,
    mean_absolute_error: Figure,
    mad_accuracy: Figure,
    correlation: Figure,
    constant_questions: usize,
    quadratic_kappa: Figure,
    spread_ratio: Figure,
    wasserstein: Figure,
    jensen_shannon: Figure,
}

impl<'a> OrderedColumns<'a> {
    fn of(one: &'a OrderedAnswers) -> Self {
        Self {
            group: one.group.as_deref().unwrap_or(""),
            questions: one.questions,
            probes: one.probes,
            mean_absolute_error: one.mean_absolute_error.into(),
            mad_accuracy: one.mad_accuracy.into(),
            correlation: one.correlation.into(),
            constant_questions: one.constant,
            quadratic_kappa: one.kappa.into(),
            spread_ratio: one.spread_ratio.into(),
            wasserstein: one.wasserstein.into(),
            jensen_shannon: one.jensen_shannon.into(),
        }
    }
}
