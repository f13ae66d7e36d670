//! The work unit W: one respondent and one split of SmolLM2-135M, a prefix of 3,500 tokens and 87 continuations of 15.
//!
//!     cargo bench --bench work_unit                         bf16 and f32, on the real model where the cache has it
//!     cargo bench --bench work_unit -- --dtype bf16         one of them; also f16
//!     INDIEVAL_BACKEND=avx2 cargo bench --bench work_unit   another backend than the fastest
//!     cargo bench --bench work_unit -- --model PATH --device cuda
//!     cargo bench --bench work_unit -- --rows 256,512,1024  passes of other sizes
//!     cargo bench --bench work_unit -- --peers              candle-transformers' llama beside it, f32 (minutes)
//!     cargo bench --bench work_unit -- --write-tokens FILE   W's token ids and sums as JSON, for peers in other languages
//!
//! The peak that shares are of is arithmetic on registers alone (a large matrix product where that is not known), measured
//! before and after. Times are the least of `--repeat` runs (3): other work on the machine makes them longer, never
//! shorter. `CPU, s` is the processor time of that run over the number of threads: what it would take if no other work
//! got in the way.

mod registers;

use candle_core::{DType, Device, Tensor};
use candle_transformers::models::llama;
use indieval::{
    model::{
        Batch, Checkpoint, DeviceChoice, DeviceId, Engine, EngineSettings, LanguageModel, LoadError, ModelConfig,
        ScoreRequest, TokenId, TokenScore, Weight, WeightSource,
        kernels::{Kernels, tune_allocator},
    },
    survey::Catalogue,
};
use std::{error::Error, path::PathBuf, sync::Arc, time::Instant};

const PREFIX: usize = 3500;
const CONTINUATIONS: usize = 87;
const CONTINUATION: usize = 15;

/// What was asked for.
struct Options {
    model: PathBuf,
    device: DeviceChoice,
    dtypes: Vec<DType>,
    rows: Vec<usize>,
    repeat: usize,
    peers: bool,
    tokens: Option<PathBuf>,
}

impl Options {
    fn parse() -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            model: PathBuf::new(),
            device: DeviceChoice::Only(DeviceId::Cpu),
            dtypes: vec![DType::BF16, DType::F32],
            rows: Vec::new(),
            repeat: 3,
            peers: false,
            tokens: None,
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} wants a value"));
            match arg.as_str() {
                "--bench" => {}
                "--peers" => options.peers = true,
                "--write-tokens" => options.tokens = Some(value()?.into()),
                "--model" => options.model = value()?.into(),
                "--device" => options.device = value()?.parse()?,
                "--repeat" => options.repeat = value()?.parse()?,
                "--rows" => options.rows = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "--dtype" => {
                    options.dtypes = match value()?.as_str() {
                        "f32" => vec![DType::F32],
                        "bf16" => vec![DType::BF16],
                        "f16" => vec![DType::F16],
                        other => return Err(format!("no such dtype: {other}").into()),
                    }
                }
                other => return Err(format!("unknown argument {other}").into()),
            }
        }
        if options.rows.is_empty() {
            options.rows = vec![EngineSettings::default().rows_on(&options.device.open()?.device)];
        }
        if options.model.as_os_str().is_empty() {
            let set = |name| std::env::var_os(name).map(PathBuf::from);
            let shared = || {
                Some(
                    set("XDG_CACHE_HOME")
                        .or_else(|| Some(set("HOME")?.join(".cache")))?
                        .join("indieval"),
                )
            };
            let cache = set("INDIEVAL_CACHE")
                .or_else(shared)
                .ok_or("neither INDIEVAL_CACHE nor HOME is set")?;
            options.model = find(&cache, 4).ok_or("no GGUF of SmolLM2-135M in the cache: give --model PATH")?;
        }
        Ok(options)
    }
}

/// SmolLM2-135M's GGUF by its size, below a folder.
fn find(folder: &std::path::Path, depth: usize) -> Option<PathBuf> {
    let entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    let is_it = |path: &&PathBuf| {
        path.metadata()
            .is_ok_and(|about| about.is_file() && about.len() == 98_362_432)
    };
    let below = || {
        entries
            .iter()
            .filter(|path| path.is_dir())
            .find_map(|path| find(path, depth.checked_sub(1)?))
    };
    entries.iter().find(is_it).cloned().or_else(below)
}

