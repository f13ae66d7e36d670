//! How fast it is.

use super::{
    Check, Model,
    table::Findings,
    truth::{random, write},
    work::{W, Work, best_of, score},
};
use candle_core::{DType, Device, Tensor};
use indieval::model::{EngineSettings, TokenId, Weight, kernels::Kernels};
use std::{error::Error, process::Command, sync::OnceLock, time::Instant};

/// Goals on an H100: W's share of the matrix peak, that of a mixture, and a run of 800 people and three splits.
const SHARE: f64 = 0.65;
const SHARE_OF_MIXTURE: f64 = 0.45;
const MINUTES: f64 = 6.;
const PEOPLE_AND_SPLITS: f64 = 2400.;
/// Of a batch's speed with weights in place, that with weights read layer by layer.
const STREAMED: f64 = 0.9;

/// Floating-point operations a second of a large product, measured once.
static PEAK: OnceLock<f64> = OnceLock::new();

/// What shares are of.
fn peak_of(check: &Check) -> Result<f64, Box<dyn Error>> {
    if let Some(&peak) = PEAK.get() {
        return Ok(peak);
    }
    let side = check.size(8192, 512);
    let kernels = Kernels::new(&check.device, DType::BF16)?;
    let weight = Tensor::randn(0f32, 0.02, (side, side), &Device::Cpu)?;
    let layer = kernels.linear(Weight::Plain(weight), None)?;
    let x = random(check, side, side)?.to_dtype(kernels.activation_dtype())?;
    let mut least = f64::INFINITY;
    for _ in 0..12 {
        check.device.synchronize()?;
        let begun = Instant::now();
        layer.forward(&x)?;
        check.device.synchronize()?;
        least = least.min(begun.elapsed().as_secs_f64());
    }
    let peak = 2. * (side * side * side) as f64 / least;
    Ok(*PEAK.get_or_init(|| peak))
}

/// A product and attention of torch's beside ours.
const TORCH: &str = "
import torch, time
from torch.nn.attention import sdpa_kernel, SDPBackend
def best(f):
    for _ in range(3): f()
    least = 1e9
    for _ in range(10):
        torch.cuda.synchronize(); t = time.perf_counter(); f(); torch.cuda.synchronize()
        least = min(least, time.perf_counter() - t)
    return least
a, b = (torch.randn(8192, 8192, device='cuda', dtype=torch.bfloat16) for _ in range(2))
print(f'product of 8192 rows|{2 * 8192**3 / best(lambda: a @ b.t()) / 1e12:.0f} TFLOP/s')
q = torch.randn(1, 32, 3500, 128, device='cuda', dtype=torch.bfloat16)
k, v = (torch.randn(1, 8, 3500, 128, device='cuda', dtype=torch.bfloat16) for _ in range(2))
for name in ('FLASH_ATTENTION', 'CUDNN_ATTENTION'):
    with sdpa_kernel(getattr(SDPBackend, name)):
        t = best(lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True))
    print(f'prefix by {name}|{t * 1e3:.3f} ms, {4 * 32 * 128 * 3500 * 3501 / 2 / t / 1e12:.0f} TFLOP/s')
";

/// The matrix peak, and torch's figures where torch is there.
pub fn peak(check: &Check, findings: &mut Findings) -> Result<(), Box<dyn Error>> {
    let side = check.size(8192, 512);
    findings.note(
        format!("product of {side} rows"),
        format!("{:.0} TFLOP/s", peak_of(check)? / 1e12),
    );
    for (what, rows, position) in [
        ("prefix", W.prefix, 0),
        ("continuations", W.continuations * 14, W.prefix),
    ] {
        attention(check, findings, what, (check.size(rows, 64), check.size(position, 32)))?;
    }
    if check.real {
        let said = Command::new("python3").args(["-c", TORCH]).output();
        let lines = said
            .map(|said| String::from_utf8_lossy(&said.stdout).into_owned())
            .unwrap_or_default();
        for (what, found) in lines.lines().filter_map(|line| line.split_once('|')) {
            findings.note(format!("torch: {what}"), found);
        }
        if lines.is_empty() {
            findings.note("torch", "not there");
        }
    }
    Ok(())
}

