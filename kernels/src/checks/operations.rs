//! Every operation against plain f64 arithmetic, on shapes that fit nothing.

use super::{
    flat,
    implementations::{F32, implementations},
};
use crate::{
    Activation, Backend, Kernels, NormLayer, NormRule, PAGE, Pairing, Rotation, Segment, TokenId, Weight,
    pick::pick,
    reference::{self, distance, matrix, numbers, product},
};
use candle_core::{DType, Device, Tensor};
use proptest::prelude::*;

#[test]
fn linear_equals_plain_arithmetic_on_odd_shapes() {
    for (kernels, tolerance) in implementations() {
        for (rows, inputs, outputs) in [
            (1, 8, 1),
            (2, 33, 31),
            (13, 64, 32),
            (50, 100, 97),
            (205, 576, 70),
            (7, 1500, 33),
        ] {
            let (x, w, bias) = (matrix(1, rows, inputs), matrix(2, outputs, inputs), numbers(3, outputs));
            let bias_tensor = Tensor::new(bias.as_slice(), &Device::Cpu).unwrap();
            let expected = product(&flat(&x), &flat(&w), inputs);
            let plain = kernels.linear(Weight::Plain(w.clone()), None).unwrap();
            let scale = (inputs as f64 / 100.).max(1.);
            let off = distance(&plain.forward(&x).unwrap(), &expected);
            assert!(off < tolerance * scale, "{kernels:?} {rows}x{inputs}x{outputs}: {off}");
            let residual = matrix(4, rows, outputs);
            let shifted: Vec<f64> = expected
                .iter()
                .zip(flat(&residual))
                .enumerate()
                .map(|(i, (e, r))| e + f64::from(r) + f64::from(bias[i % outputs]))
                .collect();
            let biased = kernels.linear(Weight::Plain(w), Some(bias_tensor)).unwrap();
            let off = distance(&biased.forward_add(&x, &residual).unwrap(), &shifted);
            assert!(
                off < tolerance * scale,
                "{kernels:?} {rows}x{inputs}x{outputs} + bias + residual: {off}"
            );
        }
    }
}

#[test]
fn concatenated_layers_are_the_layers_side_by_side() {
    for (kernels, _) in implementations() {
        let (x, a, b) = (matrix(1, 5, 48), matrix(2, 40, 48), matrix(3, 9, 48));
        let bias = Tensor::new(numbers(4, 9), &Device::Cpu).unwrap();
        let plain = |w: &Tensor| Weight::Plain(w.clone());
        let both = kernels
            .linear_concat(vec![plain(&a), plain(&b)], vec![None, Some(bias.clone())])
            .unwrap();
        let both = both.forward(&x).unwrap();
        let first = kernels.linear(plain(&a), None).unwrap().forward(&x).unwrap();
        let second = kernels.linear(plain(&b), Some(bias)).unwrap().forward(&x).unwrap();
        assert_eq!(flat(&both.narrow(1, 0, 40).unwrap()), flat(&first));
        assert_eq!(flat(&both.narrow(1, 40, 9).unwrap()), flat(&second));
    }
}

#[test]
fn a_network_is_its_three_operations_one_after_the_other() {
    for (kernels, tolerance) in implementations() {
        let (silu, gelu) = (Activation::Silu, Activation::GeluTanh);
        for (rows, hidden, between, activation) in [
            (3, 40, 64, silu),
            (200, 72, 96, silu),
            (301, 33, 160, gelu),
            (200, 16, 40, silu),
        ] {
            let plain = |seed, n, k| kernels.linear(Weight::Plain(matrix(seed, n, k)), None).unwrap();
            let (gate_up, down) = (plain(1, 2 * between, hidden), plain(2, hidden, between));
            let (x, residual) = (matrix(3, rows, hidden), matrix(4, rows, hidden));
            let whole = kernels
                .feed_forward(&x, &gate_up, activation, &down, &residual)
                .unwrap();
            let steps = kernels.gated(&gate_up.forward(&x).unwrap(), activation).unwrap();
            let steps = down.forward_add(&steps, &residual).unwrap();
            let expected: Vec<f64> = flat(&steps).into_iter().map(f64::from).collect();
            // Both round the same numbers to bf16; a few may lie on the edge.
            let off = distance(&whole, &expected);
            assert!(off < tolerance, "{kernels:?} {rows} x {hidden} x {between}: {off}");
            assert!(
                kernels
                    .feed_forward(&x, &down, activation, &gate_up, &residual)
                    .is_err()
            );
        }
    }
}

