//! Settings that would change every number and are not understood are refused by their keys, not ignored.

use indieval::model::{Inspection, RopeScaling};
use serde_json::{Value, json};

use super::{GOLDEN, copy_of};

/// A golden checkpoint with some keys of its config.json changed; `null` takes a key away.
fn inspect(name: &str, changes: &Value) -> (Inspection, Vec<String>) {
    inspect_file(name, "config.json", changes)
}

fn inspect_file(name: &str, file: &str, changes: &Value) -> (Inspection, Vec<String>) {
    let folder = copy_of(name);
    let path = folder.path().join(file);
    let mut json: Value = std::fs::read(&path).map_or(json!({}), |text| serde_json::from_slice(&text).unwrap());
    for (key, value) in changes.as_object().unwrap() {
        json[key] = value.clone();
    }
    std::fs::write(&path, json.to_string()).unwrap();
    let inspection = Inspection::of(folder.path());
    let faults = inspection.faults.iter().flat_map(|fault| fault.reasons()).collect();
    (inspection, faults)
}

#[test]
fn rotary_settings_that_are_not_understood_are_refused_by_key() {
    let linear = json!({"rope_type": "linear", "factor": 2.0});
    let axial = json!({"rope_type": "axial", "factor": 4.0});
    let layers = json!({"full_attention": {"rope_type": "default", "rope_theta": 1e6},
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}});
    for (changes, key) in [
        (json!({"rope_theta": "10000"}), "`rope_theta`: is \"10000\""),
        (json!({"rope_theta": [1e4]}), "`rope_theta`: is [10000.0]"),
        (
            json!({"rope_scaling": "linear"}),
            "`rope_scaling`: is \"linear\", expected an object",
        ),
        (json!({"rope_scaling": 2.0}), "`rope_scaling`: is 2.0"),
        (
            json!({"rope_scaling": {"factor": 2.0}}),
            "`rope_scaling`: does not name its type",
        ),
        (json!({"rope_scaling": {}}), "`rope_scaling`: does not name its type"),
        (
            json!({"rope_scaling": {"rope_type": 3}}),
            "`rope_scaling.rope_type`: is 3",
        ),
        (
            json!({"rope_scaling": {"rope_type": "linear", "type": "yarn", "factor": 2.0}}),
            "`rope_scaling.type`",
        ),
        (
            json!({"rope_scaling": {"type": "linear"}}),
            "`rope_scaling`: lacks numbers",
        ),
        (
            json!({"rope_scaling": {"type": "linear", "factor": "2"}}),
            "`rope_scaling.factor`: is \"2\"",
        ),
        (
            json!({"rope_scaling": {"type": "default", "factor": 2.0}}),
            "`rope_scaling.factor`: is 2.0, which has no",
        ),
        (
            json!({"rope_scaling": axial, "rope_parameters": {"rope_type": "default"}}),
            "`rope_scaling`: has the type `axial`; supported are default, linear, dynamic, llama3, yarn, longrope",
        ),
        (
            json!({"rope_scaling": linear, "rope_parameters": {"rope_type": "default"}}),
            "`rope_scaling`: asks for the scaling",
        ),
        (
            json!({"rope_parameters": layers}),
            "`rope_parameters.full_attention`: has settings of its own",
        ),
        (
            json!({"rope_parameters": {"rope_type": "default", "full_attention": {}}}),
            "`rope_parameters.full_attention`",
        ),
        (json!({"rope_parameters": [1]}), "`rope_parameters`: is [1]"),
        (
            json!({"rope_parameters": {"rope_theta": "1"}}),
            "`rope_parameters.rope_theta`: is \"1\"",
        ),
        (
            json!({"rope_parameters": {"rope_theta": 5e3}}),
            "`rope_theta`: is given as 5000 and as 10000",
        ),
        (
            json!({"rope_parameters": {"partial_rotary_factor": 0.5}}),
            "`rope_parameters.partial_rotary_factor`: is 0.5",
        ),
        (
            json!({"partial_rotary_factor": 0.5}),
            "`partial_rotary_factor`: is 0.5; only 1",
        ),
        (
            json!({"partial_rotary_factor": "1"}),
            "`partial_rotary_factor`: is \"1\"",
        ),
    ] {
        let (_, faults) = inspect("mistral-window-f16", &changes);
        assert!(
            faults
                .iter()
                .any(|fault| fault.contains(key) && fault.contains("config.json")),
            "{changes}: {key} is not in {faults:?}"
        );
    }
}

