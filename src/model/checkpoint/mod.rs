//! A checkpoint on this machine: a folder of safetensors, or a GGUF file.
//!
//! [`Inspection::of`] reads everything but the weights' values and collects every fault it finds;
//! [`Checkpoint::open`] is an inspection without faults.

mod adapter;
mod config;
mod experts;
mod foreign;
mod fused;
mod header;
mod identity;
mod inspect;
mod keys;
pub(crate) mod manifest;
mod nested;
mod quantized;
mod rope;
mod rope_types;
mod safetensors;
mod window;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use identity::FileIdentity;
pub use inspect::Inspection;
pub use manifest::{for_each_tensor, parameters};

pub(crate) use adapter::{SETTINGS as ADAPTER_SETTINGS, TENSORS as ADAPTER_TENSORS};
pub(crate) use manifest::{EMBEDDING, HEAD};
pub(crate) use safetensors::{INDEX, SINGLE};

use super::gguf::weights::GgufWeights;
use super::stored::Inventory;
use super::tokenizer::Tokenizer;
use super::{LoadError, ModelConfig, WeightSource};
use safetensors::SafetensorsWeights;

/// How a checkpoint is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A folder with config.json, safetensors and tokenizer.json.
    Safetensors,
    /// One file with everything.
    Gguf,
}

impl std::fmt::Display for Format {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Safetensors => "safetensors",
            Self::Gguf => "GGUF",
        })
    }
}

/// Everything a decoder is built from.
pub struct Checkpoint {
    /// The folder or the file.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
    /// The numbers of the decoder.
    pub config: ModelConfig,
    /// The tensors, mapped, checked for names and shapes; values are checked as they are read.
    pub weights: Arc<dyn WeightSource>,
    /// Text to ids.
    pub tokenizer: Tokenizer,
    /// Jinja source of the chat template.
    pub chat_template: Option<String>,
    /// How much is stored how.
    pub inventory: Inventory,
    /// Size and sha256 of every file that determines a result.
    pub identity: Vec<FileIdentity>,
    /// Size and sha256 of the files of the adapter that is merged into the weights; empty where there is none.
    pub adapter: Vec<FileIdentity>,
    /// What a user should know of how its files were read.
    pub notes: Vec<String>,
}

impl Checkpoint {
    /// Opens a folder or a GGUF file.
    ///
    /// Fails with every fault at once ([`LoadError::Many`] where there are several): files that are absent or broken, a
    /// family or a feature that is not supported, numbers that do not fit, tensors that are missing, misshapen or
    /// unexpected, a tokenizer that does not fit. No value of a weight is read but for the files' hashes.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        Inspection::of(path).into_checkpoint()
    }

    /// Opens a folder or a GGUF file with the LoRA adapter of another folder, which is merged into the weights as they are
    /// read.
    ///
    /// Fails as [`open`](Self::open), and for every reason why the adapter cannot be merged into these weights.
    pub fn open_adapted(path: &Path, adapter: &Path) -> Result<Self, LoadError> {
        Inspection::adapted(path, adapter).into_checkpoint()
    }
}

/// Configuration and tensors of a folder or a GGUF file whose tokenizer and hashes are of no interest.
///
/// Fails with every fault of the configuration and the tensors.
pub fn open_weights(path: &Path) -> Result<(ModelConfig, Arc<dyn WeightSource>), LoadError> {
    let mut inspection = Inspection::without_text(path);
    match (
        LoadError::gather(std::mem::take(&mut inspection.faults)),
        inspection.config,
        inspection.weights,
    ) {
        (None, Some(config), Some(weights)) => Ok((config, weights.into_source())),
        (Some(fault), ..) => Err(fault),
        (None, ..) => Err(LoadError::malformed(path, "has no weights")),
    }
}

/// The tensors of either format.
pub(crate) enum Weights {
    Safetensors(SafetensorsWeights),
    Gguf(GgufWeights),
}

impl Weights {
    fn into_source(self) -> Arc<dyn WeightSource> {
        match self {
            Self::Safetensors(weights) => Arc::new(weights),
            Self::Gguf(weights) => Arc::new(weights),
        }
    }

    /// Whether the head is stored as a copy of the embedding; `None` where no head is stored.
    fn head_is_embedding(&self) -> Option<bool> {
        match self {
            Self::Safetensors(weights) => weights.same(HEAD, EMBEDDING),
            Self::Gguf(weights) => weights.same(HEAD, EMBEDDING),
        }
    }

    fn inventory(&self) -> Inventory {
        match self {
            Self::Safetensors(weights) => weights.inventory(),
            Self::Gguf(weights) => weights.inventory(),
        }
    }

    fn faults(&self, path: &Path, config: &ModelConfig) -> Option<LoadError> {
        let problems = match self {
            Self::Safetensors(weights) => manifest::compare(config, weights.names(), |name| weights.shape(name)),
            Self::Gguf(weights) => manifest::compare(config, weights.names(), |name| weights.shape(name)),
        };
        (!problems.listed.is_empty()).then(|| LoadError::Tensors {
            path: path.to_owned(),
            problems: problems.listed,
            more: problems.more,
        })
    }

    fn check_all_values(&self) -> Vec<LoadError> {
        match self {
            Self::Safetensors(weights) => weights.check_all_values(),
            Self::Gguf(weights) => weights.check_all_values(),
        }
    }

    /// Size and hash of the files the tensors are in.
    fn identify(&self) -> Vec<FileIdentity> {
        match self {
            Self::Safetensors(weights) => identity::of_maps(weights.files()),
            Self::Gguf(weights) => identity::of_maps(weights.files()),
        }
    }
}