#[test]
fn a_row_does_not_depend_on_the_rows_beside_it() {
    for (kernels, _) in implementations() {
        let (x, w) = (matrix(1, 50, 700), matrix(2, 70, 700));
        let layer = kernels.linear(Weight::Plain(w), None).unwrap();
        let together = layer.forward(&x).unwrap();
        for (row, n) in [(0, 1), (17, 1), (49, 1), (3, 11)] {
            let alone = flat(&layer.forward(&x.narrow(0, row, n).unwrap()).unwrap());
            let beside = flat(&together.narrow(0, row, n).unwrap());
            if kernels.backend() == Backend::Candle {
                let off = alone.iter().zip(&beside).map(|(a, b)| (a - b).abs()).fold(0., f32::max);
                assert!(f64::from(off) < F32, "{kernels:?} rows {row}+{n}: {off}");
            } else {
                assert_eq!(alone, beside, "{kernels:?} rows {row}+{n}");
            }
        }
    }
}

#[test]
fn all_processors_with_fma_give_the_same_bits_wherever_f32_is_multiplied() {
    for dtype in [DType::F32, DType::F16] {
        let backends = Kernels::backends(dtype);
        if !backends.contains(&Backend::Avx512) {
            println!("skipped: this processor has no AVX-512");
            return;
        }
        let [one, other] = [Backend::Avx512, Backend::Avx2].map(|backend| {
            let kernels = Kernels::with(backend, dtype).unwrap();
            let layer = |seed, n, k| kernels.linear(Weight::Plain(matrix(seed, n, k)), None).unwrap();
            let (gate_up, down) = (layer(1, 640, 700), layer(2, 700, 320));
            let x = matrix(3, 131, 700);
            let x = kernels
                .feed_forward(&x, &gate_up, Activation::GeluTanh, &down, &x)
                .unwrap();
            let head = layer(4, 5001, 700).capped(Some(3.));
            let scores = head.token_scores(&x, &[(0, 7), (130, 5000)]).unwrap();
            let logprobs = scores.iter().map(|score| score.logprob);
            flat(&x)
                .into_iter()
                .chain(logprobs)
                .map(f32::to_bits)
                .collect::<Vec<_>>()
        });
        assert!(one == other, "{dtype:?}");
    }
}

#[test]
fn weight_rows_are_the_weights() {
    for (kernels, _) in implementations() {
        let w = matrix(1, 70, 48)
            .to_dtype(kernels.dtype())
            .unwrap()
            .to_dtype(DType::F32)
            .unwrap();
        let layer = kernels.linear(Weight::Plain(w.clone()), None).unwrap();
        let rows = layer.weight_rows(&[69, 0, 33, 33]).unwrap();
        let expected = pick(&w, &[69, 0, 33, 33]).unwrap();
        assert_eq!(flat(&rows), flat(&expected));
        assert!(layer.weight_rows(&[70]).is_err());
    }
}

#[test]
fn token_scores_are_the_log_softmax_of_the_logits() {
    for (kernels, tolerance) in implementations() {
        let (rows, inputs, vocabulary) = (300, 40, 5001);
        let (x, w) = (matrix(1, rows, inputs), matrix(2, vocabulary, inputs));
        let head = kernels.linear(Weight::Plain(w), None).unwrap();
        let logits = flat(&head.forward(&x).unwrap());
        let argmax = |row: usize| {
            let row = &logits[row * vocabulary..][..vocabulary];
            (0..vocabulary)
                .rev()
                .max_by(|&a, &b| row[a].total_cmp(&row[b]))
                .unwrap()
        };
        let mut targets: Vec<(usize, TokenId)> = (0..500)
            .map(|i| ((i * 7919) % rows, ((i * 104_729) % vocabulary) as TokenId))
            .collect();
        targets.extend([0, 100, 299].map(|row| (row, argmax(row) as TokenId)));
        let scores = head.token_scores(&x, &targets).unwrap();
        for (&(row, token), score) in targets.iter().zip(&scores) {
            let row_logits = &logits[row * vocabulary..][..vocabulary];
            let total: f64 = row_logits.iter().map(|&l| f64::from(l).exp()).sum();
            let expected = f64::from(row_logits[token as usize]) - total.ln();
            let off = (f64::from(score.logprob) - expected).abs();
            assert!(off < tolerance, "{kernels:?} row {row} token {token}: {off}");
            assert_eq!(
                score.greedy,
                token as usize == argmax(row),
                "{kernels:?} row {row} token {token}"
            );
        }
        assert!(head.token_scores(&x, &[(rows, 0)]).is_err());
        assert!(head.token_scores(&x, &[(0, vocabulary as TokenId)]).is_err());
    }
}

