//! What stands beside an outcome: texts, groups, baselines, and how sure the model was.

use std::collections::{BTreeMap, HashMap};

use crate::metrics::{BaselineRow, Norm, QuestionInfo, RunData, candidate_scores, prediction, softmax};
use crate::scoring::{Evidence, Outcome};
use crate::survey::QuestionId;

/// What a run says besides its outcomes, by what it is about.
pub(super) struct OutcomeContext<'a> {
    pub(super) run: &'a RunData,
    questions: HashMap<QuestionId, &'a QuestionInfo>,
    people: HashMap<&'a str, (&'a BTreeMap<String, String>, Option<f64>)>,
    baselines: HashMap<(&'a str, u8, QuestionId), &'a BaselineRow>,
}

impl<'a> OutcomeContext<'a> {
    pub(super) fn new(run: &'a RunData) -> Self {
        let people = run.people.iter();
        let baselines = run.baselines.iter();
        Self {
            run,
            questions: run.questions.iter().map(|question| (question.id, question)).collect(),
            people: people.map(|one| (one.id.as_str(), (&one.groups, one.weight))).collect(),
            baselines: baselines
                .map(|row| ((row.respondent.as_str(), row.split, row.question), row))
                .collect(),
        }
    }

    /// The category of an outcome's question.
    pub(super) fn category(&self, outcome: &Outcome) -> &'a str {
        let question = self.questions.get(&outcome.question);
        let category = question.and_then(|question| self.run.categories.get(question.category));
        category.map_or("", String::as_str)
    }

    /// The text of a candidate of an outcome's question.
    pub(super) fn text(&self, outcome: &Outcome, at: usize) -> &'a str {
        let question = self.questions.get(&outcome.question);
        question
            .and_then(|question| question.candidates.get(at))
            .map_or("", String::as_str)
    }

    /// The groups of an outcome's person.
    pub(super) fn groups(&self, outcome: &Outcome) -> Option<&'a BTreeMap<String, String>> {
        self.people.get(outcome.respondent.as_str()).map(|(groups, _)| *groups)
    }

    /// The numbers of neighbours that the run's resemblance was asked with.
    pub(super) fn neighbours(&self) -> Vec<usize> {
        let all = self
            .run
            .baselines
            .iter()
            .flat_map(|row| row.resemblance.keys().copied());
        let all: std::collections::BTreeSet<usize> = all.collect();
        all.into_iter().collect()
    }
}

/// An outcome under a norm, with everything beside it.
pub(super) struct Seen<'a> {
    pub(super) known: &'a OutcomeContext<'a>,
    pub(super) outcome: &'a Outcome,
    pub(super) norm: Norm,
    pub(super) chosen: Option<usize>,
    pub(super) sure: Sure,
    baseline: Option<&'a BaselineRow>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(known: &'a OutcomeContext<'a>, outcome: &'a Outcome, norm: Norm) -> Self {
        let chosen = prediction(outcome, norm);
        let place = (outcome.respondent.as_str(), outcome.split, outcome.question);
        Self {
            known,
            outcome,
            norm,
            chosen,
            sure: Sure::of(outcome, norm, chosen),
            baseline: known.baselines.get(&place).copied(),
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
        self.known.people.get(self.outcome.respondent.as_str())?.1
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
        self.baseline?.resemblance.get(&k).copied()
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
    pub(super) fn of(outcome: &Outcome, norm: Norm, chosen: Option<usize>) -> Self {
        let invalid_mass = match &outcome.evidence {
            Evidence::Label { invalid_mass, .. } => Some(*invalid_mass),
            Evidence::Likelihood { .. } | Evidence::Generation { .. } => None,
        };
        let Some(scores) = candidate_scores(outcome, norm) else {
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
