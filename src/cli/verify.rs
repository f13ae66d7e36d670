//! `indieval verify`: is a run what its files say?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

use super::model_args::MachineArgs;
use super::run as run_command;
use super::status::Status;
use crate::base::random::Draws;
use crate::cli::output::say;
use crate::model::{DtypeChoice, LanguageModel, Tokenizer};
use crate::run::{self, People, Plan, Prompts};

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
    let people = People::read(&spec)?;
    let plan = Plan::new(&spec, &people)?;
    let mut machine = args.machine;
    machine.tree_tokens.get_or_insert(header.tree_tokens);
    let mut opened = run_command::open(&spec, machine)?;
    let prompts = Prompts::new(&spec, &opened.tokenizer, opened.chat_template.as_deref())?;
    let now = run::header(
        &spec,
        &people,
        &plan,
        &prompts,
        opened.identity.clone(),
        opened.hashes.clone(),
        header.tree_tokens,
    )?;
    if let Some(what) = header.difference(&now) {
        return Err(run::RunError::Changed { folder: args.run, what }.into());
    }
    say!("hashes: the model, tokenizer, prompts, catalogue, people and spec are those of the run");
    plan.check(&people, &recorded.outcomes)
        .map_err(|(index, problem)| run::RunError::Record {
            path: args.run.join(run::RECORDS),
            line: index + 2,
            problem,
        })?;
    say!(
        "records: {} of {}, each where it belongs, none twice",
        recorded.outcomes.len(),
        plan.outcomes
    );
    let context = people.context(&spec.respondents.survey, &plan.splits, run::baselines(&people, &plan));
    let changed = context.differences(&run::Context::read(&args.run)?);
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
    let clean = compare(
        &spec,
        &people,
        &plan,
        &prompts,
        opened.model.as_mut(),
        &opened.tokenizer,
        &recorded.outcomes,
        (args.records, args.seed),
    )?;
    Ok(
        match (clean && changed.is_empty(), recorded.outcomes.len() == plan.outcomes) {
            (false, _) => ExitCode::FAILURE,
            (true, false) => Status::Incomplete.into(),
            (true, true) => ExitCode::SUCCESS,
        },
    )
}

/// Scores `count` random records of a run again and fails where they differ.
#[allow(clippy::too_many_arguments, reason = "one call from one place")]
pub fn sample(
    folder: &Path,
    people: &People,
    plan: &Plan,
    prompts: &Prompts,
    model: &mut dyn LanguageModel,
    tokenizer: &Tokenizer,
    count: usize,
) -> anyhow::Result<()> {
    let (header, recorded) = run::read(folder).context("the run was just written")?;
    let spec = &header.spec;
    let clean = compare(
        spec,
        people,
        plan,
        prompts,
        model,
        tokenizer,
        &recorded.outcomes,
        (count, 0),
    )?;
    anyhow::ensure!(
        clean,
        "{}: records do not come out again when they are scored unshared",
        folder.display()
    );
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "what a run consists of")]
fn compare(
    spec: &run::Spec,
    people: &People,
    plan: &Plan,
    prompts: &Prompts,
    model: &mut dyn LanguageModel,
    tokenizer: &Tokenizer,
    outcomes: &[crate::scoring::Outcome],
    (count, seed): (usize, u64),
) -> anyhow::Result<bool> {
    let tolerance = match spec.model.dtype {
        DtypeChoice::F32 => run::TOLERANCE_F32,
        _ => run::TOLERANCE_HALF,
    };
    let chosen = Draws::new(seed, 0).choose(outcomes.len(), count);
    let verified = run::rescore(
        people, spec, plan, prompts, model, tokenizer, outcomes, &chosen, tolerance,
    )?;
    say!(
        "scores: {} records scored again unshared, {} tokens, largest difference {:.6} nats (tolerance {tolerance})",
        verified.records,
        verified.tokens,
        verified.largest
    );
    for difference in &verified.differences {
        say!("  line {}: {}", difference.line, difference.what);
    }
    Ok(verified.differences.is_empty())
}
