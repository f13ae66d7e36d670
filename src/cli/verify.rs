//! `indieval verify`: is a run what its files say?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::model_args::MachineArgs;
use super::rescore::{self, PrintedDifferences, line};
use super::status::ExitStatus;
use crate::base::random::Draws;
use crate::base::text::{count, counted};
use crate::cli::output::say;
use crate::model::Speaker;
use crate::run::{self, Experiment, Header, People, Plan, Reader, RunError, Spec, SpecCheck};
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
    /// Records to score again; with 0 no model is opened and only the files are checked
    #[arg(long, short = 'n', default_value_t = 20)]
    records: usize,
    /// Which records are drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print everything that differs, not the first ten alone
    #[arg(long)]
    all: bool,
    /// The survey file, if it is no longer where the run found it
    #[arg(long, value_name = "FILE")]
    survey: Option<PathBuf>,
    /// The model, if it is no longer where the run found it
    #[arg(long, short)]
    model: Option<String>,
    /// The model's adapter, if it is no longer where the run found it
    #[arg(long, value_name = "ADAPTER")]
    adapter: Option<String>,
    #[command(flatten)]
    machine: MachineArgs,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let shown = match args.all {
        true => PrintedDifferences::All,
        false => PrintedDifferences::few(&args.run, args.records, args.seed),
    };
    let mut reader = Reader::open(&args.run)?;
    let header = reader.header().clone();
    let named = args.survey.is_some();
    let mut spec = header.spec.clone();
    spec.respondents.survey = args.survey.unwrap_or(spec.respondents.survey);
    spec.model.id = args.model.unwrap_or(spec.model.id);
    spec.model.adapter = args.adapter.or(spec.model.adapter);
    // What is wrong with the files is said before what is wrong with the survey.
    let planned = Planned::new(&args.run, &spec, &header);
    let check = planned
        .as_ref()
        .ok()
        .map(|planned| RecordsCheck::new(planned, &spec, &header));
    let Some((records, against)) = files(&mut reader, &args.run, (check, &shown))? else {
        return Ok(ExitCode::FAILURE);
    };
    let complete = records == header.outcomes;
    let Planned { people, plan } = match planned {
        // Where the run found its survey there may be none any more; a file that is named must be there.
        Err(Unplanned::NoPeople(why)) if args.records == 0 && !named => {
            say!("people: not checked against the survey: {why}");
            return Ok(status(true, complete));
        }
        Err(Unplanned::NoPeople(why) | Unplanned::Other(why)) => return Err(why.into()),
        Ok(planned) => planned,
    };
    if let Some(problem) = against {
        return Err(problem.into());
    }
    say!("plan: every record matches the survey and the spec");
    let mut clean = describes(&people, &spec, &plan, reader.people())?;
    if header.model.family == Speaker::Elsewhere {
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
        let chosen = Draws::new(args.seed, 0).choose(records, args.records);
        clean &= rescore::compare(&experiment, &mut opened, &args.run, (&chosen, &shown))?;
    }
    Ok(status(clean, complete))
}

/// The people and the plan of a run, from its survey and its spec.
struct Planned {
    people: People,
    plan: Plan,
}

/// Why there is no plan.
enum Unplanned {
    /// The survey file cannot be read.
    NoPeople(RunError),
    /// It is another than that of the run, or the spec cannot be planned.
    Other(RunError),
}

impl Planned {
    fn new(folder: &Path, spec: &Spec, header: &Header) -> Result<Self, Unplanned> {
        let people = People::read(spec).map_err(Unplanned::NoPeople)?;
        let hashes = people.hashes();
        let mut changed = hashes
            .iter()
            .filter(|(name, hash)| header.hashes.get(*name) != Some(*hash));
        if let Some((name, _)) = changed.next() {
            let (folder, what) = (folder.to_owned(), name.clone());
            return Err(Unplanned::Other(RunError::Changed { folder, what }));
        }
        let plan = Plan::new(spec, &people).map_err(Unplanned::Other)?;
        let plan = plan.of_entry(header.shard.as_ref());
        Ok(Self { people, plan })
    }
}

/// Holds records against the plan and the spec, one after the other; of each kind the first problem counts.
struct RecordsCheck<'a> {
    planned: &'a Planned,
    header: &'a Header,
    spec: SpecCheck<'a>,
    /// How many were held against them.
    records: usize,
    /// The first that is not the plan's.
    misplaced: Option<(usize, String)>,
    /// The first that is not as the spec calls for.
    contradicted: Option<(usize, String)>,
}

impl<'a> RecordsCheck<'a> {
    fn new(planned: &'a Planned, spec: &'a Spec, header: &'a Header) -> Self {
        Self {
            planned,
            header,
            spec: SpecCheck::new(&planned.plan, spec, &planned.people),
            records: 0,
            misplaced: None,
            contradicted: None,
        }
    }

    fn record(&mut self, outcome: &Outcome) -> Result<(), RunError> {
        let index = self.records;
        self.records += 1;
        if self.misplaced.is_some() {
            return Ok(());
        }
        let Planned { people, plan } = self.planned;
        self.misplaced = plan.check(people, index, outcome).err().map(|problem| (index, problem));
        // Records of format 1 do not have all that is looked at, and answers made elsewhere may have failed.
        let told = self.header.format > 1 && self.header.model.family != Speaker::Elsewhere;
        if told && self.misplaced.is_none() && self.contradicted.is_none() {
            let problem = self.spec.contradicted(index, outcome)?;
            self.contradicted = problem.map(|problem| (index, problem));
        }
        Ok(())
    }

    fn problem(self, folder: &Path) -> Option<RunError> {
        let (index, problem) = self.misplaced.or(self.contradicted)?;
        Some(RunError::Record {
            path: folder.join(run::RECORDS),
            line: line(self.header, index),
            problem,
        })
    }
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

/// Checks all that the files of a run say of themselves and of each other, and says what it found: how many records there
/// are, and the first that is not what `check` expects. `None` where something does not hold.
fn files(
    reader: &mut Reader,
    folder: &Path,
    (mut check, shown): (Option<RecordsCheck<'_>>, &PrintedDifferences),
) -> anyhow::Result<Option<(usize, Option<RunError>)>> {
    let (mut records, mut problems) = (0, Vec::new());
    for outcome in reader.by_ref() {
        match outcome {
            Ok(outcome) => {
                records += 1;
                if let Some(check) = &mut check {
                    check.record(&outcome)?;
                }
            }
            Err(problem @ RunError::Record { .. }) => problems.push(problem.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    let header = reader.header();
    let read = records + problems.len();
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
        problems.push(format!("{}: not the spec of {}", path.display(), run::RUN));
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
        return Ok(Some((records, check.and_then(|check| check.problem(folder)))));
    }
    say!("files: {} found", counted(problems.len(), "change", "changes"));
    shown.print(&problems)?;
    Ok(None)
}
