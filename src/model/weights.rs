//! Where a decoder gets its tensors from, whatever file they lie in.

use super::LoadError;
use candle_core::{DType, Device, Tensor};
use indieval_kernels::{RowChoice, RowSink, Weight};
use std::ops::Range;

/// Tensors by their canonical names, which are those of Hugging Face checkpoints: `model.embed_tokens.weight`,
/// `model.layers.N.input_layernorm.weight`, `model.layers.N.self_attn.{q,k,v,o}_proj.{weight,bias}`,
/// `model.layers.N.self_attn.{q,k}_norm.weight`, `model.layers.N.post_attention_layernorm.weight`,
/// `model.layers.N.mlp.{gate,up,down}_proj.weight`, `model.layers.N.block_sparse_moe.gate.weight`,
/// `model.layers.N.block_sparse_moe.experts.E.{w1,w2,w3}.weight` (gate, down, up), `model.norm.weight`,
/// `lm_head.weight`; where norms have biases `.bias` beside their weights, and where each head has a norm of its own
/// `self_attn.{q,k}_layernorm.norms.H.weight`. Sources of other names and layouts (GGUF's permuted heads, merged experts) put them right.
pub trait WeightSource: Send + Sync {
    /// The tensor of that name with exactly that shape.
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError>;

    /// Some rows of a matrix as plain values of `dtype`, `(ids, columns)`. A source that need not read the whole matrix
    /// should not.
    fn rows(&self, name: &str, shape: &[usize], ids: &[u32], dtype: DType) -> Result<Tensor, LoadError> {
        self.get(name, shape)?
            .some(RowChoice::Ids(ids), dtype)
            .map_err(LoadError::tensor(name))
    }

    /// Gives rows `range` of a matrix `(rows, columns)` to `each`, in order and some at a time: the number of the first of
    /// them in the matrix, and their values as `dtype`, `(some, columns)`. A source that need not hold the whole matrix should not.
    ///
    /// # Errors
    /// What is wrong with the tensor; what `each` returns.
    fn each_rows(
        &self,
        name: &str,
        (rows, columns): (usize, usize),
        range: Range<usize>,
        dtype: DType,
        each: &mut RowSink<'_>,
    ) -> Result<(), LoadError> {
        let weight = self.get(name, &[rows, columns])?;
        weight.each_rows(range, dtype, each).map_err(LoadError::tensor(name))
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
        converted.map_err(LoadError::tensor(name))
    }
}
