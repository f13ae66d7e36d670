//! Outcomes of likelihood.

use super::contexts::Shown;
use super::{Ask, Scorer};
use crate::model::TokenScore;
use crate::scoring::norm::{Norm, predict};
use crate::scoring::{CandidateScore, Evidence, Outcome};

impl Scorer<'_> {
    /// One outcome a probe, from the rows of its candidates.
    pub(super) fn likelihood_outcomes(
        &self,
        ask: &Ask<'_>,
        shown: &Shown,
        scored: Vec<Vec<Vec<TokenScore>>>,
    ) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(scored.len());
        for (item, rows) in shown.items.iter().zip(scored) {
            let probe = &ask.case.probes[item.probe];
            let unconditional = self.unconditional_scores(ask, probe);
            let candidates = self.catalogue.questions.get(probe.question).map(|q| q.polar.as_slice());
            let scores: Vec<CandidateScore> = item
                .joined
                .iter()
                .zip(rows)
                .zip(candidates.unwrap_or_default())
                .enumerate()
                .map(|(index, ((joined, row), candidate))| CandidateScore {
                    tokens: joined.continuation.clone(),
                    logprobs: row.iter().map(|score| score.logprob).collect(),
                    unconditional: unconditional.and_then(|rows| rows.get(index).cloned()),
                    chars: candidate.text.chars().count(),
                    bytes: candidate.text.len(),
                })
                .collect();
            let prediction = predict(&scores, Norm::Sum);
            outcomes.push(self.outcome(ask, shown, item, prediction, Evidence::Likelihood { scores }));
        }
        outcomes
    }

    /// An outcome of the probe of an item.
    pub(super) fn outcome(
        &self,
        ask: &Ask<'_>,
        shown: &Shown,
        item: &super::contexts::Item,
        prediction: Option<usize>,
        evidence: Evidence,
    ) -> Outcome {
        self.outcome_of(ask, shown, item.probe, item.context, prediction, evidence)
    }

    /// An outcome of a probe of a case, whose context had so many tokens, BOS included.
    pub(super) fn outcome_of(
        &self,
        ask: &Ask<'_>,
        shown: &Shown,
        probe: usize,
        context: usize,
        prediction: Option<usize>,
        evidence: Evidence,
    ) -> Outcome {
        let asked = &ask.case.probes[probe];
        let question = self.catalogue.questions.get(asked.question);
        Outcome {
            respondent: ask.case.respondent.clone(),
            split: ask.case.split.number(),
            question: question.map_or(crate::survey::QuestionId(0), |question| question.id),
            condition: ask.condition.clone(),
            candidates: self.size(asked),
            label: asked.label,
            prediction,
            context_tokens: self.root_depth() + context,
            shown: shown.demonstrations,
            evidence,
        }
    }
}
