//! One start of a run: what its folder lacks is computed and recorded.

use std::path::Path;
use std::time::Instant;

use super::{
    Done, Event, ExecuteError, Experiment, Found, Header, Journal, ModelCompute, Observer, RECORDS, RunError, SPEC,
    SessionEvent, SessionLog, execute,
};
use crate::base::files::write_bytes;
use crate::model::{OpenModel, Tokens};

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
    "{folder}: stopped with {recorded} of {planned} records written; these are kept, and the same command resumes from there"
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
/// `observer` is told of every record and asked before each batch whether to stop.
///
/// ```
/// use indieval::model::{self, OpenOptions, source::Silent};
/// use indieval::probe::Split;
/// use indieval::run::{self, Experiment, Spec, Unobserved};
///
/// let folder = tempfile::tempdir()?;
/// let mut opened = model::open("fake:1", &OpenOptions::default(), &mut Silent)?;
/// let mut spec = Spec::default();
/// spec.respondents.survey = concat!(env!("CARGO_MANIFEST_DIR"), "/data/synthetic-respondents.csv").into();
/// spec.respondents.limit = Some(1);
/// spec.grid.splits = vec![Split::One];
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
/// A folder that holds another run, is written by another process or cannot be written; what tokenizer, prompts and model
/// report. What is recorded is kept.
pub fn evaluate(
    experiment: &Experiment,
    opened: &mut OpenModel,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<Evaluated, EvaluateError> {
    let header = experiment.header(opened)?;
    let (mut journal, found) = experiment.go_on(folder, &header, observer)?;
    experiment.write_spec(folder)?;
    let before = found.records;
    if header.shard.is_none() && before < header.outcomes {
        super::shards::none_begun(folder)?;
    }
    let mut log = (before < header.outcomes)
        .then(|| SessionLog::begin(folder, opened, before))
        .transpose()?;
    let clock = Instant::now();
    let mut compute = ModelCompute::new(experiment, opened);
    let mut counter = Counter {
        observer,
        log: log.as_mut(),
        recorded: before,
        failed: None,
    };
    let done = execute(&experiment.plan, found, &mut journal, &mut compute, &mut counter);
    let noted = counter.failed.take().map_or(Ok(()), Err);
    let evaluated = Evaluated {
        done: *done.as_ref().unwrap_or(&Done::Stopped),
        before,
        added: counter.recorded - before,
        planned: header.outcomes,
        tokens: super::Compute::tokens(&compute),
        seconds: clock.elapsed().as_secs_f64(),
    };
    let ending = match &done {
        Ok(Done::All) => SessionEvent::Complete,
        Ok(Done::Stopped) => SessionEvent::Stopped,
        Err(_) => SessionEvent::Failed,
    };
    let tokens = (evaluated.tokens.shared, evaluated.tokens.alone);
    let ended = log.map_or(Ok(()), |log| log.end(ending, before + evaluated.added, tokens));
    // What stopped the run matters more than that it could not be noted.
    done.map_err(|source| {
        Box::new(Interrupted {
            folder: folder.display().to_string(),
            recorded: evaluated.before + evaluated.added,
            planned: evaluated.planned,
            source,
        })
    })?;
    noted.and(ended)?;
    Ok(evaluated)
}

impl Experiment {
    /// Opens the journal and shows `observer` what it holds, which must be the first outcomes of the plan.
    ///
    /// # Errors
    /// As [`Journal::open`]; [`RunError::Record`] with the line of the first that is not the plan's.
    fn go_on(&self, folder: &Path, header: &Header, observer: &mut dyn Observer) -> Result<(Journal, Found), RunError> {
        let (mut at, mut wrong) = (0, None);
        let opened = Journal::open(folder, header, || self.people_file(), &mut |outcome| {
            if wrong.is_none() {
                wrong = self
                    .plan
                    .check(&self.people, at, outcome)
                    .err()
                    .map(|problem| (at, problem));
            }
            at += 1;
            observer.event(Event::Recorded(outcome));
        })?;
        match wrong {
            None => Ok(opened),
            Some((at, problem)) => Err(RunError::Record {
                path: folder.join(RECORDS),
                line: at + 1,
                problem,
            }),
        }
    }

    /// Writes the resolved spec beside the records. That of a run that goes on stays: files may lie elsewhere by now.
    fn write_spec(&self, folder: &Path) -> Result<(), RunError> {
        let path = folder.join(SPEC);
        if path.exists() {
            return Ok(());
        }
        write_bytes(&path, self.spec.to_toml()?.as_bytes()).map_err(|source| RunError::Write { path, source })
    }
}

/// Counts records on their way to the one who shows them, and notes how far the run is.
struct Counter<'a> {
    observer: &'a mut dyn Observer,
    /// None where there is nothing to compute.
    log: Option<&'a mut SessionLog>,
    /// Records of the run so far.
    recorded: usize,
    /// Why a note could not be written.
    failed: Option<RunError>,
}

impl Observer for Counter<'_> {
    fn event(&mut self, event: Event<'_>) {
        match &event {
            Event::Outcome(_) => self.recorded += 1,
            Event::Unit { tokens, .. } => {
                let tokens = (tokens.shared, tokens.alone);
                let noted = self.log.as_mut().map(|log| log.running(self.recorded, tokens));
                self.failed = self.failed.take().or(noted.and_then(Result::err));
            }
            Event::Recorded(_) | Event::Begin { .. } => {}
        }
        self.observer.event(event);
    }

    fn stop(&self) -> bool {
        self.observer.stop()
    }
}
