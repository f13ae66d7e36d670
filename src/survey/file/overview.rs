//! What stands in the columns of a table that nothing is known about yet.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::super::error::SurveyError;
use super::super::file_error::FileError;
use super::header::HeaderRow;
use super::input;
use super::report::Separator;
use super::rows::TableRows;
use super::sniff::{BYTE_ORDER_MARK, TableLayout, read_line, separator_of};

/// Different values of a column that are kept; of more only their number is known.
const MOST_VALUES: usize = 40;

/// A table of text, column by column.
pub(in super::super) struct TableOverview {
    /// Rows above the people.
    pub(in super::super) header_rows: usize,
    /// What separates columns.
    pub(in super::super) separator: char,
    pub(in super::super) rows: u64,
    pub(in super::super) columns: Vec<ColumnOverview>,
}

/// One column.
#[derive(Default)]
pub(in super::super) struct ColumnOverview {
    pub(in super::super) name: String,
    /// What stands below the name where there are several rows of names: the question's text, as a rule.
    pub(in super::super) text: String,
    /// Whether another column has the same name.
    pub(in super::super) repeated: bool,
    /// Values and how often each was met, as far as there are few.
    pub(in super::super) values: BTreeMap<String, u64>,
    /// Number of different values.
    pub(in super::super) distinct: usize,
    pub(in super::super) blank: u64,
    /// How often each value was met, of however many.
    met: HashMap<Box<[u8]>, u64>,
}

/// Reads a table whose first row names the columns. A file of Qualtrics has two rows more, the third full of ImportIds.
pub(in super::super) fn overview(path: &Path) -> Result<TableOverview, SurveyError> {
    let (source, text, layout) = opened(path)?;
    let separator = layout.separator;
    let names = cells(&text, separator);
    let mut columns: Vec<ColumnOverview> = names
        .iter()
        .map(|name| {
            let alike = names.iter().filter(|other| other.trim() == name.trim());
            ColumnOverview::named(name.trim(), alike.count() > 1)
        })
        .collect();
    let mut rows = TableRows::new(path, source, &layout);
    let (mut count, mut above) = (0, Vec::new());
    while let Some((row, _)) = rows.next()? {
        let row: Vec<&[u8]> = row.iter().take(columns.len()).collect();
        if count < 2 && above.len() < 2 {
            above.push(
                row.iter()
                    .map(|cell| String::from_utf8_lossy(cell).into_owned())
                    .collect::<Vec<_>>(),
            );
            if above.len() == 2 && above[1].iter().any(|cell| cell.contains("\"ImportId\"")) {
                // Both rows were names; what was counted of them is forgotten.
                for (at, column) in columns.iter_mut().enumerate() {
                    *column = ColumnOverview::named(&column.name, column.repeated);
                    column.text = above[0].get(at).cloned().unwrap_or_default();
                }
                count = 0;
                continue;
            }
        }
        count += 1;
        for (at, cell) in row.iter().enumerate() {
            columns[at].meet(cell.trim_ascii());
        }
    }
    if count == 0 {
        return Err(FileError::NoRows { path: path.to_owned() }.into());
    }
    let described = columns.iter().any(|column| !column.text.is_empty());
    Ok(TableOverview {
        header_rows: if described { 3 } else { 1 },
        separator: char::from(separator.byte()),
        rows: count,
        columns,
    })
}

/// A table behind its first row, that row, and what it says of the others.
fn opened(path: &Path) -> Result<(input::ByteSource, String, TableLayout), SurveyError> {
    use std::io::BufRead as _;
    let failed = |error| SurveyError::io("read", path, error);
    let (mut source, _) = input::open(path, |_, _| true)?;
    while source.fill_buf().map_err(failed)?.starts_with(BYTE_ORDER_MARK) {
        source.consume(BYTE_ORDER_MARK.len());
    }
    let mut line = Vec::new();
    read_line(&mut source, &mut line).map_err(failed)?;
    if line.trim_ascii().is_empty() {
        return Err(FileError::Empty { path: path.to_owned() }.into());
    }
    let text = String::from_utf8_lossy(&line).into_owned();
    let separator = separator_of(&text).ok_or_else(|| FileError::Separator {
        path: path.to_owned(),
        line: 1,
    })?;
    let lines = line.iter().filter(|&&byte| byte == b'\n').count().max(1) as u64;
    let layout = TableLayout {
        separator,
        header: HeaderRow::plain(&text, separator, false),
        lines,
        skipped: Vec::new(),
    };
    Ok((source, text, layout))
}

impl TableOverview {
    /// Hands over the rows of a table of one row of names, at `path` again: its cells without the spaces around them.
    ///
    /// # Errors
    /// As [`overview`].
    pub(in super::super) fn each_row(path: &Path, mut take: impl FnMut(&[&[u8]])) -> Result<(), SurveyError> {
        let (source, _, layout) = opened(path)?;
        let mut rows = TableRows::new(path, source, &layout);
        while let Some((row, _)) = rows.next()? {
            let cells: Vec<&[u8]> = row.iter().map(<[u8]>::trim_ascii).collect();
            take(&cells);
        }
        Ok(())
    }
}

impl ColumnOverview {
    /// A column in which nothing was met yet.
    pub(in super::super) fn named(name: &str, repeated: bool) -> Self {
        Self {
            name: name.to_owned(),
            repeated,
            ..Self::default()
        }
    }

    /// Counts one more cell, without spaces around it.
    pub(in super::super) fn meet(&mut self, cell: &[u8]) {
        if cell.is_empty() || cell == b"NA" {
            self.blank += 1;
            return;
        }
        match self.met.get_mut(cell) {
            Some(times) => *times += 1,
            None => {
                self.met.insert(cell.into(), 1);
                self.distinct += 1;
            }
        }
        let text = String::from_utf8_lossy(cell).into_owned();
        if self.values.len() < MOST_VALUES || self.values.contains_key(&text) {
            *self.values.entry(text).or_default() += 1;
        }
    }

    /// Whether every value was met equally often.
    pub(in super::super) fn is_even(&self) -> bool {
        let mut times = self.met.values();
        times.next().is_none_or(|first| times.all(|other| other == first))
    }
}

fn cells(line: &str, separator: Separator) -> Vec<String> {
    let reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(separator.byte())
        .from_reader(line.as_bytes());
    let first = reader.into_records().map_while(Result::ok).next();
    first.map_or_else(Vec::new, |record| record.iter().map(str::to_owned).collect())
}
