//! A run's folder in the terms of metrics and reports.

use std::path::Path;

use super::records::Reader;
use super::{RunError, session};
use crate::metrics::{ModelInfo, RunData, RunHeader};

/// Everything a run's folder says, for metrics and reports.
pub fn load(folder: &Path) -> Result<RunData, RunError> {
    let (header, people, recorded) = Reader::open(folder)?.all()?;
    let sessions = session::read_sessions(folder);
    let killed = sessions.iter().filter(|session| session.ending.is_none()).count();
    let complete = recorded.outcomes.len() == header.outcomes;
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
            uncounted: session::uncounted(&sessions, recorded.outcomes.len()),
            mixed: header.mixed.iter().map(ToString::to_string).collect(),
            synthetic: header.synthetic,
            survey: people.survey,
            catalogue: people.catalogue,
        },
        outcomes: recorded.outcomes,
        people: people.people,
        dimensions: people.dimensions,
        questions: people.questions,
        categories: people.categories,
        baselines: people.baselines,
    })
}
