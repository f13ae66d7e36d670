//! How cases are scored.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::norm::Norm;
use super::orders::Orders;
use super::sampling::{Retries, Temperature, TopP};
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

crate::choices! {
    /// Which methods ask inside the model's chat template; without a template everything is plain text.
    pub enum ChatUse: All {
        /// All: candidates are scored where the model's own turn begins, and every method shares one prefix.
        All = "all",
        /// Those that ask for an answer (label and generation); likelihood stays plain text.
        Answers = "answers",
        /// None: everything is plain text.
        None = "none",
    }
}

impl ChatUse {
    /// Whether a method asks inside the chat template, given whether it [asks for an
    /// answer](super::methods::Definition::asks_for_answer).
    pub(crate) fn asks(self, for_answer: bool) -> bool {
        match self {
            Self::All => true,
            Self::Answers => for_answer,
            Self::None => false,
        }
    }
}

/// How cases are scored: `[scoring]` of a spec.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoringSpec {
    /// Norm of likelihoods behind the headline. All are reported.
    pub norm: Norm,
    /// Score candidates after the neutral context, too, which PMI needs.
    pub unconditional: bool,
    /// In how many cyclic orders options are listed: `all` (as many as there are options), or at most so many.
    pub orders: Orders,
    /// Let only valid answers be generated. The paper's answer then has no rationales.
    pub constrained: bool,
    /// Temperature of the first try of a generated answer; 0 is greedy.
    pub temperature: Temperature,
    /// Nucleus of all tries: the smallest set of most probable tokens whose mass reaches this; 1 keeps all.
    pub top_p: TopP,
    /// Further tries after an answer that cannot be read.
    pub retries: Retries,
    /// Temperature of those tries.
    pub retry_temperature: Temperature,
    /// Seed that the seed of each try is derived from.
    pub seed: u64,
    /// At most this many tokens for a free answer to all probes.
    pub paper_tokens: NonZeroUsize,
    /// Let models think for at most so many tokens before they write an answer; absent: they answer at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_tokens: Option<NonZeroUsize>,
    /// What is done with a context longer than the model's.
    pub fit: Fit,
    /// Which methods ask inside the model's chat template.
    pub chat: ChatUse,
}

impl Default for ScoringSpec {
    fn default() -> Self {
        Self {
            norm: Norm::default(),
            unconditional: true,
            orders: Orders::All,
            constrained: false,
            temperature: Temperature::default(),
            top_p: TopP::default(),
            retries: Retries::default(),
            retry_temperature: Temperature::RETRY,
            seed: 0,
            paper_tokens: NonZeroUsize::MIN.saturating_add(4095),
            thinking_tokens: None,
            fit: Fit::default(),
            chat: ChatUse::default(),
        }
    }
}

impl ScoringSpec {
    /// Temperature of a try, counted from 0.
    pub(super) fn temperature_of(&self, round: usize) -> f32 {
        if round == 0 {
            self.temperature.get()
        } else {
            self.retry_temperature.get()
        }
    }

    /// Most tokens of thoughts before an answer; 0 where there are to be none.
    pub(crate) fn thinking(&self) -> usize {
        self.thinking_tokens.map_or(0, NonZeroUsize::get)
    }

    /// How tokens are chosen in each try.
    pub(super) fn rounds(&self, tokenizer: &Tokenizer) -> Vec<Decoding> {
        (0..=self.retries.get())
            .map(|round| Decoding {
                temperature: self.temperature_of(round),
                top_p: self.top_p.get(),
                stop: tokenizer.stop_tokens().to_vec(),
            })
            .collect()
    }
}
