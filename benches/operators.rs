//! What each thing that layers of some families do otherwise than Llama's takes of W's time (benches/work_unit.rs): a model of
//! SmolLM2-135M's shape with random weights, as it is and with one of them at a time.
//!
//!     cargo bench --bench operators                         f32, all of them, five turns
//!     cargo bench --bench operators -- --dtype bf16         also f16
//!     cargo bench --bench operators -- --repeat 9 norm      more turns, of those whose names have "norm" in them
//!
//! It has four of the thirty layers and as large a part of the vocabulary, so that the head's share is the real one's. In
//! every turn each of them runs beside the model that it is compared with, now before it and now behind it. Times are processor
//! time over the number of threads, which other work on the machine changes less than the clock's; `of plain` is the middle one
//! of all turns' ratios, and `half within` what the middle half of them are within: where that has 1 in it, nothing is told.

#[path = "../examples/shapes/mod.rs"]
mod shapes;

use candle_core::{DType, Device, Tensor};
use half::bf16;
use indieval::model::{
    Activation,
    AttentionWindow::{Chunk, Sliding},
    Batch, Design, Engine, EngineSettings, LanguageModel, LayerKind, LayerNorms, LoadError, Mixture, ModelConfig,
    NormKind, Pairing, QkNorm, QueryGrowth, RopeScaling, RouterScore, Routing, Scalars, ScoreRequest, SharedExpert,
    TokenId, Weight, WeightSource, Yarn,
    kernels::{Kernels, tune_allocator},
};
use std::{error::Error, sync::Arc};

const PREFIX: usize = 3500;
const CONTINUATIONS: usize = 87;
const CONTINUATION: usize = 15;
const LAYERS: usize = 4;
/// Numbers that are drawn; tensors repeat them, each from another place on.
const DRAWN: usize = (1 << 20) + 7;

