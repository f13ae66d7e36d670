//! The heavy operations: a linear layer over packed weights, and attention over the pages of paths.
//!
//! On the CPU they are our own (`packed`), compiled for several instruction sets, one of which is taken at run time; other
//! devices have candle's operations. The decoder holds one [`Kernels`] and asks it for everything that depends on where and
//! in what dtype the numbers live:
//!
//! - [`Kernels::linear`], [`Kernels::linear_concat`]: weights put in place once, then [`Linear::forward`];
//! - [`Kernels::kv`]: keys and values of one layer, in pages; which page belongs to which path is the forest's business;
//! - [`Kernels::plan`] once a pass, then [`Kernels::attend`] once a layer;
//! - norms, RoPE and gates, which are always computed in f32;
//! - [`Linear::token_scores`]: log-probabilities of given tokens without ever holding `(positions, vocabulary)`.
//!
//! On the CPU a row of any result depends on that row's inputs only, to the bit: not on the rows beside it, nor on how many
//! threads there are or what they do.

// The library neither stops the program nor speaks to its user.
#![cfg_attr(
    not(any(test, feature = "checks")),
    warn(
        clippy::expect_used,
        clippy::panic,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]
// Longer than clippy.toml says is too long.
#![warn(clippy::too_many_lines)]

mod activation;
mod allocator;
mod attention;
mod backend;
mod cuda;
pub mod drawn;
mod elementwise;
mod experts;
mod finite;
mod gpu;
mod head;
mod kv;
mod linear;
mod norm;
mod norms;
mod packed;
pub mod pick;
mod plan;
mod products;
mod rotation;
mod rows;
mod rule;
mod running;
mod scratch;
mod segment;
mod shape;
pub mod sums;
mod tiles;
mod token;
mod weight;
mod window;

#[cfg(any(test, feature = "checks"))]
pub mod checks;
#[cfg(any(test, feature = "checks"))]
mod reference;

pub use activation::Activation;
pub use allocator::{release_freed, tune_allocator};
pub use backend::{Backend, UnknownBackend};
#[cfg(any(test, feature = "checks"))]
pub use cuda::host::can_run as can_emulate;
pub use experts::ExpertOutput;
pub use finite::{Floats, first_not_finite};
pub use gpu::Milestone;
#[cfg(feature = "cuda")]
pub use gpu::{card, set_up};
pub use kv::KvLayer;
pub use linear::{Linear, LinearPacking};
pub use norm::{NormLayer, NormRule};
pub use packed::lines::ReusedPages;
pub use plan::AttentionPlan;
pub use rotation::{Pairing, Rotation};
pub use rule::ScoreRule;
pub use scratch::LayerSizes;
pub use segment::{PAGE, Segment};
pub use token::{TokenId, TokenScore};
pub use weight::{AT_ONCE, RowChoice, RowSink, Weight, WeightRows, pieces, rows_at_once};
pub use window::AttentionWindow;

use candle_core::{DType, Device};
use packed::Machine;

/// Kernels that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("device `{device}`: {what}")]
pub struct Unavailable {
    /// The device.
    pub device: String,
    /// Why not.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// Where and in what dtype numbers are held, and how they are multiplied. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Kernels {
    device: Device,
    dtype: DType,
    backend: Backend,
    /// What multiplies, unless it is candle.
    machine: Option<Machine>,
    /// Whether what is no product has kernels for GPUs of our own (`cuda`), where sizes fit.
    launches: bool,
}

impl Kernels {
    /// The fastest implementation this device has for weights, keys and values of `dtype` (f32, bf16 or f16); on the CPU
    /// the one that `INDIEVAL_BACKEND` names, if it names any.
    ///
    /// # Errors
    /// Another dtype; a backend that is unknown or not there.
    pub fn new(device: &Device, dtype: DType) -> Result<Self, Unavailable> {
        if !device.is_cpu() {
            return Self::candle(device, dtype);
        }
        match Backend::asked()? {
            Some(backend) => Self::with(backend, dtype),
            None => Self::with(Self::backends(dtype).first().copied().unwrap_or(Backend::Candle), dtype),
        }
    }

    /// The backends of our own that this processor has for `dtype`, the fastest first.
    pub fn backends(dtype: DType) -> Vec<Backend> {
        let there = |backend: &Backend| machine(*backend, dtype).is_some();
        Backend::PACKED.into_iter().filter(there).collect()
    }

    /// This implementation, on the CPU.
    ///
    /// # Errors
    /// As [`Kernels::new`].
    pub fn with(backend: Backend, dtype: DType) -> Result<Self, Unavailable> {
        let candle = Self::candle(&Device::Cpu, dtype)?;
        if backend == Backend::Candle {
            return Ok(candle);
        }
        match machine(backend, dtype) {
            Some(machine) => Ok(Self {
                backend,
                machine: Some(machine),
                ..candle
            }),
            None => Err(backend.unavailable(dtype.as_str(), &Self::backends(dtype))),
        }
    }

    /// The implementation out of candle's operations, on any device.
    ///
    /// # Errors
    /// A dtype that is none of f32, bf16 and f16.
    pub fn candle(device: &Device, dtype: DType) -> Result<Self, Unavailable> {
        if !matches!(dtype, DType::F32 | DType::BF16 | DType::F16) {
            return Err(Unavailable {
                device: format!("{:?}", device.location()),
                what: format!("weights can be held as f32, bf16 or f16, not as {}", dtype.as_str()),
                remedy: "hold them as one of these".to_owned(),
            });
        }
        Ok(Self {
            device: device.clone(),
            dtype,
            backend: Backend::Candle,
            machine: None,
            launches: device.is_cuda() && dtype != DType::F32,
        })
    }

    /// A GPU's implementation, whose own kernels are run on the CPU.
    ///
    /// # Errors
    /// As [`Kernels::candle`].
    #[cfg(any(test, feature = "checks"))]
    pub fn emulated(dtype: DType) -> Result<Self, Unavailable> {
        let launches = dtype != DType::F32;
        Ok(Self {
            launches,
            ..Self::candle(&Device::Cpu, dtype)?
        })
    }

    /// The same for weights of f32.
    pub fn in_f32(&self) -> Self {
        Self {
            dtype: DType::F32,
            machine: machine(self.backend, DType::F32),
            launches: false,
            ..self.clone()
        }
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
        match self.device.is_cpu() && !self.launches {
            true => DType::F32,
            false => self.dtype,
        }
    }
}

/// What multiplies `dtype` with a backend of our own, where this processor has the instructions.
fn machine(backend: Backend, dtype: DType) -> Option<Machine> {
    Machine::new(backend.instructions()?, dtype)
}
