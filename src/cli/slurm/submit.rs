//! `indieval slurm submit`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use super::jobs::{self, Submitted, SubmittedArray, answer, squeue};
use super::script::{Submission, TaskArray, arrays};
use crate::base::shell::word;
use crate::base::text::{count, counted};
use crate::cli::model_args::MachineArgs;
use crate::cli::output::{say, tell, write_whole};
use crate::cli::run::{SpecFlags, default_folder, shard_count};
use crate::run::{self, People, Plan, ShardState};

/// Options of `indieval slurm submit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval slurm submit experiments/figure4.toml --model Qwen3-0.6B --survey people.csv --shards 16 --dry-run
  indieval slurm submit experiments/figure4.toml --model Qwen2-72B-Instruct --survey people.csv --shards 64 --sbatch=--gres=gpu:1

Several options for sbatch are one word: --sbatch \"--gres=gpu:1 --mem=200G --time=12:00:00 --partition=long\".
Given again, it submits only what is missing and not in the queue. See docs/cluster.md.")]
pub struct Args {
    #[command(flatten)]
    spec: SpecFlags,
    #[command(flatten)]
    machine: MachineArgs,
    /// The run's folder, on a file system that all nodes see [default: runs/NAME-OF-SPEC-MODEL]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// In how many shards the run is computed
    #[arg(long, value_name = "N", value_parser = shard_count)]
    shards: usize,
    /// Options for sbatch, in one word: \"--gres=gpu:1 --time=4:00:00\"
    #[arg(
        long,
        value_name = "ARGS",
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    sbatch: String,
    /// At most this many tasks at a time
    #[arg(long, value_name = "K", value_parser = shard_count)]
    max_parallel: Option<usize>,
    /// Seconds that the batch in flight may still take when the time limit comes near [default: from the batches that were
    /// computed, else 90]
    #[arg(long, value_name = "SECONDS")]
    grace: Option<u64>,
    /// Print the batch scripts and what would be submitted, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// What a cluster takes where it does not say (Slurm's default).
const MAX_ARRAY_SIZE: usize = 1001;

/// Seconds of grace where no batch was computed yet, and the bounds of what follows from those that were.
const GRACE: (u64, u64, u64) = (90, 30, 3600);

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let named = args.spec.spec.clone();
    let spec = args.spec.resolve_with_model()?;
    anyhow::ensure!(!args.sbatch.contains(['\n', '\r']), "--sbatch takes one line");
    // What would make every task fail fails here.
    let people = People::read(&spec)?;
    let plan = Plan::new(&spec, &people)?;
    let out = args.out.unwrap_or_else(|| default_folder(named.as_deref(), &spec));
    let out = std::path::absolute(&out).with_context(|| format!("{} has no place", out.display()))?;
    if run::complete(&out)? == Some(true) {
        say!(
            "{}: the run is complete already; nothing is to be submitted",
            out.display()
        );
        return Ok(ExitCode::SUCCESS);
    }
    run::same_count(&out, args.shards)?;
    let states = run::states(&out, args.shards)?;
    let mut submitted = Submitted::read(&out)?;
    let missing = missing(&states, &submitted, args.dry_run)?;
    tell!(
        "{} of {}, {}: {} of {} shards are to be submitted",
        counted(plan.outcomes, "record", "records"),
        counted(plan.people.len(), "respondent", "respondents"),
        counted(plan.conditions.len(), "condition", "conditions"),
        count(missing.len() as u64),
        count(args.shards as u64)
    );
    if missing.is_empty() {
        return nothing_missing(&out, &states);
    }
    let program = std::env::current_exe().context("this program cannot be found again")?;
    let here = std::env::current_dir().context("there is no current folder")?;
    let submission = Submission {
        run: &out,
        program: &program,
        here: &here,
        of: args.shards,
        sbatch: &args.sbatch,
        max_parallel: args.max_parallel,
        grace: args.grace.unwrap_or_else(|| grace(&states)),
        more: more(&args.machine),
    };
    let arrays = arrays(&missing, max_array_size());
    if args.dry_run {
        for array in &arrays {
            say!("{}", submission.array(array));
        }
        say!("{}", submission.merge());
        return Ok(ExitCode::SUCCESS);
    }
    let text = spec.to_toml()?;
    write_whole(&jobs::folder(&out).join("spec.toml"), |file| {
        file.write_all(text.as_bytes())
    })?;
    submit(&submission, &arrays, &mut submitted)?;
    watch(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// The shards that are neither complete nor in the queue.
fn missing(states: &[ShardState], submitted: &Submitted, dry_run: bool) -> anyhow::Result<Vec<usize>> {
    let listed = match squeue() {
        Ok(listed) => listed,
        Err(_) if dry_run || submitted.arrays.is_empty() => String::new(),
        Err(error) => return Err(error),
    };
    let queued = submitted.queued(&listed);
    let missing = run::missing(states).into_iter();
    Ok(missing.filter(|number| !queued.contains_key(number)).collect())
}

fn nothing_missing(out: &Path, states: &[ShardState]) -> anyhow::Result<ExitCode> {
    let run = word(&out.display().to_string());
    match states.iter().all(ShardState::complete) {
        true => say!("all shards are complete; `indieval merge {run}` makes one run of them"),
        false => say!("what is missing is in the queue; `indieval slurm status {run}` says how far it is"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Seconds that a batch may take, by the longest that was computed.
fn grace(states: &[ShardState]) -> u64 {
    let (unknown, least, most) = GRACE;
    let longest = states
        .iter()
        .map(|state| run::longest_batch(&state.folder))
        .fold(0.0, f64::max);
    match longest > 0.0 {
        true => ((longest * 1.5).ceil() as u64).clamp(least, most),
        false => unknown,
    }
}

/// Options of `indieval run` that are about the machine. Of the processors of a node a task takes those that it was given.
fn more(machine: &MachineArgs) -> String {
    let threads = machine
        .threads
        .map_or_else(|| "${SLURM_CPUS_ON_NODE:-1}".to_owned(), |threads| threads.to_string());
    let memory = machine
        .memory
        .map_or(String::new(), |bytes| format!(" --memory {bytes}"));
    format!(" --threads \"{threads}\"{memory}")
}

/// One more than the largest number that a task may have here.
fn max_array_size() -> usize {
    let mut command = Command::new("scontrol");
    command.args(["show", "config"]);
    let config = answer(command).unwrap_or_default();
    let line = config
        .lines()
        .find(|line| line.trim_start().starts_with("MaxArraySize"));
    let number = line.and_then(|line| line.split('=').nth(1)?.trim().parse().ok());
    number.filter(|&size| size > 1).unwrap_or(MAX_ARRAY_SIZE)
}

/// Submits the arrays and a merge behind them.
fn submit(submission: &Submission<'_>, arrays: &[TaskArray], submitted: &mut Submitted) -> anyhow::Result<()> {
    let folder = jobs::folder(submission.run);
    std::fs::create_dir_all(folder.join("logs")).with_context(|| format!("cannot make {}", folder.display()))?;
    submitted.of = submission.of;
    let mut ids: Vec<String> = Vec::new();
    for (at, array) in arrays.iter().enumerate() {
        let path = folder.join(format!("array-{}.sbatch", at + 1));
        let text = submission.array(array);
        write_whole(&path, |file| file.write_all(text.as_bytes()))?;
        // Each array has a limit of its own, so one comes after the other where there is one.
        let after = ids.last().filter(|_| submission.max_parallel.is_some());
        let job = sbatch(&path, after.map(String::as_str))?;
        say!("job {job}: shards {}", run::ranges(&array.shards));
        submitted.arrays.push(SubmittedArray {
            job: job.clone(),
            offset: array.offset,
            shards: run::ranges(&array.shards),
        });
        // Each is written down at once: what is submitted must not be submitted again.
        submitted.write(submission.run)?;
        ids.push(job);
    }
    let path = folder.join("merge.sbatch");
    let text = submission.merge();
    write_whole(&path, |file| file.write_all(text.as_bytes()))?;
    // afterok would never start once a task had failed and was requeued; the merge looks for itself what is missing.
    let job = sbatch(&path, Some(&ids.join(":")))?;
    say!("job {job}: the merge behind them");
    submitted.merges.push(job);
    submitted.write(submission.run)
}

fn sbatch(script: &Path, after: Option<&str>) -> anyhow::Result<String> {
    let mut command = Command::new("sbatch");
    command.arg("--parsable");
    command.args(after.map(|after| format!("--dependency=afterany:{after}")));
    command.arg(script);
    let said = answer(command)?;
    // `JOB;CLUSTER` where there are several clusters.
    let job = said.split(';').next().unwrap_or_default();
    anyhow::ensure!(
        !job.is_empty() && job.bytes().all(|byte| byte.is_ascii_digit()),
        "sbatch printed no job id: {said}"
    );
    Ok(job.to_owned())
}

/// How to watch it.
fn watch(out: &Path) -> anyhow::Result<()> {
    let run = word(&out.display().to_string());
    say!("indieval slurm status {run}     how far it is, and why a shard failed");
    say!("squeue --me     what Slurm has; scancel JOB takes it away, and what is recorded stays");
    say!("Where shards are missing at the end, the same command submits those only.");
    Ok(())
}
