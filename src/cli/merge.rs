//! `indieval merge`: shards become the run.

use std::path::PathBuf;
use std::process::ExitCode;

use super::report_files::ReportFiles;
use super::run::How;

/// Options of `indieval merge`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval merge runs/figure4-Qwen3-0.6B

Where shards are missing, their numbers are printed as a list that schedulers read, and the exit status is 3. Nothing is
written until everything has been checked. The shards are left as they are; once the run is merged nothing needs them.")]
pub struct Args {
    /// The run's folder, whose shards lie in RUN/shards
    run: PathBuf,
    /// Merge also what different versions of indieval or different kernels computed; the report says so
    #[arg(long)]
    mixed: bool,
    /// Exit with status 3 if any answer could not be read
    #[arg(long)]
    strict: bool,
    /// Show nothing but errors
    #[arg(long, short)]
    quiet: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    ReportFiles::within(&args.run).check()?;
    let how = How {
        out: args.run,
        quiet: args.quiet,
        strict: args.strict,
    };
    how.merge(args.mixed)
}
