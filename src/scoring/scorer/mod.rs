//! All that is asked of one person in one walk over one tree: cases and prompts in, outcomes out.

mod estimate;
mod fit;
mod neutral;
mod writing;

use std::sync::Arc;

use super::constraint::Marks;
use super::join::{Encoder, Joined, Markup};
use super::prefixes::Prefixes;
use super::request::{Answered, Given, Judged, Request, Wanted};
use super::shared::{Job, Tokens, Writing as _, work};
use super::{Condition, Method, Outcome, ScoringError, Settings, Try};
use crate::model::{LanguageModel, Node, TokenId, TokenScore, Tokenizer};
use crate::probe::Case;
use crate::prompt::{Frame, Prompt};
use crate::survey::{Catalogue, QuestionId};

use fit::Prepared;
use neutral::Neutral;
use writing::Pending;

pub use estimate::Estimate;

/// One condition of the grid for one person and split.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The condition; it is copied into the outcomes. Its method says how the question is put and what becomes of it.
    pub condition: &'a Condition,
    /// What is shown and asked.
    pub case: &'a Case,
    /// The method's template.
    pub prompt: &'a Prompt,
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
    neutral: Neutral,
    marks: Option<Arc<Marks>>,
    tokens: Tokens,
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
            neutral: Neutral::default(),
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
        let conditions = asks.iter().map(condition_text).collect::<Vec<_>>();
        let mut texts = Prefixes::new(self.plain, self.chat);
        let mut prepared = Vec::with_capacity(asks.len());
        for (ask, condition) in asks.iter().zip(&conditions) {
            prepared.push(self.prepare(ask, condition, &mut texts)?);
        }
        self.hold(texts)?;
        for (ask, condition) in asks.iter().zip(&conditions) {
            self.ready_neutral(ask, condition)?;
        }
        let shown: Vec<usize> = prepared.iter().map(|prepared| prepared.shown).collect();
        let requests = asks.iter().zip(prepared);
        let requests = requests.map(|(ask, prepared)| (ask.condition.method, prepared.requests));
        let answered = self.answered(requests.collect())?;
        let judge = |(((ask, condition), answered), shown): (((&Ask<'_>, &String), _), _)| {
            self.judge(ask, condition, answered, shown)
        };
        Ok(asks
            .iter()
            .zip(&conditions)
            .zip(answered)
            .zip(shown)
            .map(judge)
            .collect())
    }

    /// The outcomes of an ask whose requests were answered.
    fn judge(&self, ask: &Ask<'_>, condition: &str, answered: Vec<Answered>, shown: usize) -> Vec<Outcome> {
        let asked = self.asked(ask, ask.case, condition);
        let definition = ask.condition.method.definition();
        let outcome = |judged: Judged| Outcome {
            respondent: ask.case.respondent.clone(),
            split: ask.case.split.number(),
            question: asked.question(judged.probe).unwrap_or(QuestionId(0)),
            condition: ask.condition.clone(),
            candidates: asked.size(judged.probe),
            label: ask.case.probes[judged.probe].label,
            prediction: judged.prediction,
            context_tokens: self.root_depth() + judged.context_tokens,
            shown,
            evidence: judged.evidence,
        };
        let judged = definition.judge(&asked, answered, self.neutral.of(ask));
        judged.into_iter().map(outcome).collect()
    }

    /// Has these requests answered, all in one walk; each list with its method.
    fn answered(&mut self, lists: Vec<(Method, Vec<Request>)>) -> Result<Vec<Vec<Answered>>, ScoringError> {
        let mut pending: Vec<Pending<'_>> = Vec::new();
        for (method, requests) in &lists {
            pending.extend(self.pending(*method, requests)?);
        }
        let requests = lists.iter().flat_map(|(_, requests)| requests);
        let joined: Vec<&Joined> = requests.flat_map(Request::scored).collect();
        let mut rows = self.score(&joined, &mut pending)?.into_iter();
        let mut written = pending.into_iter();
        let mut answer = |request: Request| -> Result<Option<Answered>, ScoringError> {
            let given = match &request.wanted {
                Wanted::Scores(joined) => Some(Given::Scores(rows.by_ref().take(joined.len()).collect())),
                Wanted::Text(_) => written.next().map(Pending::given).transpose()?,
            };
            Ok(given.map(|given| Answered { request, given }))
        };
        let mut answered = Vec::with_capacity(lists.len());
        for (_, requests) in lists {
            let list: Result<Vec<_>, _> = requests.into_iter().map(&mut answer).collect();
            answered.push(list?.into_iter().flatten().collect());
        }
        Ok(answered)
    }

    /// The outcomes that these texts give when they are read again, and what is odd about their number. Their
    /// log-probabilities are taken as they are; each text belongs to the request of its order.
    ///
    /// Errors: as [`Scorer::ask`] before it computes.
    pub fn read_again(
        &mut self,
        ask: &Ask<'_>,
        tries: &[Try],
    ) -> Result<(Vec<Outcome>, Vec<&'static str>), ScoringError> {
        let condition = condition_text(ask);
        let Prepared { requests, shown } = self.prepare(ask, &condition, &mut Prefixes::new(self.plain, self.chat))?;
        let mut pending = self.pending(ask.condition.method, &requests)?;
        let mut odd = Vec::new();
        let mut told = 0;
        for pending in &mut pending {
            // Records of format 1 hold no order: there was one.
            let of_order = |one: &&Try| one.order.is_empty() || one.order == pending.order();
            let mine: Vec<&Try> = tries.iter().filter(of_order).collect();
            told += mine.len();
            for (round, one) in mine.iter().enumerate() {
                if pending.begin(round).is_none() {
                    odd.push("there is a try more than its answers call for");
                }
                pending.finish(round, one.generation());
            }
            if pending.begin(mine.len()).is_some() {
                odd.push("an answer that cannot be read was not tried again as often as the spec says");
            }
        }
        if told != tries.len() {
            odd.push("a text answers options in an order that is not asked");
        }
        let answered = requests.into_iter().zip(pending).map(|(request, pending)| {
            let given = pending.given()?;
            Ok(Answered { request, given })
        });
        let answered = answered.collect::<Result<Vec<_>, ScoringError>>()?;
        Ok((self.judge(ask, &condition, answered, shown), odd))
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

    /// Sees to it that what all respondents share is held.
    fn hold(&mut self, texts: Prefixes<'_>) -> Result<(), ScoringError> {
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

/// The condition as text, which random draws depend on.
fn condition_text(ask: &Ask<'_>) -> String {
    serde_json::to_string(ask.condition).unwrap_or_default()
}
