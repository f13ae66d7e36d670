//! A table of a survey that a definition describes.

use std::collections::HashMap;
use std::path::Path;

use csv::ByteRecord;

use super::super::builtin::BuiltinSurvey;
use super::super::definition::{
    AnswerMatch, CellMeaning, CellReading, DefinedTable, DimensionColumn, MissingCells, Retest, SurveyDefinition,
};
use super::super::demographics::Demographics;
use super::super::error::SurveyError;
use super::super::file_error::{Expected, FileError};
use super::super::respondents::{MISSING, MISSING_CODE, Respondents};
use super::super::types::Catalogue;
use super::super::undefined::{NamedThing, UndefinedNames};
use super::header::HeaderRow;
use super::heading::layout;
use super::intake::{AbsentColumns, FileShape, Intake};
use super::long::{CellLines, LongTable};
use super::meant_column::{ColumnReading, MeantColumn};
use super::report::{FileKind, ReadOptions};
use super::rows::TableRows;
use super::sniff::TableLayout;
use super::{Purpose, SurveyFile, code, input, interview, shown};

/// Columns, and what stands in them in the rows that are read.
type KeptRows = Vec<(usize, Vec<AnswerMatch>)>;

impl DefinedTable {
    /// Whether a row is read.
    fn keeps(&self, columns: &KeptRows, row: &ByteRecord) -> bool {
        let mut columns = columns.iter();
        columns.all(|(at, values)| is_one_of(&self.missing, &row[*at], values))
    }
}

/// Which column holds what.
struct DefinedPlan {
    id: Vec<usize>,
    weight: Option<(usize, String)>,
    keep: KeptRows,
    questions: Vec<MeantColumn>,
    /// The same questions asked again, in columns of their own.
    second: Vec<MeantColumn>,
    dimensions: Vec<MeantColumn>,
    /// The column that tells first rows from second ones, and its two values.
    rows: Option<(usize, [AnswerMatch; 2])>,
}

/// Columns by name or place.
struct Places<'a> {
    path: &'a Path,
    header: &'a HeaderRow,
    line: u64,
    /// The name of the column that holds the questions, and these, where a row is an answer: they stand in the header
    /// behind the file's own columns.
    asked: Option<(&'a str, &'a [String])>,
    absent: Vec<String>,
    /// Questions that are not among those.
    unasked: Vec<String>,
}

impl<'a> Places<'a> {
    fn new(path: &'a Path, header: &'a HeaderRow, line: u64) -> Self {
        Self {
            path,
            header,
            line,
            asked: None,
            absent: Vec::new(),
            unasked: Vec::new(),
        }
    }

    /// The same for a table whose column of this name holds questions.
    fn asked(self, column: &'a str, questions: &'a [String]) -> Self {
        Self {
            asked: Some((column, questions)),
            ..self
        }
    }

    /// Whether all that was looked for is there.
    fn all_there(self) -> Result<(), FileError> {
        let mut known = self.header.names();
        let (sought, names, known) = match (self.absent.is_empty(), self.asked) {
            (true, Some((column, questions))) => {
                let column = NamedThing::Question(column.to_owned());
                (column, self.unasked, questions.to_vec())
            }
            (_, Some((_, questions))) => {
                known.truncate(known.len().saturating_sub(questions.len()));
                (NamedThing::Column(self.line), self.absent, known)
            }
            (_, None) => (NamedThing::Column(self.line), self.absent, known),
        };
        match names.is_empty() {
            true => Ok(()),
            false => Err(FileError::Undefined(Box::new(UndefinedNames {
                path: self.path.to_owned(),
                sought,
                names,
                known,
            }))),
        }
    }

    /// Where a column is: by its name, or by its place (`#12`, counted from 1).
    fn find(&mut self, name: &str) -> Result<usize, FileError> {
        let place = name.strip_prefix('#').and_then(|digits| digits.parse::<usize>().ok());
        if let Some(at) = self.header.exact(name) {
            return match self.header.is_repeated(name) {
                false => Ok(at),
                true => Err(FileError::RepeatedColumn {
                    path: self.path.to_owned(),
                    line: self.line,
                    column: name.to_owned(),
                }),
            };
        }
        if let Some(at) = place.filter(|&at| (1..=self.header.width).contains(&at)) {
            return Ok(at - 1);
        }
        self.absent.push(name.to_owned());
        Ok(0)
    }

