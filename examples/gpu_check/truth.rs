//! Whether numbers are right.

use super::{
    Check, Model,
    table::{Findings, message},
    work::{Work, WorkSize, score},
};
use candle_core::{DType, Device, Tensor};
use indieval::model::{
    Attempt, Batch, Checkpoint, Decoding, Engine, EngineSettings, Generation, LanguageModel, ModelConfig, TextRequest,
    TokenId, TokenScore, Weight,
    kernels::{Kernels, checks::cuda::checks},
};
use std::{
    collections::BTreeMap,
    error::Error,
    panic::catch_unwind,
    path::{Path, PathBuf},
    process::Command,
};

/// Most that a logit may be off (as in tests/it/golden.rs): sums of a few hundred products in another order.
const LOGITS: f32 = 1e-4;
/// Most that a log-probability in bf16 may be off one in f32 with the same weights, in nats, where logits differ by several.
const HALF: f32 = 0.25;

/// What computes, and with which libraries.
pub fn card(check: &Check, findings: &mut Findings) -> Result<(), Box<dyn Error>> {
    if !check.real {
        findings.note("device", "the CPU: only whether this check works is checked");
        return Ok(());
    }
    let asked = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"];
    let said = Command::new("nvidia-smi").args(asked).output()?;
    findings.note(
        "device",
        String::from_utf8_lossy(&said.stdout).trim().replace('\n', "; "),
    );
    for library in ["libcublas.so", "libcublasLt.so", "libcurand.so", "libnvrtc.so"] {
        let maps = std::fs::read_to_string("/proc/self/maps")?;
        let path = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
        let path = path.filter(|path| path.contains(library)).map(PathBuf::from).next();
        let path = path.map(|path| path.canonicalize().unwrap_or(path).display().to_string());
        findings.check(
            library,
            path.as_deref().unwrap_or("not found"),
            "opened",
            path.is_some(),
        );
    }
    Ok(())
}

/// Our own kernels against plain arithmetic in f64.
pub fn kernels(check: &Check, findings: &mut Findings) -> Result<(), Box<dyn Error>> {
    for (about, run) in checks(&check.device) {
        let wrong = catch_unwind(run).err().map(|panic| message(&*panic));
        let found = wrong.as_deref().unwrap_or("as in f64, within their rounding");
        findings.check(about, found, "right", wrong.is_none());
    }
    Ok(())
}

/// Tiny models of every family in f32 against transformers, in passes of 16 tokens and in one.
pub fn golden(check: &Check, findings: &mut Findings) -> Result<(), Box<dyn Error>> {
    let root = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let mut folders: Vec<PathBuf> = std::fs::read_dir(Path::new(&root).join("tests/golden"))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    folders.retain(|folder| folder.join("golden.safetensors").exists());
    folders.sort();
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match distance(check, &folder) {
            Ok(off) => findings.check(
                name,
                format!("{off:.1e} off"),
                format!("at most {LOGITS:.0e}"),
                off <= LOGITS,
            ),
            Err(error) => findings.check(name, error.to_string(), "no error", false),
        }
    }
    Ok(())
}

/// How far a model's logits are from those that transformers found.
fn distance(check: &Check, folder: &Path) -> Result<f32, Box<dyn Error>> {
    let checkpoint = Checkpoint::open(folder)?;
    let golden = candle_core::safetensors::load(folder.join("golden.safetensors"), &Device::Cpu)?;
    let lengths: Vec<&str> = golden.keys().filter_map(|name| name.strip_prefix("logits.")).collect();
    let mut config = checkpoint.config.clone();
    // What no name that these files have says (tests/it/golden.rs).
    config.design.qk_norm_after_rope |= folder.ends_with("late-qk-norm-f32");
    let mut most = 0f32;
    for rows in [Some(16), None] {
        let settings = EngineSettings {
            rows,
            ..EngineSettings::default()
        };
        let mut engine = Engine::load(&config, &checkpoint.weights, &check.device, DType::F32, &settings)?;
        for length in &lengths {
            let ids = golden[&format!("ids.{length}")].to_vec1::<u32>()?;
            let logits = engine.logits(&ids)?.to_device(&Device::Cpu)?;
            let off = (logits - &golden[&format!("logits.{length}")])?.abs()?.max_all()?;
            let off = off.to_scalar::<f32>()?;
            // A number that is none is as far off as can be.
            most = if off.is_nan() { f32::INFINITY } else { most.max(off) };
        }
    }
    Ok(most)
}

