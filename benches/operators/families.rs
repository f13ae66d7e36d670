//! Shapes of families that people use, plain, and with each thing that the family does otherwise than Llama.
//!
//! Each has a layer or two of its own number and that part of its vocabulary.

use indieval::model::{Activation, Design, LayerNorms, Mixture, ModelConfig, QkNorm, RopeScaling, Scalars};

use crate::{
    cases::{Group, with},
    shapes,
};

/// Llama's layers in another shape; `heads`: of queries, of keys, and their width.
fn shaped(hidden: usize, intermediate: usize, heads: [usize; 3], vocabulary: usize) -> Result<ModelConfig, String> {
    let [heads, kv_heads, head_dim] = heads;
    Ok(ModelConfig {
        hidden,
        intermediate,
        layers: 1,
        heads,
        kv_heads,
        head_dim,
        vocabulary,
        context: 8192,
        rope_theta: 10_000.,
        rope_scaling: RopeScaling::None,
        tied: true,
        ..shapes::shape("llama-3.1-8b")?
    })
}

/// Qwen2.5-0.5B: two of its 24 layers.
fn qwen2() -> Result<Group, String> {
    let plain = ModelConfig {
        layers: 2,
        ..shaped(896, 4864, [14, 2, 64], 151_936 * 2 / 24)?
    };
    let biased = ModelConfig {
        qkv_bias: true,
        ..plain.clone()
    };
    Ok(("Qwen2.5 0.5B, plain", plain, vec![("  biases of attention", biased)]))
}

/// OLMo 2 1B: one of its 16 layers.
fn olmo2() -> Result<Group, String> {
    let plain = shaped(2048, 8192, [16, 16, 128], 100_352 / 16)?;
    let after = with(&plain, |design| design.norms = LayerNorms::AFTER);
    let normed = |config: &ModelConfig| ModelConfig {
        qk_norm: Some(QkNorm::AllHeads),
        ..config.clone()
    };
    let kinds = vec![
        ("  norms after, not before", after.clone()),
        ("  q/k norm, full width", normed(&plain)),
        ("  all of OLMo 2's", normed(&after)),
    ];
    Ok(("OLMo 2 1B, plain", plain, kinds))
}

/// Gemma 2 2B: one of its 26 layers. Its window is wider than the texts here.
fn gemma2() -> Result<Group, String> {
    let plain = shaped(2304, 9216, [8, 4, 256], 256_000 / 26)?;
    let around = |design: &mut Design| {
        design.norms = LayerNorms::AROUND;
        design.norm_offset = true;
    };
    let one = Scalars::default();
    let capped = Scalars {
        attention_cap: Some(50.),
        ..one
    };
    let all = Scalars {
        embedding: 48.,
        logit_cap: Some(30.),
        ..capped
    };
    let logits = Scalars {
        logit_cap: Some(30.),
        ..one
    };
    let kinds = vec![
        (
            "  scores of attention capped",
            with(&plain, |design| design.scalars = capped),
        ),
        ("  four norms of 1 + weight", with(&plain, around)),
        (
            "  gelu",
            with(&plain, |design| design.activation = Activation::GeluTanh),
        ),
        ("  logits capped", with(&plain, |design| design.scalars = logits)),
        (
            "  all of Gemma 2's",
            with(&plain, |design| {
                around(design);
                design.activation = Activation::GeluTanh;
                design.scalars = all;
            }),
        ),
    ];
    Ok(("Gemma 2 2B, plain", plain, kinds))
}

/// gpt-oss 20B: one of its 24 layers, and of its 32 experts the 4 that a token goes to, which spares gigabytes of weights. Its
/// window of 128, in every other layer, is not in it.
fn gpt_oss() -> Result<Group, String> {
    let mixture = Mixture::mixtral(4, 4);
    let plain = ModelConfig {
        mixture: Some(mixture),
        ..shaped(2880, 2880, [64, 8, 64], 201_088 / 24)?
    };
    let clamped = Activation::Clamped { gain: 1.702, limit: 7. };
    let biased = |config: &ModelConfig| ModelConfig {
        qkv_bias: true,
        output_bias: true,
        ..config.clone()
    };
    let of_experts = |config: &ModelConfig| ModelConfig {
        mixture: Some(Mixture { bias: true, ..mixture }),
        ..config.clone()
    };
    let all = with(&plain, |design| {
        design.attention_sinks = true;
        design.activation = clamped;
    });
    let kinds = vec![
        ("  sinks", with(&plain, |design| design.attention_sinks = true)),
        ("  biases of attention", biased(&plain)),
        ("  biases of experts", of_experts(&plain)),
        ("  clamped SwiGLU", with(&plain, |design| design.activation = clamped)),
        ("  all of gpt-oss's but windows", of_experts(&biased(&all))),
    ];
    Ok(("gpt-oss 20B, plain", plain, kinds))
}

pub fn groups() -> Result<Vec<Group>, String> {
    Ok(vec![qwen2()?, olmo2()?, gemma2()?, gpt_oss()?])
}
