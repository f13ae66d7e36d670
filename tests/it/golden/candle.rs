//! The engine against candle-transformers, for every family that it has a model of.
//!
//! Some of its models do not obey a key of config.json. There both sides compute the golden checkpoint with that key
//! changed to what candle takes it for, and it is tested that they are apart without the change. Which of them is right
//! is tested elsewhere: the engine computes the golden as it is like transformers does.

use super::{LENGTHS, LOGITS, distance, engine, expected, golden};
use candle_core::{DType, Device, Result, Tensor, safetensors};
use candle_nn::VarBuilder;
use candle_transformers::models::{
    gemma, gemma2, gemma3, glm4_new, granite, granitemoehybrid, llama, mistral, mixtral, olmo2, phi3, qwen2, qwen2_moe,
    qwen3, qwen3_moe, smol::smollm3, stable_lm,
};
use serde_json::{Value, json};
use std::{collections::HashMap, path::Path};
use tempfile::TempDir;

/// What some logit differs by, at least, where candle's model does not obey a key.
const APART: f32 = 0.01;

/// A key of config.json that candle's model does not obey, and the value that it takes it for.
type Ignored = (&'static str, Value);

/// What candle builds a model of.
struct Given {
    config: Value,
    tensors: HashMap<String, Tensor>,
}

impl Given {
    /// What a folder has, with the keys that candle wants otherwise than config.json has them.
    fn read(folder: &Path, spelled: &Value) -> Self {
        let mut config: Value = serde_json::from_slice(&std::fs::read(folder.join("config.json")).unwrap()).unwrap();
        for (key, value) in spelled.as_object().unwrap() {
            config[key] = value.clone();
        }
        let tensors = safetensors::load(folder.join("model.safetensors"), &Device::Cpu).unwrap();
        let widened = |(name, tensor): (String, Tensor)| (name, tensor.to_dtype(DType::F32).unwrap());
        Self {
            config,
            tensors: tensors.into_iter().map(widened).collect(),
        }
    }

    fn config<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_value(self.config.clone()).expect("candle reads the configuration")
    }

    fn weights(&self) -> VarBuilder<'static> {
        VarBuilder::from_tensors(self.tensors.clone(), DType::F32, &Device::Cpu)
    }
}

/// The golden checkpoint with keys of its config.json changed; one that ties its head by that loses the head of its own.
fn changed<'a>(name: &str, changes: impl Iterator<Item = &'a Ignored>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(golden(name)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let path = folder.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for (key, value) in changes {
        config[key] = value.clone();
    }
    std::fs::write(&path, config.to_string()).unwrap();
    if config["tie_word_embeddings"] == json!(true) {
        let path = folder.path().join("model.safetensors");
        let mut tensors = safetensors::load(&path, &Device::Cpu).unwrap();
        tensors.remove("lm_head.weight");
        safetensors::save(&tensors, &path).unwrap();
    }
    folder
}

