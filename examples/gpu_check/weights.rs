//! Weights that are drawn in memory: the shape of a real model, nothing learnt.

use super::shapes;
use candle_core::{DType, Device, Tensor};
use indieval::model::{LoadError, ModelConfig, RowSink, Weight, WeightSource, checkpoint};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
};

/// Numbers that are drawn; what is longer repeats them.
const DRAWN: usize = (1 << 22) + 12_343;

/// Random bf16 tensors, each from its own place in one pool.
pub struct DrawnWeights {
    /// As long as the largest tensor and [`DRAWN`] more.
    pool: Tensor,
    norms: Tensor,
}

impl DrawnWeights {
    pub fn new(config: &ModelConfig) -> candle_core::Result<Self> {
        let mut largest = 0;
        checkpoint::for_each_tensor(config, |_, shape| largest = largest.max(shape.iter().product()));
        let drawn = shapes::drawn(0., 0.035, DRAWN);
        let mut pool = Vec::with_capacity(largest + 2 * DRAWN);
        while pool.len() < largest + DRAWN {
            pool.extend_from_slice(&drawn);
        }
        let tensor = |numbers: Vec<half::bf16>| Tensor::new(numbers, &Device::Cpu);
        Ok(Self {
            pool: tensor(pool)?,
            norms: tensor(shapes::drawn(1., 0.1, 1 << 16))?,
        })
    }

    /// Where a tensor of that name begins.
    fn place(&self, name: &str, dimensions: usize) -> (&Tensor, usize) {
        let mut hash = DefaultHasher::new();
        name.hash(&mut hash);
        match dimensions {
            1 => (&self.norms, 0),
            _ => (&self.pool, hash.finish() as usize % DRAWN),
        }
    }
}

/// What went wrong with a tensor.
fn named(name: &str) -> impl Fn(candle_core::Error) -> LoadError {
    move |source| LoadError::Tensor {
        name: name.to_owned(),
        source,
    }
}

/// Numbers that are copied at a time, as from a file.
const AT_ONCE: usize = 1 << 20;

impl WeightSource for DrawnWeights {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
        let (pool, first) = self.place(name, shape.len());
        let count = shape.iter().product();
        let part = pool.narrow(0, first, count).and_then(|part| part.force_contiguous());
        let tensor = part.and_then(|part| part.reshape(shape)?.to_dtype(DType::BF16));
        tensor.map(Weight::Plain).map_err(named(name))
    }

    fn rows(&self, name: &str, shape: &[usize], ids: &[u32], dtype: DType) -> Result<Tensor, LoadError> {
        let (pool, first) = self.place(name, 2);
        let columns = shape[1];
        let row = |&id: &u32| pool.narrow(0, first + id as usize * columns, columns);
        let rows = ids.iter().map(row).collect::<candle_core::Result<Vec<_>>>();
        rows.and_then(|rows| Tensor::cat(&rows, 0)?.reshape((ids.len(), columns))?.to_dtype(dtype))
            .map_err(named(name))
    }

    fn each_rows(
        &self,
        name: &str,
        (_, columns): (usize, usize),
        range: Range<usize>,
        dtype: DType,
        each: &mut RowSink<'_>,
    ) -> Result<(), LoadError> {
        let (pool, first) = self.place(name, 2);
        let some = (AT_ONCE / columns).max(1);
        for row in range.clone().step_by(some) {
            let n = some.min(range.end - row);
            let part = pool.narrow(0, first + row * columns, n * columns);
            part.and_then(|part| part.force_contiguous()?.reshape((n, columns))?.to_dtype(dtype))
                .and_then(|part| each(row, &part))
                .map_err(named(name))?;
        }
        Ok(())
    }
}
