//! `config.json` of a Hugging Face checkpoint, read into a [`ModelConfig`].
//!
//! Where a key is absent, the default is the one that the `transformers` library gives the family.

use std::path::Path;

use serde_json::{Map, Value};

use super::keys::{self, Objection};
use super::quantized::Scheme;
use crate::model::bounds;
use crate::model::family::{AttentionBias, Family};
use crate::model::{LoadError, Mixture, ModelConfig};

/// Reads the text of `config.json`.
///
/// Fails with every reason at once: an unknown family, missing or impossible numbers, features the decoder lacks.
pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<ModelConfig, Vec<LoadError>> {
    let root: Map<String, Value> = serde_json::from_slice(text)
        .map_err(|error| vec![LoadError::malformed(path, format!("is not a JSON object: {error}"))])?;
    let mut keys = Keys {
        path,
        root: &root,
        errors: Vec::new(),
    };
    let family = family(path, &root).map_err(|error| vec![error])?;
    keys.refuse_foreign_features(family);
    let defaults = family.defaults();

    let hidden = keys.size("hidden_size");
    let layers = keys.size("num_hidden_layers");
    let heads = keys.size("num_attention_heads");
    let head_dim = keys.head_dim(defaults.head_dim, hidden, heads);
    let attention_bias = keys.flag("attention_bias", false);
    let all_biases = attention_bias && family.attention_bias() == AttentionBias::IfAsked;
    let rope = keys.rope(defaults.rope_theta);
    let config = ModelConfig {
        family,
        hidden,
        intermediate: keys.size("intermediate_size"),
        layers,
        heads,
        kv_heads: keys.kv_heads(defaults.kv_heads, heads),
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

fn family(path: &Path, root: &Map<String, Value>) -> Result<Family, LoadError> {
    let Some(name) = root.get("model_type").and_then(Value::as_str) else {
        return Err(LoadError::field(
            path,
            "model_type",
            "is missing, expected a family's name",
        ));
    };
    Family::from_model_type(name).ok_or_else(|| LoadError::Family {
        path: path.to_owned(),
        family: name.to_owned(),
    })
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

    /// Null means the hidden width shared among the heads.
    fn head_dim(&mut self, default: Option<usize>, hidden: usize, heads: usize) -> usize {
        match self.optional_size("head_dim").or(default) {
            Some(width) => width,
            None if heads > 0 && hidden.is_multiple_of(heads) => hidden / heads,
            None => {
                let what = format!("is {hidden}, which {heads} heads cannot share (and head_dim is not given)");
                self.refuse("hidden_size", what);
                0
            }
        }
    }

    /// Null means as many as query heads, whatever the default.
    fn kv_heads(&mut self, default: Option<usize>, heads: usize) -> usize {
        match (self.is_given("num_key_value_heads"), default) {
            (false, Some(default)) => default,
            _ => self.optional_size("num_key_value_heads").unwrap_or(heads),
        }
    }

    /// Whether a key is there, even if it is null.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.root.contains_key(key)
    }

    pub(super) fn optional_size(&mut self, key: &str) -> Option<usize> {
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

    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        let Some(value) = self.value(key) else {
            return default;
        };
        value.as_bool().unwrap_or_else(|| {
            let what = format!("is {value}, expected true or false");
            self.refuse(key, what);
            default
        })
    }

    fn refuse_foreign_features(&mut self, family: Family) {
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
        for (key, value) in self.root {
            match keys::objection(key, value, family.own_keys()) {
                None => {}
                Some(Objection::Unsupported(what)) => self.refuse(key, what),
                Some(Objection::Unknown(what)) => self.errors.push(LoadError::UnknownKey {
                    path: self.path.to_owned(),
                    field: key.clone(),
                    what,
                }),
            }
        }
        if let Err((key, what)) = Scheme::of(self.root) {
            self.refuse(key, what);
        }
    }
}
