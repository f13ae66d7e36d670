//! `config.json` of a Hugging Face checkpoint, read into a [`ModelConfig`].
//!
//! Where a key is absent, the default is the one that the `transformers` library gives the family.

use std::path::Path;

use serde_json::{Map, Value};

use super::bounds;
use crate::model::{LoadError, Mixture, ModelConfig, error::SUPPORTED_FAMILIES};

/// What models of other families compute and this decoder does not, each with the number that means nothing is done,
/// where there is one. Granite's attention multiplier takes the place of one by the root of the head's width, so 1 is
/// not nothing.
const FOREIGN: [(&str, Option<f64>); 9] = [
    ("attn_logit_softcapping", None),
    ("final_logit_softcapping", None),
    ("query_pre_attn_scalar", None),
    ("attention_multiplier", None),
    ("embedding_multiplier", Some(1.0)),
    ("residual_multiplier", Some(1.0)),
    ("logits_scaling", Some(1.0)),
    ("logit_scale", Some(1.0)),
    ("partial_rotary_factor", Some(1.0)),
];

/// Reads the text of `config.json`.
///
/// Fails with every reason at once: an unknown family, missing or impossible numbers, features the decoder lacks.
pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<ModelConfig, Vec<LoadError>> {
    let root: Map<String, Value> = serde_json::from_slice(text)
        .map_err(|error| vec![LoadError::malformed(path, format!("is no JSON object: {error}"))])?;
    let mut keys = Keys {
        path,
        root: &root,
        errors: Vec::new(),
    };
    let family = match root.get("model_type").and_then(Value::as_str) {
        Some(name) if SUPPORTED_FAMILIES.contains(&name) => name,
        Some(name) => {
            return Err(vec![LoadError::Family {
                path: path.to_owned(),
                family: name.to_owned(),
            }]);
        }
        None => {
            return Err(vec![LoadError::field(
                path,
                "model_type",
                "is missing, expected a family's name",
            )]);
        }
    };
    keys.refuse_foreign_features();

    let hidden = keys.size("hidden_size");
    let layers = keys.size("num_hidden_layers");
    let heads = keys.size("num_attention_heads");
    let head_dim = match keys.optional_size("head_dim") {
        Some(width) => width,
        None if family == "qwen3" => 128,
        None if heads > 0 && hidden.is_multiple_of(heads) => hidden / heads,
        None => {
            let what = format!("is {hidden}, which {heads} heads cannot share (and head_dim is not given)");
            keys.errors.push(LoadError::field(path, "hidden_size", what));
            0
        }
    };
    let attention_bias = keys.flag("attention_bias", false);
    let rope = keys.rope(if family == "mixtral" { 1e6 } else { 1e4 });
    let config = ModelConfig {
        family: family.to_owned(),
        hidden,
        intermediate: keys.size("intermediate_size"),
        layers,
        heads,
        kv_heads: keys.optional_size("num_key_value_heads").unwrap_or(match family {
            "mistral" | "mixtral" => 8,
            "qwen2" | "qwen3" => 32,
            _ => heads,
        }),
        head_dim,
        vocabulary: keys.size("vocab_size"),
        context: keys.size("max_position_embeddings"),
        norm_eps: keys.number("rms_norm_eps", if family == "mixtral" { 1e-5 } else { 1e-6 }),
        rope_theta: rope.theta,
        rope_scaling: rope.scaling,
        qkv_bias: family == "qwen2" || (attention_bias && matches!(family, "llama" | "qwen3")),
        output_bias: attention_bias && matches!(family, "llama" | "qwen3"),
        qk_norm: family == "qwen3",
        tied: keys.flag("tie_word_embeddings", false),
        sliding_window: keys.sliding_window(family, layers),
        mixture: (family == "mixtral").then(|| Mixture {
            experts: keys.optional_size("num_local_experts").unwrap_or(8),
            used: keys.optional_size("num_experts_per_tok").unwrap_or(2),
        }),
    };
    // Numbers that are missing were read as 0 and have been named already.
    if keys.errors.is_empty() {
        keys.errors = bounds::misfits(&config, path);
    }
    if keys.errors.is_empty() {
        Ok(config)
    } else {
        Err(keys.errors)
    }
}

