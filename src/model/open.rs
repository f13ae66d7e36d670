//! From a model's name to a model that is ready.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::base::hex::sha256_hex;

use super::checkpoint::FileIdentity;
use super::fake::{FakeConfig, FakeModel, TOKEN_BYTES};
use super::memory::{self, BatchNeeds, BatchSize};
use super::source::{self, Environment, Fetch, Progress};
use super::{
    Checkpoint, DeviceChoice, DeviceId, Dtype, DtypeChoice, Engine, EngineSettings, LanguageModel, LoadError,
    ModelIdentity, QuantizedWeights, Speaker, Tokenizer,
};

/// How a model is opened. The default suits most: the fastest device, the dtype that suits it, what is not on this
/// machine is fetched.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// A LoRA adapter that is merged into the weights: a folder or a hub repository.
    pub adapter: Option<String>,
    /// Numbers to compute with.
    pub dtype: DtypeChoice,
    /// Where to compute.
    pub device: DeviceChoice,
    /// How quantised weights are held.
    pub weights: QuantizedWeights,
    /// Memory in bytes that the model may take, weights and all: by default what is free. Results do not depend on it.
    pub memory: Option<u64>,
    /// Whether a checkpoint that is not on this machine may be fetched.
    pub fetch: Fetch,
    /// Where checkpoints are looked for and kept.
    pub environment: Environment,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            adapter: None,
            dtype: DtypeChoice::default(),
            device: DeviceChoice::default(),
            weights: QuantizedWeights::default(),
            memory: None,
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
    /// SHA-256 by name: `weights` (of all files that determine a result), `adapter` (of its files, where there is one),
    /// `tokenizer`, `chat_template`.
    pub hashes: BTreeMap<String, String>,
    /// What it takes.
    pub memory: Memory,
    /// What computes: `cpu`, or each GPU with its library of products; and most tokens of a pass.
    pub hardware: String,
    /// How long it took to open.
    pub took: Duration,
    /// What a user should know before it is used; often nothing.
    pub notes: Vec<String>,
}

/// What a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Bytes of the weights that are held: none of those that stay in their files.
    pub weights: u64,
    /// Bytes that the program had for itself before the weights, its tokenizer among them. They count on a CPU only, whose memory
    /// they share with the weights.
    pub program: u64,
    /// What a batch takes beside both.
    pub needs: BatchNeeds,
    /// What the tokens of a batch may take: one that takes more is computed in parts.
    pub limit: u64,
    /// Whether the weights are in place; else they are read or unpacked again for each batch, and for each token that is
    /// generated.
    pub resident: bool,
}

impl Memory {
    /// Bytes that the program has for itself now, before anything was computed; 0 where that cannot be told or does not count.
    pub(crate) fn program_now(&self) -> u64 {
        match (self.program, memory::held()) {
            (0, _) | (_, None) => 0,
            (_, Some(held)) => held.saturating_sub(self.weights),
        }
    }

    /// Bytes of the tokens of a batch of this size that are held at once.
    pub(crate) fn tokens(&self, batch: BatchSize) -> u64 {
        let scoring = self.needs.at_work;
        let limit = (self.limit + scoring).saturating_sub(self.needs.work(batch));
        self.needs.tokens(batch).min(limit)
    }

    /// Bytes while a batch of this size is computed, at most.
    pub fn peak(&self, batch: BatchSize) -> u64 {
        self.program + self.weights + self.needs.work(batch) + self.tokens(batch)
    }
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
        Some(_) if options.adapter.is_some() => Err(LoadError::AdaptedFake),
        Some(seed) => fake(seed, options.memory),
        None => open_checkpoint(id, options, progress),
    }
}

/// The files of a checkpoint, with its adapter if one is asked for, and their name for people.
fn open_files(id: &str, options: &OpenOptions, progress: &mut dyn Progress) -> Result<(String, Checkpoint), LoadError> {
    let located = source::locate(id, &options.environment, options.fetch, progress)?;
    let own = name(id, &located.path);
    let Some(asked) = &options.adapter else {
        return Ok((own, Checkpoint::open(&located.path)?));
    };
    let adapter = source::locate_adapter(asked, &options.environment, options.fetch, progress)?;
    let checkpoint = Checkpoint::open_adapted(&located.path, &adapter.path)?;
    Ok((format!("{own} + {}", name(asked, &adapter.path)), checkpoint))
}

