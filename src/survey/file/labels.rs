//! The paper's released label files: groups instead of codes, demographics as sentences, as JSON lines or CSV.
//!
//! A row has, per question, the position of the answer's group (-99 where it is missing) and under `Q1_aid` the code of
//! the survey file. Where the code is there it decides, so that both forms are known. Where it is not, all groups of the
//! file are of one form: refined if any of them is too high for a polar group, polar otherwise.

use super::super::error::SurveyError;
use super::super::file_error::{Expected, FileError};
use super::super::respondents::{MISSING, MISSING_CODE};
use super::super::types::{DemographicValue, Form};
use super::cells::Cell;
use super::code::{self, Code};
use super::header::SYNTHETIC_COLUMN;
use super::intake::{AbsentColumns, FileShape, Intake};
use super::{Purpose, SurveyFile, interview, shown};

/// What the released files put where an answer is missing.
const NO_GROUP: i64 = -99;

/// The columns a label file may have, in the order in which a row's cells are kept.
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    questions: usize,
}

impl Columns {
    pub(super) fn new(purpose: Purpose<'_>) -> Self {
        let Purpose {
            survey,
            catalogue,
            demographics,
            ..
        } = purpose;
        let mut names = vec![survey.person.id.clone(), SYNTHETIC_COLUMN.to_owned()];
        let ids = catalogue.questions.iter().map(|question| question.id.to_string());
        let ids = ids.chain(demographics.dimensions.iter().map(|dimension| dimension.id.clone()));
        for id in ids {
            names.push(id.clone());
            names.push(format!("{id}_aid"));
        }
        Self {
            names,
            questions: catalogue.questions.len(),
        }
    }

    /// Cell of a question's group; the code's follows.
    fn question(&self, at: usize) -> usize {
        2 + 2 * at
    }

    /// Cell of a dimension's sentence; the code's follows.
    fn dimension(&self, at: usize) -> usize {
        2 + 2 * (self.questions + at)
    }

    /// Names of needed columns that `has` does not have.
    pub(super) fn missing(&self, has: impl Fn(usize) -> bool) -> Vec<String> {
        let needed = (0..self.questions).map(|at| self.question(at));
        std::iter::once(0)
            .chain(needed)
            .filter(|&at| !has(at))
            .map(|at| self.names[at].clone())
            .collect()
    }
}

/// Turns rows of cells into respondents.
pub(super) struct LabelReader<'a> {
    columns: &'a Columns,
    people: Intake<'a>,
    /// Groups as in the file, of everyone kept, until the form of the file is known; empty once a code was seen.
    raw: Vec<u8>,
    any_code: bool,
    /// The first group without a code beside it: line, cell, group.
    uncoded: Option<(u64, usize, u8)>,
}

impl<'a> LabelReader<'a> {
    pub(super) fn new(columns: &'a Columns, people: Intake<'a>) -> Self {
        Self {
            columns,
            people,
            raw: Vec::new(),
            any_code: false,
            uncoded: None,
        }
    }

    fn value(&self, line: u64, at: usize, found: String, expected: Expected) -> FileError {
        let column = self.columns.names[at].clone();
        FileError::Value {
            path: self.people.path.to_owned(),
            line,
            column,
            found,
            expected,
        }
    }

    fn number(&self, cells: &[Cell], line: u64, at: usize) -> Result<Code, FileError> {
        match &cells[at] {
            Cell::Absent | Cell::Blank => Ok(Code::Blank),
            Cell::Number(number) => Ok(Code::Number(*number)),
            Cell::Text(text) => {
                code::parse(text.as_bytes()).ok_or_else(|| self.value(line, at, shown(text.as_bytes()), Expected::Code))
            }
        }
    }

