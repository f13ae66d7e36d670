//! One outcome: what one method said of one probe. It is what the journal holds and what metrics read.

use serde::{Deserialize, Serialize};

use crate::model::{Finish, TokenId};
use crate::survey::{Form, QuestionId};

/// The condition of a run's grid that an outcome belongs to: everything that may differ between outcomes of one run
/// besides person and probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Condition {
    /// How the prediction was made.
    pub method: Method,
    /// Number of demonstrations asked for.
    pub demonstrations: usize,
    /// Form of the demonstrations.
    pub form: Form,
    /// Whether demographic statements came first.
    pub demographics: bool,
    /// The only category demonstrations came from (its name), absent where all did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Whose demonstrations were shown.
    #[serde(default, skip_serializing_if = "Control::is_own")]
    pub control: Control,
}

/// How a prediction is made by a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// log P(candidate | context).
    Likelihood,
    /// log P(option label | context with the options listed).
    Label,
    /// One generated choice a probe.
    Generation,
    /// The paper's prompt: all probes of a split in one generated JSON answer.
    GenerationPaper,
}

/// Whose demonstrations the model was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Control {
    /// The person's own: the experiment itself.
    #[default]
    Own,
    /// Nobody's.
    None,
    /// Another respondent's, drawn at random.
    Random,
    /// Another respondent's of the same country.
    SameCountry,
}

impl Control {
    /// Whether this is the experiment itself and no control.
    pub fn is_own(&self) -> bool {
        *self == Self::Own
    }
}

/// What one method said of one probe of one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The respondent's id.
    pub respondent: String,
    /// 1, 2 or 3.
    pub split: u8,
    /// The probed question.
    pub question: QuestionId,
    /// The condition of the run's grid.
    #[serde(flatten)]
    pub condition: Condition,
    /// Number of candidates.
    pub candidates: usize,
    /// Position of the respondent's own candidate.
    pub label: usize,
    /// Position of the chosen candidate; absent where none could be read from the answer.
    pub prediction: Option<usize>,
    /// Tokens of the context (prefix and probe) that the model was shown.
    pub context_tokens: usize,
    /// Demonstrations actually shown (fewer than asked where the person has fewer, or where some were dropped to fit).
    pub shown: usize,
    /// What the prediction rests on.
    pub evidence: Evidence,
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
        /// Mean over permutations of log P(label of this candidate), nats.
        logprobs: Vec<f64>,
        /// Probability mass that fell on none of the labels, mean over permutations. Format 1 calls it `off_menu`.
        #[serde(rename = "off_menu", alias = "invalid_mass")]
        invalid_mass: f64,
        /// Every permutation that was asked: `order[i]` is the candidate shown as option i.
        permutations: Vec<Permutation>,
    },
    /// A generated answer.
    Generation {
        /// How the answer to this probe was read.
        reading: Reading,
        /// All tries; `prediction` comes from the first that has one for this probe. In the paper's prompt, tries are
        /// kept with the first probe of the split only and the others have none.
        tries: Vec<Try>,
    },
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
    Unparsable,
}

/// One generated text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Try {
    /// The text as generated.
    pub text: String,
    /// Token ids.
    pub tokens: Vec<TokenId>,
    /// Log-probability of each token, nats.
    pub logprobs: Vec<f32>,
    /// Probability mass on everything that is no valid answer: the mean over all steps where only valid answers could be
    /// generated, that of the first token where a free answer was to be one letter; absent otherwise. Format 1 calls it
    /// `off_menu`.
    #[serde(
        default,
        rename = "off_menu",
        alias = "invalid_mass",
        skip_serializing_if = "Option::is_none"
    )]
    pub invalid_mass: Option<f32>,
    /// Why it ended.
    pub finish: Finish,
    /// Temperature it was generated at.
    pub temperature: f32,
    /// Seed it was generated with.
    pub seed: u64,
}
