//! Where a decoder gets its tensors from, whatever file they lie in.

use super::{LoadError, pick::pick};
use candle_core::{
    DType, Device, Tensor,
    quantized::{GgmlDType, QStorage, QTensor},
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
    pub(super) fn dims2(&self) -> candle_core::Result<(usize, usize)> {
        match self {
            Self::Plain(tensor) => tensor.dims2(),
            Self::Quantized(blocks) => blocks.shape().dims2(),
            Self::Computed(rows) => Ok(rows.shape()),
        }
    }

    /// Some neighbouring rows of a matrix as plain values of `dtype`, `(rows, columns)`.
    pub(super) fn rows(&self, rows: Range<usize>, dtype: DType) -> candle_core::Result<Tensor> {
        match self {
            Self::Plain(tensor) => tensor.narrow(0, rows.start, rows.len())?.to_dtype(dtype),
            Self::Quantized(blocks) => {
                let (all, columns) = blocks.shape().dims2()?;
                let data = blocks.data()?;
                // Each row is whole blocks.
                let row = data.len() / all.max(1);
                let data = Cow::Borrowed(&data[rows.start * row..rows.end * row]);
                dequantized(data, (rows.len(), columns), blocks.dtype())?.to_dtype(dtype)
            }
            Self::Computed(matrix) => matrix.some(RowChoice::Range(rows))?.to_dtype(dtype),
        }
    }

    /// Some rows of a matrix as plain values of `dtype`, `(ids, columns)`.
    pub(super) fn chosen_rows(&self, ids: &[u32], dtype: DType) -> candle_core::Result<Tensor> {
        match self {
            Self::Plain(tensor) => pick(tensor, ids)?.to_dtype(dtype),
            Self::Quantized(blocks) => {
                let (all, columns) = blocks.shape().dims2()?;
                let data = blocks.data()?;
                let row = data.len() / all.max(1);
                let mut bytes = Vec::with_capacity(ids.len() * row);
                for &id in ids {
                    bytes.extend_from_slice(&data[id as usize * row..][..row]);
                }
                dequantized(Cow::Owned(bytes), (ids.len(), columns), blocks.dtype())?.to_dtype(dtype)
            }
            Self::Computed(matrix) => matrix.some(RowChoice::Ids(ids))?.to_dtype(dtype),
        }
    }

    /// Rows of a matrix, as [`rows`](Self::rows) and [`chosen_rows`](Self::chosen_rows).
    pub(super) fn some(&self, rows: RowChoice<'_>, dtype: DType) -> candle_core::Result<Tensor> {
        match rows {
            RowChoice::Range(range) => self.rows(range, dtype),
            RowChoice::Ids(ids) => self.chosen_rows(ids, dtype),
        }
    }

    /// Gives all rows of a matrix of that name to `each`, as [`WeightSource::each_rows`].
    pub(super) fn each_rows(
        &self,
        name: &str,
        dtype: DType,
        each: &mut dyn FnMut(usize, &Tensor) -> candle_core::Result<()>,
    ) -> Result<(), LoadError> {
        let named = |source| LoadError::Tensor {
            name: name.to_owned(),
            source,
        };
        let (rows, columns) = self.dims2().map_err(named)?;
        for some in rows_at_once(rows, columns) {
            let first = some.start;
            let given = self.rows(some, dtype).and_then(|rows| each(first, &rows));
            given.map_err(named)?;
        }
        Ok(())
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Plain(tensor) => (tensor.elem_count() * tensor.dtype().size_in_bytes()) as u64,
            Self::Quantized(blocks) => blocks.storage_size_in_bytes() as u64,
            Self::Computed(rows) => rows.bytes(),
        }
    }

    /// Whether its values would take more memory than it does.
    pub(super) fn is_compact(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Quantized(_) => true,
            Self::Computed(rows) => rows.is_compact(),
        }
    }
}

/// Rows of a matrix that are read or converted at a time: few enough to take little memory and stay in cache.
pub(super) fn rows_at_once(rows: usize, columns: usize) -> impl Iterator<Item = Range<usize>> {
    let some = (AT_ONCE / columns.max(1)).max(1);
    (0..rows).step_by(some).map(move |first| first..rows.min(first + some))
}

/// Numbers of a matrix that are converted at a time.
pub(super) const AT_ONCE: usize = 1 << 20;

/// Blocks of whole rows as numbers, f32.
fn dequantized(data: Cow<'_, [u8]>, shape: (usize, usize), kind: GgmlDType) -> candle_core::Result<Tensor> {
    QTensor::new(QStorage::from_data(data, &Device::Cpu, kind)?, shape)?.dequantize(&Device::Cpu)
}

/// Tensors by their canonical names, which are those of Hugging Face checkpoints: `model.embed_tokens.weight`,
/// `model.layers.N.input_layernorm.weight`, `model.layers.N.self_attn.{q,k,v,o}_proj.{weight,bias}`,
/// `model.layers.N.self_attn.{q,k}_norm.weight`, `model.layers.N.post_attention_layernorm.weight`,
/// `model.layers.N.mlp.{gate,up,down}_proj.weight`, `model.layers.N.block_sparse_moe.gate.weight`,
/// `model.layers.N.block_sparse_moe.experts.E.{w1,w2,w3}.weight` (gate, down, up), `model.norm.weight`,
/// `lm_head.weight`. Sources of other names and layouts (GGUF's permuted heads, merged experts) put them right.
pub trait WeightSource: Send + Sync {
    /// The tensor of that name with exactly that shape.
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError>;

    /// Some rows of a matrix as plain values of `dtype`, `(ids, columns)`. A source that need not read the whole matrix
    /// should not.
    fn rows(&self, name: &str, shape: &[usize], ids: &[u32], dtype: DType) -> Result<Tensor, LoadError> {
        self.get(name, shape)?
            .chosen_rows(ids, dtype)
            .map_err(|source| LoadError::Tensor {
                name: name.to_owned(),
                source,
            })
    }

    /// Gives all rows of a matrix `(rows, columns)` to `each`, in order and some at a time: the number of the first of them,
    /// and their values as `dtype`, `(some, columns)`. A source that need not hold the whole matrix should not.
    ///
    /// # Errors
    /// What is wrong with the tensor; what `each` returns.
    fn each_rows(
        &self,
        name: &str,
        (rows, columns): (usize, usize),
        dtype: DType,
        each: &mut dyn FnMut(usize, &Tensor) -> candle_core::Result<()>,
    ) -> Result<(), LoadError> {
        self.get(name, &[rows, columns])?.each_rows(name, dtype, each)
    }

    /// The tensor as plain values of `dtype`, dequantised where need be.
    fn get_plain(&self, name: &str, shape: &[usize], dtype: DType) -> Result<Tensor, LoadError> {
        let converted = match self.get(name, shape)? {
            Weight::Plain(tensor) => tensor.to_dtype(dtype),
            Weight::Quantized(blocks) => blocks
                .dequantize(&Device::Cpu)
                .and_then(|tensor| tensor.to_dtype(dtype)),
            Weight::Computed(rows) => rows
                .some(RowChoice::Range(0..rows.shape().0))
                .and_then(|tensor| tensor.to_dtype(dtype)),
        };
        converted.map_err(|source| LoadError::Tensor {
            name: name.to_owned(),
            source,
        })
    }
}
