//! Tiny models with random weights, for tests of this module.

use super::{
    Attempt, Batch, Decoding, Engine, Family, Generation, LanguageModel, LoadError, Mixture, ModelConfig, RopeScaling,
    ScoreRequest, TextRequest, TokenId, TokenScore, Weight, WeightSource,
    decoder::{Decoder, Placement},
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
        qk_norm: false,
        tied: true,
        sliding_window: None,
        mixture: None,
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
            sliding_window: Some(5),
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
            qk_norm: true,
            head_dim: 16,
            ..config(Family::Qwen3)
        },
        ModelConfig {
            mixture: Some(Mixture { experts: 4, used: 2 }),
            tied: false,
            ..config(Family::Mixtral)
        },
    ]
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
        tensor.map(Weight::Plain).map_err(|source| LoadError::Tensor {
            name: name.to_owned(),
            source,
        })
    }
}

/// The model of `config` in f32 on the CPU, with memory for `tokens` tokens of a batch, about, and passes of at most `rows`.
pub(crate) fn engine(config: &ModelConfig, tokens: usize, rows: usize) -> Engine {
    engine_with(config, tokens, rows, &Kernels::new(&Device::Cpu, DType::F32).unwrap())
}

/// The same engine with these kernels.
pub fn engine_with(config: &ModelConfig, tokens: usize, rows: usize, kernels: &Kernels) -> Engine {
    let decoder = Decoder::load(
        config,
        &(Arc::new(RandomWeights) as Arc<dyn WeightSource>),
        kernels,
        Placement::Resident,
    )
    .unwrap();
    let settings = EngineSettings {
        memory: Some(decoder.size().bytes + kernels.scratch_bytes(config, rows) + 20_000 * (tokens as u64 / 32 + 20)),
        rows,
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
