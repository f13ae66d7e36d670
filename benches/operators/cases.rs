//! SmolLM2-135M's shape as it is, and with one thing at a time that other families do.

use indieval::model::{
    Activation,
    AttentionWindow::{Chunk, Sliding},
    Design, LayerKind, LayerNorms, Mixture, ModelConfig, NormKind, Pairing, QkNorm, QueryGrowth, RopeScaling,
    RouterScore, Routing, Scalars, SharedExpert, Yarn,
};

use crate::shapes;

const LAYERS: usize = 4;

/// What is measured, and what with.
pub struct Case {
    pub name: &'static str,
    pub config: ModelConfig,
    /// The number of the case that it is compared with.
    pub plain: usize,
}

/// A model by its name, and what may be done otherwise in it, likewise.
pub type Group = (&'static str, ModelConfig, Vec<(&'static str, ModelConfig)>);

/// SmolLM2-135M, fewer layers of it.
fn llama() -> Result<ModelConfig, String> {
    Ok(ModelConfig {
        hidden: 576,
        intermediate: 1536,
        layers: LAYERS,
        heads: 9,
        kv_heads: 3,
        head_dim: 64,
        vocabulary: 49_152 * LAYERS / 30,
        context: 8192,
        rope_theta: 100_000.,
        rope_scaling: RopeScaling::None,
        tied: true,
        ..shapes::shape("llama-3.1-8b")?
    })
}

/// The same with experts: two of eight, each of half the width.
fn mixture(plain: &ModelConfig) -> ModelConfig {
    ModelConfig {
        intermediate: plain.intermediate / 2,
        mixture: Some(Mixture::mixtral(8, 2)),
        ..plain.clone()
    }
}

/// The model with its design changed.
pub fn with(plain: &ModelConfig, change: impl FnOnce(&mut Design)) -> ModelConfig {
    let mut changed = plain.clone();
    change(&mut changed.design);
    changed
}

fn design(plain: &ModelConfig, design: Design) -> ModelConfig {
    ModelConfig {
        design,
        ..plain.clone()
    }
}

fn scalars(plain: &ModelConfig, scalars: Scalars) -> ModelConfig {
    let scalars = Design {
        scalars,
        ..Design::default()
    };
    design(plain, scalars)
}

/// Every other layer windowed, one of four not turned where `unturned`.
fn kinds(unturned: bool) -> Vec<LayerKind> {
    let kind = |layer: usize| LayerKind {
        windowed: !unturned && layer.is_multiple_of(2),
        rotated: !unturned || layer % 4 != 3,
    };
    (0..LAYERS).map(kind).collect()
}

fn norms(plain: &ModelConfig) -> Vec<(&'static str, ModelConfig)> {
    let normed = |qk_norm| ModelConfig {
        qk_norm: Some(qk_norm),
        ..plain.clone()
    };
    let late = ModelConfig {
        design: Design {
            qk_norm_after_rope: true,
            ..Design::default()
        },
        ..normed(QkNorm::Weightless)
    };
    let kind = |norm_kind| Design {
        norm_kind,
        ..Design::default()
    };
    let parallel = Design {
        norms: LayerNorms::BEFORE_BOTH,
        parallel: true,
        ..kind(NormKind::LayerNorm)
    };
    let around = |norms, norm_offset| {
        design(
            plain,
            Design {
                norms,
                norm_offset,
                ..Design::default()
            },
        )
    };
    vec![
        ("q/k norm, each head", normed(QkNorm::EachHead)),
        ("q/k norm, full width", normed(QkNorm::AllHeads)),
        ("norms after, not before", around(LayerNorms::AFTER, false)),
        ("norms before and after", around(LayerNorms::AROUND, false)),
        ("norms of 1 + weight", around(LayerNorms::BEFORE, true)),
        ("LayerNorm", design(plain, kind(NormKind::LayerNorm))),
        ("LayerNorm with biases", design(plain, kind(NormKind::BiasedLayerNorm))),
        ("LayerNorm, both parts side by side", design(plain, parallel)),
        ("q/k norm, each head's own", normed(QkNorm::OwnWeights)),
        ("q/k norm, weightless after RoPE", late),
    ]
}

fn attention(plain: &ModelConfig) -> Vec<(&'static str, ModelConfig)> {
    let windowed = |window| ModelConfig {
        window: Some(window),
        ..design(
            plain,
            Design {
                layer_kinds: kinds(false),
                ..Design::default()
            },
        )
    };
    let capped = Scalars {
        attention_cap: Some(50.),
        ..Scalars::default()
    };
    let sinks = Design {
        attention_sinks: true,
        ..Design::default()
    };
    let biased = ModelConfig {
        qkv_bias: true,
        output_bias: true,
        ..plain.clone()
    };
    vec![
        ("scores of attention capped", scalars(plain, capped)),
        ("sinks", design(plain, sinks)),
        ("window of 1,024, half the layers", windowed(Sliding(1024))),
        ("window wider than texts, half", windowed(Sliding(4096))),
        ("chunks of 1,024, half the layers", windowed(Chunk(1024))),
        ("chunks wider than texts, half", windowed(Chunk(8192))),
        ("biases of attention", biased),
    ]
}

