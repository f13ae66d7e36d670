//! A survey of one's own, described by one file: what is asked, how its answers stand in a table, which questions are
//! held out, what is known of people.

mod build;
mod cells;
mod people;
mod published;
mod questions;
mod rules;
mod scale;
mod scale_answers;
mod source;

use std::path::{Path, PathBuf};

use self::build::Built;
use self::cells::MissingRule;
use self::source::{NamesIn, OneOrMore, Scalar, SurveySource};
use super::demographics::Demographics;
use super::error::SurveyError;
use super::types::Catalogue;
use crate::base::hex::sha256_hex;

pub(super) use self::cells::{AnswerMatch, CellMeaning, MissingRule as MissingCells};
pub use self::published::PublishedResult;
pub(super) use self::source::NamesIn as ColumnNames;

/// How the rows of a table become people.
#[derive(Debug, Clone, PartialEq)]
pub struct SurveyDefinition {
    /// What the survey is called.
    pub name: String,
    /// How its makers want it cited; empty where the file says nothing.
    pub citation: String,
    /// Under which licence its answers are; empty where the file says nothing.
    pub licence: String,
    /// What others reported on the survey.
    pub published: Vec<PublishedResult>,
    /// SHA-256 (hex) of the file.
    pub hash: String,
    /// The file itself.
    pub(super) path: PathBuf,
    pub(super) table: DefinedTable,
}

/// What a definition says of a table of people.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DefinedTable {
    pub(super) delimiter: Option<u8>,
    pub(super) header_rows: usize,
    /// Which of them names the columns, from 1.
    pub(super) names_row: usize,
    pub(super) names: NamesIn,
    /// The columns of a table with a row an answer.
    pub(super) long: Option<LongColumns>,
    /// Only rows whose cell in a column is one of these.
    pub(super) keep: Vec<(String, Vec<AnswerMatch>)>,
    /// Columns that tell people apart; none: the number of the row.
    pub(super) id: Vec<String>,
    pub(super) weight: Option<String>,
    pub(super) missing: MissingRule,
    /// By question of the catalogue.
    pub(super) questions: Vec<DefinedColumn>,
    /// By dimension of the demographics.
    pub(super) dimensions: Vec<DimensionColumn>,
    pub(super) retest: Option<Retest>,
}

/// Where a table with a row an answer says what was asked, and what the answer is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LongColumns {
    pub(super) question: String,
    pub(super) answer: String,
}

/// Where a question's answers stand, and what they mean.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DefinedColumn {
    pub(super) column: String,
    pub(super) reading: CellReading,
}

/// How a cell is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CellReading {
    /// One answer: what each looks like, and the polar answer it belongs to.
    Single(Vec<(AnswerMatch, u8)>),
    /// One of several options in a cell that holds all that were chosen: yes or no.
    Chosen { separator: String, option: String },
    /// An option with a column of its own, which has something in it where it was chosen; nobody who left all columns
    /// empty was asked.
    Marked { columns: Vec<String> },
}

/// Where a demographic fact stands: what its answers look like, by code from 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DimensionColumn {
    pub(super) column: String,
    pub(super) answers: Vec<AnswerMatch>,
}

/// Where second answers of the same people stand.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Retest {
    /// In another file with the same columns.
    File(PathBuf),
    /// In the same row, in columns with another end.
    Suffix([String; 2]),
    /// In a row of their own: first and second value of a column.
    Rows { column: String, values: [AnswerMatch; 2] },
}

/// What a definition file comes to.
pub(super) struct LoadedDefinition {
    pub(super) definition: SurveyDefinition,
    pub(super) catalogue: Catalogue,
    pub(super) demographics: Demographics,
}

/// Reads a definition.
pub(super) fn load(path: &Path) -> Result<LoadedDefinition, SurveyError> {
    let text = std::fs::read_to_string(path).map_err(|error| SurveyError::io("read", path, error))?;
    let fault = |place: &str, problem: String| SurveyError::Definition {
        path: path.to_owned(),
        place: place.to_owned(),
        problem,
    };
    let source: SurveySource = toml::from_str(&text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count() + 1;
        fault(&format!("line {line}"), error.message().to_owned())
    })?;
    let hash = sha256_hex(text.as_bytes());
    let Built {
        catalogue,
        demographics,
        table,
    } = build::build(path, &source).map_err(|(place, problem)| fault(&place, problem))?;
    for published in &source.published {
        let checked = published.check(&catalogue.categories);
        checked.map_err(|problem| fault(&format!("[[published]] {}", published.name), problem))?;
    }
    Ok(LoadedDefinition {
        definition: SurveyDefinition {
            name: source.name,
            citation: source.citation.unwrap_or_default(),
            licence: source.licence.unwrap_or_default(),
            published: source.published,
            hash,
            path: path.to_owned(),
            table,
        },
        catalogue,
        demographics,
    })
}

impl OneOrMore {
    fn names(&self) -> Vec<String> {
        match self {
            Self::One(name) => vec![name.clone()],
            Self::More(names) => names.clone(),
        }
    }
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(out, "{number}"),
            Self::Text(text) => write!(out, "`{text}`"),
        }
    }
}

impl Scalar {
    /// The cells that are this value.
    fn matches(&self) -> AnswerMatch {
        match self {
            Self::Number(number) => AnswerMatch::Number(*number),
            Self::Text(text) => AnswerMatch::Text(text.trim().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
