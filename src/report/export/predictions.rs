//! One row an outcome, with everything that stands beside it: for pandas, polars, DuckDB, R and mixed models.

use std::collections::{BTreeMap, HashMap};

use super::ExportError;
use crate::metrics::{BaselineRow, Norm, QuestionInfo, RunData, candidate_scores, prediction, softmax};
use crate::scoring::{Evidence, Outcome};
use crate::survey::QuestionId;

/// Columns before those of baselines and groups, whose number differs from run to run.
const COLUMNS: [&str; 32] = [
    "run",
    "model",
    "method",
    "demonstrations",
    "form",
    "demographics",
    "restricted_to",
    "control",
    "synthetic",
    "respondent",
    "weight",
    "split",
    "question",
    "category",
    "norm",
    "n_candidates",
    "label",
    "prediction",
    "correct",
    "status",
    "label_text",
    "prediction_text",
    "chance",
    "p_label",
    "confidence",
    "logprob_label",
    "logprob_prediction",
    "entropy",
    "invalid_mass",
    "tries",
    "context_tokens",
    "shown",
];

/// `predictions.csv` of a run: predictions under a norm, correct as 0 or 1, positions from 0 and -1 where there is none.
/// A cell is empty only where a method has no such figure, so that means within a method are right.
///
/// # Errors
/// [`ExportError::Encode`].
pub fn predictions(run: &RunData, norm: Norm) -> Result<String, ExportError> {
    let encode = |error: csv::Error| ExportError::Encode(error.to_string());
    let neighbours = neighbours(&run.baselines);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut header: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    header.extend(["majority".to_owned(), "correct_majority".to_owned()]);
    header.extend(neighbours.iter().map(|k| format!("resemblance_{k}")));
    header.extend(run.dimensions.iter().map(|dimension| group_column(&dimension.name)));
    writer.write_record(&header).map_err(encode)?;
    let known = OutcomeContext::new(run);
    for outcome in &run.outcomes {
        writer
            .write_record(known.row(outcome, norm, &neighbours))
            .map_err(encode)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| ExportError::Encode(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| ExportError::Encode(error.to_string()))
}

/// `Savings of the family` as a column: `group_savings_of_the_family`.
fn group_column(name: &str) -> String {
    let plain = name.to_lowercase();
    let words: Vec<&str> = plain
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    format!("group_{}", words.join("_"))
}

fn neighbours(baselines: &[BaselineRow]) -> Vec<usize> {
    let mut all: Vec<usize> = baselines
        .iter()
        .flat_map(|row| row.resemblance.keys().copied())
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What a run says besides its outcomes, by what it is about.
pub(super) struct OutcomeContext<'a> {
    run: &'a RunData,
    questions: HashMap<QuestionId, &'a QuestionInfo>,
    people: HashMap<&'a str, (&'a BTreeMap<String, String>, Option<f64>)>,
    baselines: HashMap<(&'a str, u8, QuestionId), &'a BaselineRow>,
}

impl<'a> OutcomeContext<'a> {
    pub(super) fn new(run: &'a RunData) -> Self {
        let baselines = run.baselines.iter();
        Self {
            run,
            questions: run.questions.iter().map(|question| (question.id, question)).collect(),
            people: run
                .people
                .iter()
                .map(|one| (one.id.as_str(), (&one.groups, one.weight)))
                .collect(),
            baselines: baselines
                .map(|row| ((row.respondent.as_str(), row.split, row.question), row))
                .collect(),
        }
    }

    /// The category of an outcome's question.
    pub(super) fn category(&self, outcome: &Outcome) -> &'a str {
        let question = self.questions.get(&outcome.question);
        let category = question.and_then(|question| self.run.categories.get(question.category));
        category.map_or("", String::as_str)
    }

    /// The text of a candidate of an outcome's question.
    pub(super) fn text(&self, outcome: &Outcome, at: usize) -> &'a str {
        let question = self.questions.get(&outcome.question);
        question
            .and_then(|question| question.candidates.get(at))
            .map_or("", String::as_str)
    }

    /// The groups of an outcome's person.
    pub(super) fn groups(&self, outcome: &Outcome) -> Option<&'a BTreeMap<String, String>> {
        self.people.get(outcome.respondent.as_str()).map(|(groups, _)| *groups)
    }

    fn row(&self, outcome: &Outcome, norm: Norm, neighbours: &[usize]) -> Vec<String> {
        let (run, condition) = (self.run, &outcome.condition);
        let chosen = prediction(outcome, norm);
        let sure = Sure::of(outcome, norm, chosen);
        let flag = |yes: bool| u8::from(yes).to_string();
        let figure = |figure: Option<f64>| figure.map_or_else(String::new, |figure| figure.to_string());
        let pick = |at: Option<usize>| at.map_or_else(|| "-1".to_owned(), |at| at.to_string());
        let weight = self
            .people
            .get(outcome.respondent.as_str())
            .and_then(|(_, weight)| *weight);
        let likelihood = matches!(outcome.evidence, Evidence::Likelihood { .. });
        let mut row = vec![
            run.name.clone(),
            run.header.model.name.clone(),
            condition.method.to_string(),
            condition.demonstrations.to_string(),
            condition.form.to_string(),
            flag(condition.demographics),
            condition.category.clone().unwrap_or_default(),
            condition.control.to_string(),
            flag(run.header.synthetic),
            outcome.respondent.clone(),
            figure(weight),
            outcome.split.to_string(),
            outcome.question.to_string(),
            self.category(outcome).to_owned(),
            if likelihood { norm.to_string() } else { String::new() },
            outcome.candidates.to_string(),
            outcome.label.to_string(),
            pick(chosen),
            flag(chosen == Some(outcome.label)),
            outcome.status(chosen).to_owned(),
            self.text(outcome, outcome.label).to_owned(),
            chosen.map_or("", |at| self.text(outcome, at)).to_owned(),
            (1.0 / outcome.candidates.max(1) as f64).to_string(),
            figure(sure.label),
            figure(sure.confidence),
            figure(sure.logprob_label),
            figure(sure.logprob_prediction),
            figure(sure.entropy),
            figure(sure.invalid_mass),
            outcome
                .evidence
                .tries()
                .map_or_else(String::new, |tries| tries.len().to_string()),
            outcome.context_tokens.to_string(),
            outcome.shown.to_string(),
        ];
        let baseline = self
            .baselines
            .get(&(outcome.respondent.as_str(), outcome.split, outcome.question));
        let majority = baseline.and_then(|row| row.majority);
        row.push(pick(majority));
        row.push(flag(majority == Some(outcome.label)));
        row.extend(
            neighbours
                .iter()
                .map(|k| pick(baseline.and_then(|row| row.resemblance.get(k).copied()))),
        );
        let groups = self.groups(outcome);
        let group = |name: &String| groups.and_then(|groups| groups.get(name)).cloned().unwrap_or_default();
        row.extend(run.dimensions.iter().map(|dimension| group(&dimension.name)));
        row
    }
}

