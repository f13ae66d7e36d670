//! A log-softmax over a vocabulary that is seen part by part.

use crate::{TokenId, TokenScore};

/// A row's log-sum-exp and best token, as far as the vocabulary has been seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    /// The greatest logit.
    pub max: f32,
    /// The lowest token that has it.
    pub best: TokenId,
    /// Sum of exp(logit - max).
    pub sum: f32,
}

/// For each of some rows what part of the vocabulary came to, and logits by number of target.
pub(super) type Reduced = (Vec<Running>, Vec<(usize, f32)>);

impl Running {
    /// Before anything was seen.
    pub const NOTHING: Self = Self {
        max: f32::NEG_INFINITY,
        best: TokenId::MAX,
        sum: 0.,
    };

    /// With a later part of the vocabulary, whose own greatest logit, best token and sum are given.
    pub fn join(self, later: Self) -> Self {
        let (winner, other) = if later.max > self.max {
            (later, self)
        } else {
            (self, later)
        };
        if winner.max == f32::NEG_INFINITY {
            return winner;
        }
        Self {
            sum: winner.sum + other.sum * (other.max - winner.max).exp(),
            ..winner
        }
    }

    /// How a token with this logit fared, once all of the vocabulary was seen.
    pub fn score(&self, token: TokenId, logit: f32) -> TokenScore {
        TokenScore {
            logprob: (f64::from(logit) - f64::from(self.max) - f64::from(self.sum).ln()) as f32,
            greedy: token == self.best,
        }
    }
}
