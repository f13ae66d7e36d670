//! What reading a survey file found, beside the respondents.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// The kinds of file that hold respondents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// The survey's own CSV over all countries, separated by commas.
    CrossNational,
    /// The survey's own CSV of one country, separated by semicolons.
    Country,
    /// The paper's label file as JSON lines.
    LabelsJson,
    /// The paper's label file as CSV.
    LabelsCsv,
}

impl FileKind {
    /// What a person would call it.
    pub fn describe(self) -> &'static str {
        match self {
            Self::CrossNational => "survey file separated by commas (as the cross-national release)",
            Self::Country => "survey file separated by semicolons (as the country releases)",
            Self::LabelsJson => "label file (JSON lines)",
            Self::LabelsCsv => "label file (CSV)",
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

/// One country in which interview numbers repeat.
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
    /// What it turned out to be.
    pub kind: FileKind,
    /// Whether the file says that its people are invented.
    pub synthetic: bool,
    /// Columns in the header (or keys of the first line).
    pub columns: usize,
    /// Rows below the header.
    pub rows: u64,
    /// People kept.
    pub respondents: u64,
    /// What was done with repeated interview numbers.
    pub repeated_ids_rule: RepeatedIds,
    /// Countries in which interview numbers repeat.
    pub repeated_ids: Vec<RepeatedInCountry>,
    /// Answers given as each of the survey's missing codes (-1 to -5) or left blank, over all questions.
    pub missing: BTreeMap<String, u64>,
    /// By column: codes that neither the catalogue nor the missing codes know, and how often. They count as missing.
    pub unknown_codes: BTreeMap<String, BTreeMap<i64, u64>>,
    /// Demographic columns that the file does not have; their dimensions are missing for everyone.
    pub absent_columns: Vec<String>,
    /// Demographic columns that were computed from another one.
    pub derived_columns: Vec<String>,
}
