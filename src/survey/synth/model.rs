//! What turns factors, countries and circumstances into answers; its numbers stand in `data/synthetic-model.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::question_id::QuestionId;

/// Loadings by factor: (position in the list of factors, size).
pub(super) type Loads = Vec<(usize, f64)>;

/// Which end of the answer codes something speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ScaleEnd {
    /// The lowest code.
    Low,
    /// The highest code.
    High,
}

/// How one question is answered.
pub(super) struct AnswerModel {
    /// Answer codes, ascending; for a choice, in the order of utilities.
    pub(super) codes: Vec<i16>,
    pub(super) kind: AnswerKind,
    /// Left out more often than others.
    pub(super) often_missing: bool,
}

pub(super) enum AnswerKind {
    /// Ordered answers: a latent one against thresholds.
    Scale {
        end: ScaleEnd,
        agree: Option<ScaleEnd>,
        center: f64,
        loads: Loads,
    },
    /// Unordered answers: (base, loadings) of each utility; the highest wins.
    Choice { utilities: Vec<(f64, Loads)> },
    /// The second-best of the choice at this position of the catalogue.
    Second { first: usize },
}

/// At most so many of these questions (positions in the catalogue) are answered with the first code.
pub(super) struct AtMost {
    pub(super) most: usize,
    pub(super) questions: Vec<usize>,
}

/// A country of wave 7.
pub(super) struct Country {
    pub(super) code: i32,
    pub(super) alpha: String,
    pub(super) wealth: f64,
    /// Weights of the denominations 0-9.
    pub(super) religion: Vec<f64>,
    pub(super) language: Vec<i32>,
    /// What living there adds to each factor.
    pub(super) shift: Vec<f64>,
    /// What living there adds to each question's latent answer.
    pub(super) items: Vec<f64>,
    /// Questions that were not asked there.
    pub(super) gap: std::ops::Range<usize>,
}

/// What circumstances add to the factors.
pub(super) struct Effects {
    pub(super) age: Loads,
    pub(super) education: Loads,
    pub(super) female: Loads,
    pub(super) income: Loads,
    pub(super) religion: BTreeMap<i32, Loads>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Missing {
    pub(super) few: f64,
    pub(super) rate_of_few: f64,
    pub(super) median_rate: f64,
    pub(super) spread: f64,
    pub(super) often: Vec<QuestionId>,
    pub(super) times: f64,
    pub(super) countries_with_a_gap: f64,
}

/// Everything above, checked against the built-in catalogue.
pub(super) struct Model {
    pub(super) factors: usize,
    /// By factor: what earlier ones add, and the size of its own part.
    pub(super) ties: Vec<(Loads, f64)>,
    pub(super) effects: Effects,
    pub(super) items: Vec<AnswerModel>,
    pub(super) at_most: Vec<AtMost>,
    pub(super) countries: Vec<Country>,
    pub(super) missing: Missing,
}