    fn column(&mut self, name: &str, reading: &CellReading) -> Result<MeantColumn, FileError> {
        let reading = match reading {
            CellReading::Single(answers) => ColumnReading::Single(answers.iter().map(|(one, _)| one.clone()).collect()),
            CellReading::Chosen { separator, option } => ColumnReading::Chosen {
                separator: separator.clone(),
                option: option.clone(),
            },
            CellReading::Marked { columns } => ColumnReading::Marked {
                columns: columns.iter().map(|name| self.find(name)).collect::<Result<_, _>>()?,
            },
        };
        let absent = self.absent.len();
        let at = self.find(name)?;
        if self.asked.is_some() {
            self.unasked.extend(self.absent.drain(absent..));
        }
        Ok(MeantColumn::new(at, name, reading))
    }

    /// The columns that say which rows are read, and how.
    fn kept(&mut self, table: &DefinedTable) -> Result<KeptRows, FileError> {
        let columns = table.keep.iter();
        columns
            .map(|(name, values)| Ok((self.find(name)?, values.clone())))
            .collect()
    }

    fn dimension(&mut self, dimension: &DimensionColumn) -> Result<MeantColumn, FileError> {
        let at = self.find(&dimension.column)?;
        let reading = ColumnReading::Single(dimension.answers.clone());
        Ok(MeantColumn::new(at, &dimension.column, reading))
    }
}

impl DefinedPlan {
    fn new(
        places: &mut Places<'_>,
        table: &DefinedTable,
        weight: Option<&str>,
        again: bool,
    ) -> Result<Self, FileError> {
        let (first, second) = match &table.retest {
            Some(Retest::Suffix([first, second])) => (first.as_str(), Some(second.as_str())),
            _ => ("", None),
        };
        let questions = |places: &mut Places<'_>, end: &str| {
            let columns = table.questions.iter();
            let columns = columns.map(|one| places.column(&format!("{}{end}", one.column), &one.reading));
            columns.collect::<Result<Vec<_>, _>>()
        };
        let weight = weight.or(table.weight.as_deref()).filter(|_| !again);
        Ok(Self {
            id: table
                .id
                .iter()
                .map(|name| places.find(name))
                .collect::<Result<_, _>>()?,
            weight: weight
                .map(|name| Ok::<_, FileError>((places.find(name)?, name.to_owned())))
                .transpose()?,
            keep: places.kept(table)?,
            questions: questions(places, first)?,
            second: second.map_or_else(|| Ok(Vec::new()), |end| questions(places, end))?,
            dimensions: match again {
                true => Vec::new(),
                false => table
                    .dimensions
                    .iter()
                    .map(|one| places.dimension(one))
                    .collect::<Result<_, _>>()?,
            },
            rows: match &table.retest {
                Some(Retest::Rows { column, values }) => Some((places.find(column)?, values.clone())),
                _ => None,
            },
        })
    }
}

/// Polar answers by id.
type PolarById = Vec<(String, Vec<u8>)>;

/// Reads rows into the store.
struct DefinedRows<'a> {
    plan: DefinedPlan,
    table: &'a DefinedTable,
    people: Intake<'a>,
    /// Polar answers that were given again, by id.
    again: PolarById,
    /// In which line somebody's id is, where a column has it.
    lines: HashMap<String, u64>,
}

