//! Synthetic people as rows of the official CSV.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use super::super::builtin::SyntheticColumns;
use super::super::file::SYNTHETIC_COLUMN;
use super::super::question_id::QuestionId;
use super::super::types::Catalogue;
use super::person::{NOT_ASKED, SyntheticPerson, YEAR};

pub(super) struct SyntheticTable<'c, W: Write> {
    output: BufWriter<W>,
    catalogue: &'c Catalogue,
    columns: &'c SyntheticColumns,
}

impl<'c, W: Write> SyntheticTable<'c, W> {
    /// Writes the header.
    pub(super) fn new(output: W, catalogue: &'c Catalogue, columns: &'c SyntheticColumns) -> io::Result<Self> {
        let mut table = Self {
            output: BufWriter::new(output),
            catalogue,
            columns,
        };
        let before = columns.before.iter().map(|cell| cell.column.clone());
        let names = [SYNTHETIC_COLUMN.to_owned()].into_iter().chain(before);
        let names = names.chain(table.questions().map(|id| id.to_string()));
        let names: Vec<_> = names.chain(columns.after.iter().cloned()).collect();
        writeln!(table.output, "{}", names.join(","))?;
        Ok(table)
    }

    /// The questions that are columns, in order.
    fn questions(&self) -> impl Iterator<Item = QuestionId> + use<'c, W> {
        self.columns.numbers().map(QuestionId::number)
    }

    /// Writes one person; `answers` is aligned with the catalogue.
    pub(super) fn row(&mut self, number: usize, person: &SyntheticPerson<'_>, answers: &[i16]) -> io::Result<()> {
        let facts: HashMap<&str, i32> = person.facts.iter().copied().collect();
        write!(self.output, "synthetic")?;
        for cell in &self.columns.before {
            write!(self.output, ",{}", filled(&cell.value, number, person))?;
        }
        for id in self.questions() {
            let code = match self.catalogue.index_of(id) {
                Some(at) => i32::from(answers[at]),
                None => facts.get(id.to_string().as_str()).copied().unwrap_or(NOT_ASKED),
            };
            write!(self.output, ",{code}")?;
        }
        for column in &self.columns.after {
            let code = facts.get(column.as_str()).copied().unwrap_or(NOT_ASKED);
            write!(self.output, ",{code}")?;
        }
        writeln!(self.output)
    }

    /// Makes sure that everything is written.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// A value with what its placeholders stand for; `number` counts people from 0, files do from 1.
fn filled(value: &str, number: usize, person: &SyntheticPerson<'_>) -> String {
    if !value.contains('{') {
        return value.to_owned();
    }
    value
        .replace("{year}", &YEAR.to_string())
        .replace("{country}", &person.country.code.to_string())
        .replace("{alpha}", &person.country.alpha)
        .replace("{number}", &format!("{:05}", number + 1))
}
