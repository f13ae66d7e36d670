//! `config.json` of a Hugging Face checkpoint, read into a [`ModelConfig`].
//!
//! Where a key is absent, the default is the one that the `transformers` library gives the family.

use std::path::Path;

use serde_json::{Map, Value};

use super::bounds;
use crate::model::family::{AttentionBias, Family, WindowUse};
use crate::model::{LoadError, Mixture, ModelConfig};

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
        Some(name) => Family::from_model_type(name).ok_or_else(|| {
            vec![LoadError::Family {
                path: path.to_owned(),
                family: name.to_owned(),
            }]
        })?,
        None => {
            return Err(vec![LoadError::field(
                path,
                "model_type",
                "is missing, expected a family's name",
            )]);
        }
    };
    keys.refuse_foreign_features();
    let defaults = family.defaults();

    let hidden = keys.size("hidden_size");
    let layers = keys.size("num_hidden_layers");
    let heads = keys.size("num_attention_heads");
    let head_dim = match keys.optional_size("head_dim").or(defaults.head_dim) {
        Some(width) => width,
        None if heads > 0 && hidden.is_multiple_of(heads) => hidden / heads,
        None => {
            let what = format!("is {hidden}, which {heads} heads cannot share (and head_dim is not given)");
            keys.errors.push(LoadError::field(path, "hidden_size", what));
            0
        }
    };
    let attention_bias = keys.flag("attention_bias", false);
    let all_biases = attention_bias && family.attention_bias() == AttentionBias::IfAsked;
    let rope = keys.rope(defaults.rope_theta);
    let config = ModelConfig {
        family,
        hidden,
        intermediate: keys.size("intermediate_size"),
        layers,
        heads,
        kv_heads: match (root.get("num_key_value_heads"), defaults.kv_heads) {
            (None, Some(default)) => default,
            // Null means as many as query heads, whatever the default.
            _ => keys.optional_size("num_key_value_heads").unwrap_or(heads),
        },
        head_dim,
        vocabulary: keys.size("vocab_size"),
        context: keys.size("max_position_embeddings"),
        norm_eps: keys.number("rms_norm_eps", defaults.norm_eps),
        rope_theta: rope.theta,
        rope_scaling: rope.scaling,
        qkv_bias: all_biases || family.attention_bias() == AttentionBias::Qkv,
        output_bias: all_biases,
        qk_norm: family.qk_norm(),
        tied: keys.flag("tie_word_embeddings", false),
        sliding_window: keys.sliding_window(family, layers),
        mixture: family.default_experts().map(|(experts, used)| Mixture {
            experts: keys.optional_size("num_local_experts").unwrap_or(experts),
            used: keys.optional_size("num_experts_per_tok").unwrap_or(used),
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
    fn sliding_window(&mut self, family: Family, layers: usize) -> Option<usize> {
        let window = match self.root.get("sliding_window") {
            None => family.defaults().window,
            Some(_) => self.optional_size("sliding_window"),
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
        match family.window_use() {
            WindowUse::Always => Some(window),
            WindowUse::IfAsked if self.flag("use_sliding_window", false) => {
                // Layers from this one on have the window.
                let first = self.optional_size("max_window_layers").unwrap_or(28);
                if first > 0 && first < layers {
                    let what = format!("is {first} of {layers} layers: a window in some layers only is not supported");
                    self.refuse("max_window_layers", what);
                }
                (first == 0).then_some(window)
            }
            WindowUse::IfAsked | WindowUse::Never => None,
        }
    }
}
