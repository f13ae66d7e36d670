//! `indieval verify`: is a run what its files say?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::model_args::MachineArgs;
use super::rescore::{self, line};
use super::status::ExitStatus;
use crate::base::random::Draws;
use crate::base::text::{count, counted};
use crate::cli::output::say;
use crate::model::Speaker;
use crate::run::{self, Experiment, People, Plan, Reader, RunError};
use crate::scoring::Outcome;

/// Options of `indieval verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  indieval verify runs/figure4-Qwen3-0.6B
  indieval verify runs/figure4-Qwen3-0.6B -n 0     all that the files say, without a model")]
pub struct Args {
    /// The run's folder
    run: PathBuf,
    /// Records to score again; with 0 no model is opened, and all that the files say is checked
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
    /// The model's adapter, where it is no longer where the run found it
    #[arg(long, value_name = "ADAPTER")]
    adapter: Option<String>,
    #[command(flatten)]
    machine: MachineArgs,
}

/// Problems that are printed one by one.
const SHOWN: usize = 20;

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut reader = Reader::open(&args.run)?;
    let header = reader.header().clone();
    let Some(outcomes) = files(&mut reader, &args.run)? else {
        return Ok(ExitCode::FAILURE);
    };
    let named = args.survey.is_some();
    let mut spec = header.spec.clone();
    spec.respondents.survey = args.survey.unwrap_or(spec.respondents.survey);
    spec.model.id = args.model.unwrap_or(spec.model.id);
    spec.model.adapter = args.adapter.or(spec.model.adapter);
    let people = match People::read(&spec) {
        // Where the run found its survey there may be none any more; a file that is named must be there.
        Err(why) if args.records == 0 && !named => {
            say!("people: not checked against the survey: {why}");
            return Ok(status(true, outcomes.len() == header.outcomes));
        }
        people => people?,
    };
    let hashes = people.hashes();
    if let Some((name, _)) = hashes
        .iter()
        .find(|(name, hash)| header.hashes.get(*name) != Some(*hash))
    {
        let what = name.clone();
        return Err(RunError::Changed { folder: args.run, what }.into());
    }
    let plan = Plan::new(&spec, &people)?.of_entry(header.shard.as_ref());
    plan.check(&people, &outcomes)
        .map_err(|(index, problem)| RunError::Record {
            path: args.run.join(run::RECORDS),
            line: line(&header, index),
            problem,
        })?;
    // Records of format 1 do not have all that is looked at, and answers made elsewhere may have failed.
    let here = header.model.family != Speaker::Elsewhere;
    if header.format > 1
        && here
        && let Some((index, problem)) = plan.contradicted(&spec, &people, &outcomes)?
    {
        let (path, line) = (args.run.join(run::RECORDS), line(&header, index));
        return Err(RunError::Record { path, line, problem }.into());
    }
    say!("plan: every record matches the survey and the spec");
    let mut clean = describes(&people, &spec, &plan, reader.people())?;
    if !here {
        say!(
            "texts: made elsewhere; that {} gave them cannot be verified",
            header.model.name
        );
    } else if args.records > 0 {
        let mut opened = rescore::open(&spec, args.machine)?;
        let experiment = Experiment::new(spec, people, plan, &opened)?;
        if let Some(what) = header.difference(&experiment.header(&opened)?) {
            return Err(RunError::Changed { folder: args.run, what }.into());
        }
        say!("hashes: the model, tokenizer, prompts, catalogue, people and spec are those of the run");
        let chosen = Draws::new(args.seed, 0).choose(outcomes.len(), args.records);
        clean &= rescore::compare(&experiment, &mut opened, &header, &outcomes, &chosen)?;
    }
    Ok(status(clean, outcomes.len() == header.outcomes))
}

/// Says whether groups and baselines are what the survey makes them.
fn describes(people: &People, spec: &run::Spec, plan: &Plan, recorded: &run::PeopleFile) -> anyhow::Result<bool> {
    let changed = people.described(spec, plan).differences(recorded);
    match changed.is_empty() {
        true => say!("people: groups and baselines match {}", run::PEOPLE),
        false => say!("people: {} differs in: {}", run::PEOPLE, changed.join(", ")),
    }
    Ok(changed.is_empty())
}

fn status(clean: bool, complete: bool) -> ExitCode {
    match (clean, complete) {
        (false, _) => ExitCode::FAILURE,
        (true, false) => ExitStatus::Incomplete.into(),
        (true, true) => ExitCode::SUCCESS,
    }
}

/// Checks all that the files of a run say of themselves and of each other, and says what it found. `None` where something
/// does not hold.
fn files(reader: &mut Reader, folder: &Path) -> anyhow::Result<Option<Vec<Outcome>>> {
    let (mut outcomes, mut problems) = (Vec::new(), Vec::new());
    for outcome in reader.by_ref() {
        match outcome {
            Ok(outcome) => outcomes.push(outcome),
            Err(problem @ RunError::Record { .. }) => problems.push(problem.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    let header = reader.header();
    let read = outcomes.len() + problems.len();
    if problems.is_empty() && read > header.outcomes {
        problems.push(format!(
            "{}: {} records where the run has {}",
            folder.display(),
            count(read as u64),
            count(header.outcomes as u64)
        ));
    }
    if read >= header.outcomes {
        problems.extend(reader.left_over());
    }
    let path = folder.join(run::SPEC);
    if path.exists() && header.format > 1 && run::Spec::read(&path).ok().as_ref() != Some(&header.spec) {
        problems.push(format!("{}: it is not the spec of {}", path.display(), run::RUN));
    }
    if problems.is_empty() {
        say!(
            "{}: {} of {} records, intact, in order, no duplicates; predictions match the evidence",
            run::RECORDS,
            count(read as u64),
            count(header.outcomes as u64)
        );
        for line in reader.left_over() {
            say!("  unfinished: {line}; resuming the run drops it");
        }
        return Ok(Some(outcomes));
    }
    say!("files: {} found", counted(problems.len(), "change", "changes"));
    for problem in problems.iter().take(SHOWN) {
        say!("  {problem}");
    }
    if problems.len() > SHOWN {
        say!("  and {} more", problems.len() - SHOWN);
    }
    Ok(None)
}
