//! Survey files in: which kind a file is, what it holds, and what is wrong with it.

mod cells;
mod code;
mod defined;
mod endings;
mod header;
mod heading;
mod input;
mod intake;
mod interview;
mod label_files;
mod labels;
mod long;
mod meant_column;
mod overview;
mod report;
mod rows;
mod sniff;
mod tally;
mod wvs;

use std::path::Path;

pub(super) use header::SYNTHETIC_COLUMN;
pub(super) use interview::{ids, interviews};
pub(super) use overview::{ColumnOverview, TableOverview, overview};
pub(crate) use report::{FileKind, RepeatedInCountry, SEVERAL_COUNTRIES};
pub use report::{ReadOptions, ReadReport, RepeatedIds};

use super::builtin::BuiltinSurvey;
use super::demographics::Demographics;
use super::error::SurveyError;
use super::file_error::FileError;
use super::question_id::QuestionId;
use super::respondents::Respondents;
use super::types::{Catalogue, Form};

/// Everyone in a survey file, and what reading it found.
#[derive(Debug, Clone)]
pub struct SurveyFile {
    /// The people, aligned with the catalogue and the demographics they were read for.
    pub respondents: Respondents,
    /// What was missing, unknown or repeated.
    pub report: ReadReport,
}

impl SurveyFile {
    /// Reads a file of any of the kinds in `FileKind`, found out from its first bytes; behind gzip, or the one table in
    /// a ZIP archive, too.
    ///
    /// The file is read once, as a stream; what stays in memory is one byte an answer and form.
    pub fn read(
        path: &Path,
        catalogue: &Catalogue,
        demographics: &Demographics,
        options: impl Into<ReadOptions>,
    ) -> Result<Self, SurveyError> {
        let options = options.into();
        let (opened, kind) = sniff::open(path)?;
        let purpose = Purpose {
            survey: BuiltinSurvey::get()?,
            catalogue,
            demographics,
            options: &options,
        };
        let file = match kind {
            sniff::Sniffed::Csv(layout) if layout.header.width < 2 => {
                return Err(FileError::Separator {
                    path: path.to_owned(),
                    line: layout.lines,
                }
                .into());
            }
            sniff::Sniffed::JsonLines => label_files::read_json(opened, purpose)?,
            sniff::Sniffed::Csv(layout) if layout.header.is_label_file(purpose.survey) => {
                label_files::read_csv(opened, layout, purpose)?
            }
            sniff::Sniffed::Csv(layout) => wvs::read(opened, layout, purpose)?,
        };
        file.check_direction(path, purpose)?;
        Ok(file)
    }

    /// Refuses a file of the built-in survey in which most people say what is rarely said in any country, that family is not
    /// important at all: its scales run the other way.
    fn check_direction(&self, path: &Path, purpose: Purpose<'_>) -> Result<(), SurveyError> {
        /// With fewer answers chance could make another one the commonest.
        const LEAST_ANSWERS: usize = 30;
        let (catalogue, told) = (purpose.catalogue, &purpose.survey.direction);
        let id = told.question.parse::<QuestionId>().ok();
        let Some(question) = id
            .and_then(|id| catalogue.index_of(id))
            .filter(|_| is_builtin(catalogue))
        else {
            return Ok(());
        };
        let statements = &catalogue.questions[question].refined;
        let expected = catalogue.questions[question].group_of_code(Form::Refined, told.commonest);
        let mut counts = vec![0_usize; statements.len()];
        for person in 0..self.respondents.len() {
            let group = usize::from(self.respondents.groups(person, Form::Refined)[question]);
            if let Some(count) = counts.get_mut(group) {
                *count += 1;
            }
        }
        let answers: usize = counts.iter().sum();
        let commonest = (0..counts.len()).rev().max_by_key(|&at| counts[at]).unwrap_or(0);
        if answers < LEAST_ANSWERS || Some(commonest) == expected {
            return Ok(());
        }
        let code = statements[commonest].codes.first().copied().unwrap_or_default();
        Err(FileError::Inverted {
            path: path.to_owned(),
            sign: format!(
                "the commonest answer to {} is {code} ({} of {answers}), where it is {} in every country",
                told.question, counts[commonest], told.commonest
            ),
        }
        .into())
    }
}

/// What a file is read for, and how.
#[derive(Clone, Copy)]
struct Purpose<'a> {
    survey: &'static BuiltinSurvey,
    catalogue: &'a Catalogue,
    demographics: &'a Demographics,
    options: &'a ReadOptions,
}

/// Whether a catalogue is the built-in one, whose survey this program knows.
fn is_builtin(catalogue: &Catalogue) -> bool {
    Catalogue::builtin().is_ok_and(|builtin| builtin.hash == catalogue.hash)
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
