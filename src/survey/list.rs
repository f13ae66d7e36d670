//! Lists of respondents as CSV: what `survey sample` writes and `--respondents FILE` reads.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::builtin::BuiltinSurvey;
use super::definition::SurveyDefinition;
use super::demographics::Demographics;
use super::error::SurveyError;
use super::file::{SYNTHETIC_COLUMN, ids, interviews};
use super::file_error::{Expected, FileError};
use super::respondents::Respondents;

/// Ids of respondents, in the order of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RespondentList {
    path: PathBuf,
    /// The columns that hold the ids.
    columns: Vec<String>,
    /// The ids and the line each stands in.
    ids: Vec<(String, u64)>,
}

impl RespondentList {
    /// Reads a table of text with a column of interview numbers, or of a survey of one's own with the columns that its
    /// definition names in `person.id` (`id`, where it names none); other columns are for the reader's eyes.
    pub fn read(path: &Path, definition: Option<&SurveyDefinition>) -> Result<Self, SurveyError> {
        let (columns, ids) = match definition {
            None => {
                let columns = vec![BuiltinSurvey::get()?.person.id.clone()];
                (columns, interviews(path)?)
            }
            Some(definition) => {
                let columns = match definition.table.id.as_slice() {
                    [] => vec!["id".to_owned()],
                    named => named.to_vec(),
                };
                let ids = ids(path, &columns)?;
                (columns, ids)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            columns,
            ids,
        })
    }

    /// Where these people stand in `respondents`, in the order of the list; each must be there, once.
    pub(crate) fn positions(&self, respondents: &Respondents) -> Result<Vec<usize>, SurveyError> {
        let column = self.columns.join(", ");
        let mut positions = Vec::with_capacity(self.ids.len());
        let mut taken = vec![false; respondents.len()];
        for (id, line) in &self.ids {
            let fault = |expected| FileError::Value {
                path: self.path.clone(),
                line: *line,
                column: column.clone(),
                found: id.clone(),
                expected,
            };
            let at = respondents.index_of(id).ok_or_else(|| fault(Expected::Known))?;
            if std::mem::replace(&mut taken[at], true) {
                return Err(fault(Expected::New).into());
            }
            positions.push(at);
        }
        Ok(positions)
    }
}

/// Writes a list with country and continent beside each id; where people are synthetic, the first column says so.
pub(crate) fn write_list<W: Write>(
    respondents: &Respondents,
    demographics: &Demographics,
    people: &[usize],
    output: W,
) -> std::io::Result<()> {
    let survey = BuiltinSurvey::get().map_err(std::io::Error::other)?;
    let mut writer = csv::Writer::from_writer(output);
    let synthetic = respondents.synthetic();
    let marker = |name: &'static str| synthetic.then_some(name).into_iter();
    let shown = [("country", &survey.person.group), ("continent", &survey.sample.strata)];
    let header = marker(SYNTHETIC_COLUMN)
        .chain([survey.person.id.as_str()])
        .chain(shown.map(|(name, _)| name));
    writer.write_record(header)?;
    for &person in people {
        let mut row: Vec<String> = marker("synthetic").map(str::to_owned).collect();
        row.push(respondents.id(person).to_owned());
        for (_, id) in shown {
            let value = demographics
                .index_of(id)
                .and_then(|at| Some((at, respondents.demographic(person, at)?)));
            let name = value
                .as_ref()
                .and_then(|(at, value)| demographics.dimensions[*at].group_name(value));
            row.push(name.unwrap_or_default().to_owned());
        }
        writer.write_record(row)?;
    }
    writer.flush()
}
