//! Everything that can be known of a checkpoint without computing with it, and every reason to refuse it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::adapter::{AdaptedWeights, Adapter};
use super::quantized::Scheme;
use super::safetensors::{INDEX, SafetensorsWeights};
use super::{Checkpoint, FileIdentity, Format, HEAD, Weights, config, foreign, identity, nested};
use crate::base::files::read_up_to;
use crate::model::gguf::config as gguf_config;
use crate::model::gguf::names::GgufLayout;
use crate::model::gguf::parts::{self, GgufFiles};
use crate::model::gguf::value::Metadata;
use crate::model::gguf::weights::GgufWeights;
use crate::model::stored::Inventory;
use crate::model::tensor_problem::LISTED;
use crate::model::tokenizer::{self, CONFIG, LARGEST_SETTINGS, Tokenizer};
use crate::model::{LoadError, ModelConfig};

/// What was found; parts that could not be read are `None`, and `faults` says why.
pub struct Inspection {
    /// The folder or the file.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
    /// The numbers of the decoder.
    pub config: Option<ModelConfig>,
    /// Text to ids.
    pub tokenizer: Option<Tokenizer>,
    /// Jinja source of the chat template.
    pub chat_template: Option<String>,
    /// How much is stored how.
    pub inventory: Inventory,
    /// Every reason to refuse the checkpoint.
    pub faults: Vec<LoadError>,
    /// What a user should know of how its files were read.
    pub notes: Vec<String>,
    pub(super) weights: Option<Weights>,
    beside: Vec<PathBuf>,
    adapter: Option<InspectedAdapter>,
}

/// An adapter that fits.
struct InspectedAdapter {
    adapter: Adapter,
    /// Whether the base's head is its embedding.
    base_is_tied: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TextUse {
    Wanted,
    Skipped,
}

impl Inspection {
    /// Inspects a folder or a GGUF file.
    pub fn of(path: &Path) -> Self {
        Self::look(path, TextUse::Wanted, None)
    }

    /// Inspects a folder or a GGUF file with the LoRA adapter of another folder.
    pub fn adapted(path: &Path, adapter: &Path) -> Self {
        let mut inspection = Self::look(path, TextUse::Wanted, Some(adapter));
        if let Err(fault) = inspection.adapt(adapter) {
            inspection.faults.push(fault);
        }
        inspection
    }

    /// Inspects configuration and tensors only.
    pub(super) fn without_text(path: &Path) -> Self {
        Self::look(path, TextUse::Skipped, None)
    }

    fn look(path: &Path, text: TextUse, adapter: Option<&Path>) -> Self {
        let format = if path.is_dir() {
            Format::Safetensors
        } else {
            Format::Gguf
        };
        let mut inspection = Self {
            path: path.to_owned(),
            format,
            config: None,
            tokenizer: None,
            chat_template: None,
            inventory: Inventory::default(),
            faults: Vec::new(),
            notes: Vec::new(),
            weights: None,
            beside: Vec::new(),
            adapter: None,
        };
        match format {
            Format::Safetensors => inspection.read_folder(text, adapter),
            Format::Gguf => {
                if let Err(fault) = inspection.read_gguf(text) {
                    inspection.faults.push(fault);
                }
            }
        }
        inspection.compare();
        inspection
    }

    /// Reads every value of every tensor and adds a fault for each tensor (of many, the first few) with a NaN or
    /// an infinity.
    pub fn check_values(&mut self) {
        if let Some(weights) = &self.weights {
            let mut spoilt = weights.check_all_values();
            let more = spoilt.len().saturating_sub(LISTED);
            spoilt.truncate(LISTED);
            if more > 0 {
                let what = format!("{more} more tensors have values that are not finite numbers");
                spoilt.push(LoadError::malformed(&self.path, what));
            }
            self.faults.extend(spoilt);
        }
        let spoilt = self
            .adapter
            .iter()
            .flat_map(|inspected| inspected.adapter.check_all_values());
        self.faults.extend(spoilt.take(LISTED));
    }

    /// Reads an adapter and fits it to the configuration, unless there is none that holds.
    fn adapt(&mut self, folder: &Path) -> Result<(), LoadError> {
        let mut adapter = Adapter::open(folder)?;
        let Some(config) = self.config.as_mut().filter(|_| self.faults.is_empty()) else {
            return Ok(());
        };
        let base_is_tied = config.tied;
        adapter.fit(config)?;
        self.notes.extend(adapter.notes(&self.path));
        self.adapter = Some(InspectedAdapter { adapter, base_is_tied });
        Ok(())
    }

    /// Size and sha256 of an adapter's files; nothing where there is none, or it does not fit.
    pub(crate) fn identify_adapter(&self) -> Result<Vec<FileIdentity>, LoadError> {
        match &self.adapter {
            Some(inspected) => inspected.adapter.identify(),
            None => Ok(Vec::new()),
        }
    }

    /// Numbers in an adapter's tensors.
    pub(crate) fn adapter_numbers(&self) -> Option<u64> {
        self.adapter.as_ref().map(|inspected| inspected.adapter.numbers())
    }

