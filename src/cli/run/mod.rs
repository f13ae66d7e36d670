//! `indieval run`: the evaluation.

mod dry;
mod flags;
mod notes;
mod progress;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use self::flags::SpecFlags;
use self::progress::{Progress, StopRequests};
use super::model_args::{MachineArgs, ModelArgs, told};
use super::status::Status;
use super::verify;
use crate::base::files::write_bytes;

use crate::base::{text, version};
use crate::cli::output::tell;
use crate::model::{DeviceChoice, OpenModel};
use crate::run::{
    self, Done, Ending, Event, ExecuteError, Header, Journal, ModelCompute, Observer, People, Plan, Prompts, Session,
    Spec,
};
use crate::scoring::Scorer;

/// Options of `indieval run`.
#[derive(Debug, clap::Args)]
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
    let name = args
        .spec
        .spec
        .as_deref()
        .map(|path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
    let mut spec = args.spec.resolve()?;
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
    for line in notes::lines(&people, &plan, args.verbose) {
        say(&line);
    }
    let out = args.out.unwrap_or_else(|| default_folder(name.as_deref(), &spec));
    let mut machine = args.machine;
    // Packing follows from the tree's room, so a run that goes on keeps the room it began with.
    // A header without an outcome binds to nothing: what made that run fail may be put right in the same folder.
    let begun = run::read(&out)
        .ok()
        .filter(|(_, recorded)| !recorded.outcomes.is_empty());
    let begun = begun.map(|(header, _)| header);
    if let Some(header) = &begun {
        machine.tree_tokens = Some(header.tree_tokens);
    }
    let opened = open(&spec, machine)?;
    told(&opened).iter().for_each(|line| say(line));
    let prompts = Prompts::new(&spec, &opened.tokenizer, opened.chat_template.as_deref())?;
    if args.dry_run {
        return dry::run(&spec, &people, &plan, &prompts, opened);
    }
    resolve(&mut spec, &opened);
    let OpenModel {
        mut model,
        tokenizer,
        identity,
        hashes,
        memory,
        ..
    } = opened;
    let header = run::header(&spec, &people, &plan, &prompts, identity, hashes, memory.tree_tokens)?;
    let (mut journal, recorded) = Journal::open(&out, &header)?;
    plan.check(&people, &recorded.outcomes)
        .map_err(|(index, problem)| run::RunError::Record {
            path: out.join(run::RECORDS),
            line: index + 2,
            problem,
        })?;
    prepare(
        &out,
        &spec,
        &people,
        &plan,
        begun.is_none() || !out.join(run::CONTEXT).exists(),
    )?;

    let mut progress = Progress::new(args.quiet, requests);
    let scorer = Scorer::new(model.as_mut(), &tokenizer, &people.catalogue, run::settings(&spec));
    let mut compute = ModelCompute::new(&people, &spec, &prompts, scorer);
    let before = recorded.outcomes.len();
    let mut counter = Counter {
        observer: &mut progress,
        outcomes: 0,
    };
    let (started, clock) = (run::now(), Instant::now());
    let done = run::execute(&plan, &recorded, &mut journal, &mut compute, &mut counter);
    let added = counter.outcomes;
    progress.finish();
    let tokens = run::Compute::tokens(&compute);
    let seconds = clock.elapsed().as_secs_f64();
    let noted = if added > 0 || before == 0 {
        run::append_session(
            &out,
            &Session {
                started,
                ended: run::now(),
                version: version::FULL.to_owned(),
                machine: run::machine(),
                seconds,
                outcomes: added,
                tokens: tokens.shared,
                tokens_unshared: tokens.alone,
                ending: match &done {
                    Ok(Done::All) => Ending::Complete,
                    Ok(Done::Stopped) => Ending::Stopped,
                    Err(_) => Ending::Failed,
                },
            },
        )
    } else {
        Ok(())
    };
    drop(journal);
    // What stopped the run matters more than that it could not be noted.
    let done = done.map_err(|error| kept(error, before + added, &header, &out))?;
    noted?;
    if done == Done::Stopped {
        say(&format!(
            "stopped with {} of {} outcomes recorded; the same command goes on from here",
            before + added,
            header.outcomes
        ));
        return Ok(Status::Stopped.into());
    }
    say(&sharing(added, tokens, seconds));
    let unread = super::report::after_run(&out, args.quiet)?;
    if unread > 0 {
        say(&format!(
            "{unread} of {} outcomes have no readable answer; they count as wrong, and the report says within which bounds that matters",
            header.outcomes
        ));
    }
    if let Some(count) = args.verify {
        drop(compute);
        verify::sample(&out, &people, &plan, &prompts, model.as_mut(), &tokenizer, count)?;
    }
    let status = if args.strict && unread > 0 {
        Status::Incomplete
    } else {
        Status::Done
    };
    Ok(status.into())
}

