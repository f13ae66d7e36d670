//! Memory that a pass takes beside weights, keys and values. Most of it where candle's operations compute it: each of them
//! returns a tensor of its own.

use super::{Backend, Kernels, attention::most_scores, cuda::attend, head::logits_at_once};

/// Attention's scores while an operation makes them anew: as they were, and as they will be.
const SCORES_AT_ONCE: u64 = 2;
/// Bytes of a number between the two layers of a network, at most: the fused product, as f32, gates, their SiLU, the
/// product of both, and that as it goes on.
const BETWEEN_BYTES: u64 = 2 * (4 + 4) + 4 + 4 + 4 + 4;
/// Bytes of a number of a row's hidden state, at most: the residual, its norm's steps, queries and their turned halves.
const HIDDEN_BYTES: u64 = 64;
/// Tensors as large as a part of the logits that their reduction holds.
const LOGITS_AT_ONCE: u64 = 6;
/// The same where our own kernels compute on a GPU: gates and partners and what comes of them; the residual before and behind
/// a part of the layer, its norm, queries, keys and values, queries turned, what they attended to, and its product; one part
/// of the logits while the next one is made.
const OWN_BETWEEN_BYTES: u64 = 2 * 2 + 2;
const OWN_HIDDEN_BYTES: u64 = 2 * 8;
const OWN_LOGITS_AT_ONCE: u64 = 2;
/// Of our own kernels on a CPU, f32 all of them. As wide as the hidden state: the norm of what a layer is given, the residual behind
/// its attention, that one's norm, and what comes of it.
const CPU_HIDDEN: usize = 4;
/// As wide as the queries: those as they came, turned, and what they attended to.
const CPU_QUERIES: usize = 3;
/// As wide as the keys: keys and values.
const CPU_KEYS: usize = 2;
/// As wide as the hidden state, for each expert of a token: what it is given, and what it makes of it.
const CPU_EXPERT: usize = 2;

/// The sizes of a layer on which memory depends.
#[derive(Debug, Clone, Copy)]
pub struct LayerSizes {
    /// Width of a token's hidden state.
    pub hidden: usize,
    /// Width between the two layers of a feed-forward network.
    pub intermediate: usize,
    /// Query heads.
    pub heads: usize,
    /// Heads of keys and values.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Experts that a token is sent to; 0 where there are none.
    pub experts: usize,
}

impl Kernels {
    /// Bytes, at most, that a pass of `rows` tokens takes beside weights, keys, values, masks and the rows themselves. What
    /// our own kernels for CPUs take in tiles is too small to count: between the layers of a network, scores, logits.
    pub fn scratch_bytes(&self, sizes: &LayerSizes, rows: usize) -> u64 {
        if self.backend != Backend::Candle {
            let hidden = CPU_HIDDEN + CPU_EXPERT * sizes.experts;
            let heads = CPU_QUERIES * sizes.heads + CPU_KEYS * sizes.kv_heads;
            return 4 * (rows * (hidden * sizes.hidden + heads * sizes.head_dim)) as u64;
        }
        let rows = rows as u64;
        let (between, hidden, logits) = match self.launches {
            true => (OWN_BETWEEN_BYTES, OWN_HIDDEN_BYTES, OWN_LOGITS_AT_ONCE),
            false => (BETWEEN_BYTES, HIDDEN_BYTES, LOGITS_AT_ONCE),
        };
        let scores = match self.attends_in_tiles(sizes) {
            true => 0,
            false => SCORES_AT_ONCE * 4 * most_scores(&self.device) as u64,
        };
        // The largest of what is not there at the same time.
        let network = rows * sizes.intermediate as u64 * between;
        let (at_once, columns) = logits_at_once(&self.device);
        let widened = if self.launches { 0 } else { sizes.hidden as u64 };
        let head = 4 * columns as u64 * (widened + logits * at_once as u64);
        rows * sizes.hidden as u64 * hidden + scores.max(network).max(head)
    }

    /// Bytes, at most, that the masks of a batch take for a token of a path of `len` tokens in passes of `rows`: a token's
    /// mask has a number for each key that its pass sees, and masks stay until the last layer is done.
    pub fn mask_bytes(&self, sizes: &LayerSizes, len: usize, rows: usize) -> u64 {
        match self.backend {
            Backend::Candle if !self.attends_in_tiles(sizes) => 4 * (len + rows) as u64,
            _ => 0,
        }
    }

    /// Whether a GPU's attention is a kernel of our own.
    fn attends_in_tiles(&self, sizes: &LayerSizes) -> bool {
        self.launches && attend::fits(sizes.head_dim, sizes.heads / sizes.kv_heads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn a_pass_takes_more_where_candle_computes_it() {
        let sizes = LayerSizes {
            hidden: 32,
            intermediate: 48,
            heads: 4,
            kv_heads: 2,
            head_dim: 8,
            experts: 0,
        };
        let candle = Kernels::candle(&Device::Cpu, DType::F32).unwrap();
        let own = Kernels::with(Backend::Portable, DType::F32).unwrap();
        let each = 4 * (4 * 32 + 3 * 32 + 2 * 16);
        assert_eq!(
            (own.scratch_bytes(&sizes, 512), own.mask_bytes(&sizes, 3500, 512)),
            (512 * each, 0)
        );
        let mixture = LayerSizes { experts: 2, ..sizes };
        assert_eq!(own.scratch_bytes(&mixture, 512), 512 * (each + 4 * 4 * 32));
        assert!(candle.scratch_bytes(&sizes, 512) > 512 * each);
        // Attention's scores count for most in a model as small as this; a pass of more rows takes more all the same.
        let scores = 2 * 4 * most_scores(&Device::Cpu) as u64;
        let [few, many] = [512, 4096].map(|rows| candle.scratch_bytes(&sizes, rows));
        assert!(
            few >= scores && many - few == (4096 - 512) * 32 * HIDDEN_BYTES,
            "{few} {many}"
        );
        assert_eq!(candle.mask_bytes(&sizes, 3500, 512), 4 * 4012);
        // A kernel for these heads, and none.
        let gpu = Kernels::emulated(DType::BF16).unwrap();
        let wide = LayerSizes { head_dim: 64, ..sizes };
        assert_eq!(gpu.mask_bytes(&sizes, 3500, 512), 4 * 4012);
        assert_eq!(gpu.mask_bytes(&wide, 3500, 512), 0);
        assert!(gpu.scratch_bytes(&wide, 512) < gpu.scratch_bytes(&sizes, 512));
    }
}
