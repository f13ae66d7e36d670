//! An outcome under a norm: what was chosen and how sure the model was, with what stands beside it.

use super::super::outcome_context::OutcomeContext;
use crate::metrics::{Norm, TabledBaseline, TabledOutcome, softmax};
use crate::scoring::{Evidence, Outcome};

/// An outcome under a norm, with everything beside it.
pub(super) struct Seen<'a> {
    pub(super) known: &'a OutcomeContext<'a>,
    pub(super) outcome: &'a Outcome,
    pub(super) norm: Norm,
    pub(super) chosen: Option<usize>,
    pub(super) sure: Sure,
    baseline: Option<TabledBaseline<'a>>,
}

impl<'a> Seen<'a> {
    /// An outcome, which its run's table has as `tabled`.
    pub(super) fn new(
        known: &'a OutcomeContext<'a>,
        (outcome, tabled): (&'a Outcome, TabledOutcome<'_>),
        norm: Norm,
    ) -> Self {
        let chosen = tabled.predicted(norm);
        Self {
            known,
            outcome,
            norm,
            chosen,
            sure: Sure::of(outcome, tabled.candidate_scores(norm), chosen),
            baseline: known.baselines(outcome),
        }
    }

    /// The text of the candidate at a position.
    pub(super) fn text(&self, at: usize) -> &'a str {
        self.known.text(self.outcome, at)
    }

    /// Whether a choice is the person's own, as 0 or 1.
    pub(super) fn right(&self, choice: usize) -> i64 {
        i64::from(choice == self.outcome.label)
    }

    /// The person's weight.
    pub(super) fn weight(&self) -> Option<f64> {
        self.known.weight(self.outcome)
    }

    /// The person's group in a dimension; empty where they have none.
    pub(super) fn group(&self, dimension: &str) -> &'a str {
        let groups = self.known.groups(self.outcome);
        groups
            .and_then(|groups| groups.get(dimension))
            .map_or("", String::as_str)
    }

    /// What the majority of the others answered.
    pub(super) fn majority(&self) -> Option<usize> {
        self.baseline?.majority
    }

    /// What the k most similar others answered.
    pub(super) fn resemblance(&self, k: usize) -> Option<usize> {
        self.baseline?.resemblance(k)
    }

    /// What naive Bayes says.
    pub(super) fn naive_bayes(&self) -> Option<usize> {
        self.baseline?.naive_bayes
    }
}

/// How sure an outcome is.
#[derive(Default)]
pub(super) struct Sure {
    pub(super) probabilities: Vec<f64>,
    pub(super) scores: Vec<f64>,
    pub(super) label: Option<f64>,
    pub(super) confidence: Option<f64>,
    pub(super) logprob_label: Option<f64>,
    pub(super) logprob_prediction: Option<f64>,
    /// Nats.
    pub(super) entropy: Option<f64>,
    pub(super) invalid_mass: Option<f64>,
}

impl Sure {
    fn of(outcome: &Outcome, scores: Option<Vec<f64>>, chosen: Option<usize>) -> Self {
        let invalid_mass = match &outcome.evidence {
            Evidence::Label { invalid_mass, .. } => Some(*invalid_mass),
            Evidence::Likelihood { .. } | Evidence::Generation { .. } => None,
        };
        let Some(scores) = scores else {
            return Self {
                invalid_mass,
                ..Self::default()
            };
        };
        let probabilities = softmax(&scores).unwrap_or_default();
        let entropy = probabilities.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
        Self {
            label: probabilities.get(outcome.label).copied(),
            confidence: probabilities.iter().copied().reduce(f64::max),
            logprob_label: scores.get(outcome.label).copied(),
            logprob_prediction: chosen.and_then(|at| scores.get(at).copied()),
            entropy: (!probabilities.is_empty()).then_some(entropy),
            invalid_mass,
            probabilities,
            scores,
        }
    }
}
