//! What can be wrong with a survey file. Each names the file, the line and column, what was found and what was expected.

use std::path::PathBuf;

/// A survey file, or a list of respondents, that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FileError {
    /// The path is a directory.
    #[error("{} is a directory, not a survey file", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
    },
    /// The file has no bytes, or nothing but blanks.
    #[error("{} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A header without rows.
    #[error("{} has a header but no respondents", path.display())]
    NoRows {
        /// The file.
        path: PathBuf,
    },
    /// The bytes are not UTF-8 text.
    #[error("{}, line {line}: {found}, where UTF-8 text was expected", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What the bytes look like.
        found: String,
    },
    /// The header cannot be split into columns by a comma or a semicolon.
    #[error("{}, line 1: columns are separated by {found}, where a comma or a semicolon was expected", path.display())]
    Delimiter {
        /// The file.
        path: PathBuf,
        /// What seems to separate them.
        found: &'static str,
    },
    /// Columns that are needed are not in the header.
    #[error("{}, line {line}: {} of the columns needed are missing: {}", path.display(), columns.len(), columns.join(", "))]
    MissingColumns {
        /// The file.
        path: PathBuf,
        /// Line, from 1: the header's, or that of a JSON object.
        line: u64,
        /// All of them.
        columns: Vec<String>,
    },
    /// A column stands in the header twice.
    #[error("{}, line 1: column {column} appears twice", path.display())]
    RepeatedColumn {
        /// The file.
        path: PathBuf,
        /// Its name.
        column: String,
    },
    /// The release of the survey whose scales run the other way.
    #[error("{} is an inverted release of the survey: {sign}", path.display())]
    Inverted {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        sign: String,
    },
    /// A row with fewer or more fields than the header has columns.
    #[error("{}, line {line}: {found} fields, where the header has {expected}", path.display())]
    RowLength {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Fields in the row.
        found: usize,
        /// Columns in the header.
        expected: usize,
    },
    /// The last row stops in the middle.
    #[error("{}, line {line}: the last row is cut off: {found} fields, where the header has {expected}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Fields in the row.
        found: usize,
        /// Columns in the header.
        expected: usize,
    },
    /// A field that should hold a code holds something else.
    #[error("{}, line {line}, column {column}: `{found}` is not {expected}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The column's name.
        column: String,
        /// The field.
        found: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A line of a label file that is not a JSON object.
    #[error("{}, line {line}: {problem}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What the parser says.
        problem: String,
    },
}

impl FileError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Directory { .. } => "name the .csv or .jsonl file inside it",
            Self::Empty { .. } | Self::NoRows { .. } => "download or export the file again",
            Self::Encoding { .. } => {
                "save the file as UTF-8, or unpack it first if it is an archive; the official CSV files are UTF-8"
            }
            Self::Delimiter { .. } => {
                "use the survey's own CSV file: cross-national files have commas, country files semicolons"
            }
            Self::MissingColumns { .. } => {
                "this needs a wave 7 file with D_INTERVIEW, B_COUNTRY and the questions Q1 to Q259; \
                 other waves name their questions differently"
            }
            Self::RepeatedColumn { .. } => "remove one of the two columns",
            Self::Inverted { .. } => {
                "download the standard release (its name does not say `inverted`): here a higher code would mean \
                 something else than in the catalogue"
            }
            Self::RowLength { .. } => "look at that line: a stray separator or quotation mark shifts its fields",
            Self::Truncated { .. } => "the download or copy stopped early; fetch the file again",
            Self::Value { .. } => "use the CSV with numeric codes, not the one with labels",
            Self::Json { .. } => "a label file has one JSON object a line, keyed by question id",
        };
        Some(text.to_owned())
    }
}
