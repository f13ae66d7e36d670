//! What can be wrong with requests and their answers.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{is_standard, shown};
use crate::base::text::bytes;
use crate::scoring::ScoringError;

/// A line that cannot be answered, or a file that cannot be read, written or continued.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The input cannot be read.
    #[error("{place}: cannot be read")]
    Read {
        /// The file, with the line where there is one.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// The output cannot be written.
    #[error("{}: cannot be written", shown(path, "standard output"))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The answers would go into the file of the questions.
    #[error("{}: is both the input and the output", path.display())]
    Same {
        /// The file.
        path: PathBuf,
    },
    /// Another program writes the output.
    #[error("{}: another indieval is writing it", path.display())]
    Busy {
        /// The output.
        path: PathBuf,
    },
    /// A line that is no request.
    #[error("{place}: {problem}")]
    Line {
        /// File and line.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Lines that cannot be answered, found before anything was computed.
    #[error("{0}")]
    Lines(Faults),
    /// A line of the output that does not belong to the input's.
    #[error("{}:{number}: this is not an answer to {line}", path.display())]
    Mismatch {
        /// The output.
        path: PathBuf,
        /// The output's line.
        number: u64,
        /// File and line of the input.
        line: String,
    },
    /// The output was begun in another way.
    #[error("{}: was begun with another model, dtype or setting: {changed}", path.display())]
    OtherModel {
        /// The output.
        path: PathBuf,
        /// What is not the same, by name.
        changed: String,
    },
    /// The file beside the output that says what it was begun with is not there, or says nothing.
    #[error("{}: cannot be continued without {}, which says what it was begun with", path.display(), beside.display())]
    NoIdentity {
        /// The output.
        path: PathBuf,
        /// The file beside it.
        beside: PathBuf,
    },
    /// A line longer than the model's context.
    #[error("{place}: {tokens} tokens are more than the model's context of {limit}")]
    TooLong {
        /// File and line, and what makes it long beside its text.
        place: String,
        /// Its tokens.
        tokens: usize,
        /// The model's limit.
        limit: usize,
        /// Whether it would fit with less at its beginning.
        cuttable: bool,
    },
    /// A line that needs more memory than there is.
    #[error("{place}: needs {} of memory beside the weights, {} are left for it", bytes(*needed), bytes(*free))]
    Room {
        /// File and line.
        place: String,
        /// Bytes that it needs.
        needed: u64,
        /// Bytes that there are.
        free: u64,
    },
    /// The output has more lines than the input.
    #[error("{}: has more lines than the input has requests", path.display())]
    Longer {
        /// The output.
        path: PathBuf,
    },
    /// The model failed.
    #[error(transparent)]
    Scoring(#[from] ScoringError),
    /// A result that is no JSON.
    #[error("an answer cannot be written as JSON: {0}")]
    Json(serde_json::Error),
}

/// How many faults are named one by one.
const NAMED: usize = 20;

/// Lines of a file that cannot be answered, the first of them in full.
#[derive(Debug, Default)]
pub struct Faults {
    first: Vec<RequestError>,
    count: usize,
}

impl Faults {
    /// Adds one; they come in the order of their lines.
    pub(super) fn add(&mut self, fault: RequestError) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(fault);
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The one fault there is, or all in one; `None` without any.
    pub(super) fn into_error(mut self) -> Option<RequestError> {
        match self.count {
            0 => None,
            1 => self.first.pop(),
            _ => Some(RequestError::Lines(self)),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.first.as_slice() {
            return write!(out, "{one}");
        }
        write!(out, "{} lines cannot be answered:", self.count)?;
        for fault in &self.first {
            write!(out, "\n  {fault}")?;
        }
        match self.count - self.first.len() {
            0 => Ok(()),
            more => write!(out, "\n  and {more} more"),
        }
    }
}

impl RequestError {
    pub(super) fn write(path: &Path, source: std::io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            source,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { .. } => "requests are lines of JSON in UTF-8; check the path".into(),
            Self::Write { path, .. } if is_standard(path) => {
                "give a file with --out: the same command then continues where it stopped".into()
            }
            Self::Write { .. } => "make room or allow writing there, then give the same command again: it \
                                   continues where it stopped"
                .into(),
            Self::Line { .. } => corrected("the line"),
            Self::Lines(_) => corrected("these lines"),
            Self::Same { .. } => "give another --out".into(),
            Self::Busy { .. } => "wait for it, or give another --out".into(),
            Self::TooLong { cuttable: false, .. } => {
                "ask for fewer tokens (`max_tokens`, or a shorter continuation), or take a model with a longer context: \
                 what is to come fills this one"
                    .into()
            }
            Self::TooLong { .. } => "shorten the line, cut off its beginning with --truncate left, or take a model \
                                     with a longer context"
                .into(),
            Self::Room { .. } => "allow more memory (`--memory`), or shorten the line".into(),
            Self::NoIdentity { .. } => {
                "put that file back, give another --out, or remove the output to start over".into()
            }
            Self::Mismatch { .. } | Self::OtherModel { .. } | Self::Longer { .. } => {
                "give another --out, or remove the file to start over".into()
            }
            Self::Scoring(error) => return error.hint(),
            Self::Json(_) => return None,
        })
    }
}

/// What to do about lines that cannot be answered. Whether answers are kept depends on where they went.
fn corrected(what: &str) -> String {
    format!(
        "correct {what} and give the same command again (answers in a file of --out are kept); or record such lines and \
         go on with --on-error record"
    )
}
