//! How cases are scored.

use super::orders::Orders;
use crate::model::{Decoding, Tokenizer};

crate::choices! {
    /// What is done with a context longer than the model's.
    pub enum Fit: Refuse {
        /// Stop with an error that names the person and the limit.
        Refuse = "refuse",
        /// Leave out whole demonstrations from the end, and record how many were shown.
        DropDemonstrations = "drop-demonstrations",
    }
}

/// How cases are scored.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Score candidates after the neutral context, too.
    pub unconditional: bool,
    /// In how many orders options are listed.
    pub orders: Orders,
    /// Let only valid answers be generated. The paper's answer then has no rationales.
    pub constrained: bool,
    /// Temperature of the first try; 0 is greedy.
    pub temperature: f32,
    /// Nucleus of all tries.
    pub top_p: f32,
    /// Further tries for what could not be read.
    pub retries: usize,
    /// Their temperature.
    pub retry_temperature: f32,
    /// Seed that the seed of each try is derived from.
    pub seed: u64,
    /// At most this many tokens for a free answer to one probe.
    pub single_tokens: usize,
    /// At most this many tokens for a free answer to all probes.
    pub paper_tokens: usize,
    /// What is done with a context that is too long.
    pub fit: Fit,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            unconditional: true,
            orders: Orders::All,
            constrained: false,
            temperature: 0.0,
            top_p: 1.0,
            retries: 2,
            retry_temperature: 0.6,
            seed: 0,
            single_tokens: 16,
            paper_tokens: 4096,
            fit: Fit::Refuse,
        }
    }
}

impl Settings {
    /// Temperature of a try, counted from 0.
    pub(super) fn temperature_of(&self, round: usize) -> f32 {
        if round == 0 {
            self.temperature
        } else {
            self.retry_temperature
        }
    }

    /// How tokens are chosen in each try.
    pub(super) fn rounds(&self, tokenizer: &Tokenizer) -> Vec<Decoding> {
        (0..=self.retries)
            .map(|round| Decoding {
                temperature: self.temperature_of(round),
                top_p: self.top_p,
                stop: tokenizer.stop_tokens().to_vec(),
            })
            .collect()
    }
}
