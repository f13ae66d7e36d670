//! A scorer's model work: what all share is held, and everything else is computed below it in one walk.

use std::sync::Arc;

use super::ask::Ask;
use super::neutral::Neutral;
use super::writing::Pending;
use crate::model::{LanguageModel, Node, TokenId, TokenScore, Tokenizer};
use crate::probe::Case;
use crate::scoring::constraint::Marks;
use crate::scoring::join::{Encoder, Joined, Markup};
use crate::scoring::prefixes::Prefixes;
use crate::scoring::request::Asked;
use crate::scoring::shared::{ScoreJob, Tokens, work};
use crate::scoring::{ScoringError, ScoringSpec};
use crate::survey::Catalogue;

/// Turns cases into outcomes with one model.
///
/// What all respondents share (the instructions) is computed once and stays held; so do unconditional scores. What an
/// ask gives does not depend on earlier ones.
pub struct Scorer<'a> {
    pub(super) model: &'a mut dyn LanguageModel,
    pub(super) tokenizer: &'a Tokenizer,
    pub(super) catalogue: &'a Catalogue,
    pub(super) spec: ScoringSpec,
    pub(super) plain: Encoder<'a>,
    pub(super) chat: Encoder<'a>,
    /// Runs that stay held, with their nodes.
    bases: Vec<(Vec<TokenId>, Node)>,
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
            bases: Vec::new(),
            neutral: Neutral::default(),
            marks: None,
            tokens: Tokens::default(),
        }
    }

    /// Tokens computed so far, and what they would have been without sharing.
    pub fn tokens(&self) -> Tokens {
        self.tokens
    }

    /// Tokens that the root holds.
    pub(super) fn root_depth(&self) -> usize {
        self.model.depth(self.model.root())
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

    /// Scores joined texts and lets texts be written, below the longest bases that they begin with.
    pub(super) fn score(
        &mut self,
        joined: &[&Joined],
        pending: &mut [Pending<'_>],
    ) -> Result<Vec<Vec<TokenScore>>, ScoringError> {
        let mut rows = vec![Vec::new(); joined.len()];
        let rounds = self.spec.rounds(self.tokenizer);
        let root = (Vec::new(), self.model.root());
        let bases: Vec<(Vec<TokenId>, Node)> = self.bases.iter().cloned().chain([root]).collect();
        let longest = |path: &[TokenId]| {
            let begins = |(tokens, _): &&(Vec<TokenId>, Node)| path.starts_with(tokens);
            bases.iter().filter(begins).map(|base| base.0.len()).max().unwrap_or(0)
        };
        // Several bases may be equally long: each takes its own.
        for (tokens, node) in &bases {
            let here = |path: &[TokenId]| path.starts_with(tokens) && longest(path) == tokens.len();
            let mine: Vec<usize> = (0..joined.len()).filter(|&at| here(&joined[at].context)).collect();
            let jobs: Vec<ScoreJob<'_>> = mine
                .iter()
                .map(|&at| ScoreJob {
                    context: &joined[at].context,
                    continuation: &joined[at].continuation,
                })
                .collect();
            let mut writings: Vec<&mut Pending<'_>> = pending
                .iter_mut()
                .filter(|pending| here(pending.prompt_tokens()))
                .collect();
            if jobs.is_empty() && writings.is_empty() {
                continue;
            }
            let (scores, spent) = work(&mut *self.model, *node, tokens.len(), &jobs, &mut writings, &rounds)?;
            self.tokens += spent;
            for (at, scores) in mine.into_iter().zip(scores) {
                rows[at] = scores;
            }
        }
        Ok(rows)
    }

    /// Sees to it that what all respondents share is held.
    pub(super) fn hold(&mut self, texts: Prefixes<'_>) -> Result<(), ScoringError> {
        for tokens in texts.into_shared() {
            if tokens.is_empty() || self.bases.iter().any(|base| base.0 == tokens) {
                continue;
            }
            let before = self.model.computed_tokens();
            let node = self.model.extend(self.model.root(), &tokens)?;
            self.tokens.shared += self.model.computed_tokens() - before;
            self.bases.push((tokens, node));
        }
        Ok(())
    }
}
