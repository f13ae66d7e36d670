//! The survey's own CSV: cross-national and country files, releases 5 and 6.

use std::collections::BTreeSet;
use std::path::Path;

use csv::ByteRecord;

use super::super::builtin::{BuiltinSurvey, DerivedColumn};
use super::super::demographics::Demographics;
use super::super::error::SurveyError;
use super::super::file_error::{Expected, FileError};
use super::super::question_id::QuestionId;
use super::super::respondents::{MISSING, MISSING_CODE};
use super::code::{self, Code};
use super::header::HeaderRow;
use super::intake::{AbsentColumns, FileShape, Intake};
use super::report::FileKind;
use super::rows::TableRows;
use super::sniff::{Opened, TableLayout};
use super::{Purpose, SurveyFile, interview, shown};

/// Where a dimension's code comes from.
#[derive(Clone, Copy)]
enum DimensionOrigin {
    /// A column of its own.
    Column(usize),
    /// Another column, whose numbers fall into bands.
    Derived(usize, &'static DerivedColumn),
    /// The file does not have it.
    Absent,
}

/// Which column holds what.
struct ColumnPlan {
    id: usize,
    /// By question of the catalogue; absent where the file does not have it.
    questions: Vec<Option<usize>>,
    /// By dimension of the demographics.
    dimensions: Vec<DimensionOrigin>,
    /// Other surveys need not have one.
    country: Option<usize>,
    /// Column of the weights, and its name.
    weight: Option<(usize, String)>,
    absent: AbsentColumns,
}

/// Inverted variables have names of their own in the survey's files.
fn not_inverted(path: &Path, header: &HeaderRow, suffix: &str, absent: &[QuestionId]) -> Result<(), FileError> {
    match absent.iter().find(|id| header.find(&format!("{id}{suffix}")).is_some()) {
        None => Ok(()),
        Some(id) => Err(FileError::Inverted {
            path: path.to_owned(),
            sign: format!("it has the column {id}{suffix} instead of {id}"),
        }),
    }
}

impl ColumnPlan {
    fn new(path: &Path, header: &HeaderRow, line: u64, purpose: Purpose<'_>) -> Result<Self, SurveyError> {
        let Purpose { survey, catalogue, .. } = purpose;
        let person = &survey.person;
        let questions: Vec<Option<usize>> = catalogue
            .questions
            .iter()
            .map(|question| header.find(&question.id.to_string()))
            .collect();
        let absent_questions: Vec<QuestionId> = catalogue
            .questions
            .iter()
            .zip(&questions)
            .filter(|(_, column)| column.is_none())
            .map(|(question, _)| question.id)
            .collect();
        not_inverted(path, header, &survey.direction.inverted_suffix, &absent_questions)?;
        let needs_country = catalogue.is_of_builtin_survey();
        let country = header.find(&person.group).filter(|_| needs_country);
        let (id, country) = match (header.find(&person.id), country) {
            (Some(id), country)
                if (country.is_some() || !needs_country)
                    && absent_questions.len() * survey.file.absent_one_in <= questions.len() =>
            {
                (id, country)
            }
            (id, country) => {
                let needed = [
                    (&person.id, id.is_none()),
                    (&person.group, country.is_none() && needs_country),
                ];
                let missing = needed.into_iter().filter(|(_, missing)| *missing);
                let missing = missing.map(|(name, _)| name.clone());
                let columns = missing
                    .chain(absent_questions.iter().map(QuestionId::to_string))
                    .collect();
                return Err(FileError::MissingColumns {
                    path: path.to_owned(),
                    line,
                    columns,
                }
                .into());
            }
        };
        let mut plan = Self {
            id,
            questions,
            dimensions: Vec::new(),
            country,
            weight: weight(path, header, line, purpose)?,
            absent: AbsentColumns {
                questions: absent_questions,
                ..AbsentColumns::default()
            },
        };
        plan.find_dimensions(header, purpose.demographics, survey);
        Ok(plan)
    }

    fn find_dimensions(&mut self, header: &HeaderRow, demographics: &Demographics, survey: &'static BuiltinSurvey) {
        for dimension in &demographics.dimensions {
            let column = dimension.column.as_str();
            let derived = || {
                let derived = survey.derived.iter().find(|derived| derived.id == column)?;
                Some(DimensionOrigin::Derived(header.find(&derived.column)?, derived))
            };
            let own = header.find(column).map(DimensionOrigin::Column);
            let origin = own.or_else(derived).unwrap_or(DimensionOrigin::Absent);
            match origin {
                DimensionOrigin::Column(_) => {}
                DimensionOrigin::Derived(..) => self.absent.derived.push(column.to_owned()),
                DimensionOrigin::Absent => self.absent.dimensions.push(column.to_owned()),
            }
            self.dimensions.push(origin);
        }
    }
}

/// Where the weights stand, where they were asked for.
fn weight(
    path: &Path,
    header: &HeaderRow,
    line: u64,
    purpose: Purpose<'_>,
) -> Result<Option<(usize, String)>, SurveyError> {
    let Some(column) = &purpose.options.weight else {
        return Ok(None);
    };
    match header.find(column) {
        Some(_) if header.is_repeated(column) => Err(FileError::RepeatedColumn {
            path: path.to_owned(),
            line,
            column: column.clone(),
        }
        .into()),
        Some(at) => Ok(Some((at, column.clone()))),
        None => Err(FileError::NoWeights {
            path: path.to_owned(),
            column: column.clone(),
        }
        .into()),
    }
}

/// Reads rows one at a time into the store.
struct CodeReader<'a> {
    plan: ColumnPlan,
    people: Intake<'a>,
    countries: BTreeSet<i32>,
}

