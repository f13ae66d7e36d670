//! What metrics need to know of people and questions, kept in the run's folder so that a report needs no survey file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{RunError, journal, session};
use crate::base::files::write_bytes;
use crate::metrics::{BaselineRow, Dimension, ModelInfo, Person, QuestionInfo, RunData, RunHeader};

/// Name of the file in a run's folder.
pub const CONTEXT: &str = "people.json";

/// People, questions and the baselines on the same probes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Whether the people are invented (the header says it too; this file is read on its own as well).
    pub synthetic: bool,
    /// Name of the survey file, without folders.
    pub survey: String,
    /// Which catalogue: `indieval` or the names of the files given instead.
    pub catalogue: String,
    /// Category names.
    pub categories: Vec<String>,
    /// The probed questions.
    pub questions: Vec<QuestionInfo>,
    /// Demographic dimensions with their groups in order.
    pub dimensions: Vec<Dimension>,
    /// The people in the order of the run.
    pub people: Vec<Person>,
    /// What majority and resemblance say of the same probes.
    pub baselines: Vec<BaselineRow>,
}

impl Context {
    /// What is not the same in `other`, by name.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let parts = [
            ("synthetic mark", self.synthetic == other.synthetic),
            ("categories", self.categories == other.categories),
            ("questions", self.questions == other.questions),
            ("dimensions", self.dimensions == other.dimensions),
            ("people", self.people == other.people),
            ("baselines", self.baselines == other.baselines),
        ];
        let differ = parts.into_iter().filter(|(_, same)| !same);
        differ.map(|(name, _)| name).collect()
    }

    /// Writes the context; a reader sees the old file or the whole new one.
    pub fn write(&self, folder: &Path) -> Result<(), RunError> {
        let bytes = serde_json::to_vec(self).map_err(|error| RunError::Encode(error.to_string()))?;
        let path = folder.join(CONTEXT);
        write_bytes(&path, &bytes).map_err(|source| RunError::Write { path, source })
    }

    /// Reads the context of a run.
    pub fn read(folder: &Path) -> Result<Self, RunError> {
        let path = folder.join(CONTEXT);
        let bytes = std::fs::read(&path).map_err(|source| RunError::Read {
            path: path.clone(),
            source,
        })?;
        serde_json::from_slice(&bytes).map_err(|error| RunError::Record {
            path,
            line: error.line(),
            problem: error.to_string(),
        })
    }
}

/// Everything a run's folder says, for metrics and reports.
pub fn load(folder: &Path) -> Result<RunData, RunError> {
    let (header, recorded) = journal::read(folder)?;
    let context = Context::read(folder)?;
    let sessions = session::read_sessions(folder);
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
                device: model.device.to_string(),
                kernels: model.kernels(),
            },
            spec: header.spec.to_toml()?,
            hashes: header.hashes.clone(),
            version: last.map(|session| session.version.clone()).unwrap_or_default(),
            machine: last.map(|session| session.machine.clone()).unwrap_or_default(),
            started: sessions
                .first()
                .map(|session| session.started.clone())
                .unwrap_or_default(),
            finished: last.filter(|_| complete).map(|session| session.ended.clone()),
            planned: Some(header.outcomes),
            tokens: sessions.iter().map(|session| session.tokens).sum(),
            tokens_unshared: sessions.iter().map(|session| session.tokens_unshared).sum(),
            seconds: sessions.iter().map(|session| session.seconds).sum(),
            synthetic: header.synthetic,
            survey: context.survey,
            catalogue: context.catalogue,
        },
        outcomes: recorded.outcomes,
        people: context.people,
        dimensions: context.dimensions,
        questions: context.questions,
        categories: context.categories,
        baselines: context.baselines,
    })
}
