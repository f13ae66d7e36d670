//! Outcomes of generated answers.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::choices::Answers;
use super::contexts::{Prepared, Shown};
use super::{Ask, Scorer};
use crate::model::{Constraint, Generation, TokenId, TokenizeError, Tokenizer};
use crate::scoring::constraint::Marks;
use crate::scoring::parser::{Read, read_paper, read_single};
use crate::scoring::shared::Writing;
use crate::scoring::{Evidence, Outcome, ScoringError, Try};

/// A prompt whose answer is being generated.
pub(super) struct Pending<'a> {
    /// Number of the ask it belongs to.
    pub ask: usize,
    /// Position of the probe in its case; 0 where all are asked at once.
    probe: usize,
    answers: Answers,
    max_tokens: usize,
    marks: Option<Arc<Marks>>,
    tokenizer: &'a Tokenizer,
    /// The candidates of each group, in the order they were shown.
    groups: Vec<Vec<&'a str>>,
    paper: bool,
    /// Temperature and seed of each try.
    plan: Vec<(f32, u64)>,
    /// One reading a group. A group that was read stays as it was read.
    reads: Vec<Read>,
    tries: Vec<Try>,
    failed: Option<TokenizeError>,
}

impl Pending<'_> {
    /// Tokens before the answer.
    pub(super) fn prompt_tokens(&self) -> &[TokenId] {
        &self.answers.prompt
    }

    fn read(&self, text: &str) -> Vec<Read> {
        let groups: Vec<&[&str]> = self.groups.iter().map(Vec::as_slice).collect();
        match self.paper {
            true => read_paper(text, &groups),
            false => groups.iter().map(|options| read_single(text, options)).collect(),
        }
    }
}

impl Writing for Pending<'_> {
    fn prompt(&self) -> &[TokenId] {
        &self.answers.prompt
    }

    fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    fn begin(&mut self, round: usize) -> Option<(Option<Box<dyn Constraint>>, u64)> {
        let open = self.failed.is_none() && self.reads.iter().any(|read| read.prediction().is_none());
        let &(_, seed) = self.plan.get(round)?;
        open.then(|| (self.answers.constraint(self.marks.as_ref(), self.paper), seed))
    }

    fn finish(&mut self, round: usize, generation: Generation) {
        let text = match self.tokenizer.decode(&generation.tokens) {
            Ok(text) => text,
            Err(error) => {
                self.failed = Some(error);
                return;
            }
        };
        let reads = self.read(&text);
        for (known, read) in self.reads.iter_mut().zip(reads) {
            if known.prediction().is_none() {
                *known = read;
            }
        }
        let (temperature, seed) = self.plan.get(round).copied().unwrap_or_default();
        let steps = generation.invalid_mass.len().min(self.answers.watched_steps());
        let invalid_mass = (steps > 0).then(|| generation.invalid_mass[..steps].iter().sum::<f32>() / steps as f32);
        self.tries.push(Try {
            text,
            tokens: generation.tokens,
            logprobs: generation.logprobs,
            invalid_mass,
            finish: generation.finish,
            temperature,
            seed,
        });
    }
}

