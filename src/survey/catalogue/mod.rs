//! The catalogue of questions and statements: the built-in one, and the authors' released metadata as an alternative.

mod category;
mod metadata;
mod source;

pub use self::category::UnknownCategory;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::error::SurveyError;
use super::probe_rule::ProbeRule;
use super::question_id::QuestionId;
use super::types::{Catalogue, CategoryId, Form, Question, QuestionIndex, Statement};
use crate::base::hex::hex;

/// The thirteen files of `data/catalogue`, in the paper's order of categories.
const FILES: [(&str, &str); 13] = [
    (
        "01-social-values.toml",
        include_str!("../../../data/catalogue/01-social-values.toml"),
    ),
    (
        "02-happiness.toml",
        include_str!("../../../data/catalogue/02-happiness.toml"),
    ),
    (
        "03-social-capital.toml",
        include_str!("../../../data/catalogue/03-social-capital.toml"),
    ),
    (
        "04-economic-values.toml",
        include_str!("../../../data/catalogue/04-economic-values.toml"),
    ),
    (
        "05-corruption.toml",
        include_str!("../../../data/catalogue/05-corruption.toml"),
    ),
    (
        "06-migration.toml",
        include_str!("../../../data/catalogue/06-migration.toml"),
    ),
    (
        "07-security.toml",
        include_str!("../../../data/catalogue/07-security.toml"),
    ),
    (
        "08-postmaterialism.toml",
        include_str!("../../../data/catalogue/08-postmaterialism.toml"),
    ),
    (
        "09-science.toml",
        include_str!("../../../data/catalogue/09-science.toml"),
    ),
    (
        "10-religion.toml",
        include_str!("../../../data/catalogue/10-religion.toml"),
    ),
    ("11-ethics.toml", include_str!("../../../data/catalogue/11-ethics.toml")),
    (
        "12-political-participation.toml",
        include_str!("../../../data/catalogue/12-political-participation.toml"),
    ),
    (
        "13-political-culture.toml",
        include_str!("../../../data/catalogue/13-political-culture.toml"),
    ),
];

static BUILTIN: LazyLock<Result<Catalogue, SurveyError>> = LazyLock::new(|| source::parse(&FILES));

impl Catalogue {
    /// The built-in catalogue: 253 questions, 929 refined and 567 polar statements in our own words.
    ///
    /// Parsed and checked once. An error means that this build's data files are broken; a test keeps that from shipping.
    pub fn builtin() -> Result<&'static Self, SurveyError> {
        BUILTIN.as_ref().map_err(Clone::clone)
    }

    /// A catalogue from the metadata files released with the paper: one JSON object a line, one form a file.
    ///
    /// The polar file alone is enough; `Catalogue::require` then refuses `Form::Refined`.
    pub fn from_metadata<P: AsRef<Path>>(paths: &[P]) -> Result<Self, SurveyError> {
        metadata::read(paths)
    }

    /// Whether it is about the built-in survey: every question is one of it, in the same category. Its words and groups of
    /// answers may be others, as in the metadata released with the paper.
    ///
    /// What this program knows of the World Values Survey besides the questions (demographic columns, published figures,
    /// which way scales run) holds for such a catalogue only.
    pub(crate) fn is_of_builtin_survey(&self) -> bool {
        let Ok(builtin) = Self::builtin() else { return false };
        let of_builtin = |question: &Question| {
            builtin.index_of(question.id).is_some_and(|at| {
                let theirs = &self.categories[question.category];
                builtin.categories[builtin.questions[at].category] == *theirs
            })
        };
        !self.questions.is_empty() && self.questions.iter().all(of_builtin)
    }

    /// Fails where the catalogue has no statements of `form`.
    pub(crate) fn require(&self, form: Form) -> Result<(), SurveyError> {
        match form {
            Form::Polar => Ok(()),
            Form::Refined if self.has_refined() => Ok(()),
            Form::Refined => Err(SurveyError::NoRefinedStatements),
        }
    }

    /// Whether the catalogue has refined statements at all.
    pub(crate) fn has_refined(&self) -> bool {
        self.questions.iter().all(|question| !question.refined.is_empty())
    }

    /// The questions of one category, in the order of the questionnaire.
    pub(crate) fn questions_of(&self, category: CategoryId) -> impl Iterator<Item = (QuestionIndex, &Question)> {
        self.questions
            .iter()
            .enumerate()
            .filter(move |(_, question)| question.category == category)
    }

    /// How many questions a category has.
    pub(crate) fn questions_in(&self, category: CategoryId) -> usize {
        self.questions_of(category).count()
    }

    /// Number of statements of one form.
    pub(crate) fn statement_count(&self, form: Form) -> usize {
        self.questions
            .iter()
            .map(|question| question.statements(form).len())
            .sum()
    }

    /// In how many ways a person could answer all questions: the product of the questions' numbers of statements.
    ///
    /// The paper's Table 1 (1.65e139 refined, 3.94e86 polar). The order of multiplication is the questionnaire's.
    pub(crate) fn combinations(&self, form: Form) -> f64 {
        self.questions
            .iter()
            .map(|question| question.statements(form).len() as f64)
            .product()
    }
}