/// How far the last position's logits are from each other, at every length.
fn apart(
    name: &str,
    folder: &Path,
    spelled: &Value,
    last_logits: impl Fn(&Given, &Tensor) -> Result<Tensor>,
) -> Vec<f32> {
    let mut engine = engine(folder, DType::F32, 4096);
    let given = Given::read(folder, spelled);
    let lengths = LENGTHS.iter().map(|&length| {
        let (ids, _) = expected(name, length);
        let input = Tensor::new(ids.as_slice(), &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let theirs = last_logits(&given, &input).unwrap().reshape((1, ())).unwrap();
        let ours = engine.logits(&ids).unwrap().narrow(0, length - 1, 1).unwrap();
        distance(&ours, &theirs)
    });
    lengths.collect()
}

/// `last_logits` builds candle's model anew for each text, since not all can forget one.
fn equals_candle(
    name: &str,
    ignored: &[Ignored],
    spelled: Value,
    last_logits: impl Fn(&Given, &Tensor) -> Result<Tensor>,
) {
    let off = apart(name, changed(name, ignored.iter()).path(), &spelled, &last_logits);
    println!("{name}: {off:?}");
    assert!(
        off.iter().all(|off| *off <= LOGITS),
        "{name}, {LENGTHS:?} tokens: {off:?}"
    );
    for (key, _) in ignored {
        let others = ignored.iter().filter(|(other, _)| other != key);
        let off = apart(name, changed(name, others).path(), &spelled, &last_logits);
        println!("{name} with its own {key}: {off:?}");
        let why = "candle obeys it now, so that nothing need be changed";
        assert!(off.iter().any(|off| *off >= APART), "{name}, {key}: {off:?}; {why}");
    }
}

#[test]
fn llama_equals_candle() {
    equals_candle("llama3-tied-f32", &[], json!({}), |given, ids| {
        let config = given.config::<llama::LlamaConfig>().into_config(false);
        let mut cache = llama::Cache::new(false, DType::F32, &config, &Device::Cpu)?;
        llama::Llama::load(given.weights(), &config)?.forward(ids, 0, &mut cache)
    });
}

#[test]
fn mistral_equals_candle() {
    // candle's window does not count the token itself, transformers' and ours does.
    equals_candle("mistral-window-f16", &[], json!({"sliding_window": 7}), |given, ids| {
        mistral::Model::new(&given.config(), given.weights())?.forward(ids, 0)
    });
}

#[test]
fn mixtral_equals_candle() {
    let spelled = json!({"sliding_window": 128, "use_flash_attn": false});
    equals_candle("mixtral-f32", &[], spelled, |given, ids| {
        mixtral::Model::new(&given.config(), given.weights())?.forward(ids, 0)
    });
}

#[test]
fn qwen2_equals_candle() {
    let spelled = json!({"sliding_window": 128});
    equals_candle("qwen2-tied-bf16", &[], spelled, |given, ids| {
        qwen2::ModelForCausalLM::new(&given.config(), given.weights())?.forward(ids, 0)
    });
}

#[test]
fn qwen2_moe_equals_candle() {
    // It has the window whether `use_sliding_window` says so or not: qwen2_moe.rs, line 443.
    let spelled = json!({"sliding_window": 128});
    equals_candle("qwen2-moe-bf16", &[], spelled, |given, ids| {
        qwen2_moe::Model::new(&given.config(), given.weights())?.forward(ids, 0)
    });
}

#[test]
fn qwen3_equals_candle() {
    equals_candle("qwen3-tied-f32", &[], json!({"rope_theta": 1e6}), |given, ids| {
        qwen3::ModelForCausalLM::new(&given.config(), given.weights())?.forward(ids, 0)
    });
}

#[test]
fn qwen3_moe_equals_candle() {
    let spelled = json!({"num_experts": 4, "max_window_layers": 2});
    equals_candle("qwen3-moe-f32", &[], spelled, |given, ids| {
        qwen3_moe::ModelForCausalLM::new(&given.config(), given.weights())?.forward(ids, 0)
    });
}

#[test]
fn gemma_equals_candle() {
    equals_candle("gemma-bf16", &[], json!({}), |given, ids| {
        gemma::Model::new(false, &given.config(), given.weights())?.forward(ids, 0)
    });
}

#[test]
fn gemma2_equals_candle_but_for_its_scale_and_its_layers_without_a_window() {
    let ignored = [
        // gemma2.rs, line 240: products are divided by the root of the head's width.
        ("query_pre_attn_scalar", json!(8)),
        // gemma2.rs, line 436: one mask, that of the window, for all layers.
        ("layer_types", json!(["sliding_attention", "sliding_attention"])),
    ];
    let spelled = json!({"sliding_window": 7});
    equals_candle("gemma2-f32", &ignored, spelled, |given, ids| {
        gemma2::Model::new(false, &given.config(), given.weights())?.forward(ids, 0)
    });
}

#[test]
fn gemma3_equals_candle_but_for_its_scale_and_its_linear_rope() {
    let plain = |base: f64| json!({"rope_type": "default", "rope_theta": base});
    let ignored = [
        // gemma3.rs, line 263: as in Gemma 2.
        ("query_pre_attn_scalar", json!(8)),
        // gemma3.rs, line 84: `factor` is not read.
        (
            "rope_parameters",
            json!({"full_attention": plain(1e6), "sliding_attention": plain(1e4)}),
        ),
    ];
    let spelled = json!({"rope_theta": 1e6, "rope_local_base_freq": 1e4});
    equals_candle("gemma3-bf16", &ignored, spelled, |given, ids| {
        let mut model = gemma3::Model::new(false, &given.config(), given.weights())?;
        // gemma3.rs, line 247: with several key heads its cache takes one token at a time, and then its window is right.
        let each = (0..ids.dim(1)?).map(|at| model.forward(&ids.narrow(1, at, 1)?, at));
        Ok(each.collect::<Result<Vec<_>>>()?.pop().unwrap())
    });
}

#[test]
fn phi3_equals_candle_but_for_its_longrope() {
    // phi3.rs, lines 97 and 119: factors multiply the frequencies, where transformers divides by them. Nor are cosines
    // scaled, and each position has its own factors, not those for the length of the text.
    let ignored = [("rope_scaling", Value::Null)];
    equals_candle("phi3-f32", &ignored, json!({}), |given, ids| {
        let mut config = given.config.clone();
        if let Some(kind) = config["rope_scaling"].get("rope_type").cloned() {
            config["rope_scaling"]["type"] = kind;
        }
        let config = serde_json::from_value(config).expect("candle reads the configuration");
        phi3::Model::new(&config, given.weights())?.forward(ids, 0)
    });
}

#[test]
fn olmo2_equals_candle() {
    equals_candle("olmo2-f32", &[], json!({}), |given, ids| {
        olmo2::Model::new(&given.config(), given.weights())?.forward(ids, 0)
    });
}

#[test]
fn smollm3_equals_candle() {
    equals_candle("smollm3-f32", &[], json!({}), |given, ids| {
        smollm3::ModelForCausalLM::new(&given.config(), given.weights())?.forward(ids, 0)
    });
}

#[test]
fn glm4_equals_candle() {
    equals_candle("glm4-f32", &[], json!({}), |given, ids| {
        glm4_new::ModelForCausalLM::new(&given.config(), given.weights())?.forward(ids, 0)
    });
}

#[test]
fn granite_equals_candle_but_for_its_multipliers() {
    let ignored = [
        // granite.rs, lines 295, 436, 399 and 401, 442: it is a Llama, which has none of them.
        ("attention_multiplier", json!(8f64.sqrt().recip())),
        ("embedding_multiplier", json!(1.0)),
        ("residual_multiplier", json!(1.0)),
        ("logits_scaling", json!(1.0)),
    ];
    equals_candle("granite-f32", &ignored, json!({}), |given, ids| {
        let config = given.config::<granite::GraniteConfig>().into_config(false);
        let mut cache = granite::Cache::new(false, DType::F32, &config, &Device::Cpu)?;
        granite::Granite::load(given.weights(), &config)?.forward(ids, 0, &mut cache)
    });
}

/// Granite 4 without Mamba is Granite 3 with other names, and candle's model of it has the multipliers.
#[test]
fn granite_equals_candles_granite_4_but_for_a_head_of_its_own() {
    // granitemoehybrid.rs, line 521: the head is the embedding.
    let ignored = [("tie_word_embeddings", json!(true))];
    equals_candle("granite-f32", &ignored, json!({}), |given, ids| {
        let mut tensors = given.tensors.clone();
        for layer in 0..2 {
            let layer = format!("model.layers.{layer}");
            let mut take = |name: &str| tensors.remove(&format!("{layer}.mlp.{name}.weight")).unwrap();
            let input = Tensor::cat(&[take("gate_proj"), take("up_proj")], 0)?;
            let output = take("down_proj");
            tensors.insert(format!("{layer}.shared_mlp.input_linear.weight"), input);
            tensors.insert(format!("{layer}.shared_mlp.output_linear.weight"), output);
        }
        let weights = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
        let config = given
            .config::<granitemoehybrid::GraniteMoeHybridConfig>()
            .into_config(false);
        let mut cache = granitemoehybrid::GraniteMoeHybridCache::new(false, DType::F32, &config, &Device::Cpu)?;
        granitemoehybrid::GraniteMoeHybrid::load(weights, &config)?.forward(ids, 0, &mut cache)
    });
}

#[test]
fn stablelm_equals_candle() {
    equals_candle("stablelm-f32", &[], json!({}), |given, ids| {
        stable_lm::Model::new(&given.config(), given.weights())?.forward(ids, 0)
    });
}
