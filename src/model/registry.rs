//! Checkpoints the program knows by name: what models/*.toml says.
//!
//! The files are part of the binary. They say where a checkpoint is and how large it is, so that its needs are known
//! before a byte is fetched; they hold no weights.

use std::sync::LazyLock;

use candle_core::DType;
use serde::{Deserialize, Serialize};

use super::design::{Design, Mixture, RopeScaling, Routing, SharedExpert};
use super::family::Family;
use super::{MemoryNeeds, ModelConfig};

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../models/", $name, ".toml")))),*]
    };
}

/// The smallest first.
const FILES: &[(&str, &str)] = embedded![
    "SmolLM2-135M-Instruct",
    "gemma-3-270m-it",
    "ERNIE-4.5-0.3B-PT",
    "SmolLM2-360M-Instruct",
    "Qwen2.5-0.5B-Instruct",
    "Qwen3-0.6B",
    "gemma-3-1b-it",
    "TinyLlama-1.1B-Chat-v1.0",
    "Llama-3.2-1B-Instruct",
    "EXAONE-4.0-1.2B",
    "granite-3.1-1b-a400m-instruct",
    "OLMo-2-0425-1B-Instruct",
    "Qwen2.5-1.5B-Instruct",
    "SmolLM2-1.7B-Instruct",
    "Qwen3-1.7B",
    "gemma-2b-it",
    "granite-3.3-2b-instruct",
    "gemma-2-2b-it",
    "SmolLM3-3B",
    "Qwen2.5-3B-Instruct",
    "Llama-3.2-3B-Instruct",
    "granite-3.1-3b-a800m-instruct",
    "Phi-3-mini-4k-instruct",
    "Phi-4-mini-instruct",
    "Qwen3-4B",
    "Qwen3-4B-Instruct-2507",
    "Yi-1.5-6B-Chat",
    "OLMoE-1B-7B-0924-Instruct",
    "Mistral-7B-Instruct-v0.3",
    "OLMo-2-1124-7B-Instruct",
    "Qwen2-7B-Instruct",
    "Qwen2.5-7B-Instruct",
    "aya-expanse-8b",
    "c4ai-command-r7b-12-2024",
    "Llama-3.1-8B-Instruct",
    "granite-3.3-8b-instruct",
    "Qwen3-8B",
    "gemma-2-9b-it",
    "GLM-4-9B-0414",
    "Qwen1.5-MoE-A2.7B-Chat",
    "phi-4",
    "Qwen3-14B",
    "Qwen2.5-14B-Instruct",
    "gpt-oss-20b",
    "Mistral-Small-24B-Instruct-2501",
    "gemma-2-27b-it",
    "Qwen3-30B-A3B",
    "Qwen3-32B",
    "Seed-OSS-36B-Instruct",
    "Mixtral-8x7B-Instruct-v0.1",
    "Llama-3.3-70B-Instruct",
    "Qwen2-72B-Instruct",
    "Qwen2.5-72B-Instruct",
    "gpt-oss-120b",
    "Mixtral-8x22B-Instruct-v0.1",
];

/// One known checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownModel {
    /// What `--model` calls it.
    pub name: String,
    /// Its repository on the hub.
    pub repository: String,
    /// A commit, or a branch: then it is not pinned.
    pub revision: String,
    /// Identifier of its licence.
    pub licence: String,
    /// Number of parameters, a tied head counted once.
    pub parameters: u64,
    /// Bytes of the tensors in the repository.
    pub bytes: u64,
    /// Type the tensors have there.
    pub dtype: String,
    /// Its column of the paper's Figure 2, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// Its numbers.
    pub shape: Shape,
    /// A Python package with a copy, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wheel: Option<Wheel>,
}

/// The numbers that memory and time follow from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Family.
    pub family: Family,
    /// Layers.
    pub layers: usize,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of (one expert of) the feed-forward network.
    pub intermediate: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Rows of the embedding.
    pub vocabulary: usize,
    /// Longest context in tokens.
    pub context: usize,
    /// Whether the head is the embedding.
    pub tied: bool,
    /// Experts, in a mixture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experts: Option<usize>,
    /// Experts a token is sent to, in a mixture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub experts_used: Option<usize>,
    /// Width of the network beside the experts, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_width: Option<usize>,
}

/// A GGUF file inside a Python package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// sha256 of the wheel.
    pub sha256: String,
    /// The file in it.
    pub member: String,
    /// Its size.
    pub member_bytes: u64,
    /// Its sha256.
    pub member_sha256: String,
}

impl KnownModel {
    /// Whether the revision is a commit, which cannot change.
    pub(crate) fn pinned(&self) -> bool {
        is_commit(&self.revision)
    }

    /// Bytes of the weights when computed with in `dtype`.
    pub(crate) fn weight_bytes(&self, dtype: DType) -> u64 {
        self.parameters * dtype.size_in_bytes() as u64
    }
}

impl Shape {
    /// The configuration as far as memory and time are concerned: constants that only change values are placeholders, and so are
    /// windows, which would save some time.
    pub(crate) fn config(&self) -> ModelConfig {
        ModelConfig {
            family: self.family,
            hidden: self.hidden,
            intermediate: self.intermediate,
            layers: self.layers,
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
            vocabulary: self.vocabulary,
            context: self.context,
            norm_eps: 1e-5,
            rope_theta: 1e4,
            rope_scaling: RopeScaling::None,
            qkv_bias: self.family.has_qkv_bias(),
            output_bias: self.family.has_output_bias(),
            qk_norm: self.family.qk_norm(),
            tied: self.tied,
            window: None,
            mixture: self.family.mixture().map(|plain| Mixture {
                experts: self.experts.unwrap_or(plain.experts),
                routing: Routing {
                    used: self.experts_used.unwrap_or(plain.routing.used),
                    ..plain.routing
                },
                shared: plain.shared.map(|plain| SharedExpert {
                    width: self.shared_width.unwrap_or(plain.width),
                    ..plain
                }),
                ..plain
            }),
            design: Design {
                // Placeholders too: how layers differ changes no size.
                layer_kinds: Vec::new(),
                ..self.family.design(self.hidden)
            },
        }
    }

