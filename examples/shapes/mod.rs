//! Shapes of models that are measured, and numbers to fill them with.

use half::bf16;
use indieval::model::{Design, Family, Mixture, ModelConfig, RopeScaling};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Random numbers around `middle`, at most `spread` off; always the same.
pub fn drawn(middle: f32, spread: f32, count: usize) -> Vec<bf16> {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let draw = |_| middle + spread * ((random.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.);
    (0..count).map(draw).map(bf16::from_f32).collect()
}

/// The shape of a model that people have, by its name.
pub fn shape(name: &str) -> Result<ModelConfig, String> {
    let llama = ModelConfig {
        family: Family::Llama,
        hidden: 4096,
        intermediate: 14336,
        layers: 32,
        heads: 32,
        kv_heads: 8,
        head_dim: 128,
        vocabulary: 128_256,
        context: 131_072,
        norm_eps: 1e-5,
        rope_theta: 500_000.,
        rope_scaling: RopeScaling::Llama3 {
            factor: 8.,
            low_freq_factor: 1.,
            high_freq_factor: 4.,
            original_context: 8192,
        },
        qkv_bias: false,
        output_bias: false,
        qk_norm: None,
        tied: false,
        window: None,
        mixture: None,
        design: Design::default(),
    };
    match name {
        "llama-3.1-8b" => Ok(llama),
        "tiny" => Ok(ModelConfig {
            hidden: 128,
            intermediate: 256,
            layers: 2,
            heads: 4,
            kv_heads: 2,
            head_dim: 64,
            vocabulary: 1024,
            ..llama
        }),
        "tiny-mixtral" => Ok(ModelConfig {
            family: Family::Mixtral,
            rope_scaling: RopeScaling::None,
            mixture: Some(Mixture::mixtral(8, 2)),
            ..shape("tiny")?
        }),
        "narrow" => Ok(ModelConfig {
            hidden: 256,
            intermediate: 512,
            layers: 12,
            heads: 8,
            kv_heads: 4,
            head_dim: 32,
            vocabulary: 1024,
            ..llama
        }),
        "qwen2-72b" => Ok(ModelConfig {
            family: Family::Qwen2,
            hidden: 8192,
            intermediate: 29568,
            layers: 80,
            heads: 64,
            vocabulary: 152_064,
            context: 32_768,
            rope_theta: 1e6,
            rope_scaling: RopeScaling::None,
            qkv_bias: true,
            ..llama
        }),
        "mixtral-8x7b" => Ok(ModelConfig {
            family: Family::Mixtral,
            vocabulary: 32_000,
            context: 32_768,
            rope_theta: 1e6,
            rope_scaling: RopeScaling::None,
            mixture: Some(Mixture::mixtral(8, 2)),
            ..llama
        }),
        "mixtral-8x22b" => Ok(ModelConfig {
            family: Family::Mixtral,
            hidden: 6144,
            intermediate: 16384,
            layers: 56,
            heads: 48,
            vocabulary: 32_768,
            context: 65_536,
            rope_theta: 1e6,
            rope_scaling: RopeScaling::None,
            mixture: Some(Mixture::mixtral(8, 2)),
            ..llama
        }),
        other => Err(format!(
            "no such shape: {other}; there are llama-3.1-8b, qwen2-72b, mixtral-8x7b, mixtral-8x22b, narrow, tiny and tiny-mixtral"
        )),
    }
}
