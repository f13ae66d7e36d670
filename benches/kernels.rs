//! How fast the heavy operations are at the shapes of SmolLM2-135M, as shares of what this processor's arithmetic
//! units gave in the same run; and the work unit W (a 3,500-token prefix and 87 continuations of 15 tokens) put
//! together from them, layer by layer, with random weights.
//!
//!     cargo bench --bench kernels            f32 and bf16
//!     cargo bench --bench kernels -- bf16    one of them
//!     cargo bench --bench kernels -- avx2    another backend than the fastest
//!
//!     RAYON_NUM_THREADS=1 cargo bench --bench kernels -- bf16 busy
//!
//! Times are the least of several; other work on the machine makes them longer, never shorter. With `busy` they are
//! processor time divided by the number of threads, which other work disturbs little (but idle threads go unseen).

mod registers;

use candle_core::{DType, Device, Result, Tensor};
use indieval::model::{
    Activation, Backend, Pairing, Weight,
    kernels::{Kernels, KvLayer, Linear, NormLayer, NormRule, PAGE, Rotation, Segment, tune_allocator},
};
use std::{hint::black_box, sync::OnceLock, time::Duration};

const HIDDEN: usize = 576;
const INTERMEDIATE: usize = 1536;
const LAYERS: usize = 30;
const HEADS: usize = 9;
const KV_HEADS: usize = 3;
const HEAD_DIM: usize = 64;
const VOCABULARY: usize = 49_152;
const PREFIX: usize = 3500;
const CONTINUATIONS: usize = 87;
const CONTINUATION: usize = 15;
const CHUNK: usize = 512;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    tune_allocator();
    let words: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let said = |word: &str| words.iter().any(|said| said == word);
    // Of words that exclude each other, none said means all.
    let chosen = |word: &str, among: &[&str]| said(word) || !among.iter().any(|word| said(word));
    BUSY.get_or_init(|| said("busy"));
    println!("threads: {}", rayon::current_num_threads());
    for (name, dtype) in [("f32", DType::F32), ("bf16", DType::BF16)] {
        if !chosen(name, &["f32", "bf16"]) {
            continue;
        }
        let backend = Backend::ALL.into_iter().find(|backend| said(backend.name()));
        let backend = backend.or(Kernels::backends(dtype).first().copied());
        let kernels = Kernels::with(backend.unwrap_or(Backend::Candle), dtype)?;
        let peak = registers::peak(kernels.backend(), dtype);
        let known = peak.map_or("unknown".to_owned(), |peak| format!("{:.0} GFLOP/s", peak / 1e9));
        println!("\n{name}, {:?}; peak on registers alone {known}", kernels.backend());
        println!("{:<44}{:>10}{:>10}{:>8}", "", "ms", "GFLOP/s", "of peak");
        let bench = Bench {
            kernels,
            peak: peak.unwrap_or(f64::NAN),
        };
        let parts = ["linear", "attention", "head", "w"];
        for part in parts.into_iter().filter(|part| chosen(part, &parts)) {
            match part {
                "linear" => bench.linear()?,
                "attention" => bench.attention()?,
                "head" => bench.head()?,
                _ => bench.work_unit()?,
            }
        }
    }
    Ok(())
}

struct Bench {
    kernels: Kernels,
    /// Floating-point operations a second.
    peak: f64,
}

impl Bench {
    fn report(&self, name: &str, seconds: f64, flops: f64) {
        let (ms, rate, share) = (seconds * 1e3, flops / seconds / 1e9, flops / seconds / self.peak * 100.);
        println!("{name:<44}{ms:>10.3}{rate:>10.1}{share:>7.0}%");
    }

