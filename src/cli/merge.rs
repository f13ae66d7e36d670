//! `indieval merge`: shards become the run.

use std::path::PathBuf;
use std::process::ExitCode;

use super::report_files::ReportFiles;
use super::run::How;
use crate::base::text::{count, counted};
use crate::run::{self, Merged};

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
    /// End with exit status 3 where answers could not be read
    #[arg(long)]
    strict: bool,
    /// Show nothing but errors
    #[arg(long, short)]
    quiet: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    ReportFiles::within(&args.run).check()?;
    let merged = run::merge(&args.run, args.mixed)?;
    let how = How {
        out: args.run,
        quiet: args.quiet,
        strict: args.strict,
    };
    how.say(&words(&merged));
    how.conclude(merged.records)
}

/// What a merge did.
pub fn words(merged: &Merged) -> String {
    if merged.already {
        return "the run was complete already; nothing was merged".to_owned();
    }
    let kept = match merged.kept {
        0 => String::new(),
        people => format!(", {} of whom the run had in one piece", count(people as u64)),
    };
    let mixed = match merged.mixed.as_slice() {
        [] => String::new(),
        mixed => {
            let each: Vec<String> = mixed.iter().map(ToString::to_string).collect();
            format!("\nnote: computed by different programs or kernels: {}", each.join("; "))
        }
    };
    format!(
        "merged {}: {} of {}{kept}{mixed}",
        counted(merged.shards, "shard", "shards"),
        counted(merged.records, "record", "records"),
        counted(merged.people, "respondent", "respondents"),
    )
}
