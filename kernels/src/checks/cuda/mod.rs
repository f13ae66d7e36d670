//! Our own kernels for GPUs, run on the CPU, or on the GPU that INDIEVAL_TEST_DEVICE names, against plain arithmetic; and that
//! each check would see a kernel that is wrong.
//!
//! What they are given is rounded to the dtype first, so that all that is off is theirs: numbers are rounded once, as they
//! are written, and attention's weights once more.

#[cfg(test)]
mod any_tree;
#[cfg(test)]
mod mistakes;

use super::{
    flat,
    scene::{AttentionScene, below, scene},
};
use crate::{
    Activation,
    AttentionWindow::{Chunk, Sliding},
    ExpertOutput, Kernels, NormLayer, NormRule, PAGE, Pairing, Rotation, Segment, Weight,
    kv::KvBuffers,
    reference::{self, matrix, numbers},
};
use candle_core::{DType, Device, Tensor};
use std::sync::OnceLock;

/// What a number of each dtype is off by at most when it is rounded, of itself.
const DTYPES: [(DType, f64); 2] = [(DType::BF16, 1. / 256.), (DType::F16, 1. / 2048.)];
/// What sums in f32 are off by beside that, of numbers of size 1; and weights below 2^-14 in f16, of which the least are 0.
const F32: f64 = 4e-5;
/// Roundings of values within 1 that attention's are off by: each weight's, which moves a mean by the distance of two values
/// at most, 2, and the result's.
const ATTENTION: f64 = 3.;

/// The GPU that is checked, if it is one.
static GPU: OnceLock<Device> = OnceLock::new();

/// What kernels are run on.
fn device() -> Device {
    GPU.get().cloned().unwrap_or(Device::Cpu)
}

/// A GPU's kernels, there or on the CPU.
fn ours(dtype: DType) -> Kernels {
    match device() {
        Device::Cpu => Kernels::emulated(dtype).unwrap(),
        gpu => Kernels::candle(&gpu, dtype).unwrap(),
    }
}

/// Whether they can be run; says so where they cannot.
#[cfg(test)]
fn are_there() -> bool {
    !device().is_cpu() || crate::can_emulate()
}

/// Asserts that numbers are those expected, rounded to what the dtype holds.
#[track_caller]
fn close(got: &Tensor, expected: &[f64], rounding: f64) {
    let got = flat(&got.to_dtype(DType::F32).unwrap());
    assert_eq!(got.len(), expected.len());
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        let off = (f64::from(*got) - expected).abs();
        assert!(
            off <= rounding * expected.abs() + F32 * expected.abs().max(1.),
            "number {at}: {got}, not {expected}"
        );
    }
}

/// Random numbers that the dtype holds.
fn held(seed: u64, rows: usize, columns: usize, dtype: DType) -> Tensor {
    let on_cpu = matrix(seed, rows, columns).to_dtype(dtype).unwrap();
    on_cpu.to_device(&device()).unwrap()
}

fn wide(x: &Tensor) -> Vec<f32> {
    flat(&x.to_dtype(DType::F32).unwrap())
}

fn check_attention(scene: &AttentionScene, (dtype, rounding): (DType, f64)) {
    scene.check_by(&[(ours(dtype), ATTENTION * rounding + F32)], dtype);
}

/// Prefixes of several blocks, strands that part within a page and from each other, windows, caps, rows that no tile fits.
fn attention_of_trees() {
    let [dtype, _] = DTYPES;
    check_attention(
        &scene(below(100, &[(100, 20), (90, 3), (65, 1)]), 4, 1, 64, None),
        dtype,
    );
    check_attention(
        &scene(below(100, &[(100, 30), (77, 5)]), 3, 1, 64, Some(Sliding(30))),
        dtype,
    );
    // Chunks, one of which ends among the rows of a tile, behind blocks that its first rows see as a whole.
    for size in [30, 115] {
        check_attention(
            &scene(below(100, &[(100, 30), (77, 5)]), 3, 1, 64, Some(Chunk(size))),
            dtype,
        );
    }
    let chained = vec![(None, 0, 70), (Some(0), 50, 40), (Some(1), 77, 9), (Some(1), 64, 5)];
    check_attention(&scene(chained, 2, 2, 64, None), dtype);
}

