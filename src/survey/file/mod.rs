//! Survey files in: which kind a file is, what it holds, and what is wrong with it.

mod cells;
mod code;
mod error;
mod header;
mod labels;
mod report;
mod sniff;
mod tally;
mod wvs;

use std::path::Path;

pub use error::{Expected, FileError};
pub(super) use header::SYNTHETIC_COLUMN;
pub use report::{FileKind, ReadReport, RepeatedIds, RepeatedInCountry};

use super::demographics::Demographics;
use super::error::SurveyError;
use super::respondents::Respondents;
use super::types::Catalogue;

/// Everyone in a survey file, and what reading it found.
#[derive(Debug, Clone)]
pub struct SurveyFile {
    /// The people, aligned with the catalogue and the demographics they were read for.
    pub respondents: Respondents,
    /// What was missing, unknown or repeated.
    pub report: ReadReport,
}

impl SurveyFile {
    /// Reads a file of any of the kinds in [`FileKind`], found out from its first bytes.
    ///
    /// The file is read once, as a stream; what stays in memory is one byte an answer and form.
    pub fn read(
        path: &Path,
        catalogue: &Catalogue,
        demographics: &Demographics,
        repeated: RepeatedIds,
    ) -> Result<Self, SurveyError> {
        let opened = sniff::open(path)?;
        match &opened.kind {
            sniff::Kind::JsonLines => labels::read_json(opened, catalogue, demographics, repeated),
            sniff::Kind::Csv { delimiter, header } => {
                let (delimiter, header) = (*delimiter, header.clone());
                if header.is_label_file() {
                    labels::read_csv(opened, delimiter, header, catalogue, demographics, repeated)
                } else {
                    wvs::read(opened, delimiter, header, catalogue, demographics, repeated)
                }
            }
        }
    }
}

/// A field as it is shown in an error: not all of it where it is long.
fn shown(field: &[u8]) -> String {
    const MOST: usize = 40;
    let text = String::from_utf8_lossy(field);
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests;
