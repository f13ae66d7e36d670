//! What the metrics are computed from: everything a run folder says, in memory.
//!
//! Metrics know no survey files and no models. What they need of people and questions stands in the run folder and
//! arrives here; the module `run` reads and writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::baseline_table::BaselineTable;
use super::table::OutcomeTable;
use crate::scoring::Outcome;
use crate::survey::{PublishedResult, QuestionId};

/// One run as read from its folder. Reports and comparisons need no more of its outcomes than a table has ([`RunTable`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunData<O = Vec<Outcome>> {
    /// The run's name (its folder's last component).
    pub name: String,
    /// What was run, on what, and how much was computed.
    pub header: RunHeader,
    /// All outcomes, in any order, each probe at most once per condition.
    pub outcomes: O,
    /// The people, in the order of the plan.
    pub people: Vec<Person>,
    /// Demographic dimensions with their groups in a sensible order (ages ascending, and so on). A dimension or group
    /// that people have and this list lacks is put after it, in alphabetical order.
    #[serde(default)]
    pub dimensions: Vec<DimensionOrder>,
    /// The probed questions.
    pub questions: Vec<QuestionInfo>,
    /// Category names in the catalogue's order.
    pub categories: Vec<String>,
    /// What the baselines that need other people's answers said of the same probes; empty where the run had none to
    /// learn from. Chance needs no row: it follows from the number of candidates.
    #[serde(default)]
    pub baselines: BaselineTable,
    /// What people answered when they were asked again; empty where nobody was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub second_answers: Vec<SecondAnswer>,
}

/// A run whose outcomes are a table.
pub type RunTable = RunData<OutcomeTable>;

impl RunData {
    /// The same run with its outcomes as a table.
    pub fn table(&self) -> RunTable {
        RunData {
            name: self.name.clone(),
            header: self.header.clone(),
            outcomes: self.outcomes.iter().collect(),
            people: self.people.clone(),
            dimensions: self.dimensions.clone(),
            questions: self.questions.clone(),
            categories: self.categories.clone(),
            baselines: self.baselines.clone(),
            second_answers: self.second_answers.clone(),
        }
    }
}

/// Facts about a run that are not outcomes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunHeader {
    /// Hash of everything that determines the result.
    pub run_id: String,
    /// The model.
    pub model: ModelInfo,
    /// The resolved spec, as TOML text.
    pub spec: String,
    /// SHA-256 (hex) by name: `weights`, `tokenizer`, `prompts`, `catalogue`, `survey`.
    pub hashes: BTreeMap<String, String>,
    /// Version of indieval.
    pub version: String,
    /// The machine in words: processor, threads, accelerator, operating system.
    pub machine: String,
    /// When the run started, RFC 3339.
    pub started: String,
    /// When the last outcome was written, RFC 3339; absent while the run is unfinished.
    #[serde(default)]
    pub finished: Option<String>,
    /// Outcomes that a complete run has; absent where the plan is not known.
    #[serde(default)]
    pub planned: Option<usize>,
    /// Tokens put through the model.
    #[serde(default)]
    pub tokens: u64,
    /// Tokens that would have been put through it had every prompt been computed alone.
    #[serde(default)]
    pub tokens_unshared: u64,
    /// Seconds of computing, over all sessions of the run.
    #[serde(default)]
    pub seconds: f64,
    /// Starts of the program on this run.
    #[serde(default)]
    pub sessions: usize,
    /// Those that were killed, or still compute.
    #[serde(default)]
    pub killed: usize,
    /// Records whose time and tokens are not counted, since the start that wrote them was killed.
    #[serde(default)]
    pub uncounted: usize,
    /// Programs and kinds of kernels that computed it, where they were several; empty elsewhere.
    #[serde(default)]
    pub mixed: Vec<String>,
    /// Whether the respondents were invented by a program.
    pub synthetic: bool,
    /// Name of the survey file (no folders).
    #[serde(default)]
    pub survey: String,
    /// Which catalogue: `indieval` or the name of the file that was given instead.
    #[serde(default)]
    pub catalogue: String,
    /// What others reported on the same survey, as its definition says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<PublishedResult>,
}

/// The model of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Name as a reader knows it.
    pub name: String,
    /// Architecture family, such as `llama`.
    #[serde(default)]
    pub family: String,
    /// Number of parameters; 0 where unknown.
    #[serde(default)]
    pub parameters: u64,
    /// Number format of the computation.
    #[serde(default)]
    pub dtype: String,
    /// Where it ran.
    #[serde(default)]
    pub device: String,
    /// Which kernels computed it.
    #[serde(default)]
    pub kernels: String,
}

impl ModelInfo {
    /// Whether it ran elsewhere and its answers were graded: nothing is known of it but its name.
    pub fn is_elsewhere(&self) -> bool {
        self.family == "elsewhere"
    }
}

/// One respondent of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// The respondent's id, as in the outcomes.
    pub id: String,
    /// Group name by dimension name; a dimension the person did not answer is absent.
    #[serde(default)]
    pub groups: BTreeMap<String, String>,
    /// The person's weight in the survey; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

/// What a person answered to a probe when they were asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondAnswer {
    /// The respondent's id.
    pub respondent: String,
    /// The probed question.
    pub question: QuestionId,
    /// Position among the question's candidates.
    pub answer: usize,
}

/// A demographic dimension and the order of its groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionOrder {
    /// Its name, as in [`Person::groups`].
    pub name: String,
    /// Its groups in the order a reader expects.
    pub groups: Vec<String>,
}

/// One probed question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuestionInfo {
    /// Its number.
    pub id: QuestionId,
    /// Position of its category in [`RunData::categories`].
    pub category: usize,
    /// Texts of its candidates, in order; empty in runs of format 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// Where the candidates stand on the question's scale; empty where they have no order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<f64>,
}
