//! What a folder holds: nothing, a run of today's format, or one of format 1.

use std::path::Path;

use serde_json::Value;

use super::check::{Check, Sealed};
use super::format1::is_format1;
use super::header::{FORMAT, Header, id_of};
use crate::run::RunError;
use crate::run::names::{RECORDS, RUN};

/// What a run's folder holds.
#[derive(Debug)]
pub(super) enum InFolder {
    /// No run.
    Nothing,
    /// A run of format 1.
    Format1,
    /// A run, and the check of its `run.json`.
    Run(Box<Header>, Check),
}

impl Header {
    /// What the run in `folder` is; `None` where there is none.
    ///
    /// # Errors
    /// A file that cannot be read, was changed after it was written, or is of another format.
    pub(in crate::run) fn read(folder: &Path) -> Result<Option<Self>, RunError> {
        match read(folder)? {
            InFolder::Nothing => Ok(None),
            InFolder::Format1 => Err(RunError::OldFormat {
                folder: folder.to_owned(),
            }),
            InFolder::Run(header, _) => Ok(Some(*header)),
        }
    }
}

/// Reads what the run in `folder` is.
///
/// # Errors
/// A file that cannot be read, was changed after it was written, or is of a later format.
pub(super) fn read(folder: &Path) -> Result<InFolder, RunError> {
    let path = folder.join(RUN);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(match is_format1(&folder.join(RECORDS)) {
                true => InFolder::Format1,
                false => InFolder::Nothing,
            });
        }
        Err(source) => return Err(RunError::Read { path, source }),
    };
    let bad = |error: serde_json::Error| RunError::Record {
        path: path.clone(),
        line: error.line(),
        problem: error.to_string(),
    };
    let value: Value = serde_json::from_slice(&bytes).map_err(bad)?;
    let format = value.get("format").and_then(Value::as_u64);
    if format.is_some_and(|format| format > u64::from(FORMAT)) {
        return Err(RunError::NewFormat {
            path,
            format: format.unwrap_or_default(),
        });
    }
    let altered = |problem: String| RunError::Altered {
        path: path.clone(),
        problem,
    };
    let sealed = Sealed::object(&bytes).filter(|sealed| sealed.holds(&[]));
    let Some(sealed) = sealed else {
        return Err(altered("it was changed after it was written".to_owned()));
    };
    let header: Header = serde_json::from_slice(&bytes).map_err(bad)?;
    let run = id_of(&value);
    if header.run != run {
        return Err(altered(format!(
            "`run` is {} where {run} follows from spec, model and hashes",
            header.run
        )));
    }
    Ok(InFolder::Run(Box::new(header), sealed.check))
}