/// Opens the spec's model.
pub(super) fn open(spec: &Spec, machine: MachineArgs) -> anyhow::Result<OpenModel> {
    let model = &spec.model;
    ModelArgs {
        model: model.id.clone(),
        dtype: model.dtype,
        device: model.device,
        weights: model.weights,
        machine,
    }
    .open()
}

/// Writes what was opened into the spec, in place of `auto`.
pub(super) fn resolve(spec: &mut Spec, opened: &OpenModel) {
    spec.model.device = DeviceChoice::Only(opened.identity.device);
    spec.model.dtype = opened.identity.dtype.into();
}

/// Writes what stands beside the journal: the resolved spec, and people with the baselines' answers.
fn prepare(out: &Path, spec: &Spec, people: &People, plan: &Plan, first: bool) -> anyhow::Result<()> {
    let path = out.join("spec.toml");
    write_bytes(&path, spec.to_toml()?.as_bytes()).map_err(|source| run::RunError::Write { path, source })?;
    if first {
        let baselines = run::baselines(people, plan);
        people
            .context(&spec.respondents.survey, &plan.splits, baselines)
            .write(out)?;
    }
    Ok(())
}

/// An error together with what of the run is safe.
fn kept(error: ExecuteError, recorded: usize, header: &Header, out: &Path) -> anyhow::Error {
    anyhow::Error::new(error).context(format!(
        "{}: stopped with {recorded} of {} outcomes recorded; these are kept, and the same command goes on from there",
        out.display(),
        header.outcomes
    ))
}

fn sharing(outcomes: usize, tokens: crate::scoring::shared::Tokens, seconds: f64) -> String {
    if outcomes == 0 {
        return "the run was complete already".to_owned();
    }
    let times = if tokens.shared > 0 {
        tokens.alone as f64 / tokens.shared as f64
    } else {
        1.0
    };
    format!(
        "{outcomes} outcomes in {}: {} tokens computed in place of {} without sharing ({times:.1} times fewer), {:.0} tokens/s",
        text::duration(seconds),
        tokens.shared,
        tokens.alone,
        tokens.shared as f64 / seconds.max(1e-9)
    )
}

fn default_folder(name: Option<&str>, spec: &Spec) -> PathBuf {
    let model: String = Path::new(&spec.model.id)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() || "-._".contains(letter) {
                letter
            } else {
                '-'
            }
        })
        .collect();
    Path::new("runs").join(format!("{}-{model}", name.unwrap_or("run")))
}

/// Counts outcomes on their way to the one who shows them.
struct Counter<'a> {
    observer: &'a mut Progress,
    outcomes: usize,
}

impl Observer for Counter<'_> {
    fn event(&mut self, event: Event<'_>) {
        self.outcomes += usize::from(matches!(event, Event::Outcome(_)));
        self.observer.event(event);
    }

    fn stop(&self) -> bool {
        self.observer.stop()
    }
}
