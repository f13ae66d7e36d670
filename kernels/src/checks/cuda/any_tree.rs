//! Attention on random trees.

use super::{
    super::scene::{below, scene, windows},
    DTYPES, are_there, check_attention,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn attention_on_a_gpu_equals_plain_arithmetic_on_any_tree(
        shared in 1usize..200,
        strands in prop::collection::vec((0usize..200, 1usize..30), 1..4),
        (kv_heads, group) in (1usize..3, 1usize..6),
        head_dim in prop::sample::select(vec![64usize, 80]),
        window in windows(1..200),
        dtype in prop::sample::select(DTYPES.to_vec()),
    ) {
        if are_there() {
            check_attention(&scene(below(shared, &strands), kv_heads * group, kv_heads, head_dim, window), dtype);
        }
    }
}
