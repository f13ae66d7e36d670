//! What reading a survey file found, beside the respondents.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::super::question_id::QuestionId;

/// What separates the columns of a table of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Separator {
    /// `,`, as in the cross-national release.
    #[default]
    Comma,
    /// `;`, as in the country releases.
    Semicolon,
    /// A tab.
    Tab,
    /// `|`.
    Bar,
}

impl Separator {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Comma, Self::Semicolon, Self::Tab, Self::Bar];

    /// The character.
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Bar => b'|',
        }
    }

    /// Many of them, in words.
    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Self::Comma => "commas",
            Self::Semicolon => "semicolons",
            Self::Tab => "tabs",
            Self::Bar => "vertical bars",
        }
    }
}

/// The kinds of file that hold respondents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// The survey's own table, of several countries.
    CrossNational,
    /// The survey's own table, of one country.
    Country,
    /// The paper's label file as JSON lines.
    LabelsJson,
    /// The paper's label file as CSV.
    LabelsCsv,
    /// A table of a survey of one's own.
    Defined,
}

impl FileKind {
    /// What a person would call it.
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::CrossNational => "survey file of several countries",
            Self::Country => "survey file of one country",
            Self::LabelsJson => "label file (JSON lines)",
            Self::LabelsCsv => "label file (CSV)",
            Self::Defined => "survey file",
        }
    }
}

/// What to do with people who share one interview number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RepeatedIds {
    /// Keep everyone: the second becomes `ID-2`, the third `ID-3`.
    #[default]
    KeepAll,
    /// Keep the first only, as the paper's code did.
    FirstOnly,
}

/// How to read a survey file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// What to do with people who share one interview number.
    pub repeated_ids: RepeatedIds,
    /// The column of weights to read, if any.
    pub weight: Option<String>,
}

impl From<RepeatedIds> for ReadOptions {
    fn from(repeated_ids: RepeatedIds) -> Self {
        Self {
            repeated_ids,
            weight: None,
        }
    }
}

/// What stands in place of a country's name for numbers that repeat from country to country.
pub(crate) const SEVERAL_COUNTRIES: &str = "several countries";

/// One country in which interview numbers repeat, or [`SEVERAL_COUNTRIES`] that share some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RepeatedInCountry {
    /// Its name, or its code where it has none.
    pub country: String,
    /// Rows of the country in the file.
    pub rows: u64,
    /// Different interview numbers among them.
    pub ids: u64,
    /// People kept.
    pub kept: u64,
}

/// What a reader saw in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadReport {
    /// The file.
    pub file: PathBuf,
    /// The table's name within it, where it is an archive.
    pub member: Option<String>,
    /// What it turned out to be.
    pub kind: FileKind,
    /// What separates its columns; absent for JSON lines.
    pub separator: Option<Separator>,
    /// Whether the file says that its people are invented.
    pub synthetic: bool,
    /// Columns in the header (or keys of the first line).
    pub columns: usize,
    /// Lines above the header that were left out, as they begin.
    pub skipped_lines: Vec<String>,
    /// Rows below the header that hold something, or of these the ones that a definition keeps.
    pub rows: u64,
    /// Whether a row is an answer and not a person.
    #[serde(skip)]
    pub is_long: bool,
    /// Rows that hold nothing but separators.
    pub empty_rows: u64,
    /// People kept.
    pub respondents: u64,
    /// What was done with repeated interview numbers.
    pub repeated_ids_rule: RepeatedIds,
    /// Countries in which interview numbers repeat.
    pub repeated_ids: Vec<RepeatedInCountry>,
    /// Questions that are no column of the file: nobody was asked them.
    pub absent_questions: Vec<QuestionId>,
    /// Of a survey of one's own: answers to its questions, second ones among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answers: Option<u64>,
    /// Answers given as each of the survey's missing codes (-1 to -5) or left blank (or `NA` and the like), over all
    /// questions of the file. Of a survey of one's own: answers that are `missing` or `not asked`.
    pub missing: BTreeMap<String, u64>,
    /// By question: codes of answers that neither the catalogue nor the missing codes know, and how often. They count as
    /// missing.
    pub unknown_codes: BTreeMap<String, BTreeMap<i64, u64>>,
    /// In a file of a survey of one's own that takes the unknown for missing: answers that no answer of the definition
    /// covers, by question, and how often.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown_answers: BTreeMap<String, BTreeMap<String, u64>>,
    /// The same by demographic column.
    pub unknown_demographics: BTreeMap<String, BTreeMap<i64, u64>>,
    /// Demographic columns that the file does not have; their dimensions are missing for everyone.
    pub absent_columns: Vec<String>,
    /// Demographic columns that were computed from another one.
    pub derived_columns: Vec<String>,
}
