//! Every implementation against plain f64 arithmetic. With the feature `checks` those of our own kernels for GPUs are in the
//! library, for `examples/gpu_check.rs`.
#![cfg(any(test, feature = "checks"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a check that fails panics")]

#[cfg(test)]
mod attention;
pub mod cuda;
#[cfg(test)]
mod implementations;
#[cfg(test)]
mod operations;
mod scene;

use candle_core::Tensor;

fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}
