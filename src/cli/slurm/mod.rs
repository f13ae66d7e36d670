//! `indieval slurm`: the shards of a run as a Slurm job array. Slurm distributes; what is done and what is missing, the run's
//! own files say.

mod jobs;
mod script;
mod status;
mod submit;

use std::process::ExitCode;

/// Options of `indieval slurm`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: SlurmCommand,
}

#[derive(Debug, clap::Subcommand)]
enum SlurmCommand {
    /// Submit the shards that are missing, and a merge behind them
    Submit(Box<submit::Args>),
    /// How far each shard is, and why those failed that did
    Status(status::Args),
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        SlurmCommand::Submit(args) => submit::run(*args),
        SlurmCommand::Status(args) => status::run(&args),
    }
}