impl<'a> Scorer<'a> {
    /// The prompts of an ask that are to be answered; none where it is scored.
    pub(super) fn pending(
        &mut self,
        number: usize,
        ask: &Ask<'_>,
        prepared: &mut Prepared,
    ) -> Result<Vec<Pending<'a>>, ScoringError> {
        let (shown, paper) = match prepared {
            Prepared::Single(shown) => (shown, false),
            Prepared::Paper(shown) => (shown, true),
            Prepared::Likelihood(_) | Prepared::Label(_) => return Ok(Vec::new()),
        };
        if !self.settings.constrained && self.marks.is_none() {
            self.marks = Some(Arc::new(Marks::new(self.tokenizer)?));
        }
        let questions = &self.catalogue.questions;
        let candidates = |probe: &crate::probe::Probe| -> Vec<&'a str> {
            let question = questions.get(probe.question);
            let polar = question.map(|question| question.polar.as_slice()).unwrap_or_default();
            polar.iter().map(|statement| statement.text.as_str()).collect()
        };
        let mut pending = Vec::new();
        for item in &mut shown.items {
            let Some(answers) = item.answers.take() else { continue };
            let groups: Vec<Vec<&str>> = if paper {
                ask.case.probes.iter().map(candidates).collect()
            } else {
                let shown = ask.case.probes.get(item.probe).map(candidates).unwrap_or_default();
                vec![item.order.iter().filter_map(|&at| shown.get(at).copied()).collect()]
            };
            let asked = ask.case.probes.get(item.probe);
            let what = match asked.and_then(|probe| questions.get(probe.question)) {
                Some(question) if !paper => question.id.to_string(),
                _ => "all".to_owned(),
            };
            let plan = (0..=self.settings.retries)
                .map(|round| (self.settings.temperature_of(round), self.seed(ask, &what, round)))
                .collect();
            pending.push(Pending {
                ask: number,
                probe: item.probe,
                max_tokens: answers.max_tokens(&self.settings, paper),
                answers,
                marks: self.marks.clone(),
                tokenizer: self.tokenizer,
                reads: vec![Read::Missing; groups.len()],
                groups,
                paper,
                plan,
                tries: Vec::new(),
                failed: None,
            });
        }
        Ok(pending)
    }

    /// One outcome a probe.
    pub(super) fn generation_outcomes(
        &self,
        ask: &Ask<'_>,
        shown: &Shown,
        written: Vec<Pending<'_>>,
    ) -> Result<Vec<Outcome>, ScoringError> {
        let mut outcomes = Vec::new();
        for (pending, item) in written.into_iter().zip(&shown.items) {
            if let Some(error) = pending.failed {
                return Err(error.into());
            }
            let mut tries = pending.tries;
            for (group, read) in pending.reads.into_iter().enumerate() {
                let evidence = Evidence::Generation {
                    reading: read.reading(),
                    tries: std::mem::take(&mut tries),
                };
                let probe = pending.probe + group;
                let prediction = match read.prediction() {
                    Some(option) if !pending.paper => item.order.get(option).copied(),
                    candidate => candidate,
                };
                outcomes.push(self.outcome_of(ask, shown, probe, item.context, prediction, evidence));
            }
        }
        Ok(outcomes)
    }

    /// The outcomes that these tries of an ask's first prompt give when they are read again, and what is odd about their
    /// number. Their log-probabilities are taken as they are.
    ///
    /// Errors: as [`Scorer::ask`] before it computes.
    pub fn read_again(
        &mut self,
        ask: &Ask<'_>,
        tries: &[Try],
    ) -> Result<(Vec<Outcome>, Option<&'static str>), ScoringError> {
        let mut prepared = self.prepare(ask, &mut super::Prefixes::default())?;
        let mut pending = self.pending(0, ask, &mut prepared)?;
        let mut odd = None;
        for (round, told) in tries.iter().enumerate() {
            let Some(pending) = pending.first_mut() else { break };
            if pending.begin(round).is_none() {
                odd = Some("there is a try more than its answers call for");
            }
            let generation = Generation {
                tokens: told.tokens.clone(),
                logprobs: told.logprobs.clone(),
                invalid_mass: vec![told.invalid_mass.unwrap_or_default(); told.tokens.len()],
                finish: told.finish,
            };
            pending.finish(round, generation);
        }
        if pending
            .first_mut()
            .is_some_and(|pending| pending.begin(tries.len()).is_some())
        {
            odd = Some("an answer that cannot be read was not tried again as often as the spec says");
        }
        let outcomes = self.generation_outcomes(ask, prepared.shown(), pending)?;
        Ok((outcomes, odd))
    }

    /// The seed of one try, which depends on nothing but what it is a try of.
    fn seed(&self, ask: &Ask<'_>, what: &str, round: usize) -> u64 {
        let mut hash = Sha256::new();
        let condition = serde_json::to_string(ask.condition).unwrap_or_default();
        let split = ask.case.split.to_string();
        for part in ["try", &ask.case.respondent, &split, &condition, what] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(self.settings.seed.to_le_bytes());
        hash.update((round as u64).to_le_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        digest.iter().take(8).fold(0, |seed, &byte| seed << 8 | u64::from(byte))
    }
}
