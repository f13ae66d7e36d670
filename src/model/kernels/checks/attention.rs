//! Attention against plain arithmetic.

use super::{flat, implementations, span};
use crate::model::kernels::{
    Segment,
    reference::{KeysAndValues, attention, distance, matrix},
};
use candle_core::Tensor;
use proptest::prelude::*;

/// One pass: its segments, and where the keys are.
struct AttentionScene {
    segments: Vec<Segment>,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    capacity: usize,
    window: Option<usize>,
}

impl AttentionScene {
    /// Asserts that all implementations are within their tolerance of plain arithmetic.
    fn check(&self) {
        let AttentionScene {
            heads,
            kv_heads,
            head_dim,
            capacity,
            window,
            ..
        } = *self;
        let rows = self.segments.last().map_or(0, |segment| segment.rows.end);
        let q = matrix(1, rows, heads * head_dim);
        let (keys, values) = (
            matrix(2, capacity, kv_heads * head_dim),
            matrix(3, capacity, kv_heads * head_dim),
        );
        let scale = 1.7 / (head_dim as f32).sqrt();
        let slots = KeysAndValues {
            keys: &flat(&keys),
            values: &flat(&values),
            kv_heads,
            head_dim,
        };
        let expected = attention(&slots, &flat(&q), heads, &self.segments, scale, window);
        for (kernels, tolerance) in implementations() {
            let mut kv = kernels.kv(2, kv_heads, head_dim, capacity).unwrap();
            // Written in two pieces, the second first, and to the second layer.
            let half = capacity / 3;
            for (first, n) in [(half, capacity - half), (0, half)] {
                let part = |all: &Tensor| all.narrow(0, first, n).unwrap();
                kv.write(1, &[span(first, n)], &part(&keys), &part(&values)).unwrap();
            }
            let plan = kernels.plan(&self.segments, window).unwrap();
            let got = kernels.attend(&kv, 1, &q, &plan, scale).unwrap();
            assert_eq!(got.dims(), [rows, heads * head_dim]);
            let off = distance(&got, &expected);
            assert!(
                off < tolerance,
                "{kernels:?} {heads}/{kv_heads}x{head_dim} {window:?}: {off}"
            );
        }
    }
}

/// A tree of segments: `shared` slots seen by all, then for each segment some of its own ancestors and rows, all
/// slots given out with gaps.
fn tree(shared: usize, segments: &[(usize, usize)]) -> (Vec<Segment>, usize) {
    let mut next = 3;
    let mut take = |len: usize| {
        let taken = span(next, len);
        next += len + len % 3;
        taken
    };
    let prefix = take(shared);
    let mut row = 0;
    let made = segments
        .iter()
        .map(|&(between, rows)| {
            let (branch, first, second) = (take(between), take(rows / 2), take(rows - rows / 2));
            row += rows;
            Segment {
                rows: row - rows..row,
                ancestors: [prefix, branch].into_iter().filter(|span| span.len > 0).collect(),
                own: [first, second].into_iter().filter(|span| span.len > 0).collect(),
            }
        })
        .collect();
    (made, next + 5)
}

#[test]
fn attention_equals_plain_arithmetic() {
    let scenes = [
        // A first chunk, a later chunk, and a packed pass below a prefix longer than a block of keys.
        (0, vec![(0, 45)], 4, 2, 16, None),
        (130, vec![(0, 70)], 3, 1, 24, None),
        (
            600,
            vec![(0, 15), (0, 15), (4, 1), (4, 9), (0, 15), (33, 2)],
            9,
            3,
            64,
            None,
        ),
        (1100, vec![(0, 1); 39], 4, 4, 32, None),
        // Windows shorter than a segment, than a path, and than a block.
        (50, vec![(0, 40), (7, 20)], 8, 1, 8, Some(10)),
        (700, vec![(0, 80), (3, 5)], 14, 2, 64, Some(129)),
        (20, vec![(0, 30)], 2, 2, 128, Some(1)),
        (90, vec![(10, 33), (0, 1)], 4, 2, 256, Some(64)),
        (40, vec![(0, 20), (1, 1)], 6, 3, 80, None),
    ];
    for (shared, parts, heads, kv_heads, head_dim, window) in scenes {
        let (segments, capacity) = tree(shared, &parts);
        AttentionScene {
            segments,
            heads,
            kv_heads,
            head_dim,
            capacity,
            window,
        }
        .check();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn attention_equals_plain_arithmetic_on_any_tree(
        shared in 0usize..700,
        parts in prop::collection::vec((0usize..40, 1usize..30), 1..8),
        (kv_heads, group) in (1usize..4, 1usize..6),
        dim in 1usize..9,
        window in prop::option::of(1usize..800),
    ) {
        let (segments, capacity) = tree(shared, &parts);
        AttentionScene { segments, heads: kv_heads * group, kv_heads, head_dim: 8 * dim, capacity, window }.check();
    }
}