#[test]
fn of_equal_logits_the_lowest_token_is_greedy() {
    for (kernels, _) in implementations() {
        // CpuRows 3, 40 and 4999 of the weight are the same and the greatest.
        let mut w = vec![0f32; 5000 * 8];
        for token in [3, 40, 4999] {
            w[token * 8..][..8].fill(1.);
        }
        let head = kernels
            .linear(
                Weight::Plain(Tensor::from_vec(w, (5000, 8), &Device::Cpu).unwrap()),
                None,
            )
            .unwrap();
        let x = Tensor::ones((2, 8), DType::F32, &Device::Cpu).unwrap();
        let scores = head
            .token_scores(&x, &[(1, 4999), (1, 3), (0, 40), (0, 3), (0, 0)])
            .unwrap();
        assert_eq!(
            scores.iter().map(|s| s.greedy).collect::<Vec<_>>(),
            [false, true, false, true, false]
        );
        assert_eq!(scores[0].logprob, scores[1].logprob);
    }
}

/// Every kind of norm, with the number of numbers that have weights of their own: heads that share a norm, heads that have
/// their own, and rows.
fn kinds_of_norms(width: usize) -> Vec<NormLayer> {
    let mut kinds = Vec::new();
    for (own, run) in [(1, width / 3), (3, width / 3), (1, width)] {
        for (centred, biased) in [(false, false), (false, true), (true, false), (true, true)] {
            let (weight, bias) = (matrix(2, own, run), biased.then(|| matrix(3, own, run)));
            let norm = NormLayer::new(&weight, bias.as_ref(), NormRule { centred, eps: 1e-5 }).unwrap();
            kinds.push(norm);
        }
    }
    kinds
}

#[test]
fn norms_equal_plain_arithmetic() {
    for (kernels, _) in implementations() {
        let (rows, width) = (37, 72);
        // Off the middle, so that there is a mean to take off.
        let fused = (matrix(1, rows, width + 10) + 0.5).unwrap();
        let x = fused.narrow(1, 4, width).unwrap();
        for norm in kinds_of_norms(width) {
            let (weight, bias) = norm.tensors();
            let expected = reference::normed(&x, weight, bias, norm.rule());
            let off = distance(&kernels.norm(&x, &norm).unwrap(), &expected);
            assert!(off < F32, "{norm:?}: {off}");
            let doubled: Vec<f64> = expected.iter().map(|x| 2. * x).collect();
            let twice = kernels.norm(&x, &norm.times(2.).unwrap()).unwrap();
            assert!(distance(&twice, &doubled) < 2. * F32, "{norm:?}");
        }
    }
}

#[test]
fn a_norm_that_does_not_fit_is_refused() {
    let rule = NormRule {
        centred: false,
        eps: 1e-5,
    };
    let vector = |len| Tensor::ones(len, DType::F32, &Device::Cpu).unwrap();
    assert!(NormLayer::new(&vector(0), None, rule).is_err());
    assert!(NormLayer::new(&vector(8), Some(&vector(9)), rule).is_err());
    let norm = NormLayer::new(&vector(8), None, rule).unwrap();
    for (kernels, _) in implementations() {
        assert!(kernels.norm(&matrix(1, 3, 24), &norm).is_ok());
        assert!(kernels.norm(&matrix(1, 3, 20), &norm).is_err());
        let (residual, x) = (matrix(1, 3, 20), matrix(2, 3, 20));
        assert!(kernels.add(&residual, &x, Some(&norm), 1.).is_err());
        assert!(kernels.add(&residual, &matrix(2, 3, 24), None, 1.).is_err());
    }
}

