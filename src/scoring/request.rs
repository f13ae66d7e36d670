//! What passes between a method and whoever has its requests answered.

use sha2::{Digest, Sha256};

use super::answers::AnswerSpace;
use super::evidence::{Evidence, Try};
use super::join::{Joined, Markup};
use super::orders::cyclic;
use super::parser::Read;
use super::spec::ScoringSpec;
use crate::base::random::Draws;
use crate::model::{TokenId, TokenScore};
use crate::probe::Case;
use crate::prompt::{Frame, Pieces, Prompt, PromptError};
use crate::survey::{Catalogue, QuestionId};

/// What a method is asked to find out: everything about one person in one condition and split.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Questions and statements.
    pub catalogue: &'a Catalogue,
    /// What is shown and asked.
    pub case: &'a Case,
    /// How it is put.
    pub prompt: &'a Prompt,
    /// What stands around it.
    pub frame: &'a Frame,
    /// How it is scored.
    pub spec: &'a ScoringSpec,
    /// The condition as text, which draws of a text's tokens depend on.
    pub condition: &'a str,
}

impl Asked<'_> {
    /// Number of candidates of the probe at this position; 0 where there is no such probe.
    pub fn size(&self, probe: usize) -> usize {
        self.candidates(probe).len()
    }

    /// The probe's candidates in the catalogue's order.
    pub fn candidates(&self, probe: usize) -> Vec<&str> {
        let probe = self.case.probes.get(probe);
        let question = probe.and_then(|probe| self.catalogue.questions.get(probe.question));
        let polar = question.map(|question| question.polar.as_slice()).unwrap_or_default();
        polar.iter().map(|statement| statement.text.as_str()).collect()
    }

    /// The question of the probe at this position.
    pub fn question(&self, probe: usize) -> Option<QuestionId> {
        let probe = self.case.probes.get(probe)?;
        Some(self.catalogue.questions.get(probe.question)?.id)
    }

    /// The prompt about a probe with its options in this order.
    pub fn pieces(&self, probe: usize, order: Option<&[usize]>) -> Result<Pieces, PromptError> {
        self.prompt.pieces(self.catalogue, self.case, probe, order, self.frame)
    }

    /// The orders in which the options of a probe are asked, in the order of asking: `order[i]` is the candidate that is
    /// shown as option i. They begin at a place that is drawn for the person and the question, the same in every
    /// condition: which order comes first decides ties, and, where there are fewer orders than options, who stands where.
    /// A single order is the catalogue's.
    pub fn orders(&self, probe: usize) -> Vec<Vec<usize>> {
        let options = self.size(probe);
        let count = self.spec.orders.count(options);
        let first = if count == 1 {
            0
        } else {
            let question = self.question(probe).map(|id| id.to_string()).unwrap_or_default();
            Draws::new(self.seed(&["first order", &question], &[]), 0).below(options)
        };
        cyclic(options, first, count)
    }

    /// The seed of the first text about a question (`all` for all at once) whose options are in this order.
    pub(crate) fn text_seed(&self, question: &str, order: &[usize]) -> u64 {
        let numbers: Vec<usize> = order.iter().copied().chain([0]).collect();
        self.seed(&["try", self.condition, question], &numbers)
    }

    /// A seed that depends on the run's seed, the person, the split and these words and numbers, and on nothing else.
    pub fn seed(&self, words: &[&str], numbers: &[usize]) -> u64 {
        let split = self.case.split.to_string();
        let whose = [self.case.respondent.as_str(), split.as_str()];
        let mut hash = Sha256::new();
        for part in whose.into_iter().chain(words.iter().copied()) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(self.spec.seed.to_le_bytes());
        for &number in numbers {
            hash.update((number as u64).to_le_bytes());
        }
        let digest: [u8; 32] = hash.finalize().into();
        digest.iter().take(8).fold(0, |seed, &byte| seed << 8 | u64::from(byte))
    }
}

/// How texts in this frame are read.
pub(super) fn markup(frame: &Frame) -> Markup {
    match frame {
        Frame::Plain => Markup::Text,
        Frame::Chat(_) => Markup::Chat,
    }
}

