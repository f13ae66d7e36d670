//! How a model is put to work, and where its weights go.

use super::{
    LoadError, ModelConfig, WeightSource,
    decoder::Placement,
    kernels::{Backend, Kernels},
    memory::{self, MemoryNeeds},
    placing::{QuantizedWeights, Size},
};
use candle_core::DType;
use std::sync::Arc;

/// How a model is put to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// Memory in bytes for the weights and everything else: by default what is available. Where the weights do not fit,
    /// they stay in their files and are read for each batch. Results do not depend on it.
    pub memory: Option<u64>,
    /// Most tokens of one pass. What a pass needs beside weights, keys and values grows with it; results do not depend
    /// on it.
    pub rows: usize,
    /// How quantised weights are held.
    pub quantized: QuantizedWeights,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            memory: None,
            rows: DEFAULT_ROWS,
            quantized: QuantizedWeights::Dequantize,
        }
    }
}

/// Tokens of one pass unless set otherwise; docs/benchmarks.md has the measurement.
pub const DEFAULT_ROWS: usize = 512;

/// What a loaded model is and takes.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineInfo {
    /// Numbers in all weights, a tied head counted once, and the memory they take.
    pub size: Size,
    /// Dtype of weights, keys and values.
    pub dtype: DType,
    /// Which implementation of the heavy operations is used.
    pub backend: Backend,
    /// Memory of one token while it is scored: its hidden state, and its keys and values of one layer.
    pub bytes_per_token: usize,
    /// Memory for everything but the weights.
    pub memory: u64,
    /// Whether the weights are in place; else they are read or unpacked for each batch.
    pub resident: bool,
}

/// Where the weights go in the memory that there is.
pub(super) fn placement(
    config: &ModelConfig,
    source: &Arc<dyn WeightSource>,
    kernels: &Kernels,
    settings: &EngineSettings,
) -> Result<Placement, LoadError> {
    let first = "model.layers.0.self_attn.q_proj.weight";
    let shape = [config.heads * config.head_dim, config.hidden];
    if settings.quantized == QuantizedWeights::Keep && source.get(first, &shape)?.is_compact() {
        return Ok(Placement::Blocks);
    }
    let needs = MemoryNeeds::of(config, kernels.dtype());
    let Some(all) = settings.memory.or_else(|| memory::available(kernels.device())) else {
        return Ok(Placement::Resident);
    };
    let least = LEAST_WORK.min(all / 8);
    if needs.weights + least <= all || !kernels.device().is_cpu() {
        return Ok(Placement::Resident);
    }
    let needed = needs.layer_by_layer + least;
    match needed <= all {
        true => Ok(Placement::Streamed),
        false => Err(LoadError::Memory { needed, given: all }),
    }
}

/// Memory that should be left beside the weights.
const LEAST_WORK: u64 = 256 << 20;
