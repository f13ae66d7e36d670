//! Answers to requests with nothing known of anybody, which likelihoods are compared with.

use super::ask::Ask;
use crate::probe::Split;
use crate::prompt::Frame;
use crate::scoring::Method;
use crate::scoring::request::Answered;

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
    /// Whether the answers that an ask needs are known.
    pub(super) fn knows(&self, ask: &Ask<'_>) -> bool {
        self.0.iter().any(|known| known.is_of(ask))
    }

    /// Keeps answers for all asks of this method, prompt, frame and split.
    pub(super) fn learn(&mut self, ask: &Ask<'_>, answers: Vec<(usize, Answered)>) {
        self.0.push(Known {
            method: ask.condition.method,
            prompt: ask.prompt.hash().to_owned(),
            frame: ask.frame.clone(),
            split: ask.case.split,
            answers,
        });
    }

    /// What is known for an ask; empty where its method needs nothing.
    pub(super) fn of(&self, ask: &Ask<'_>) -> &[(usize, Answered)] {
        let found = self.0.iter().find(|known| known.is_of(ask));
        found.map_or(&[], |known| &known.answers)
    }
}
