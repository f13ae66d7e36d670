//! Checkpoints of models that see as well as read: the part that reads is what is loaded.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::keys::{self, Objection, OwnKeys};
use crate::model::LoadError;

/// Keys of such a file that concern pictures, or how they join the text.
const PICTURES: [&str; 11] = [
    "boi_token_id",
    "boi_token_index",
    "eoi_token_id",
    "eoi_token_index",
    "image_token_id",
    "image_token_index",
    "mm_tokens_per_image",
    "multimodal_projector_bias",
    "projector_hidden_act",
    "spatial_merge_size",
    "vision_feature_layer",
];

/// What the two parts are called in a file of both.
const TEXT: &str = "text_config";
const VISION: &str = "vision_config";

/// Families of both, and what is taken where the part that reads lacks a key: `transformers`' values.
fn assumed(model_type: &str) -> Option<Value> {
    match model_type {
        "gemma3" => Some(json!({
            "model_type": "gemma3_text", "vocab_size": 262_208, "hidden_size": 2304, "intermediate_size": 9216,
            "num_hidden_layers": 26, "num_attention_heads": 8, "max_position_embeddings": 131_072,
            "tie_word_embeddings": true,
        })),
        "llama4" => Some(json!({
            "model_type": "llama4_text", "vocab_size": 202_048, "hidden_size": 5120, "intermediate_size": 8192,
            "num_hidden_layers": 48, "num_attention_heads": 40, "max_position_embeddings": 131_072,
        })),
        "mistral3" => Some(json!({ "model_type": "mistral", "tie_word_embeddings": true })),
        _ => None,
    }
}

/// What a file says of the part that reads, and what is wrong with the rest; a file of that part alone as it is.
pub(super) fn text_part(path: &Path, mut root: Map<String, Value>) -> (Map<String, Value>, Vec<LoadError>) {
    let assumed = root.get("model_type").and_then(Value::as_str).and_then(assumed);
    let (Some(Value::Object(assumed)), Some(Value::Object(mut text))) = (assumed, root.remove(TEXT)) else {
        return (root, Vec::new());
    };
    root.remove(VISION);
    let mut errors = Vec::new();
    let own = OwnKeys {
        read: &PICTURES,
        eps: "",
        settled: &[],
    };
    for (key, value) in &root {
        match keys::objection(key, value, &own) {
            None => {}
            Some(Objection::Unsupported(what)) => errors.push(LoadError::field(path, key, what)),
            Some(Objection::Unknown(what)) => errors.push(LoadError::UnknownKey {
                path: path.to_owned(),
                field: key.clone(),
                what,
            }),
        }
    }
    // Whether the head is tied is said of the whole model.
    for key in ["tie_word_embeddings", "quantization_config"] {
        if let Some(value) = root.remove(key) {
            text.insert(key.to_owned(), value);
        }
    }
    for (key, value) in assumed {
        text.entry(key).or_insert(value);
    }
    (text, errors)
}

/// What a tensor of a model that also sees is called in the part that reads; `None` for the others.
pub(super) fn text_name(name: &str) -> Option<String> {
    const OTHERS: [&str; 6] = [
        "vision_model.",
        "model.vision_model.",
        "vision_tower.",
        "multi_modal_projector.",
        "model.vision_tower.",
        "model.multi_modal_projector.",
    ];
    if OTHERS.iter().any(|other| name.starts_with(other)) {
        return None;
    }
    // `language_model.model.layers...`, or `model.language_model.layers...` in newer files.
    Some(match name.strip_prefix("model.language_model.") {
        Some(rest) => format!("model.{rest}"),
        None => name.strip_prefix("language_model.").unwrap_or(name).to_owned(),
    })
}

/// Whether a file is of a model that also sees.
pub(super) fn is_nested(root: &Value) -> bool {
    let model_type = root.get("model_type").and_then(Value::as_str);
    root.get(TEXT).is_some_and(Value::is_object) && model_type.is_some_and(|name| assumed(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_of_the_part_that_reads_lose_its_name_and_the_others_are_left_out() {
        for (name, expected) in [
            ("language_model.model.norm.weight", Some("model.norm.weight")),
            ("language_model.lm_head.weight", Some("lm_head.weight")),
            ("model.language_model.norm.weight", Some("model.norm.weight")),
            ("lm_head.weight", Some("lm_head.weight")),
            ("vision_tower.encoder.bias", None),
            ("vision_model.class_embedding", None),
            ("model.multi_modal_projector.linear_1.weight", None),
        ] {
            assert_eq!(text_name(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn what_is_said_beside_the_parts_is_understood_or_refused() {
        let path = Path::new("config.json");
        let of = |extra: Value| {
            let mut root = json!({"model_type": "mistral3", "tie_word_embeddings": false, "image_token_index": 10,
                "vision_config": {"hidden_size": 8}, "text_config": {"model_type": "ministral3"}});
            root.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            text_part(path, root.as_object().unwrap().clone())
        };
        let (text, errors) = of(json!({}));
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(
            Value::Object(text),
            json!({"model_type": "ministral3", "tie_word_embeddings": false})
        );
        let (_, errors) = of(json!({"altup_num_inputs": 4}));
        assert!(errors[0].to_string().contains("`altup_num_inputs`: is 4"), "{errors:?}");
    }
}
