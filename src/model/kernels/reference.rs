//! What the operations should give, computed in f64 one number at a time; and reproducible test data.

use super::segment::Segment;
use candle_core::{Device, Tensor};

/// Numbers spread over about ±1, the same for the same seed.
pub fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.
    };
    (0..count).map(|_| next()).collect()
}

/// The same as a matrix on the CPU.
pub fn matrix(seed: u64, rows: usize, columns: usize) -> Tensor {
    Tensor::from_vec(numbers(seed, rows * columns), (rows, columns), &Device::Cpu).unwrap()
}

/// `x · wᵀ`.
pub fn product(x: &[f32], w: &[f32], inputs: usize) -> Vec<f64> {
    let row = |x: &[f32]| {
        let dot = |w: &[f32]| x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum::<f64>();
        w.chunks_exact(inputs).map(dot).collect::<Vec<_>>()
    };
    x.chunks_exact(inputs).flat_map(row).collect()
}

/// Keys and values of a few heads by slot.
pub struct Slots<'a> {
    pub keys: &'a [f32],
    pub values: &'a [f32],
    pub kv_heads: usize,
    pub head_dim: usize,
}

/// Attention of `q`, `(rows, heads, head_dim)`.
pub fn attention(
    slots: &Slots<'_>,
    q: &[f32],
    heads: usize,
    segments: &[Segment],
    scale: f32,
    window: Option<usize>,
) -> Vec<f64> {
    let Slots {
        keys,
        values,
        kv_heads,
        head_dim,
    } = *slots;
    let mut out = vec![0.; q.len()];
    for segment in segments {
        let path: Vec<usize> = segment
            .ancestors
            .iter()
            .chain(&segment.own)
            .flat_map(|span| span.slot..span.end())
            .collect();
        let depth = path.len() - segment.rows.len();
        for (i, row) in segment.rows.clone().enumerate() {
            let seen = &path[window.map_or(0, |w| (depth + i + 1).saturating_sub(w))..depth + i + 1];
            for head in 0..heads {
                let kv_head = head / (heads / kv_heads);
                let at = (row * heads + head) * head_dim;
                let held = |held: &'static str, slot: usize, j: usize| {
                    let held = if held == "keys" { keys } else { values };
                    f64::from(held[(slot * kv_heads + kv_head) * head_dim + j])
                };
                let score = |&slot: &usize| {
                    let dot: f64 = (0..head_dim)
                        .map(|j| f64::from(q[at + j]) * held("keys", slot, j))
                        .sum();
                    dot * f64::from(scale)
                };
                let scores: Vec<f64> = seen.iter().map(score).collect();
                let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> = scores.iter().map(|s| (s - max).exp()).collect();
                let total: f64 = weights.iter().sum();
                for j in 0..head_dim {
                    let sum: f64 = seen.iter().zip(&weights).map(|(&s, w)| w * held("values", s, j)).sum();
                    out[at + j] = sum / total;
                }
            }
        }
    }
    out
}

/// The greatest absolute difference.
pub fn distance(got: &Tensor, expected: &[f64]) -> f64 {
    let got = got
        .to_dtype(candle_core::DType::F32)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    assert_eq!(got.len(), expected.len());
    got.iter()
        .zip(expected)
        .map(|(g, e)| (f64::from(*g) - e).abs())
        .fold(0., f64::max)
}
