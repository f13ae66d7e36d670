//! What metrics need to know of people and questions, kept in the run's folder so that a report needs no survey file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::records::Reader;
use super::{RunError, session};
use crate::base::files::write_bytes;
use crate::base::hex::sha256_hex;
use crate::metrics::{BaselineRow, DimensionOrder, ModelInfo, Person, QuestionInfo, RunData, RunHeader};
use crate::survey::QuestionId;

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
    pub dimensions: Vec<DimensionOrder>,
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
            ("questions", same_questions(&self.questions, &other.questions)),
            ("dimensions", self.dimensions == other.dimensions),
            ("people", self.people == other.people),
            ("baselines", self.baselines == other.baselines),
        ];
        let differ = parts.into_iter().filter(|(_, same)| !same);
        differ.map(|(name, _)| name).collect()
    }

    /// A probed question; they stand in the order of their numbers.
    pub(super) fn question(&self, id: QuestionId) -> Option<&QuestionInfo> {
        let at = self.questions.binary_search_by_key(&id, |question| question.id);
        at.ok().and_then(|at| self.questions.get(at))
    }

    /// Writes the context; a reader sees the old file or the whole new one. Returns the SHA-256 of the file.
    ///
    /// # Errors
    /// [`RunError::Write`].
    pub fn write(&self, folder: &Path) -> Result<String, RunError> {
        let bytes = serde_json::to_vec(self).map_err(|error| RunError::Encode(error.to_string()))?;
        let path = folder.join(CONTEXT);
        write_bytes(&path, &bytes).map_err(|source| RunError::Write { path, source })?;
        Ok(sha256_hex(&bytes))
    }

    /// Reads the context of a run that does not bind it (format 1).
    ///
    /// # Errors
    /// A file that cannot be read or is no context.
    pub(super) fn read(folder: &Path) -> Result<Self, RunError> {
        Self::parse(folder.join(CONTEXT), None)
    }

    /// Reads the context of a run whose `run.json` says that this is its SHA-256.
    ///
    /// # Errors
    /// As [`read`](Self::read); [`RunError::Altered`] where it is another file.
    pub(super) fn read_bound(folder: &Path, hash: &str) -> Result<Self, RunError> {
        Self::parse(folder.join(CONTEXT), Some(hash))
    }

    fn parse(path: PathBuf, hash: Option<&str>) -> Result<Self, RunError> {
        let bytes = std::fs::read(&path).map_err(|source| RunError::Read {
            path: path.clone(),
            source,
        })?;
        if hash.is_some_and(|hash| hash != sha256_hex(&bytes)) {
            let problem = "it is not the file that `people` in run.json names by its SHA-256".to_owned();
            return Err(RunError::Altered { path, problem });
        }
        let context: Self = serde_json::from_slice(&bytes).map_err(|error| RunError::Record {
            path: path.clone(),
            line: error.line(),
            problem: error.to_string(),
        })?;
        let ids = context.questions.iter().map(|question| question.id);
        match ids.is_sorted() {
            true => Ok(context),
            false => Err(RunError::Altered {
                path,
                problem: "its questions are not in the order of their numbers".to_owned(),
            }),
        }
    }
}

/// Whether two lists of questions are the same, as far as both say it: format 1 has no texts of candidates.
fn same_questions(a: &[QuestionInfo], b: &[QuestionInfo]) -> bool {
    let same = |(a, b): (&QuestionInfo, &QuestionInfo)| {
        let told = !a.candidates.is_empty() && !b.candidates.is_empty();
        (a.id, a.category) == (b.id, b.category) && (!told || a.candidates == b.candidates)
    };
    a.len() == b.len() && a.iter().zip(b).all(same)
}

/// Everything a run's folder says, for metrics and reports.
pub fn load(folder: &Path) -> Result<RunData, RunError> {
    let (header, context, recorded) = Reader::open(folder)?.all()?;
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
                device: model.device.to_string(),
                kernels: model.kernels(),
            },
            spec: header.spec.to_toml()?,
            hashes: header.hashes.clone(),
            version: last.map(|session| session.program.clone()).unwrap_or_default(),
            machine: last.map(|session| session.machine.clone()).unwrap_or_default(),
            started: sessions
                .first()
                .map(|session| session.started.clone())
                .unwrap_or_default(),
            finished: last.filter(|_| complete).map(|session| session.noted.clone()),
            planned: Some(header.outcomes),
            tokens: sessions.iter().map(|session| session.tokens).sum(),
            tokens_unshared: sessions.iter().map(|session| session.tokens_unshared).sum(),
            seconds: sessions.iter().map(|session| session.seconds).sum(),
            sessions: sessions.len(),
            killed,
            uncounted: session::uncounted(&sessions, recorded.outcomes.len()),
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
