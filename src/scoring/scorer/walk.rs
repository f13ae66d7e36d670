//! A scorer and its work with the model.

use std::sync::Arc;

use super::ask::Ask;
use super::neutral::Neutral;
use super::writing::Pending;
use crate::model::{Batch, LanguageModel, ScoreRequest, TextRequest, TokenScore, Tokenizer, Tokens};
use crate::probe::Case;
use crate::scoring::constraint::Marks;
use crate::scoring::join::{Encoder, Joined, Markup};
use crate::scoring::request::Asked;
use crate::scoring::{ScoringError, ScoringSpec};
use crate::survey::Catalogue;

/// Turns cases into outcomes with one model.
///
/// Scores with nobody known are computed once and kept. What an ask gives does not depend on earlier ones, nor on those
/// beside it.
pub struct Scorer<'a> {
    pub(super) model: &'a mut dyn LanguageModel,
    pub(super) tokenizer: &'a Tokenizer,
    pub(super) catalogue: &'a Catalogue,
    pub(super) spec: ScoringSpec,
    pub(super) plain: Encoder<'a>,
    pub(super) chat: Encoder<'a>,
    pub(super) neutral: Neutral,
    pub(super) marks: Option<Arc<Marks>>,
    pub(super) tokens: Tokens,
}

impl<'a> Scorer<'a> {
    /// A scorer; looks through the vocabulary once.
    pub fn new(
        model: &'a mut dyn LanguageModel,
        tokenizer: &'a Tokenizer,
        catalogue: &'a Catalogue,
        spec: ScoringSpec,
    ) -> Self {
        Self {
            model,
            tokenizer,
            catalogue,
            spec,
            plain: Encoder::new(tokenizer, Markup::Text),
            chat: Encoder::new(tokenizer, Markup::Chat),
            neutral: Neutral::default(),
            marks: None,
            tokens: Tokens::default(),
        }
    }

    /// Tokens, about, that a batch should have: see [`Limits`](crate::model::Limits).
    pub fn batch_tokens(&self) -> usize {
        self.model.limits().batch
    }

    /// Tokens computed so far, and what they would have been without sharing.
    pub fn tokens(&self) -> Tokens {
        self.tokens
    }

    /// What a method sees of an ask whose case may have been shortened.
    pub(super) fn asked<'b>(&'b self, ask: &Ask<'b>, case: &'b Case, condition: &'b str) -> Asked<'b>
    where
        'a: 'b,
    {
        Asked {
            catalogue: self.catalogue,
            case,
            prompt: ask.prompt,
            frame: ask.frame,
            spec: &self.spec,
            condition,
        }
    }

    /// Scores joined texts and has texts generated, in one batch.
    pub(super) fn score(
        &mut self,
        joined: &[&Joined],
        pending: &mut [Pending<'_>],
    ) -> Result<Vec<Vec<TokenScore>>, ScoringError> {
        let scores: Vec<ScoreRequest<'_>> = joined
            .iter()
            .map(|joined| ScoreRequest {
                context: &joined.context,
                continuation: &joined.continuation,
            })
            .collect();
        let mut texts: Vec<&mut dyn TextRequest> =
            pending.iter_mut().map(|text| text as &mut dyn TextRequest).collect();
        let answers = self.model.answer(Batch {
            scores: &scores,
            texts: &mut texts,
        })?;
        self.tokens += answers.tokens;
        Ok(answers.scores)
    }
}