impl CodeReader<'_> {
    fn value(&self, line: u64, column: &str, field: &[u8], expected: Expected) -> FileError {
        FileError::Value {
            path: self.people.path.to_owned(),
            line,
            column: column.to_owned(),
            found: shown(field),
            expected,
        }
    }

    fn code(&self, row: &ByteRecord, line: u64, at: usize, column: &str) -> Result<Code, FileError> {
        let field = &row[at];
        code::parse(field).ok_or_else(|| {
            if std::str::from_utf8(field).is_err() {
                let found = format!("column {column} has bytes that are not UTF-8");
                FileError::Encoding {
                    path: self.people.path.to_owned(),
                    line,
                    found,
                }
            } else {
                self.value(line, column, field, Expected::Code)
            }
        })
    }

    fn row(&mut self, row: &ByteRecord, line: u64) -> Result<(), FileError> {
        let person = &self.people.survey.person;
        self.people.rows += 1;
        self.answers(row, line)?;
        self.dimensions(row, line)?;
        let country = match self.plan.country {
            Some(at) => self.code(row, line, at, &person.group)?,
            None => Code::Blank,
        };
        let country = match country {
            Code::Number(number) => i32::try_from(number).unwrap_or(MISSING_CODE),
            Code::Blank => MISSING_CODE,
        };
        self.countries.insert(country);
        let field = &row[self.plan.id];
        let text = std::str::from_utf8(field).unwrap_or_default();
        let id = interview::id(text).map_err(|expected| self.value(line, &person.id, field, expected))?;
        let weight = match &self.plan.weight {
            Some((at, column)) => {
                let weight = code::parse_weight(&row[*at]);
                Some(weight.ok_or_else(|| self.value(line, column, &row[*at], Expected::Weight))?)
            }
            None => None,
        };
        if self.people.keep(&id, country)
            && let Some(weight) = weight
        {
            self.people.respondents.weigh(weight);
        }
        Ok(())
    }

    fn answers(&mut self, row: &ByteRecord, line: u64) -> Result<(), FileError> {
        for at in 0..self.plan.questions.len() {
            let Some(column) = self.plan.questions[at] else {
                continue;
            };
            let question = &self.people.catalogue.questions[at];
            let code = match code::parse(&row[column]) {
                Some(code) => code,
                // The slow way once more, for the error with the column's name.
                None => self.code(row, line, column, &question.id.to_string())?,
            };
            let groups = match code {
                Code::Number(number) => self.people.tables[at].groups(question, number),
                Code::Blank => None,
            };
            (self.people.refined[at], self.people.polar[at]) = groups.unwrap_or((MISSING, MISSING));
            match code {
                _ if groups.is_some() => {}
                Code::Number(number) if !code.is_missing(self.people.survey) => {
                    self.people.tally.unknown(&question.id.to_string(), number)
                }
                _ => self.people.tally.missing(code),
            }
        }
        Ok(())
    }

    fn dimensions(&mut self, row: &ByteRecord, line: u64) -> Result<(), FileError> {
        for at in 0..self.plan.dimensions.len() {
            let column = self.people.demographics.dimensions[at].column.as_str();
            let code = match self.plan.dimensions[at] {
                DimensionOrigin::Column(from) => self.code(row, line, from, column)?,
                DimensionOrigin::Derived(from, derived) => match self.code(row, line, from, &derived.column)? {
                    code if code.is_missing(self.people.survey) => Code::Blank,
                    Code::Number(number) => derived.code(number).map_or(Code::Blank, Code::Number),
                    Code::Blank => Code::Blank,
                },
                DimensionOrigin::Absent => Code::Blank,
            };
            self.people.values[at] = self.people.tally.demographic(self.people.demographics, at, code);
        }
        Ok(())
    }
}

/// Reads the rows below the header.
pub(super) fn read(opened: Opened, layout: TableLayout, purpose: Purpose<'_>) -> Result<SurveyFile, SurveyError> {
    let Opened { path, input, member } = opened;
    let plan = ColumnPlan::new(&path, &layout.header, layout.lines, purpose)?;
    let mut reader = CodeReader {
        plan,
        people: Intake::new(&path, purpose, layout.header.is_synthetic()),
        countries: BTreeSet::new(),
    };
    let mut rows = TableRows::new(&path, input, &layout);
    while let Some((row, line)) = rows.next()? {
        reader.row(row, line)?;
    }
    let found = FileShape {
        kind: if reader.countries.len() > 1 {
            FileKind::CrossNational
        } else {
            FileKind::Country
        },
        columns: layout.header.width,
        empty_rows: rows.empty_rows(),
        member,
        is_long: false,
        layout: Some(layout),
    };
    Ok(reader.people.finish(found, reader.plan.absent)?)
}
