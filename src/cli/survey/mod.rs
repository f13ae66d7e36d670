//! `indieval survey`: check, describe, sample or invent survey files.

mod check;
mod sample;
mod stats;
mod synth;

use std::process::ExitCode;

/// Options of `indieval survey`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read a survey file and say what is in it and what is odd about it
    Check(check::Args),
    /// Numbers of people and valid answers, in all and by country
    Stats(stats::Args),
    /// Draw the paper's balanced sample of respondents
    Sample(sample::Args),
    /// Write synthetic respondents in the shape of the official CSV
    Synth(synth::Args),
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Check(args) => check::run(&args)?,
        Command::Stats(args) => stats::run(&args)?,
        Command::Sample(args) => sample::run(&args)?,
        Command::Synth(args) => synth::run(&args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// How respondents are called in text: what is computed from invented people says so.
fn people(count: impl std::fmt::Display, synthetic: bool) -> String {
    let kind = if synthetic {
        "synthetic respondents"
    } else {
        "respondents"
    };
    format!("{count} {kind}")
}

/// Every question that is a probe of some split, in the order of the questionnaire.
fn all_probes(catalogue: &crate::survey::Catalogue) -> Vec<usize> {
    use crate::probe::{Split, split_questions};
    let mut probes: Vec<usize> = Split::ALL
        .into_iter()
        .flat_map(|split| split_questions(catalogue, split))
        .collect();
    probes.sort_unstable();
    probes.dedup();
    probes
}
