//! A column of a table that a definition describes, and what its cells mean.

use std::collections::HashMap;

use csv::ByteRecord;

use crate::survey::definition::{AnswerMatch, CellMeaning, MissingCells};

/// Cells of a column whose meaning is remembered: texts and codes of a survey are few, numbers may be many.
const REMEMBERED: usize = 4096;

/// A column and what its cells mean.
pub(super) struct MeantColumn {
    pub at: usize,
    pub name: String,
    reading: ColumnReading,
    known: HashMap<Box<[u8]>, CellMeaning>,
}

pub(super) enum ColumnReading {
    /// What each answer looks like.
    Single(Vec<AnswerMatch>),
    Chosen {
        separator: String,
        option: String,
    },
    Marked {
        columns: Vec<usize>,
    },
}

impl MeantColumn {
    /// The column at `at`, of which no cell has been read.
    pub fn new(at: usize, name: &str, reading: ColumnReading) -> Self {
        Self {
            at,
            name: name.to_owned(),
            reading,
            known: HashMap::new(),
        }
    }

    /// What its cell in a row means.
    pub fn meaning(&mut self, row: &ByteRecord, missing: &MissingCells) -> CellMeaning {
        if let ColumnReading::Marked { columns } = &self.reading {
            return marked(row, self.at, columns);
        }
        let cell = &row[self.at];
        if let Some(&known) = self.known.get(cell) {
            return known;
        }
        let text = String::from_utf8_lossy(cell);
        let meaning = match &self.reading {
            ColumnReading::Single(answers) => missing.meaning(&text, answers),
            ColumnReading::Chosen { separator, option } => match missing.meaning(&text, []) {
                CellMeaning::Other => CellMeaning::Answer(usize::from(!holds(&text, separator, option))),
                known => known,
            },
            ColumnReading::Marked { .. } => CellMeaning::Missing,
        };
        if self.known.len() < REMEMBERED {
            self.known.insert(cell.into(), meaning);
        }
        meaning
    }
}

/// Yes (0) where the option's own column has something in it, no (1) where another option's has.
fn marked(row: &ByteRecord, own: usize, columns: &[usize]) -> CellMeaning {
    let chosen = |at: usize| !matches!(row[at].trim_ascii(), b"" | b"0" | b"NA");
    match (chosen(own), columns.iter().any(|&at| chosen(at))) {
        (true, _) => CellMeaning::Answer(0),
        (false, true) => CellMeaning::Answer(1),
        (false, false) => CellMeaning::Missing,
    }
}

/// Whether a cell of several options holds one of them. Options may hold the separator themselves.
fn holds(cell: &str, separator: &str, option: &str) -> bool {
    let spaced = |text: &str| {
        let parts: Vec<&str> = text.split(separator).map(str::trim).collect();
        format!("{separator}{}{separator}", parts.join(separator))
    };
    spaced(cell).contains(&spaced(option))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_may_hold_what_separates_options() {
        let cell = "Gym, Waste management (food, trash), Bus pass";
        for (option, there) in [
            ("Gym", true),
            ("Waste management (food, trash)", true),
            ("Bus pass", true),
            ("Bus", false),
            ("trash)", true),
            ("Lunch", false),
        ] {
            assert_eq!(holds(cell, ",", option), there, "{option}");
        }
        assert!(holds("Gym;Lunch", ";", "Lunch") && !holds("Gym;Lunch", ";", "Lun"));
    }

    #[test]
    fn an_option_with_a_column_of_its_own_is_chosen_where_something_stands() {
        let row = |cells: &[&str]| ByteRecord::from(cells.to_vec());
        assert_eq!(marked(&row(&["1", ""]), 0, &[0, 1]), CellMeaning::Answer(0));
        assert_eq!(marked(&row(&["0", "Lunch"]), 0, &[0, 1]), CellMeaning::Answer(1));
        assert_eq!(marked(&row(&["", ""]), 0, &[0, 1]), CellMeaning::Missing);
    }
}