/// Every width of heads, in both dtypes, over several blocks and with windows of all sizes.
fn attention_of_every_width() {
    let [bf16, f16] = DTYPES;
    for head_dim in [64, 80, 96, 128, 256] {
        check_attention(&scene(below(170, &[(166, 9)]), 3, 1, head_dim, None), bf16);
        check_attention(&scene(below(90, &[(90, 9), (2, 1)]), 4, 2, head_dim, None), f16);
        check_attention(
            &scene(below(30, &[(30, 9), (2, 1)]), 7, 1, head_dim, Some(Sliding(1))),
            f16,
        );
    }
}

/// What is beside a row, where it lies and how it is cut changes no bit of it.
fn attention_in_other_company() {
    let kernels = || [ours(DType::BF16)];
    let tree = below(70, &[(70, 12), (66, 3)]);
    scene(tree.clone(), 2, 1, 64, None).check_bits(kernels(), 1, 30);
    scene(tree, 2, 2, 64, Some(Chunk(40))).check_bits(kernels(), 0, 1000);
}

fn norms() {
    // Large enough to show beside squares of a third.
    const EPS: f64 = 0.05;
    for (dtype, rounding) in DTYPES {
        let kernels = ours(dtype);
        // Runs of a row, and how many of them have weights of their own.
        for (n, runs, own) in [(8, 3, 1), (64, 4, 2), (24, 3, 3), (1000, 1, 1), (4096, 1, 1)] {
            let rows = 5;
            // Off the middle, so that there is a mean to take off.
            let fused = (held(1, rows, runs * n + 16, dtype) + 0.5).unwrap();
            // A slice that eights fit, and one that is copied.
            for (first, centred, biased) in [(8, false, false), (3, false, true), (8, true, false), (3, true, true)] {
                let x = fused.narrow(1, first, runs * n).unwrap();
                let weights = matrix(2, own, n).to_device(&device()).unwrap();
                let biases = matrix(3, own, n).to_device(&device()).unwrap();
                let norm = NormLayer::new(&weights, biased.then_some(&biases), NormRule { centred, eps: EPS }).unwrap();
                let expected = reference::normed(&x, &weights, biased.then_some(&biases), norm.rule());
                close(&kernels.norm(&x, &norm).unwrap(), &expected, rounding);
            }
        }
    }
}

/// `x`, in heads of `rotation`, turned, in f64; `x` itself without a rotation.
fn turned(x: &[f32], width: usize, rotation: Option<&Rotation<'_>>) -> Vec<f64> {
    let mut out: Vec<f64> = x.iter().copied().map(f64::from).collect();
    let Some(rotation) = rotation else { return out };
    let (half, cos, sin) = (rotation.cos.dim(1).unwrap(), flat(rotation.cos), flat(rotation.sin));
    for (at, head) in x.chunks(rotation.head_dim).enumerate() {
        let (first, row) = (at * rotation.head_dim, at * rotation.head_dim / width);
        for pair in 0..half {
            let (one, other) = match rotation.pairing {
                Pairing::Halves => (pair, pair + half),
                Pairing::Neighbours => (2 * pair, 2 * pair + 1),
            };
            let (a, b) = (f64::from(head[one]), f64::from(head[other]));
            let (cos, sin) = (f64::from(cos[row * half + pair]), f64::from(sin[row * half + pair]));
            out[first + one] = a * cos - b * sin;
            out[first + other] = b * cos + a * sin;
        }
    }
    out
}

/// Cosines and sines of some angles.
fn tables(rows: usize, half: usize) -> (Tensor, Tensor) {
    let angles = matrix(7, rows, half).to_device(&device()).unwrap();
    (
        (&angles * 3.).unwrap().cos().unwrap(),
        (&angles * 3.).unwrap().sin().unwrap(),
    )
}

fn rotations() {
    let (rows, heads) = (9, 3);
    for (dtype, rounding) in DTYPES {
        let kernels = ours(dtype);
        for (head_dim, half, pairing) in [
            (64, 32, Pairing::Halves),
            (64, 32, Pairing::Neighbours),
            (24, 6, Pairing::Halves),
            (24, 9, Pairing::Neighbours),
        ] {
            let (cos, sin) = tables(rows, half);
            let rotation = Rotation {
                cos: &cos,
                sin: &sin,
                head_dim,
                pairing,
            };
            let width = heads * head_dim;
            let x = held(4, rows, width + 10, dtype);
            let x = x.narrow(1, 5, width).unwrap();
            let expected = turned(&wide(&x.contiguous().unwrap()), width, Some(&rotation));
            close(&kernels.turn(&x, &rotation).unwrap(), &expected, rounding);
        }
    }
}

