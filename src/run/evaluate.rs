//! One start of a run: what its folder lacks is computed and recorded.

use std::path::Path;
use std::time::Instant;

use super::{
    CONTEXT, Done, Ending, Event, ExecuteError, Experiment, Header, Journal, ModelCompute, Observer, RECORDS, Recorded,
    RunError, Session, append_session, execute, machine, now, read,
};
use crate::base::files::write_bytes;
use crate::base::version;
use crate::model::OpenModel;
use crate::scoring::shared::Tokens;

/// What one start of a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// Whether the run is complete.
    pub done: Done,
    /// Records that were there before.
    pub before: usize,
    /// Records that were added.
    pub added: usize,
    /// Records of the complete run.
    pub planned: usize,
    /// Tokens that were computed.
    pub tokens: Tokens,
    /// Seconds of computing.
    pub seconds: f64,
}

/// An error together with what of the run is safe.
#[derive(Debug, thiserror::Error)]
#[error(
    "{folder}: stopped with {recorded} of {planned} records written; these are kept, and the same command goes on from there"
)]
pub struct Interrupted {
    /// The run's folder.
    folder: String,
    recorded: usize,
    planned: usize,
    /// What stopped it.
    pub source: ExecuteError,
}

/// Why a run could not be computed to its end.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// Before anything was computed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// While it was computed.
    #[error(transparent)]
    Interrupted(#[from] Box<Interrupted>),
}

impl EvaluateError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Run(error) => error.hint(),
            Self::Interrupted(interrupted) => interrupted.source.hint(),
        }
    }
}

/// Computes what the run in `folder` lacks of `experiment` and records it there; a folder that holds no run yet is
/// made. A run that was stopped or killed goes on behind its last whole record and ends with the same bytes.
///
/// `observer` is told of every record and asked before each person whether to stop.
///
/// ```
/// use indieval::model::{self, OpenOptions, source::Silent};
/// use indieval::run::{self, Experiment, Spec, Unobserved};
///
/// let folder = tempfile::tempdir()?;
/// let mut opened = model::open("fake:1", &OpenOptions::default(), &mut Silent)?;
/// let mut spec = Spec::default();
/// spec.respondents.survey = concat!(env!("CARGO_MANIFEST_DIR"), "/data/synthetic-respondents.csv").into();
/// spec.respondents.limit = Some(1);
/// spec.grid.splits = vec![1];
/// spec.grid.demonstrations = vec![3];
/// let experiment = Experiment::read(spec, &opened)?;
/// let evaluated = run::evaluate(&experiment, &mut opened, folder.path(), &mut Unobserved)?;
/// assert_eq!(evaluated.added, experiment.plan.outcomes);
/// let outcomes = run::load(folder.path())?.outcomes;
/// assert_eq!(outcomes.len(), evaluated.added);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// A folder that holds another run, is written by another process or cannot be written; what tokenizer, prompts and
/// model report. What is recorded is kept.
pub fn evaluate(
    experiment: &Experiment,
    opened: &mut OpenModel,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<Evaluated, EvaluateError> {
    let header = experiment.header(opened, opened.memory.tree_tokens)?;
    let (mut journal, recorded) = Journal::open(folder, &header)?;
    experiment.check(folder, &recorded)?;
    experiment.write_inputs(folder, recorded.outcomes.is_empty())?;
    let mut compute = ModelCompute::new(experiment, opened);
    let mut counter = Counter { observer, records: 0 };
    let (started, clock) = (now(), Instant::now());
    let done = execute(&experiment.plan, &recorded, &mut journal, &mut compute, &mut counter);
    let evaluated = Evaluated {
        done: *done.as_ref().unwrap_or(&Done::Stopped),
        before: recorded.outcomes.len(),
        added: counter.records,
        planned: header.outcomes,
        tokens: super::Compute::tokens(&compute),
        seconds: clock.elapsed().as_secs_f64(),
    };
    let ending = match &done {
        Ok(Done::All) => Ending::Complete,
        Ok(Done::Stopped) => Ending::Stopped,
        Err(_) => Ending::Failed,
    };
    let noted = note(folder, started, ending, &evaluated);
    // What stopped the run matters more than that it could not be noted.
    done.map_err(|source| {
        Box::new(Interrupted {
            folder: folder.display().to_string(),
            recorded: evaluated.before + evaluated.added,
            planned: evaluated.planned,
            source,
        })
    })?;
    noted?;
    Ok(evaluated)
}

/// Writes down what this start did, unless it had nothing to do.
fn note(folder: &Path, started: String, ending: Ending, evaluated: &Evaluated) -> Result<(), RunError> {
    if evaluated.added == 0 && evaluated.before > 0 {
        return Ok(());
    }
    append_session(
        folder,
        &Session {
            started,
            ended: now(),
            version: version::FULL.to_owned(),
            machine: machine(),
            seconds: evaluated.seconds,
            outcomes: evaluated.added,
            tokens: evaluated.tokens.shared,
            tokens_unshared: evaluated.tokens.alone,
            ending,
        },
    )
}

/// The header of a run that holds records already. One without any binds to nothing: what made that run fail may be
/// put right in the same folder.
pub fn begun(folder: &Path) -> Option<Header> {
    let (header, recorded) = read(folder).ok()?;
    (!recorded.outcomes.is_empty()).then_some(header)
}

impl Experiment {
    /// Whether recorded outcomes are the first ones of the plan.
    ///
    /// # Errors
    /// [`RunError::Record`] with the line of the first that is not.
    pub fn check(&self, folder: &Path, recorded: &Recorded) -> Result<(), RunError> {
        self.plan
            .check(&self.people, &recorded.outcomes)
            .map_err(|(index, problem)| RunError::Record {
                path: folder.join(RECORDS),
                line: index + 2,
                problem,
            })
    }

    /// Writes what stands beside the journal: the resolved spec, and people with the baselines' answers.
    fn write_inputs(&self, folder: &Path, first: bool) -> Result<(), RunError> {
        let path = folder.join("spec.toml");
        write_bytes(&path, self.spec.to_toml()?.as_bytes()).map_err(|source| RunError::Write { path, source })?;
        if first || !folder.join(CONTEXT).exists() {
            self.context().write(folder)?;
        }
        Ok(())
    }
}

/// Counts records on their way to the one who shows them.
struct Counter<'a> {
    observer: &'a mut dyn Observer,
    records: usize,
}

impl Observer for Counter<'_> {
    fn event(&mut self, event: Event<'_>) {
        self.records += usize::from(matches!(event, Event::Outcome(_)));
        self.observer.event(event);
    }

    fn stop(&self) -> bool {
        self.observer.stop()
    }
}
