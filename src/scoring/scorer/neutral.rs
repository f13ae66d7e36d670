//! Answers to requests with nothing known of anybody, which likelihoods are compared with.

use super::{Ask, Scorer};
use crate::probe::{Case, Count, Probe, Split, split_questions};
use crate::prompt::Frame;
use crate::scoring::prefixes::Prefixes;
use crate::scoring::request::Answered;
use crate::scoring::{Method, ScoringError};

/// Answers by method, prompt, frame and split. A split is always computed as a whole, so that its scores are the same
/// bits whoever comes first and wherever a run was taken up again.
#[derive(Default)]
pub(super) struct Neutral(Vec<Known>);

struct Known {
    method: Method,
    prompt: String,
    frame: Frame,
    split: Split,
    /// Position of the question among the catalogue's, and the answer.
    answers: Vec<(usize, Answered)>,
}

impl Known {
    fn is_of(&self, ask: &Ask<'_>) -> bool {
        self.method == ask.condition.method
            && self.split == ask.case.split
            && self.prompt == ask.prompt.hash()
            && self.frame == *ask.frame
    }
}

impl Neutral {
    /// What is known for an ask; empty where its method needs nothing.
    pub(super) fn of(&self, ask: &Ask<'_>) -> &[(usize, Answered)] {
        let found = self.0.iter().find(|known| known.is_of(ask));
        found.map_or(&[], |known| &known.answers)
    }
}

impl Scorer<'_> {
    /// Sees to it that the neutral answers an ask needs are known.
    pub(super) fn ready_neutral(&mut self, ask: &Ask<'_>, condition: &str) -> Result<(), ScoringError> {
        let method = ask.condition.method;
        let needed = method.definition().needs_neutral(&self.asked(ask, ask.case, condition));
        if !needed || self.neutral.0.iter().any(|known| known.is_of(ask)) {
            return Ok(());
        }
        let questions = split_questions(self.catalogue, ask.case.split);
        let nobody = Case {
            respondent: "nobody".to_owned(),
            split: ask.case.split,
            demographics: Vec::new(),
            demonstrations: Vec::new(),
            asked: Count::Of(0),
            probes: questions.iter().map(|&question| Probe { question, label: 0 }).collect(),
        };
        let of_nobody = Ask { case: &nobody, ..*ask };
        let mut texts = Prefixes::new(self.plain, self.chat);
        let prepared = self.prepare(&of_nobody, condition, &mut texts)?;
        self.hold(texts)?;
        let answered = self.answered(vec![(method, prepared.requests)])?;
        let answers = answered.into_iter().flatten();
        let answers = answers
            .map(|answered| (questions[answered.request.probe], answered))
            .collect();
        self.neutral.0.push(Known {
            method,
            prompt: ask.prompt.hash().to_owned(),
            frame: ask.frame.clone(),
            split: ask.case.split,
            answers,
        });
        Ok(())
    }
}
