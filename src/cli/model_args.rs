//! How commands open a model.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::models::download::Bar;
use crate::base::hex::hex;
use crate::base::text;
use crate::model::checkpoint::Checkpoint;
use crate::model::decoder::QuantizedWeights;
use crate::model::device::{DeviceChoice, Precision};
use crate::model::fake::{FakeConfig, FakeModel};
use crate::model::memory::Room;
use crate::model::source::{self, Environment, Fetch};
use crate::model::{Engine, EngineSettings, LanguageModel, Tokenizer, kernels};
use crate::run::ModelIdentity;

/// Which model, and how its numbers are held.
#[derive(Debug, Clone, clap::Args)]
pub struct ModelArgs {
    /// Model: a name of `indieval models list`, a folder, a .gguf file or a hub repository with an optional @REVISION;
    /// `fake:SEED` is a deterministic stand-in for tests
    #[arg(long, short)]
    pub model: String,
    /// Number format to compute in: auto, f32, bf16, f16
    #[arg(long, default_value = "auto")]
    pub dtype: Precision,
    /// Where to compute: auto, cpu, cuda, cuda:N
    #[arg(long, default_value = "auto")]
    pub device: DeviceChoice,
    /// Whether quantised weights are dequantised at load or kept as they are
    #[arg(long, value_enum, default_value_t)]
    pub weights: Weights,
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// How much of the machine may be taken. Results do not depend on it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct MachineArgs {
    /// Threads to compute with [default: all]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Tokens the token tree may hold [default: from the memory that is free]
    #[arg(long, value_name = "TOKENS")]
    pub tree_tokens: Option<usize>,
}

/// How quantised weights are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Weights {
    /// Dequantised at load: fastest.
    #[default]
    Plain,
    /// As the file's blocks: least memory.
    Quantized,
}

/// A model that is ready, with everything that is known of it.
pub struct Opened {
    /// The model.
    pub model: Box<dyn LanguageModel>,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Jinja source of its chat template.
    pub chat_template: Option<String>,
    /// What it is.
    pub identity: ModelIdentity,
    /// SHA-256 by name: `weights`, `tokenizer`, `chat template`.
    pub hashes: BTreeMap<String, String>,
    /// Tokens its tree may hold.
    pub tree_tokens: usize,
    /// Bytes of the weights in memory, and of one token in the tree.
    pub bytes: (u64, usize),
    /// What to tell the user before it is used.
    pub notes: Vec<String>,
}

impl ModelArgs {
    /// Opens the model; a checkpoint that is not here is fetched.
    pub fn open(&self) -> anyhow::Result<Opened> {
        self.machine.apply()?;
        match self.model.strip_prefix("fake:") {
            Some(seed) => fake(seed, self.machine.tree_tokens),
            None => self.open_checkpoint(),
        }
    }

    fn open_checkpoint(&self) -> anyhow::Result<Opened> {
        let begun = Instant::now();
        let located = source::locate(
            &self.model,
            &Environment::from_process(),
            Fetch::Allowed,
            &mut Bar::default(),
        )?;
        let checkpoint = Checkpoint::open(&located.path)?;
        let device = self.device.open()?;
        let settings = EngineSettings {
            room: self.machine.tree_tokens.map_or(Room::Automatic, Room::Tokens),
            quantized: match self.weights {
                Weights::Plain => QuantizedWeights::Dequantize,
                Weights::Quantized => QuantizedWeights::Keep,
            },
            ..EngineSettings::default()
        };
        let engine = Engine::load(
            &checkpoint.config,
            checkpoint.weights.as_ref(),
            checkpoint.tokenizer.bos(),
            &device.device,
            self.dtype.on(&device.device),
            &settings,
        )?;
        let info = engine.info();
        let mut digest = Sha256::new();
        for file in &checkpoint.identity {
            digest.update(format!("{} {}\n", file.sha256, file.name));
        }
        let mut hashes = BTreeMap::from([
            ("weights".to_owned(), hex(&digest.finalize())),
            ("tokenizer".to_owned(), checkpoint.tokenizer.hash().to_owned()),
        ]);
        if let Some(template) = &checkpoint.chat_template {
            hashes.insert("chat template".to_owned(), hex(&Sha256::digest(template)));
        }
        let dtype = info.dtype.as_str().to_owned();
        let kept = if self.weights == Weights::Quantized {
            ", quantised weights"
        } else {
            ""
        };
        let identity = ModelIdentity {
            name: name(&self.model, &located.path),
            family: checkpoint.config.family.clone(),
            parameters: info.size.parameters,
            dtype: format!("{dtype}{kept}"),
            device: device.name.clone(),
            kernels: match info.path {
                kernels::Path::Portable => format!("portable {dtype}"),
                kernels::Path::Avx512 => format!("AVX-512 {dtype}"),
            },
            context: checkpoint.config.context,
        };
        let mut notes = vec![format!(
            "{}: {} {} parameters, {}, {} on {}, loaded in {:.1} s",
            identity.name,
            text::parameters(identity.parameters),
            identity.family,
            identity.dtype,
            identity.kernels,
            identity.device,
            begun.elapsed().as_secs_f64()
        )];
        if let (Some(why), true) = (device.fallback, cfg!(feature = "cuda")) {
            notes.push(format!("no GPU is used: {why}"));
        }
        Ok(Opened {
            tokenizer: checkpoint.tokenizer,
            chat_template: checkpoint.chat_template,
            identity,
            hashes,
            tree_tokens: info.capacity,
            bytes: (info.size.bytes, info.bytes_per_token),
            model: Box::new(engine),
            notes,
        })
    }
}

impl MachineArgs {
    /// Sets the number of threads; must come before anything is computed.
    pub fn apply(&self) -> anyhow::Result<()> {
        if let Some(threads) = self.threads {
            anyhow::ensure!(threads > 0, "--threads 0: at least one thread is needed");
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build_global()
                .context("the number of threads can be set once only")?;
        }
        Ok(())
    }
}

/// The fake of one seed, whose tokens are bytes.
fn fake(seed: &str, tree_tokens: Option<usize>) -> anyhow::Result<Opened> {
    let seed: u64 = seed
        .parse()
        .with_context(|| format!("`fake:{seed}`: the seed must be a number, as in fake:1"))?;
    let mut config = FakeConfig::bytes(seed);
    config.capacity = tree_tokens.unwrap_or(config.capacity);
    let tokenizer = Tokenizer::bytes();
    let identity = ModelIdentity {
        name: format!("fake:{seed} (no language model)"),
        family: "fake".into(),
        parameters: 0,
        dtype: "f32".into(),
        device: "cpu".into(),
        kernels: "none".into(),
        context: config.context_length,
    };
    Ok(Opened {
        hashes: BTreeMap::from([
            ("weights".to_owned(), format!("fake:{seed}")),
            ("tokenizer".to_owned(), tokenizer.hash().to_owned()),
        ]),
        tokenizer,
        chat_template: None,
        tree_tokens: config.capacity,
        bytes: (0, 0),
        notes: vec![format!(
            "{}: a deterministic stand-in; its numbers mean nothing",
            identity.name
        )],
        identity,
        model: Box::new(FakeModel::new(config)),
    })
}

/// The name for people: what was asked for, or a path's last component.
fn name(asked: &str, path: &Path) -> String {
    if Path::new(asked).exists() {
        path.file_name()
            .map_or_else(|| asked.to_owned(), |name| name.to_string_lossy().into_owned())
    } else {
        asked.to_owned()
    }
}