fn open_checkpoint(id: &str, options: &OpenOptions, progress: &mut dyn Progress) -> Result<OpenModel, LoadError> {
    let begun = Instant::now();
    let (name, checkpoint) = open_files(id, options, progress)?;
    let device = options.device.open()?;
    let dtype = options
        .dtype
        .on(&device.device, &checkpoint.config, checkpoint.inventory.is_half());
    checkpoint.tokenizer.ready();
    // It shares the memory that is given to the model.
    let program = match device.device.is_cpu() {
        true => memory::held().unwrap_or(0),
        false => 0,
    };
    let settings = EngineSettings {
        memory: options.memory.map(|all| all.saturating_sub(program)),
        quantized: options.weights,
        ..EngineSettings::default()
    };
    let devices = (&device.device, &device.others[..]);
    let engine = Engine::load_over(
        &checkpoint.config,
        &checkpoint.weights,
        devices,
        dtype.into(),
        &settings,
    )
    .map_err(|error| beside_program(error, program, options.memory))?;
    let info = engine.info();
    let identity = ModelIdentity {
        name,
        family: Speaker::Decoder(checkpoint.config.family),
        parameters: info.size.parameters,
        dtype,
        weights: options.weights,
        device: device.id,
        backend: Some(info.backend),
        context: checkpoint.config.context,
    };
    let hardware = format!("{}, passes of {} tokens", device.hardware(), info.rows);
    let notes = notes(&checkpoint, options, info.resident, device.fallback);
    Ok(OpenModel {
        identity,
        hashes: hashes(&checkpoint),
        tokenizer: checkpoint.tokenizer,
        chat_template: checkpoint.chat_template,
        memory: Memory {
            weights: info.size.bytes,
            program,
            needs: info.needs,
            limit: info.memory,
            resident: info.resident,
        },
        hardware,
        model: Box::new(engine),
        took: begun.elapsed(),
        notes,
    })
}

/// What a user should know of a checkpoint and how it is put to work; `fallback` says why it is on no GPU.
fn notes(checkpoint: &Checkpoint, options: &OpenOptions, resident: bool, fallback: Option<String>) -> Vec<String> {
    let mut notes = checkpoint.notes.clone();
    notes.extend(checkpoint.tokenizer.notes().iter().cloned());
    if !resident && options.weights == QuantizedWeights::Dequantize {
        notes.push("the weights do not fit into memory: they are read from their files for each batch".to_owned());
    }
    let no_gpu = fallback.filter(|_| cfg!(feature = "cuda"));
    notes.extend(no_gpu.map(|why| format!("no GPU is used: {why}")));
    notes
}

/// An error of loading as it is said where `program` bytes of the memory `asked` for are the program's.
fn beside_program(error: LoadError, program: u64, asked: Option<u64>) -> LoadError {
    match error {
        LoadError::Memory { needed, given } => LoadError::Memory {
            needed: needed + program,
            given: asked.unwrap_or(given + program),
        },
        other => other,
    }
}

fn hashes(checkpoint: &Checkpoint) -> BTreeMap<String, String> {
    let line = |file: &FileIdentity| format!("{} {}\n", file.sha256, file.name);
    let files = |files: &[FileIdentity]| sha256_hex(files.iter().map(line).collect::<String>().as_bytes());
    let mut hashes = BTreeMap::from([
        ("weights".to_owned(), files(&checkpoint.identity)),
        ("tokenizer".to_owned(), checkpoint.tokenizer.hash().to_owned()),
    ]);
    if !checkpoint.adapter.is_empty() {
        hashes.insert("adapter".to_owned(), files(&checkpoint.adapter));
    }
    if let Some(template) = &checkpoint.chat_template {
        hashes.insert("chat_template".to_owned(), sha256_hex(template.as_bytes()));
    }
    hashes
}

/// The fake of one seed, whose tokens are bytes.
fn fake(seed: &str, memory: Option<u64>) -> Result<OpenModel, LoadError> {
    let seed: u64 = seed
        .parse()
        .map_err(|_| LoadError::FakeSeed { given: seed.to_owned() })?;
    let mut config = FakeConfig::bytes(seed);
    if let Some(bytes) = memory {
        config.capacity = (bytes / TOKEN_BYTES) as usize;
    }
    let tokenizer = Tokenizer::bytes();
    Ok(OpenModel {
        identity: ModelIdentity {
            name: format!("fake:{seed} (no language model)"),
            family: Speaker::StandIn,
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
            program: 0,
            needs: BatchNeeds {
                at_work: 0,
                at_work_generating: 0,
                token: TOKEN_BYTES,
                page: 0,
                kept_page: 0,
                logits: 0,
            },
            limit: config.capacity as u64 * TOKEN_BYTES,
            resident: true,
        },
        hardware: DeviceId::Cpu.to_string(),
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
