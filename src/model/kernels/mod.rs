//! The heavy operations: a linear layer over packed weights, and attention over the pages of paths.
//!
//! Each has a portable implementation (candle operations, any device and dtype) and one for processors with AVX-512,
//! found out at run time. The decoder holds one [`Kernels`] and asks it for everything that depends on where and in
//! what dtype the numbers live:
//!
//! - [`Kernels::linear`], [`Kernels::linear_concat`]: weights put in place once, then [`Linear::forward`];
//! - [`Kernels::kv`]: keys and values of one layer, in pages; which page belongs to which path is the forest's business;
//! - [`Kernels::plan`] once a pass, then [`Kernels::attend`] once a layer;
//! - norms, RoPE and SwiGLU, which are always computed in f32;
//! - [`Linear::token_scores`]: log-probabilities of given tokens without ever holding `(positions, vocabulary)`.
//!
//! A row of any result depends on that row's inputs only, and never on how many threads there are or what they do.

mod allocator;
mod attention;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod elementwise;
mod head;
mod kv;
mod linear;
mod plan;
mod products;
mod rows;
mod running;
mod segment;
mod shape;
mod tiles;

#[cfg(test)]
mod checks;
#[cfg(test)]
mod reference;

pub use allocator::tune_allocator;
pub use kv::KvLayer;
pub use linear::Linear;
pub use plan::AttentionPlan;
pub use segment::{PAGE, Segment};

use candle_core::{DType, Device, Result, bail};

crate::choices! {
    /// Which implementation of the heavy operations is used; rounding differs between them.
    pub enum Backend {
        /// candle's operations, on any device.
        Portable = "portable",
        /// Packed operands and AVX-512, on the CPU.
        Avx512 = "avx512",
    }
}

impl Backend {
    /// Whether its results are the same bits whatever else is computed with them.
    pub fn is_exact(self) -> bool {
        self == Self::Avx512
    }
}

/// Where and in what dtype numbers are held, and how they are multiplied. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kernels {
    device: Device,
    dtype: DType,
    backend: Backend,
    #[cfg(target_arch = "x86_64")]
    avx512: Option<avx512::Avx512>,
}

impl Kernels {
    /// The fastest implementation this device has for weights, keys and values of `dtype` (f32, bf16 or f16).
    pub fn new(device: &Device, dtype: DType) -> Result<Self> {
        #[allow(unused_mut)]
        let mut kernels = Self::portable(device, dtype)?;
        #[cfg(target_arch = "x86_64")]
        if device.is_cpu() {
            kernels.avx512 = avx512::Avx512::detect(dtype);
            if kernels.avx512.is_some() {
                kernels.backend = Backend::Avx512;
            }
        }
        Ok(kernels)
    }

    /// The implementation out of candle's operations, on any device.
    pub fn portable(device: &Device, dtype: DType) -> Result<Self> {
        if !matches!(dtype, DType::F32 | DType::BF16 | DType::F16) {
            bail!("weights can be held as f32, bf16 or f16, not as {dtype:?}");
        }
        if device.is_cuda() && dtype != DType::F32 {
            // bf16 and f16 values are exact in TF32 (and sums stay f32), so this loses nothing and lets attention
            // scores and the head's logits leave the tensor cores as f32 instead of being rounded to the dtype.
            candle_core::cuda::set_gemm_reduced_precision_f32(true);
        }
        Ok(Self {
            device: device.clone(),
            dtype,
            backend: Backend::Portable,
            #[cfg(target_arch = "x86_64")]
            avx512: None,
        })
    }

    /// The device all results are on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The dtype of weights, keys and values.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Which implementation is in use.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// The dtype of the residual stream and of all results here: f32 on the CPU, the compute dtype elsewhere.
    pub fn activation_dtype(&self) -> DType {
        if self.device.is_cpu() { DType::F32 } else { self.dtype }
    }
}
