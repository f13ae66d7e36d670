//! Which keys of a GGUF file's architecture are understood. One that is not may change what the model computes, and is
//! refused by name unless its value says that the thing is off.

use super::value::MetadataValue;
use crate::model::design::NormKind;
use crate::model::family::Family;

/// Keys that are read, without the architecture before them.
const READ: [&str; 17] = [
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.sliding_window",
    "attention.value_length",
    "block_count",
    "context_length",
    "embedding_length",
    "expert_count",
    "expert_used_count",
    "feed_forward_length",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scale_linear",
    "rope.scaling.factor",
    "rope.scaling.type",
    "vocab_size",
];

/// Keys that change no log-probability: how the weights were stored before, and for what they were trained.
const HARMLESS: [&str; 3] = [
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "tensor_data_layout",
];

/// Keys with the number at which they change nothing.
const NEUTRAL: [(&str, f64); 6] = [
    ("attention.scale", 1.0),
    ("embedding_scale", 1.0),
    ("expert_weights_scale", 1.0),
    ("logit_scale", 1.0),
    ("residual_scale", 1.0),
    ("rope.scaling.attn_factor", 1.0),
];

/// Whether a token sees only those before it: the one key whose being off changes something.
const CAUSAL: &str = "attention.causal";

/// How far tokens see.
const WINDOW: &str = "attention.sliding_window";

/// The one key of a window by layer.
pub(super) const PATTERN: &str = "attention.sliding_window_pattern";

/// Keys that only this family's files have, or not every family's.
pub(super) fn own_keys(family: Family) -> &'static [&'static str] {
    match family {
        Family::Gemma2 | Family::Gemma3 => &[
            "attn_logit_softcapping",
            "final_logit_softcapping",
            "rope.freq_base_swa",
        ],
        Family::Phi3 => &["rope.scaling.attn_factor"],
        Family::Granite | Family::GraniteMoe => {
            &["attention.scale", "embedding_scale", "logit_scale", "residual_scale"]
        }
        Family::Qwen2Moe => &["expert_feed_forward_length", "expert_shared_feed_forward_length"],
        Family::Qwen3Moe => &["expert_feed_forward_length"],
        Family::Llama4 => &["expert_feed_forward_length", "interleave_moe_layer_step"],
        Family::Glm4Moe => &[
            "expert_feed_forward_length",
            "expert_gating_func",
            "expert_group_count",
            "expert_group_used_count",
            "expert_shared_count",
            "expert_weights_norm",
            "expert_weights_scale",
            "leading_dense_block_count",
            "nextn_predict_layers",
        ],
        Family::GptOss => &["expert_feed_forward_length", PATTERN],
        Family::Olmo3 | Family::Exaone4 => &[PATTERN],
        Family::Cohere => &["logit_scale"],
        Family::Cohere2 => &["logit_scale", PATTERN],
        // What it says is told by the tensors, too.
        Family::StableLm => &["use_parallel_residual"],
        Family::Ministral3 => &["attention.temperature_length", "attention.temperature_scale"],
        _ => &[],
    }
}

/// The key that says what norms add to the mean square.
pub(super) fn eps(family: Family) -> &'static str {
    match family.design(0).norm_kind {
        NormKind::Rms => "attention.layer_norm_rms_epsilon",
        NormKind::LayerNorm | NormKind::BiasedLayerNorm => "attention.layer_norm_epsilon",
    }
}

/// Whether a family's files are read with YaRN.
pub(super) fn has_yarn(family: Family) -> bool {
    matches!(family, Family::GptOss | Family::Olmo3 | Family::Ministral3)
}

/// Keys of YaRN that are read where a family's files have it.
const YARN: [&str; 4] = [
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "rope.scaling.yarn_ext_factor",
    "rope.scaling.yarn_log_multiplier",
];

/// What is wrong with a key of a family's file, if anything; `name` is without the architecture.
pub(super) fn objection(name: &str, value: &MetadataValue, family: Family) -> Option<String> {
    let own = own_keys(family);
    if name == CAUSAL {
        let is_causal = *value == MetadataValue::Bool(true);
        return (!is_causal).then(|| format!("is {value}; attention to later tokens is not supported"));
    }
    if name == WINDOW && matches!(family, Family::Cohere | Family::StableLm) {
        return (!is_off(value)).then(|| format!("is {value}, and models of this family have no window"));
    }
    let is_yarn = has_yarn(family) && YARN.contains(&name);
    if READ.contains(&name)
        || name == eps(family)
        || own.contains(&name)
        || is_yarn
        || HARMLESS.contains(&name)
        || is_off(value)
    {
        return None;
    }
    match NEUTRAL.iter().find(|(key, _)| *key == name) {
        Some((_, neutral)) if value.as_f64() == Some(*neutral) => None,
        Some((_, neutral)) => Some(format!("is {value}; only {neutral} is supported")),
        None => Some(format!("is {value}, and what it changes is not known")),
    }
}

fn is_off(value: &MetadataValue) -> bool {
    match value {
        MetadataValue::Bool(flag) => !flag,
        MetadataValue::String(text) => text.is_empty(),
        MetadataValue::Strings(list) => list.is_empty(),
        MetadataValue::Ints(list) => list.is_empty(),
        MetadataValue::Floats(list) => list.is_empty(),
        MetadataValue::OtherArray(length) => *length == 0,
        number => number.as_f64() == Some(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_not_understood_is_refused_unless_it_is_off() {
        use MetadataValue::{Bool, Float, Ints, String, Unsigned};
        for (name, value) in [
            ("block_count", Unsigned(30)),
            ("rope.scaling.original_context_length", Unsigned(8192)),
            ("tensor_data_layout", String("Meta AI original pth".to_owned())),
            ("attention.causal", Bool(true)),
            ("attention.clamp_kqv", Float(0.0)),
            ("final_logit_softcapping", Float(0.0)),
            ("expert_shared_count", Unsigned(0)),
            ("logit_scale", Float(1.0)),
            ("use_parallel_residual", Bool(false)),
        ] {
            assert_eq!(objection(name, &value, Family::Llama), None, "{name}");
        }
        for (name, value, said) in [
            ("attention.causal", Bool(false), "is false; attention to later tokens"),
            (
                "attention.clamp_kqv",
                Float(8.0),
                "is 8, and what it changes is not known",
            ),
            ("attn_logit_softcapping", Float(50.0), "is 50, and what"),
            ("expert_shared_count", Unsigned(1), "is 1, and what"),
            ("logit_scale", Float(0.5), "is 0.5; only 1 is supported"),
            (
                "rope.dimension_sections",
                Ints(vec![16, 24, 24, 0]),
                "is a list of 4, and what",
            ),
            ("use_parallel_residual", Bool(true), "is true, and what"),
            ("attention.temperature_scale", Float(0.1), "is 0.1, and what"),
            ("rope.scaling.yarn_beta_fast", Float(32.0), "is 32, and what"),
        ] {
            let objection = objection(name, &value, Family::Llama).expect(name);
            assert!(objection.contains(said), "{name}: {objection}");
        }
        // llama.cpp reads no window there.
        for family in [Family::Cohere, Family::StableLm] {
            assert!(objection(WINDOW, &Unsigned(8), family).is_some(), "{family}");
            assert_eq!(objection(WINDOW, &Unsigned(0), family), None, "{family}");
        }
    }
}