/// How sure an outcome is.
#[derive(Default)]
pub(super) struct Sure {
    pub(super) probabilities: Vec<f64>,
    pub(super) scores: Vec<f64>,
    label: Option<f64>,
    confidence: Option<f64>,
    logprob_label: Option<f64>,
    logprob_prediction: Option<f64>,
    entropy: Option<f64>,
    invalid_mass: Option<f64>,
}

impl Sure {
    pub(super) fn of(outcome: &Outcome, norm: Norm, chosen: Option<usize>) -> Self {
        let invalid_mass = match &outcome.evidence {
            Evidence::Label { invalid_mass, .. } => Some(*invalid_mass),
            Evidence::Likelihood { .. } | Evidence::Generation { .. } => None,
        };
        let Some(scores) = candidate_scores(outcome, norm) else {
            return Self {
                invalid_mass,
                ..Self::default()
            };
        };
        let probabilities = softmax(&scores).unwrap_or_default();
        let entropy = probabilities.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
        Self {
            label: probabilities.get(outcome.label).copied(),
            confidence: probabilities.iter().copied().reduce(f64::max),
            logprob_label: scores.get(outcome.label).copied(),
            logprob_prediction: chosen.and_then(|at| scores.get(at).copied()),
            entropy: (!probabilities.is_empty()).then_some(entropy),
            invalid_mass,
            probabilities,
            scores,
        }
    }
}