/// A model whose heads our own attention is for, in bf16 on the device and in f32 on the CPU.
pub fn half(check: &Check, findings: &mut Findings) -> Result<(), Box<dyn Error>> {
    let model = Model::new("tiny", Some(4))?;
    let size = WorkSize {
        prefix: 700,
        continuations: 12,
        tokens: 9,
    };
    let work = Work::new(size, 2, model.config.vocabulary);
    let settings = EngineSettings {
        rows: Some(300),
        ..EngineSettings::default()
    };
    let mut engine = Engine::load(&model.config, &model.weights, &Device::Cpu, DType::F32, &settings)?;
    let (exact, _) = score(&mut engine, &Device::Cpu, &work.requests())?;
    let (found, _) = score(&mut model.engine(check, &settings)?, &check.device, &work.requests())?;
    let pairs = || exact.iter().flatten().zip(found.iter().flatten());
    let off: Vec<f32> = pairs().map(|(a, b)| (a.logprob - b.logprob).abs()).collect();
    let most = off.iter().fold(
        0f32,
        |most, &off| if off.is_nan() { f32::INFINITY } else { most.max(off) },
    );
    let mean = off.iter().sum::<f32>() / off.len() as f32;
    let spread = pairs()
        .map(|(a, _)| a.logprob)
        .fold((f32::MAX, f32::MIN), |(low, high), x| (low.min(x), high.max(x)));
    findings.check(
        format!("{} log-probabilities of {:.1} to {:.1}", off.len(), spread.0, spread.1),
        format!("{most:.3} nats off at most, {mean:.4} on average"),
        format!("at most {HALF}"),
        most <= HALF,
    );
    Ok(())
}

/// Whether what else is computed shows in scores or texts. A model of few layers as wide as a real one, since what cuBLAS does
/// follows from sizes.
pub fn bits(check: &Check, findings: &mut Findings) -> Result<(), Box<dyn Error>> {
    let model = Model::new(check.shape("llama-3.1-8b"), Some(2))?;
    let size = WorkSize {
        prefix: check.size(1500, 120),
        continuations: 30,
        tokens: 12,
    };
    let people = 3;
    let work = Work::new(size, people, model.config.vocabulary);
    let requests = work.requests();
    let of_person = |person: usize| &requests[person * size.continuations..(person + 1) * size.continuations];
    let mut engine = model.engine(check, &EngineSettings::default())?;
    let (all, _) = score(&mut engine, &check.device, &requests)?;
    let mut compare = |what: String, found: &[Vec<TokenScore>], expected: &[Vec<TokenScore>]| {
        let pairs = found.iter().flatten().zip(expected.iter().flatten());
        let differ: Vec<f32> = pairs
            .map(|(a, b)| (a.logprob - b.logprob).abs())
            .filter(|&off| off != 0.)
            .collect();
        let (differing, count) = (differ.len(), expected.iter().map(Vec::len).sum::<usize>());
        let most = differ.iter().copied().fold(0., f32::max);
        let found = match differing {
            0 => format!("{count} scores are the same bits"),
            _ => format!("{differing} of {count} scores differ, by {most:.1e} at most"),
        };
        findings.check(what, found, "all the same", differing == 0);
    };
    let (again, _) = score(&mut engine, &check.device, &requests)?;
    compare("once more".to_owned(), &again, &all);
    for person in 0..people {
        let (alone, _) = score(&mut engine, &check.device, of_person(person))?;
        compare(
            format!("person {} alone", person + 1),
            &alone,
            &all[person * size.continuations..][..size.continuations],
        );
    }
    for at in [0, 47] {
        let (alone, _) = score(&mut engine, &check.device, &requests[at..=at])?;
        compare(format!("continuation {} alone", at + 1), &alone, &all[at..=at]);
    }
    for rows in [100, 512, 1000, 2048] {
        engine = engine.with_rows(check.size(rows, rows / 10));
        let (found, _) = score(&mut engine, &check.device, &requests)?;
        compare(format!("in passes of {}", check.size(rows, rows / 10)), &found, &all);
    }
    drop(engine);
    few_rows(check, &model.config, findings)?;
    texts(check, &model, &work, findings)
}