/// W's tokens: statements of the catalogue, as many as it takes.
struct Work {
    prefix: Vec<TokenId>,
    continuations: Vec<Vec<TokenId>>,
}

impl Work {
    /// Also the seconds that encoding the prefix's text and the continuations' took.
    fn new(checkpoint: &Checkpoint) -> Result<(Self, f64), Box<dyn Error>> {
        let catalogue = Catalogue::builtin()?;
        let mut text = String::new();
        for question in &catalogue.questions {
            for statement in &question.polar {
                text.push_str(&format!("# {}\n", statement.text));
            }
        }
        // Encoding grows with the text: take as much as W has.
        let start = Instant::now();
        let tokens = checkpoint.tokenizer.encode(&text)?;
        let seconds = start.elapsed().as_secs_f64();
        let wanted = PREFIX + CONTINUATIONS * CONTINUATION;
        let tokens: Vec<TokenId> = tokens.iter().copied().cycle().take(wanted).collect();
        let share = wanted as f64 / checkpoint.tokenizer.encode(&text)?.len() as f64;
        // The first token of each is its own, so that none begins like another.
        let continuations: Vec<Vec<TokenId>> = tokens[PREFIX..].chunks(CONTINUATION).map(<[TokenId]>::to_vec).collect();
        let prefix = tokens[..PREFIX].to_vec();
        Ok((Self { prefix, continuations }, seconds * share))
    }
}

/// Floating-point operations of the prefix and of the continuations with their head, as if every token were run.
fn flops(config: &ModelConfig) -> (f64, f64) {
    let attention = (2 * config.heads + 2 * config.kv_heads) * config.head_dim;
    let used = config.mixture.map_or(1, |mixture| mixture.routing.used);
    let linear = config.layers * config.hidden * (attention + 3 * used * config.intermediate);
    let pair = 4 * config.layers * config.heads * config.head_dim;
    let tokens = CONTINUATIONS * CONTINUATION;
    let prefix = 2 * PREFIX * linear + pair * PREFIX * (PREFIX + 1) / 2;
    let own = CONTINUATIONS * CONTINUATION * (CONTINUATION + 1) / 2;
    let continuations = tokens * (2 * linear + 2 * config.hidden * config.vocabulary) + pair * (tokens * PREFIX + own);
    (prefix as f64, continuations as f64)
}

/// What shares are of, in operations a second: arithmetic on registers alone on a processor where it is known how to ask
/// for it, elsewhere the fastest of some large matrix products.
fn limit(device: &Device, dtype: DType) -> Result<(f64, &'static str), Box<dyn Error>> {
    let backend = Kernels::new(device, dtype)?.backend();
    let registers = device.is_cpu().then(|| registers::peak(backend, dtype)).flatten();
    match registers {
        Some(peak) => Ok((peak, "peak on registers alone")),
        None => Ok((product_peak(device, dtype)?, "large matrix product")),
    }
}

/// The fastest of some large matrix products of the kernels in `dtype`, in operations a second.
fn product_peak(device: &Device, dtype: DType) -> Result<f64, Box<dyn Error>> {
    let kernels = Kernels::new(device, dtype)?;
    let (rows, inputs, outputs) = if device.is_cpu() {
        (1536, 2048, 2048)
    } else {
        (8192, 8192, 8192)
    };
    let weight = Tensor::randn(0f32, 0.02, (outputs, inputs), &Device::Cpu)?;
    let layer = kernels.linear(Weight::Plain(weight), None)?;
    let x = Tensor::randn(0f32, 1., (rows, inputs), device)?.to_dtype(kernels.activation_dtype())?;
    let mut least = f64::INFINITY;
    for _ in 0..6 {
        let start = Instant::now();
        layer.forward(&x)?;
        device.synchronize()?;
        least = least.min(start.elapsed().as_secs_f64());
    }
    Ok(2. * (rows * inputs * outputs) as f64 / least)
}

/// What one run took, in seconds, and found.
struct Measured {
    seconds: f64,
    processor: f64,
    scores: Vec<Vec<TokenScore>>,
}

fn run(engine: &mut Engine, device: &Device, work: &Work) -> Result<Measured, Box<dyn Error>> {
    let before = processor_seconds();
    let start = Instant::now();
    let scores: Vec<ScoreRequest<'_>> = work
        .continuations
        .iter()
        .map(|continuation| ScoreRequest {
            context: &work.prefix,
            continuation,
        })
        .collect();
    let (scores, texts) = (&scores[..], &mut []);
    let answers = engine.answer(Batch { scores, texts })?;
    device.synchronize()?;
    Ok(Measured {
        seconds: start.elapsed().as_secs_f64(),
        processor: processor_seconds() - before,
        scores: answers.scores,
    })
}

