//! Synthetic people as rows of the official CSV.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use super::super::file::SYNTHETIC_COLUMN;
use super::super::question_id::QuestionId;
use super::super::types::Catalogue;
use super::person::{NOT_ASKED, SyntheticPerson, YEAR};

/// Columns before the questions, in the official order, as far as they make sense for invented people.
const FRONT: [&str; 11] = [
    SYNTHETIC_COLUMN,
    "version",
    "doi",
    "A_WAVE",
    "A_YEAR",
    "A_STUDY",
    "B_COUNTRY",
    "B_COUNTRY_ALPHA",
    "D_INTERVIEW",
    "Q_MODE",
    "W_WEIGHT",
];

/// Columns after the questions.
const BACK: [&str; 2] = ["X003R", "Q288R"];

/// Questions 1 to 290 as columns; Q82 differs from region to region and is not one column in the official file either.
fn questions() -> impl Iterator<Item = QuestionId> {
    (1..=290).filter(|&number| number != 82).map(QuestionId::number)
}

pub(super) struct SyntheticTable<'c, W: Write> {
    output: BufWriter<W>,
    catalogue: &'c Catalogue,
}

impl<'c, W: Write> SyntheticTable<'c, W> {
    /// Writes the header.
    pub(super) fn new(output: W, catalogue: &'c Catalogue) -> io::Result<Self> {
        let mut output = BufWriter::new(output);
        let names = FRONT.map(str::to_owned).into_iter();
        let names = names.chain(questions().map(|id| id.to_string()));
        let names: Vec<_> = names.chain(BACK.map(str::to_owned)).collect();
        writeln!(output, "{}", names.join(","))?;
        Ok(Self { output, catalogue })
    }

    /// Writes one person; `answers` is aligned with the catalogue.
    pub(super) fn row(&mut self, number: usize, person: &SyntheticPerson<'_>, answers: &[i16]) -> io::Result<()> {
        let facts: HashMap<&str, i32> = person.facts.iter().copied().collect();
        let country = person.country;
        write!(
            self.output,
            "synthetic,synthetic,,7,{YEAR},2,{},{},synthetic-{:05},1,1",
            country.code,
            country.alpha,
            number + 1
        )?;
        for id in questions() {
            let code = match self.catalogue.index_of(id) {
                Some(at) => i32::from(answers[at]),
                None => facts.get(id.to_string().as_str()).copied().unwrap_or(NOT_ASKED),
            };
            write!(self.output, ",{code}")?;
        }
        for column in BACK {
            write!(self.output, ",{}", facts.get(column).copied().unwrap_or(NOT_ASKED))?;
        }
        writeln!(self.output)
    }

    /// Makes sure that everything is written.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.output.flush()
    }
}
