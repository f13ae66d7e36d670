//! The survey's own CSV: cross-national and country files, releases 5 and 6.

use std::io::Read;
use std::path::Path;

use csv::ByteRecord;

use super::super::demographics::Demographics;
use super::super::error::SurveyError;
use super::super::respondents::{MISSING, MISSING_CODE, Respondents};
use super::super::types::Catalogue;
use super::code::{self, Code};
use super::header::Header;
use super::report::{FileKind, ReadReport, RepeatedIds};
use super::sniff::Opened;
use super::tally::{GroupTable, IdBook, Tally, group_tables};
use super::{Expected, FileError, SurveyFile, shown};

/// Where a dimension's code comes from.
#[derive(Clone, Copy)]
enum Origin {
    /// A column of its own.
    Column(usize),
    /// Age bands from years of age (Q262).
    Age(usize),
    /// Low, medium, high from the ten steps of income (Q288).
    Steps(usize),
    /// The file does not have it.
    Absent,
}

/// Which column holds what.
struct Plan {
    id: usize,
    /// By question of the catalogue.
    questions: Vec<usize>,
    /// By dimension of the demographics.
    dimensions: Vec<Origin>,
    country: usize,
    mode: Option<usize>,
    absent: Vec<String>,
    derived: Vec<String>,
}

impl Plan {
    fn new(
        path: &Path,
        header: &Header,
        catalogue: &Catalogue,
        demographics: &Demographics,
    ) -> Result<Self, SurveyError> {
        let mut missing = Vec::new();
        let mut need = |name: &str| match header.find(name) {
            Some(at) => at,
            None => {
                missing.push(name.to_owned());
                0
            }
        };
        let id = need("D_INTERVIEW");
        let country = need("B_COUNTRY");
        let questions: Vec<usize> = catalogue
            .questions
            .iter()
            .map(|question| need(&question.id.to_string()))
            .collect();
        if let Some(column) = missing
            .iter()
            .map(|name| format!("{name}P"))
            .find(|name| header.find(name).is_some())
        {
            let original = &column[..column.len() - 1];
            let sign = format!("it has the column {column} instead of {original}");
            return Err(FileError::Inverted {
                path: path.to_owned(),
                sign,
            }
            .into());
        }
        if !missing.is_empty() {
            return Err(FileError::MissingColumns {
                path: path.to_owned(),
                line: 1,
                columns: missing,
            }
            .into());
        }

        let (mut absent, mut derived) = (Vec::new(), Vec::new());
        let mut dimensions = Vec::with_capacity(demographics.dimensions.len());
        for dimension in &demographics.dimensions {
            let column = dimension.column.as_str();
            let origin = match (header.find(column), column) {
                (Some(at), _) => Origin::Column(at),
                (None, "X003R") => header.find("Q262").map_or(Origin::Absent, Origin::Age),
                (None, "Q288R") => header.find("Q288").map_or(Origin::Absent, Origin::Steps),
                (None, _) => Origin::Absent,
            };
            match origin {
                Origin::Column(_) => {}
                Origin::Age(_) | Origin::Steps(_) => derived.push(column.to_owned()),
                Origin::Absent => absent.push(column.to_owned()),
            }
            dimensions.push(origin);
        }
        let mode = header.find("MODE");
        Ok(Self {
            id,
            questions,
            dimensions,
            country,
            mode,
            absent,
            derived,
        })
    }
}

/// The code that X003R would have for an age in years; the survey's youngest band begins at 16.
fn age_band(years: i64) -> Option<i64> {
    match years {
        16..=24 => Some(1),
        25..=34 => Some(2),
        35..=44 => Some(3),
        45..=54 => Some(4),
        55..=64 => Some(5),
        65..=120 => Some(6),
        _ => None,
    }
}

/// The code that Q288R would have for a step of Q288.
fn income_third(step: i64) -> Option<i64> {
    match step {
        1..=3 => Some(1),
        4..=7 => Some(2),
        8..=10 => Some(3),
        _ => None,
    }
}