/// Processor time of this process over its compute threads, where the system tells.
fn processor_seconds() -> f64 {
    let ticks = |text: String| -> Option<f64> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?)
    };
    let ticks = std::fs::read_to_string("/proc/self/stat")
        .ok()
        .and_then(ticks)
        .unwrap_or(f64::NAN);
    ticks / 100. / rayon::current_num_threads() as f64
}

fn main() -> Result<(), Box<dyn Error>> {
    tune_allocator();
    let options = Options::parse()?;
    let open = options.device.open()?;
    println!(
        "{} on {}, {} threads",
        options.model.display(),
        open.id,
        rayon::current_num_threads()
    );
    let start = Instant::now();
    let checkpoint = Checkpoint::open(&options.model)?;
    let opened = start.elapsed().as_secs_f64();
    let (work, tokenised) = Work::new(&checkpoint)?;
    let (prefix_flops, continuation_flops) = flops(&checkpoint.config);
    println!(
        "W: {PREFIX} + {CONTINUATIONS} x {CONTINUATION} tokens, {:.0} + {:.0} GFLOP; opened in {opened:.2} s, tokenised in {:.1} ms",
        prefix_flops / 1e9,
        continuation_flops / 1e9,
        tokenised * 1e3
    );
    println!(
        "\n{:<8}{:>6}{:>8}{:>9}{:>8}{:>10}{:>9}{:>11}{:>12}",
        "dtype", "rows", "load, s", "W, s", "CPU, s", "GFLOP/s", "of peak", "weights", "peak memory"
    );
    let mut all: Vec<(DType, Vec<f64>)> = Vec::new();
    for &dtype in &options.dtypes {
        let (before, of) = limit(&open.device, dtype)?;
        let mut lines = Vec::new();
        for &rows in &options.rows {
            let settings = EngineSettings {
                rows: Some(rows),
                ..EngineSettings::default()
            };
            let start = Instant::now();
            let (config, weights) = (&checkpoint.config, &checkpoint.weights);
            let mut engine = Engine::load(config, weights, &open.device, dtype, &settings)?;
            open.device.synchronize()?;
            let loaded = start.elapsed().as_secs_f64();
            let mut best = run(&mut engine, &open.device, &work)?;
            for _ in 1..options.repeat {
                let next = run(&mut engine, &open.device, &work)?;
                if next.seconds < best.seconds {
                    best = next;
                }
            }
            let rate = (prefix_flops + continuation_flops) / best.seconds;
            let (size, most) = (engine.info().size.bytes / 1_000_000, memory("VmHWM").unwrap_or(0));
            lines.push((rows, loaded, best.seconds, best.processor, rate, size, most));
            all.push((dtype, sums(&best.scores)));
        }
        // The machine may have been slower before than during the runs.
        let peak = before.max(limit(&open.device, dtype)?.0);
        for (rows, loaded, seconds, processor, rate, size, most) in lines {
            println!(
                "{:<8}{rows:>6}{loaded:>8.2}{seconds:>9.2}{processor:>8.2}{:>10.0}{:>8.0}%{size:>8} MB{most:>9} MB",
                format!("{dtype:?}").to_lowercase(),
                rate / 1e9,
                rate / peak * 100.,
            );
        }
        let backend = Kernels::new(&open.device, dtype)?.backend();
        println!("        {backend}, {of} in {dtype:?}: {:.0} GFLOP/s", peak / 1e9);
    }
    let of = |dtype| {
        all.iter()
            .rev()
            .find(|(found, _)| *found == dtype)
            .map(|(_, sums)| sums)
    };
    if let (Some(bf16), Some(f32)) = (of(DType::BF16), of(DType::F32)) {
        compare("bf16 against f32", bf16, f32);
        let settings = EngineSettings::default();
        let rounded = Arc::new(Rounded(Arc::clone(&checkpoint.weights))) as Arc<dyn WeightSource>;
        let mut engine = Engine::load(&checkpoint.config, &rounded, &open.device, DType::F32, &settings)?;
        let rounded = sums(&run(&mut engine, &open.device, &work)?.scores);
        compare("f32 with weights rounded to bf16 against f32", &rounded, f32);
        compare("bf16 against f32 with the same weights", bf16, &rounded);
    }
    if let Some(path) = &options.tokens {
        let all: serde_json::Map<_, _> = all
            .iter()
            .map(|(dtype, sums)| (format!("{dtype:?}").to_lowercase(), sums.as_slice().into()))
            .collect();
        let json = serde_json::json!({"prefix": work.prefix, "continuations": work.continuations, "sums": all});
        std::fs::write(path, json.to_string())?;
    }
    if options.peers {
        peer(&checkpoint, &work)?;
    }
    Ok(())
}

