//! The sizes of a store of keys and values, which every way to hold them needs.

use candle_core::DType;

/// Sizes of a [`KvStore`](super::KvStore).
#[derive(Debug, Clone, Copy)]
pub(super) struct KvShape {
    pub layers: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub capacity: usize,
    pub dtype: DType,
}
