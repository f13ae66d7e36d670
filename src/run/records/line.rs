//! A record on disk: one flat line of `records.jsonl`, every key in every line, never null.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::check::Check;
use crate::scoring::{Condition, Control, Evidence, Method, Outcome, Reading};
use crate::survey::{Form, QuestionId};

/// A record, field by field as docs/formats.md has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct RecordLine<'a> {
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    #[serde(borrow)]
    pub respondent: Cow<'a, str>,
    pub split: u8,
    pub question: QuestionId,
    #[serde(borrow)]
    pub category: Cow<'a, str>,
    pub method: Method,
    pub demonstrations: usize,
    pub form: Form,
    pub demographics: bool,
    /// The only category demonstrations came from; empty where all did.
    #[serde(borrow)]
    pub restricted_to: Cow<'a, str>,
    pub control: Control,
    pub candidates: usize,
    pub label: Pick,
    pub prediction: Pick,
    pub correct: bool,
    pub status: Status,
    pub context_tokens: usize,
    pub shown: usize,
}

/// Position of a candidate, -1 where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "i64", try_from = "i64")]
pub(super) struct Pick(pub Option<usize>);

impl From<Pick> for i64 {
    fn from(choice: Pick) -> Self {
        choice.0.and_then(|at| Self::try_from(at).ok()).unwrap_or(-1)
    }
}

impl TryFrom<i64> for Pick {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        match number {
            -1 => Ok(Self(None)),
            other => usize::try_from(other)
                .map(|at| Self(Some(at)))
                .map_err(|_| format!("{other} is not the position of a candidate")),
        }
    }
}

crate::choices! {
    /// What became of the answer.
    pub(super) enum Status {
        /// A candidate was chosen.
        Answered = "answered",
        /// No choice can be read.
        Unparsed = "unparsed",
        /// A choice that is none of the candidates.
        OutOfRange = "out-of-range",
        /// The answer does not mention this probe.
        Missing = "missing",
        /// Nobody answered: a provider's error.
        Failed = "failed",
    }
}

impl From<Reading> for Status {
    fn from(reading: Reading) -> Self {
        match reading {
            Reading::Choice => Self::Answered,
            Reading::Unparsed => Self::Unparsed,
            Reading::OutOfRange => Self::OutOfRange,
            Reading::Missing => Self::Missing,
            Reading::Failed => Self::Failed,
        }
    }
}

impl From<Status> for Reading {
    fn from(status: Status) -> Self {
        match status {
            Status::Answered => Self::Choice,
            Status::Unparsed => Self::Unparsed,
            Status::OutOfRange => Self::OutOfRange,
            Status::Missing => Self::Missing,
            Status::Failed => Self::Failed,
        }
    }
}

/// A record's id: the first 16 hexadecimal digits of the SHA-256 of the compact JSON array of respondent, split,
/// question, method, demonstrations, form, demographics, restricted_to and control. The same in every run that asks the
/// same.
pub(in crate::run) fn record_id(outcome: &Outcome) -> String {
    RecordLine::new(outcome, "", "").own_id().to_string()
}

impl<'a> RecordLine<'a> {
    /// The line of an outcome whose question is of this category.
    pub fn new(outcome: &'a Outcome, id: &'a str, category: &'a str) -> Self {
        let condition = &outcome.condition;
        Self {
            id: id.into(),
            respondent: outcome.respondent.as_str().into(),
            split: outcome.split,
            question: outcome.question,
            category: category.into(),
            method: condition.method,
            demonstrations: condition.demonstrations,
            form: condition.form,
            demographics: condition.demographics,
            restricted_to: condition.category.as_deref().unwrap_or_default().into(),
            control: condition.control,
            candidates: outcome.candidates,
            label: Pick(Some(outcome.label)),
            prediction: Pick(outcome.prediction),
            correct: outcome.prediction == Some(outcome.label),
            status: outcome.reading().into(),
            context_tokens: outcome.context_tokens,
            shown: outcome.shown,
        }
    }

    /// The id that follows from the other fields.
    fn own_id(&self) -> Check {
        let asked = (
            &self.respondent,
            self.split,
            self.question,
            self.method,
            self.demonstrations,
            self.form,
            self.demographics,
            &self.restricted_to,
            self.control,
        );
        // Text, numbers and unit variants always have a JSON form.
        Check::new(&[], &serde_json::to_vec(&asked).unwrap_or_default())
    }

