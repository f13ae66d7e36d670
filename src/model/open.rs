//! From a model's name to a model that is ready.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::base::hex::sha256_hex;

use super::checkpoint::FileIdentity;
use super::fake::{FakeConfig, FakeModel};
use super::memory::{self, Room};
use super::registry::tree_bytes;
use super::source::{self, Environment, Fetch, Progress};
use super::{
    Checkpoint, DeviceChoice, DeviceId, Dtype, DtypeChoice, Engine, EngineSettings, LanguageModel, LoadError,
    ModelConfig, ModelIdentity, OpenDevice, QuantizedWeights, Tokenizer,
};

/// How a model is opened. The default suits most: the fastest device, the dtype that suits it, what is not on this
/// machine is fetched.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Numbers to compute with.
    pub dtype: DtypeChoice,
    /// Where to compute.
    pub device: DeviceChoice,
    /// How quantised weights are held.
    pub weights: QuantizedWeights,
    /// Room of the token tree. Results do not depend on it.
    pub room: Room,
    /// Whether a checkpoint that is not on this machine may be fetched.
    pub fetch: Fetch,
    /// Where checkpoints are looked for and kept.
    pub environment: Environment,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            dtype: DtypeChoice::default(),
            device: DeviceChoice::default(),
            weights: QuantizedWeights::default(),
            room: Room::default(),
            fetch: Fetch::Allowed,
            environment: Environment::from_process(),
        }
    }
}

/// A model that is ready, with everything that is known of it.
pub struct OpenModel {
    /// The model.
    pub model: Box<dyn LanguageModel>,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Jinja source of its chat template.
    pub chat_template: Option<String>,
    /// What it is.
    pub identity: ModelIdentity,
    /// SHA-256 by name: `weights` (of all files that determine a result), `tokenizer`, `chat template`.
    pub hashes: BTreeMap<String, String>,
    /// What it takes.
    pub memory: Memory,
    /// How long it took to open.
    pub took: Duration,
    /// What a user should know before it is used; often nothing.
    pub notes: Vec<String>,
}

/// What a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of the weights.
    pub weights: u64,
    /// Bytes of one token's keys and values.
    pub per_token: usize,
    /// Tokens that the tree may hold.
    pub tree_tokens: usize,
}

/// Opens the model that `id` names: a name of the registry, a folder, a `.gguf` file, a
/// hub repository with an optional `@revision`, or `fake:SEED`, a deterministic stand-in for tests.
///
/// `progress` is told of what is fetched ([`Silent`](source::Silent) listens to nothing).
///
/// ```
/// use indieval::model::{self, OpenOptions, source::Silent};
///
/// let opened = model::open("fake:1", &OpenOptions::default(), &mut Silent)?;
/// assert_eq!(opened.identity.name, "fake:1 (no language model)");
/// # Ok::<(), model::LoadError>(())
/// ```
///
/// # Errors
/// Where nothing of that name can be had; every fault of a checkpoint at once; a device that is not there.
pub fn open(id: &str, options: &OpenOptions, progress: &mut dyn Progress) -> Result<OpenModel, LoadError> {
    match id.strip_prefix("fake:") {
        Some(seed) => fake(seed, options.room),
        None => checkpoint(id, options, progress),
    }
}

fn checkpoint(id: &str, options: &OpenOptions, progress: &mut dyn Progress) -> Result<OpenModel, LoadError> {
    let begun = Instant::now();
    let located = source::locate(id, &options.environment, options.fetch, progress)?;
    let checkpoint = Checkpoint::open(&located.path)?;
    let device = options.device.open()?;
    let dtype = options.dtype.on(&device.device);
    check_room(options.room, &checkpoint.config, &device, dtype)?;
    let settings = EngineSettings {
        room: options.room,
        quantized: options.weights,
        ..EngineSettings::default()
    };
    let engine = Engine::load(
        &checkpoint.config,
        checkpoint.weights.as_ref(),
        &device.device,
        dtype.into(),
        &settings,
    )?;
    let info = engine.info();
    let identity = ModelIdentity {
        name: name(id, &located.path),
        family: Some(checkpoint.config.family),
        parameters: info.size.parameters,
        dtype,
        weights: options.weights,
        device: device.id,
        backend: Some(info.backend),
        context: checkpoint.config.context,
    };
    let no_gpu = device.fallback.filter(|_| cfg!(feature = "cuda"));
    let mut notes = checkpoint.notes.clone();
    notes.extend(checkpoint.tokenizer.notes().iter().cloned());
    notes.extend(no_gpu.map(|why| format!("no GPU is used: {why}")));
    Ok(OpenModel {
        identity,
        hashes: hashes(&checkpoint),
        tokenizer: checkpoint.tokenizer,
        chat_template: checkpoint.chat_template,
        memory: Memory {
            weights: info.size.bytes,
            per_token: info.bytes_per_token,
            tree_tokens: info.capacity,
        },
        model: Box::new(engine),
        took: begun.elapsed(),
        notes,
    })
}