fn rotation(plain: &ModelConfig) -> Vec<(&'static str, ModelConfig)> {
    let scaled = |rope_scaling| ModelConfig {
        rope_scaling,
        ..plain.clone()
    };
    let yarn = Yarn {
        factor: 4.,
        beta_fast: 32.,
        beta_slow: 1.,
        original_context: 2048,
        truncate: true,
        attention_factor: 1.14,
    };
    let factors = |by: f32| (0..plain.head_dim / 2).map(|at| 1. + by * at as f32).collect();
    let longrope = |original_context| RopeScaling::LongRope {
        short: factors(0.1),
        long: factors(0.5),
        original_context,
        attention_factor: 1.2,
    };
    let growing = Scalars {
        query_growth: Some(QueryGrowth {
            beta: 0.1,
            context: 1024,
            ahead: 0,
            turned: true,
        }),
        ..Scalars::default()
    };
    let unturned = with(plain, |design| {
        design.layer_kinds = kinds(true);
        design.scalars.query_growth = Some(QueryGrowth {
            beta: 0.1,
            context: 1024,
            ahead: 1,
            turned: false,
        });
    });
    let own_base = ModelConfig {
        window: Some(Sliding(4096)),
        ..with(plain, |design| {
            design.layer_kinds = kinds(false);
            design.window_rope = Some((10_000., RopeScaling::None));
        })
    };
    vec![
        (
            "half of each head turned",
            with(plain, |design| design.rotary_width = Some(32)),
        ),
        (
            "neighbours turned",
            with(plain, |design| design.pairing = Pairing::Neighbours),
        ),
        (
            "one layer of four not turned",
            with(plain, |design| design.layer_kinds = kinds(true)),
        ),
        ("own base in windowed layers", own_base),
        ("yarn", scaled(RopeScaling::Yarn(yarn))),
        ("longrope, short texts", scaled(longrope(4096))),
        ("longrope, long texts", scaled(longrope(2048))),
        ("queries grow with positions", scalars(plain, growing)),
        ("the same where they are not turned", unturned),
    ]
}

fn others(plain: &ModelConfig) -> Vec<(&'static str, ModelConfig)> {
    let gate = |activation, feed_forward_bias| {
        design(
            plain,
            Design {
                activation,
                feed_forward_bias,
                ..Design::default()
            },
        )
    };
    let one = Scalars::default();
    let clamped = Activation::Clamped { gain: 1.702, limit: 7. };
    vec![
        ("gelu", gate(Activation::GeluTanh, false)),
        ("clamped SwiGLU", gate(clamped, false)),
        ("biases of the network", gate(Activation::Silu, true)),
        ("embedding times 24", scalars(plain, Scalars { embedding: 24., ..one })),
        (
            "attention times 0.2",
            scalars(
                plain,
                Scalars {
                    attention: Some(0.2),
                    ..one
                },
            ),
        ),
        ("residuals times 0.4", scalars(plain, Scalars { residual: 0.4, ..one })),
        ("logits times 0.5", scalars(plain, Scalars { logits: 0.5, ..one })),
        (
            "logits capped",
            scalars(
                plain,
                Scalars {
                    logit_cap: Some(30.),
                    ..one
                },
            ),
        ),
    ]
}

/// Ways of routing, each beside a plain mixture.
fn routings(plain: &ModelConfig) -> Vec<(&'static str, ModelConfig)> {
    let whole = Mixture::mixtral(8, 2);
    let with = |mixture| ModelConfig {
        mixture: Some(mixture),
        ..plain.clone()
    };
    let routed = |routing| with(Mixture { routing, ..whole });
    let sigmoid = Routing {
        score: RouterScore::CorrectedSigmoid,
        ..whole.routing
    };
    let alone = Routing {
        score: RouterScore::Sigmoid,
        renormalised: false,
        shares_input: true,
        ..whole.routing
    };
    let shared = |gated| Some(SharedExpert { width: 64, gated });
    vec![
        (
            "shares as softmax gives them",
            routed(Routing {
                renormalised: false,
                ..whole.routing
            }),
        ),
        ("sigmoids, corrected, scaled", routed(Routing { scale: 2.5, ..sigmoid })),
        (
            "the same, two of four groups",
            routed(Routing {
                groups: (4, 2),
                ..sigmoid
            }),
        ),
        ("sigmoids, as shares of the input", routed(alone)),
        ("biases of experts", with(Mixture { bias: true, ..whole })),
        (
            "shared expert of width 64",
            with(Mixture {
                shared: shared(false),
                ..whole
            }),
        ),
        (
            "the same with a gate",
            with(Mixture {
                shared: shared(true),
                ..whole
            }),
        ),
    ]
}

/// What is asked for of each group, `wanted` being a part of its name, behind the group's plain model.
pub fn chosen(groups: Vec<Group>, wanted: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, base, kinds) in groups {
        let kinds: Vec<_> = kinds.into_iter().filter(|(name, _)| name.contains(wanted)).collect();
        if kinds.is_empty() {
            continue;
        }
        let plain = cases.len();
        let all = std::iter::once((name, base)).chain(kinds);
        cases.extend(all.map(|(name, config)| Case { name, config, plain }));
    }
    cases
}

pub fn groups() -> Result<Vec<Group>, String> {
    let plain = llama()?;
    let sparse = mixture(&plain);
    let dense = [norms(&plain), attention(&plain), rotation(&plain), others(&plain)].concat();
    let routings = routings(&sparse);
    Ok(vec![("plain", plain, dense), ("plain mixture", sparse, routings)])
}
