//! Options of commands that open a model.

use anyhow::Context;

use super::choice::choice;
use super::models::download::Downloads;
use crate::base::text::parse_bytes;
use crate::model::{self, DeviceChoice, DtypeChoice, OpenModel, OpenOptions, QuantizedWeights, Speaker};

/// Which model, and how its numbers are held.
#[derive(Debug, Clone, clap::Args)]
pub struct ModelArgs {
    /// Model: a name of `indieval models list`, a folder, a .gguf file or a hub repository with an optional @REVISION;
    /// `fake:SEED` is a deterministic stand-in for tests
    #[arg(long, short)]
    pub model: String,
    /// LoRA adapter, as peft saves it, that is merged into the weights: a folder or a hub repository
    #[arg(long, value_name = "ADAPTER")]
    pub adapter: Option<String>,
    /// Number format to compute in
    #[arg(long, default_value_t, value_parser = choice::<DtypeChoice>())]
    pub dtype: DtypeChoice,
    /// Where to compute: auto, cpu, cuda, cuda:N, or several with commas, over which the layers are spread
    #[arg(long, default_value_t)]
    pub device: DeviceChoice,
    /// How quantised weights are held
    #[arg(long, default_value_t, value_parser = choice::<QuantizedWeights>())]
    pub weights: QuantizedWeights,
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// How much of the machine may be taken. Results do not depend on it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct MachineArgs {
    /// Threads to compute with [default: all]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// Memory the model may take, weights and all, such as 12GB [default: what is free]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub memory: Option<u64>,
}

impl ModelArgs {
    /// Opens the model; a checkpoint that is not here is fetched.
    pub fn open(&self) -> anyhow::Result<OpenModel> {
        self.machine.apply()?;
        let options = OpenOptions {
            adapter: self.adapter.clone(),
            dtype: self.dtype,
            device: self.device.clone(),
            weights: self.weights,
            memory: self.machine.memory,
            ..OpenOptions::default()
        };
        Ok(model::open(&self.model, &options, &mut Downloads::default())?)
    }
}

impl MachineArgs {
    /// Sets the number of threads; must come before anything is computed.
    pub fn apply(&self) -> anyhow::Result<()> {
        if let Some(threads) = self.threads {
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build_global()
                .context("the number of threads can be set once only")?;
        }
        Ok(())
    }
}

/// More threads than any machine has processors would only cost their stacks.
const MOST_THREADS: usize = 1024;

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads) if (1..=MOST_THREADS).contains(&threads) => Ok(threads),
        _ => Err(format!("expected 1 to {MOST_THREADS}")),
    }
}

/// What a user is told of a model that was opened, a line each.
pub fn opening_lines(opened: &OpenModel) -> Vec<String> {
    let mut lines = vec![match opened.identity.family {
        Speaker::Decoder(_) => format!("{}, loaded in {:.1} s", opened.identity, opened.took.as_secs_f64()),
        Speaker::StandIn | Speaker::Elsewhere => opened.identity.to_string(),
    }];
    lines.extend(opened.notes.iter().cloned());
    lines
}
