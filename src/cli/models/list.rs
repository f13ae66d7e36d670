//! `indieval models list`.

use std::fmt::Write as _;
use std::process::ExitCode;

use candle_core::DType;
use serde_json::json;

use crate::base::text;
use crate::cli::choice::choice;
use crate::cli::format::OutputFormat;
use crate::cli::output::{print, print_json_pretty};
use crate::model::{MemoryNeeds, registry};

/// Options of `indieval models list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval models list
  indieval models list --tokens 20000 --format json")]
pub struct Args {
    /// Tokens of a batch whose memory is shown
    #[arg(long, default_value_t = 5_000, value_name = "TOKENS")]
    tokens: usize,
    /// Output
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = choice::<OutputFormat>())]
    format: OutputFormat,
}

/// Prints the registry.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    if args.format == OutputFormat::Json {
        let models: Vec<_> = registry::models()
            .iter()
            .map(|model| {
                json!({
                    "model": model,
                    "pinned": model.pinned(),
                    "weights_bytes": {"f32": model.weight_bytes(DType::F32), "bf16": model.weight_bytes(DType::BF16)},
                    "tokens": args.tokens,
                    "needs": {"f32": needs(model.shape.needs(DType::F32)), "bf16": needs(model.shape.needs(DType::BF16))},
                })
            })
            .collect();
        print_json_pretty(&models)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = String::new();
    let batch = format!("{} tokens", args.tokens);
    writeln!(
        out,
        "{:<31} {:>9} {:>9} {:>9} {:>9} {:>13}  {:<14} from",
        "name", "download", "f32", "bf16", "by layer", batch, "licence"
    )?;
    for model in registry::models() {
        let wheel = match &model.wheel {
            Some(wheel) => format!(", or Q4_1 from the Python package {} {}", wheel.package, wheel.version),
            None => String::new(),
        };
        let pinned = if model.pinned() { "" } else { ", not pinned" };
        let published = match &model.published {
            Some(column) => format!("; {column} of the paper's Figure 2"),
            None => String::new(),
        };
        writeln!(
            out,
            "{:<31} {:>9} {:>9} {:>9} {:>9} {:>13}  {:<14} {}@{}{pinned}{wheel}{published}",
            model.name,
            text::bytes(model.bytes),
            text::bytes(model.weight_bytes(DType::F32)),
            text::bytes(model.weight_bytes(DType::BF16)),
            text::bytes(model.shape.needs(DType::BF16).layer_by_layer(0)),
            text::bytes(model.shape.needs(DType::BF16).scored_token * args.tokens as u64),
            model.licence,
            model.repository,
            model.revision,
        )?;
    }
    writeln!(
        out,
        "\nf32, bf16: memory of the weights when computed in that type. By layer: memory of weights at work where they stay in \
         their files (bf16). The last: what a batch of so many tokens takes beside them when it is scored (bf16)."
    )?;
    print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// What a model needs, as JSON.
fn needs(needs: MemoryNeeds) -> serde_json::Value {
    json!({
        "weights": needs.weights,
        "layer_by_layer": needs.layer_by_layer(0),
        "layer_by_layer_generating": needs.layer_by_layer_generating(0),
        "scored_token": needs.scored_token,
        "generated_token": needs.generated_token,
    })
}
