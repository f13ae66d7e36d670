//! Does the engine compute what it should on this GPU, and how fast? One table.
//!
//!     cargo run --release --features cuda,checks --example gpu_check
//!     cargo run --release --features checks --example gpu_check -- --cpu
//!     ... --only kernels,bits           some of the parts
//!     ... --device cuda:1
//!
//! Parts: card, kernels (our own against f64 arithmetic), golden (transformers' logits of every family), half (bf16 against
//! f32), bits (scores in other company), peak, work (W of Llama-3.1-8B's shape, from weights made in memory), streamed,
//! experts, large (Qwen2-72B's shape, which no card of 80 GB holds). With --cpu all of them with small models, to see whether the check itself works. All parts run whatever fails;
//! the exit status tells whether all is as it should be. scripts/gpu-check.sh builds and starts it.

#[path = "../shapes/mod.rs"]
mod shapes;
mod speed;
mod table;
mod truth;
mod weights;
mod work;

use candle_core::Device;
use indieval::model::{
    DeviceChoice, DeviceId, Engine, EngineSettings, ModelConfig, WeightSource, kernels::tune_allocator,
};
use std::{error::Error, process::ExitCode, sync::Arc};
use table::Findings;
use weights::DrawnWeights;
use work::WorkSize;

/// A part of the check, by its name.
type Part = (&'static str, fn(&Check, &mut Findings) -> Result<(), Box<dyn Error>>);

/// What is checked, and on what.
struct Check {
    device: Device,
    /// Whether it is a GPU, and sizes are real ones.
    real: bool,
}

/// A model's weights, and how they are put to work.
struct Model {
    config: ModelConfig,
    weights: Arc<dyn WeightSource>,
}

impl Model {
    /// A shape with so many layers, or all of its own.
    fn new(shape: &str, layers: Option<usize>) -> Result<Self, Box<dyn Error>> {
        let mut config = shapes::shape(shape)?;
        config.layers = layers.unwrap_or(config.layers);
        let weights = Arc::new(DrawnWeights::new(&config)?);
        Ok(Self { config, weights })
    }

    fn engine(&self, check: &Check, settings: &EngineSettings) -> Result<Engine, Box<dyn Error>> {
        let dtype = candle_core::DType::BF16;
        let engine = Engine::load(&self.config, &self.weights, &check.device, dtype, settings)?;
        check.device.synchronize()?;
        Ok(engine)
    }
}

impl Check {
    /// The shape that stands for a real one.
    fn shape(&self, real: &'static str) -> &'static str {
        match (self.real, real) {
            (true, real) => real,
            (false, "mixtral-8x7b") => "tiny-mixtral",
            (false, _) => "tiny",
        }
    }

    /// A size, or a small one.
    fn size(&self, real: usize, small: usize) -> usize {
        if self.real { real } else { small }
    }

    fn work(&self) -> WorkSize {
        match self.real {
            true => work::W,
            false => WorkSize {
                prefix: 300,
                continuations: 9,
                ..work::W
            },
        }
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    tune_allocator();
    let mut choice = DeviceChoice::Only(DeviceId::Cuda(0));
    let mut only: Option<Vec<String>> = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} wants a value"));
        match arg.as_str() {
            "--cpu" => choice = DeviceChoice::Only(DeviceId::Cpu),
            "--device" => choice = value()?.parse()?,
            "--only" => only = Some(value()?.split(',').map(str::to_owned).collect()),
            other => return Err(format!("unknown argument {other}: see the beginning of examples/gpu_check").into()),
        }
    }
    let device = choice.open()?.device;
    let check = Check {
        real: !device.is_cpu(),
        device,
    };
    let parts: [Part; 10] = [
        ("card", truth::card),
        ("kernels", truth::kernels),
        ("golden", truth::golden),
        ("half", truth::half),
        ("bits", truth::bits),
        ("peak", speed::peak),
        ("work", speed::work),
        ("streamed", speed::streamed),
        ("experts", speed::experts),
        ("large", speed::large),
    ];
    if let Some(unknown) = only
        .iter()
        .flatten()
        .find(|name| parts.iter().all(|(part, _)| part != name))
    {
        return Err(format!("there is no part {unknown}").into());
    }
    let mut findings = Findings::default();
    for (name, part) in parts {
        if only.as_ref().is_none_or(|only| only.iter().any(|asked| asked == name)) {
            findings.part(name, |findings| part(&check, findings));
        }
    }
    Ok(ExitCode::from(u8::from(!findings.finish())))
}
