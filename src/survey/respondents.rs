//! Everyone of a survey file, one byte an answer, so that a hundred thousand people fit in well under 100 MB.

use std::collections::HashMap;

use super::demographics::Demographics;
use super::types::{Answer, Catalogue, DemographicValue, Form, QuestionIndex, Respondent};

/// Stands for a missing answer in [`Respondents::groups`].
pub const MISSING: u8 = u8::MAX;

/// Stands for a missing demographic value inside the store; no survey code is near it.
pub(super) const MISSING_CODE: i32 = i32::MIN;

/// The people of one survey file, in the order of the file, aligned with one catalogue and one set of demographics.
#[derive(Debug, Clone, Default)]
pub struct Respondents {
    ids: Vec<Box<str>>,
    by_id: HashMap<Box<str>, usize>,
    questions: usize,
    dimensions: usize,
    refined: Vec<u8>,
    polar: Vec<u8>,
    demographics: Vec<i32>,
    /// Ready sentences of label files, by (respondent, dimension), where they are not those of the codes.
    sentences: HashMap<(usize, usize), Box<str>>,
    /// Polar answers of people who were asked again, by position.
    again: HashMap<usize, Box<[u8]>>,
    /// One a person where weights were read, none otherwise.
    weights: Vec<f64>,
    synthetic: bool,
}

impl Respondents {
    /// No one yet.
    pub(super) fn new(catalogue: &Catalogue, demographics: &Demographics, synthetic: bool) -> Self {
        Self {
            questions: catalogue.questions.len(),
            dimensions: demographics.dimensions.len(),
            synthetic,
            ..Self::default()
        }
    }

    /// Adds one person; the slices are aligned with the catalogue's questions and the demographics' dimensions.
    pub(super) fn push(&mut self, id: String, refined: &[u8], polar: &[u8], demographics: &[i32]) {
        debug_assert_eq!((refined.len(), polar.len()), (self.questions, self.questions));
        debug_assert_eq!(demographics.len(), self.dimensions);
        let id: Box<str> = id.into();
        self.by_id.insert(id.clone(), self.ids.len());
        self.ids.push(id);
        self.refined.extend_from_slice(refined);
        self.polar.extend_from_slice(polar);
        self.demographics.extend_from_slice(demographics);
    }

    /// Keeps a ready sentence of the person added last.
    pub(super) fn sentence(&mut self, dimension: usize, sentence: &str) {
        if let Some(last) = self.ids.len().checked_sub(1) {
            self.sentences.insert((last, dimension), sentence.into());
        }
    }

    /// Gives the person added last a weight; everyone gets one, or nobody.
    pub(super) fn weigh(&mut self, weight: f64) {
        self.weights.push(weight);
    }

    /// Keeps what a person answered when asked again; whoever is not among the people is passed over.
    pub(super) fn answered_again(&mut self, id: &str, polar: Vec<u8>) {
        if let Some(at) = self.index_of(id) {
            self.again.insert(at, polar.into());
        }
    }

    /// The position of a person's second answer to a question among its polar statements; absent where they were not
    /// asked again, or gave none.
    pub fn second_answer(&self, respondent: usize, question: QuestionIndex) -> Option<usize> {
        let group = *self.again.get(&respondent)?.get(question)?;
        (group != MISSING).then_some(group.into())
    }

    /// Replaces the refined and polar groups of everyone, both flat, one row of questions after the other.
    pub(super) fn set_groups(&mut self, refined: Vec<u8>, polar: Vec<u8>) {
        debug_assert_eq!((refined.len(), polar.len()), (self.refined.len(), self.polar.len()));
        self.refined = refined;
        self.polar = polar;
    }

    /// How many people.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no one.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether the file said that its people are invented. What is computed from them must say so too.
    pub fn synthetic(&self) -> bool {
        self.synthetic
    }

    /// How many questions each person could have answered.
    pub(crate) fn question_count(&self) -> usize {
        self.questions
    }

