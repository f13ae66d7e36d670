//! A line of format 1, and the outcome that it is.

use serde::Deserialize;

use crate::model::{Finish, TokenId};
use crate::scoring::{CandidateScore, Condition, Control, Evidence, Method, Outcome, Permutation, Reading, Try};
use crate::survey::{Form, QuestionId};

/// A respondent's answer to a probe as a model predicted it, its evidence within.
#[derive(Deserialize)]
pub(super) struct Record {
    respondent: String,
    split: u8,
    question: QuestionId,
    method: Method,
    demonstrations: usize,
    form: Form,
    demographics: bool,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    control: Control,
    candidates: usize,
    label: usize,
    prediction: Option<usize>,
    context_tokens: usize,
    shown: usize,
    evidence: Proof,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Proof {
    Likelihood {
        scores: Vec<Format1Score>,
    },
    Label {
        logprobs: Vec<f64>,
        off_menu: f64,
        permutations: Vec<Order>,
    },
    Generation {
        reading: Reading,
        tries: Vec<Format1Try>,
    },
}

#[derive(Deserialize)]
struct Format1Score {
    tokens: Vec<TokenId>,
    logprobs: Vec<f32>,
    #[serde(default)]
    unconditional: Option<Vec<f32>>,
    chars: usize,
    bytes: usize,
}

#[derive(Deserialize)]
struct Order {
    order: Vec<usize>,
    logprobs: Vec<f64>,
}

#[derive(Deserialize)]
struct Format1Try {
    text: String,
    tokens: Vec<TokenId>,
    logprobs: Vec<f32>,
    #[serde(default)]
    off_menu: Option<f32>,
    finish: Finish,
    temperature: f32,
    seed: u64,
}

impl From<Record> for Outcome {
    fn from(record: Record) -> Self {
        Self {
            respondent: record.respondent,
            split: record.split,
            question: record.question,
            condition: Condition {
                method: record.method,
                demonstrations: record.demonstrations,
                form: record.form,
                demographics: record.demographics,
                category: record.category,
                control: record.control,
            },
            candidates: record.candidates,
            label: record.label,
            prediction: record.prediction,
            context_tokens: record.context_tokens,
            shown: record.shown,
            evidence: record.evidence.into(),
        }
    }
}

impl From<Proof> for Evidence {
    fn from(proof: Proof) -> Self {
        match proof {
            Proof::Likelihood { scores } => Self::Likelihood {
                scores: scores.into_iter().map(CandidateScore::from).collect(),
            },
            Proof::Label {
                logprobs,
                off_menu,
                permutations,
            } => Self::Label {
                logprobs,
                invalid_mass: off_menu,
                permutations: permutations.into_iter().map(Permutation::from).collect(),
            },
            Proof::Generation { reading, tries } => Self::Generation {
                reading,
                tries: tries.into_iter().map(Try::from).collect(),
            },
        }
    }
}

impl From<Format1Score> for CandidateScore {
    fn from(score: Format1Score) -> Self {
        Self {
            tokens: score.tokens,
            logprobs: score.logprobs,
            unconditional: score.unconditional,
            chars: score.chars,
            bytes: score.bytes,
        }
    }
}

impl From<Order> for Permutation {
    fn from(order: Order) -> Self {
        Self {
            order: order.order,
            logprobs: order.logprobs,
        }
    }
}

impl From<Format1Try> for Try {
    fn from(text: Format1Try) -> Self {
        Self {
            order: Vec::new(),
            choice: None,
            thoughts: None,
            text: text.text,
            tokens: text.tokens,
            logprobs: text.logprobs,
            invalid_mass: text.off_menu,
            finish: text.finish,
            temperature: text.temperature,
            seed: text.seed,
        }
    }
}
