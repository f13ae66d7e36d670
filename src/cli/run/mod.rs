//! `indieval run`: the evaluation.

mod dry;
mod flags;
mod notes;
mod progress;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::flags::SpecFlags;
use self::progress::{RunProgress, StopRequests};
use super::model_args::{MachineArgs, opening_lines};
use super::rescore;
use super::status::ExitStatus;
use crate::base::text;
use crate::cli::output::tell;
use crate::cli::report_files::ReportFiles;
use crate::run::{self, Done, Evaluated, Experiment, People, Plan, Spec};

/// Options of `indieval run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval run --model SmolLM2-135M-Instruct --survey data/synthetic-respondents.csv --limit 4 --dry-run
  indieval run experiments/figure4.toml --model Qwen3-0.6B --survey WVS_Cross-National_Wave_7.csv --respondents sample.txt
  indieval run -m checkpoints/my-model --survey people.csv --methods likelihood,label --demonstrations 0,50,200 --out runs/mine")]
pub struct Args {
    #[command(flatten)]
    spec: SpecFlags,
    #[command(flatten)]
    machine: MachineArgs,
    /// The run's folder [default: runs/NAME-OF-SPEC-MODEL]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Print what would be run, what it takes and what would fail, and stop
    #[arg(long)]
    dry_run: bool,
    /// Generate even where weights that do not fit into memory make it take more than a day
    #[arg(long)]
    slow: bool,
    /// End with exit status 3 where answers could not be read
    #[arg(long)]
    strict: bool,
    /// After the run, re-score so many random records unshared, and fail where they differ
    #[arg(long, value_name = "N")]
    verify: Option<usize>,
    /// Show nothing but errors
    #[arg(long, short)]
    quiet: bool,
    /// Show also what is usually of no interest
    #[arg(long, short, conflicts_with = "quiet")]
    verbose: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let named = args.spec.spec.clone();
    let spec = args.spec.resolve()?;
    anyhow::ensure!(
        !spec.model.id.is_empty(),
        "no model is given; give --model (model.id in a spec)"
    );
    let requests = StopRequests::listen();
    let people = People::read(&spec)?;
    let plan = Plan::new(&spec, &people)?;
    let say = |line: &str| {
        if !args.quiet {
            tell!("{line}");
        }
    };
    notes::lines(&people, &plan, args.verbose)
        .iter()
        .for_each(|line| say(line));
    let out = args.out.unwrap_or_else(|| default_folder(named.as_deref(), &spec));
    ReportFiles::within(&out).check()?;
    let mut opened = rescore::open(&spec, args.machine)?;
    opening_lines(&opened).iter().for_each(|line| say(line));
    let experiment = Experiment::new(spec, people, plan, &opened)?;
    if let Some(note) = experiment.prompts.note(&opened.tokenizer) {
        say(&format!("note: {note}"));
    }
    if args.dry_run {
        return dry::run(&experiment, &mut opened);
    }
    if let Some(note) = dry::generation(&experiment, &mut opened, args.slow)? {
        say(&format!("note: {note}"));
    }
    let mut progress = RunProgress::new(args.quiet, requests);
    let evaluated = run::evaluate(&experiment, &mut opened, &out, &mut progress);
    progress.finish();
    let evaluated = evaluated?;
    if evaluated.done == Done::Stopped {
        say(&format!(
            "stopped after {} of {} records; the same command resumes from here",
            text::count((evaluated.before + evaluated.added) as u64),
            text::count(evaluated.planned as u64)
        ));
        return Ok(ExitStatus::Stopped.into());
    }
    say(&sharing(&evaluated));
    let unread = super::report::after_run(&out, args.quiet)?;
    if unread > 0 {
        say(&unreadable(unread, evaluated.planned));
    }
    if let Some(count) = args.verify {
        rescore::sample(&out, &experiment, &mut opened, count)?;
    }
    Ok(match args.strict && unread > 0 {
        true => ExitStatus::Incomplete.into(),
        false => ExitStatus::Done.into(),
    })
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

fn default_folder(named: Option<&Path>, spec: &Spec) -> PathBuf {
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
