//! What an outcome chooses and how sure it is, under a norm of the likelihood.

use crate::scoring::norm::predict;
use crate::scoring::{Evidence, Norm, Outcome};

/// One score a candidate, on a log scale: under `norm` for likelihoods, the label's logprob for labels. Absent for
/// generated answers, where the norm cannot be computed, and of methods that choose among likelihoods by a rule of their own.
pub fn candidate_scores(outcome: &Outcome, norm: Norm) -> Option<Vec<f64>> {
    match &outcome.evidence {
        Evidence::Likelihood { .. } if !outcome.condition.method.definition().is_normed() => None,
        Evidence::Likelihood { scores } => scores.iter().map(|candidate| norm.value(candidate)).collect(),
        Evidence::Label { logprobs, .. } => Some(logprobs.clone()),
        Evidence::Generation { .. } => None,
    }
}

/// What the outcome predicts under `norm`: the candidate with the highest score, the first one where several tie.
/// Outcomes of methods that no norm is applied to say what they predict themselves.
pub fn prediction(outcome: &Outcome, norm: Norm) -> Option<usize> {
    match &outcome.evidence {
        Evidence::Likelihood { scores } if outcome.condition.method.definition().is_normed() => predict(scores, norm),
        _ => outcome.prediction,
    }
}