/// Our attention at W's shape: one segment of rows from a position on.
fn attention(
    check: &Check,
    findings: &mut Findings,
    what: &str,
    (rows, position): (usize, usize),
) -> Result<(), Box<dyn Error>> {
    use indieval::model::kernels::{PAGE, Segment};
    let (heads, kv_heads, head_dim) = (32, 8, 128);
    let kernels = Kernels::new(&check.device, DType::BF16)?;
    // Continuations of 14 below the prefix; their keys before it are zeros, which are as much work.
    let each = if position == 0 { rows } else { 14.min(rows) };
    let pages = (position + each).div_ceil(PAGE) as u32;
    let segments: Vec<Segment> = (0..rows / each)
        .map(|number| Segment {
            rows: number * each..(number + 1) * each,
            position,
            pages: (0..pages).collect(),
            copied: None,
        })
        .collect();
    let rows = segments.len() * each;
    let kv = kernels.kv(kv_heads, head_dim, pages as usize)?;
    let plan = kernels.plan(segments, None)?;
    let queries = random(check, rows, heads * head_dim)?.to_dtype(kernels.activation_dtype())?;
    let mut least = f64::INFINITY;
    for _ in 0..8 {
        check.device.synchronize()?;
        let begun = Instant::now();
        kernels.attend(&kv, &queries, &plan, 1. / (head_dim as f32).sqrt())?;
        check.device.synchronize()?;
        least = least.min(begun.elapsed().as_secs_f64());
    }
    let pairs = rows / each * (each * position + each * (each + 1) / 2);
    let rate = 4. * (heads * head_dim * pairs) as f64 / least;
    findings.note(
        format!("attention, {what}"),
        format!("{:.3} ms, {:.0} TFLOP/s", least * 1e3, rate / 1e12),
    );
    Ok(())
}

/// W with weights in place: one person in passes of several sizes, and several people at once; and texts.
pub fn work(check: &Check, findings: &mut Findings) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let model = Model::new(check.shape("llama-3.1-8b"), None)?;
    let drawn = begun.elapsed().as_secs_f64();
    let mut engine = model.engine(check, &EngineSettings::default())?;
    let loaded = begun.elapsed().as_secs_f64() - drawn;
    let size = engine.info().size;
    findings.note(
        format!("{}, bf16", check.shape("llama-3.1-8b")),
        format!("{:.1} GB, put in place in {loaded:.1} s", size.bytes as f64 / 1e9),
    );
    let flops = check.work().flops(&model.config);
    let share = |seconds: f64| -> Result<f64, Box<dyn Error>> { Ok(flops / seconds / peak_of(check)?) };
    let one = Work::new(check.work(), 1, model.config.vocabulary);
    let mut best = f64::INFINITY;
    for rows in [1024, 2048, 4096, 8192] {
        engine = engine.with_rows(check.size(rows, rows / 32));
        let seconds = best_of(3, &mut engine, &check.device, &one.requests())?;
        best = best.min(seconds);
        findings.note(
            format!("W, passes of {}", check.size(rows, rows / 32)),
            format!(
                "{:.1} ms, {:.0} % of the product",
                seconds * 1e3,
                share(seconds)? * 100.
            ),
        );
    }
    let share_of_best = share(best)?;
    findings.goal(
        check.real,
        "W, the best of them",
        format!(
            "{:.0} TFLOP/s, {:.1} % of the product",
            flops / best / 1e12,
            share_of_best * 100.
        ),
        format!("at least {:.0} %", SHARE * 100.),
        share_of_best >= SHARE,
    );
    engine = engine.with_rows(EngineSettings::default().rows_on(&check.device));
    let people = check.size(16, 3);
    let several = Work::new(check.work(), people, model.config.vocabulary);
    let seconds = best_of(1, &mut engine, &check.device, &several.requests())? / people as f64;
    let minutes = (PEOPLE_AND_SPLITS * seconds + loaded) / 60.;
    findings.goal(
        check.real,
        format!("{people} people at once, each"),
        format!(
            "{:.1} ms, {:.1} %; 2,400 take {minutes:.1} min",
            seconds * 1e3,
            share(seconds)? * 100.
        ),
        format!("{MINUTES} min at most"),
        minutes <= MINUTES,
    );
    let prefix = one.prefixes().next().unwrap_or_default();
    let prompts: Vec<&[TokenId]> = (0..64).map(|n| &prefix[..prefix.len() - n]).collect();
    let (few, many) = (4, 36);
    let mut seconds = |tokens| -> Result<f64, Box<dyn Error>> {
        let begun = Instant::now();
        write(&mut engine, &prompts, tokens)?;
        Ok(begun.elapsed().as_secs_f64())
    };
    seconds(few)?;
    let step = (seconds(many)? - seconds(few)?) / (many - few) as f64;
    findings.note(
        "64 texts at once, a step",
        format!("{:.1} ms, {:.0} tokens a second", step * 1e3, 64. / step),
    );
    Ok(())
}

