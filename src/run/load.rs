//! A run's folder in the terms of metrics and reports.

use std::path::Path;

use super::records::{ReadRun, Reader};
use super::{RunError, session};
use crate::metrics::{ModelInfo, OutcomeTable, RunData, RunHeader, RunTable};
use crate::scoring::Outcome;

/// Everything a run's folder says.
///
/// # Errors
/// A folder without a run; the first record that is not as it was written.
pub fn load(folder: &Path) -> Result<RunData, RunError> {
    gather(folder, Vec::push)
}

/// The same for reports and comparisons: of each outcome only what they look at is kept.
///
/// # Errors
/// As [`load`].
pub fn load_table(folder: &Path) -> Result<RunTable, RunError> {
    gather(folder, |table: &mut OutcomeTable, outcome| table.push(&outcome))
}

/// The same of a run whose outcomes were checked while they were written there; they are not read again.
///
/// # Errors
/// A folder without a run; `run.json` or `people.json` that was changed.
pub(crate) fn load_around(folder: &Path, outcomes: OutcomeTable) -> Result<RunTable, RunError> {
    let read = Reader::open(folder)?.unread(outcomes.len());
    told(folder, read, outcomes)
}

fn gather<O: Default>(folder: &Path, keep: impl Fn(&mut O, Outcome)) -> Result<RunData<O>, RunError> {
    let mut outcomes = O::default();
    let read = Reader::open(folder)?.each(|outcome| keep(&mut outcomes, outcome))?;
    told(folder, read, outcomes)
}

pub(super) fn told<O>(folder: &Path, read: ReadRun, outcomes: O) -> Result<RunData<O>, RunError> {
    let (header, people, recorded) = (read.header, read.people, read.records);
    let sessions = session::read_sessions(folder);
    let killed = sessions.iter().filter(|session| session.ending.is_none()).count();
    let complete = recorded == header.outcomes;
    let last = sessions.last();
    let model = &header.model;
    Ok(RunData {
        name: folder
            .file_name()
            .map_or_else(|| folder.display().to_string(), |name| name.to_string_lossy().into()),
        header: RunHeader {
            run_id: header.run.clone(),
            model: ModelInfo {
                name: model.name.clone(),
                family: model.family_name().to_owned(),
                parameters: model.parameters,
                dtype: model.numbers(),
                device: model.device.kind().to_owned(),
                kernels: model.kernels(),
            },
            spec: header.spec.to_toml()?,
            hashes: header.hashes.clone(),
            version: last.map(|session| session.program.clone()).unwrap_or_default(),
            machine: last.map(|session| session.machine.clone()).unwrap_or_default(),
            // Shards are computed side by side, so neither is that of the first or last one in the file.
            started: sessions
                .iter()
                .map(|session| session.started.clone())
                .min()
                .unwrap_or_default(),
            finished: sessions
                .iter()
                .map(|session| session.noted.clone())
                .max()
                .filter(|_| complete),
            planned: Some(header.outcomes),
            tokens: sessions.iter().map(|session| session.tokens).sum(),
            tokens_unshared: sessions.iter().map(|session| session.tokens_unshared).sum(),
            seconds: sessions.iter().map(|session| session.seconds).sum(),
            sessions: sessions.len(),
            killed,
            uncounted: session::uncounted(&sessions, recorded),
            mixed: header.mixed.iter().map(ToString::to_string).collect(),
            synthetic: header.synthetic,
            survey: people.survey,
            catalogue: people.catalogue,
            published: people.published,
        },
        outcomes,
        people: people.people,
        dimensions: people.dimensions,
        questions: people.questions,
        categories: people.categories,
        baselines: people.baselines,
        second_answers: people.second_answers,
    })
}
