//! Figures of others on the same survey, which stand beside a report's own and are marked as published.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::near::near;

/// What others reported of a model or method on the same survey, in percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedResult {
    /// Of what.
    pub name: String,
    /// Where it was published.
    pub source: String,
    /// Overall accuracy, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overall: Option<f64>,
    /// Accuracy by category, 0 to 100.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<String, f64>,
}

impl PublishedResult {
    /// Refuses figures that are no percentages or of no category of the survey.
    pub(super) fn check(&self, categories: &[String]) -> Result<(), String> {
        if self.overall.is_none() && self.categories.is_empty() {
            return Err("it has figures: `overall`, or `categories = { NAME = ... }`, in percent".to_owned());
        }
        if let Some(unknown) = self.categories.keys().find(|name| !categories.contains(name)) {
            let meant = near(unknown, categories.iter().map(String::as_str));
            return Err(match meant.first() {
                Some(meant) => format!("there is no category `{unknown}`; is `{meant}` meant?"),
                None => format!("there is no category `{unknown}`"),
            });
        }
        let figures = self.overall.iter().chain(self.categories.values());
        match figures.copied().find(|figure| !(0.0..=100.0).contains(figure)) {
            Some(figure) => Err(format!("{figure} is no percentage")),
            None => Ok(()),
        }
    }
}