/// In one step what a norm, a product and a sum give one after the other, to the bit.
#[test]
fn what_is_added_is_normed_and_scaled_before() {
    let bits = |x: &Tensor| flat(x).iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    for (kernels, _) in implementations() {
        let (rows, width) = (37, 24);
        let (residual, fused) = (matrix(1, rows, width), matrix(2, rows, width + 10));
        let x = fused.narrow(1, 4, width).unwrap();
        let norms = kinds_of_norms(width).into_iter().map(Some);
        for norm in norms.chain([None]) {
            for scale in [1.0, 0.25, 0.22] {
                let normed = norm
                    .as_ref()
                    .map_or_else(|| x.clone(), |norm| kernels.norm(&x, norm).unwrap());
                let expected = (&residual + (normed * scale).unwrap()).unwrap();
                let added = kernels.add(&residual, &x, norm.as_ref(), scale).unwrap();
                assert_eq!(bits(&added), bits(&expected), "{scale}");
            }
        }
    }
}

#[test]
fn rope_equals_plain_arithmetic() {
    for (kernels, _) in implementations() {
        let (rows, heads, head_dim) = (37, 3, 24);
        let width = heads * head_dim;
        let fused = matrix(1, rows, width + 10);
        let x = fused.narrow(1, 4, width).unwrap();
        let angles = numbers(3, rows * head_dim / 2);
        let numbers = flat(&x.contiguous().unwrap());
        let table = |f: fn(f32) -> f32| {
            let values: Vec<f32> = angles.iter().map(|a| f(*a)).collect();
            Tensor::from_vec(values, (rows, head_dim / 2), &Device::Cpu).unwrap()
        };
        let (cos, sin) = (table(f32::cos), table(f32::sin));
        // All of a head, or its first two thirds.
        for (width_of_head, pairing) in [
            (head_dim, Pairing::Halves),
            (head_dim, Pairing::Neighbours),
            (head_dim * 3 / 2, Pairing::Halves),
            (head_dim * 3 / 2, Pairing::Neighbours),
        ] {
            let rotation = Rotation {
                cos: &cos,
                sin: &sin,
                head_dim: width_of_head,
                pairing,
            };
            let half = head_dim / 2;
            let expected: Vec<f64> = (0..rows * width)
                .map(|at| {
                    let (row, i) = (at / width, at % width % width_of_head);
                    let head = &numbers[at - i..at - i + width_of_head];
                    if i >= head_dim {
                        return f64::from(head[i]);
                    }
                    let (pair, is_first, other) = match pairing {
                        Pairing::Halves => (i % half, i < half, (i + half) % head_dim),
                        Pairing::Neighbours => (i / 2, i % 2 == 0, i ^ 1),
                    };
                    let (sin, cos) = f64::from(angles[row * half + pair]).sin_cos();
                    let other = f64::from(head[other]);
                    f64::from(head[i]) * cos + if is_first { -other } else { other } * sin
                })
                .collect();
            assert!(
                distance(&kernels.turn(&x, &rotation).unwrap(), &expected) < F32,
                "{rotation:?}"
            );
        }
    }
}

