//! Which keys of config.json are understood. A key that is not may change what a model computes, so that a checkpoint
//! with one is refused by the key's name, unless its value says that the thing is off.

use serde_json::Value;

use crate::model::Family;

/// Keys that are read, whatever the family.
const READ: [&str; 19] = [
    "attention_bias",
    "head_dim",
    "hidden_act",
    "hidden_activation",
    "hidden_size",
    "intermediate_size",
    "max_position_embeddings",
    "mlp_bias",
    "model_type",
    "num_attention_heads",
    "num_hidden_layers",
    "num_key_value_heads",
    "quantization",
    "quantization_config",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "tie_word_embeddings",
    "vocab_size",
];

/// Keys that change no log-probability: names, notes of tools, tokens (read with the tokenizer), settings of training,
/// of generation and of memory.
const HARMLESS: &[&str] = &[
    // Names and notes.
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_commit_hash",
    "_experts_implementation",
    "_flash_attn_2_enabled",
    "_name_or_path",
    "architectures",
    "attn_implementation",
    "is_llama_config",
    "language",
    "license",
    "model_name",
    "name_or_path",
    "tags",
    "tokenizer_class",
    "transformers.js_config",
    "transformers_version",
    "unsloth_fixed",
    "unsloth_version",
    // Which type the weights were stored in; the files themselves say it.
    "dtype",
    "torch_dtype",
    "use_bfloat16",
    // Tokens.
    "bos_token_id",
    "decoder_start_token_id",
    "eos_token_id",
    "mask_token_id",
    "pad_token",
    "pad_token_id",
    "sep_token_id",
    "unk_token_id",
    // Training, and labels of classifiers.
    "attention_dropout",
    "attn_pdrop",
    "dropout",
    "embd_pdrop",
    "finetuning_task",
    "gradient_checkpointing",
    "hidden_dropout",
    "id2label",
    "initializer_range",
    "label2id",
    "neftune_noise_alpha",
    "output_router_logits",
    "problem_type",
    "resid_pdrop",
    "router_aux_loss_coef",
    "router_jitter_noise",
    "task_specific_params",
    "tf_legacy_loss",
    // Generation, which has its own settings here.
    "bad_words_ids",
    "begin_suppress_tokens",
    "diversity_penalty",
    "do_sample",
    "early_stopping",
    "encoder_no_repeat_ngram_size",
    "exponential_decay_length_penalty",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "generation_config",
    "length_penalty",
    "max_length",
    "max_new_tokens",
    "min_length",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "prefix",
    "remove_invalid_values",
    "repetition_penalty",
    "suppress_tokens",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
    // How the same is computed, kept or returned. `pretraining_tp` cuts products into slices and adds them up.
    "chunk_size_feed_forward",
    "is_decoder",
    "logits_to_keep",
    // Counts only where `use_sliding_window` is true.
    "max_window_layers",
    "max_sequence_length",
    "model_max_length",
    "num_logits_to_keep",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "pretraining_tp",
    "return_dict",
    "return_dict_in_generate",
    "seq_length",
    "torchscript",
    "use_cache",
];

/// Keys with the number at which they change nothing.
const NEUTRAL: [(&str, f64); 7] = [
    ("embedding_multiplier", 1.0),
    // Of Phi-4-mini's first code: each how manieth layer sees everything, and a factor of positions.
    ("full_attn_mod", 1.0),
    ("interpolate_factor", 1.0),
    ("logit_scale", 1.0),
    ("logits_scaling", 1.0),
    ("partial_rotary_factor", 1.0),
    ("residual_multiplier", 1.0),
];

/// Whether a token sees only those before it.
const CAUSAL: &str = "is_causal";

/// Why a key is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Objection {
    /// It asks for what the decoder does not do.
    Unsupported(String),
    /// What it asks for is not known.
    Unknown(String),
}