    pub(super) fn row(&mut self, cells: &[Cell], line: u64) -> Result<(), FileError> {
        let missing = self.columns.missing(|at| cells[at] != Cell::Absent);
        if !missing.is_empty() {
            return Err(FileError::MissingColumns {
                path: self.people.path.to_owned(),
                line,
                columns: missing,
            });
        }
        self.people.rows += 1;
        let mut raw = Vec::with_capacity(self.columns.questions);
        for question in 0..self.columns.questions {
            raw.push(self.answer(cells, line, question)?);
        }
        let country = self.country(cells, line)?;
        let sentences = self.dimensions(cells, line)?;
        let written = match &cells[0] {
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) => text.clone(),
            Cell::Absent | Cell::Blank => String::new(),
        };
        let id = interview::id(&written).map_err(|expected| self.value(line, 0, written.clone(), expected))?;
        if !self.people.keep(&id, country) {
            return Ok(());
        }
        for (dimension, sentence) in sentences {
            self.people.respondents.sentence(dimension, sentence);
        }
        self.raw.extend(raw);
        Ok(())
    }

    /// Fills in one answer and returns the group as the file has it.
    fn answer(&mut self, cells: &[Cell], line: u64, at: usize) -> Result<u8, FileError> {
        let cell = self.columns.question(at);
        let question = &self.people.catalogue.questions[at];
        // A catalogue without refined statements cannot tell how many there could be.
        let most = if question.refined.is_empty() {
            usize::from(MISSING)
        } else {
            question.refined.len()
        };
        let group = match self.number(cells, line, cell)? {
            Code::Number(NO_GROUP) | Code::Blank => MISSING,
            Code::Number(group) => match u8::try_from(group) {
                Ok(group) if usize::from(group) < most => group,
                _ => return Err(self.value(line, cell, group.to_string(), Expected::Group)),
            },
        };
        (self.people.refined[at], self.people.polar[at]) = (MISSING, MISSING);
        let code = self.number(cells, line, cell + 1)?;
        let Code::Number(number) = code else {
            match group {
                MISSING => self.people.tally.missing(code),
                group => self.uncoded = self.uncoded.or(Some((line, cell, group))),
            }
            return Ok(group);
        };
        self.any_code = true;
        if code.is_missing(self.people.survey) {
            if group != MISSING {
                return Err(self.value(line, cell, group.to_string(), Expected::NoGroup));
            }
            self.people.tally.missing(code);
            return Ok(group);
        }
        match self.people.tables[at].groups(question, number) {
            Some((refined, polar)) if refined == MISSING || group == refined || group == polar => {
                (self.people.refined[at], self.people.polar[at]) = (refined, polar);
            }
            Some(_) => {
                let shown = if group == MISSING {
                    NO_GROUP.to_string()
                } else {
                    group.to_string()
                };
                return Err(self.value(line, cell, shown, Expected::GroupOfCode));
            }
            None => self.people.tally.unknown(&question.id.to_string(), number),
        }
        Ok(group)
    }

    fn country(&self, cells: &[Cell], line: u64) -> Result<i32, FileError> {
        let Some(at) = self.people.demographics.country else {
            return Ok(MISSING_CODE);
        };
        match self.number(cells, line, self.columns.dimension(at) + 1)? {
            Code::Number(number) => Ok(i32::try_from(number).unwrap_or(MISSING_CODE)),
            Code::Blank => Ok(MISSING_CODE),
        }
    }

    /// Fills in the codes and returns the sentences that are not those of the codes.
    fn dimensions<'c>(&mut self, cells: &'c [Cell], line: u64) -> Result<Vec<(usize, &'c str)>, FileError> {
        let mut sentences = Vec::new();
        for at in 0..self.people.values.len() {
            let cell = self.columns.dimension(at);
            let code = self.number(cells, line, cell + 1)?;
            self.people.values[at] = self.people.tally.demographic(self.people.demographics, at, code);
            // A number written as text is a group without a sentence, which tells nothing here.
            if let Cell::Text(sentence) = &cells[cell]
                && code::parse(sentence.as_bytes()).is_none()
            {
                let ours = DemographicValue::Code(self.people.values[at]);
                if self.people.demographics.dimensions[at].sentence(&ours) != Some(sentence.as_str()) {
                    sentences.push((at, sentence.as_str()));
                }
            }
        }
        Ok(sentences)
    }

    /// Where no codes came with the groups: what form the groups are of, and both forms from it.
    fn groups_without_codes(&mut self) -> Result<(), SurveyError> {
        let questions = &self.people.catalogue.questions;
        let at = |index: usize| &questions[index % questions.len()];
        let refined = self
            .raw
            .iter()
            .enumerate()
            .any(|(index, &group)| group != MISSING && usize::from(group) >= at(index).polar.len());
        if refined {
            self.people.catalogue.require(Form::Refined)?;
        }
        let polar = |(index, &group): (usize, &u8)| match group {
            MISSING => MISSING,
            // Checked when read: a refined group that high would have been refused.
            group if refined => at(index)
                .polar_of_refined
                .get(usize::from(group))
                .map_or(MISSING, |&polar| polar as u8),
            group => group,
        };
        let polar: Vec<u8> = self.raw.iter().enumerate().map(polar).collect();
        let raw = std::mem::take(&mut self.raw);
        let fine = if refined { raw } else { vec![MISSING; raw.len()] };
        self.people.respondents.set_groups(fine, polar);
        Ok(())
    }

    pub(super) fn finish(mut self, found: FileShape) -> Result<SurveyFile, SurveyError> {
        match self.uncoded {
            Some((line, cell, group)) if self.any_code => {
                let expected = Expected::CodeBeside;
                return Err(self.value(line, cell, group.to_string(), expected).into());
            }
            _ if self.any_code => {}
            _ => self.groups_without_codes()?,
        }
        let respondents = &self.people.respondents;
        let absent = |at: &usize| !(0..respondents.len()).any(|person| respondents.demographic(person, *at).is_some());
        let dimensions = &self.people.demographics.dimensions;
        let absent = (0..dimensions.len()).filter(absent).map(|at| dimensions[at].id.clone());
        let absent = AbsentColumns {
            dimensions: absent.collect(),
            ..AbsentColumns::default()
        };
        Ok(self.people.finish(found, absent)?)
    }
}
