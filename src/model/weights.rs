//! Where a decoder gets its tensors from, whatever file they lie in.

use super::LoadError;
use candle_core::{DType, Tensor, quantized::QTensor};
use std::sync::Arc;

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