    /// The id of a person, unique in the file.
    pub fn id(&self, respondent: usize) -> &str {
        &self.ids[respondent]
    }

    /// Where a person stands in the file.
    pub(crate) fn index_of(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The weight of a person, as the file has it; absent where no weights were read.
    pub fn weight(&self, respondent: usize) -> Option<f64> {
        self.weights.get(respondent).copied()
    }

    /// One person's answers as positions among each question's statements of `form`; [`MISSING`] where there is none.
    ///
    /// Aligned with the catalogue's questions.
    pub fn groups(&self, respondent: usize, form: Form) -> &[u8] {
        let from = respondent * self.questions;
        match form {
            Form::Refined => &self.refined[from..from + self.questions],
            Form::Polar => &self.polar[from..from + self.questions],
        }
    }

    /// One person's answer to one question.
    pub fn answer(&self, respondent: usize, question: QuestionIndex) -> Answer {
        let present = |group: u8| (group != MISSING).then_some(group);
        Answer {
            refined: present(self.groups(respondent, Form::Refined)[question]),
            polar: present(self.groups(respondent, Form::Polar)[question]),
        }
    }

    /// How many questions a person answered.
    pub(crate) fn valid_answers(&self, respondent: usize) -> usize {
        let groups = self.groups(respondent, Form::Polar);
        groups.iter().filter(|&&group| group != MISSING).count()
    }

    /// Questions to which all people who answered, two or more, gave the same polar answer.
    pub(crate) fn unvaried(&self) -> Vec<QuestionIndex> {
        let mut found: Vec<(u8, usize, bool)> = vec![(MISSING, 0, false); self.questions];
        for row in self.polar.chunks_exact(self.questions.max(1)) {
            for ((first, answers, varies), &group) in found.iter_mut().zip(row) {
                if group == MISSING {
                    continue;
                }
                *varies |= *answers > 0 && *first != group;
                (*first, *answers) = (group, *answers + 1);
            }
        }
        (0..self.questions)
            .filter(|&question| found[question].1 > 1 && !found[question].2)
            .collect()
    }

    /// The questions that nobody answered, ascending.
    pub(crate) fn unanswered(&self) -> Vec<QuestionIndex> {
        let mut answered = vec![false; self.questions];
        for row in self.polar.chunks_exact(self.questions.max(1)) {
            for (answered, &group) in answered.iter_mut().zip(row) {
                *answered |= group != MISSING;
            }
        }
        (0..self.questions).filter(|&question| !answered[question]).collect()
    }

    /// One demographic value of a person.
    pub(crate) fn demographic(&self, respondent: usize, dimension: usize) -> Option<DemographicValue> {
        let code = self.demographics[respondent * self.dimensions + dimension];
        let sentence = self.sentences.get(&(respondent, dimension)).cloned();
        match (code, sentence) {
            (MISSING_CODE, sentence) => sentence.map(DemographicValue::Sentence),
            (code, Some(sentence)) => Some(DemographicValue::Worded(code, sentence)),
            (code, None) => Some(DemographicValue::Code(code)),
        }
    }

    /// How many demographic dimensions of a person are known.
    pub(crate) fn valid_demographics(&self, respondent: usize) -> usize {
        (0..self.dimensions)
            .filter(|&dimension| self.demographic(respondent, dimension).is_some())
            .count()
    }

    /// One person, unpacked.
    pub fn respondent(&self, respondent: usize) -> Respondent {
        Respondent {
            id: self.id(respondent).to_owned(),
            answers: (0..self.questions)
                .map(|question| self.answer(respondent, question))
                .collect(),
            demographics: (0..self.dimensions)
                .map(|dimension| self.demographic(respondent, dimension))
                .collect(),
        }
    }

    /// Everyone, unpacked one at a time, in the order of the file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Respondent> + '_ {
        (0..self.len()).map(|respondent| self.respondent(respondent))
    }
}
