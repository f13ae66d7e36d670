//! `indieval slurm status`: the shards' files first, Slurm's queue second.

use std::path::PathBuf;
use std::process::ExitCode;

use super::jobs::{Queued, Submitted, squeue};
use crate::base::text::{count, percent};
use crate::cli::output::{say, tell};
use crate::cli::run::last_line;
use crate::cli::status::ExitStatus;
use crate::run::{self, ShardError, ShardState};

/// Options of `indieval slurm status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval slurm status runs/figure4-Qwen3-0.6B

The exit status is 3 as long as something is missing.")]
pub struct Args {
    /// The run's folder
    run: PathBuf,
}

crate::choices! {
    /// How a shard is.
    enum Standing {
        /// Nothing is missing.
        Complete = "complete",
        /// A task computes it.
        Running = "running",
        /// A task waits for its turn.
        Waiting = "waiting",
        /// It was begun or submitted, is not complete, and no task has it.
        Failed = "failed",
        /// It was never submitted.
        NotBegun = "not begun",
    }
}

/// Failed shards that are named one by one.
const SHOWN: usize = 20;

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let merged = run::complete(&args.run)?;
    if merged == Some(true) {
        say!("{}: the run is complete", args.run.display());
        return Ok(ExitCode::SUCCESS);
    }
    let submitted = Submitted::read(&args.run)?;
    let of = run::count(&args.run)?.or(Some(submitted.of).filter(|&of| of > 0));
    let folder = args.run.clone();
    let of = of.ok_or(run::RunError::Shard(ShardError::NoShards { folder }))?;
    let states = run::states(&args.run, of)?;
    let listed = squeue().unwrap_or_else(|error| {
        tell!("note: {error:#}; this is what the files say");
        String::new()
    });
    let (queued, known) = (submitted.queued(&listed), submitted.shards());
    let standing = |state: &ShardState| {
        let number = state.shard.number();
        match (state.complete(), queued.get(&number)) {
            (true, _) => Standing::Complete,
            (false, Some(Queued::Running)) => Standing::Running,
            (false, Some(Queued::Waiting)) => Standing::Waiting,
            (false, None) if state.outcomes.is_some() || known.contains(&number) => Standing::Failed,
            (false, None) => Standing::NotBegun,
        }
    };
    let standings: Vec<(Standing, &ShardState)> = states.iter().map(|state| (standing(state), state)).collect();
    say!("{}: {} shards", args.run.display(), count(of as u64));
    for one in Standing::ALL {
        let numbers: Vec<usize> = with(&standings, one).map(|state| state.shard.number()).collect();
        if !numbers.is_empty() {
            say!(
                "{:<10} {:>6}  {}",
                one.name(),
                count(numbers.len() as u64),
                run::ranges(&numbers)
            );
        }
    }
    records(&states)?;
    for state in with(&standings, Standing::Failed).take(SHOWN) {
        let log = submitted
            .log(&args.run, state.shard.number())
            .unwrap_or_else(|| state.folder.join("worker.log"));
        let last = last_line(&log).unwrap_or_else(|| "its log is empty".to_owned());
        say!("shard {} failed: {last} ({})", state.shard, log.display());
    }
    match states.iter().all(ShardState::complete) {
        true => say!("all shards are complete; `indieval merge` makes one run of them, unless a merge is in the queue"),
        false if queued.is_empty() => say!("the command that submitted them submits what is missing"),
        false => {}
    }
    Ok(ExitStatus::Incomplete.into())
}

fn with<'a>(all: &'a [(Standing, &'a ShardState)], one: Standing) -> impl Iterator<Item = &'a ShardState> {
    all.iter()
        .filter(move |(standing, _)| *standing == one)
        .map(|(_, state)| *state)
}

/// How many records there are, of as many as the shards that were begun let expect.
fn records(states: &[ShardState]) -> anyhow::Result<()> {
    let Some(all) = run::expected(states) else {
        return Ok(());
    };
    let recorded = run::recorded(states);
    let about = match states.iter().all(|state| state.outcomes.is_some()) {
        true => "",
        false => "about ",
    };
    say!(
        "records    {} of {about}{} ({})",
        count(recorded as u64),
        count(all as u64),
        percent(recorded as f64 / all.max(1) as f64)
    );
    Ok(())
}
