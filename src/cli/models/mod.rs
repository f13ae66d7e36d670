//! `indieval models`.

mod check;
pub(super) mod download;
mod list;

use std::process::ExitCode;

use clap::Subcommand;

/// Options of `indieval models`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the checkpoints that are known by name, and what they need in memory
    List(list::Args),
    /// Fetch a checkpoint unless it is here already, and print its path
    Get(download::Args),
    /// Read a checkpoint without running it, say what it takes here, and name every reason to refuse it
    Check(check::Args),
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::List(args) => list::run(args),
        Action::Get(args) => download::run(args),
        Action::Check(args) => check::run(args),
    }
}
