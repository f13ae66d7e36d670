//! The sizes of keys and values, which every way to hold them needs.

use candle_core::DType;

/// Sizes of a [`KvLayer`](super::KvLayer).
#[derive(Debug, Clone, Copy)]
pub(super) struct KvShape {
    pub kv_heads: usize,
    pub head_dim: usize,
    /// Number of pages.
    pub pages: usize,
    pub dtype: DType,
}
