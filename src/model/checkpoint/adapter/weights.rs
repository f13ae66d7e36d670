//! A base's weights with an adapter's added to them as they are read.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use super::merge::Factors;
use super::{Adapter, Change, Product, ProductKind};
use crate::model::checkpoint::manifest::{EMBEDDING, HEAD};
use crate::model::weights::{Held, chosen_rows};
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

    /// The tensor before anything is added to it, and what is added.
    fn before(&self, name: &str, shape: &[usize]) -> Result<(Weight, Option<&Product>), LoadError> {
        let change = self.adapter.changes.get(name);
        let weight = match change.and_then(|change| change.replaced.as_deref()) {
            Some(own) => self.adapter.tensors.get(own, shape)?,
            None => self.base.get(self.base_name(name), shape)?,
        };
        Ok((weight, change.and_then(|change| change.product.as_ref())))
    }

    /// Both matrices of a product as `(rows, rank)` and `(rank, columns)` of a weight of that shape.
    fn matrices(&self, product: &Product, shape: &[usize]) -> Result<(Tensor, Tensor), LoadError> {
        let (rows, columns) = (shape[0], shape[1]);
        let (outputs, inputs) = match product.kind {
            ProductKind::Linear => (rows, columns),
            ProductKind::Embedding => (columns, rows),
        };
        let read = |name: &Option<String>, shape: [usize; 2]| {
            let name = name.as_deref().unwrap_or_default();
            self.adapter.tensors.get_plain(name, &shape, DType::F32)
        };
        let a = read(&product.a, [product.rank, inputs])?;
        let b = read(&product.b, [outputs, product.rank])?;
        match product.kind {
            ProductKind::Linear => Ok((b, a)),
            ProductKind::Embedding => {
                let turned = |tensor: Tensor| tensor.t().and_then(|tensor| tensor.contiguous());
                let both = turned(a).and_then(|a| Ok((a, turned(b)?)));
                both.map_err(named(product.a.as_deref().unwrap_or_default()))
            }
        }
    }
}

fn named(name: &str) -> impl Fn(candle_core::Error) -> LoadError {
    move |source| LoadError::Tensor {
        name: name.to_owned(),
        source,
    }
}

/// `weight`, `(rows, columns)`, with a product of `left`, `(rows, rank)`, and `right`, `(rank, columns)`, added to it.
fn sum(weight: Tensor, (left, right): (Tensor, Tensor), product: &Product) -> candle_core::Result<Tensor> {
    let shape = weight.dims2()?;
    let mut numbers = weight.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let (left, right) = (left.flatten_all()?.to_vec1()?, right.flatten_all()?.to_vec1()?);
    let factors = Factors {
        left: &left,
        right: &right,
        rank: product.rank,
        scaling: product.scaling,
    };
    factors.add_to(&mut numbers, shape.1);
    Tensor::from_vec(numbers, shape, &Device::Cpu)
}

impl WeightSource for AdaptedWeights {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
        let (weight, product) = self.before(name, shape)?;
        let Some(product) = product else { return Ok(weight) };
        let matrices = self.matrices(product, shape)?;
        let plain = weight.plain(DType::F32);
        plain
            .and_then(|plain| sum(plain, matrices, product))
            .map(Weight::Plain)
            .map_err(named(name))
    }

    fn rows(&self, name: &str, shape: &[usize], ids: &[u32], dtype: DType) -> Result<Tensor, LoadError> {
        let none = Change::default();
        let change = self.adapter.changes.get(name).unwrap_or(&none);
        let rows = |dtype| match change.replaced.as_deref() {
            Some(own) => self.adapter.tensors.rows(own, shape, ids, dtype),
            None => self.base.rows(self.base_name(name), shape, ids, dtype),
        };
        let Some(product) = &change.product else {
            return rows(dtype);
        };
        let (left, right) = self.matrices(product, shape)?;
        let summed = chosen_rows(left, ids).and_then(|left| Ok((left, right)));
        let before = rows(DType::F32)?;
        let summed = summed.and_then(|matrices| sum(before, matrices, product)?.to_dtype(dtype));
        summed.map_err(named(name))
    }

    fn is_quantized(&self, name: &str, shape: &[usize]) -> Result<bool, LoadError> {
        self.base.is_quantized(self.base_name(name), shape)
    }

    fn hold(&self, wanted: &[(String, Vec<usize>)]) -> Result<Held, LoadError> {
        let replaced = |name: &str| {
            let change = self.adapter.changes.get(name);
            change.is_some_and(|change| change.replaced.is_some())
        };
        let mut of_base: Vec<(String, Vec<usize>)> = wanted
            .iter()
            .filter(|(name, _)| !replaced(name))
            .map(|(name, shape)| (self.base_name(name).to_owned(), shape.clone()))
            .collect();
        of_base.sort();
        of_base.dedup();
        let held = self.base.hold(&of_base)?;
        Ok(Held {
            source: Arc::new(Self::new(held.source, Arc::clone(&self.adapter), self.base_is_tied)),
            bytes: held.bytes,
        })
    }
}