#[test]
fn multipliers_and_caps_of_other_families_are_refused_by_key() {
    for name in GOLDEN {
        for (key, value) in [
            ("attn_logit_softcapping", json!(50.0)),
            ("final_logit_softcapping", json!(30.0)),
            ("embedding_multiplier", json!(12.0)),
            ("residual_multiplier", json!(0.22)),
            ("attention_multiplier", json!(0.0078125)),
            ("logits_scaling", json!(8.0)),
            ("logits_scaling", json!("8")),
        ] {
            let (_, faults) = inspect(name, &json!({key: value}));
            assert!(
                faults.len() == 1 && faults[0].contains(&format!("`{key}`: is {value}")),
                "{faults:?}"
            );
        }
    }
}

/// Keys that change values in one family are refused in those that do not read them, and contradictions in those that do.
#[test]
fn keys_of_later_families_are_read_or_refused() {
    for (name, changes, said) in [
        (
            "qwen3-moe-f32",
            json!({"use_sliding_window": true}),
            "`use_sliding_window`: is true",
        ),
        (
            "qwen3-moe-f32",
            json!({"mlp_only_layers": [0]}),
            "`mlp_only_layers`: is [0]",
        ),
        (
            "qwen3-moe-f32",
            json!({"decoder_sparse_step": 0}),
            "`decoder_sparse_step`: is 0",
        ),
        (
            "qwen3-moe-f32",
            json!({"num_experts_per_tok": 5}),
            "`num_experts_per_tok`: is 5",
        ),
        (
            "qwen3-moe-f32",
            json!({"num_experts": 8}),
            "`num_experts`: is 8, and `num_local_experts` is 4",
        ),
        ("olmoe-f32", json!({"clip_qkv": 8.0}), "`clip_qkv`: is 8.0"),
        ("gemma-bf16", json!({"hidden_act": "silu"}), "`hidden_act`: is \"silu\""),
        (
            "gemma-bf16",
            json!({"final_logit_softcapping": 30.0}),
            "`final_logit_softcapping`: is 30.0",
        ),
        (
            "gemma2-f32",
            json!({"attn_logit_softcapping": -1.0}),
            "`attn_logit_softcapping`: is -1",
        ),
        (
            "gemma2-f32",
            json!({"layer_types": ["full_attention"]}),
            "`layer_types`: is ",
        ),
        (
            "gemma2-f32",
            json!({"use_bidirectional_attention": true}),
            "`use_bidirectional_attention`",
        ),
        (
            "gemma3-bf16",
            json!({"sliding_window": null}),
            "`layer_types`: asks for windows",
        ),
        (
            "gemma3-bf16",
            json!({"rope_parameters": {"rope_type": "default"}}),
            "`rope_parameters`: expected settings for",
        ),
        (
            "gemma3-nested-bf16",
            json!({"altup_num_inputs": 4}),
            "`altup_num_inputs`: is 4",
        ),
        (
            "phi3-f32",
            json!({"partial_rotary_factor": 1.5}),
            "`partial_rotary_factor`: is 1.5",
        ),
        (
            "phi3-f32",
            json!({"rope_scaling": {"type": "longrope", "short_factor": [1.0], "long_factor": [1.0]}}),
            "`rope_scaling.short_factor`: has 1 values",
        ),
        (
            "ministral3-bf16",
            json!({"rope_parameters": null}),
            "`rope_parameters`: is missing",
        ),
        (
            "smollm3-f32",
            json!({"no_rope_layers": [1]}),
            "`no_rope_layers`: is [1]",
        ),
        (
            "granite-f32",
            json!({"logits_scaling": 0.0}),
            "`logits_scaling`: is inf",
        ),
        (
            "granite-f32",
            json!({"embedding_multiplier": -1.0}),
            "`embedding_multiplier`: is -1",
        ),
        ("ernie4-5-bf16", json!({"mlp_bias": true}), "`mlp_bias`: is true"),
        ("cohere-f32", json!({"logit_scale": 0.0}), "`logit_scale`: is 0"),
        ("cohere-f32", json!({"rms_norm_eps": 1e-5}), "`rms_norm_eps`: is"),
        ("cohere-f32", json!({"logit_scale": null}), "`logit_scale`: is null"),
        (
            "cohere2-bf16",
            json!({"layer_types": null, "sliding_window": null}),
            "`sliding_window`: is missing",
        ),
        (
            "cohere2-bf16",
            json!({"layer_types": null, "sliding_window_pattern": 0}),
            "`sliding_window_pattern`: is 0",
        ),
        (
            "cohere2-bf16",
            json!({"use_parallel_block": false}),
            "`use_parallel_block`: is false; only true",
        ),
        (
            "stablelm-f32",
            json!({"use_parallel_residual": 1}),
            "`use_parallel_residual`: is 1",
        ),
        ("llama4-f32", json!({"moe_layers": [0, 3]}), "`moe_layers`: is [0,3]"),
        (
            "llama4-f32",
            json!({"moe_layers": [u64::MAX]}),
            "`moe_layers`: is [1844",
        ),
        ("llama4-f32", json!({"moe_layers": 1}), "`moe_layers`: is 1;"),
        ("llama4-f32", json!({"use_qk_norm": null}), "`use_qk_norm`: is null"),
        (
            "llama4-f32",
            json!({"attn_temperature_tuning": null}),
            "`attn_temperature_tuning`: is null",
        ),
        (
            "llama4-f32",
            json!({"no_rope_layer_interval": 0}),
            "`no_rope_layer_interval`: is 0",
        ),
        (
            "llama4-f32",
            json!({"layer_types": vec!["sliding_attention"; 4]}),
            "expected `chunked_attention` or",
        ),
        (
            "llama4-f32",
            json!({"attention_chunk_size": null}),
            "`layer_types`: asks for chunks",
        ),
        (
            "llama4-f32",
            json!({"attention_chunk_size": 0}),
            "`attention_chunk_size`: is 0",
        ),
        ("llama4-f32", json!({"floor_scale": 0.5}), "`floor_scale`: is 0.5"),
        ("llama4-f32", json!({"attn_scale": -1.0}), "`attn_scale`: is -1"),
        (
            "llama4-f32",
            json!({"no_rope_layers": [1, 0]}),
            "`no_rope_layers`: is [1,0]",
        ),
        (
            "llama4-f32",
            json!({"moe_layers": null, "interleave_moe_layer_step": 0}),
            "`interleave_moe_layer_step`: is 0",
        ),
        ("glm4-moe-bf16", json!({"n_group": 3}), "`n_group`: is 3"),
        ("glm4-moe-bf16", json!({"topk_group": 5}), "`topk_group`: is 5"),
        // Two of four groups of two.
        (
            "glm4-moe-bf16",
            json!({"num_experts_per_tok": 5}),
            "`num_experts_per_tok`: is 5, expected 1 to 4",
        ),
        ("gpt-oss-bf16", json!({"swiglu_limit": -7.0}), "`swiglu_limit`: is -7"),
        (
            "phi3-f32",
            json!({"auto_map": {"AutoModelForCausalLM": "modeling_other.Other"}}),
            "`auto_map`: names AutoModelForCausalLM",
        ),
    ] {
        let (_, faults) = inspect(name, &changes);
        assert!(
            faults.iter().any(|fault| fault.contains(said)),
            "{name} {changes}: {faults:?}"
        );
    }
}

