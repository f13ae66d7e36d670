//! Where a decoder gets its tensors from, whatever file they lie in.

use super::{LoadError, ModelConfig, checkpoint::for_each_tensor};
use candle_core::{
    DType, Device, Tensor,
    quantized::{QStorage, QTensor},
};
use rayon::prelude::*;
use std::{borrow::Cow, collections::HashMap, sync::Arc};

/// One weight: plain, or as quantised blocks.
pub enum Weight {
    /// A float tensor on the CPU, in the file's dtype.
    Plain(Tensor),
    /// Quantised blocks on the CPU.
    Quantized(Arc<QTensor>),
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

    /// Has the operating system forget what it keeps of a tensor's bytes, which will not be read again soon.
    fn forget(&self, _name: &str) {}

    /// Some rows of a matrix as plain values of `dtype`, `(ids, columns)`. A source that need not read the whole matrix
    /// should not.
    fn rows(&self, name: &str, shape: &[usize], ids: &[u32], dtype: DType) -> Result<Tensor, LoadError> {
        chosen_rows(self.get_plain(name, shape, dtype)?, ids).map_err(|source| LoadError::Tensor {
            name: name.to_owned(),
            source,
        })
    }

    /// The tensor as plain values of `dtype`, dequantised where need be.
    fn get_plain(&self, name: &str, shape: &[usize], dtype: DType) -> Result<Tensor, LoadError> {
        let converted = match self.get(name, shape)? {
            Weight::Plain(tensor) => tensor.to_dtype(dtype),
            Weight::Quantized(blocks) => blocks
                .dequantize(&candle_core::Device::Cpu)
                .and_then(|tensor| tensor.to_dtype(dtype)),
        };
        converted.map_err(|source| LoadError::Tensor {
            name: name.to_owned(),
            source,
        })
    }
}

/// Rows of a matrix.
pub(super) fn chosen_rows(matrix: Tensor, ids: &[u32]) -> candle_core::Result<Tensor> {
    matrix.index_select(&Tensor::new(ids, matrix.device())?, 0)
}

/// Tensors held in memory as they were read: quantised ones as their blocks.
pub(super) struct HeldWeights(HashMap<String, Weight>);

impl HeldWeights {
    /// Reads all tensors that `config` calls for.
    ///
    /// # Errors
    /// What `source` says of one of them.
    pub fn read(config: &ModelConfig, source: &dyn WeightSource) -> Result<Self, LoadError> {
        let mut wanted: Vec<(String, Vec<usize>)> = Vec::new();
        for_each_tensor(config, |name, shape| wanted.push((name.to_owned(), shape.to_vec())));
        let read = |(name, shape): (String, Vec<usize>)| {
            let weight = source.get(&name, &shape)?;
            Ok((name, weight))
        };
        wanted
            .into_par_iter()
            .map(read)
            .collect::<Result<_, LoadError>>()
            .map(Self)
    }

    /// Memory that they take.
    pub fn bytes(&self) -> u64 {
        let bytes = |weight: &Weight| match weight {
            Weight::Plain(tensor) => tensor.elem_count() * tensor.dtype().size_in_bytes(),
            Weight::Quantized(blocks) => blocks.storage_size_in_bytes(),
        };
        self.0.values().map(|weight| bytes(weight) as u64).sum()
    }
}

impl WeightSource for HeldWeights {
    fn get(&self, name: &str, _: &[usize]) -> Result<Weight, LoadError> {
        match self.0.get(name) {
            Some(Weight::Plain(tensor)) => Ok(Weight::Plain(tensor.clone())),
            Some(Weight::Quantized(blocks)) => Ok(Weight::Quantized(Arc::clone(blocks))),
            None => Err(LoadError::Tensor {
                name: name.to_owned(),
                source: candle_core::Error::Msg("was not read".to_owned()),
            }),
        }
    }

    fn rows(&self, name: &str, shape: &[usize], ids: &[u32], dtype: DType) -> Result<Tensor, LoadError> {
        let named = |source| LoadError::Tensor {
            name: name.to_owned(),
            source,
        };
        match self.0.get(name) {
            Some(Weight::Quantized(blocks)) => block_rows(blocks, shape, ids, dtype).map_err(named),
            _ => chosen_rows(self.get_plain(name, shape, dtype)?, ids).map_err(named),
        }
    }
}

/// Rows of a matrix of blocks, each of which is whole blocks.
fn block_rows(blocks: &QTensor, shape: &[usize], ids: &[u32], dtype: DType) -> candle_core::Result<Tensor> {
    let data = blocks.data()?;
    let row = data.len() / shape.first().copied().unwrap_or(1).max(1);
    let mut bytes = Vec::with_capacity(ids.len() * row);
    for &id in ids {
        bytes.extend_from_slice(&data[id as usize * row..][..row]);
    }
    let storage = QStorage::from_data(Cow::Owned(bytes), &Device::Cpu, blocks.dtype())?;
    let columns: usize = shape.iter().skip(1).product();
    QTensor::new(storage, (ids.len(), columns))?
        .dequantize(&Device::Cpu)?
        .to_dtype(dtype)
}
