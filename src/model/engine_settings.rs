//! How a model is put to work, and where its weights go.

use super::{
    LoadError, ModelConfig, WeightSource,
    decoder::Placement,
    kernels::{Backend, Kernels},
    memory::{self, BatchNeeds, MemoryNeeds},
    placing::{QuantizedWeights, Size},
};
use candle_core::{DType, Device};
use std::sync::Arc;

/// How a model is put to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineSettings {
    /// Memory in bytes for the weights and everything else: by default what is available. Where the weights do not fit,
    /// they stay in their files and are read for each batch. Results do not depend on it.
    pub memory: Option<u64>,
    /// Most tokens of one pass, by default what suits the device. What a pass needs beside weights, keys and values grows
    /// with it; results do not depend on it.
    pub rows: Option<usize>,
    /// How quantised weights are held.
    pub quantized: QuantizedWeights,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            memory: None,
            rows: None,
            quantized: QuantizedWeights::Dequantize,
        }
    }
}

impl EngineSettings {
    /// Most tokens of one pass on a device.
    pub fn rows_on(&self, device: &Device) -> usize {
        let suitable = if device.is_cpu() { ROWS } else { ROWS_GPU };
        self.rows.unwrap_or(suitable).max(1)
    }
}

/// Tokens of one pass on a CPU unless set otherwise; docs/benchmarks.md has the measurement.
const ROWS: usize = 512;
/// Likewise on a GPU: products are as fast from about 2,000 rows on, and starting a pass takes the CPU some milliseconds.
const ROWS_GPU: usize = 4096;

/// What a loaded model is and takes.
#[derive(Debug, Clone, PartialEq)]
pub struct EngineInfo {
    /// Numbers in all weights, a tied head counted once, and the memory they take.
    pub size: Size,
    /// Dtype of weights, keys and values.
    pub dtype: DType,
    /// Which implementation of the heavy operations is used.
    pub backend: Backend,
    /// What a batch takes beside the weights.
    pub needs: BatchNeeds,
    /// Memory for everything but the weights.
    pub memory: u64,
    /// Most tokens of a pass.
    pub rows: usize,
    /// Whether the weights are in place; else they are read or unpacked for each batch.
    pub resident: bool,
}

/// Where the weights go in the memory that there is, which is that of several GPUs where they are spread over `devices`.
pub(super) fn placement(
    config: &ModelConfig,
    source: &Arc<dyn WeightSource>,
    kernels: &Kernels,
    settings: &EngineSettings,
    devices: usize,
) -> Result<Placement, LoadError> {
    let first = "model.layers.0.self_attn.q_proj.weight";
    let shape = [config.heads * config.head_dim, config.hidden];
    if settings.quantized == QuantizedWeights::Keep && source.get(first, &shape)?.is_compact() {
        return Ok(Placement::Blocks);
    }
    let needs = MemoryNeeds::of(config, kernels.dtype());
    let weights = in_one_memory(needs.weights, kernels.device(), devices);
    let Some(all) = settings.memory.or_else(|| memory::available(kernels.device())) else {
        return Ok(Placement::Resident);
    };
    let least = LEAST_WORK.min(all / 8);
    if weights + least <= all {
        return Ok(Placement::Resident);
    }
    let pass = kernels.scratch_bytes(&config.layer_sizes(), settings.rows_on(kernels.device()));
    let [at_work, _] = needs.at_work(kernels.device(), pass);
    let needed = at_work + least;
    match needed <= all {
        true => Ok(Placement::Streamed),
        false => Err(LoadError::Memory { needed, given: all }),
    }
}

/// What a pass of a model takes on a device, beside weights and its tokens.
///
/// # Errors
/// A device or dtype that cannot be computed with.
pub(crate) fn pass_bytes(config: &ModelConfig, device: &Device, dtype: DType) -> Result<u64, LoadError> {
    let rows = EngineSettings::default().rows_on(device);
    Ok(Kernels::new(device, dtype)?.scratch_bytes(&config.layer_sizes(), rows))
}

/// Bytes of weights that one memory has to hold where they are spread over so many devices: CPUs share one, GPUs have about
/// as many layers each.
pub(super) fn in_one_memory(weights: u64, device: &Device, devices: usize) -> u64 {
    match device.is_cpu() {
        true => weights,
        false => weights / devices.max(1) as u64,
    }
}

/// Memory that should be left beside the weights.
const LEAST_WORK: u64 = 256 << 20;
