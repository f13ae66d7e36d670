//! `indieval run`: the evaluation.

mod dry;
mod flags;
mod notes;
mod parts;
mod progress;
mod share;
mod workers;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

pub use self::flags::SpecFlags;
pub use self::parts::shard_count;
pub use self::workers::last_line;

use self::parts::PartArgs;
use self::progress::{RunProgress, StopRequests};
use super::model_args::{MachineArgs, opening_lines};
use super::rescore;
use super::status::ExitStatus;
use crate::base::{shell, text};
use crate::cli::output::tell;
use crate::cli::report_files::ReportFiles;
use crate::metrics::OutcomeTable;
use crate::model::OpenModel;
use crate::run::{
    self, Done, EvaluateError, Evaluated, Experiment, Merged, People, Plan, RunError, Shard, ShardPlace, Spec,
};

const EXAMPLES: &str = "\
Examples:
  indieval run --model SmolLM2-135M-Instruct --survey data/synthetic-respondents.csv --limit 4 --dry-run
  indieval run experiments/figure4.toml --model Qwen3-0.6B --survey WVS_Cross-National_Wave_7.csv --respondents sample.txt
  indieval run -m checkpoints/my-model --survey people.csv --methods likelihood,label --demonstrations 0,50,200 --out runs/mine
  indieval run experiments/figure4.toml --model Qwen3-0.6B --survey people.csv --workers cuda:0,cuda:1
  indieval run experiments/figure4.toml --model Qwen3-0.6B --survey people.csv --shard 3/16     then indieval merge";

/// Options of `indieval run`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{}", super::status::HELP))]
pub struct Args {
    #[command(flatten)]
    spec: SpecFlags,
    #[command(flatten)]
    machine: MachineArgs,
    #[command(flatten)]
    parts: PartArgs,
    /// The run's folder [default: runs/NAME-OF-SPEC-MODEL]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print what would be run, what it takes and what would fail; run nothing
    #[arg(long)]
    dry_run: bool,
    /// Generate even if it takes more than a day because the weights do not fit into memory
    #[arg(long)]
    slow: bool,
    /// Exit with status 3 if any answer could not be read
    #[arg(long)]
    strict: bool,
    /// After the run, re-score N random records without sharing, and fail if they differ
    #[arg(long, value_name = "N")]
    verify: Option<usize>,
    /// Show nothing but errors
    #[arg(long, short)]
    quiet: bool,
    /// Also show what is usually of no interest
    #[arg(long, short, conflicts_with = "quiet")]
    verbose: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let named = args.spec.spec.clone();
    let spec = args.spec.resolve_with_model()?;
    let requests = StopRequests::listen(args.parts.grace());
    let people = People::read(&spec)?;
    let plan = match args.parts.shard.filter(|_| !args.dry_run) {
        Some(shard) => Plan::around(shard, &spec, &people)?,
        None => Plan::new(&spec, &people)?,
    };
    let out = args.out.unwrap_or_else(|| default_folder(named.as_deref(), &spec));
    let how = How {
        out,
        quiet: args.quiet,
        strict: args.strict,
    };
    let notes = notes::lines(&people, &plan, args.verbose);
    notes.iter().for_each(|line| how.say(line));
    ReportFiles::within(&how.out).check()?;
    let devices = args.parts.devices(&spec)?;
    let shares = args.parts.shares(devices.as_deref());
    if let (false, Some(devices)) = (args.dry_run, devices) {
        let team = workers::Team {
            devices,
            shards: args.parts.shards,
            machine: args.machine,
        };
        return workers::run(&team, &spec, &how, &requests);
    }
    let mut opened = rescore::open(&spec, args.machine)?;
    opening_lines(&opened).iter().for_each(|line| how.say(line));
    let experiment = Experiment::new(spec, people, plan, &opened)?;
    if let Some(note) = experiment.prompts.note(&opened.tokenizer) {
        how.say(&format!("note: {note}"));
    }
    if args.dry_run {
        return dry::run(&experiment, &mut opened, shares);
    }
    if let Some(note) = dry::generation(&experiment, &mut opened, args.slow)? {
        how.say(&format!("note: {note}"));
    }
    match args.parts.shard {
        Some(shard) => how.shard(shard, experiment, &mut opened, (requests, args.parts.wait())),
        None => how.whole(&experiment, &mut opened, requests, args.verify),
    }
}

/// Where a run goes, and how it shows itself.
pub struct How {
    /// The run's folder.
    pub out: PathBuf,
    /// Show nothing but errors.
    pub quiet: bool,
    /// Answers that cannot be read make it incomplete.
    pub strict: bool,
}

impl How {
    /// Tells a line, unless it is to be quiet.
    pub fn say(&self, line: &str) {
        if !self.quiet {
            tell!("{line}");
        }
    }

    /// The whole run, in this process.
    fn whole(
        &self,
        experiment: &Experiment,
        opened: &mut OpenModel,
        requests: StopRequests,
        verify: Option<usize>,
    ) -> anyhow::Result<ExitCode> {
        let Some(evaluated) = self.evaluate(experiment, opened, requests, &self.out)? else {
            return Ok(ExitStatus::Stopped.into());
        };
        self.say(&sharing(&evaluated));
        let status = self.conclude(evaluated.planned)?;
        if let Some(count) = verify {
            rescore::sample(&self.out, experiment, opened, count)?;
        }
        Ok(status)
    }