/// One prompt in tokens, and what is wanted after it.
#[derive(Debug)]
pub struct Request {
    /// Position of the probe in its case; 0 where all are asked at once.
    pub probe: usize,
    /// `order[i]` is the candidate that option or continuation i is about; empty where all probes are asked at once.
    pub order: Vec<usize>,
    /// Tokens of the prompt, BOS included.
    pub context_tokens: usize,
    /// What is wanted.
    pub wanted: Wanted,
}

/// What is wanted after a prompt.
#[derive(Debug)]
pub enum Wanted {
    /// Log-probabilities of continuations.
    Scores(Vec<Joined>),
    /// A text.
    Text(Writing),
}

/// A text to be generated, perhaps several times.
#[derive(Debug, Clone)]
pub struct Writing {
    /// The prompt's tokens and what may follow.
    pub answers: AnswerSpace,
    /// At most this many tokens of an answer are generated a try.
    pub answer_tokens: usize,
    /// The options of each probe that is answered, in the order shown.
    pub options: Vec<Vec<String>>,
    /// The seed of each try; there are no more tries than these.
    pub seeds: Vec<u64>,
}

impl Writing {
    /// At most this many tokens are generated a try, thoughts among them.
    pub(crate) fn max_tokens(&self) -> usize {
        let thoughts = self.answers.thoughts().map_or(0, |rule| rule.most_tokens());
        thoughts.saturating_add(self.answer_tokens)
    }
}

impl Request {
    /// Tokens of the longest path below the root.
    pub(crate) fn longest(&self) -> usize {
        match &self.wanted {
            Wanted::Scores(joined) => {
                let lengths = joined.iter().map(|one| one.context.len() + one.continuation.len());
                lengths.max().unwrap_or(0)
            }
            Wanted::Text(writing) => writing.answers.prompt.len().saturating_add(writing.max_tokens()),
        }
    }

    /// The texts that are scored.
    pub(crate) fn scored(&self) -> &[Joined] {
        match &self.wanted {
            Wanted::Scores(joined) => joined,
            Wanted::Text(_) => &[],
        }
    }
}

/// A request with what the model gave.
#[derive(Debug)]
pub struct Answered {
    /// What was asked.
    pub request: Request,
    /// What came back.
    pub given: Given,
}

/// What a model gave.
#[derive(Debug)]
pub enum Given {
    /// One row a continuation, one entry a token.
    Scores(Vec<Vec<TokenScore>>),
    /// Texts.
    Texts {
        /// In the order in which they were generated.
        tries: Vec<Try>,
        /// What was read for each probe that is answered, over all tries.
        reads: Vec<Read>,
    },
}

impl Answered {
    /// One row a continuation; none where texts were generated.
    pub fn rows(&self) -> &[Vec<TokenScore>] {
        match &self.given {
            Given::Scores(rows) => rows,
            Given::Texts { .. } => &[],
        }
    }
}

/// What a method makes of the answers to one probe.
#[derive(Debug)]
pub struct Judged {
    /// Position of the probe in its case.
    pub probe: usize,
    /// Tokens of its prompt, BOS included.
    pub context_tokens: usize,
    /// The chosen candidate.
    pub prediction: Option<usize>,
    /// What that rests on.
    pub evidence: Evidence,
}

/// What a record says of single texts, each of which can be scored on its own.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Claims {
    /// One a text.
    pub claims: Vec<Claim>,
    /// What is wrong with the record whatever a model says.
    pub odd: Vec<String>,
}

/// What a record says of one text.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// What the text is, for messages.
    pub what: String,
    /// The whole prompt.
    pub context: String,
    /// What follows on it.
    pub continuation: Continuation,
    /// What is recorded of it.
    pub recorded: Claimed,
}

/// What follows on a prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum Continuation {
    /// A text, encoded together with the prompt.
    Text(String),
    /// Tokens behind those of the prompt.
    Tokens(Vec<TokenId>),
}

/// What is recorded of a continuation.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// Its tokens' log-probabilities, and the tokens where they are recorded; nats.
    Each(Vec<f32>, Option<Vec<TokenId>>),
    /// The sum of its tokens' log-probabilities, nats.
    Sum(f64),
}
