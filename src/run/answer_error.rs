//! What can be wrong with answers that were made elsewhere.

use std::path::PathBuf;

/// What is wrong with files of answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// A line that is no answer.
    #[error("{}, line {line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Why not.
        problem: String,
    },
    /// Answers to other prompts.
    #[error("{unknown} of the answers are to prompts that this export does not have, the first in {}, line {line}: `{id}`", path.display())]
    Unknown {
        /// The file of the first.
        path: PathBuf,
        /// Its line.
        line: usize,
        /// Its id.
        id: String,
        /// How many there are.
        unknown: usize,
    },
    /// Two different answers to one prompt.
    #[error("{}, line {line}: `{id}` was answered differently before", path.display())]
    Twice {
        /// The file of the second.
        path: PathBuf,
        /// Its line.
        line: usize,
        /// The id.
        id: String,
    },
    /// Answers of several models.
    #[error(
        "{}, line {line}, is an answer of `{second}`; {}, line {first_line}, is one of `{first}`",
        path.display(), first_path.display()
    )]
    Models {
        /// One.
        first: String,
        /// The file of it.
        first_path: PathBuf,
        /// Its line.
        first_line: usize,
        /// Another.
        second: String,
        /// The file of it.
        path: PathBuf,
        /// Its line.
        line: usize,
    },
}

impl AnswerError {
    /// What can be done about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Line { .. } => {
                "an answer is a line of OpenAI's, vLLM's, Anthropic's or Gemini's batch results, {\"id\": ..., \"text\": ...}, or a \
                 line of `indieval generate`"
            }
            Self::Unknown { .. } => "give the folder of the export that these answers belong to",
            Self::Twice { .. } => "say which counts: --keep first or --keep last",
            Self::Models { .. } => "grade the answers of each model on their own",
        }
    }
}
