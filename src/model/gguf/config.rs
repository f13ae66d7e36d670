//! A [`ModelConfig`] from the metadata and the tensors of a GGUF file.

use std::collections::{BTreeMap, HashMap};

use super::keys;
use super::places::TensorEntry;
use super::value::{Metadata, MetadataValue};
use crate::model::bounds;
use crate::model::design::{Design, RopeScaling};
use crate::model::family::Family;
use crate::model::mapped::MappedFile;
use crate::model::stored::Storage;
use crate::model::{LoadError, ModelConfig};

/// Reads the configuration; fails with every reason at once.
pub(crate) fn read(
    metadata: Metadata<'_>,
    tensors: &HashMap<String, TensorEntry>,
    files: &[MappedFile],
) -> Result<ModelConfig, Vec<LoadError>> {
    let path = metadata.path;
    let key = "general.architecture";
    let architecture = metadata
        .required(key, metadata.text(key))
        .map_err(|error| vec![error])?;
    let mut reader = ConfigReader {
        metadata,
        architecture,
        errors: Vec::new(),
    };
    let experts = reader.optional_size("expert_count").filter(|&count| count > 0);
    let family = match Family::from_gguf(architecture, experts.is_some()) {
        // llama.cpp calls two by one name.
        Some(Family::Olmo2) if reader.sliding_window().is_some() => Family::Olmo3,
        Some(Family::Ministral3) if reader.value("rope.scaling.type").is_none() => Family::Mistral,
        Some(family) => family,
        None => {
            return Err(vec![LoadError::Family {
                path: path.to_owned(),
                family: architecture.to_owned(),
            }]);
        }
    };
    reader.refuse_foreign_features(family);
    if experts.is_some() && family.mixture().is_none() {
        let what = format!("`{architecture}` with experts");
        reader.errors.push(LoadError::unsupported(path, what));
    }
    let config = reader.model(family, experts, tensors, files);
    if !tensors.contains_key("token_embd.weight") {
        reader
            .errors
            .push(LoadError::weight(path, "token_embd.weight", "is missing"));
    }
    if reader.errors.is_empty() {
        reader.errors = bounds::misfits(&config, path);
    }
    if reader.errors.is_empty() {
        Ok(config)
    } else {
        Err(reader.errors)
    }
}

pub(super) struct ConfigReader<'a> {
    metadata: Metadata<'a>,
    architecture: &'a str,
    errors: Vec<LoadError>,
}

