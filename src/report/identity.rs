//! Which system a row of a table for programs is about: the first columns of every such table, those of `predictions.csv`.

use serde::{Deserialize, Serialize};

use crate::metrics::{Norm, System};
use crate::scoring::Condition;

/// A system with its run and model by name, for tables that have no report beside them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedSystem {
    /// The run.
    pub run: String,
    /// The model; empty for a baseline.
    pub model: String,
    /// What it is.
    pub system: System,
}

/// The first columns of every table. A baseline has no model, condition or norm: those cells are empty.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct SystemColumns {
    run: String,
    model: String,
    method: String,
    demonstrations: Option<usize>,
    form: &'static str,
    demographics: Option<bool>,
    restricted_to: String,
    control: &'static str,
    synthetic: bool,
    norm: &'static str,
}

/// The same of what a system is held against.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct OtherColumns {
    other_run: String,
    other_model: String,
    other_method: String,
    other_demonstrations: Option<usize>,
    other_form: &'static str,
    other_demographics: Option<bool>,
    other_restricted_to: String,
    other_control: &'static str,
    other_norm: &'static str,
}

impl NamedSystem {
    /// Its columns.
    pub(super) fn columns(&self, synthetic: bool) -> SystemColumns {
        let (condition, norm) = self.asked();
        SystemColumns {
            run: self.run.clone(),
            model: self.model.clone(),
            method: self.method(),
            demonstrations: condition.map(|condition| condition.demonstrations),
            form: condition.map_or("", |condition| condition.form.name()),
            demographics: condition.map(|condition| condition.demographics),
            restricted_to: condition
                .and_then(|condition| condition.category.clone())
                .unwrap_or_default(),
            control: condition.map_or("", |condition| condition.control.name()),
            synthetic,
            norm: norm.map_or("", Norm::name),
        }
    }

    /// Its columns where it is the second of two.
    pub(super) fn as_other(&self) -> OtherColumns {
        let own = self.columns(false);
        OtherColumns {
            other_run: own.run,
            other_model: own.model,
            other_method: own.method,
            other_demonstrations: own.demonstrations,
            other_form: own.form,
            other_demographics: own.demographics,
            other_restricted_to: own.restricted_to,
            other_control: own.control,
            other_norm: own.norm,
        }
    }

    /// The condition, and the norm where it matters.
    fn asked(&self) -> (Option<&Condition>, Option<Norm>) {
        match &self.system {
            System::Model { condition, norm } => {
                let normed = condition.method.definition().is_normed();
                (Some(condition), normed.then_some(*norm))
            }
            _ => (None, None),
        }
    }

    /// The method as records spell it, or the baseline.
    fn method(&self) -> String {
        match &self.system {
            System::Model { condition, .. } => condition.method.name().to_owned(),
            System::Chance => "chance".to_owned(),
            System::First => "first".to_owned(),
            System::Majority => "majority".to_owned(),
            System::Resemblance { k } => format!("resemblance_{k}"),
            System::NaiveBayes => "naive_bayes".to_owned(),
        }
    }
}

impl SystemColumns {
    /// The same system under another norm.
    pub fn under(self, norm: Norm) -> Self {
        Self {
            norm: norm.name(),
            ..self
        }
    }
}
