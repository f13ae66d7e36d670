//! What can be wrong with requests and their answers.

use std::path::PathBuf;

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
    #[error("{}: cannot be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
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
    /// A line of the output that does not belong to the input's.
    #[error("{}:{number}: this is no answer to {line}", path.display())]
    Mismatch {
        /// The output.
        path: PathBuf,
        /// The output's line.
        number: u64,
        /// File and line of the input.
        line: String,
    },
    /// The output's first line has other numbers than this model gives.
    #[error("{}: was begun with another model, dtype or setting", path.display())]
    OtherModel {
        /// The output.
        path: PathBuf,
    },
    /// The output has more lines than the input.
    #[error("{}: has more lines than there are requests", path.display())]
    Longer {
        /// The output.
        path: PathBuf,
    },
}

impl RequestError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { .. } => "requests are lines of JSON in UTF-8; check the path".into(),
            Self::Write { .. } => {
                "make room or allow writing there, then give the same command again: it goes on where \
                                   it was"
                    .into()
            }
            Self::Line { .. } => "correct the line and give the same command again: what is answered is kept".into(),
            Self::Busy { .. } => "wait for it, or give another --out".into(),
            Self::Mismatch { .. } | Self::OtherModel { .. } | Self::Longer { .. } => {
                "give another --out, or remove the file to begin anew".into()
            }
        })
    }
}
