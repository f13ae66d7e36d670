//! What stands beside an outcome in its run: texts, groups, baselines.

use std::collections::{BTreeMap, HashMap};

use super::names::condition_words;
use super::naming::Naming;
use crate::metrics::{QuestionInfo, RunData, TabledBaseline};
use crate::scoring::{Condition, Outcome};
use crate::survey::QuestionId;

/// What a run says besides its outcomes, by what it is about.
pub(super) struct OutcomeContext<'a> {
    pub(super) run: &'a RunData,
    naming: Naming,
    questions: HashMap<QuestionId, &'a QuestionInfo>,
    people: HashMap<&'a str, (&'a BTreeMap<String, String>, Option<f64>)>,
    baselines: HashMap<(&'a str, u8, QuestionId), TabledBaseline<'a>>,
}

impl<'a> OutcomeContext<'a> {
    pub(super) fn new(run: &'a RunData) -> Self {
        let people = run.people.iter();
        let (respondents, baselines) = (run.baselines.respondents(), run.baselines.iter());
        Self {
            run,
            naming: Naming::of_header(&run.header),
            questions: run.questions.iter().map(|question| (question.id, question)).collect(),
            people: people.map(|one| (one.id.as_str(), (&one.groups, one.weight))).collect(),
            baselines: baselines
                .map(|row| ((respondents[row.person].as_str(), row.split, row.question), row))
                .collect(),
        }
    }

    /// A condition of the run in words.
    pub(super) fn words(&self, condition: &Condition) -> String {
        condition_words(condition, &self.naming)
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
        self.run.baselines.neighbours().into_iter().collect()
    }

    /// The weight of an outcome's person.
    pub(super) fn weight(&self, outcome: &Outcome) -> Option<f64> {
        self.people.get(outcome.respondent.as_str())?.1
    }

    /// What the baselines say of an outcome's probe.
    pub(super) fn baselines(&self, outcome: &Outcome) -> Option<TabledBaseline<'a>> {
        let probe = (outcome.respondent.as_str(), outcome.split, outcome.question);
        self.baselines.get(&probe).copied()
    }
}
