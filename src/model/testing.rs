//! Tiny models with random weights, for tests of this module.

use super::{
    Attempt, Batch, Decoding, Engine, Family, Generation, LanguageModel, LoadError, ModelConfig, ScoreRequest,
    TextRequest, TokenId, TokenScore, Weight, WeightSource,
    decoder::{Decoder, Placement},
    design::{
        AttentionWindow, Design, LayerKind, Mixture, QkNorm, QueryGrowth, RopeScaling, Routing, Scalars, SharedExpert,
    },
    engine_settings::EngineSettings,
    kernels::Kernels,
};
use candle_core::{DType, Device, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::sync::Arc;

/// A two-layer model of 64 tokens.
pub fn config(family: Family) -> ModelConfig {
    ModelConfig {
        family,
        hidden: 32,
        intermediate: 48,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        vocabulary: 64,
        context: 256,
        norm_eps: 1e-5,
        rope_theta: 10_000.,
        rope_scaling: RopeScaling::None,
        qkv_bias: false,
        output_bias: false,
        qk_norm: None,
        tied: true,
        window: None,
        mixture: None,
        design: Design::default(),
    }
}

/// One model of every family.
pub(crate) fn families() -> Vec<ModelConfig> {
    let llama3 = RopeScaling::Llama3 {
        factor: 4.,
        low_freq_factor: 1.,
        high_freq_factor: 4.,
        original_context: 32,
    };
    vec![
        ModelConfig {
            rope_scaling: llama3,
            ..config(Family::Llama)
        },
        ModelConfig {
            window: Some(AttentionWindow::Sliding(5)),
            tied: false,
            ..config(Family::Mistral)
        },
        ModelConfig {
            qkv_bias: true,
            heads: 6,
            kv_heads: 3,
            ..config(Family::Qwen2)
        },
        ModelConfig {
            qk_norm: Some(QkNorm::EachHead),
            head_dim: 16,
            ..config(Family::Qwen3)
        },
        ModelConfig {
            mixture: Some(Mixture::mixtral(4, 2)),
            tied: false,
            ..config(Family::Mixtral)
        },
    ]
    .into_iter()
    .chain(later_families())
    .collect()
}

/// A model of each construct that the later families bring.
fn later_families() -> Vec<ModelConfig> {
    let mut families = vec![two_classes(), capped(), multiplied()];
    families.push(of(
        Family::Glm4,
        Design {
            rotary_width: Some(4),
            ..Family::Glm4.design(32)
        },
    ));
    families.push(of(
        Family::Phi3,
        Design {
            feed_forward_bias: true,
            ..Family::Phi3.design(32)
        },
    ));
    families.push(ModelConfig {
        mixture: Some(Mixture {
            experts: 4,
            every: 2,
            dense_width: 40,
            shared: Some(SharedExpert { width: 56, gated: true }),
            routing: Routing {
                used: 2,
                ..Family::Qwen2Moe.mixture().unwrap().routing
            },
            ..Family::Qwen2Moe.mixture().unwrap()
        }),
        ..of(Family::Qwen2Moe, Design::default())
    });
    families.extend([sunk(), grouped()]);
    families.extend(centred());
    families.extend([chunked(), normed_late()]);
    families
}

/// Chunks, heads normed without weights once they are turned, a layer that turns nothing and whose queries grow, experts that are
/// given shares.
fn chunked() -> ModelConfig {
    let plain = Family::Llama4.mixture().unwrap();
    let design = Family::Llama4.design(32);
    let scalars = Scalars {
        query_growth: Some(QueryGrowth {
            beta: 0.4,
            context: 20,
            ahead: 1,
            turned: false,
        }),
        ..design.scalars
    };
    ModelConfig {
        qk_norm: Some(QkNorm::Weightless),
        window: Some(AttentionWindow::Chunk(7)),
        mixture: Some(Mixture {
            experts: 4,
            every: 2,
            dense_width: 40,
            shared: Some(SharedExpert {
                width: 56,
                gated: false,
            }),
            routing: Routing {
                used: 2,
                ..plain.routing
            },
            ..plain
        }),
        ..of(
            Family::Llama4,
            Design {
                scalars,
                layer_kinds: kinds([(true, true), (false, false)]),
                ..design
            },
        )
    }
}

/// Heads normed by weights after they are turned, in part.
fn normed_late() -> ModelConfig {
    let design = Design {
        qk_norm_after_rope: true,
        rotary_width: Some(4),
        ..Family::Qwen3.design(32)
    };
    of(Family::Qwen3, design)
}

/// LayerNorm: with both parts side by side, heads normed by weights of their own, and windows and RoPE by layer; and with
/// biases, one part after the other, each head's norm a tensor of its own.
fn centred() -> [ModelConfig; 3] {
    let cohere = ModelConfig {
        qk_norm: Some(QkNorm::OwnWeights),
        ..of(Family::Cohere, Family::Cohere.design(32))
    };
    let cohere2 = Design {
        layer_kinds: kinds([(true, true), (false, false)]),
        ..Family::Cohere2.design(32)
    };
    let stablelm = Design {
        rotary_width: Some(4),
        ..Family::StableLm.design(32)
    };
    [
        cohere,
        ModelConfig {
            window: Some(AttentionWindow::Sliding(5)),
            ..of(Family::Cohere2, cohere2)
        },
        ModelConfig {
            qk_norm: Some(QkNorm::OwnNorms),
            ..of(Family::StableLm, stablelm)
        },
    ]
}

/// A score of nothing for each head, biases everywhere, clamped gates, and windows in some layers.
fn sunk() -> ModelConfig {
    let design = Design {
        layer_kinds: kinds([(true, true), (false, true)]),
        ..Family::GptOss.design(32)
    };
    ModelConfig {
        window: Some(AttentionWindow::Sliding(5)),
        output_bias: true,
        mixture: Some(Mixture {
            experts: 4,
            routing: Mixture::mixtral(4, 2).routing,
            ..Family::GptOss.mixture().unwrap()
        }),
        ..of(Family::GptOss, design)
    }
}

/// Experts in groups, chosen by corrected sigmoids, beside a network without a gate; the first layer has no experts.
fn grouped() -> ModelConfig {
    let plain = Family::Glm4Moe.mixture().unwrap();
    ModelConfig {
        mixture: Some(Mixture {
            experts: 6,
            routing: Routing {
                used: 2,
                groups: (3, 2),
                scale: 1.5,
                ..plain.routing
            },
            dense_width: 40,
            shared: Some(SharedExpert {
                width: 56,
                gated: false,
            }),
            ..plain
        }),
        ..of(Family::Glm4Moe, Design::default())
    }
}

/// A model of a family with a design.
fn of(family: Family, design: Design) -> ModelConfig {
    ModelConfig {
        qk_norm: family.qk_norm(),
        qkv_bias: family.has_qkv_bias(),
        design,
        ..config(family)
    }
}

/// Two layers, windowed or not and rotated or not.
fn kinds(kinds: [(bool, bool); 2]) -> Vec<LayerKind> {
    kinds
        .map(|(windowed, rotated)| LayerKind { windowed, rotated })
        .to_vec()
}

/// Texts of more than 40 tokens have other positions throughout.
pub fn two_classes() -> ModelConfig {
    ModelConfig {
        rope_scaling: RopeScaling::LongRope {
            short: vec![1., 1.5, 2., 3.],
            long: vec![2., 3., 5., 9.],
            original_context: 40,
            attention_factor: 1.2,
        },
        ..of(Family::Phi3, Family::Phi3.design(32))
    }
}

/// Scores and logits within caps, windows and RoPE by layer, norms around.
fn capped() -> ModelConfig {
    let design = Family::Gemma2.design(32);
    let scalars = Scalars {
        attention: Some(0.3),
        attention_cap: Some(3.0),
        logit_cap: Some(4.0),
        ..design.scalars
    };
    let design = Design {
        scalars,
        layer_kinds: kinds([(true, true), (false, true)]),
        window_rope: Some((500.0, RopeScaling::Linear(2.0))),
        ..design
    };
    ModelConfig {
        window: Some(AttentionWindow::Sliding(5)),
        ..of(Family::Gemma2, design)
    }
}

/// Multipliers everywhere, queries that grow, a layer that turns nothing, norms after.
fn multiplied() -> ModelConfig {
    let scalars = Scalars {
        embedding: 3.0,
        attention: Some(0.2),
        residual: 0.4,
        logits: 0.5,
        query_growth: Some(QueryGrowth {
            beta: 0.3,
            context: 20,
            ahead: 0,
            turned: true,
        }),
        ..Scalars::default()
    };
    let design = Design {
        scalars,
        layer_kinds: kinds([(false, false), (false, true)]),
        ..Family::Olmo2.design(32)
    };
    of(Family::Olmo2, design)
}

/// Any tensor that is asked for, random by its name; of a scale at which logits differ by several nats.
pub struct RandomWeights;

impl WeightSource for RandomWeights {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
        let seed = name
            .bytes()
            .fold(17u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let middle = if name.ends_with("norm.weight") { 1. } else { 0. };
        let count = shape.iter().product::<usize>();
        let numbers: Vec<f32> = (0..count)
            .map(|_| middle + 0.35 * ((random.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.))
            .collect();
        let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu);
        tensor.map(Weight::Plain).map_err(LoadError::tensor(name))
    }
}

/// The model of `config` in f32 on the CPU, with memory for `tokens` tokens of a batch, about, and passes of at most `rows`.
pub(crate) fn engine(config: &ModelConfig, tokens: usize, rows: usize) -> Engine {
    engine_with(config, tokens, rows, &Kernels::new(&Device::Cpu, DType::F32).unwrap())
}

/// The same engine with these kernels.
pub fn engine_with(config: &ModelConfig, tokens: usize, rows: usize, kernels: &Kernels) -> Engine {
    engine_over(config, (tokens, rows), (kernels, &[]), Placement::Resident)
}

/// The same engine with its layers spread over devices and its weights placed so.
pub fn engine_over(
    config: &ModelConfig,
    (tokens, rows): (usize, usize),
    (kernels, others): (&Kernels, &[Kernels]),
    placement: Placement,
) -> Engine {
    let source = Arc::new(RandomWeights) as Arc<dyn WeightSource>;
    let decoder = Decoder::load_over(config, &source, (kernels, others), placement).unwrap();
    let settings = EngineSettings {
        memory: Some(
            decoder.size().bytes
                + kernels.scratch_bytes(&config.layer_sizes(), rows)
                + 20_000 * (tokens as u64 / 32 + 20),
        ),
        rows: Some(rows),
        ..EngineSettings::default()
    };
    Engine::new(decoder, &settings)
}

/// The scores of continuations, each after its context.
pub fn scores(model: &mut dyn LanguageModel, requests: &[(&[TokenId], &[TokenId])]) -> Vec<Vec<TokenScore>> {
    let requests: Vec<ScoreRequest<'_>> = requests
        .iter()
        .map(|&(context, continuation)| ScoreRequest { context, continuation })
        .collect();
    let batch = Batch {
        scores: &requests,
        texts: &mut [],
    };
    model.answer(batch).unwrap().scores
}

/// A prompt that is continued once for each of its attempts.
pub struct PlainText {
    pub prompt: Vec<TokenId>,
    pub max_tokens: usize,
    /// The last one is the next.
    pub attempts: Vec<Attempt>,
    pub written: Vec<Generation>,
}

impl PlainText {
    /// Continued once, greedily.
    pub fn greedy(prompt: &[TokenId], max_tokens: usize) -> Self {
        let attempt = Attempt {
            constraint: None,
            seed: 0,
            decoding: Decoding {
                temperature: 0.,
                top_p: 1.,
                stop: vec![],
            },
        };
        Self {
            prompt: prompt.to_vec(),
            max_tokens,
            attempts: vec![attempt],
            written: vec![],
        }
    }
}

impl TextRequest for PlainText {
    fn prompt(&self) -> &[TokenId] {
        &self.prompt
    }

    fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    fn begin(&mut self) -> Option<Attempt> {
        self.attempts.pop()
    }

    fn finish(&mut self, generation: Generation) {
        self.written.push(generation);
    }
}
