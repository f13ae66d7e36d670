//! Tiny models with random weights, for tests of this module.

use super::{
    Engine, Family, LanguageModel, LoadError, Mixture, ModelConfig, Node, RopeScaling, Weight, WeightSource,
    decoder::Decoder, engine::EngineSettings, kernels::Kernels, memory::Room, placing::QuantizedWeights,
};
use candle_core::{DType, Device, Tensor};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

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

/// The model of `config` in f32 on the CPU, with room for `slots` tokens and passes of at most `rows`.
pub(crate) fn engine(config: &ModelConfig, slots: usize, rows: usize) -> Engine {
    engine_with(config, slots, rows, &Kernels::new(&Device::Cpu, DType::F32).unwrap())
}

/// Token 0 below the root, so that the next one has a prediction.
pub(crate) fn begin(engine: &mut Engine) -> Node {
    engine.extend(engine.root(), &[0]).unwrap()
}

/// The same engine with these kernels.
pub fn engine_with(config: &ModelConfig, slots: usize, rows: usize, kernels: &Kernels) -> Engine {
    let decoder = Decoder::load(config, &RandomWeights, kernels, QuantizedWeights::Dequantize).unwrap();
    let settings = EngineSettings {
        room: Room::Tokens(slots),
        rows,
        ..EngineSettings::default()
    };
    Engine::new(decoder, &settings).unwrap()
}
