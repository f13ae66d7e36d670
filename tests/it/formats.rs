//! Number formats on real weights: what f16 and kept quantised blocks change, and a real model of K-quants.

use candle_core::{DType, Device, Tensor};
use candle_transformers::models::qwen2;
use indieval::model::{Checkpoint, QuantizedWeights, TokenId, checkpoint::for_each_tensor};

use crate::golden::{engine_with, scores, smollm2_with};
use crate::real;

/// Largest and mean absolute difference.
fn far(ours: &[f32], theirs: &[f32]) -> (f32, f32) {
    let off: Vec<f32> = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).collect();
    let mean = off.iter().sum::<f32>() / off.len() as f32;
    (off.iter().copied().fold(0., f32::max), mean)
}

#[test]
fn the_real_smollm2_in_f16_stays_close() {
    let Some((mut engine, recorded)) = smollm2_with(DType::F16, QuantizedWeights::Dequantize) else {
        return;
    };
    let found: Vec<f32> = scores(&mut engine, &recorded.ids).iter().map(|score| score.0).collect();
    let (most, mean) = far(&found, &recorded.f32);
    let logits = engine.logits(&recorded.ids[..found.len()]).unwrap();
    let best = logits.argmax(1).unwrap().to_vec1::<TokenId>().unwrap();
    let changed = recorded.greedy_f32.iter().zip(&best).filter(|(a, b)| a != b).count();
    println!(
        "f16, over {} tokens: at most {most:.4} nats, mean {mean:.5}, {changed} argmax changed",
        found.len()
    );
    // f16 has three bits more than bf16: an eighth of its rounding. bf16 is at most 0.066 off.
    assert!(most < 0.03 && mean < 0.004 && changed <= 2, "{most} {mean} {changed}");
}

#[test]
fn the_real_smollm2_with_kept_blocks_is_the_same_to_the_bit() {
    // All weights take part in every token's score: a hundred of them show a block that is unpacked otherwise.
    const TOKENS: usize = 100;
    let found = [QuantizedWeights::Keep, QuantizedWeights::Dequantize].map(|kind| {
        let (mut engine, recorded) = smollm2_with(DType::F32, kind)?;
        Some(scores(&mut engine, &recorded.ids[..TOKENS]))
    });
    if let [Some(kept), Some(plain)] = found {
        assert_eq!(kept, plain);
    }
}

#[test]
fn the_real_qwen2_equals_candle() {
    let path = match real::qwen2() {
        Ok(path) => path,
        Err(why) => {
            println!("skipped: the real Qwen2.5-Coder-0.5B-Instruct is not at hand: {why}");
            return;
        }
    };
    let checkpoint = Checkpoint::open(&path).expect("the checkpoint opens");
    let config = &checkpoint.config;
    let text = "fn main() {\n    println!(\"Most people can be trusted, and family matters most.\");\n}\n";
    let ids = checkpoint.tokenizer.encode(text).expect("tokens");
    let mut tensors = std::collections::HashMap::new();
    for_each_tensor(config, |name, shape| {
        let tensor = checkpoint.weights.get_plain(name, shape, DType::F32).expect(name);
        tensors.insert(name.to_owned(), tensor);
    });
    let theirs = qwen2::Config {
        vocab_size: config.vocabulary,
        hidden_size: config.hidden,
        intermediate_size: config.intermediate,
        num_hidden_layers: config.layers,
        num_attention_heads: config.heads,
        num_key_value_heads: config.kv_heads,
        max_position_embeddings: config.context,
        sliding_window: config.context,
        max_window_layers: config.layers,
        tie_word_embeddings: config.tied,
        rope_theta: config.rope_theta,
        rms_norm_eps: config.norm_eps,
        use_sliding_window: false,
        hidden_act: candle_nn::Activation::Silu,
    };
    let weights = candle_nn::VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    let mut model = qwen2::ModelForCausalLM::new(&theirs, weights).expect("candle's model");
    let input = Tensor::new(ids.as_slice(), &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    let expected = model
        .forward(&input, 0)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    drop(model);
    let mut engine = engine_with(&path, DType::F32, None, QuantizedWeights::Dequantize);
    let logits = engine.logits(&ids).unwrap();
    let last = logits.narrow(0, ids.len() - 1, 1).unwrap().flatten_all().unwrap();
    let (most, mean) = far(&last.to_vec1::<f32>().unwrap(), &expected);
    println!(
        "Qwen2.5-Coder-0.5B, f32, last logits of {} tokens: at most {most:.6}, mean {mean:.6}",
        ids.len()
    );
    // Its biases and activations are in the hundreds, which f32 rounds to 1e-5 in every layer.
    assert!(most < 5e-4, "{most}");
}
