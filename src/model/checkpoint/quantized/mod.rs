//! Quantised weights in safetensors: which quantiser wrote them, which tensors belong together, and their values.

mod bitsandbytes;
mod layout;
mod numbers;
mod parts;
mod rows;
mod scheme;

pub(super) use layout::PackedTensor;
pub(super) use parts::{Tensors, gather};
pub(super) use rows::PackedRows;
pub(super) use scheme::Scheme;