#[test]
fn a_family_that_is_not_supported_is_refused_with_the_reason() {
    for (family, why) in [
        ("deepseek_v3", "compressed state (MLA)"),
        ("qwen3_next", "linear attention"),
        ("mamba2", "recurrent"),
        ("gemma3n", "embeddings of its own in each layer"),
        ("ernie4_5_moe", "routing to experts"),
    ] {
        let (_, faults) = inspect("llama3-tied-f32", &json!({"model_type": family}));
        let said = format!("the model family `{family}` is not supported: ");
        assert!(
            faults.iter().any(|fault| fault.contains(&said) && fault.contains(why)),
            "{faults:?}"
        );
    }
}

#[test]
fn longrope_has_the_models_whole_context_and_needs_both_sets_of_divisors() {
    let (inspection, faults) = inspect("phi3-f32", &json!({}));
    assert!(faults.is_empty(), "{faults:?}");
    let config = inspection.config.unwrap();
    assert_eq!(config.context, 256);
    assert!(
        matches!(
            config.rope_scaling,
            RopeScaling::LongRope {
                original_context: 48,
                ..
            }
        ),
        "{:?}",
        config.rope_scaling
    );
    let short_only = json!({"rope_scaling": {"type": "longrope", "short_factor": [1.0, 1.0, 1.0]}});
    let (_, faults) = inspect("phi3-f32", &short_only);
    assert!(
        faults
            .iter()
            .any(|fault| fault.contains("`rope_scaling`: lacks numbers")),
        "{faults:?}"
    );
}

