//! Scores of candidates after the neutral context: the same prompt with nothing about the person in it.

use super::{Ask, Prefixes, Scorer, Template};
use crate::model::TokenScore;
use crate::probe::{Case, Count, Probe, Split, split_questions};
use crate::prompt::{Frame, PromptKind};
use crate::scoring::ScoringError;
use crate::scoring::join::Joined;

/// Scores by prompt, frame and split. A split is always computed as a whole, so that its scores are the same bits
/// whoever comes first and wherever a run was taken up again.
#[derive(Default)]
pub(super) struct Unconditional(Vec<Known>);

struct Known {
    prompt: String,
    frame: Frame,
    split: Split,
    /// Question, and the log-probabilities of each candidate's tokens.
    scores: Vec<(usize, Vec<Vec<f32>>)>,
}

impl Unconditional {
    fn find(&self, ask: &Ask<'_>) -> Option<&Known> {
        let Template::Probe(prompt) = ask.template else {
            return None;
        };
        self.0
            .iter()
            .find(|known| known.split == ask.case.split && known.prompt == prompt.hash() && known.frame == *ask.frame)
    }
}

impl Scorer<'_> {
    /// Sees to it that the unconditional scores an ask needs are known.
    pub(super) fn ready_unconditional(&mut self, ask: &Ask<'_>) -> Result<(), ScoringError> {
        let Template::Probe(prompt) = ask.template else {
            return Ok(());
        };
        let wanted = self.settings.unconditional && prompt.kind() == PromptKind::Likelihood;
        if !wanted || self.unconditional.find(ask).is_some() {
            return Ok(());
        }
        let questions = split_questions(self.catalogue, ask.case.split);
        let neutral = Case {
            respondent: "nobody".to_owned(),
            split: ask.case.split,
            demographics: Vec::new(),
            demonstrations: Vec::new(),
            asked: Count::Of(0),
            probes: questions.iter().map(|&question| Probe { question, label: 0 }).collect(),
        };
        let of_nobody = Ask { case: &neutral, ..*ask };
        let mut prefixes = Prefixes::default();
        let prepared = self.prepare(&of_nobody, &mut prefixes)?;
        self.hold(prefixes)?;
        let items = &prepared.shown().items;
        let joined: Vec<&Joined> = items.iter().flat_map(|item| &item.joined).collect();
        let mut rows = self.score(&joined, &mut [])?.into_iter();
        let values = |row: Vec<TokenScore>| row.into_iter().map(|score| score.logprob).collect();
        let scores = questions
            .into_iter()
            .zip(items)
            .map(|(question, item)| (question, rows.by_ref().take(item.joined.len()).map(values).collect()))
            .collect();
        self.unconditional.0.push(Known {
            prompt: prompt.hash().to_owned(),
            frame: ask.frame.clone(),
            split: ask.case.split,
            scores,
        });
        Ok(())
    }

    /// Unconditional log-probabilities of each candidate of a probe, where they were asked for.
    pub(super) fn unconditional_scores(&self, ask: &Ask<'_>, probe: &Probe) -> Option<&Vec<Vec<f32>>> {
        let known = self.unconditional.find(ask)?;
        known
            .scores
            .iter()
            .find(|(question, _)| *question == probe.question)
            .map(|(_, rows)| rows)
    }
}
