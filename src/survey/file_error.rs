//! What can be wrong with a survey file. Each names the file, the line and column, what was found and what was expected.

use std::path::PathBuf;

use super::builtin::{BuiltinSurvey, PersonColumns};
use super::foreign::{Foreign, Packing};
use super::undefined::UndefinedNames;

/// What a table with a row an answer says in two ways of one person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}, line {line}: {column} is `{found}` for person {person}, for whom it is `{before}` in line {before_line}",
    path.display()
)]
pub struct TwoCells {
    /// The file.
    pub path: PathBuf,
    /// Line of the later one, from 1.
    pub line: u64,
    /// The column or question.
    pub column: String,
    /// What stands there.
    pub found: String,
    /// The person.
    pub person: String,
    /// What stood there before.
    pub before: String,
    /// Line of that.
    pub before_line: u64,
}

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
    /// A definition's `file.where` that keeps no row.
    #[error("{}: no row has {} as `where` of [file] wants it", path.display(), columns.join(" and "))]
    NothingKept {
        /// The file.
        path: PathBuf,
        /// The columns that it names.
        columns: Vec<String>,
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
    /// A file of another program.
    #[error("{}{} is {kind}, not a table of text", path.display(), Packing::within(packed.as_ref()))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is, or what is in it.
        kind: Foreign,
        /// What it is in.
        packed: Option<Packing>,
    },
    /// An archive out of which no table can be read.
    #[error("{} is a ZIP archive: {problem}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// The header cannot be split into columns.
    #[error(
        "{}, line {line}: no separator of columns, where commas, semicolons, tabs or vertical bars were expected",
        path.display()
    )]
    Separator {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
    },
    /// Excel's line that names the separator, above a table in which no column of the survey is found.
    #[error(
        "{}, line {line}: {said} says what separates the columns, but no line below it names columns of the survey",
        path.display()
    )]
    ToldSeparator {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// The line.
        said: String,
    },
    /// A column of weights was asked for that the file does not have.
    #[error("{} has no column {column} to take weights from", path.display())]
    NoWeights {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        column: String,
    },
    /// Columns that are needed are not in the header.
    #[error("{}, line {line}: {} of the columns needed are missing: {}", path.display(), columns.len(), few(columns))]
    MissingColumns {
        /// The file.
        path: PathBuf,
        /// Line, from 1: the header's, or that of a JSON object.
        line: u64,
        /// All of them.
        columns: Vec<String>,
    },
    /// Columns or questions that a definition names are not in the file.
    #[error("{0}")]
    Undefined(Box<UndefinedNames>),
    /// A table with a row an answer says two things of one person.
    #[error("{0}")]
    TwoCells(Box<TwoCells>),
    /// A column stands in the header twice.
    #[error("{}, line {line}: column {column} appears twice", path.display())]
    RepeatedColumn {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Its name.
        column: String,
    },
    /// The release of the survey whose scales run the other way.
    #[error("{} looks like an inverted release of the survey: {sign}", path.display())]
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
    /// A row or line that does not end.
    #[error("{}, line {line}: a row that begins here does not end within 16 MiB", path.display())]
    EndlessRow {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
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
        expected: Expected,
    },
    /// One JSON array in place of an object a line.
    #[error("{}: a JSON array, where one JSON object a line was expected", path.display())]
    JsonArray {
        /// The file.
        path: PathBuf,
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

/// What a field should have held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Expected {
    /// An answer's code.
    #[error("a numeric code")]
    Code,
    /// Who was interviewed.
    #[error("an interview number")]
    Interview,
    /// Who was interviewed, with all digits.
    #[error("an id with all of its digits: it was rounded, and others were rounded to the same")]
    UnroundedInterview,
    /// In a file of a survey of one's own, an answer.
    #[error("an answer that the survey's definition knows")]
    Defined,
    /// In a file of a survey of one's own, who answered.
    #[error("the id of a person")]
    Person,
    /// In a file of a survey of one's own, a person who is in no row before; the line of such a row.
    #[error("a new person: line {0} has the same id")]
    NewPerson(u64),
    /// A weight.
    #[error("a weight (a number of 0 or more)")]
    Weight,
    /// In a label file, an answer.
    #[error("a group of this question, or -99")]
    Group,
    /// In a label file with codes, an answer that was not given.
    #[error("-99, where the answer has no answer code")]
    NoGroup,
    /// In a label file with codes, an answer that was given.
    #[error("the group of its answer code")]
    GroupOfCode,
    /// In a label file with codes, an answer without one.
    #[error("followed by its answer code, although other answers of the file are")]
    CodeBeside,
    /// In a list of respondents, an id.
    #[error("the id of a respondent in the survey file")]
    Known,
    /// In a list of respondents, an id that was not there before.
    #[error("new: the list has this respondent already")]
    New,
}