impl DefinedRows<'_> {
    fn fault(&self, line: u64, column: &str, cell: &[u8], expected: Expected) -> FileError {
        FileError::Value {
            path: self.people.path.to_owned(),
            line,
            column: column.to_owned(),
            found: shown(cell),
            expected,
        }
    }

    /// The id of a row: its number where no column tells people apart.
    fn id(&self, row: &ByteRecord, lines: CellLines<'_>) -> Result<String, FileError> {
        if self.plan.id.is_empty() {
            return Ok(self.people.rows.to_string());
        }
        let mut parts = Vec::with_capacity(self.plan.id.len());
        for (&at, name) in self.plan.id.iter().zip(&self.table.id) {
            let text = String::from_utf8_lossy(&row[at]);
            match interview::id(&text) {
                Ok(id) => parts.push(id.into_owned()),
                Err(Expected::Interview) => return Err(self.fault(lines.of(at), name, &row[at], Expected::Person)),
                Err(expected) => return Err(self.fault(lines.of(at), name, &row[at], expected)),
            }
        }
        Ok(parts.join("-"))
    }

    fn row(&mut self, row: &ByteRecord, lines: CellLines<'_>) -> Result<(), FileError> {
        if !self.table.keeps(&self.plan.keep, row) {
            return Ok(());
        }
        self.people.rows += 1;
        let id = self.id(row, lines)?;
        let which = self.plan.rows.as_ref().map(|(at, values)| {
            let of = |value: &AnswerMatch| is_one_of(&self.table.missing, &row[*at], std::slice::from_ref(value));
            (of(&values[0]), of(&values[1]))
        });
        match which {
            Some((false, true)) => {
                let (_, polar) = self.answers(row, lines, false)?;
                self.again.push((id, polar));
                return Ok(());
            }
            Some((false, false)) => return Ok(()),
            _ => {}
        }
        // A second row under an id would be among the others that its person is compared with.
        if let Some(&at) = self.plan.id.first().filter(|_| self.people.refuses_repeated())
            && let Some(before) = self.lines.insert(id.clone(), lines.of(at))
        {
            let name = self.table.id.join(", ");
            return Err(self.fault(lines.of(at), &name, id.as_bytes(), Expected::NewPerson(before)));
        }
        (self.people.refined, self.people.polar) = self.answers(row, lines, false)?;
        self.dimensions(row, lines)?;
        let weight = match &self.plan.weight {
            None => None,
            Some((at, column)) => {
                let weight = code::parse_weight(&row[*at]);
                Some(weight.ok_or_else(|| self.fault(lines.of(*at), column, &row[*at], Expected::Weight))?)
            }
        };
        let country = self.people.demographics.country;
        let country = country.map_or(MISSING_CODE, |at| self.people.values[at]);
        if self.people.keep(&id, country)
            && let Some(weight) = weight
        {
            self.people.respondents.weigh(weight);
        }
        if !self.plan.second.is_empty() {
            let (_, polar) = self.answers(row, lines, true)?;
            self.again.push((id, polar));
        }
        Ok(())
    }

    /// Refined and polar answers of a row, by question; those of the second columns where `second`.
    fn answers(
        &mut self,
        row: &ByteRecord,
        lines: CellLines<'_>,
        second: bool,
    ) -> Result<(Vec<u8>, Vec<u8>), FileError> {
        let questions = self.plan.questions.len();
        let (mut refined, mut polar) = (vec![MISSING; questions], vec![MISSING; questions]);
        for at in 0..questions {
            let columns = match second {
                true => &mut self.plan.second,
                false => &mut self.plan.questions,
            };
            let column = &mut columns[at];
            match column.meaning(row, &self.table.missing) {
                CellMeaning::Answer(answer) => {
                    self.people.tally.given();
                    refined[at] = answer as u8;
                    polar[at] = match &self.table.questions[at].reading {
                        CellReading::Single(answers) => answers[answer].1,
                        CellReading::Chosen { .. } | CellReading::Marked { .. } => answer as u8,
                    };
                }
                CellMeaning::Missing => self.people.tally.named("missing"),
                CellMeaning::NotAsked => self.people.tally.named("not asked"),
                CellMeaning::Other if self.table.missing.lenient => {
                    let text = shown(&row[column.at]);
                    self.people
                        .tally
                        .unknown_text(&self.people.catalogue.questions[at].id.to_string(), &text);
                }
                CellMeaning::Other => {
                    let (cell, name) = (column.at, column.name.clone());
                    return Err(self.fault(lines.of(cell), &name, &row[cell], self.table.missing.expected()));
                }
            }
        }
        Ok((refined, polar))
    }

    fn dimensions(&mut self, row: &ByteRecord, lines: CellLines<'_>) -> Result<(), FileError> {
        for at in 0..self.plan.dimensions.len() {
            let column = &mut self.plan.dimensions[at];
            self.people.values[at] = match column.meaning(row, &self.table.missing) {
                CellMeaning::Answer(answer) => answer as i32 + 1,
                CellMeaning::Other if !self.table.missing.lenient => {
                    let (cell, name) = (column.at, column.name.clone());
                    return Err(self.fault(lines.of(cell), &name, &row[cell], self.table.missing.expected()));
                }
                _ => MISSING_CODE,
            };
        }
        Ok(())
    }
}

