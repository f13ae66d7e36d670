//! `config.json` of a Hugging Face checkpoint, read into a [`ModelConfig`].
//!
//! Where a key is absent, the default is the one that the `transformers` library gives the family.

use std::path::Path;

use serde_json::{Map, Value};

use super::keys::{self, Objection};
use super::nested;
use super::quantized::Scheme;
use crate::model::bounds;
use crate::model::design::{Design, ExpertNaming, Mixture, Scalars};
use crate::model::family::{BiasRule, Family};
use crate::model::{LoadError, ModelConfig};

/// Reads the text of `config.json`.
///
/// Fails with every reason at once: an unknown family, missing or impossible numbers, features the decoder lacks.
pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<ModelConfig, Vec<LoadError>> {
    let root: Map<String, Value> = serde_json::from_slice(text)
        .map_err(|error| vec![LoadError::malformed(path, format!("is not a JSON object: {error}"))])?;
    let (root, mut errors) = nested::text_part(path, root);
    let family = family(path, &root).map_err(|error| vec![error])?;
    let mut keys = Keys {
        path,
        root: &root,
        errors: Vec::new(),
    };
    let config = keys.model(family);
    errors.append(&mut keys.errors);
    // Numbers that are missing were read as 0 and have been named already.
    if errors.is_empty() {
        errors = bounds::misfits(&config, path);
    }
    if errors.is_empty() { Ok(config) } else { Err(errors) }
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

/// Which projections have biases.
#[derive(Default)]
struct Biases {
    qkv: bool,
    output: bool,
    feed_forward: bool,
}

/// The keys of one file, and what is wrong with them so far.
pub(super) struct Keys<'a> {
    path: &'a Path,
    root: &'a Map<String, Value>,
    errors: Vec<LoadError>,
}

impl<'a> Keys<'a> {
    /// All numbers; those that are missing are 0 and named among the errors.
    fn model(&mut self, family: Family) -> ModelConfig {
        self.refuse_foreign_features(family);
        let defaults = family.defaults();
        let hidden = self.size("hidden_size");
        let layers = self.size("num_hidden_layers");
        let heads = self.size("num_attention_heads");
        let head_dim = self.head_dim(defaults.head_dim, hidden, heads);
        let context = self.size("max_position_embeddings");
        let biases = self.biases(family);
        let rope = self.rope(family, head_dim, context);
        let sliding_window = self.sliding_window(family, layers);
        let mixture = self.mixture(family);
        ModelConfig {
            family,
            hidden,
            intermediate: match family.mixture() {
                Some(plain) if plain.naming == ExpertNaming::Mlp && self.is_given("moe_intermediate_size") => {
                    self.size("moe_intermediate_size")
                }
                _ => self.size("intermediate_size"),
            },
            layers,
            heads,
            kv_heads: self.kv_heads(defaults.kv_heads, heads),
            head_dim,
            vocabulary: self.size("vocab_size"),
            context,
            norm_eps: self.number("rms_norm_eps", defaults.norm_eps),
            rope_theta: rope.theta,
            rope_scaling: rope.scaling,
            qkv_bias: biases.qkv,
            output_bias: biases.output,
            qk_norm: family.qk_norm(),
            tied: self.flag("tie_word_embeddings", defaults.tied),
            sliding_window,
            mixture,
            design: Design {
                feed_forward_bias: biases.feed_forward,
                rotary_width: rope.width.filter(|&width| width != head_dim),
                window_rope: rope.window,
                layer_kinds: self.layer_kinds(family, layers, sliding_window),
                scalars: Scalars {
                    query_growth: rope.growth,
                    ..self.scalars(family, hidden)
                },
                ..family.design(hidden)
            },
        }
    }