impl<'a> ConfigReader<'a> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    /// All numbers; those that are missing are 0 and named among the errors.
    fn model(
        &mut self,
        family: Family,
        experts: Option<usize>,
        tensors: &HashMap<String, TensorEntry>,
        files: &[MappedFile],
    ) -> ModelConfig {
        let hidden = self.size("embedding_length");
        let heads = self.size("attention.head_count");
        let head_dim = self.head_dim(family, hidden, heads);
        let rope_scaling = self.rope_scaling(family, tensors, files);
        ModelConfig {
            family,
            hidden,
            intermediate: self.width(family),
            layers: self.size("block_count").saturating_sub(self.later_layers(family)),
            heads,
            kv_heads: self.optional_size("attention.head_count_kv").unwrap_or(heads),
            head_dim,
            // The metadata's vocab_size is often absent; the embedding is what counts.
            vocabulary: tensors
                .get("token_embd.weight")
                .and_then(|entry| entry.shape.first().copied())
                .unwrap_or(0),
            context: self.size("context_length"),
            norm_eps: self.number(keys::eps(family), None),
            rope_theta: self.number("rope.freq_base", Some(10_000.0)),
            rope_scaling,
            qkv_bias: family == Family::Qwen2 || tensors.contains_key("blk.0.attn_q.bias"),
            output_bias: tensors.contains_key("blk.0.attn_output.bias"),
            qk_norm: self.qk_norm(family, tensors.contains_key("blk.0.attn_q_norm.weight")),
            tied: !tensors.contains_key("output.weight"),
            window: self.window(family),
            mixture: self.mixture(family, experts),
            design: Design {
                feed_forward_bias: tensors.contains_key("blk.0.ffn_down.bias"),
                ..self.placed_design(family, (hidden, heads, head_dim), tensors)
            },
        }
    }

    /// The family's design; that attention and the feed-forward network are computed side by side is told by the norm that is
    /// not there where it may be otherwise.
    fn placed_design(
        &mut self,
        family: Family,
        sizes: (usize, usize, usize),
        tensors: &HashMap<String, TensorEntry>,
    ) -> Design {
        let plain = self.design(family, sizes);
        match family == Family::StableLm && !tensors.contains_key("blk.0.ffn_norm.weight") {
            true => plain.side_by_side(),
            false => plain,
        }
    }

    fn keep<T>(&mut self, value: Result<Option<T>, LoadError>) -> Option<T> {
        value.unwrap_or_else(|error| {
            self.errors.push(error);
            None
        })
    }

    /// The value of a key of the architecture.
    pub(super) fn value(&self, name: &str) -> Option<&'a MetadataValue> {
        self.metadata.values.get(&self.key(name))
    }

    pub(super) fn refuse(&mut self, name: &str, what: String) {
        let key = self.key(name);
        self.errors.push(LoadError::field(self.metadata.path, &key, what));
    }

    pub(super) fn optional_size(&mut self, name: &str) -> Option<usize> {
        let value = self.metadata.size(&self.key(name));
        self.keep(value)
    }

    pub(super) fn size(&mut self, name: &str) -> usize {
        let key = self.key(name);
        let value = self.metadata.required(&key, self.metadata.size(&key));
        self.keep(value.map(Some)).unwrap_or(0)
    }

    pub(super) fn optional_number(&mut self, name: &str) -> Option<f64> {
        let value = self.metadata.number(&self.key(name));
        self.keep(value)
    }

    /// Whether a flag is set; a key that is no flag is refused.
    pub(super) fn flag(&mut self, name: &str) -> bool {
        match self.value(name) {
            None => false,
            Some(MetadataValue::Bool(flag)) => *flag,
            Some(other) => {
                self.refuse(name, format!("is {other}, expected true or false"));
                false
            }
        }
    }

    pub(super) fn number(&mut self, name: &str, default: Option<f64>) -> f64 {
        if let Some(value) = self.optional_number(name).or(default) {
            return value;
        }
        let key = self.key(name);
        self.errors.push(LoadError::field(
            self.metadata.path,
            &key,
            "is missing, expected a number",
        ));
        0.0
    }

    fn refuse_foreign_features(&mut self, family: Family) {
        let prefix = self.key("");
        let own = self.metadata.values.iter().filter_map(|(key, value)| {
            let name = key.strip_prefix(&prefix)?;
            Some((key, keys::objection(name, value, family)?))
        });
        // In the order of their names, whatever that of the table in memory.
        for (key, what) in own.collect::<BTreeMap<_, _>>() {
            self.errors.push(LoadError::field(self.metadata.path, key, what));
        }
    }

    fn head_dim(&mut self, family: Family, hidden: usize, heads: usize) -> usize {
        let by_heads = hidden.checked_div(heads).unwrap_or(0);
        let width = self.optional_size("attention.key_length").unwrap_or(by_heads);
        // Where a part of a head may be turned, the number says how much.
        let turns_part = matches!(family, Family::Phi3 | Family::Glm4 | Family::Glm4Moe | Family::StableLm);
        let others = ["attention.value_length", "rope.dimension_count"];
        for name in others.into_iter().take(if turns_part { 1 } else { 2 }) {
            if let Some(other) = self.optional_size(name)
                && other != width
            {
                let key = self.key(name);
                let what = format!("is {other}, expected {width}: keys, values and rotation must be of one width");
                self.errors.push(LoadError::field(self.metadata.path, &key, what));
            }
        }
        width
    }

    fn rope_scaling(
        &mut self,
        family: Family,
        tensors: &HashMap<String, TensorEntry>,
        files: &[MappedFile],
    ) -> RopeScaling {
        if let Some(entry) = tensors.get("rope_freqs.weight") {
            match factors(entry, files) {
                Some(factors) => return RopeScaling::Factors(factors),
                None => {
                    let what = format!(
                        "has the shape {:?} of {}, expected a row of f32",
                        entry.shape, entry.storage
                    );
                    self.errors
                        .push(LoadError::weight(self.metadata.path, "rope_freqs.weight", what));
                }
            }
        }
        if let Some(entry) = tensors.get(SHORT).filter(|_| family == Family::Phi3) {
            let attention_factor = self.number("rope.scaling.attn_factor", Some(1.0));
            let factors = |entry| factors(entry, files).unwrap_or_default();
            return RopeScaling::LongRope {
                short: factors(entry),
                long: tensors.get(LONG).map(factors).unwrap_or_default(),
                original_context: self.size("rope.scaling.original_context_length"),
                attention_factor,
            };
        }
        let kind = self.metadata.text(&self.key("rope.scaling.type"));
        let kind = self.keep(kind);
        // Files older than `rope.scaling` have the factor alone.
        let factor = self
            .optional_number("rope.scaling.factor")
            .or(self.optional_number("rope.scale_linear"));
        match (kind, factor) {
            (Some("none"), _) | (None, None) => RopeScaling::None,
            (Some("linear") | None, Some(1.0)) => RopeScaling::None,
            (Some("linear") | None, Some(factor)) => RopeScaling::Linear(factor),
            (Some("linear"), None) => {
                let key = self.key("rope.scaling.factor");
                self.errors
                    .push(LoadError::field(self.metadata.path, &key, "is missing"));
                RopeScaling::None
            }
            (Some("yarn"), Some(factor)) if keys::has_yarn(family) => self.yarn(family, factor),
            (Some(other), _) => {
                let what = format!("rotary scaling of the type `{other}`");
                self.errors.push(LoadError::unsupported(self.metadata.path, what));
                RopeScaling::None
            }
        }
    }
}

/// LongRoPE's divisors, of texts within the context that the model was first trained at and of longer ones.
const SHORT: &str = "rope_factors_short.weight";
const LONG: &str = "rope_factors_long.weight";

fn factors(entry: &TensorEntry, files: &[MappedFile]) -> Option<Vec<f32>> {
    if entry.shape.len() != 1 || entry.storage != Storage::F32 {
        return None;
    }
    let bytes = files.get(entry.file)?.bytes().get(entry.range.clone())?;
    let (numbers, _) = bytes.as_chunks::<4>();
    Some(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
}
