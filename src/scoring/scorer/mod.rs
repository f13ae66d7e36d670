//! All that is asked of one person in one walk over one tree: cases and prompts in, outcomes out.

mod choices;
mod contexts;
mod estimate;
mod generation;
mod label;
mod likelihood;
mod settings;
mod unconditional;

use std::sync::Arc;

use super::constraint::Marks;
use super::join::{Encoded, Encoder, Joined, Markup};
use super::shared::{Job, Tokens, work};
use super::{Condition, Outcome, ScoringError};
use crate::model::{LanguageModel, Node, TokenId, TokenScore, Tokenizer};
use crate::probe::Case;
use crate::prompt::{Frame, PaperPrompt, ProbePrompt};
use crate::survey::Catalogue;

use contexts::Prepared;
use generation::Pending;
use unconditional::Unconditional;

pub use estimate::Estimate;
pub use label::orders;
pub use settings::{Fit, Settings};

/// The template of one condition. It decides the method: likelihood, label or single for a probe's, and the paper's.
#[derive(Debug, Clone, Copy)]
pub enum Template<'a> {
    /// One probe a prompt.
    Probe(&'a ProbePrompt),
    /// All probes in one prompt.
    Paper(&'a PaperPrompt),
}

/// One condition of the grid for one person and split.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The condition; it is copied into the outcomes.
    pub condition: &'a Condition,
    /// What is shown and asked.
    pub case: &'a Case,
    /// How it is put.
    pub template: Template<'a>,
    /// What stands around it.
    pub frame: &'a Frame,
}

/// Turns cases into outcomes with one model.
///
/// What all respondents share (the instructions) is computed once and stays held; so do unconditional scores. What an
/// ask gives does not depend on earlier ones.
pub struct Scorer<'a> {
    model: &'a mut dyn LanguageModel,
    tokenizer: &'a Tokenizer,
    catalogue: &'a Catalogue,
    settings: Settings,
    plain: Encoder<'a>,
    chat: Encoder<'a>,
    /// Runs that stay held, with their nodes.
    bases: Vec<(Vec<TokenId>, Node)>,
    unconditional: Unconditional,
    marks: Option<Arc<Marks>>,
    tokens: Tokens,
}

/// Texts of the unit at hand that others begin with.
#[derive(Default)]
struct Prefixes {
    known: Vec<(Markup, Encoded)>,
    /// Tokens that every respondent's texts begin with, one run a beginning.
    shared: Vec<Vec<TokenId>>,
}

impl<'a> Scorer<'a> {
    /// A scorer; looks through the vocabulary once.
    pub fn new(
        model: &'a mut dyn LanguageModel,
        tokenizer: &'a Tokenizer,
        catalogue: &'a Catalogue,
        settings: Settings,
    ) -> Self {
        Self {
            model,
            tokenizer,
            catalogue,
            settings,
            plain: Encoder::new(tokenizer, Markup::Text),
            chat: Encoder::new(tokenizer, Markup::Chat),
            bases: Vec::new(),
            unconditional: Unconditional::default(),
            marks: None,
            tokens: Tokens::default(),
        }
    }

    /// Tokens computed so far, and what they would have been without sharing.
    pub fn tokens(&self) -> Tokens {
        self.tokens
    }

    /// The outcomes of each ask, one a probe in the order of its case.
    ///
    /// All asks are computed together: give those of one person in one call.
    ///
    /// Errors: [`ScoringError::ContextTooLong`] before anything is computed; what tokenizer, prompts and model report.
    pub fn ask(&mut self, asks: &[Ask<'_>]) -> Result<Vec<Vec<Outcome>>, ScoringError> {
        let mut prefixes = Prefixes::default();
        let mut prepared = Vec::with_capacity(asks.len());
        for ask in asks {
            prepared.push(self.prepare(ask, &mut prefixes)?);
        }
        self.hold(prefixes)?;
        for ask in asks {
            self.ready_unconditional(ask)?;
        }
        let mut pending: Vec<Pending<'_>> = Vec::new();
        for (index, (ask, prepared)) in asks.iter().zip(&mut prepared).enumerate() {
            pending.extend(self.pending(index, ask, prepared)?);
        }
        let rows = self.compute(&prepared, &mut pending)?;
        let mut rows = rows.into_iter();
        let mut outcomes = Vec::with_capacity(asks.len());
        for (index, (ask, prepared)) in asks.iter().zip(&prepared).enumerate() {
            let mut rows_of =
                |item: &contexts::Item| -> Vec<Vec<TokenScore>> { rows.by_ref().take(item.joined.len()).collect() };
            outcomes.push(match prepared {
                Prepared::Likelihood(shown) => {
                    let scored = shown.items.iter().map(&mut rows_of).collect();
                    self.likelihood_outcomes(ask, shown, scored)
                }
                Prepared::Label(shown) => {
                    let scored = shown.items.iter().map(&mut rows_of).collect();
                    self.label_outcomes(ask, shown, scored)
                }
                Prepared::Single(shown) | Prepared::Paper(shown) => {
                    let written = pending.extract_if(.., |pending| pending.ask == index).collect();
                    self.generation_outcomes(ask, shown, written)?
                }
            });
        }
        Ok(outcomes)
    }

    /// Runs everything that was prepared; scores come in the order of the prepared items and their continuations.
    fn compute(
        &mut self,
        prepared: &[Prepared],
        pending: &mut [Pending<'_>],
    ) -> Result<Vec<Vec<TokenScore>>, ScoringError> {
        let joined: Vec<&Joined> = prepared
            .iter()
            .filter(|prepared| matches!(prepared, Prepared::Likelihood(_) | Prepared::Label(_)))
            .flat_map(|prepared| &prepared.shown().items)
            .flat_map(|item| &item.joined)
            .collect();
        self.score(&joined, pending)
    }

    /// Scores joined texts and lets texts be written, below the longest bases that they begin with.
    fn score(&mut self, joined: &[&Joined], pending: &mut [Pending<'_>]) -> Result<Vec<Vec<TokenScore>>, ScoringError> {
        let mut rows = vec![Vec::new(); joined.len()];
        let rounds = self.settings.rounds(self.tokenizer);
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
            let jobs: Vec<Job<'_>> = mine
                .iter()
                .map(|&at| Job {
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

    fn encoder(&self, markup: Markup) -> Encoder<'a> {
        match markup {
            Markup::Text => self.plain,
            Markup::Control => Encoder::new(self.tokenizer, markup),
            Markup::Chat => self.chat,
        }
    }

    /// Sees to it that what all respondents share is held.
    fn hold(&mut self, prefixes: Prefixes) -> Result<(), ScoringError> {
        for tokens in prefixes.shared {
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

/// How texts in this frame are read.
fn markup(frame: &Frame) -> Markup {
    match frame {
        Frame::Plain => Markup::Text,
        Frame::Chat(_) => Markup::Chat,
    }
}