/// W of several people with weights in place, and read for the batch.
pub fn streamed(check: &Check, findings: &mut Findings) -> Result<(), Box<dyn Error>> {
    let (shape, memory) = match check.real {
        true => ("llama-3.1-8b", 14 << 30),
        false => ("narrow", 12 << 20),
    };
    let model = Model::new(shape, None)?;
    let people = check.size(40, 2);
    let work = Work::new(check.work(), people, model.config.vocabulary);
    let requests = work.requests();
    let (mut seconds, mut scores) = (Vec::new(), Vec::new());
    for memory in [None, Some(memory)] {
        let settings = EngineSettings {
            memory,
            ..EngineSettings::default()
        };
        let mut engine = model.engine(check, &settings)?;
        let resident = engine.info().resident;
        let held = if resident { "in place" } else { "read for each batch" };
        score(&mut engine, &check.device, &requests[..check.work().continuations])?;
        let (found, took) = score(&mut engine, &check.device, &requests)?;
        findings.check(
            format!("{people} people, weights {held}"),
            format!("{took:.2} s, {:.1} ms each", took * 1e3 / people as f64),
            "each way once",
            resident == memory.is_none(),
        );
        seconds.push(took);
        scores.push(found);
    }
    let ratio = seconds[0] / seconds[1];
    findings.goal(
        check.real,
        "streamed against resident",
        format!("{:.0} % of its speed", ratio * 100.),
        format!("at least {:.0} %", STREAMED * 100.),
        ratio >= STREAMED,
    );
    let same = scores[0] == scores[1];
    findings.check(
        "scores",
        if same { "the same bits" } else { "differ" },
        "the same bits",
        same,
    );
    Ok(())
}

/// W of several people of a model that no single card holds.
pub fn large(check: &Check, findings: &mut Findings) -> Result<(), Box<dyn Error>> {
    let shape = if check.real { "qwen2-72b" } else { "narrow" };
    let model = Model::new(shape, None)?;
    let settings = EngineSettings {
        memory: (!check.real).then_some(12 << 20),
        ..EngineSettings::default()
    };
    let mut engine = model.engine(check, &settings)?;
    let people = check.size(16, 2);
    let work = Work::new(check.work(), people, model.config.vocabulary);
    let (_, took) = score(&mut engine, &check.device, &work.requests())?;
    let share = check.work().flops(&model.config) * people as f64 / took / peak_of(check)?;
    findings.check(
        format!("W of {shape}, {} layers, {people} people", model.config.layers),
        format!("{took:.1} s, {:.1} % of the product", share * 100.),
        "weights read for the batch",
        !engine.info().resident,
    );
    Ok(())
}

/// W of a mixture of experts with some of its layers.
pub fn experts(check: &Check, findings: &mut Findings) -> Result<(), Box<dyn Error>> {
    let shape = check.shape("mixtral-8x7b");
    let model = Model::new(shape, Some(check.size(8, 2)))?;
    let mut engine = model.engine(check, &EngineSettings::default())?;
    let people = check.size(4, 1);
    let work = Work::new(check.work(), people, model.config.vocabulary);
    let seconds = best_of(2, &mut engine, &check.device, &work.requests())? / people as f64;
    let share = check.work().flops(&model.config) / seconds / peak_of(check)?;
    findings.goal(
        check.real,
        format!("W of {shape}, {} layers", model.config.layers),
        format!("{:.1} ms, {:.1} % of the product", seconds * 1e3, share * 100.),
        format!("at least {:.0} %", SHARE_OF_MIXTURE * 100.),
        share >= SHARE_OF_MIXTURE,
    );
    Ok(())
}