    /// The mixture that a family has, with what the keys say of it.
    fn mixture(&mut self, family: Family) -> Option<Mixture> {
        let plain = family.mixture()?;
        let used = self.optional_size("num_experts_per_tok").unwrap_or(plain.used);
        if plain.naming == ExpertNaming::Mixtral {
            let experts = self.optional_size("num_local_experts").unwrap_or(plain.experts);
            return Some(Mixture { experts, used, ..plain });
        }
        let shared = self.optional_size("shared_expert_intermediate_size");
        Some(Mixture {
            experts: self.experts().unwrap_or(plain.experts),
            used,
            renormalised: self.flag("norm_topk_prob", plain.renormalised),
            every: self.optional_size("decoder_sparse_step").unwrap_or(plain.every),
            dense_width: if self.is_given("moe_intermediate_size") {
                self.optional_size("intermediate_size").unwrap_or(0)
            } else {
                plain.dense_width
            },
            shared_width: plain.shared_width.map(|plain| shared.unwrap_or(plain)),
            ..plain
        })
    }

    /// The number of experts, under either of the names that transformers has given it.
    fn experts(&mut self) -> Option<usize> {
        let (one, other) = (
            self.optional_size("num_experts"),
            self.optional_size("num_local_experts"),
        );
        if let (Some(one), Some(other)) = (one, other)
            && one != other
        {
            self.refuse("num_experts", format!("is {one}, and `num_local_experts` is {other}"));
        }
        one.or(other)
    }

    /// Multipliers and caps.
    fn scalars(&mut self, family: Family, hidden: usize) -> Scalars {
        let plain = family.design(hidden).scalars;
        match family {
            Family::Gemma2 | Family::Gemma3 => {
                let is_second = family == Family::Gemma2;
                let mut cap = |key: &str, default: f64| match self.is_given(key) {
                    true => self.value(key).map(|_| self.number(key, default)),
                    false => is_second.then_some(default),
                };
                let (attention_cap, logit_cap) = (
                    cap("attn_logit_softcapping", 50.0),
                    cap("final_logit_softcapping", 30.0),
                );
                Scalars {
                    attention: Some(self.number("query_pre_attn_scalar", 256.0).powf(-0.5)),
                    attention_cap,
                    logit_cap,
                    ..plain
                }
            }
            Family::Granite => Scalars {
                embedding: self.number("embedding_multiplier", 1.0),
                attention: Some(self.number("attention_multiplier", 1.0)),
                residual: self.number("residual_multiplier", 1.0),
                logits: 1.0 / self.number("logits_scaling", 1.0),
                ..plain
            },
            _ => plain,
        }
    }

    /// Which projections have biases.
    fn biases(&mut self, family: Family) -> Biases {
        let mut biases = Biases::default();
        match family.biases() {
            BiasRule::Never => {}
            BiasRule::Qkv => biases.qkv = true,
            BiasRule::QkvIfAsked(key, default) => biases.qkv = self.flag(key, default),
            BiasRule::IfAsked => {
                biases.qkv = self.flag("attention_bias", false);
                biases.output = biases.qkv;
            }
            BiasRule::OutputApart => {
                biases.qkv = self.flag("attention_bias", true);
                biases.output = self.flag("attention_out_bias", false);
            }
            BiasRule::Everywhere => {
                let all = self.flag("use_bias", false);
                biases = Biases {
                    qkv: all,
                    output: all,
                    feed_forward: all,
                };
            }
        }
        if family.reads_feed_forward_bias() {
            biases.feed_forward = self.flag("mlp_bias", false);
        }
        biases
    }

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
            let known = family.activation_names();
            if let Some(act) = self.value(key)
                && !act.as_str().is_some_and(|act| known.contains(&act))
            {
                let what = format!("is {act}; only `{}` is supported", known[0]);
                self.refuse(key, what);
            }
        }
        if self.flag("mlp_bias", false) && !family.reads_feed_forward_bias() {
            let what = format!("is true; {family} has no biases in the feed-forward network");
            self.refuse("mlp_bias", what);
        }
        if let Some(layers) = self.value("mlp_only_layers")
            && layers.as_array().is_none_or(|layers| !layers.is_empty())
        {
            let what = format!("is {layers}; a list of layers without experts is not supported");
            self.refuse("mlp_only_layers", what);
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
