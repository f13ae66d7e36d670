//! What metrics need to know of people and questions, kept in the run's folder so that a report needs no survey file.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::RunError;
use super::names::PEOPLE;
use crate::base::files::write_bytes;
use crate::base::hex::sha256_hex;
use crate::metrics::{BaselineTable, DimensionOrder, Person, QuestionInfo, SecondAnswer};
use crate::survey::{PublishedResult, QuestionId};

/// People, questions and the baselines on the same probes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeopleFile {
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
    /// What majority, resemblance and naive Bayes say of the same probes.
    pub baselines: BaselineTable,
    /// What people answered when they were asked again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub second_answers: Vec<SecondAnswer>,
    /// What others reported on the same survey, as its definition says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<PublishedResult>,
}

impl PeopleFile {
    /// What is not the same in `other`, by name.
    pub(crate) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let parts = [
            ("synthetic mark", self.synthetic == other.synthetic),
            ("categories", self.categories == other.categories),
            ("questions", same_questions(&self.questions, &other.questions)),
            ("dimensions", self.dimensions == other.dimensions),
            ("people", self.people == other.people),
            ("baselines", self.baselines == other.baselines),
            ("second answers", self.second_answers == other.second_answers),
            ("published figures", self.published == other.published),
        ];
        let differ = parts.into_iter().filter(|(_, same)| !same);
        differ.map(|(name, _)| name).collect()
    }

    /// A probed question; they stand in the order of their numbers.
    pub(super) fn question(&self, id: QuestionId) -> Option<&QuestionInfo> {
        let at = self.questions.binary_search_by_key(&id, |question| question.id);
        at.ok().and_then(|at| self.questions.get(at))
    }

    /// Writes the file; a reader sees the old file or the whole new one. Returns the SHA-256 of the file.
    ///
    /// # Errors
    /// [`RunError::Write`].
    pub fn write(&self, folder: &Path) -> Result<String, RunError> {
        let bytes = serde_json::to_vec(self).map_err(|error| RunError::Encode(error.to_string()))?;
        let path = folder.join(PEOPLE);
        write_bytes(&path, &bytes).map_err(|source| RunError::Write { path, source })?;
        Ok(sha256_hex(&bytes))
    }

    /// Reads that of a run that does not bind it (format 1).
    ///
    /// # Errors
    /// A file that cannot be read or is not such a file.
    pub(super) fn read(folder: &Path) -> Result<Self, RunError> {
        Self::parse(folder.join(PEOPLE), None)
    }

    /// Reads that of a run whose `run.json` says that this is its SHA-256.
    ///
    /// # Errors
    /// As [`read`](Self::read); [`RunError::Altered`] where it is another file.
    pub(super) fn read_bound(folder: &Path, hash: &str) -> Result<Self, RunError> {
        Self::parse(folder.join(PEOPLE), Some(hash))
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
        let file: Self = serde_json::from_slice(&bytes).map_err(|error| RunError::Record {
            path: path.clone(),
            line: error.line(),
            problem: error.to_string(),
        })?;
        let ids = file.questions.iter().map(|question| question.id);
        match ids.is_sorted() {
            true => Ok(file),
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