/// Keys are turned on their way into their slots, values are not, and pages that begin as copies are.
fn keys_and_values_in_their_slots() {
    let (kv_heads, head_dim, pages) = (2, 8, 6);
    let segment = |rows, position, pages: &[u32], copied| Segment {
        rows,
        position,
        pages: pages.into(),
        copied,
    };
    // The third parts from the second within a page that the second has half of from the first.
    let segments = [
        segment(0..40, 0, &[4, 1], None),
        segment(40..50, 37, &[4, 3], Some(1)),
        segment(50..52, 43, &[4, 0], Some(3)),
    ];
    let width = kv_heads * head_dim;
    for (dtype, rounding) in DTYPES {
        let kernels = ours(dtype);
        let (cos, sin) = tables(52, 4);
        let rotation = Rotation {
            cos: &cos,
            sin: &sin,
            head_dim,
            pairing: Pairing::Halves,
        };
        let (keys, values) = (held(1, 52, width, dtype), held(2, 52, width, dtype));
        let mut kv = kernels.kv(kv_heads, head_dim, pages).unwrap();
        let plan = kernels.plan(segments.to_vec(), None).unwrap();
        kernels.keep(&mut kv, &plan, &keys, Some(&rotation), &values).unwrap();
        let KvBuffers::Tensors(held_keys, held_values) = &kv.held else {
            panic!("they are tensors");
        };
        for (held, new, rotation) in [(held_keys, keys, Some(&rotation)), (held_values, values, None)] {
            let rows = turned(&wide(&new), width, rotation);
            let mut expected = vec![0.; pages * PAGE * width];
            for segment in &segments {
                if let Some((from, to)) = segment.copy() {
                    expected.copy_within(from * PAGE * width..(from + 1) * PAGE * width, to * PAGE * width);
                }
                for (row, position) in segment.rows.clone().zip(segment.position..) {
                    let slot = segment.slot(position);
                    expected[slot * width..][..width].copy_from_slice(&rows[row * width..][..width]);
                }
            }
            // Only lanes before the first row are copied: the rest is nobody's.
            let got = wide(held);
            for segment in &segments {
                for position in 0..segment.end() {
                    let at = segment.slot(position) * width;
                    let got = Tensor::new(&got[at..at + width], &Device::Cpu).unwrap();
                    close(&got, &expected[at..at + width], rounding);
                }
            }
        }
    }
}

/// A gate through its activation, times its partner.
fn gated(activation: Activation, x: f64, up: f64) -> f64 {
    match activation {
        Activation::Silu => x / (1. + (-x).exp()) * up,
        Activation::GeluTanh => {
            let inner = (2. / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1. + inner.tanh()) * up
        }
        Activation::Clamped { gain, limit } => {
            let (gain, limit) = (f64::from(gain), f64::from(limit));
            let x = x.min(limit);
            x / (1. + (-gain * x).exp()) * (1. + up.clamp(-limit, limit))
        }
    }
}

fn gates() {
    let (rows, n) = (37, 40);
    for (dtype, rounding) in DTYPES {
        let kernels = ours(dtype);
        let x = (held(4, rows, 2 * n, DType::F32) * 20.)
            .unwrap()
            .to_dtype(dtype)
            .unwrap();
        let clamped = Activation::Clamped { gain: 1.5, limit: 7. };
        for activation in [Activation::Silu, Activation::GeluTanh, clamped] {
            let gate = |row: &[f32]| -> Vec<f64> {
                let pairs = row[..n].iter().zip(&row[n..]);
                pairs
                    .map(|(gate, up)| gated(activation, f64::from(*gate), f64::from(*up)))
                    .collect()
            };
            let expected: Vec<f64> = wide(&x).chunks(2 * n).flat_map(gate).collect();
            // tanh(x) + 1 in f32 has nothing left of what is below 2^-24; times partners of up to 20.
            close(&kernels.gated(&x, activation).unwrap(), &expected, rounding);
        }
    }
}