/// Keys that are understood beside the common ones.
pub(super) struct OwnKeys<'a> {
    /// Those that are read.
    pub(super) read: &'a [&'a str],
    /// What norms add to the mean square.
    pub(super) eps: &'a str,
    /// Those that are not read, with the only value at which nothing else is computed.
    pub(super) settled: &'a [(&'a str, &'a str)],
}

impl OwnKeys<'static> {
    /// Those of a family's checkpoints.
    pub(super) fn of(family: Family) -> Self {
        Self {
            read: family.own_keys(),
            eps: family.eps_key(),
            settled: family.settled_keys(),
        }
    }
}

/// What is wrong with a key of config.json, if anything.
pub(super) fn objection(key: &str, value: &Value, own: &OwnKeys<'_>) -> Option<Objection> {
    // The one key whose being off changes something.
    if key == CAUSAL && *value == Value::Bool(false) {
        let what = "is false; attention to later tokens is not supported".to_owned();
        return Some(Objection::Unsupported(what));
    }
    // Before what is off, which changes something there.
    if let Some((_, only)) = own.settled.iter().find(|(name, _)| *name == key) {
        let same = |only: Value| only == *value || only.is_number() && only.as_f64() == value.as_f64();
        let is_that = serde_json::from_str(only).is_ok_and(same);
        let changes = !value.is_null() && !is_that;
        return changes.then(|| Objection::Unsupported(format!("is {value}; only {only} is supported")));
    }
    let is_read = READ.contains(&key) || key == own.eps || own.read.contains(&key);
    if is_read || HARMLESS.contains(&key) || is_off(value) {
        return None;
    }
    if let Some((_, neutral)) = NEUTRAL.iter().find(|(name, _)| *name == key) {
        let changes = value.as_f64() != Some(*neutral);
        return changes.then(|| Objection::Unsupported(format!("is {value}; only {neutral} is supported")));
    }
    match (key, value) {
        (CAUSAL, Value::Bool(true)) => None,
        ("layer_types", Value::Array(kinds)) if kinds.iter().all(|kind| kind == "full_attention") => None,
        ("auto_map", Value::Object(map)) => {
            let class = map.keys().find(|class| class.starts_with("AutoModel"))?;
            let what = format!("names {class}: this model is computed by code of its own, which is not supported");
            Some(Objection::Unsupported(what))
        }
        _ => {
            let what = format!("is {}, and what it changes is not known", shortened(value));
            Some(Objection::Unknown(what))
        }
    }
}

/// Whether `auto_map` names no models but those of the family's own first code: transformers has taken it over since, and takes
/// its own where both are there.
pub(super) fn is_own_code(family: Family, map: &Value) -> bool {
    let module = format!("modeling_{family}.");
    let mut models = map
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(class, _)| class.starts_with("AutoModel"));
    models.all(|(_, code)| code.as_str().is_some_and(|code| code.starts_with(&module)))
}