/// Refuses room that no memory of the device could hold. What is merely not free now is left to be seen: a tree takes
/// memory as it grows.
fn check_room(room: Room, config: &ModelConfig, device: &OpenDevice, dtype: Dtype) -> Result<(), LoadError> {
    let Room::Tokens(tokens) = room else { return Ok(()) };
    let needed = tree_bytes(config, tokens, dtype.into());
    refuse_beyond(tokens, needed, device.id, memory::total(&device.device))
}

/// Refuses so many tokens where they need more bytes than the device has in `total`.
fn refuse_beyond(tokens: usize, needed: u64, device: DeviceId, total: Option<u64>) -> Result<(), LoadError> {
    match total {
        Some(total) if needed > total => Err(LoadError::Room {
            tokens,
            needed,
            device,
            total,
        }),
        _ => Ok(()),
    }
}

/// What the fake holds of a token, about: itself, and what followed on it.
const FAKE_BYTES: u64 = 64;

fn hashes(checkpoint: &Checkpoint) -> BTreeMap<String, String> {
    let line = |file: &FileIdentity| format!("{} {}\n", file.sha256, file.name);
    let files: String = checkpoint.identity.iter().map(line).collect();
    let mut hashes = BTreeMap::from([
        ("weights".to_owned(), sha256_hex(files.as_bytes())),
        ("tokenizer".to_owned(), checkpoint.tokenizer.hash().to_owned()),
    ]);
    if let Some(template) = &checkpoint.chat_template {
        hashes.insert("chat_template".to_owned(), sha256_hex(template.as_bytes()));
    }
    hashes
}

/// The fake of one seed, whose tokens are bytes.
fn fake(seed: &str, room: Room) -> Result<OpenModel, LoadError> {
    let seed: u64 = seed
        .parse()
        .map_err(|_| LoadError::FakeSeed { given: seed.to_owned() })?;
    let mut config = FakeConfig::bytes(seed);
    if let Room::Tokens(tokens) = room {
        refuse_beyond(
            tokens,
            (tokens as u64).saturating_mul(FAKE_BYTES),
            DeviceId::Cpu,
            memory::total(&candle_core::Device::Cpu),
        )?;
        config.capacity = tokens;
    }
    let tokenizer = Tokenizer::bytes();
    Ok(OpenModel {
        identity: ModelIdentity {
            name: format!("fake:{seed} (no language model)"),
            family: None,
            parameters: 0,
            dtype: Dtype::F32,
            weights: QuantizedWeights::Dequantize,
            device: DeviceId::Cpu,
            backend: None,
            context: config.context_length,
        },
        hashes: BTreeMap::from([
            ("weights".to_owned(), format!("fake:{seed}")),
            ("tokenizer".to_owned(), tokenizer.hash().to_owned()),
        ]),
        tokenizer,
        chat_template: None,
        memory: Memory {
            weights: 0,
            per_token: 0,
            tree_tokens: config.capacity,
        },
        model: Box::new(FakeModel::new(config)),
        took: Duration::ZERO,
        notes: Vec::new(),
    })
}

/// The name for people: what was asked for, or a path's last component.
fn name(asked: &str, path: &Path) -> String {
    match path.file_name() {
        Some(last) if Path::new(asked).exists() => last.to_string_lossy().into_owned(),
        _ => asked.to_owned(),
    }
}