    /// One shard of it. Another process that holds the shard is waited for so long.
    fn shard(
        &self,
        shard: Shard,
        experiment: Experiment,
        opened: &mut OpenModel,
        (requests, wait): (StopRequests, Duration),
    ) -> anyhow::Result<ExitCode> {
        let (place, experiment) = ShardPlace::enter(&self.out, shard, experiment, opened)?;
        let begun = Instant::now();
        let evaluated = loop {
            match self.evaluate(&experiment, opened, requests.clone(), &place.folder) {
                Err(EvaluateError::Run(RunError::Locked { .. })) if begun.elapsed() < wait && !requests.asked() => {
                    std::thread::sleep(Duration::from_secs(1));
                }
                done => break done?,
            }
        };
        let Some(evaluated) = evaluated else {
            return Ok(ExitStatus::Stopped.into());
        };
        self.say(&sharing(&evaluated));
        self.say(&format!(
            "shard {shard} is complete; `indieval merge {}` makes one run of all shards",
            shell::word(&self.out.display().to_string())
        ));
        Ok(ExitStatus::Done.into())
    }

    /// Computes what a folder lacks; `None` where it was stopped.
    fn evaluate(
        &self,
        experiment: &Experiment,
        opened: &mut OpenModel,
        requests: StopRequests,
        folder: &Path,
    ) -> Result<Option<Evaluated>, EvaluateError> {
        let mut progress = RunProgress::new(self.quiet, requests);
        let evaluated = run::evaluate(experiment, opened, folder, &mut progress);
        progress.finish();
        let evaluated = evaluated?;
        if evaluated.done == Done::All {
            return Ok(Some(evaluated));
        }
        self.say(&format!(
            "stopped after {} of {} records; the same command resumes from here",
            text::count((evaluated.before + evaluated.added) as u64),
            text::count(evaluated.planned as u64)
        ));
        Ok(None)
    }

    /// Merges the run's shards, and makes its report.
    pub fn merge(&self, mixed: bool) -> anyhow::Result<ExitCode> {
        let mut outcomes = OutcomeTable::default();
        let merged = run::merge_showing(&self.out, mixed, &mut |outcome| outcomes.push(outcome))?;
        self.say(&merged_words(&merged));
        if merged.already {
            return self.conclude(merged.records);
        }
        let run = run::load_around(&self.out, outcomes)?;
        let unread = super::report::of_run(run, &self.out, self.quiet)?;
        Ok(self.ended(unread, merged.records))
    }

    /// The report of a run that is complete, of so many records.
    fn conclude(&self, records: usize) -> anyhow::Result<ExitCode> {
        let unread = super::report::after_run(&self.out, self.quiet)?;
        Ok(self.ended(unread, records))
    }

    /// The status of a run of so many records, some of which may be unread.
    fn ended(&self, unread: usize, records: usize) -> ExitCode {
        if unread > 0 {
            self.say(&unreadable(unread, records));
        }
        match self.strict && unread > 0 {
            true => ExitStatus::Incomplete.into(),
            false => ExitStatus::Done.into(),
        }
    }
}

/// What a merge did.
fn merged_words(merged: &Merged) -> String {
    if merged.already {
        return "the run was complete already; nothing was merged".to_owned();
    }
    let kept = match merged.kept {
        0 => String::new(),
        people => format!(", {} of whom the run had in one piece", text::count(people as u64)),
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
        text::counted(merged.shards, "shard", "shards"),
        text::counted(merged.records, "record", "records"),
        text::counted(merged.people, "respondent", "respondents"),
    )
}

fn unreadable(unread: usize, all: usize) -> String {
    format!(
        "{} of {} could not be read; they count as wrong, and the report gives the bounds within which that matters",
        text::count(unread as u64),
        text::counted(all, "answer", "answers")
    )
}

fn sharing(evaluated: &Evaluated) -> String {
    if evaluated.added == 0 {
        return "the run was complete already".to_owned();
    }
    let Evaluated { tokens, seconds, .. } = evaluated;
    format!(
        "{} in {}: {} tokens computed in place of {} without sharing ({:.1} times fewer), {} tokens/s",
        text::counted(evaluated.added, "record", "records"),
        text::duration(*seconds),
        text::count(tokens.shared),
        text::count(tokens.alone),
        tokens.alone as f64 / tokens.shared.max(1) as f64,
        text::count((tokens.shared as f64 / seconds.max(1e-9)).round() as u64)
    )
}

/// Where a run goes for which nothing else is said.
pub fn default_folder(named: Option<&Path>, spec: &Spec) -> PathBuf {
    let name = named.and_then(Path::file_stem).map(|stem| stem.to_string_lossy());
    let stem = |name: &str| {
        Path::new(name)
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
    };
    let model = std::iter::once(&spec.model.id).chain(&spec.model.adapter);
    let model: Vec<String> = model.filter_map(|name| stem(name)).collect();
    let model: String = model
        .join("-")
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || "-._".contains(letter) {
                letter
            } else {
                '-'
            }
        })
        .collect();
    Path::new("runs").join(format!("{}-{model}", name.as_deref().unwrap_or("run")))
}