impl Expected {
    fn hint(self) -> Option<String> {
        let text = match self {
            Self::Code => {
                "answers are whole numbers, and a missing one is blank, NA or a negative code: use the CSV with numeric codes, \
                 not the one with labels, and leave out a second line of names below the header"
            }
            Self::Defined => {
                "add it to the answers of the question, to missing.codes or missing.texts, or to missing.not_asked; \
                 `missing.other = \"missing\"` takes whatever is unknown for missing"
            }
            Self::NewPerson(_) => {
                "name every column that tells rows apart (`id = [\"year\", \"id\"]` in [person]), keep some of the rows \
                 (`where` in [file]), say which are second answers ([retest]), or that a row is an answer (`layout = \"long\"` \
                 in [file]); without `id` rows are numbered and every row is a person"
            }
            Self::Person => "fill it in, remove the row, or leave `person.id` out to number the rows",
            Self::Interview => {
                let id = &BuiltinSurvey::get().ok()?.person.id;
                return Some(format!(
                    "every row needs its {id}; remove the row, or give it a number of its own"
                ));
            }
            Self::UnroundedInterview => {
                "a spreadsheet rounded it: format the column as a number without decimals before saving, or take the file as \
                 it was downloaded"
            }
            Self::Weight => "fill the weight in, or name another column with --weight",
            Self::Group | Self::NoGroup | Self::GroupOfCode | Self::CodeBeside => {
                "the label file belongs to another catalogue, or was changed: name its own with --catalogue, or make the \
                 label file again"
            }
            Self::Known => {
                "give the survey file that the list was made from, with the same --paper-ids, or make the list anew"
            }
            Self::New => "remove the line",
        };
        Some(text.to_owned())
    }
}

/// Names, a few of them.
fn few(names: &[String]) -> String {
    const MOST: usize = 20;
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

impl FileError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Directory { .. } => "name the .csv or .jsonl file inside it",
            Self::NothingKept { .. } => {
                "its values stand in cells as they are, numbers without quotes: `where = { year = [2022] }`"
            }
            Self::Empty { .. } | Self::NoRows { .. } => "download or export the file again",
            Self::Encoding { .. } => "save the file as UTF-8; the official CSV files are UTF-8",
            Self::Foreign { path, kind, packed } => return Some(kind.remedy(path, packed.as_ref())),
            Self::Archive { .. } => "unpack it and give the table of text inside, as CSV",
            Self::Separator { .. } => {
                "use the survey's own CSV file: cross-national files have commas, country files semicolons"
            }
            Self::ToldSeparator { .. } | Self::NoWeights { .. } | Self::MissingColumns { .. } => {
                return self.hint_of_columns();
            }
            Self::Undefined(names) => return Some(names.hint()),
            Self::TwoCells(_) => {
                "a person has one answer to a question: remove one of the two rows; where people were asked again, name the \
                 column that tells it (`[retest] column`, `values`), or keep one time alone (`[file] where`)"
            }
            Self::RepeatedColumn { .. } => {
                "remove one of the two columns; the definition of a survey can name one by its place: `#12`"
            }
            Self::Inverted { .. } => {
                "download the standard release (its name does not say `inverted`): here a higher code would mean \
                 something else than in the catalogue"
            }
            Self::RowLength { .. } => "look at that line: a stray separator or quotation mark shifts its fields",
            Self::Truncated { .. } => {
                "the download or copy stopped early, or a quotation mark opens that line and is never closed; look at it, or \
                 fetch the file again"
            }
            Self::EndlessRow { .. } => {
                "a quotation mark opens that row and is never closed, or this is not a table of people; look at that line"
            }
            Self::Value { expected, .. } => return expected.hint(),
            Self::JsonArray { path } => {
                return Some(format!(
                    "make lines of it: jq -c '.[]' '{}' > lines.jsonl",
                    path.display()
                ));
            }
            Self::Json { .. } => "a label file has one JSON object a line, keyed by question id",
        };
        Some(text.to_owned())
    }

    /// The same where it names columns of the built-in survey.
    fn hint_of_columns(&self) -> Option<String> {
        let PersonColumns { id, weight, group } = &BuiltinSurvey::get().ok()?.person;
        Some(match self {
            Self::ToldSeparator { .. } => format!(
                "remove that line, and have columns separated by commas, semicolons, tabs or vertical bars below a line of \
                 their names ({id}, Q1, ...)"
            ),
            Self::NoWeights { .. } => {
                format!("the survey's own column of weights is {weight}; label files have none")
            }
            Self::MissingColumns { columns, .. } if columns == std::slice::from_ref(id) => {
                format!("the column {id} tells people apart: `indieval survey sample` writes a list that has it")
            }
            Self::MissingColumns { path, .. } if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("jsonl")) => {
                format!(
                    "every line of a label file needs {id} and the group of each question, as the paper's files have them"
                )
            }
            Self::MissingColumns { .. } => format!(
                "the built-in questionnaire reads wave 7 files with {id}, {group} and the questions Q1 to Q259; for \
                 another survey give --definition: `indieval survey define FILE` writes a first one"
            ),
            _ => return None,
        })
    }
}