    fn linear(&self) -> Result<()> {
        for (name, inputs, outputs) in [
            ("qkv", HIDDEN, (HEADS + 2 * KV_HEADS) * HEAD_DIM),
            ("o", HIDDEN, HIDDEN),
            ("gate, up", HIDDEN, 2 * INTERMEDIATE),
            ("down", INTERMEDIATE, HIDDEN),
            ("8B: qkv", 4096, 6144),
            ("8B: down", 14336, 4096),
        ] {
            let layer = linear(&self.kernels, outputs, inputs)?;
            for rows in [1, 15, 39, 512, CONTINUATIONS * CONTINUATION] {
                let x = random(rows, inputs)?;
                let seconds = least(if rows * inputs < 200_000 { 40 } else { 6 }, || layer.forward(&x));
                let name = format!("{name} {rows} x {inputs} x {outputs}");
                self.report(&name, seconds, 2. * (rows * inputs * outputs) as f64);
            }
        }
        Ok(())
    }

    fn attention(&self) -> Result<()> {
        let scenes = [
            ("512 rows at depth 2,988", vec![chunk(PREFIX - CHUNK, CHUNK)]),
            ("512 rows at depth 0", vec![chunk(0, CHUNK)]),
            ("87 x 15 rows below 3,500", continuations(CONTINUATIONS, CONTINUATION)),
            ("39 x 1 rows below 3,500", continuations(39, 1)),
        ];
        let mut kv = self.kernels.kv(KV_HEADS, HEAD_DIM, PAGES)?;
        for segments in [vec![chunk(0, PREFIX)], continuations(CONTINUATIONS, CONTINUATION)] {
            let keys = random(
                segments.last().map_or(0, |segment| segment.rows.end),
                KV_HEADS * HEAD_DIM,
            )?;
            kv.write(&segments, &keys, &keys)?;
        }
        for (name, segments) in scenes {
            let rows = segments.last().map_or(0, |segment| segment.rows.end);
            let q = random(rows, HEADS * HEAD_DIM)?;
            let plan = self.kernels.plan(segments.clone(), None)?;
            let seconds = least(8, || self.kernels.attend(&kv, &q, &plan, 0.125));
            let flops = 4. * (pairs(&segments) * HEADS * HEAD_DIM) as f64;
            self.report(&format!("attention, {name}"), seconds, flops);
        }
        Ok(())
    }

    fn head(&self) -> Result<()> {
        let head = linear(&self.kernels, VOCABULARY, HIDDEN)?;
        let rows = CONTINUATIONS * (CONTINUATION - 1) + 1;
        let (hidden, targets) = (random(rows, HIDDEN)?, targets());
        let seconds = least(4, || head.token_scores(&hidden, &targets));
        let name = format!("head, {rows} rows, {} targets", targets.len());
        self.report(&name, seconds, 2. * (rows * HIDDEN * VOCABULARY) as f64);
        let last = random(39, HIDDEN)?;
        let seconds = least(8, || head.forward(&last));
        self.report(
            "head, 39 rows of logits",
            seconds,
            2. * (39 * HIDDEN * VOCABULARY) as f64,
        );
        Ok(())
    }

    fn work_unit(&self) -> Result<()> {
        const RUNS: usize = 3;
        let mut model = Model::new(&self.kernels)?;
        let hidden = random(CONTINUATIONS * (CONTINUATION - 1) + 1, HIDDEN)?;
        let mut best = [f64::INFINITY; 2];
        for _ in 0..RUNS {
            let times = model.work_unit(&hidden)?;
            for (best, time) in best.iter_mut().zip(times) {
                *best = best.min(time);
            }
        }
        let [layers, head] = best;
        self.report("W", best.iter().sum(), work_unit_flops());
        println!("    layers {layers:.2} s, head {head:.2} s; on average");
        for (name, seconds) in model.parts {
            println!("    {name:<16}{:>6.2} s", seconds / RUNS as f64);
        }
        Ok(())
    }
}