    /// The checkpoint, if there are no faults.
    pub fn into_checkpoint(mut self) -> Result<Checkpoint, LoadError> {
        if let Some(fault) = LoadError::gather(std::mem::take(&mut self.faults)) {
            return Err(fault);
        }
        let (identity, adapter) = (self.identify()?, self.identify_adapter()?);
        match (self.config, self.weights, self.tokenizer) {
            (Some(config), Some(weights), Some(tokenizer)) => Ok(Checkpoint {
                path: self.path,
                format: self.format,
                config,
                inventory: self.inventory,
                weights: match self.adapter {
                    Some(InspectedAdapter { adapter, base_is_tied }) => Arc::new(AdaptedWeights::new(
                        weights.into_source(),
                        Arc::new(adapter),
                        base_is_tied,
                    )),
                    None => weights.into_source(),
                },
                tokenizer,
                chat_template: self.chat_template,
                identity,
                adapter,
                notes: self.notes,
            }),
            _ => Err(LoadError::malformed(&self.path, "is not a checkpoint")),
        }
    }

    /// Size and sha256 of every file that determines a result, in the order of their names.
    pub(crate) fn identify(&self) -> Result<Vec<FileIdentity>, LoadError> {
        let mut files = self.weights.as_ref().map(Weights::identify).unwrap_or_default();
        for path in &self.beside {
            files.push(identity::of_file(path)?);
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    fn read_folder(&mut self, text: TextUse, adapter: Option<&Path>) {
        let path = self.path.join(CONFIG);
        self.faults.extend(foreign::adapter(&self.path, adapter));
        if !self.faults.is_empty() && !path.is_file() {
            // Nothing but the adapter: what a checkpoint has beside it is in another folder.
            return;
        }
        let mut json = None;
        match read_up_to(&path, LARGEST_SETTINGS) {
            Ok(bytes) => {
                match config::parse(&path, &bytes) {
                    Ok(config) => self.config = Some(config),
                    Err(faults) => self.faults.extend(faults),
                }
                json = serde_json::from_slice::<Value>(&bytes).ok();
                self.beside.push(path);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.faults.push(LoadError::Absent {
                path: self.path.clone(),
                what: format!("has no {CONFIG}"),
            }),
            Err(error) => self.faults.push(LoadError::read(&path, error)),
        }
        match SafetensorsWeights::open(&self.path) {
            Ok(mut weights) => {
                if let Some(Ok(Some(scheme))) = json.as_ref().and_then(Value::as_object).map(Scheme::of) {
                    self.faults.extend(weights.unpack(&scheme));
                }
                if let Some(mixture) = self.config.as_ref().and_then(|config| config.mixture) {
                    weights.split_experts(mixture.naming);
                }
                // After unpacking: what is left out of it is named as it is stored.
                let weights = match json.as_ref().is_some_and(nested::is_nested) {
                    true => weights.of_text(),
                    false => weights,
                };
                self.weights = Some(Weights::Safetensors(weights));
                let index = self.path.join(INDEX);
                self.beside.extend(index.is_file().then_some(index));
            }
            Err(faults) => match foreign::weights(&self.path) {
                Some(fault) => self.faults.push(fault),
                None => self.faults.extend(faults),
            },
        }
        if text == TextUse::Skipped {
            return;
        }
        match tokenizer::read_files(&self.path, json.as_ref()) {
            Ok(found) => {
                self.tokenizer = Some(found.tokenizer);
                self.chat_template = found.chat_template;
                self.beside.extend(found.files);
            }
            Err(fault) => self.faults.push(fault),
        }
    }

    fn read_gguf(&mut self, text: TextUse) -> Result<(), LoadError> {
        let GgufFiles { files, header } = parts::open(&self.path)?;
        let metadata = Metadata {
            path: &self.path,
            values: &header.metadata,
        };
        match gguf_config::read(metadata, &header.tensors, &files) {
            Ok(config) => self.config = Some(config),
            Err(faults) => self.faults.extend(faults),
        }
        if text == TextUse::Wanted {
            match tokenizer::read_gguf(metadata) {
                Ok(tokenizer) => self.tokenizer = Some(tokenizer),
                Err(fault) => self.faults.push(fault),
            }
            match metadata.text("tokenizer.chat_template") {
                Ok(template) => self.chat_template = template.map(str::to_owned),
                Err(fault) => self.faults.push(fault),
            }
        }
        let layout = GgufLayout::of(self.config.as_ref());
        self.weights = Some(Weights::Gguf(GgufWeights::new(files, header.tensors, layout)));
        Ok(())
    }

    /// Whether the head is the embedding. What the files hold counts, and the configuration where they hold no head:
    /// a head of its own beside `tie_word_embeddings: true` is what merging a trained adapter leaves.
    fn settle_head(&mut self) {
        let (Some(config), Some(weights)) = (&mut self.config, &self.weights) else {
            return;
        };
        match (weights.head_is_embedding(), self.format) {
            (Some(false), Format::Safetensors) if config.tied => {
                config.tied = false;
                self.notes.push(format!(
                    "`tie_word_embeddings` is true, and {HEAD} is stored and is not the embedding: it is used"
                ));
            }
            // GGUF has no key for it: a head is stored, or there is none.
            (Some(true), Format::Gguf) => config.tied = true,
            _ => {}
        }
    }

    /// What concerns two parts at once: tensors and tokens against the configuration.
    fn compare(&mut self) {
        self.settle_head();
        if let Some(weights) = &self.weights {
            self.inventory = weights.inventory();
        }
        if let (Some(config), Some(weights)) = (&self.config, &self.weights) {
            self.faults.extend(weights.faults(&self.path, config));
        }
        if let (Some(config), Some(tokenizer)) = (&self.config, &self.tokenizer)
            && tokenizer.vocabulary() > config.vocabulary
        {
            let what = format!(
                "has ids up to {}, and the model's embedding {} rows",
                tokenizer.vocabulary().saturating_sub(1),
                config.vocabulary
            );
            self.faults.push(LoadError::tokenizer(&self.path, what));
        }
    }
}