#[test]
fn gates_equal_plain_arithmetic() {
    for (kernels, _) in implementations() {
        let rows = 37;
        let wide = (matrix(4, rows, 2 * 33) * 20.).unwrap();
        let clamped = Activation::Clamped { gain: 1.5, limit: 7. };
        for activation in [Activation::Silu, Activation::GeluTanh, clamped] {
            let activated = |x: f64, up: f64| match activation {
                Activation::Silu => x / (1. + (-x).exp()) * up,
                Activation::GeluTanh => {
                    let inner = (2. / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                    0.5 * x * (1. + inner.tanh()) * up
                }
                Activation::Clamped { .. } => {
                    let x = x.min(7.);
                    x / (1. + (-1.5 * x).exp()) * (1. + up.clamp(-7., 7.))
                }
            };
            let gates = |row: &[f32]| -> Vec<f64> {
                let pairs = row[..33].iter().zip(&row[33..]);
                pairs
                    .map(|(gate, up)| activated(f64::from(*gate), f64::from(*up)))
                    .collect()
            };
            let expected: Vec<f64> = flat(&wide).chunks(66).flat_map(gates).collect();
            let off = distance(&kernels.gated(&wide, activation).unwrap(), &expected);
            assert!(off < 10. * F32, "products of up to 400: {off}");
        }
    }
}

#[test]
fn capped_logits_are_the_same_on_every_way_and_within_the_cap() {
    for (kernels, _) in implementations() {
        let (x, w) = (matrix(1, 5, 40), (matrix(2, 700, 40) * 3.).unwrap());
        let plain = kernels.linear(Weight::Plain(w), None).unwrap();
        let head = plain.clone().capped(Some(4.));
        let logits = head.logits(&x).unwrap().to_vec2::<f32>().unwrap();
        let uncapped = plain.logits(&x).unwrap().to_vec2::<f32>().unwrap();
        for (row, (capped, plain)) in logits.iter().zip(&uncapped).enumerate() {
            for (capped, plain) in capped.iter().zip(plain) {
                assert!(
                    (capped - 4. * (plain / 4.).tanh()).abs() < 1e-5,
                    "{kernels:?}: {plain} {capped}"
                );
            }
            let all = head.log_softmax(&x).unwrap().remove(row);
            let scores = head.token_scores(&x, &[(row, 3), (row, 699)]).unwrap();
            let scores: Vec<f32> = scores.iter().map(|score| score.logprob).collect();
            for (score, token) in scores.iter().zip([3, 699]) {
                let off = (score - all[token]).abs();
                assert!(
                    off <= if kernels.backend().is_exact() { 0. } else { 1e-5 },
                    "{kernels:?}: {off}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn linear_equals_plain_arithmetic_on_any_shape(rows in 1usize..50, inputs in 1usize..300, outputs in 1usize..120) {
        let (x, w) = (matrix(1, rows, inputs), matrix(2, outputs, inputs));
        let expected = product(&flat(&x), &flat(&w), inputs);
        for (kernels, tolerance) in implementations() {
            let layer = kernels.linear(Weight::Plain(w.clone()), None).unwrap();
            let off = reference::distance(&layer.forward(&x).unwrap(), &expected);
            prop_assert!(off < 3. * tolerance, "{:?}: {}", kernels, off);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for (kernels, _) in implementations() {
        let mut kv = kernels.kv(2, 32, 10).unwrap();
        let rows = matrix(1, 3, 64);
        let segment = |page, position| Segment {
            rows: 0..3,
            position,
            pages: vec![page; 2].into(),
            copied: None,
        };
        assert!(kv.write(&[segment(9, 31)], &rows, &rows).is_ok());
        assert!(kv.write(&[segment(10, 0)], &rows, &rows).is_err());
        assert!(kv.write(&[segment(0, 0)], &matrix(1, 4, 64), &rows).is_err());
        assert!(kv.write(&[segment(0, 0)], &matrix(1, 3, 63), &rows).is_err());
        assert_eq!(kv.pages(), 10);
        assert_eq!(
            kernels.page_bytes(2, 32),
            2 * 64 * PAGE * kernels.dtype().size_in_bytes()
        );
        let plan = kernels.plan(vec![segment(0, 0)], None).unwrap();
        assert!(kernels.attend(&kv, &rows, &plan, 1.).is_ok());
        assert!(kernels.attend(&kv, &matrix(1, 4, 64), &plan, 1.).is_err());
        assert!(kernels.attend(&kv, &matrix(1, 3, 63), &plan, 1.).is_err());
        let plan = kernels.plan(vec![segment(10, 0)], None).unwrap();
        assert!(kernels.attend(&kv, &rows, &plan, 1.).is_err());
        let mut other = kernels.kv(2, 32, 4).unwrap();
        assert!(other.copy_from(&kv, &[(9, 3)]).is_ok());
        assert!(other.copy_from(&kv, &[(9, 4)]).is_err() && other.copy_from(&kv, &[(10, 0)]).is_err());
        let layer = kernels.linear(Weight::Plain(matrix(1, 4, 16)), None).unwrap();
        assert!(layer.forward(&matrix(1, 3, 15)).is_err());
    }
}