fn is_one_of(missing: &MissingCells, cell: &[u8], values: &[AnswerMatch]) -> bool {
    matches!(
        missing.meaning(&String::from_utf8_lossy(cell), values),
        CellMeaning::Answer(_)
    )
}

impl SurveyFile {
    /// Reads a file as a definition describes it, second answers among it.
    pub(in super::super) fn read_defined(
        path: &Path,
        (catalogue, demographics): (&Catalogue, &Demographics),
        definition: &SurveyDefinition,
        options: &ReadOptions,
    ) -> Result<Self, SurveyError> {
        let purpose = Purpose {
            survey: BuiltinSurvey::get()?,
            catalogue,
            demographics,
            options,
        };
        let (mut file, mut again) = read(path, purpose, &definition.table, false)?;
        if let Some(Retest::File(second)) = &definition.table.retest {
            let (_, polar) = read(second, purpose, &definition.table, true)?;
            again = polar;
        }
        for (id, polar) in again {
            file.respondents.answered_again(&id, polar);
        }
        Ok(file)
    }
}

/// The people of a file, and the answers that were given again. Of a file of second answers (`second`) everybody's are.
fn read(
    path: &Path,
    purpose: Purpose<'_>,
    table: &DefinedTable,
    second: bool,
) -> Result<(SurveyFile, PolarById), SurveyError> {
    let (mut source, member) = input::open(path, |_, _| true)?;
    let layout = layout(path, &mut source, table)?;
    let mut rows = TableRows::new(path, source, &layout);
    let long = long_table(path, &layout, &mut rows, table)?;
    let header = long.as_ref().map_or(&layout.header, |long| &long.header);
    let mut places = Places::new(path, header, layout.lines);
    if let (Some(long), Some(columns)) = (&long, &table.long) {
        places = places.asked(&columns.question, &long.questions);
    }
    let plan = DefinedPlan::new(&mut places, table, purpose.options.weight.as_deref(), second)?;
    places.all_there()?;
    let mut reader = DefinedRows {
        plan,
        table,
        people: Intake::new(path, purpose, header.is_synthetic()),
        again: Vec::new(),
        lines: HashMap::new(),
    };
    match &long {
        Some(long) => {
            long.each(|row, lines| reader.row(row, lines))?;
            reader.people.rows = long.rows;
        }
        None => {
            while let Some((row, first)) = rows.next()? {
                reader.row(row, CellLines { first, cells: &[] })?;
            }
        }
    }
    let found = FileShape {
        kind: FileKind::Defined,
        columns: layout.header.width,
        empty_rows: rows.empty_rows(),
        member,
        is_long: long.is_some(),
        layout: Some(layout),
    };
    let again = match second {
        false => reader.again,
        true => everybody(&reader.people.respondents),
    };
    if reader.people.rows == 0 && !table.keep.is_empty() {
        return Err(FileError::NothingKept {
            path: path.to_owned(),
            columns: table.keep.iter().map(|(column, _)| column.clone()).collect(),
        }
        .into());
    }
    Ok((reader.people.finish(found, AbsentColumns::default())?, again))
}

/// The rows of a table with a row an answer, put together.
fn long_table(
    path: &Path,
    layout: &TableLayout,
    rows: &mut TableRows<'_>,
    table: &DefinedTable,
) -> Result<Option<LongTable>, SurveyError> {
    let Some(long) = &table.long else { return Ok(None) };
    let mut places = Places::new(path, &layout.header, layout.lines);
    let kept = places.kept(table)?;
    places.all_there()?;
    let about = (&layout.header, layout.lines);
    let keep = |row: &ByteRecord| table.keeps(&kept, row);
    LongTable::read(path, rows, about, (table, long), keep).map(Some)
}

/// The polar answers of all people.
fn everybody(people: &Respondents) -> PolarById {
    let polar = |at| people.groups(at, super::Form::Polar).to_vec();
    (0..people.len())
        .map(|at| (people.id(at).to_owned(), polar(at)))
        .collect()
}