/// Reads rows one at a time into the store.
struct RowReader<'a> {
    path: &'a Path,
    plan: Plan,
    catalogue: &'a Catalogue,
    demographics: &'a Demographics,
    tables: Vec<GroupTable>,
    tally: Tally,
    refined: Vec<u8>,
    polar: Vec<u8>,
    values: Vec<i32>,
}

impl RowReader<'_> {
    fn code(&self, row: &ByteRecord, line: u64, at: usize, column: &str) -> Result<Code, FileError> {
        let field = &row[at];
        code::parse(field).ok_or_else(|| {
            if std::str::from_utf8(field).is_err() {
                let found = format!("column {column} has bytes that are not UTF-8");
                FileError::Encoding {
                    path: self.path.to_owned(),
                    line,
                    found,
                }
            } else {
                FileError::Value {
                    path: self.path.to_owned(),
                    line,
                    column: column.to_owned(),
                    found: shown(field),
                    expected: Expected::Code,
                }
            }
        })
    }

    fn answers(&mut self, row: &ByteRecord, line: u64) -> Result<(), FileError> {
        for at in 0..self.plan.questions.len() {
            let question = &self.catalogue.questions[at];
            let code = match code::parse(&row[self.plan.questions[at]]) {
                Some(code) => code,
                // The slow way once more, for the error with the column's name.
                None => self.code(row, line, self.plan.questions[at], &question.id.to_string())?,
            };
            let groups = match code {
                Code::Number(number) => self.tables[at].groups(question, number),
                Code::Blank => None,
            };
            (self.refined[at], self.polar[at]) = groups.unwrap_or((MISSING, MISSING));
            match code {
                _ if groups.is_some() => {}
                Code::Number(number) if !code.is_missing() => self.tally.unknown(&question.id.to_string(), number),
                _ => self.tally.missing(code),
            }
        }
        Ok(())
    }

    fn dimensions(&mut self, row: &ByteRecord, line: u64) -> Result<(), FileError> {
        for at in 0..self.plan.dimensions.len() {
            let column = self.demographics.dimensions[at].column.as_str();
            let derive = |code, band: fn(i64) -> Option<i64>| match code {
                Code::Number(number) if !code.is_missing() => band(number).map_or(Code::Blank, Code::Number),
                _ => Code::Blank,
            };
            let code = match self.plan.dimensions[at] {
                Origin::Column(from) => self.code(row, line, from, column)?,
                Origin::Age(from) => derive(self.code(row, line, from, "Q262")?, age_band),
                Origin::Steps(from) => derive(self.code(row, line, from, "Q288")?, income_third),
                Origin::Absent => Code::Blank,
            };
            self.values[at] = self.tally.demographic(self.demographics, at, code);
        }
        Ok(())
    }
}

/// Reads the rows below the header.
pub(super) fn read(
    opened: Opened,
    delimiter: u8,
    header: Header,
    catalogue: &Catalogue,
    demographics: &Demographics,
    repeated: RepeatedIds,
) -> Result<SurveyFile, SurveyError> {
    let Opened { path, input, .. } = opened;
    let plan = Plan::new(&path, &header, catalogue, demographics)?;
    let mut reader = RowReader {
        path: &path,
        tables: group_tables(catalogue),
        tally: Tally::default(),
        refined: vec![MISSING; catalogue.questions.len()],
        polar: vec![MISSING; catalogue.questions.len()],
        values: vec![MISSING_CODE; demographics.dimensions.len()],
        plan,
        catalogue,
        demographics,
    };
    let mut respondents = Respondents::new(catalogue, demographics, header.is_synthetic());
    let mut ids = IdBook::new(repeated);
    let mut rows = Rows::new(&path, input, delimiter, header.width);
    let mut count = 0;
    while let Some((row, line)) = rows.next()? {
        count += 1;
        if let Some(at) = reader.plan.mode
            && let mode @ Code::Number(number) = reader.code(row, line, at, "MODE")?
            && !mode.is_missing()
            && number != 1
        {
            let sign = format!("line {line} has {number} in the column MODE, where the standard release has 1");
            return Err(FileError::Inverted {
                path: path.clone(),
                sign,
            }
            .into());
        }
        reader.answers(row, line)?;
        reader.dimensions(row, line)?;
        let country = match reader.code(row, line, reader.plan.country, "B_COUNTRY")? {
            Code::Number(number) => i32::try_from(number).unwrap_or(MISSING_CODE),
            Code::Blank => MISSING_CODE,
        };
        let id = interview(&path, row, line, reader.plan.id)?;
        if let Some(id) = ids.admit(id, country) {
            respondents.push(id, &reader.refined, &reader.polar, &reader.values);
        }
    }
    if count == 0 {
        return Err(FileError::NoRows { path }.into());
    }
    let (missing, unknown_codes) = reader.tally.finish();
    let report = ReadReport {
        file: path.clone(),
        kind: if delimiter == b';' {
            FileKind::Country
        } else {
            FileKind::CrossNational
        },
        synthetic: respondents.synthetic(),
        columns: header.width,
        rows: count,
        respondents: respondents.len() as u64,
        repeated_ids_rule: repeated,
        repeated_ids: ids.finish(demographics),
        missing,
        unknown_codes,
        absent_columns: reader.plan.absent,
        derived_columns: reader.plan.derived,
    };
    Ok(SurveyFile { respondents, report })
}

