//! What the operations should give, computed in f64 one number at a time; and reproducible test data.
#![cfg(any(test, feature = "checks"))]
#![allow(clippy::unwrap_used, reason = "only checks call it, which panic")]

use super::{
    NormRule, ScoreRule,
    window::{AttentionWindow, seen},
};
use candle_core::{DType, Device, Tensor};

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
    x.chunks_exact(inputs)
        .flat_map(|x| w.chunks_exact(inputs).map(move |w| dot(x, w)))
        .collect()
}

/// `Σ a · b`.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Keys and values of a few heads by row.
pub struct KeysAndValues<'a> {
    pub keys: &'a [f32],
    pub values: &'a [f32],
    pub kv_heads: usize,
    pub head_dim: usize,
}

/// Attention of `q`, `(rows, heads, head_dim)`: each row to the rows of its path, which ends with itself.
pub fn attention(
    held: &KeysAndValues<'_>,
    q: &[f32],
    heads: usize,
    paths: &[Vec<usize>],
    rule: ScoreRule<'_>,
    window: Option<AttentionWindow>,
) -> Vec<f64> {
    let KeysAndValues {
        keys,
        values,
        kv_heads,
        head_dim,
    } = *held;
    let mut out = vec![0.; q.len()];
    for (row, path) in paths.iter().enumerate() {
        let seen = &path[seen(path.len() - 1, window)];
        for head in 0..heads {
            let kv_head = head / (heads / kv_heads);
            let at = (row * heads + head) * head_dim;
            let query = &q[at..at + head_dim];
            let place = |row: usize| (row * kv_heads + kv_head) * head_dim;
            let score = |&row: &usize| {
                let score = dot(query, &keys[place(row)..][..head_dim]) * f64::from(rule.scale);
                rule.cap.map(f64::from).map_or(score, |cap| cap * (score / cap).tanh())
            };
            let scores: Vec<f64> = seen.iter().map(score).collect();
            let sink = rule.sinks.map(|sinks| f64::from(sinks[head]));
            let max = scores.iter().copied().chain(sink).fold(f64::NEG_INFINITY, f64::max);
            let weights: Vec<f64> = scores.iter().map(|s| (s - max).exp()).collect();
            let total = weights.iter().sum::<f64>() + sink.map_or(0., |sink| (sink - max).exp());
            for (&row, weight) in seen.iter().zip(&weights) {
                for (out, value) in out[at..at + head_dim].iter_mut().zip(&values[place(row)..]) {
                    *out += weight / total * f64::from(*value);
                }
            }
        }
    }
    out
}

/// Norms of the runs of `x`, by the rows of `weight` and `bias` in turn.
pub fn normed(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, rule: NormRule) -> Vec<f64> {
    let numbers = |x: &Tensor| -> Vec<f64> {
        let wide = x.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
        wide.to_vec1().unwrap()
    };
    let (own, run) = weight.dims2().unwrap();
    let (weight, bias) = (numbers(weight), bias.map(numbers));
    let mut out = numbers(x);
    for (at, run) in out.chunks_mut(run).enumerate() {
        let first = at % own * run.len();
        let mean = |run: &[f64]| run.iter().sum::<f64>() / run.len() as f64;
        let middle = if rule.centred { mean(run) } else { 0. };
        run.iter_mut().for_each(|x| *x -= middle);
        let squares: Vec<f64> = run.iter().map(|x| x * x).collect();
        let root = (mean(&squares) + rule.eps).sqrt();
        for (i, x) in run.iter_mut().enumerate() {
            *x = *x / root * weight[first + i] + bias.as_ref().map_or(0., |bias| bias[first + i]);
        }
    }
    out
}

/// The greatest absolute difference; infinite where a number is none.
pub fn distance(got: &Tensor, expected: &[f64]) -> f64 {
    let got = got
        .to_dtype(DType::F32)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    assert_eq!(got.len(), expected.len());
    got.iter()
        .zip(expected)
        .map(|(g, e)| (f64::from(*g) - e).abs())
        .fold(0., |most, off| if off.is_nan() { f64::INFINITY } else { most.max(off) })
}
