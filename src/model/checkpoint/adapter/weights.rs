//! A base's weights with an adapter's added to them as they are read.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use candle_core::{CpuStorage, DType, Device, Storage, Tensor};
use half::bf16;

use super::Adapter;
use super::changes::{Added, AddedKind};
use super::merge::Factors;
use crate::model::checkpoint::manifest::{EMBEDDING, HEAD};
use crate::model::kernels::{RowChoice, RowSink, WeightRows};
use crate::model::{LoadError, Weight, WeightSource};

/// A base with an adapter. Sums are in f32: nothing is rounded before the weights are put in place.
pub(crate) struct AdaptedWeights {
    base: Arc<dyn WeightSource>,
    adapter: Arc<Adapter>,
    /// Whether the base's head is its embedding.
    base_is_tied: bool,
}

impl AdaptedWeights {
    /// `base` with an `adapter` that fits it; `base_is_tied` where its head is its embedding.
    pub(crate) fn new(base: Arc<dyn WeightSource>, adapter: Arc<Adapter>, base_is_tied: bool) -> Self {
        Self {
            base,
            adapter,
            base_is_tied,
        }
    }

    /// What the base calls the tensor.
    fn base_name<'a>(&self, name: &'a str) -> &'a str {
        match name {
            HEAD if self.base_is_tied => EMBEDDING,
            name => name,
        }
    }

    /// Where the tensor lies before anything is added to it, its name there, and what is added.
    fn before<'a>(&'a self, name: &'a str) -> (&'a dyn WeightSource, &'a str, Option<&'a Added>) {
        let change = self.adapter.changes.get(name);
        let product = change.and_then(|change| change.product.as_ref());
        match change.and_then(|change| change.replaced.as_deref()) {
            Some(own) => (&self.adapter.tensors, own, product),
            None => (&*self.base, self.base_name(name), product),
        }
    }

    /// The matrices of a product that is added to a weight of that shape.
    fn matrices(&self, product: &Added, shape: &[usize]) -> Result<Matrices, LoadError> {
        let &[rows, columns] = shape else {
            let message = format!("{shape:?} is the shape of no matrix");
            return Err(LoadError::tensor("an adapter's weight")(candle_core::Error::Msg(
                message,
            )));
        };
        let (outputs, inputs) = match product.kind {
            AddedKind::Linear => (rows, columns),
            AddedKind::Embedding => (columns, rows),
        };
        let read = |name: &Option<String>, shape: [usize; 2]| {
            let name = name.as_deref().unwrap_or_default();
            let tensor = self.adapter.tensors.get_plain(name, &shape, DType::F32)?;
            let numbers = match product.kind {
                AddedKind::Linear => tensor.flatten_all(),
                AddedKind::Embedding => tensor.t().and_then(|tensor| tensor.flatten_all()),
            };
            numbers
                .and_then(|numbers| numbers.to_vec1::<f32>())
                .map_err(LoadError::tensor(name))
        };
        let a = read(&product.a, [product.rank, inputs])?;
        let b = read(&product.b, [outputs, product.rank])?;
        let (left, right) = match product.kind {
            AddedKind::Linear => (b, a),
            AddedKind::Embedding => (a, b),
        };
        Ok(Matrices {
            left,
            right,
            rank: product.rank,
            scaling: product.scaling,
        })
    }
}

/// What is added to a weight: `scaling · (left · right)`.
struct Matrices {
    /// `(rows, rank)`.
    left: Vec<f32>,
    /// `(rank, columns)`.
    right: Vec<f32>,
    rank: usize,
    scaling: f32,
}

impl Matrices {
    /// The sums with `before`, some rows of the weight in f32, as `dtype`.
    fn add(&self, before: &Tensor, rows: &RowChoice<'_>, dtype: DType) -> candle_core::Result<Tensor> {
        let shape = before.dims2()?;
        let left = match rows {
            RowChoice::Range(range) => Cow::Borrowed(&self.left[range.start * self.rank..range.end * self.rank]),
            RowChoice::Ids(ids) => {
                let rows = ids.iter().map(|&id| id as usize * self.rank);
                Cow::Owned(rows.flat_map(|at| &self.left[at..at + self.rank]).copied().collect())
            }
        };
        let factors = Factors {
            left: &left,
            right: &self.right,
            rank: self.rank,
            scaling: self.scaling,
        };
        let before = before.contiguous()?;
        let (storage, layout) = before.storage_and_layout();
        let (Storage::Cpu(CpuStorage::F32(numbers)), Some((from, to))) = (&*storage, layout.contiguous_offsets())
        else {
            candle_core::bail!("an adapter is added to numbers of f32 on the CPU");
        };
        let numbers = &numbers[from..to];
        match dtype {
            DType::BF16 => Tensor::from_vec(factors.added_to::<bf16>(numbers, shape.1), shape, &Device::Cpu),
            _ => Tensor::from_vec(factors.added_to::<f32>(numbers, shape.1), shape, &Device::Cpu)?.to_dtype(dtype),
        }
    }
}

/// A weight whose rows are what they were and what is added to them.
struct AdaptedRows {
    before: Weight,
    shape: (usize, usize),
    added: Matrices,
}

impl WeightRows for AdaptedRows {
    fn shape(&self) -> (usize, usize) {
        self.shape
    }

    fn some(&self, rows: RowChoice<'_>) -> candle_core::Result<Tensor> {
        let before = self.before.some(rows.clone(), DType::F32)?;
        self.added.add(&before, &rows, DType::F32)
    }

    fn bytes(&self) -> u64 {
        let added = self.added.left.len() + self.added.right.len();
        self.before.bytes() + (added * size_of::<f32>()) as u64
    }

    fn is_compact(&self) -> bool {
        self.before.is_compact()
    }
}

impl WeightSource for AdaptedWeights {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
        let (source, own, product) = self.before(name);
        let before = source.get(own, shape)?;
        let Some(product) = product else { return Ok(before) };
        Ok(Weight::Computed(Arc::new(AdaptedRows {
            shape: before.dims2().map_err(LoadError::tensor(name))?,
            before,
            added: self.matrices(product, shape)?,
        })))
    }

    fn each_rows(
        &self,
        name: &str,
        shape: (usize, usize),
        range: Range<usize>,
        dtype: DType,
        each: &mut RowSink<'_>,
    ) -> Result<(), LoadError> {
        let (source, own, product) = self.before(name);
        let Some(product) = product else {
            return source.each_rows(own, shape, range, dtype, each);
        };
        let added = self.matrices(product, &[shape.0, shape.1])?;
        source.each_rows(own, shape, range, DType::F32, &mut |first, before| {
            let rows = RowChoice::Range(first..first + before.dim(0)?);
            each(first, &added.add(before, &rows, dtype)?)
        })
    }

    fn rows(&self, name: &str, shape: &[usize], ids: &[u32], dtype: DType) -> Result<Tensor, LoadError> {
        let (source, own, product) = self.before(name);
        let Some(product) = product else {
            return source.rows(own, shape, ids, dtype);
        };
        let before = source.rows(own, shape, ids, DType::F32)?;
        let added = self.matrices(product, shape)?;
        let sum = added.add(&before, &RowChoice::Ids(ids), dtype);
        sum.map_err(LoadError::tensor(name))
    }
}
