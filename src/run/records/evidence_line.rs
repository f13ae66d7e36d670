//! Lines of evidence, field by field as docs/formats.md has them.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::line::Pick;
use crate::model::{Finish, TokenId};
use crate::scoring::{Permutation, Thoughts};

/// A line of `evidence-likelihood.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LikelihoodLine<'a> {
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    #[serde(borrow)]
    pub candidates: Vec<CandidateEntry<'a>>,
}

/// A candidate and how it fared. `unconditional` and its tokens' are absent from all lines of a run that did not ask
/// for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CandidateEntry<'a> {
    #[serde(borrow)]
    pub text: Cow<'a, str>,
    pub logprob: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconditional: Option<f64>,
    pub chars: usize,
    pub bytes: usize,
    pub tokens: Vec<TokenId>,
    pub token_logprobs: Vec<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconditional_token_logprobs: Option<Vec<f32>>,
}

/// A line of `evidence-label.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LabelLine<'a> {
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    pub logprobs: Vec<f64>,
    pub invalid_mass: f64,
    pub permutations: Vec<Permutation>,
}

/// A line of `evidence-generation.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct GenerationLine<'a> {
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    pub tries: Vec<TryEntry>,
}

/// One generated text. A seed is text, since tables round whole numbers beyond 2^53.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TryEntry {
    /// `order[i]` is the candidate shown as option i; empty where the text answers several probes.
    pub order: Vec<usize>,
    /// The candidate read from it; -1 where none could be, and where the text answers several probes.
    pub choice: Pick,
    /// Absent from all lines of a run whose model was to answer at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thoughts: Option<Thoughts>,
    pub text: String,
    pub tokens: Vec<TokenId>,
    pub logprobs: Vec<f32>,
    /// -1 where it was not measured.
    pub invalid_mass: f32,
    pub finish: Finish,
    pub temperature: f32,
    pub seed: String,
}
