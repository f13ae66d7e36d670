//! A table with a row an answer, made into rows of people.
//!
//! All columns stay where they are, with what the person's first row has in them; behind them stands a column for each
//! question that the table names, so that everything else reads both layouts alike.

use std::collections::HashMap;
use std::path::Path;

use csv::ByteRecord;

use super::super::definition::{DefinedTable, LongColumns, Retest};
use super::super::error::SurveyError;
use super::super::file_error::{FileError, TwoCells};
use super::super::undefined::{NamedThing, UndefinedNames};
use super::header::HeaderRow;
use super::rows::TableRows;
use super::shown;

/// The lines of a file in which the cells of one person's row stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct CellLines<'a> {
    /// Where the row begins.
    pub(super) first: u64,
    /// By column; nothing where all stand in the first.
    pub(super) cells: &'a [u64],
}

impl CellLines<'_> {
    /// The line of a column's cell.
    pub(super) fn of(&self, column: usize) -> u64 {
        self.cells.get(column).copied().unwrap_or(self.first)
    }
}

/// Everybody's answers, a row a person.
pub(super) struct LongTable {
    /// The columns of the file, and behind them the questions.
    pub(super) header: HeaderRow,
    people: Vec<LongPerson>,
    /// What is asked, in the order in which the file first does.
    pub(super) questions: Vec<String>,
    /// Rows that were kept, an answer each.
    pub(super) rows: u64,
    /// The different texts of all answers.
    texts: Vec<Box<[u8]>>,
}

struct LongPerson {
    row: ByteRecord,
    line: u64,
    answers: Vec<LongAnswer>,
}

struct LongAnswer {
    /// Column behind those of the file.
    question: u32,
    /// Position among the different texts.
    text: u32,
    line: u64,
}

/// Columns of a long table.
struct LongPlan {
    question: usize,
    answer: usize,
    /// What tells rows of people apart.
    person: Vec<usize>,
    /// Columns that say the same in all rows of a person, by name.
    same: Vec<(usize, String)>,
}

/// A number for everything that is new.
fn number<K: std::hash::Hash + Eq>(known: &mut HashMap<K, u32>, key: K) -> (u32, bool) {
    let next = known.len() as u32;
    let number = *known.entry(key).or_insert(next);
    (number, number == next)
}

impl LongPlan {
    fn new(
        path: &Path,
        header: &HeaderRow,
        line: u64,
        table: &DefinedTable,
        long: &LongColumns,
    ) -> Result<Self, FileError> {
        let mut absent = Vec::new();
        let mut find = |name: &str| {
            header.exact(name).unwrap_or_else(|| {
                absent.push(name.to_owned());
                0
            })
        };
        let (question, answer) = (find(&long.question), find(&long.answer));
        let mut person: Vec<usize> = table.id.iter().map(|name| find(name)).collect();
        if let Some(Retest::Rows { column, .. }) = &table.retest {
            person.push(find(column));
        }
        if !absent.is_empty() {
            return Err(FileError::Undefined(Box::new(UndefinedNames {
                path: path.to_owned(),
                sought: NamedThing::ColumnOfLong(line),
                names: absent,
                known: header.names(),
            })));
        }
        let facts = table
            .dimensions
            .iter()
            .map(|dimension| &dimension.column)
            .chain(&table.weight);
        let same = facts.filter_map(|name| Some((header.exact(name)?, name.clone())));
        Ok(Self {
            question,
            answer,
            person,
            same: same.collect(),
        })
    }
}