/// What is measured, and what with.
struct Case {
    name: &'static str,
    config: ModelConfig,
    /// The number of the case that it is compared with.
    plain: usize,
}

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
    let of = |change: &dyn Fn(&mut Design)| {
        let mut changed = Design::default();
        change(&mut changed);
        design(plain, changed)
    };
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
    let unturned = of(&|design| {
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
        ..of(&|design| {
            design.layer_kinds = kinds(false);
            design.window_rope = Some((10_000., RopeScaling::None));
        })
    };
    vec![
        ("half of each head turned", of(&|design| design.rotary_width = Some(32))),
        ("neighbours turned", of(&|design| design.pairing = Pairing::Neighbours)),
        (
            "one layer of four not turned",
            of(&|design| design.layer_kinds = kinds(true)),
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

/// All of them; `wanted` is a part of their names.
fn cases(wanted: &str) -> Result<Vec<Case>, String> {
    let plain = llama()?;
    let sparse = mixture(&plain);
    let dense = [norms(&plain), attention(&plain), rotation(&plain), others(&plain)].concat();
    let mut cases = Vec::new();
    for (name, base, kinds) in [("plain", &plain, dense), ("plain mixture", &sparse, routings(&sparse))] {
        let kinds: Vec<_> = kinds.into_iter().filter(|(name, _)| name.contains(wanted)).collect();
        if kinds.is_empty() {
            continue;
        }
        let first = cases.len();
        let all = std::iter::once((name, base.clone())).chain(kinds);
        cases.extend(all.map(|(name, config)| Case {
            name,
            config,
            plain: first,
        }));
    }
    Ok(cases)
}

/// Any tensor that is asked for: the same numbers, from another place on by its name.
struct Drawn(Vec<f32>);

impl WeightSource for Drawn {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
        let start = name
            .bytes()
            .fold(17usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        let middle = if name.ends_with("norm.weight") { 1. } else { 0. };
        let numbers = self.0.iter().cycle().skip(start % DRAWN).map(|number| middle + number);
        let numbers: Vec<f32> = numbers.take(shape.iter().product()).collect();
        let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu);
        tensor.map(Weight::Plain).map_err(|source| LoadError::Tensor {
            name: name.to_owned(),
            source,
        })
    }
}

/// Processor time of this process over its compute threads, in seconds.
fn processor_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a whole `timespec` of this function, which the call fills or leaves.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    (time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9) / rayon::current_num_threads() as f64
}

/// W's time with a model.
fn run(config: &ModelConfig, weights: &Arc<dyn WeightSource>, dtype: DType) -> Result<f64, Box<dyn Error>> {
    let token = |at: usize| ((at * 7919 + at / 13) % config.vocabulary) as TokenId;
    let tokens: Vec<TokenId> = (0..PREFIX + CONTINUATIONS * CONTINUATION).map(token).collect();
    let (context, rest) = tokens.split_at(PREFIX);
    let scores: Vec<ScoreRequest<'_>> = rest
        .chunks(CONTINUATION)
        .map(|continuation| ScoreRequest { context, continuation })
        .collect();
    let mut engine = Engine::load(config, weights, &Device::Cpu, dtype, &EngineSettings::default())?;
    let before = processor_seconds();
    let answers = engine.answer(Batch {
        scores: &scores,
        texts: &mut [],
    })?;
    let took = processor_seconds() - before;
    let all = answers.scores.iter().flatten();
    if all.clone().count() != CONTINUATIONS * CONTINUATION || all.clone().any(|score| !score.logprob.is_finite()) {
        return Err("a score is missing, or no number".into());
    }
    Ok(took)
}

fn main() -> Result<(), Box<dyn Error>> {
    tune_allocator();
    let (mut dtype, mut repeat, mut wanted) = (DType::F32, 5, String::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {}
            "--repeat" => repeat = args.next().ok_or("--repeat wants a number")?.parse()?,
            "--dtype" => {
                dtype = match args.next().as_deref() {
                    Some("f32") => DType::F32,
                    Some("bf16") => DType::BF16,
                    Some("f16") => DType::F16,
                    other => return Err(format!("no such dtype: {other:?}").into()),
                }
            }
            part => wanted = part.to_owned(),
        }
    }
    let cases = cases(&wanted)?;
    let weights = shapes::drawn(0., 0.05, DRAWN).into_iter().map(bf16::to_f32).collect();
    let weights = Arc::new(Drawn(weights)) as Arc<dyn WeightSource>;
    let mut turns = vec![Vec::new(); cases.len()];
    for turn in 0..repeat {
        for (at, (case, turns)) in cases.iter().zip(&mut turns).enumerate() {
            let mut pair = [&cases[case.plain].config, &case.config];
            let swapped = (turn + at) % 2 == 1;
            if swapped {
                pair.reverse();
            }
            let [one, other] = [run(pair[0], &weights, dtype)?, run(pair[1], &weights, dtype)?];
            turns.push(if swapped { (other, one) } else { (one, other) });
        }
    }
    let backend = Kernels::new(&Device::Cpu, dtype)?.backend();
    println!(
        "{dtype:?}, {backend}, {} threads, {repeat} turns",
        rayon::current_num_threads()
    );
    println!("{:<36}{:>8}{:>10}{:>16}", "", "CPU, s", "of plain", "half within");
    for (case, turns) in cases.iter().zip(&turns) {
        let sorted = |mut numbers: Vec<f64>| {
            numbers.sort_by(f64::total_cmp);
            numbers
        };
        let own = sorted(turns.iter().map(|(_, own)| *own).collect());
        let ratios = sorted(turns.iter().map(|(plain, own)| own / plain).collect());
        let [low, middle, high] = [1, 2, 3].map(|quarter| ratios[(ratios.len() - 1) * quarter / 4]);
        let seconds = own[own.len() / 2];
        println!("{:<36}{seconds:>8.3}{middle:>10.3}{low:>9.3}-{high:.3}", case.name);
    }
    Ok(())
}