#[test]
fn settings_that_mean_nothing_is_done_are_let_pass() {
    for changes in [
        json!({"rope_scaling": null, "rope_parameters": null, "partial_rotary_factor": null, "logits_scaling": null}),
        json!({"rope_scaling": {"type": "default"}, "partial_rotary_factor": 1.0}),
        json!({"rope_parameters": {"rope_theta": 10000.0, "rope_type": "default", "partial_rotary_factor": 1.0}}),
        json!({"rope_parameters": {"rope_theta": 10000}}),
        json!({"rope_scaling": {"rope_type": "default"}, "rope_parameters": {"rope_type": "default"}}),
        json!({"embedding_multiplier": 1.0, "residual_multiplier": 1, "logits_scaling": 1.0}),
        json!({"attn_logit_softcapping": null, "final_logit_softcapping": null, "attention_multiplier": null}),
    ] {
        let (inspection, faults) = inspect("mistral-window-f16", &changes);
        assert!(faults.is_empty(), "{changes}: {faults:?}");
        let config = inspection.config.unwrap();
        assert_eq!((config.rope_theta, config.rope_scaling), (10_000.0, RopeScaling::None));
    }
    // As transformers 4 and 5 write the same scaling.
    let linear = json!({"rope_type": "linear", "type": "linear", "factor": 2.0});
    let (inspection, faults) = inspect(
        "mistral-window-f16",
        &json!({"rope_scaling": linear, "rope_parameters": linear}),
    );
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(inspection.config.unwrap().rope_scaling, RopeScaling::Linear(2.0));
}

#[test]
fn end_tokens_that_are_none_are_refused() {
    for file in ["config.json", "generation_config.json"] {
        for value in [
            json!("</s>"),
            json!(-1),
            json!(1.5),
            json!(128),
            json!([1, 128]),
            json!([1, null]),
            json!({}),
            json!(u64::MAX),
        ] {
            let (_, faults) = inspect_file("llama3-tied-f32", file, &json!({"eos_token_id": value}));
            assert!(
                faults.len() == 1 && faults[0].contains(&format!("{file}: `eos_token_id`: is ")),
                "{value}: {faults:?}"
            );
        }
        for value in [json!(null), json!(127), json!([]), json!([0, 1])] {
            let (_, faults) = inspect_file("llama3-tied-f32", file, &json!({"eos_token_id": value}));
            assert!(faults.is_empty(), "{value}: {faults:?}");
        }
    }
}

#[test]
fn a_config_that_asks_for_millions_of_tensors_gives_few_reasons() {
    let huge = json!({"num_hidden_layers": 1024, "num_local_experts": 1024});
    let (_, faults) = inspect("mixtral-f32", &huge);
    assert_eq!(
        faults,
        ["the configuration calls for 3151872 tensors, and there are 41"]
    );
    // Fewer are named, up to a limit.
    let (_, faults) = inspect("mixtral-f32", &json!({"num_hidden_layers": 300}));
    assert_eq!(faults.len(), 51);
    assert_eq!(faults[50], "and 5612 more tensors that do not match");
    assert!(faults[0].starts_with("tensor `model.layers.2."), "{}", faults[0]);
}
