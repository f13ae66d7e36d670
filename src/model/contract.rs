//! What the rest of the program knows of a language model.

use super::LoadError;
use crate::base::text::bytes;
use serde::{Deserialize, Serialize};

pub use indieval_kernels::{TokenId, TokenScore};

/// Which tokens may come next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// Any token of the vocabulary.
    Any,
    /// Any token, too; the probability mass outside these is recorded.
    Watch(Vec<TokenId>),
    /// One of these; with a single one no choice is left.
    Only(Vec<TokenId>),
    /// The answer is complete: stop before another token.
    Done,
}

/// Restricts a generation step by step. It is given all tokens generated so far.
pub trait Constraint: Send {
    /// What may follow on `generated`.
    fn allowed(&mut self, generated: &[TokenId]) -> Allowed;
}

/// A continuation to be scored after its context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreRequest<'a> {
    /// What precedes, BOS included; it may be empty only where nothing is to be scored.
    pub context: &'a [TokenId],
    /// What is scored.
    pub continuation: &'a [TokenId],
}

/// A prompt to be continued, perhaps several times.
pub trait TextRequest {
    /// Tokens that precede the text.
    fn prompt(&self) -> &[TokenId];

    /// At most this many tokens are generated each time.
    fn max_tokens(&self) -> usize;

    /// How the next text is to be generated; `None` where no more is wanted. It is asked before the first text and after each.
    fn begin(&mut self) -> Option<Attempt>;

    /// Takes what was generated.
    fn finish(&mut self, generation: Generation);
}

/// One text of a [`TextRequest`].
pub struct Attempt {
    /// What may be generated; also ends a text as soon as its answer is complete.
    pub constraint: Option<Box<dyn Constraint>>,
    /// Seed of its sampling, unused at temperature 0.
    pub seed: u64,
    /// How its tokens are chosen.
    pub decoding: Decoding,
}

/// How tokens are chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decoding {
    /// 0 is greedy.
    pub temperature: f32,
    /// Nucleus: the smallest set of most probable tokens whose mass reaches this; 1 keeps all.
    pub top_p: f32,
    /// Tokens that end a generation (they are not part of it).
    pub stop: Vec<TokenId>,
}

/// Why a generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// The model gave a stop token.
    Stop,
    /// The constraint saw a complete answer.
    Complete,
    /// `max_tokens` were generated.
    Length,
}

/// One generated text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// Generated tokens, the stop token left out.
    pub tokens: Vec<TokenId>,
    /// Log-probability in nats of each generated token in the model's full distribution (before temperature, nucleus
    /// and constraint).
    pub logprobs: Vec<f32>,
    /// For each step whose allowed tokens are restricted or watched, the probability mass that lay outside it; 0 where all was
    /// allowed.
    pub invalid_mass: Vec<f32>,
    /// Why it ended.
    pub finish: Finish,
}

/// What is asked of a model at once: everything about one person or several, or some lines of requests.
pub struct Batch<'b, 't> {
    /// Continuations to be scored.
    pub scores: &'b [ScoreRequest<'b>],
    /// Texts to be generated.
    pub texts: &'b mut [&'t mut dyn TextRequest],
}

/// What a model answers to a [`Batch`]; texts are given to their requests.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    /// The scores of each continuation, one a token, in the order of the requests.
    pub scores: Vec<Vec<TokenScore>>,
    /// What it took.
    pub tokens: Tokens,
}

/// Tokens computed, and what they would have been without sharing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tokens {
    /// Tokens that the model computed, generated ones included.
    pub shared: u64,
    /// Tokens that the same work takes with every continuation and every text computed on its own.
    pub alone: u64,
}

impl std::ops::AddAssign for Tokens {
    fn add_assign(&mut self, other: Self) {
        self.shared += other.shared;
        self.alone += other.alone;
    }
}

/// How much a model takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest text in tokens that the model can be fed. A scored continuation may go one token beyond it: its last token is
    /// predicted and never fed.
    pub context: usize,
    /// Tokens, about, that a batch should have: enough that one costs little, few enough that little is lost where one is
    /// stopped. Smaller and larger ones give the same answers.
    pub batch: usize,
}

/// A language model.
///
/// What requests of a batch share is computed once, and nothing is held between batches. Sharing is invisible: an answer
/// depends on the model and on its own request only.
pub trait LanguageModel: Send {
    /// Answers all requests of a batch.
    ///
    /// # Errors
    /// Before anything is computed: a text that is too long, a token that does not exist, a first token to be scored, one
    /// request that needs more memory than there is. While it computes: numbers that overflow. Texts that were finished by
    /// then have been given to their requests.
    fn answer(&mut self, batch: Batch<'_, '_>) -> Result<Answers, ModelError>;

    /// How much it takes at once.
    fn limits(&self) -> Limits;
}

/// What can go wrong while a model runs.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A path would be longer than the model's context.
    #[error("{tokens} tokens are more than the model's context of {limit}")]
    ContextLength {
        /// Length of the path in tokens.
        tokens: usize,
        /// The model's limit.
        limit: usize,
    },
    /// One request by itself needs more memory than there is.
    #[error(
        "one text needs {} of memory beside the weights, {} are left for it",
        bytes(*needed),
        bytes(*free)
    )]
    Memory {
        /// Its number: scores count first, then texts.
        request: usize,
        /// Bytes that it needs.
        needed: u64,
        /// Bytes that there are.
        free: u64,
    },
    /// Nothing precedes the token to be scored, and the tokenizer has no BOS.
    #[error("the first token of an empty context cannot be scored: this tokenizer has no BOS token")]
    NoContext,
    /// A token id outside the vocabulary.
    #[error("token {token} is outside the vocabulary of {vocabulary}")]
    UnknownToken {
        /// The token.
        token: TokenId,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// Weights could not be read while they were needed.
    #[error(transparent)]
    Weights(#[from] Box<LoadError>),
    /// The tensor library failed.
    #[error("the model failed while computing: {0}")]
    Compute(#[from] candle_core::Error),
}

impl From<LoadError> for ModelError {
    fn from(error: LoadError) -> Self {
        Self::Weights(Box::new(error))
    }
}

impl ModelError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::ContextLength { .. } => "shorten the prompt, or take a model with a longer context".to_owned(),
            Self::Memory { .. } => "allow more memory (`--memory`), or shorten the text".to_owned(),
            Self::NoContext => "give a context that is not empty".to_owned(),
            Self::UnknownToken { .. } => {
                "tokenizer and weights do not belong together; `indieval models check` compares them".to_owned()
            }
            Self::Weights(error) => return error.hint(),
            Self::Compute(_) => "where memory ran out: allow less of it (`--memory`), or take another dtype \
                                 (`--dtype bf16`) or `--device cpu`"
                .to_owned(),
        })
    }
}
