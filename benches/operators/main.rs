//! What each thing that layers of some families do otherwise than Llama's takes of W's time (benches/work_unit.rs): a model of
//! SmolLM2-135M's shape with random weights, as it is and with one of them at a time; or, with `--families`, of the shape of a
//! family that has it.
//!
//!     cargo bench --bench operators                         f32, all of them, five turns
//!     cargo bench --bench operators -- --dtype bf16         also f16
//!     cargo bench --bench operators -- --repeat 9 norm      more turns, of those whose names have "norm" in them
//!     cargo bench --bench operators -- --families           each on shapes of families that have it (families.rs)
//!
//! SmolLM2's is the harshest shape: what is done once a row weighs most where rows are short. Each model has a few of its layers
//! and as large a part of its vocabulary, so that the head's share is the real one's. In every turn each of them runs beside the
//! model that it is compared with, now before it and now behind it. Times are processor time over the number of threads, which
//! other work on the machine changes less than the clock's; `of plain` is the middle one of all turns' ratios, and `half within`
//! what the middle half of them are within: where that has 1 in it, nothing is told.

mod cases;
mod families;
#[path = "../../examples/shapes/mod.rs"]
mod shapes;

use candle_core::{DType, Device, Tensor};
use half::bf16;
use indieval::model::{
    Batch, Engine, EngineSettings, LanguageModel, LoadError, ScoreRequest, TokenId, Weight, WeightSource,
    kernels::{Kernels, tune_allocator},
};
use std::{error::Error, sync::Arc};

use crate::cases::Case;

const PREFIX: usize = 3500;
const CONTINUATIONS: usize = 87;
const CONTINUATION: usize = 15;
/// Numbers that are drawn; tensors repeat them, each from another place on.
const DRAWN: usize = (1 << 20) + 7;

/// Any tensor that is asked for: the same numbers, from another place on by its name.
struct Drawn(Vec<f32>);

impl WeightSource for Drawn {
    fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
        let start = name
            .bytes()
            .fold(17usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
        let middle = if name.ends_with("norm.weight") { 1. } else { 0. };
        let count = shape.iter().product();
        let mut numbers: Vec<f32> = Vec::with_capacity(count);
        let mut drawn = &self.0[start % DRAWN..];
        while numbers.len() < count {
            let more = drawn.iter().take(count - numbers.len());
            numbers.extend(more.map(|number| middle + number));
            drawn = &self.0;
        }
        let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu);
        tensor.map(Weight::Plain).map_err(|source| LoadError::Tensor {
            name: name.to_owned(),
            source,
        })
    }
}

/// Processor time of this process over its compute threads, in seconds.
fn processor_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a whole `timespec` of this function, which the call fills or leaves.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    (time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9) / rayon::current_num_threads() as f64
}

/// W's time with a model.
fn run(engine: &mut Engine, vocabulary: usize) -> Result<f64, Box<dyn Error>> {
    let token = |at: usize| ((at * 7919 + at / 13) % vocabulary) as TokenId;
    let tokens: Vec<TokenId> = (0..PREFIX + CONTINUATIONS * CONTINUATION).map(token).collect();
    let (context, rest) = tokens.split_at(PREFIX);
    let scores: Vec<ScoreRequest<'_>> = rest
        .chunks(CONTINUATION)
        .map(|continuation| ScoreRequest { context, continuation })
        .collect();
    let before = processor_seconds();
    let answers = engine.answer(Batch {
        scores: &scores,
        texts: &mut [],
    })?;
    let took = processor_seconds() - before;
    let all = answers.scores.iter().flatten();
    if all.clone().count() != CONTINUATIONS * CONTINUATION || all.clone().any(|score| !score.logprob.is_finite()) {
        return Err("a score is missing, or no number".into());
    }
    Ok(took)
}

fn main() -> Result<(), Box<dyn Error>> {
    tune_allocator();
    let (mut dtype, mut repeat, mut families, mut wanted) = (DType::F32, 5, false, String::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--bench" => {}
            "--repeat" => repeat = args.next().ok_or("--repeat wants a number")?.parse()?,
            "--dtype" => {
                dtype = match args.next().as_deref() {
                    Some("f32") => DType::F32,
                    Some("bf16") => DType::BF16,
                    Some("f16") => DType::F16,
                    other => return Err(format!("no such dtype: {other:?}").into()),
                }
            }
            "--families" => families = true,
            part => wanted = part.to_owned(),
        }
    }
    let groups = if families { families::groups() } else { cases::groups() };
    let cases = cases::chosen(groups?, &wanted);
    if cases.is_empty() {
        return Err(format!("no case has {wanted:?} in its name").into());
    }
    let weights = shapes::drawn(0., 0.05, DRAWN).into_iter().map(bf16::to_f32).collect();
    let weights = Arc::new(Drawn(weights)) as Arc<dyn WeightSource>;
    let settings = EngineSettings::default();
    let load = |case: &Case| Engine::load(&case.config, &weights, &Device::Cpu, dtype, &settings);
    let mut engines = cases.iter().map(load).collect::<Result<Vec<_>, _>>()?;
    let mut turns = vec![Vec::new(); cases.len()];
    for turn in 0..repeat {
        for (at, (case, turns)) in cases.iter().zip(&mut turns).enumerate() {
            let mut pair = [case.plain, at];
            let swapped = (turn + at) % 2 == 1;
            if swapped {
                pair.reverse();
            }
            let mut took = |at: usize| run(&mut engines[at], case.config.vocabulary);
            let [one, other] = [took(pair[0])?, took(pair[1])?];
            turns.push(if swapped { (other, one) } else { (one, other) });
        }
    }
    let backend = Kernels::new(&Device::Cpu, dtype)?.backend();
    println!(
        "{dtype:?}, {backend}, {} threads, {repeat} turns",
        rayon::current_num_threads()
    );
    println!("{:<36}{:>8}{:>10}{:>16}", "", "CPU, s", "of plain", "half within");
    for (case, turns) in cases.iter().zip(&turns) {
        let sorted = |mut numbers: Vec<f64>| {
            numbers.sort_by(f64::total_cmp);
            numbers
        };
        let own = sorted(turns.iter().map(|(_, own)| *own).collect());
        let ratios = sorted(turns.iter().map(|(plain, own)| own / plain).collect());
        let [low, middle, high] = [1, 2, 3].map(|quarter| ratios[(ratios.len() - 1) * quarter / 4]);
        let seconds = own[own.len() / 2];
        println!("{:<36}{seconds:>8.3}{middle:>10.3}{low:>9.3}-{high:.3}", case.name);
    }
    Ok(())
}
