//! Tokens, and how they fare.

use serde::{Deserialize, Serialize};

/// A token's number in its vocabulary.
pub type TokenId = u32;

/// How one given token fared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TokenScore {
    /// Log-probability of the token given everything before it, in nats.
    pub logprob: f32,
    /// Whether no other token was more probable (the token greedy decoding would have chosen).
    pub greedy: bool,
}