impl Question {
    /// Position among the statements of `form` that an answer code of the survey file belongs to.
    ///
    /// Absent for codes outside the catalogue, which are missing answers.
    pub(crate) fn group_of_code(&self, form: Form, code: i16) -> Option<usize> {
        self.statements(form)
            .iter()
            .position(|statement| statement.codes.contains(&code))
    }
}

/// What all readers of catalogues collect before the common checks.
pub(super) struct Draft {
    pub(super) id: QuestionId,
    pub(super) category: String,
    pub(super) refined: Vec<Statement>,
    pub(super) polar: Vec<Statement>,
    /// File and line or question, for errors.
    pub(super) place: String,
    /// As in [`Question::values`].
    pub(super) values: Vec<f64>,
}

/// Orders, checks and hashes the questions. `categories` are the known names in order; names first met in `drafts` follow.
pub(super) fn assemble(mut categories: Vec<String>, mut drafts: Vec<Draft>) -> Result<Catalogue, SurveyError> {
    drafts.sort_by_key(|draft| draft.id);
    if let Some(pair) = drafts.windows(2).find(|pair| pair[0].id == pair[1].id) {
        return Err(fault(
            &pair[1].place,
            format!("{} was given before, in {}", pair[1].id, pair[0].place),
        ));
    }
    let mut questions = Vec::with_capacity(drafts.len());
    for draft in drafts {
        check_codes(&draft.place, "polar", &draft.polar)?;
        check_codes(&draft.place, "refined", &draft.refined)?;
        let polar_of_refined = map_to_polar(&draft)?;
        let category = match categories.iter().position(|name| *name == draft.category) {
            Some(known) => known,
            None => {
                categories.push(draft.category);
                categories.len() - 1
            }
        };
        questions.push(Question {
            id: draft.id,
            category,
            refined: draft.refined,
            polar: draft.polar,
            polar_of_refined,
            values: draft.values,
        });
    }
    let hash = hash(&categories, &questions);
    Ok(Catalogue {
        categories,
        questions,
        hash,
        rules: ProbeRule::default(),
        words: None,
    })
}

fn fault(place: &str, problem: impl Into<String>) -> SurveyError {
    SurveyError::Catalogue {
        place: place.to_owned(),
        problem: problem.into(),
    }
}

/// No code is in two statements of a form.
fn check_codes(place: &str, form: &str, statements: &[Statement]) -> Result<(), SurveyError> {
    let mut seen = BTreeSet::new();
    for statement in statements {
        if statement.codes.is_empty() {
            return Err(fault(
                place,
                format!("the {form} statement `{}` has no answer codes", statement.text),
            ));
        }
        for &code in &statement.codes {
            if !seen.insert(code) {
                return Err(fault(
                    place,
                    format!("the {form} answer code {code} appears twice; give each code once"),
                ));
            }
        }
    }
    if statements.len() > usize::from(MAX_STATEMENTS) {
        return Err(fault(
            place,
            format!("{} {form} statements; at most {MAX_STATEMENTS}", statements.len()),
        ));
    }
    Ok(())
}

/// Answers are stored as one byte each, and the highest value means a missing answer.
const MAX_STATEMENTS: u8 = u8::MAX - 1;

/// For each refined statement, the polar one that holds all of its codes; both forms must cover the same codes.
fn map_to_polar(draft: &Draft) -> Result<Vec<usize>, SurveyError> {
    if draft.polar.len() < 2 {
        return Err(fault(&draft.place, "a question needs at least two polar statements"));
    }
    if draft.refined.is_empty() {
        return Ok(Vec::new());
    }
    let covered = |statements: &[Statement]| -> BTreeSet<i16> {
        statements
            .iter()
            .flat_map(|statement| statement.codes.iter().copied())
            .collect()
    };
    let (refined, polar) = (covered(&draft.refined), covered(&draft.polar));
    if refined != polar {
        return Err(fault(
            &draft.place,
            format!("refined statements cover the codes {refined:?}, polar ones {polar:?}"),
        ));
    }
    draft
        .refined
        .iter()
        .map(|fine| {
            draft
                .polar
                .iter()
                .position(|coarse| fine.codes.iter().all(|code| coarse.codes.contains(code)))
                .ok_or_else(|| {
                    fault(
                        &draft.place,
                        format!("no polar statement holds all of {:?}", fine.codes),
                    )
                })
        })
        .collect()
}

/// SHA-256 (hex) over categories, ids, codes and sentences, in order, with separators that cannot occur in them.
fn hash(categories: &[String], questions: &[Question]) -> String {
    let mut hasher = Sha256::new();
    for name in categories {
        hasher.update(name.as_bytes());
        hasher.update(b"\n");
    }
    for question in questions {
        hasher.update(format!("{}\t{}\n", question.id, question.category).as_bytes());
        for form in [Form::Refined, Form::Polar] {
            for statement in question.statements(form) {
                hasher.update(format!("{form:?}\t{:?}\t{}\n", statement.codes, statement.text).as_bytes());
            }
        }
    }
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests;
