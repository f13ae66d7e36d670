//! The nouns of a survey.

use serde::Serialize;

use super::probe_rule::ProbeRule;
use super::question_id::QuestionId;

/// Position of a question in [`Catalogue::questions`].
pub type QuestionIndex = usize;

/// Position of a category in [`Catalogue::categories`] (the paper's order).
pub type CategoryId = usize;

crate::choices! {
    /// How finely answers are told apart.
    pub enum Form: Polar {
        /// One statement per answer (or small group of scale points).
        Refined = "refined",
        /// Answers of one direction merged. Evaluation is always on these.
        Polar = "polar",
    }
}

/// One sentence for one question and one group of answer codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Answer codes as in the survey file.
    pub codes: Vec<i16>,
    /// The sentence, not capitalised unless its first word always is, without a final full stop.
    #[serde(rename = "statement")]
    pub text: String,
}

/// One question with its statements, both in the order of answer codes.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The question's id.
    pub id: QuestionId,
    /// Its category.
    pub category: CategoryId,
    /// One statement per answer.
    pub refined: Vec<Statement>,
    /// One statement per direction.
    pub polar: Vec<Statement>,
    /// For each refined statement, the polar one that contains it.
    pub polar_of_refined: Vec<usize>,
    /// Where the polar statements stand on the question's scale, in their order; empty where they have no order.
    pub values: Vec<f64>,
}

impl Question {
    /// The statements of one form, in the order of answer codes.
    pub fn statements(&self, form: Form) -> &[Statement] {
        match form {
            Form::Refined => &self.refined,
            Form::Polar => &self.polar,
        }
    }
}

/// What one respondent answered to one question, as positions among the question's statements.
///
/// A polar-only answer (from label files that carry no refined groups) has `refined` absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answer {
    /// Position among [`Question::refined`].
    pub refined: Option<u8>,
    /// Position among [`Question::polar`].
    pub polar: Option<u8>,
}

impl Answer {
    /// Position among the statements of `form`, absent where the answer is missing.
    pub fn group(&self, form: Form) -> Option<usize> {
        match form {
            Form::Refined => self.refined,
            Form::Polar => self.polar,
        }
        .map(usize::from)
    }
}

/// One demographic fact of a respondent: the answer code, or (from label files) a ready sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DemographicValue {
    /// Answer code as in the survey file.
    Code(i32),
    /// A sentence as it stands in a label file whose code is unknown.
    Sentence(Box<str>),
    /// A code together with the sentence of a label file, which says it in words of its own: the sentence is shown, the
    /// code tells the group.
    Worded(i32, Box<str>),
}

impl DemographicValue {
    /// The answer code, where it is known.
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Code(code) | Self::Worded(code, _) => Some(*code),
            Self::Sentence(_) => None,
        }
    }
}

/// One person who answered the survey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Respondent {
    /// Unique within the file (the interview number, made unique where the file repeats it).
    pub id: String,
    /// One answer per question, aligned with [`Catalogue::questions`].
    pub answers: Vec<Answer>,
    /// One value per dimension, aligned with the demographics' dimensions.
    pub demographics: Vec<Option<DemographicValue>>,
}

/// All questions and statements, in the order of ids.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Category names in the paper's order.
    pub categories: Vec<String>,
    /// Questions in the order of the questionnaire.
    pub questions: Vec<Question>,
    /// SHA-256 (hex) of everything in it, which pins a run to its catalogue.
    pub hash: String,
    /// Which questions are held out.
    pub rules: ProbeRule,
    /// What its survey is called in prompts ("a long survey about ..."); absent: as the templates have it.
    pub words: Option<String>,
}

impl Catalogue {
    /// Where a question stands in [`Catalogue::questions`].
    pub(crate) fn index_of(&self, id: QuestionId) -> Option<QuestionIndex> {
        self.questions.binary_search_by_key(&id, |q| q.id).ok()
    }
}