fn sums_of_experts() {
    let (rows, n) = (6, 40);
    for (dtype, rounding) in DTYPES {
        let kernels = ours(dtype);
        let residual = held(1, rows, n, dtype);
        let sent: [&[u32]; 3] = [&[0, 1, 4, 5], &[0, 2, 3, 5], &[1, 2, 3, 4]];
        let shares = numbers(9, 12);
        let outs: Vec<Tensor> = (0..3).map(|expert| held(2 + expert, 4, n, dtype)).collect();
        let mut expected: Vec<f64> = wide(&residual).into_iter().map(f64::from).collect();
        let mut experts = Vec::new();
        for (expert, (rows, out)) in sent.iter().zip(outs).enumerate() {
            let shares = &shares[4 * expert..][..4];
            for ((&row, share), numbers) in rows.iter().zip(shares).zip(wide(&out).chunks(n)) {
                for (sum, number) in expected[row as usize * n..].iter_mut().zip(numbers) {
                    *sum += f64::from(*share) * f64::from(*number);
                }
            }
            experts.push(ExpertOutput {
                rows: rows.to_vec(),
                shares: shares.to_vec(),
                out,
            });
        }
        close(&kernels.add_experts(&residual, experts).unwrap(), &expected, rounding);
    }
}

/// Log-probabilities, and of equal logits the lowest token.
fn softmax_of_a_vocabulary() {
    let (rows, inputs, vocabulary) = (3, 16, 5001);
    let kernels = ours(DType::BF16);
    let (x, w) = (
        held(1, rows, inputs, DType::BF16),
        held(2, vocabulary, inputs, DType::BF16),
    );
    let mut twice = flat(&w.to_dtype(DType::F32).unwrap());
    let best = |w: &[f32], row: usize| {
        let logits = reference::product(&wide(&x)[row * inputs..][..inputs], w, inputs);
        (0..vocabulary)
            .rev()
            .max_by(|&a, &b| logits[a].total_cmp(&logits[b]))
            .unwrap()
    };
    // The best of the first row three times more, all for one thread of a block to see.
    let first = best(&twice, 0);
    for copy in [44, 300, 556] {
        twice.copy_within(first * inputs..(first + 1) * inputs, copy * inputs);
    }
    let weight = Tensor::from_slice(&twice, (vocabulary, inputs), &Device::Cpu).unwrap();
    let head = kernels.linear(Weight::Plain(weight), None).unwrap();
    let logits = reference::product(&wide(&x), &twice, inputs);
    for row in 0..rows {
        let (logits, best) = (&logits[row * vocabulary..][..vocabulary], best(&twice, row));
        let total: f64 = logits.iter().map(|logit| logit.exp()).sum();
        let targets = [0, 63, best, vocabulary - 1].map(|token| (row, token as u32));
        let scores = head.token_scores(&x, &targets).unwrap();
        for ((_, token), score) in targets.into_iter().zip(scores) {
            let off = (f64::from(score.logprob) - (logits[token as usize] - total.ln())).abs();
            assert!(off < F32, "token {token}: {off}");
            assert_eq!(score.greedy, token as usize == best, "token {token}");
        }
    }
}

/// What is checked, and what it is about.
const CHECKS: [(&str, fn()); 9] = [
    ("attention", attention_of_trees),
    ("attention", attention_in_other_company),
    ("norms", norms),
    ("rotations", rotations),
    ("slots", keys_and_values_in_their_slots),
    ("gates", gates),
    ("experts", sums_of_experts),
    ("softmax", softmax_of_a_vocabulary),
    // Those before see every mistake.
    ("widths", attention_of_every_width),
];

/// All checks, on this device: what each is about, and what it does, which is to panic where a kernel is wrong. One device
/// a process.
pub fn checks(device: &Device) -> [(&'static str, fn()); 9] {
    if !device.is_cpu() {
        GPU.get_or_init(|| device.clone());
    }
    CHECKS
}

#[test]
fn kernels_for_gpus_equal_plain_arithmetic_on_the_cpu() {
    if are_there() {
        CHECKS.iter().for_each(|(_, check)| check());
    }
}
