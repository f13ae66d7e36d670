//! `indieval run`.

use std::process::ExitCode;

/// Options of `indieval run`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run(_args: Args) -> anyhow::Result<ExitCode> {
    anyhow::bail!("this command is being built")
}
