//! The rows of [`predictions`](super::predictions) as Parquet: typed columns, of which a tool reads those it asks for.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use super::super::outcome_context::OutcomeContext;
use super::ExportError;
use super::predictions::{PredictionColumn, Reads, columns};
use super::seen::Seen;
use crate::metrics::{Norm, OutcomeTable, RunData};

/// Rows of one group: what is held at once, and what a reader can skip.
const GROUP: usize = 100_000;

/// What a column holds of a group of rows.
enum Held {
    Text(Vec<ByteArray>),
    Flag(Vec<bool>),
    Whole(Optional<i64>),
    Number(Optional<f64>),
}

/// Values that need not be there, as Parquet takes them: those that are, and for each row whether it has one.
struct Optional<T> {
    there: Vec<i16>,
    values: Vec<T>,
}

impl<T> Default for Optional<T> {
    fn default() -> Self {
        let (there, values) = (Vec::new(), Vec::new());
        Self { there, values }
    }
}

impl<T> Optional<T> {
    fn push(&mut self, value: Option<T>) {
        self.there.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

impl Held {
    fn new(reads: &Reads) -> Self {
        match reads {
            Reads::Text(_) => Self::Text(Vec::new()),
            Reads::Flag(_) => Self::Flag(Vec::new()),
            Reads::Whole(_) => Self::Whole(Optional::default()),
            Reads::Number(_) => Self::Number(Optional::default()),
        }
    }

    /// Adds what a column of the same kind reads of a row.
    fn push(&mut self, reads: &Reads, seen: &Seen<'_>) {
        match (self, reads) {
            (Self::Text(values), Reads::Text(read)) => values.push(read(seen).as_bytes().to_vec().into()),
            (Self::Flag(values), Reads::Flag(read)) => values.push(read(seen)),
            (Self::Whole(values), Reads::Whole(read)) => values.push(read(seen)),
            (Self::Number(values), Reads::Number(read)) => values.push(read(seen)),
            // Both were made from one column.
            _ => {}
        }
    }

    fn write<W: std::io::Write + Send>(&self, group: &mut SerializedRowGroupWriter<'_, W>) -> Result<(), ParquetError> {
        match self {
            Self::Text(values) => write::<W, ByteArrayType>(group, values, None),
            Self::Flag(values) => write::<W, BoolType>(group, values, None),
            Self::Whole(values) => write::<W, Int64Type>(group, &values.values, Some(&values.there)),
            Self::Number(values) => write::<W, DoubleType>(group, &values.values, Some(&values.there)),
        }
    }
}

/// Writes the next column of a group.
fn write<W: std::io::Write + Send, T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    there: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General(
            "there are fewer columns than were named".to_owned(),
        ));
    };
    column.typed::<T>().write_batch(values, there, None)?;
    column.close()
}

/// What Parquet knows of a column: numbers may be missing, texts and flags are always there.
fn column_type(column: &PredictionColumn) -> Result<TypePtr, ParquetError> {
    let (physical, repetition, logical) = match column.reads {
        Reads::Text(_) => (Physical::BYTE_ARRAY, Repetition::REQUIRED, Some(LogicalType::String)),
        Reads::Flag(_) => (Physical::BOOLEAN, Repetition::REQUIRED, None),
        Reads::Whole(_) => (Physical::INT64, Repetition::OPTIONAL, None),
        Reads::Number(_) => (Physical::DOUBLE, Repetition::OPTIONAL, None),
    };
    let column = Type::primitive_type_builder(&column.name, physical).with_repetition(repetition);
    column.with_logical_type(logical).build().map(Arc::new)
}

/// `predictions.parquet` of a run: the rows and columns of [`predictions`](super::predictions), missing numbers as nulls.
///
/// # Errors
/// [`ExportError::Encode`].
pub fn predictions_parquet(run: &RunData, norm: Norm) -> Result<Vec<u8>, ExportError> {
    encoded(run, norm).map_err(|error| ExportError::Encode(error.to_string()))
}

fn encoded(run: &RunData, norm: Norm) -> Result<Vec<u8>, ParquetError> {
    let known = OutcomeContext::new(run);
    let columns = columns(&known);
    let fields = columns.iter().map(column_type).collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("predictions").with_fields(fields).build()?;
    let made_by = format!("indieval {}", env!("CARGO_PKG_VERSION"));
    let properties = WriterProperties::builder().set_created_by(made_by).build();
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties))?;
    let table: OutcomeTable = run.outcomes.iter().collect();
    let mut rows = run.outcomes.iter().zip(table.iter()).peekable();
    while rows.peek().is_some() {
        let mut held: Vec<Held> = columns.iter().map(|column| Held::new(&column.reads)).collect();
        for outcome in rows.by_ref().take(GROUP) {
            let seen = Seen::new(&known, outcome, norm);
            for (held, column) in held.iter_mut().zip(&columns) {
                held.push(&column.reads, &seen);
            }
        }
        let mut group = file.next_row_group()?;
        for held in &held {
            held.write(&mut group)?;
        }
        group.close()?;
    }
    file.close()?;
    Ok(bytes)
}