/// The interview number of a row, as text.
pub(super) fn interview<'a>(path: &Path, row: &'a ByteRecord, line: u64, at: usize) -> Result<&'a str, FileError> {
    let field = &row[at];
    let text = std::str::from_utf8(field).unwrap_or_default().trim();
    if text.is_empty() {
        return Err(FileError::Value {
            path: path.to_owned(),
            line,
            column: "D_INTERVIEW".to_owned(),
            found: shown(field),
            expected: Expected::Interview,
        });
    }
    Ok(text)
}

/// Rows of a CSV, each as wide as the header.
pub(super) struct Rows<'a, R> {
    path: &'a Path,
    reader: csv::Reader<R>,
    row: ByteRecord,
    width: usize,
}

impl<'a, R: Read> Rows<'a, R> {
    /// `input` stands after the header.
    pub(super) fn new(path: &'a Path, input: R, delimiter: u8, width: usize) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(input);
        Self {
            path,
            reader,
            row: ByteRecord::new(),
            width,
        }
    }

    /// The next row and its line in the file (the header is line 1).
    pub(super) fn next(&mut self) -> Result<Option<(&ByteRecord, u64)>, SurveyError> {
        if !self.advance()? {
            return Ok(None);
        }
        let line = self.row.position().map_or(0, csv::Position::line) + 1;
        let found = self.row.len();
        if found != self.width {
            let (path, expected) = (self.path.to_owned(), self.width);
            // Short and last: the file was cut. Anything else is a row of the wrong shape.
            let last = !self.advance()?;
            return Err(if last && found < expected {
                FileError::Truncated {
                    path,
                    line,
                    found,
                    expected,
                }
                .into()
            } else {
                FileError::RowLength {
                    path,
                    line,
                    found,
                    expected,
                }
                .into()
            });
        }
        Ok(Some((&self.row, line)))
    }

    fn advance(&mut self) -> Result<bool, SurveyError> {
        self.reader
            .read_byte_record(&mut self.row)
            .map_err(|error| SurveyError::io("read", self.path, error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_steps_fall_into_the_surveys_bands() {
        let bands: Vec<_> = [15, 16, 24, 25, 44, 45, 64, 65, 103, 999].map(age_band).to_vec();
        assert_eq!(
            bands,
            [
                None,
                Some(1),
                Some(1),
                Some(2),
                Some(3),
                Some(4),
                Some(5),
                Some(6),
                Some(6),
                None
            ]
        );
        let thirds: Vec<_> = (0..=11).map(income_third).collect();
        assert_eq!(thirds[3..5], [Some(1), Some(2)]);
        assert_eq!(thirds[7..9], [Some(2), Some(3)]);
        assert_eq!((thirds[0], thirds[11]), (None, None));
    }
}