/// The sum of each continuation's log-probabilities, in nats.
fn sums(scores: &[Vec<TokenScore>]) -> Vec<f64> {
    let sum = |scores: &Vec<TokenScore>| scores.iter().map(|score| f64::from(score.logprob)).sum();
    scores.iter().map(sum).collect()
}

/// Prints how far two lists of sums are apart, and how often the best of three, as if these were the candidates of a
/// probe, is another.
fn compare(what: &str, first: &[f64], second: &[f64]) {
    let off = || first.iter().zip(second).map(|(a, b)| (a - b).abs());
    let best = |sums: &[f64]| (0..sums.len()).max_by(|&a, &b| sums[a].total_cmp(&sums[b]));
    let changed = first
        .chunks(3)
        .zip(second.chunks(3))
        .filter(|(a, b)| best(a) != best(b))
        .count();
    println!(
        "{what}: sums of {CONTINUATION} log-probabilities at most {:.4}, on average {:.4} nats apart; \
         {changed} of {} choices out of three change",
        off().fold(0., f64::max),
        off().sum::<f64>() / first.len() as f64,
        first.len() / 3
    );
}

/// A checkpoint with its weights rounded to bf16.
struct Rounded(Arc<dyn WeightSource>);

impl WeightSource for Rounded {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
        let rounded = self.0.get_plain(name, shape, DType::BF16)?;
        Ok(Weight::Plain(rounded))
    }
}

/// A line of /proc/self/status, in megabytes.
fn memory(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let value = status
        .lines()
        .find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
    Some(value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024 / 1_000_000)
}

/// candle-transformers' llama in f32: the prefix once, then each continuation with a copy of its cache, last logits only.
fn peer(checkpoint: &Checkpoint, work: &Work) -> Result<(), Box<dyn Error>> {
    let config = &checkpoint.config;
    let theirs = llama::Config {
        hidden_size: config.hidden,
        intermediate_size: config.intermediate,
        vocab_size: config.vocabulary,
        num_hidden_layers: config.layers,
        num_attention_heads: config.heads,
        num_key_value_heads: config.kv_heads,
        use_flash_attn: false,
        rms_norm_eps: config.norm_eps,
        rope_theta: config.rope_theta as f32,
        bos_token_id: None,
        eos_token_id: None,
        rope_scaling: None,
        max_position_embeddings: config.context,
        tie_word_embeddings: config.tied,
    };
    let mut tensors = std::collections::HashMap::new();
    let mut failed = None;
    indieval::model::checkpoint::for_each_tensor(config, |name, shape| {
        match checkpoint.weights.get_plain(name, shape, DType::F32) {
            Ok(tensor) => {
                tensors.insert(name.to_owned(), tensor);
            }
            Err(error) => failed = Some(error),
        }
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    let weights = candle_nn::VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    let model = llama::Llama::load(weights, &theirs)?;
    let start = Instant::now();
    let mut cache = llama::Cache::new(true, DType::F32, &theirs, &Device::Cpu)?;
    model.forward(
        &Tensor::new(work.prefix.as_slice(), &Device::Cpu)?.unsqueeze(0)?,
        0,
        &mut cache,
    )?;
    let prefix = start.elapsed().as_secs_f64();
    let start = Instant::now();
    for continuation in &work.continuations {
        let ids = Tensor::new(continuation.as_slice(), &Device::Cpu)?.unsqueeze(0)?;
        model.forward(&ids, PREFIX, &mut cache.clone())?;
    }
    let continuations = start.elapsed().as_secs_f64();
    println!(
        "candle-transformers llama, f32: prefix {prefix:.2} s, continuations {continuations:.2} s, W {:.2} s",
        prefix + continuations
    );
    Ok(())
}
