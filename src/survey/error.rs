//! What can go wrong between a survey file and respondents, and what to do about it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::builtin::BrokenBuiltin;
use super::file_error::FileError;

/// An error of this module. It names the thing, the place and what was expected; [`SurveyError::hint`] says what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SurveyError {
    /// A catalogue, ours or a user's, breaks a rule of its format.
    #[error("catalogue {place}: {problem}")]
    Catalogue {
        /// File, and the line or question in it.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// Demographic data breaks a rule of its format.
    #[error("demographics {place}: {problem}")]
    Demographics {
        /// The dimension or table.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// The definition of a survey cannot be used.
    #[error("{}, {place}: {problem}", path.display())]
    Definition {
        /// The file.
        path: PathBuf,
        /// The line, table or question.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// The definition of the built-in survey cannot be used.
    #[error(transparent)]
    Builtin(#[from] BrokenBuiltin),
    /// The model behind synthetic respondents breaks a rule of its format.
    #[error("synthetic-model.toml, {place}: {problem}")]
    SyntheticModel {
        /// The question, factor or country.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// Refined statements were asked for, but the catalogue has polar ones only.
    #[error("this catalogue has no refined statements, only polar ones")]
    NoRefinedStatements,
    /// A survey file, or a list of respondents, cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file could not be opened, read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried: `read`, `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: Arc<std::io::Error>,
    },
    /// Fewer respondents fit the sampling rule than were asked for.
    #[error("{problem}")]
    TooFewRespondents {
        /// Which stratum has how many, and how many it should have given.
        problem: String,
    },
    /// More respondents have to be in a sample than were asked for.
    #[error("{asked} people were asked for, but {continent}, which the rule takes whole, has {has} already")]
    SampleTooSmall {
        /// How many were asked for.
        asked: usize,
        /// The continent that the rule takes whole.
        continent: &'static str,
        /// How many of its people meet the conditions.
        has: usize,
    },
}

impl SurveyError {
    /// An [`SurveyError::Io`].
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source: Arc::new(source),
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Catalogue { .. } => Some(
                "a catalogue file is one JSON object a line with question_id, question_category, answer_ids and \
                 converted_statements; leave --catalogue away to use the built-in one"
                    .into(),
            ),
            Self::Definition { .. } => Some(
                "GUIDE (\"Your own survey\") describes every key; `indieval survey define FILE` writes a first definition".into(),
            ),
            Self::Builtin(_) | Self::Demographics { .. } | Self::SyntheticModel { .. } => {
                Some("the program's own data are broken: build it again from an unchanged checkout".into())
            }
            Self::NoRefinedStatements => {
                Some("name the refined file too: --catalogue POLAR.jsonl --catalogue REFINED.jsonl".into())
            }
            Self::File(error) => error.hint(),
            Self::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => Some("check the path".into()),
                std::io::ErrorKind::PermissionDenied => Some("check who may read or write it".into()),
                std::io::ErrorKind::UnexpectedEof
                | std::io::ErrorKind::InvalidInput
                | std::io::ErrorKind::InvalidData => {
                    Some("it is damaged, or was cut off: fetch or copy it again".into())
                }
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    Some("make room there, or name another place".into())
                }
                _ => Some("give the same command again; where the same happens, copy it to another disk".into()),
            },
            Self::SampleTooSmall { has, .. } => Some(format!("ask for {has} or more with --respondents")),
            Self::TooFewRespondents { .. } => Some(
                "ask for fewer with --respondents, or give the cross-national file; \
                 `indieval survey stats FILE` counts what a file has"
                    .into(),
            ),
        }
    }
}