/// Products of every small number of rows, beside those of many.
fn few_rows(check: &Check, config: &ModelConfig, findings: &mut Findings) -> Result<(), Box<dyn Error>> {
    let kernels = Kernels::new(&check.device, DType::BF16)?;
    let heads = (config.heads + 2 * config.kv_heads) * config.head_dim;
    let shapes = [
        (config.hidden, heads),
        (config.heads * config.head_dim, config.hidden),
        (config.hidden, 2 * config.intermediate),
        (config.intermediate, config.hidden),
    ];
    let numbers = |x: Tensor| -> candle_core::Result<Vec<f32>> { x.to_dtype(DType::F32)?.flatten_all()?.to_vec1() };
    let mut differ: Vec<String> = Vec::new();
    for (inputs, outputs) in shapes {
        let weight = (random(check, outputs, inputs)? * 0.02)?.to_device(&Device::Cpu)?;
        let layer = kernels.linear(Weight::Plain(weight), None)?;
        let x = random(check, check.size(2048, 64), inputs)?.to_dtype(kernels.activation_dtype())?;
        let many = layer.forward(&x)?;
        for rows in (1..=40).chain([64, 100, 200, 500, 1000]) {
            let rows = rows.min(x.dim(0)?);
            let few = layer.forward(&x.narrow(0, 0, rows)?)?;
            if numbers(few)? != numbers(many.narrow(0, 0, rows)?)? {
                differ.push(format!("{rows} of {inputs} to {outputs}"));
            }
        }
    }
    let found = match differ.as_slice() {
        [] => "the same bits as of many".to_owned(),
        some => format!("{} differ: {}", some.len(), some[..some.len().min(6)].join(", ")),
    };
    findings.check("products of 1 to 1000 rows", found, "the same bits", differ.is_empty());
    Ok(())
}

/// A greedy text.
struct Text<'a> {
    prompt: &'a [TokenId],
    max_tokens: usize,
    begun: bool,
    written: Option<Generation>,
}

impl TextRequest for Text<'_> {
    fn prompt(&self) -> &[TokenId] {
        self.prompt
    }

    fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    fn begin(&mut self) -> Option<Attempt> {
        let decoding = Decoding {
            temperature: 0.,
            top_p: 1.,
            stop: Vec::new(),
        };
        let attempt = Attempt {
            constraint: None,
            seed: 0,
            decoding,
        };
        (!std::mem::replace(&mut self.begun, true)).then_some(attempt)
    }

    fn finish(&mut self, generation: Generation) {
        self.written = Some(generation);
    }
}

/// What is written below some prompts.
pub fn write(
    engine: &mut Engine,
    prompts: &[&[TokenId]],
    max_tokens: usize,
) -> Result<Vec<Generation>, Box<dyn Error>> {
    let text = |prompt: &&'_ [TokenId]| -> (Vec<TokenId>, usize) { (prompt.to_vec(), max_tokens) };
    let held: Vec<_> = prompts.iter().map(text).collect();
    let mut texts: Vec<Text<'_>> = held
        .iter()
        .map(|(prompt, max_tokens)| Text {
            prompt,
            max_tokens: *max_tokens,
            begun: false,
            written: None,
        })
        .collect();
    let mut asked: Vec<&mut dyn TextRequest> = texts.iter_mut().map(|text| text as &mut dyn TextRequest).collect();
    let batch = Batch {
        scores: &[],
        texts: &mut asked,
    };
    engine.answer(batch)?;
    drop(asked);
    texts
        .into_iter()
        .map(|text| text.written.ok_or_else(|| "a text was not written".into()))
        .collect()
}

/// Texts alone and beside others.
fn texts(check: &Check, model: &Model, work: &Work, findings: &mut Findings) -> Result<(), Box<dyn Error>> {
    let mut engine = model.engine(check, &EngineSettings::default())?;
    let mut prompts: Vec<&[TokenId]> = work.prefixes().collect();
    let shorter: Vec<&[TokenId]> = prompts.iter().map(|prompt| &prompt[..prompt.len() - 40]).collect();
    prompts.extend(shorter);
    let together = write(&mut engine, &prompts, 12)?;
    let mut differ: BTreeMap<&str, usize> = BTreeMap::new();
    for (prompt, beside) in prompts.iter().zip(&together) {
        let alone = write(&mut engine, &[prompt], 12)?;
        *differ.entry("tokens").or_default() += usize::from(alone[0].tokens != beside.tokens);
        *differ.entry("bits").or_default() += usize::from(alone[0].logprobs != beside.logprobs);
    }
    let found = format!(
        "{} of {} differ, {} in bits",
        differ["tokens"],
        prompts.len(),
        differ["bits"]
    );
    findings.check(
        "texts of 12 tokens, each alone",
        found,
        "none",
        differ.values().all(|&count| count == 0),
    );
    Ok(())
}

/// A matrix of random numbers on the device.
pub fn random(check: &Check, rows: usize, columns: usize) -> candle_core::Result<Tensor> {
    Tensor::randn(0f32, 1., (rows, columns), &Device::Cpu)?
        .to_dtype(DType::BF16)?
        .to_device(&check.device)
}