    /// The outcome that this line and its evidence are.
    ///
    /// # Errors
    /// A field that follows from others and does not: the id, the category (which must be `category`), `correct` and
    /// `status`.
    pub fn outcome(&self, evidence: Evidence, category: Option<&str>) -> Result<Outcome, String> {
        let label = self
            .label
            .0
            .ok_or("`label` is -1: the respondent's own answer is always known")?;
        let outcome = Outcome {
            respondent: self.respondent.clone().into_owned(),
            split: self.split,
            question: self.question,
            condition: self.condition(),
            candidates: self.candidates,
            label,
            prediction: self.prediction.0,
            context_tokens: self.context_tokens,
            shown: self.shown,
            evidence,
        };
        let id = self.own_id();
        let expected = RecordLine::new(&outcome, &self.id, category.unwrap_or(&self.category));
        let differs = |name: &str, is: &dyn std::fmt::Debug, follows: &dyn std::fmt::Debug| {
            Err(format!(
                "`{name}` is {is:?} where {follows:?} follows from the rest of the record"
            ))
        };
        if !id.is_written(&self.id) {
            return differs("id", &self.id, &id.to_string());
        }
        if self.category != expected.category {
            return differs("category", &self.category, &expected.category);
        }
        if self.correct != expected.correct {
            return differs("correct", &self.correct, &expected.correct);
        }
        if self.status != expected.status || (self.status == Status::Answered) != self.prediction.0.is_some() {
            return Err(format!(
                "`status` and `prediction` do not agree: {} with {}",
                self.status,
                i64::from(self.prediction)
            ));
        }
        Ok(outcome)
    }

    fn condition(&self) -> Condition {
        Condition {
            method: self.method,
            demonstrations: self.demonstrations,
            form: self.form,
            demographics: self.demographics,
            category: (!self.restricted_to.is_empty()).then(|| self.restricted_to.clone().into_owned()),
            control: self.control,
        }
    }
}

/// A value's name in JSON.
pub(super) fn word(value: &impl Serialize) -> String {
    let named = serde_json::to_value(value).unwrap_or_default();
    named.as_str().map_or_else(|| named.to_string(), str::to_owned)
}

/// One condition of a run, as `run.json` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConditionEntry {
    /// A short name, unique within the run: `likelihood-200`, `label-50-random`.
    pub id: String,
    /// How predictions are made.
    pub method: Method,
    /// Number of demonstrations asked for.
    pub demonstrations: usize,
    /// Form of the demonstrations.
    pub form: Form,
    /// Whether demographic statements come first.
    pub demographics: bool,
    /// The only category demonstrations come from; empty where all do.
    pub restricted_to: String,
    /// Whose demonstrations are shown.
    pub control: Control,
}

impl ConditionEntry {
    /// The entries of a run's conditions, in their order.
    pub fn all(conditions: &[Condition]) -> Vec<Self> {
        let mut entries: Vec<Self> = Vec::with_capacity(conditions.len());
        for condition in conditions {
            let mut id = short_name(condition);
            if entries.iter().any(|entry| entry.id == id) {
                id = format!("{id}-{}", entries.len() + 1);
            }
            entries.push(Self {
                id,
                method: condition.method,
                demonstrations: condition.demonstrations,
                form: condition.form,
                demographics: condition.demographics,
                restricted_to: condition.category.clone().unwrap_or_default(),
                control: condition.control,
            });
        }
        entries
    }

    /// The condition.
    pub fn condition(&self) -> Condition {
        Condition {
            method: self.method,
            demonstrations: self.demonstrations,
            form: self.form,
            demographics: self.demographics,
            category: (!self.restricted_to.is_empty()).then(|| self.restricted_to.clone()),
            control: self.control,
        }
    }
}

/// What tells a condition from others, in a word that may be part of a file's name.
fn short_name(condition: &Condition) -> String {
    let mut name = format!("{}-{}", word(&condition.method), condition.demonstrations);
    if condition.form != Form::default() {
        name += &format!("-{}", word(&condition.form));
    }
    if condition.demographics {
        name += "-demographics";
    }
    if let Some(category) = &condition.category {
        let plain = category.to_lowercase();
        let words = plain
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty());
        words.for_each(|word| name += &format!("-{word}"));
    }
    if !condition.control.is_own() {
        name += &format!("-{}", word(&condition.control));
    }
    name
}