/// The keys of one file, and what is wrong with them so far.
pub(super) struct Keys<'a> {
    path: &'a Path,
    root: &'a Map<String, Value>,
    errors: Vec<LoadError>,
}

impl<'a> Keys<'a> {
    pub(super) fn refuse(&mut self, field: &str, what: impl Into<String>) {
        self.errors.push(LoadError::field(self.path, field, what));
    }

    /// A value that is neither absent nor null.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.root.get(key).filter(|value| !value.is_null())
    }

    fn size(&mut self, key: &str) -> usize {
        if self.value(key).is_none() {
            self.refuse(key, "is missing, expected a positive whole number");
        }
        self.optional_size(key).unwrap_or(0)
    }

    fn optional_size(&mut self, key: &str) -> Option<usize> {
        let value = self.value(key)?;
        let size = value.as_u64().and_then(|number| usize::try_from(number).ok());
        if size.is_none() {
            let what = format!("is {value}, expected a positive whole number");
            self.refuse(key, what);
        }
        size
    }

    pub(super) fn number(&mut self, key: &str, default: f64) -> f64 {
        let Some(value) = self.value(key) else {
            return default;
        };
        value.as_f64().unwrap_or_else(|| {
            let what = format!("is {value}, expected a number");
            self.refuse(key, what);
            default
        })
    }

    fn flag(&mut self, key: &str, default: bool) -> bool {
        let Some(value) = self.value(key) else {
            return default;
        };
        value.as_bool().unwrap_or_else(|| {
            let what = format!("is {value}, expected true or false");
            self.refuse(key, what);
            default
        })
    }

    fn refuse_foreign_features(&mut self) {
        for key in ["hidden_act", "hidden_activation"] {
            if let Some(act) = self.value(key)
                && act.as_str() != Some("silu")
            {
                let what = format!("is {act}; only `silu` is supported");
                self.refuse(key, what);
            }
        }
        if self.flag("mlp_bias", false) {
            self.refuse(
                "mlp_bias",
                "is true; biases in the feed-forward network are not supported",
            );
        }
        for (key, nothing) in FOREIGN {
            if let Some(value) = self.value(key)
                && (nothing.is_none() || value.as_f64() != nothing)
            {
                let what = match nothing {
                    Some(nothing) => format!("is {value}; only {nothing} is supported"),
                    None => format!("is {value}; models that need it are not supported"),
                };
                self.refuse(key, what);
            }
        }
        if let Some(quantization) = self.value("quantization_config") {
            let method = quantization
                .get("quant_method")
                .and_then(Value::as_str)
                .unwrap_or("unnamed");
            let what = format!("asks for `{method}` weights; use float safetensors or a GGUF file");
            self.refuse("quantization_config", what);
        }
    }

    /// The window every layer has; a checkpoint whose layers differ is refused.
    fn sliding_window(&mut self, family: &str, layers: usize) -> Option<usize> {
        let window = match (family, self.root.get("sliding_window")) {
            ("mistral", None) => Some(4096),
            _ => self.optional_size("sliding_window"),
        }?;
        if let Some(kinds) = self.value("layer_types").and_then(Value::as_array) {
            let sliding = kinds
                .iter()
                .filter(|kind| kind.as_str() == Some("sliding_attention"))
                .count();
            let full = kinds
                .iter()
                .filter(|kind| kind.as_str() == Some("full_attention"))
                .count();
            if sliding + full != layers || (sliding > 0 && full > 0) {
                let what = format!(
                    "has {sliding} sliding and {full} full of {layers} layers; all layers must be of one of these kinds"
                );
                self.refuse("layer_types", what);
            }
            return (sliding > 0).then_some(window);
        }
        match family {
            "mistral" | "mixtral" => Some(window),
            "qwen2" | "qwen3" if self.flag("use_sliding_window", false) => {
                // Layers from this one on have the window.
                let first = self.optional_size("max_window_layers").unwrap_or(28);
                if first > 0 && first < layers {
                    let what = format!("is {first} of {layers} layers: a window in some layers only is not supported");
                    self.refuse("max_window_layers", what);
                }
                (first == 0).then_some(window)
            }
            _ => None,
        }
    }
}
