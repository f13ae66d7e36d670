//! Weights as they come: plain, as quantised blocks, or as what their rows are computed from.

use crate::pick::pick;
use candle_core::{
    DType, Device, Tensor,
    quantized::{QStorage, QTensor},
};
use std::{borrow::Cow, ops::Range, sync::Arc};

/// One weight: plain, as quantised blocks, or as what its rows are computed from.
#[derive(Clone)]
pub enum Weight {
    /// A float tensor on the CPU, in the file's dtype.
    Plain(Tensor),
    /// Quantised blocks on the CPU.
    Quantized(Arc<QTensor>),
    /// A matrix whose rows are computed when they are put in place.
    Computed(Arc<dyn WeightRows>),
}

/// A matrix whose rows are computed from something that takes less memory, or that is shared.
pub trait WeightRows: Send + Sync {
    /// Rows and columns.
    fn shape(&self) -> (usize, usize);

    /// Some of its rows, ascending and neighbours where it matters for speed, `(rows, columns)`.
    ///
    /// # Errors
    /// What the tensor library says.
    fn some(&self, rows: RowChoice<'_>) -> candle_core::Result<Tensor>;

    /// Memory that it takes as it is.
    fn bytes(&self) -> u64;

    /// Whether its values would take more memory.
    fn is_compact(&self) -> bool;
}

/// Rows of a matrix.
#[derive(Debug, Clone)]
pub enum RowChoice<'a> {
    /// Neighbours.
    Range(Range<usize>),
    /// Any, in any order.
    Ids(&'a [u32]),
}

impl RowChoice<'_> {
    /// How many.
    pub fn count(&self) -> usize {
        match self {
            Self::Range(range) => range.len(),
            Self::Ids(ids) => ids.len(),
        }
    }

    /// These rows of `bytes`, in which each has `row` bytes.
    pub fn of<'b>(&self, bytes: &'b [u8], row: usize) -> Cow<'b, [u8]> {
        match self {
            Self::Range(range) => Cow::Borrowed(&bytes[range.start * row..range.end * row]),
            Self::Ids(ids) => {
                let rows = ids.iter().flat_map(|&id| &bytes[id as usize * row..][..row]);
                Cow::Owned(rows.copied().collect())
            }
        }
    }

    /// The number in the matrix of the row at a place.
    pub fn row(&self, at: usize) -> usize {
        match self {
            Self::Range(range) => range.start + at,
            Self::Ids(ids) => ids[at] as usize,
        }
    }
}

impl Weight {
    /// Rows and columns of a matrix.
    ///
    /// # Errors
    /// It is none.
    pub fn dims2(&self) -> candle_core::Result<(usize, usize)> {
        match self {
            Self::Plain(tensor) => tensor.dims2(),
            Self::Quantized(blocks) => blocks.shape().dims2(),
            Self::Computed(rows) => Ok(rows.shape()),
        }
    }

    /// Some rows of a matrix as plain values of `dtype`, `(rows, columns)`.
    ///
    /// # Errors
    /// It is no matrix; what the tensor library says.
    pub fn some(&self, rows: RowChoice<'_>, dtype: DType) -> candle_core::Result<Tensor> {
        match (self, &rows) {
            (Self::Plain(tensor), RowChoice::Range(range)) => tensor.narrow(0, range.start, range.len())?,
            (Self::Plain(tensor), RowChoice::Ids(ids)) => pick(tensor, ids)?,
            (Self::Quantized(blocks), _) => {
                let (all, columns) = blocks.shape().dims2()?;
                let data = blocks.data()?;
                // Each row is whole blocks.
                let data = rows.of(&data, data.len() / all.max(1));
                let blocks = QStorage::from_data(data, &Device::Cpu, blocks.dtype())?;
                QTensor::new(blocks, (rows.count(), columns))?.dequantize(&Device::Cpu)?
            }
            (Self::Computed(matrix), _) => matrix.some(rows)?,
        }
        .to_dtype(dtype)
    }

    /// Gives rows of a matrix to `each`, in order and some at a time, as `dtype`.
    ///
    /// # Errors
    /// What `each` returns; what the tensor library says.
    pub fn each_rows(&self, rows: Range<usize>, dtype: DType, each: &mut RowSink<'_>) -> candle_core::Result<()> {
        let (_, columns) = self.dims2()?;
        for some in rows_at_once(rows, columns) {
            let first = some.start;
            each(first, &self.some(RowChoice::Range(some), dtype)?)?;
        }
        Ok(())
    }

    /// Memory that it takes.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Plain(tensor) => (tensor.elem_count() * tensor.dtype().size_in_bytes()) as u64,
            Self::Quantized(blocks) => blocks.storage_size_in_bytes() as u64,
            Self::Computed(rows) => rows.bytes(),
        }
    }

    /// Whether its values would take more memory than it does.
    pub fn is_compact(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Quantized(_) => true,
            Self::Computed(rows) => rows.is_compact(),
        }
    }
}

/// Takes rows of a matrix that come in order: the number of the first of some, and their values, `(some, columns)`.
pub type RowSink<'a> = dyn FnMut(usize, &Tensor) -> candle_core::Result<()> + 'a;

/// Rows of a matrix that are read or converted at a time: few enough to take little memory and stay in cache.
pub fn rows_at_once(rows: Range<usize>, columns: usize) -> impl Iterator<Item = Range<usize>> {
    pieces(rows, (AT_ONCE / columns.max(1)).max(1))
}

/// Neighbours of `rows`, `some` at a time.
pub fn pieces(rows: Range<usize>, some: usize) -> impl Iterator<Item = Range<usize>> {
    let end = rows.end;
    rows.step_by(some).map(move |first| first..end.min(first + some))
}

/// Numbers of a matrix that are converted at a time.
pub const AT_ONCE: usize = 1 << 20;
