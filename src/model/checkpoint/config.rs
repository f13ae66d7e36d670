//! `config.json` of a Hugging Face checkpoint, read into a [`ModelConfig`].
//!
//! Where a key is absent, the default is the one that the `transformers` library gives the family.

use std::path::Path;

use serde_json::{Map, Value};

use super::keys::{self, Objection, OwnKeys};
use super::nested;
use super::quantized::Scheme;
use crate::model::bounds;
use crate::model::design::{Activation, Design, QkNorm, QueryGrowth, Scalars};
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
        let window = self.window(family, layers);
        let mixture = self.mixture(family);
        ModelConfig {
            family,
            hidden,
            intermediate: match self.has_expert_width(family) {
                true => self.size("moe_intermediate_size"),
                false => self.size("intermediate_size"),
            },
            layers,
            heads,
            kv_heads: self.kv_heads(defaults.kv_heads, heads),
            head_dim,
            vocabulary: self.size("vocab_size"),
            context,
            norm_eps: self.number(family.eps_key(), defaults.norm_eps),
            rope_theta: rope.theta,
            rope_scaling: rope.scaling,
            qkv_bias: biases.qkv,
            output_bias: biases.output,
            qk_norm: self.qk_norm(family),
            tied: self.flag("tie_word_embeddings", defaults.tied),
            window,
            mixture,
            design: Design {
                feed_forward_bias: biases.feed_forward,
                rotary_width: rope.width.filter(|&width| width != head_dim),
                window_rope: rope.window,
                layer_kinds: self.layer_kinds(family, layers, window),
                activation: self.activation(family.design(hidden).activation),
                later_layers: self.later_layers(family),
                scalars: Scalars {
                    query_growth: match family {
                        Family::Llama4 => self.unturned_growth(),
                        _ => rope.growth,
                    },
                    ..self.scalars(family, hidden)
                },
                ..self.plain_design(family, hidden)
            },
        }
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
            Family::Granite | Family::GraniteMoe => Scalars {
                embedding: self.number("embedding_multiplier", 1.0),
                attention: Some(self.number("attention_multiplier", 1.0)),
                residual: self.number("residual_multiplier", 1.0),
                logits: 1.0 / self.number("logits_scaling", 1.0),
                ..plain
            },
            Family::Cohere | Family::Cohere2 => {
                // Published models differ in it, so that null is no way to say the usual one.
                self.refuse_null("logit_scale", "a number");
                Scalars {
                    logits: self.number("logit_scale", 0.0625),
                    ..plain
                }
            }
            _ => plain,
        }
    }

    /// How queries of layers that turn nothing grow with their positions: Llama 4's.
    fn unturned_growth(&mut self) -> Option<QueryGrowth> {
        const TUNING: &str = "attn_temperature_tuning";
        // A number in the first files.
        let tuned = match self.value(TUNING) {
            Some(Value::Number(number)) => number.as_f64() != Some(0.0),
            _ => self.said_flag(TUNING),
        };
        let (beta, context) = (self.number("attn_scale", 0.1), self.number("floor_scale", 8192.0));
        if context.fract() != 0.0 || context < 1.0 {
            self.refuse("floor_scale", format!("is {context}, expected a positive whole number"));
        }
        tuned.then_some(QueryGrowth {
            beta,
            context: context as usize,
            ahead: 1,
            turned: false,
        })
    }

    /// Which projections have biases.
    fn biases(&mut self, family: Family) -> Biases {
        let mut biases = Biases::default();
        match family.biases() {
            BiasRule::Never => {}
            BiasRule::Qkv => biases.qkv = true,
            BiasRule::QkvIfAsked(key, default) => biases.qkv = self.flag(key, default),
            BiasRule::IfAsked(default) => {
                biases.qkv = self.flag("attention_bias", default);
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

    /// A flag that is on where it is absent: null might mean either.
    fn said_flag(&mut self, key: &str) -> bool {
        self.refuse_null(key, "true or false");
        self.flag(key, true)
    }

    /// Refuses a key that is there and null.
    fn refuse_null(&mut self, key: &str, expected: &str) {
        if self.is_given(key) && self.value(key).is_none() {
            self.refuse(key, format!("is null, expected {expected}"));
        }
    }

    /// Norms of queries and keys, which some families have only where they are told to.
    fn qk_norm(&mut self, family: Family) -> Option<QkNorm> {
        match family.qk_norm_key() {
            Some((key, norm)) if family.norms_qk_unasked() => self.said_flag(key).then_some(norm),
            Some((key, norm)) => self.flag(key, false).then_some(norm),
            None => family.qk_norm(),
        }
    }

    /// The family's design; whether its two parts are computed side by side a key says where it may be otherwise.
    fn plain_design(&mut self, family: Family, hidden: usize) -> Design {
        let plain = family.design(hidden);
        match family == Family::StableLm && self.flag("use_parallel_residual", false) {
            true => plain.side_by_side(),
            false => plain,
        }
    }

    /// The family's activation with the numbers that the keys give it.
    fn activation(&mut self, plain: Activation) -> Activation {
        match plain {
            Activation::Clamped { gain, limit } => Activation::Clamped {
                gain: self.number("swiglu_alpha", gain.into()) as f32,
                limit: self.number("swiglu_limit", limit.into()) as f32,
            },
            plain => plain,
        }
    }

    /// Layers that guess further tokens, which transformers leaves out too.
    fn later_layers(&mut self, family: Family) -> usize {
        let newer = family == Family::Glm4Moe && self.is_given("num_mtp_layers");
        match (family, newer) {
            (Family::Glm4Moe, true) => self.optional_size("num_mtp_layers").unwrap_or(0),
            (Family::Glm4Moe, false) => self.optional_size("num_nextn_predict_layers").unwrap_or(1),
            _ => 0,
        }
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
        let own = OwnKeys::of(family);
        for (key, value) in self.root {
            if key == "auto_map" && keys::is_own_code(family, value) {
                continue;
            }
            match keys::objection(key, value, &own) {
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
