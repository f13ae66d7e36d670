//! `indieval prompts`: a run's prompts for models that run elsewhere.

use std::path::PathBuf;
use std::process::ExitCode;

use super::choice::choice;
use super::output::{say, tell};
use super::run::SpecFlags;
use crate::base::text::{bytes, counted};
use crate::run::{PromptFormat, export};

/// Options of `indieval prompts`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval prompts export experiments/figure4.toml --survey WVS.csv --methods generation --out prompts/gpt --format openai-batch --model gpt-4o
  indieval grade prompts/gpt results.jsonl --out runs/gpt")]
pub struct Args {
    #[command(subcommand)]
    command: PromptCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PromptCommand {
    /// Write the prompts of a run as files for a batch service or any other program
    Export(Box<ExportArgs>),
}

/// Options of `indieval prompts export`. No model is opened and nothing is sent anywhere.
#[derive(Debug, clap::Args)]
struct ExportArgs {
    #[command(flatten)]
    spec: SpecFlags,
    /// How prompts are written
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = choice::<PromptFormat>())]
    format: PromptFormat,
    /// Maximum number of tokens in an answer [default: 16 for a letter; scoring.paper_tokens for the paper's prompt]
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,
    /// Folder for the parts, plan.json and ids.csv
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let PromptCommand::Export(args) = args.command;
    let spec = args.spec.resolve()?;
    anyhow::ensure!(
        args.format == PromptFormat::Jsonl || args.format == PromptFormat::GeminiBatch || !spec.model.id.is_empty(),
        "no model is named, which every request of {} has to name; give --model",
        args.format
    );
    let written = export(&spec, &args.out, args.format, &spec.model.id, args.max_tokens)?;
    for part in &written.parts {
        say!("{}", part.display());
    }
    say!(
        "{} in {}, {}; {}/plan.json says what is asked",
        counted(written.requests, "request", "requests"),
        counted(written.parts.len(), "part", "parts"),
        bytes(written.bytes),
        args.out.display()
    );
    if !written.synthetic {
        tell!(
            "note: these prompts are made of individual people's answers: whoever gets them, such as a provider, gets the \
             answers; the survey's conditions of use say who may have them"
        );
    }
    Ok(ExitCode::SUCCESS)
}
