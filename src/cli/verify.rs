//! `indieval verify`: is a run what its files say?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::model_args::MachineArgs;
use super::run as run_command;
use super::status::Status;
use crate::base::random::Draws;
use crate::base::text::counted;
use crate::cli::output::say;
use crate::model::OpenModel;
use crate::run::{self, Experiment, People, Plan};
use crate::scoring::Outcome;

/// Options of `indieval verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run's folder
    run: PathBuf,
    /// Records to score again
    #[arg(long, short = 'n', default_value_t = 20)]
    records: usize,
    /// Which records are drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The survey file, where it is no longer where the run found it
    #[arg(long, value_name = "FILE")]
    survey: Option<PathBuf>,
    /// The model, where it is no longer where the run found it
    #[arg(long, short)]
    model: Option<String>,
    #[command(flatten)]
    machine: MachineArgs,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (header, recorded) = run::read(&args.run)?;
    let mut spec = header.spec.clone();
    spec.respondents.survey = args.survey.unwrap_or(spec.respondents.survey);
    spec.model.id = args.model.unwrap_or(spec.model.id);
    let mut machine = args.machine;
    machine.tree_tokens.get_or_insert(header.tree_tokens);
    let people = People::read(&spec)?;
    let plan = Plan::new(&spec, &people)?;
    let mut opened = run_command::open(&spec, machine)?;
    let experiment = Experiment::new(spec, people, plan, &opened)?;
    let now = experiment.header(&opened, header.tree_tokens)?;
    if let Some(what) = header.difference(&now) {
        return Err(run::RunError::Changed { folder: args.run, what }.into());
    }
    say!("hashes: the model, tokenizer, prompts, catalogue, people and spec are those of the run");
    experiment.check(&args.run, &recorded)?;
    say!(
        "records: {} of {}, each where it belongs, none twice",
        recorded.outcomes.len(),
        experiment.plan.outcomes
    );
    let changed = experiment.context().differences(&run::Context::read(&args.run)?);
    if changed.is_empty() {
        say!(
            "people: groups and baselines come out as they stand in {}",
            run::CONTEXT
        );
    } else {
        say!("people: {} has other {}", run::CONTEXT, changed.join(", "));
    }
    if recorded.torn > 0 {
        say!(
            "a torn last line of {} bytes is there; going on with the run drops it",
            recorded.torn
        );
    }
    let chosen = Draws::new(args.seed, 0).choose(recorded.outcomes.len(), args.records);
    let clean = compare(&experiment, &mut opened, &recorded.outcomes, &chosen)?;
    let complete = recorded.outcomes.len() == experiment.plan.outcomes;
    Ok(match (clean && changed.is_empty(), complete) {
        (false, _) => ExitCode::FAILURE,
        (true, false) => Status::Incomplete.into(),
        (true, true) => ExitCode::SUCCESS,
    })
}

/// Scores `count` random records of a run again and fails where they differ.
pub fn sample(folder: &Path, experiment: &Experiment, opened: &mut OpenModel, count: usize) -> anyhow::Result<()> {
    let (_, recorded) = run::read(folder).context("the run was just written")?;
    let chosen = Draws::new(0, 0).choose(recorded.outcomes.len(), count);
    let clean = compare(experiment, opened, &recorded.outcomes, &chosen)?;
    anyhow::ensure!(
        clean,
        "{}: records do not come out again when they are scored unshared",
        folder.display()
    );
    Ok(())
}

fn compare(
    experiment: &Experiment,
    opened: &mut OpenModel,
    outcomes: &[Outcome],
    chosen: &[usize],
) -> anyhow::Result<bool> {
    let tolerance = run::tolerance(opened.identity.dtype);
    let verified = experiment.verify(opened, outcomes, chosen, tolerance)?;
    say!(
        "scores: {} scored again unshared, {} tokens, largest difference {:.6} nats (tolerance {tolerance})",
        counted(verified.records, "record", "records"),
        verified.tokens,
        verified.largest
    );
    for difference in &verified.differences {
        say!("  line {}: {}", difference.line, difference.what);
    }
    Ok(verified.differences.is_empty())
}
