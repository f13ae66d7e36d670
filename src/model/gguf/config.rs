//! A [`ModelConfig`] from the metadata and the tensors of a GGUF file.

use std::collections::{BTreeMap, HashMap};

use super::keys;
use super::places::TensorEntry;
use super::value::Metadata;
use crate::model::bounds;
use crate::model::design::{Design, Mixture, RopeScaling};
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
    let Some(family) = Family::from_gguf(architecture, experts.is_some()) else {
        return Err(vec![LoadError::Family {
            path: path.to_owned(),
            family: architecture.to_owned(),
        }]);
    };
    reader.refuse_foreign_features();
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

struct ConfigReader<'a> {
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
        let head_dim = self.head_dim(hidden, heads);
        let rope_scaling = self.rope_scaling(tensors, files);
        ModelConfig {
            family,
            hidden,
            intermediate: self.size("feed_forward_length"),
            layers: self.size("block_count"),
            heads,
            kv_heads: self.optional_size("attention.head_count_kv").unwrap_or(heads),
            head_dim,
            // The metadata's vocab_size is often absent; the embedding is what counts.
            vocabulary: tensors
                .get("token_embd.weight")
                .and_then(|entry| entry.shape.first().copied())
                .unwrap_or(0),
            context: self.size("context_length"),
            norm_eps: self.number("attention.layer_norm_rms_epsilon", None),
            rope_theta: self.number("rope.freq_base", Some(10_000.0)),
            rope_scaling,
            qkv_bias: family.has_qkv_bias() || tensors.contains_key("blk.0.attn_q.bias"),
            output_bias: tensors.contains_key("blk.0.attn_output.bias"),
            qk_norm: family.qk_norm(),
            tied: !tensors.contains_key("output.weight"),
            sliding_window: self
                .optional_size("attention.sliding_window")
                .filter(|&window| window > 0),
            mixture: experts.map(|experts| Mixture::mixtral(experts, self.size("expert_used_count"))),
            design: Design::default(),
        }
    }

    fn keep<T>(&mut self, value: Result<Option<T>, LoadError>) -> Option<T> {
        value.unwrap_or_else(|error| {
            self.errors.push(error);
            None
        })
    }

    fn optional_size(&mut self, name: &str) -> Option<usize> {
        let value = self.metadata.size(&self.key(name));
        self.keep(value)
    }

    fn size(&mut self, name: &str) -> usize {
        let key = self.key(name);
        let value = self.metadata.required(&key, self.metadata.size(&key));
        self.keep(value.map(Some)).unwrap_or(0)
    }

    fn optional_number(&mut self, name: &str) -> Option<f64> {
        let value = self.metadata.number(&self.key(name));
        self.keep(value)
    }

    fn number(&mut self, name: &str, default: Option<f64>) -> f64 {
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

    fn refuse_foreign_features(&mut self) {
        let prefix = self.key("");
        let own = self.metadata.values.iter().filter_map(|(key, value)| {
            let name = key.strip_prefix(&prefix)?;
            Some((key, keys::objection(name, value)?))
        });
        // In the order of their names, whatever that of the table in memory.
        for (key, what) in own.collect::<BTreeMap<_, _>>() {
            self.errors.push(LoadError::field(self.metadata.path, key, what));
        }
    }

    fn head_dim(&mut self, hidden: usize, heads: usize) -> usize {
        let by_heads = hidden.checked_div(heads).unwrap_or(0);
        let width = self.optional_size("attention.key_length").unwrap_or(by_heads);
        for name in ["attention.value_length", "rope.dimension_count"] {
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

    fn rope_scaling(&mut self, tensors: &HashMap<String, TensorEntry>, files: &[MappedFile]) -> RopeScaling {
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
            (Some(other), _) => {
                let what = format!("rotary scaling of the type `{other}`");
                self.errors.push(LoadError::unsupported(self.metadata.path, what));
                RopeScaling::None
            }
        }
    }
}

fn factors(entry: &TensorEntry, files: &[MappedFile]) -> Option<Vec<f32>> {
    if entry.shape.len() != 1 || entry.storage != Storage::F32 {
        return None;
    }
    let bytes = files.get(entry.file)?.bytes().get(entry.range.clone())?;
    let (numbers, _) = bytes.as_chunks::<4>();
    Some(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
}