    /// What it needs when it is computed in `dtype`.
    pub(crate) fn needs(&self, dtype: DType) -> MemoryNeeds {
        MemoryNeeds::of(&self.config(), dtype)
    }
}

pub(crate) fn is_commit(revision: &str) -> bool {
    revision.len() == 40 && revision.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// All known checkpoints, the smallest first.
pub fn models() -> &'static [KnownModel] {
    // A test reads every file, so none is left out here.
    static MODELS: LazyLock<Vec<KnownModel>> =
        LazyLock::new(|| FILES.iter().filter_map(|(_, text)| toml::from_str(text).ok()).collect());
    &MODELS
}

/// The checkpoint of that name, letter case ignored.
pub fn find(name: &str) -> Option<&'static KnownModel> {
    models().iter().find(|model| model.name.eq_ignore_ascii_case(name))
}

/// Known names that contain `part`, or where none does, those that begin as it does; for a hint.
pub(crate) fn near(part: &str) -> Vec<String> {
    /// Names of different models often share their first letters.
    const BEGINNING: usize = 4;
    let part = part.to_ascii_lowercase();
    let named = |alike: &dyn Fn(&str) -> bool| {
        let alike = models().iter().filter(|model| alike(&model.name.to_ascii_lowercase()));
        alike.map(|model| model.name.clone()).collect::<Vec<_>>()
    };
    if part.is_empty() {
        return Vec::new();
    }
    let containing = named(&|name| name.contains(&part));
    if !containing.is_empty() {
        return containing;
    }
    named(&|name| name.bytes().zip(part.bytes()).take_while(|(a, b)| a == b).count() >= BEGINNING)
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint;
    use super::*;

    /// Bytes that a repository may hold: in half precision, with or without a tied head; experts of gpt-oss are in blocks of 32
    /// numbers of 4 bits with one byte for each.
    fn stored(model: &KnownModel, parameters: u64) -> Vec<u64> {
        let shape = &model.shape;
        if shape.family == Family::GptOss {
            let experts = (shape.layers * shape.experts.unwrap() * 3 * shape.hidden * shape.intermediate) as u64;
            return vec![2 * (parameters - experts) + experts / 32 * 17];
        }
        let head = if shape.tied { shape.vocabulary * shape.hidden } else { 0 } as u64;
        vec![2 * parameters, 2 * (parameters + head)]
    }

    #[test]
    fn the_open_models_of_the_papers_figure_2_are_known_by_its_columns() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/paper-figures.json");
        let figures: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let columns = figures["figure2"]["columns"].as_array().unwrap().iter();
        let closed = ["Random", "GPT-", "Claude-"];
        let open = columns.filter_map(|column| column.as_str());
        let mut open: Vec<&str> = open
            .filter(|column| !closed.iter().any(|of| column.starts_with(of)))
            .collect();
        let mut known: Vec<&str> = models().iter().filter_map(|model| model.published.as_deref()).collect();
        open.sort_unstable();
        known.sort_unstable();
        assert_eq!(known, open);
    }

    #[test]
    fn every_file_is_read_and_its_numbers_agree() {
        assert_eq!(models().len(), FILES.len(), "a file could not be read");
        let unordered = models().windows(2).find(|pair| pair[0].parameters > pair[1].parameters);
        assert!(
            unordered.is_none(),
            "the smallest comes first: {:?}",
            unordered.map(|pair| [&pair[0].name, &pair[1].name])
        );
        let mut off = Vec::new();
        for &(file, text) in FILES {
            let model: KnownModel = toml::from_str(text).unwrap();
            assert_eq!(model.name, file);
            let parameters = checkpoint::parameters(&model.shape.config());
            if parameters != model.parameters {
                off.push(format!("{file} has {parameters}, and says {}", model.parameters));
            }
            let stored = stored(&model, parameters);
            if !stored.contains(&model.bytes) {
                let mut either: Vec<String> = stored.iter().map(u64::to_string).collect();
                either.dedup();
                off.push(format!(
                    "{file} holds {} bytes, and says {}",
                    either.join(" or "),
                    model.bytes
                ));
            }
            assert!(model.pinned() || model.revision == "main", "{file}");
            assert!(
                text.contains("A branch, not a commit") != model.pinned(),
                "{file} says whether it is pinned"
            );
            assert_eq!(
                super::super::bounds::misfits(&model.shape.config(), file.as_ref()).len(),
                0
            );
        }
        assert!(off.is_empty(), "{off:#?}");
    }

    #[test]
    fn memory_follows_from_the_shape() {
        let model = find("llama-3.1-8b-instruct").unwrap();
        assert_eq!(model.weight_bytes(DType::BF16), 16_060_522_496);
        assert_eq!(model.weight_bytes(DType::F32), 32_121_044_992);
        // 32 layers of 8 heads of 128 numbers, keys and values, two bytes each: 128 KiB a token.
        assert_eq!(model.shape.needs(DType::BF16).generated_token, 131_072);
    }

    #[test]
    fn hints_are_names_that_look_alike() {
        assert_eq!(near("Qwen3-1"), ["Qwen3-1.7B", "Qwen3-14B"]);
        assert!(near("smollm-135m").iter().all(|name| name.starts_with("SmolLM")));
        assert!(near("zzz").is_empty() && near("").is_empty());
    }
}
