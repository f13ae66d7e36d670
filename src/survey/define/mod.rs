//! A first definition of a survey, guessed from a file of its answers. Whatever is a guess is marked in it.

mod columns;
mod long;
mod questions;
mod scales;
mod writer;

use std::path::Path;

use super::error::SurveyError;
use super::file::{TableOverview, overview};
use columns::{ColumnKind, is_id, kind};
use long::RowsAre;
use scales::Scales;
use writer::DefinitionWriter;

/// The definition of the survey whose answers stand in a file, as far as the file tells: columns, values, scales that
/// columns share. What it cannot tell (wording, categories, which values mean "no answer") is marked `CHECK`.
///
/// # Errors
/// A file that cannot be read as a table.
pub fn define(path: &Path) -> Result<String, SurveyError> {
    let table = overview(path)?;
    let rows = match table.header_rows {
        1 => RowsAre::of(path, &table)?,
        _ => RowsAre::People,
    };
    let layout = rows.lines(&table);
    let (table, kinds) = match rows {
        RowsAre::Answers(long) => long.spread(path, table)?,
        RowsAre::People | RowsAre::Either(_) => {
            let kinds = kinds(&table);
            (table, kinds)
        }
    };
    let mut text = String::new();
    let written = DefinitionWriter {
        table: &table,
        kinds: &kinds,
        scales: Scales::of(&kinds),
        layout,
    };
    // Writing to a text cannot fail.
    let _ = written.write(path, &mut text);
    Ok(text)
}

/// What each column of a table with a row a person is.
fn kinds(table: &TableOverview) -> Vec<ColumnKind> {
    let id = table.columns.iter().find(|column| is_id(column, table.rows));
    let columns = table.columns.iter();
    let kinds = columns.map(|column| match id.is_some_and(|id| std::ptr::eq(id, column)) {
        true => ColumnKind::Id,
        false => kind(column, table.rows),
    });
    kinds.collect()
}