impl LongTable {
    /// Reads all rows that `keep` keeps.
    pub(super) fn read(
        path: &Path,
        rows: &mut TableRows<'_>,
        (header, line): (&HeaderRow, u64),
        (table, long): (&DefinedTable, &LongColumns),
        keep: impl Fn(&ByteRecord) -> bool,
    ) -> Result<Self, SurveyError> {
        let plan = LongPlan::new(path, header, line, table, long)?;
        let mut people: Vec<LongPerson> = Vec::new();
        let (mut known, mut questions, mut texts) = (HashMap::new(), HashMap::new(), HashMap::new());
        let (mut names, mut different) = (Vec::new(), Vec::new());
        let mut kept = 0;
        while let Some((row, line)) = rows.next()? {
            if !keep(row) {
                continue;
            }
            kept += 1;
            let key: Vec<Box<[u8]>> = plan.person.iter().map(|&at| row[at].trim_ascii().into()).collect();
            let (person, new) = number(&mut known, key);
            if new {
                people.push(LongPerson {
                    row: row.clone(),
                    line,
                    answers: Vec::new(),
                });
            }
            let person = &mut people[person as usize];
            person.agrees(path, &plan, row, line)?;
            let (question, new) = number(&mut questions, row[plan.question].trim_ascii().to_vec());
            if new {
                names.push(String::from_utf8_lossy(row[plan.question].trim_ascii()).into_owned());
            }
            let (text, new) = number(&mut texts, row[plan.answer].to_vec());
            if new {
                different.push(row[plan.answer].into());
            }
            person.answers.push(LongAnswer { question, text, line });
        }
        let table = Self {
            header: header.with(&names),
            people,
            questions: names,
            rows: kept,
            texts: different,
        };
        table.once(path, &plan)?;
        Ok(table)
    }

    /// Nobody answers a question in two ways.
    fn once(&self, path: &Path, plan: &LongPlan) -> Result<(), FileError> {
        for person in &self.people {
            let mut seen: HashMap<u32, &LongAnswer> = HashMap::new();
            for answer in &person.answers {
                let before = seen.insert(answer.question, answer);
                if let Some(before) = before.filter(|before| before.text != answer.text) {
                    return Err(FileError::TwoCells(Box::new(TwoCells {
                        path: path.to_owned(),
                        line: answer.line,
                        column: self.questions[answer.question as usize].clone(),
                        found: shown(&self.texts[answer.text as usize]),
                        person: plan.name(&person.row),
                        before: shown(&self.texts[before.text as usize]),
                        before_line: before.line,
                    })));
                }
            }
        }
        Ok(())
    }

    /// Hands over the people one by one: the cells of a row of [`header`](Self::header), and their lines. What a person was
    /// not asked is empty.
    pub(super) fn each<E>(&self, mut take: impl FnMut(&ByteRecord, CellLines<'_>) -> Result<(), E>) -> Result<(), E> {
        let own = self.header.width - self.questions.len();
        let mut row = ByteRecord::new();
        for person in &self.people {
            let mut cells: Vec<&[u8]> = person.row.iter().take(own).collect();
            cells.resize(self.header.width, b"");
            let mut lines = vec![person.line; self.header.width];
            for answer in &person.answers {
                cells[own + answer.question as usize] = &self.texts[answer.text as usize];
                lines[own + answer.question as usize] = answer.line;
            }
            row.clear();
            cells.iter().for_each(|cell| row.push_field(cell));
            take(
                &row,
                CellLines {
                    first: person.line,
                    cells: &lines,
                },
            )?;
        }
        Ok(())
    }
}

impl LongPerson {
    /// Whether a further row of the same person says the same of them.
    fn agrees(&self, path: &Path, plan: &LongPlan, row: &ByteRecord, line: u64) -> Result<(), FileError> {
        let other = |(at, _): &&(usize, String)| row[*at].trim_ascii() != self.row[*at].trim_ascii();
        match plan.same.iter().find(other) {
            None => Ok(()),
            Some((at, column)) => Err(FileError::TwoCells(Box::new(TwoCells {
                path: path.to_owned(),
                line,
                column: column.clone(),
                found: shown(&row[*at]),
                person: plan.name(&self.row),
                before: shown(&self.row[*at]),
                before_line: self.line,
            }))),
        }
    }
}

impl LongPlan {
    /// What tells the person of a row from others.
    fn name(&self, row: &ByteRecord) -> String {
        let parts = self
            .person
            .iter()
            .map(|&at| String::from_utf8_lossy(row[at].trim_ascii()));
        parts.collect::<Vec<_>>().join("-")
    }
}
