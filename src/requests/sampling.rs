//! How texts are sampled, for all lines or for one.

use serde::Serialize;

use crate::scoring::{Temperature, TopP};

/// How one text is generated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sampling {
    /// Chance.
    pub temperature: Temperature,
    /// Nucleus.
    pub top_p: TopP,
    /// Most tokens of a text, at least 1.
    pub max_tokens: usize,
    /// Texts that end a generation and are no part of it.
    pub stop: Vec<String>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: Temperature::default(),
            top_p: TopP::default(),
            max_tokens: 256,
            stop: Vec::new(),
        }
    }
}
