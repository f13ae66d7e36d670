//! What predictions rest on: token log-probabilities and texts, so that a record can be judged again without a model.

use serde::{Deserialize, Serialize};

use crate::model::{Finish, Generation, TokenId};

crate::choices! {
    /// What kind of thing predictions rest on; several methods may have the same.
    pub enum EvidenceKind {
        /// Log-likelihoods of candidates.
        Likelihood = "likelihood",
        /// Log-probabilities of option labels.
        Label = "label",
        /// Generated answers.
        Generation = "generation",
    }
}

/// What a prediction rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Evidence {
    /// Log-likelihood of each candidate, in the order of candidates. `prediction` is by the sum; other norms are
    /// computed from this in the report.
    Likelihood {
        /// One entry per candidate.
        scores: Vec<CandidateScore>,
    },
    /// Log-probability of each option label, in the order of candidates (not of options).
    Label {
        /// Mean over the orders of log P(label of this candidate), nats.
        logprobs: Vec<f64>,
        /// Probability mass that fell on none of the labels, mean over the orders.
        invalid_mass: f64,
        /// Every order that was asked, in the order of asking.
        permutations: Vec<Permutation>,
    },
    /// A generated answer.
    Generation {
        /// How the answer to this probe was read.
        reading: Reading,
        /// All tries, those of one order of the options after those of another. `prediction` is what most orders chose,
        /// each by the first of its tries that could be read; of several, what was chosen first. In the paper's prompt,
        /// tries are kept with the first probe of the split only and the others have none.
        tries: Vec<Try>,
    },
}

impl Evidence {
    /// Its kind.
    pub(crate) fn kind(&self) -> EvidenceKind {
        match self {
            Self::Likelihood { .. } => EvidenceKind::Likelihood,
            Self::Label { .. } => EvidenceKind::Label,
            Self::Generation { .. } => EvidenceKind::Generation,
        }
    }

    /// The generated texts, where there are any.
    pub(crate) fn tries(&self) -> Option<&[Try]> {
        match self {
            Self::Generation { tries, .. } => Some(tries),
            Self::Likelihood { .. } | Self::Label { .. } => None,
        }
    }
}

/// Token-level scores of one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateScore {
    /// Token ids of the continuation (after the boundary was moved back to a token boundary).
    pub tokens: Vec<TokenId>,
    /// Log-probability of each token, nats.
    pub logprobs: Vec<f32>,
    /// Unconditional log-probability of each token (the same continuation after the neutral context), nats; absent
    /// where it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconditional: Option<Vec<f32>>,
    /// Characters of the candidate.
    pub chars: usize,
    /// UTF-8 bytes of the candidate.
    pub bytes: usize,
}

/// One order of the options and what it gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Permutation {
    /// `order[i]` is the candidate shown as option i.
    pub order: Vec<usize>,
    /// log P of option i's label, nats.
    pub logprobs: Vec<f64>,
}

/// How a generated answer to one probe was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// A valid choice.
    Choice,
    /// A choice that is none of the candidates.
    OutOfRange,
    /// The answer does not mention this probe.
    Missing,
    /// No choice can be read.
    #[serde(alias = "unparsable")]
    Unparsed,
    /// Nobody answered: whoever was asked elsewhere failed.
    Failed,
}

impl Reading {
    /// The word for it in records (`status`) and tables.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Choice => "answered",
            Self::OutOfRange => "out-of-range",
            Self::Missing => "missing",
            Self::Unparsed => "unparsed",
            Self::Failed => "failed",
        }
    }
}

/// One generated text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Try {
    /// `order[i]` is the candidate shown as option i; empty where the text answers several probes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<usize>,
    /// The candidate that was read from it; absent where none could be, and where the text answers several probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<usize>,
    /// What the model thought before its answer; absent where it was to answer at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thoughts: Option<Thoughts>,
    /// The answer as generated.
    pub text: String,
    /// Token ids, those of thoughts included.
    pub tokens: Vec<TokenId>,
    /// Log-probability of each token, nats.
    pub logprobs: Vec<f32>,
    /// Probability mass on everything that is no valid answer: the mean over all steps where only valid answers could be
    /// generated, that of the first token where a free answer was to be one letter; absent otherwise.
    pub invalid_mass: Option<f32>,
    /// Why it ended.
    pub finish: Finish,
    /// Temperature it was generated at.
    pub temperature: f32,
    /// Seed it was generated with.
    pub seed: u64,
}

/// What a model thought before an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thoughts {
    /// The text, without what ends it.
    pub text: String,
    /// How many tokens of the try come before the answer: thoughts, what ends them, and what comes between that and the
    /// answer.
    pub tokens: usize,
    /// Whether they were longer than they might be, and were cut.
    pub cut: bool,
}

impl Try {
    /// What the model gave, as far as it is recorded.
    pub(super) fn generation(&self) -> Generation {
        Generation {
            tokens: self.tokens.clone(),
            logprobs: self.logprobs.clone(),
            invalid_mass: vec![self.invalid_mass.unwrap_or_default(); self.tokens.len()],
            finish: self.finish,
        }
    }
}