/// A decoder of random weights, just deep enough in its arithmetic to cost what a real one does.
struct Model {
    kernels: Kernels,
    layers: Vec<[Linear; 4]>,
    norm: NormLayer,
    head: Linear,
    /// Of one layer at a time.
    kv: KvLayer,
    parts: [(&'static str, f64); 8],
}

impl Model {
    fn new(kernels: &Kernels) -> Result<Self> {
        let layers = (0..LAYERS).map(|_| {
            Ok([
                linear(kernels, (HEADS + 2 * KV_HEADS) * HEAD_DIM, HIDDEN)?,
                linear(kernels, HIDDEN, HIDDEN)?,
                linear(kernels, 2 * INTERMEDIATE, HIDDEN)?,
                linear(kernels, HIDDEN, INTERMEDIATE)?,
            ])
        });
        let rule = NormRule {
            centred: false,
            eps: 1e-5,
        };
        Ok(Self {
            kernels: kernels.clone(),
            layers: layers.collect::<Result<_>>()?,
            norm: NormLayer::new(&Tensor::ones(HIDDEN, DType::F32, &Device::Cpu)?, None, rule)?,
            head: linear(kernels, VOCABULARY, HIDDEN)?,
            kv: kernels.kv(KV_HEADS, HEAD_DIM, PAGES)?,
            parts: [
                "norm",
                "qkv",
                "rope",
                "keys, values",
                "plan",
                "attention",
                "o",
                "gate, up, down",
            ]
            .map(|name| (name, 0.)),
        })
    }

    /// Takes passes through the layers, layer by layer.
    fn forward(&mut self, passes: &[(Vec<Segment>, Tensor)]) -> Result<()> {
        let mut mark = Clock::now();
        let parts = &mut self.parts;
        let mut lap = |part: usize| {
            parts[part].1 += mark.elapsed().as_secs_f64();
            mark = Clock::now();
        };
        let mut ready = Vec::new();
        for (segments, x) in passes {
            let angles = random(x.dim(0)?, HEAD_DIM / 2)?;
            let plan = self.kernels.plan(segments.clone(), None)?;
            ready.push((plan, angles.cos()?, angles.sin()?, x.clone()));
        }
        lap(4);
        let (q, kv) = (HEADS * HEAD_DIM, KV_HEADS * HEAD_DIM);
        for [qkv, o, gate_up, down] in &self.layers {
            for (plan, cos, sin, x) in &mut ready {
                let normed = self.kernels.norm(x, &self.norm)?;
                lap(0);
                let fused = qkv.forward(&normed)?;
                lap(1);
                let rotation = Rotation {
                    cos,
                    sin,
                    head_dim: HEAD_DIM,
                    pairing: Pairing::Halves,
                };
                let queries = self.kernels.turn(&fused.narrow(1, 0, q)?, &rotation)?;
                let keys = self.kernels.turn(&fused.narrow(1, q, kv)?, &rotation)?;
                lap(2);
                self.kv.write(plan.segments(), &keys, &fused.narrow(1, q + kv, kv)?)?;
                lap(3);
                let seen = self.kernels.attend(&self.kv, &queries, plan, 0.125)?;
                lap(5);
                let between = o.forward_add(&seen, x)?;
                lap(6);
                let normed = self.kernels.norm(&between, &self.norm)?;
                lap(0);
                *x = self
                    .kernels
                    .feed_forward(&normed, gate_up, Activation::Silu, down, &between)?;
                lap(7);
            }
        }
        for (.., x) in &ready {
            black_box(self.kernels.norm(x, &self.norm)?);
        }
        Ok(())
    }

    /// Seconds for the layers, and for the head.
    fn work_unit(&mut self, hidden: &Tensor) -> Result<[f64; 2]> {
        let mut passes = Vec::new();
        for at in (0..PREFIX).step_by(CHUNK) {
            let rows = CHUNK.min(PREFIX - at);
            passes.push((vec![chunk(at, rows)], random(rows, HIDDEN)?));
        }
        let x = random(CONTINUATIONS * CONTINUATION, HIDDEN)?;
        passes.push((continuations(CONTINUATIONS, CONTINUATION), x));
        let start = Clock::now();
        self.forward(&passes)?;
        let layers = start.elapsed().as_secs_f64();
        let start = Clock::now();
        black_box(self.head.token_scores(hidden, &targets())?);
        Ok([layers, start.elapsed().as_secs_f64()])
    }
}

static BUSY: OnceLock<bool> = OnceLock::new();

/// A moment on the wall's clock, or on that of the processor time this program has used.
struct Clock(Duration);

impl Clock {
    fn now() -> Self {
        let processor = BUSY.get().is_some_and(|&busy| busy);
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let clock = if processor {
            libc::CLOCK_PROCESS_CPUTIME_ID
        } else {
            libc::CLOCK_MONOTONIC
        };
        // SAFETY: `time` is a timespec to be written; both clocks exist on every system this runs on.
        unsafe { libc::clock_gettime(clock, &mut time) };
        let threads = if processor {
            rayon::current_num_threads() as u32
        } else {
            1
        };
        Self(Duration::new(time.tv_sec as u64, time.tv_nsec as u32) / threads)
    }

    fn elapsed(&self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }
}

/// The last row of the prefix predicts each continuation's first token, all other rows their successors.
fn targets() -> Vec<(usize, u32)> {
    (0..CONTINUATIONS * CONTINUATION)
        .map(|i| {
            let (branch, token) = (i / CONTINUATION, i % CONTINUATION);
            let row = if token == 0 {
                0
            } else {
                1 + branch * (CONTINUATION - 1) + token - 1
            };
            (row, (i * 7919 % VOCABULARY) as u32)
        })
        .collect()
}

/// Pages of the prefix, and one for each continuation, which begins within the last of them.
const PAGES: usize = PREFIX.div_ceil(PAGE) + CONTINUATIONS;

fn chunk(depth: usize, rows: usize) -> Segment {
    Segment {
        rows: 0..rows,
        position: depth,
        pages: (0..PREFIX.div_ceil(PAGE) as u32).collect(),
        copied: None,
    }
}

fn continuations(count: usize, len: usize) -> Vec<Segment> {
    let whole = (PREFIX / PAGE) as u32;
    let segment = |i: usize| Segment {
        rows: i * len..(i + 1) * len,
        position: PREFIX,
        pages: (0..whole).chain([whole + 1 + i as u32]).collect(),
        copied: Some(whole),
    };
    (0..count).map(segment).collect()
}

/// Pairs of a row and a key it sees.
fn pairs(segments: &[Segment]) -> usize {
    let sees = |segment: &Segment| {
        let (rows, depth) = (segment.rows.len(), segment.position);
        rows * depth + rows * (rows + 1) / 2
    };
    segments.iter().map(sees).sum()
}

fn work_unit_flops() -> f64 {
    let rows = PREFIX + CONTINUATIONS * CONTINUATION;
    let layer = HIDDEN * (HEADS + 2 * KV_HEADS) * HEAD_DIM + HIDDEN * HIDDEN + 3 * HIDDEN * INTERMEDIATE;
    let seen = pairs(&[chunk(0, PREFIX)]) + pairs(&continuations(CONTINUATIONS, CONTINUATION));
    let head = (CONTINUATIONS * (CONTINUATION - 1) + 1) * HIDDEN * VOCABULARY;
    (2 * LAYERS * rows * layer + 4 * LAYERS * seen * HEADS * HEAD_DIM + 2 * head) as f64
}

fn linear(kernels: &Kernels, outputs: usize, inputs: usize) -> Result<Linear> {
    let weight = (random(outputs, inputs)? * (3. / inputs as f64).sqrt())?;
    kernels.linear(Weight::Plain(weight), None)
}

/// Numbers spread evenly over ±1.
fn random(rows: usize, columns: usize) -> Result<Tensor> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.
    };
    let numbers: Vec<f32> = (0..rows * columns).map(|_| next()).collect();
    Tensor::from_vec(numbers, (rows, columns), &Device::Cpu)
}

/// The least time of several runs, in seconds.
fn least<T>(runs: usize, mut run: impl FnMut() -> T) -> f64 {
    let once = |run: &mut dyn FnMut() -> T| {
        let start = Clock::now();
        black_box(run());
        start.elapsed().as_secs_f64()
    };
    (0..runs + 1).map(|_| once(&mut run)).fold(f64::INFINITY, f64::min)
}
