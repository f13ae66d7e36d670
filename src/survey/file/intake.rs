//! What the readers of every kind of file fill in, row by row, whatever the columns.

use std::path::Path;

use super::super::builtin::BuiltinSurvey;
use super::super::demographics::Demographics;
use super::super::file_error::FileError;
use super::super::question_id::QuestionId;
use super::super::respondents::{MISSING, MISSING_CODE, Respondents};
use super::super::types::Catalogue;
use super::report::{FileKind, ReadOptions, ReadReport, RepeatedIds};
use super::sniff::TableLayout;
use super::tally::{GroupTable, IdBook, ReadTally, group_tables};
use super::{Purpose, SurveyFile};

/// The people read so far, the row at hand, and what was counted on the way.
pub(super) struct Intake<'a> {
    pub(super) path: &'a Path,
    pub(super) survey: &'static BuiltinSurvey,
    pub(super) catalogue: &'a Catalogue,
    pub(super) demographics: &'a Demographics,
    options: &'a ReadOptions,
    /// Groups by code, question by question.
    pub(super) tables: Vec<GroupTable>,
    pub(super) tally: ReadTally,
    ids: IdBook,
    pub(super) respondents: Respondents,
    /// Of the row at hand: groups of either form by question, codes by dimension.
    pub(super) refined: Vec<u8>,
    pub(super) polar: Vec<u8>,
    pub(super) values: Vec<i32>,
    /// Rows met, kept or not.
    pub(super) rows: u64,
}

/// What a reader knows of the file besides its people.
pub(super) struct FileShape {
    pub(super) kind: FileKind,
    pub(super) columns: usize,
    pub(super) empty_rows: u64,
    pub(super) member: Option<String>,
    /// Whether a row is an answer.
    pub(super) is_long: bool,
    /// Absent for JSON lines.
    pub(super) layout: Option<TableLayout>,
}

/// What the file did not have, and what stands in its place.
#[derive(Default)]
pub(super) struct AbsentColumns {
    pub(super) questions: Vec<QuestionId>,
    pub(super) dimensions: Vec<String>,
    /// Dimensions that were worked out from another column.
    pub(super) derived: Vec<String>,
}

impl<'a> Intake<'a> {
    pub(super) fn new(path: &'a Path, purpose: Purpose<'a>, synthetic: bool) -> Self {
        let Purpose {
            survey,
            catalogue,
            demographics,
            options,
        } = purpose;
        Self {
            path,
            survey,
            catalogue,
            demographics,
            options,
            tables: group_tables(catalogue),
            tally: ReadTally::new(survey),
            ids: IdBook::new(options.repeated_ids),
            respondents: Respondents::new(catalogue, demographics, synthetic),
            refined: vec![MISSING; catalogue.questions.len()],
            polar: vec![MISSING; catalogue.questions.len()],
            values: vec![MISSING_CODE; demographics.dimensions.len()],
            rows: 0,
        }
    }

    /// Whether nothing says what becomes of a person whose id was in a row before.
    pub(super) fn refuses_repeated(&self) -> bool {
        self.options.repeated_ids == RepeatedIds::KeepAll
    }

    /// Keeps the person of the row at hand, unless their id was met before and the rule leaves them out; whether it did
    /// keep them.
    pub(super) fn keep(&mut self, id: &str, country: i32) -> bool {
        let Some(id) = self.ids.admit(id, country) else {
            return false;
        };
        self.respondents.push(id, &self.refined, &self.polar, &self.values);
        true
    }

    /// The people, and what reading them found; an error where the file has no rows.
    pub(super) fn finish(self, found: FileShape, absent: AbsentColumns) -> Result<SurveyFile, FileError> {
        if self.rows == 0 {
            return Err(FileError::NoRows {
                path: self.path.to_owned(),
            });
        }
        let counted = self.tally.finish(found.kind == FileKind::Defined);
        let (separator, skipped_lines) = found
            .layout
            .map_or((None, Vec::new()), |layout| (Some(layout.separator), layout.skipped));
        let report = ReadReport {
            file: self.path.to_owned(),
            member: found.member,
            kind: found.kind,
            separator,
            synthetic: self.respondents.synthetic(),
            columns: found.columns,
            skipped_lines,
            rows: self.rows,
            is_long: found.is_long,
            empty_rows: found.empty_rows,
            respondents: self.respondents.len() as u64,
            repeated_ids_rule: self.options.repeated_ids,
            repeated_ids: self.ids.finish(self.demographics),
            absent_questions: absent.questions,
            answers: (found.kind == FileKind::Defined).then_some(counted.given),
            missing: counted.missing,
            unknown_codes: counted.answers,
            unknown_answers: counted.texts,
            unknown_demographics: counted.demographics,
            absent_columns: absent.dimensions,
            derived_columns: absent.derived,
        };
        Ok(SurveyFile {
            respondents: self.respondents,
            report,
        })
    }
}
