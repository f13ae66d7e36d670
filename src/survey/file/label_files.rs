//! Label files as they stand on disk: JSON lines or CSV, turned into rows of cells.

use std::io::{BufRead as _, Read as _};

use super::super::error::SurveyError;
use super::super::file_error::FileError;
use super::cells::{Cell, parse_object, unplaced};
use super::code::{self, Code};
use super::intake::{FileShape, Intake};
use super::labels::{Columns, LabelReader};
use super::report::FileKind;
use super::rows::{LONGEST_ROW, TableRows};
use super::sniff::{Opened, TableLayout};
use super::{Purpose, SurveyFile};

/// Label files carry no weights.
fn refuse_weights(path: &std::path::Path, purpose: Purpose<'_>) -> Result<(), FileError> {
    match &purpose.options.weight {
        None => Ok(()),
        Some(column) => Err(FileError::NoWeights {
            path: path.to_owned(),
            column: column.clone(),
        }),
    }
}

/// Reads JSON lines.
pub(super) fn read_json(opened: Opened, purpose: Purpose<'_>) -> Result<SurveyFile, SurveyError> {
    let Opened {
        path,
        mut input,
        member,
    } = opened;
    refuse_weights(&path, purpose)?;
    let columns = Columns::new(purpose);
    let names = columns.names.iter().enumerate();
    let index = names.map(|(at, name)| (name.as_str(), at)).collect();
    let mut cells = vec![Cell::Absent; columns.names.len()];
    let mut reader: Option<LabelReader<'_>> = None;
    let mut line = Vec::new();
    let (mut number, mut keys) = (0, 0);
    loop {
        line.clear();
        number += 1;
        if !next_line(&path, &mut input, number, &mut line)? {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let text = std::str::from_utf8(&line).map_err(|_| FileError::Encoding {
            path: path.clone(),
            line: number,
            found: "bytes that are not UTF-8".to_owned(),
        })?;
        cells.fill(Cell::Absent);
        let found = parse_object(text, &index, &mut cells).map_err(|error| FileError::Json {
            path: path.clone(),
            line: number,
            problem: unplaced(&error),
        })?;
        let reader = reader.get_or_insert_with(|| {
            keys = found;
            LabelReader::new(&columns, Intake::new(&path, purpose, cells[1] != Cell::Absent))
        });
        reader.row(&cells, number)?;
    }
    let found = FileShape {
        kind: FileKind::LabelsJson,
        columns: keys,
        empty_rows: 0,
        member,
        is_long: false,
        layout: None,
    };
    match reader {
        Some(reader) => reader.finish(found),
        None => Err(FileError::Empty { path: path.clone() }.into()),
    }
}

/// Reads the line of this number; false at the end.
fn next_line(
    path: &std::path::Path,
    input: &mut super::input::ByteSource,
    number: u64,
    line: &mut Vec<u8>,
) -> Result<bool, SurveyError> {
    let read = input
        .take(LONGEST_ROW)
        .read_until(b'\n', line)
        .map_err(|error| SurveyError::io("read", path, error))?;
    if read as u64 == LONGEST_ROW {
        return Err(FileError::EndlessRow {
            path: path.to_owned(),
            line: number,
        }
        .into());
    }
    Ok(read > 0)
}

/// Reads the same as CSV, below its header.
pub(super) fn read_csv(opened: Opened, layout: TableLayout, purpose: Purpose<'_>) -> Result<SurveyFile, SurveyError> {
    let Opened { path, input, member } = opened;
    refuse_weights(&path, purpose)?;
    let columns = Columns::new(purpose);
    let places: Vec<Option<usize>> = columns.names.iter().map(|name| layout.header.find(name)).collect();
    let missing = columns.missing(|at| places[at].is_some());
    if !missing.is_empty() {
        return Err(FileError::MissingColumns {
            path,
            line: layout.lines,
            columns: missing,
        }
        .into());
    }
    let mut reader = LabelReader::new(&columns, Intake::new(&path, purpose, layout.header.is_synthetic()));
    let mut rows = TableRows::new(&path, input, &layout);
    let mut cells = vec![Cell::Absent; columns.names.len()];
    while let Some((row, line)) = rows.next()? {
        for (at, place) in places.iter().enumerate() {
            let Some(place) = *place else { continue };
            let field = std::str::from_utf8(&row[place]).map_err(|_| FileError::Encoding {
                path: path.clone(),
                line,
                found: format!("column {} has bytes that are not UTF-8", columns.names[at]),
            })?;
            cells[at] = cell(field, at);
        }
        reader.row(&cells, line)?;
    }
    let found = FileShape {
        kind: FileKind::LabelsCsv,
        columns: layout.header.width,
        empty_rows: rows.empty_rows(),
        member,
        is_long: false,
        layout: Some(layout),
    };
    reader.finish(found)
}

/// A field of a CSV as a JSON value would be. An interview number, the first cell, stays as it is written.
fn cell(field: &str, at: usize) -> Cell {
    match code::parse(field.as_bytes()) {
        Some(Code::Blank) => Cell::Blank,
        Some(Code::Number(number)) if at > 0 => Cell::Number(number),
        _ => Cell::Text(field.to_owned()),
    }
}