/// Whether a value says that there is nothing.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn shortened(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(family: Family, key: &str, value: Value) -> bool {
        objection(key, &value, &OwnKeys::of(family)).is_some()
    }

    #[test]
    fn keys_of_published_checkpoints_are_understood() {
        let common = json!({
            "_name_or_path": "x", "architectures": ["X"], "attention_dropout": 0.0, "bos_token_id": 1,
            "eos_token_id": [1, 2], "hidden_act": "silu", "initializer_range": 0.02, "torch_dtype": "bfloat16",
            "transformers_version": "4.44.0", "use_cache": true, "pad_token_id": 0, "unsloth_version": "2024.9",
            "output_router_logits": false, "id2label": {"0": "LABEL_0"}, "temperature": 1.0, "is_causal": true,
        });
        for family in Family::ALL {
            for (key, value) in common.as_object().unwrap() {
                assert!(!refused(family, key, value.clone()), "{family}: {key}");
            }
        }
        // SmolLM2, Llama 2, Qwen2.5, Qwen3, Mistral, Mixtral.
        for (family, key, value) in [
            (Family::Llama, "is_llama_config", json!(true)),
            (Family::Llama, "rope_interleaved", json!(false)),
            (
                Family::Llama,
                "transformers.js_config",
                json!({"kv_cache_dtype": {"q4f16": "float16"}}),
            ),
            (Family::Llama, "pretraining_tp", json!(2)),
            (Family::Llama, "max_sequence_length", json!(2048)),
            (Family::Qwen2, "use_mrope", json!(false)),
            (Family::Qwen2, "max_window_layers", json!(21)),
            (Family::Qwen3, "layer_types", json!(["full_attention"])),
            (Family::Mistral, "sliding_window", json!(4096)),
            (Family::Mixtral, "num_local_experts", json!(8)),
            (Family::Mixtral, "router_aux_loss_coef", json!(0.02)),
            (Family::Llama, "logits_scaling", json!(1.0)),
            (Family::Phi3, "full_attn_mod", json!(1)),
            (Family::Phi3, "lm_head_bias", json!(false)),
            (Family::GptOss, "initial_context_length", json!(4096)),
            (Family::GptOss, "experts_per_token", json!(4)),
            (Family::Glm4Moe, "num_nextn_predict_layers", json!(1)),
            (Family::Cohere, "model_max_length", json!(131_072)),
            (Family::Cohere, "layer_norm_eps", json!(1e-5)),
            (Family::Cohere2, "use_parallel_block", json!(true)),
            (Family::Cohere2, "rotary_pct", json!(1.0)),
            (Family::Cohere2, "rotary_pct", json!(1)),
            (Family::Cohere2, "_sliding_window_pattern", json!(4)),
            (Family::Cohere2, "position_embedding_type", json!("rope_gptj")),
            (Family::StableLm, "use_qkv_bias", json!(true)),
        ] {
            assert!(!refused(family, key, value), "{family}: {key}");
        }
    }

    #[test]
    fn code_that_transformers_has_taken_over_is_no_objection() {
        let map = |code: &str| json!({"AutoConfig": "configuration_x.X", "AutoModelForCausalLM": code});
        assert!(is_own_code(Family::Phi3, &map("modeling_phi3.Phi3ForCausalLM")));
        assert!(!is_own_code(Family::Phi3, &map("modeling_phi4.Phi4ForCausalLM")));
        assert!(!is_own_code(Family::Llama, &map("modeling_phi3.Phi3ForCausalLM")));
        assert!(!is_own_code(
            Family::Phi3,
            &json!({"AutoModel": ["modeling_phi3.X", null]})
        ));
    }

    #[test]
    fn a_key_that_is_not_understood_is_refused_unless_it_is_off() {
        for (family, key, value) in [
            (Family::Llama, "no_rope_layers", json!([1, 1, 1, 0])),
            (Family::Llama, "rope_interleaved", json!(true)),
            (Family::Llama, "is_causal", json!(false)),
            (Family::Llama, "logits_scaling", json!(8.0)),
            (Family::Llama, "num_local_experts", json!(8)),
            (Family::Qwen2, "use_mrope", json!(true)),
            (Family::Mixtral, "num_shared_experts", json!(1)),
            (Family::Mistral, "attn_logit_softcapping", json!(50.0)),
            (Family::Llama, "layer_norm_eps", json!(1e-5)),
            (Family::Cohere, "rms_norm_eps", json!(1e-5)),
            (Family::Cohere, "use_parallel_residual", json!(true)),
            (Family::Cohere2, "layer_switch", json!(5)),
            (Family::Cohere2, "use_parallel_block", json!(false)),
            (
                Family::Mistral,
                "auto_map",
                json!({"AutoModelForCausalLM": "modeling_x.X"}),
            ),
        ] {
            assert!(refused(family, key, value), "{family}: {key}");
        }
        for off in [json!(null), json!(false), json!(0), json!([]), json!({}), json!("")] {
            assert!(!refused(Family::Llama, "no_rope_layers", off));
        }
        assert!(!refused(
            Family::Llama,
            "auto_map",
            json!({"AutoTokenizer": ["x", null]})
        ));
    }
}
