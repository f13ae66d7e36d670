//! A first definition of a survey, guessed from a file of its answers. Whatever is a guess is marked in it.

mod columns;
mod questions;
mod scales;
mod writer;

use std::path::Path;

use super::error::SurveyError;
use super::file::overview;
use columns::{ColumnKind, is_id, kind};
use scales::Scales;
use writer::DefinitionWriter;

/// The definition of the survey whose answers stand in a file, as far as the file tells: columns, values, scales that
/// columns share. What it cannot tell (wording, categories, which values mean "no answer") is marked `CHECK`.
///
/// # Errors
/// A file that cannot be read as a table.
pub fn define(path: &Path) -> Result<String, SurveyError> {
    let table = overview(path)?;
    let id = table.columns.iter().find(|column| is_id(column, table.rows));
    let kinds: Vec<ColumnKind> = table
        .columns
        .iter()
        .map(|column| match id.is_some_and(|id| std::ptr::eq(id, column)) {
            true => ColumnKind::Id,
            false => kind(column, table.rows),
        })
        .collect();
    let mut text = String::new();
    let written = DefinitionWriter {
        table: &table,
        kinds: &kinds,
        scales: Scales::of(&kinds),
    };
    // Writing to a text cannot fail.
    let _ = written.write(path, &mut text);
    Ok(text)
}
