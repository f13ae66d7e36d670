//! What a generated answer may be, in tokens.

use std::sync::Arc;

use super::constraint::{End, Marks, StagedChoices, Until};
use super::join::{Encoded, Encoder};
use super::thoughts::{AfterThoughts, ThoughtRule};
use crate::model::{Allowed, Constraint, TokenId, TokenizeError};

/// A prompt with the answers that may follow.
#[derive(Debug, Clone)]
pub struct AnswerSpace {
    /// Tokens before the answer.
    pub prompt: Vec<TokenId>,
    /// What may be generated.
    may_be: Allowance,
    /// Thoughts that come first.
    thoughts: Option<Arc<ThoughtRule>>,
}

#[derive(Debug, Clone)]
enum Allowance {
    /// One of these and nothing else.
    Only(StagedChoices),
    /// Anything, until the answer is complete; `beginnings` are the tokens that a valid answer can begin with, where
    /// they are known.
    Free { end: End, beginnings: Vec<TokenId> },
}

impl AnswerSpace {
    /// Any answer, which ends as `end` says. Where `beginnings` are given, the tokens that a valid answer can begin with,
    /// the probability mass on all others is recorded for the first token.
    pub(crate) fn free(prompt: Vec<TokenId>, end: End, beginnings: Vec<TokenId>) -> Self {
        Self {
            prompt,
            may_be: Allowance::Free { end, beginnings },
            thoughts: None,
        }
    }

    /// Valid answers only: one run of each stage after the other.
    pub(crate) fn only(prompt: Vec<TokenId>, stages: Vec<Vec<Vec<TokenId>>>) -> Self {
        Self {
            prompt,
            may_be: Allowance::Only(StagedChoices::new(stages)),
            thoughts: None,
        }
    }

    /// The same answers behind thoughts that follow on `prompt`.
    pub(crate) fn behind(self, thoughts: Arc<ThoughtRule>, prompt: Vec<TokenId>) -> Self {
        Self {
            prompt,
            thoughts: Some(thoughts),
            ..self
        }
    }

    /// The thoughts that come first.
    pub(super) fn thoughts(&self) -> Option<&Arc<ThoughtRule>> {
        self.thoughts.as_ref()
    }

    /// For how many first steps the probability mass outside valid answers is known: all where only these may be given,
    /// else the first or none.
    pub(super) fn watched_steps(&self) -> usize {
        match &self.may_be {
            Allowance::Only(_) => usize::MAX,
            Allowance::Free { beginnings, .. } => usize::from(!beginnings.is_empty()),
        }
    }

    /// Tokens of the longest valid answer, where only these may be given; else `free`. Thoughts are not counted.
    pub fn answer_tokens(&self, free: usize) -> usize {
        match &self.may_be {
            Allowance::Only(choices) => choices.longest(),
            Allowance::Free { .. } => free,
        }
    }

    /// Whether what may be generated depends on how tokens look.
    pub(super) fn needs_marks(&self) -> bool {
        self.thoughts.is_some() || matches!(self.may_be, Allowance::Free { .. })
    }

    /// A fresh constraint, which ends the generation as soon as an answer of at most `most` tokens is complete.
    pub(super) fn constraint(&self, marks: Option<&Arc<Marks>>, most: usize) -> Option<Box<dyn Constraint>> {
        let answer = self.of_answer(marks)?;
        match (&self.thoughts, marks) {
            (Some(rule), Some(marks)) => Some(Box::new(AfterThoughts::new(rule, marks, answer, most))),
            _ => Some(answer),
        }
    }

    /// A fresh constraint of the answer alone.
    fn of_answer(&self, marks: Option<&Arc<Marks>>) -> Option<Box<dyn Constraint>> {
        match &self.may_be {
            Allowance::Only(choices) => Some(Box::new(choices.clone())),
            Allowance::Free { end, beginnings } => {
                let until = |marks| Until::new(Arc::clone(marks), *end, beginnings.clone());
                marks.map(|marks| Box::new(until(marks)) as Box<dyn Constraint>)
            }
        }
    }

    /// Whether these tokens are a complete answer, and not only as many as there may be.
    pub(super) fn is_complete(&self, answer: &[TokenId], marks: Option<&Arc<Marks>>) -> bool {
        let constraint = self.of_answer(marks);
        constraint.is_some_and(|mut constraint| constraint.allowed(answer) == Allowed::Done)
    }
}

/// Answers as they are encoded after a context: the tokens before all of them, and the tokens of each after these.
pub(super) fn runs(
    encoder: &Encoder<'_>,
    context: &Encoded,
    answers: impl Iterator<Item = String>,
) -> Result<(Vec<TokenId>, Vec<Vec<TokenId>>), TokenizeError> {
    let joined = answers
        .map(|answer| encoder.join(context, &answer))
        .collect::<Result<Vec<_>, _>>()?;
    let contexts = joined.iter().map(|joined| &joined.context);
    let shortest = contexts.min_by_key(|context| context.len());
    let prompt = shortest.cloned().unwrap_or_else(|| context.tokens());
    let runs = joined
        .into_iter()
        .map(|joined| [&joined.context[prompt.len()..], &joined.continuation].concat())
        .collect();
    Ok((prompt, runs))
}
