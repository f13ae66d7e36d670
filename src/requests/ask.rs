//! What lines ask of a model.

use super::RequestError;
use crate::model::{ModelError, TokenId};

/// One piece of work: tokens to be scored, or to be continued, after others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenAsk {
    /// Tokens that are given.
    pub tokens: Vec<TokenId>,
    /// How many of them are context; the others are scored.
    pub context: usize,
    /// Tokens that may be generated.
    pub more: usize,
}

impl TokenAsk {
    /// Scores `continuation` after `context`.
    pub(super) fn score(context: &[TokenId], continuation: &[TokenId]) -> Self {
        Self {
            tokens: [context, continuation].concat(),
            context: context.len(),
            more: 0,
        }
    }

    /// Context and continuation.
    pub(super) fn parts(&self) -> (&[TokenId], &[TokenId]) {
        self.tokens.split_at(self.context)
    }
}

/// What a line asks for, in pieces, and what its answer says beside their results.
#[derive(Debug, Clone, PartialEq)]
pub struct LineRequest<A> {
    /// The pieces of work; none where nothing is to be computed.
    pub asks: Vec<TokenAsk>,
    /// What else is known.
    pub about: A,
}

/// A piece of work with what is known of its line.
#[derive(Debug)]
pub struct LineAsk<'a, A> {
    /// The work.
    pub ask: &'a TokenAsk,
    /// What is known of its line.
    pub about: &'a A,
}

/// Why a batch was not computed.
#[derive(Debug)]
pub enum ComputeError {
    /// One piece of work needs more memory than there is; the others may do.
    Room {
        /// Its place among those that were asked.
        at: usize,
        /// Bytes that it needs.
        needed: u64,
        /// Bytes that there are.
        free: u64,
    },
    /// No line is to blame.
    Other(RequestError),
}

impl From<ModelError> for ComputeError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Memory { request, needed, free } => Self::Room {
                at: request,
                needed,
                free,
            },
            other => Self::Other(RequestError::Scoring(other.into())),
        }
    }
}

impl From<RequestError> for ComputeError {
    fn from(error: RequestError) -> Self {
        Self::Other(error)
    }
}
