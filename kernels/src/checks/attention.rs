//! Attention against plain arithmetic, and against itself in other company.

use super::{
    implementations::{exact, implementations},
    scene::{AttentionScene, below, scene, windows},
};
use crate::AttentionWindow::{Chunk, Sliding};
use candle_core::DType;
use proptest::prelude::*;

/// Asserts that all implementations are within their tolerance of plain arithmetic.
fn check(scene: &AttentionScene) {
    scene.check_by(&implementations(), DType::F32);
}

#[test]
fn attention_equals_plain_arithmetic() {
    let scenes = [
        // A first chunk; below a beginning of several pages; below one that is longer than a block.
        scene(vec![(None, 0, 45)], 4, 2, 16, None),
        scene(below(130, &[(130, 70)]), 3, 1, 24, None),
        scene(
            below(600, &[(600, 15), (599, 15), (577, 1), (576, 9), (3, 15), (600, 2)]),
            9,
            3,
            64,
            None,
        ),
        scene(below(410, &[(410, 1); 39]), 4, 4, 32, None),
        // A strand below a strand below the first.
        scene(
            vec![(None, 0, 70), (Some(0), 50, 40), (Some(1), 77, 9), (Some(1), 64, 5)],
            2,
            1,
            40,
            None,
        ),
        // Windows shorter than a strand, than a path, and than a block.
        scene(below(50, &[(50, 40), (40, 20)]), 8, 1, 8, Some(Sliding(10))),
        scene(below(700, &[(700, 80), (650, 5)]), 14, 2, 64, Some(Sliding(129))),
        scene(below(20, &[(20, 30)]), 2, 2, 128, Some(Sliding(1))),
        scene(below(90, &[(80, 33), (90, 1)]), 4, 2, 256, Some(Sliding(64))),
        // Chunks that a strand, a path and a block reach over, and one that a strand is in.
        scene(below(50, &[(50, 40), (40, 20)]), 8, 1, 8, Some(Chunk(10))),
        scene(
            below(700, &[(700, 80), (650, 5), (640, 70)]),
            14,
            2,
            64,
            Some(Chunk(129)),
        ),
        scene(below(90, &[(80, 33), (90, 1)]), 4, 2, 256, Some(Chunk(64))),
        scene(below(40, &[(40, 20), (39, 1)]), 6, 3, 80, None),
    ];
    for scene in scenes {
        check(&scene);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn attention_equals_plain_arithmetic_on_any_tree(
        shared in 1usize..500,
        strands in prop::collection::vec((0usize..500, 1usize..30), 1..8),
        (kv_heads, group) in (1usize..4, 1usize..6),
        dim in 1usize..9,
        window in windows(1..600),
    ) {
        let scene = scene(below(shared, &strands), kv_heads * group, kv_heads, 8 * dim, window);
        check(&scene);
    }

    /// A row's sums are cut and ordered by its positions alone.
    #[test]
    fn company_pieces_and_places_change_no_bit(
        shared in 1usize..900,
        strands in prop::collection::vec((0usize..900, 1usize..30), 1..6),
        (kv_heads, group) in (1usize..3, 1usize..6),
        dim in 1usize..9,
        window in windows(1..600),
        gap in 0usize..14,
        piece in prop::sample::select(vec![1usize, 7, 64, 1000]),
    ) {
        let piece = if shared > 200 { piece.max(7) } else { piece };
        scene(below(shared, &strands), kv_heads * group, kv_heads, 8 * dim, window).check_bits(exact(), gap, piece);
    }
}
