//! Our own kernels for NVIDIA GPUs: `tree.cu` (attention) and `rows.cu` (all else), with what starts them.
//!
//! nvcc makes PTX of them at build time (`build.rs`), which the driver compiles for its card. Tests compile the same files
//! for the CPU and run them there thread by thread (`host.hpp`), started by the same code: what stands here gives a kernel
//! its sizes and arguments, and `launch` hands them to a GPU or, in tests, to the CPU.
//!
//! Kernels are for bf16 and f16, in rows of multiples of eight numbers and heads of [`attend::HEAD_DIMS`]; what does not
//! fit is left to candle's operations, and these functions say so by `None`.

pub(super) mod attend;
#[cfg(feature = "cuda")]
mod device;
#[cfg_attr(
    not(any(test, feature = "checks", feature = "cuda")),
    expect(dead_code, reason = "without GPUs and tests nothing is started")
)]
mod grid;
#[cfg(any(test, feature = "checks"))]
pub(super) mod host;
#[cfg_attr(
    not(any(test, feature = "checks", feature = "cuda")),
    expect(dead_code, reason = "without GPUs and tests nothing is started")
)]
mod launch;
pub(super) mod per_row;
#[cfg(feature = "cuda")]
pub(super) mod product;
#[cfg(feature = "cuda")]
pub(super) mod upload;
