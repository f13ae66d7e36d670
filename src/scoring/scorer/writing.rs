//! Prompts whose answers are being generated.

use std::sync::Arc;

use crate::model::{Attempt, Decoding, Finish, Generation, TextRequest, TokenId, TokenizeError, Tokenizer};
use crate::scoring::constraint::Marks;
use crate::scoring::methods::Definition;
use crate::scoring::parser::Read;
use crate::scoring::request::{Given, Request, Writing};
use crate::scoring::{ScoringError, Thoughts, Try};

/// A prompt whose answer is being generated.
pub(super) struct Pending<'a> {
    method: &'static dyn Definition,
    writing: Writing,
    order: Vec<usize>,
    /// How the tokens of each try are chosen.
    decodings: Vec<Decoding>,
    marks: Option<Arc<Marks>>,
    tokenizer: &'a Tokenizer,
    /// One a probe that is answered. What was read stays as it was read.
    reads: Vec<Read>,
    tries: Vec<Try>,
    failed: Option<TokenizeError>,
}

impl<'a> Pending<'a> {
    /// The text that a request of a method wants, nothing of it generated yet.
    pub(super) fn new(
        method: &'static dyn Definition,
        request: &Request,
        writing: &Writing,
        decodings: Vec<Decoding>,
        marks: Option<Arc<Marks>>,
        tokenizer: &'a Tokenizer,
    ) -> Self {
        Self {
            method,
            order: request.order.clone(),
            decodings,
            marks,
            tokenizer,
            reads: vec![Read::Missing; writing.options.len()],
            writing: writing.clone(),
            tries: Vec::new(),
            failed: None,
        }
    }

    /// The order of the options.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    /// What was generated.
    pub(super) fn given(self) -> Result<Given, ScoringError> {
        match self.failed {
            Some(error) => Err(error.into()),
            None => Ok(Given::Texts {
                tries: self.tries,
                reads: self.reads,
            }),
        }
    }

    /// Thoughts and answer of a generated text.
    fn taken_apart(&self, tokens: &[TokenId]) -> Result<WrittenAnswer, TokenizeError> {
        let (thoughts, from) = match (self.writing.answers.thoughts(), &self.marks) {
            (Some(rule), Some(marks)) => {
                let (thoughts, from) = rule.split(tokens, (self.tokenizer, marks))?;
                (Some(thoughts), from)
            }
            _ => (None, 0),
        };
        let text = self.tokenizer.decode(&tokens[from..])?;
        Ok(WrittenAnswer { thoughts, from, text })
    }

    fn read(&self, text: &str) -> Vec<Read> {
        let options = self.writing.options.iter();
        let options: Vec<Vec<&str>> = options.map(|of| of.iter().map(String::as_str).collect()).collect();
        let options: Vec<&[&str]> = options.iter().map(Vec::as_slice).collect();
        self.method.read(text, &options)
    }
}

/// A generated text in its parts.
struct WrittenAnswer {
    thoughts: Option<Thoughts>,
    /// The answer's first token.
    from: usize,
    /// The answer.
    text: String,
}

impl TextRequest for Pending<'_> {
    fn prompt(&self) -> &[TokenId] {
        &self.writing.answers.prompt
    }

    fn max_tokens(&self) -> usize {
        self.writing.max_tokens()
    }

    fn begin(&mut self) -> Option<Attempt> {
        let open = self.failed.is_none() && self.method.asks_again(&self.reads);
        let (&seed, decoding) = self.writing.seeds.iter().zip(&self.decodings).nth(self.tries.len())?;
        let answers = &self.writing.answers;
        open.then(|| {
            let mut decoding = decoding.clone();
            if let Some(rule) = answers.thoughts() {
                decoding.stop.retain(|&token| !rule.puts(token));
            }
            Attempt {
                constraint: answers.constraint(self.marks.as_ref(), self.writing.answer_tokens),
                seed,
                decoding,
            }
        })
    }

    fn finish(&mut self, generation: Generation) {
        let round = self.tries.len();
        let WrittenAnswer { thoughts, from, text } = match self.taken_apart(&generation.tokens) {
            Ok(written) => written,
            Err(error) => {
                self.failed = Some(error);
                return;
            }
        };
        let answers = &self.writing.answers;
        let finish = match generation.finish {
            // Behind thoughts the answer has a limit of its own.
            Finish::Complete
                if thoughts.is_some() && !answers.is_complete(&generation.tokens[from..], self.marks.as_ref()) =>
            {
                Finish::Length
            }
            finish => finish,
        };
        let reads = self.read(&text);
        let choice = match reads.as_slice() {
            [read] => read.prediction().and_then(|option| self.order.get(option).copied()),
            _ => None,
        };
        for (known, read) in self.reads.iter_mut().zip(reads) {
            if known.prediction().is_none() {
                *known = read;
            }
        }
        let measured = generation.invalid_mass.get(from..).unwrap_or_default();
        let steps = measured.len().min(answers.watched_steps());
        let invalid_mass = (steps > 0).then(|| measured[..steps].iter().sum::<f32>() / steps as f32);
        self.tries.push(Try {
            order: self.order.clone(),
            choice,
            thoughts,
            text,
            tokens: generation.tokens,
            logprobs: generation.logprobs,
            invalid_mass,
            finish,
            temperature: self.decodings.get(round).map_or(0.0, |decoding| decoding.temperature),
            seed: self.writing.seeds.get(round).copied().unwrap_or_default(),
        });
    }
}
