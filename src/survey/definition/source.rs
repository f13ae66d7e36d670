//! The keys of `survey.toml`, as they are written. GUIDE ("Your own survey") describes each.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::probe_rule::{ProbeRule, ProbesOf};
use super::published::PublishedResult;

/// Where in a definition something is wrong, and what.
pub(super) type Fault = (String, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SurveySource {
    pub(super) name: String,
    pub(super) words: Option<String>,
    pub(super) citation: Option<String>,
    pub(super) licence: Option<String>,
    #[serde(default)]
    pub(super) file: FileSource,
    #[serde(default)]
    pub(super) person: PersonSource,
    #[serde(default)]
    pub(super) missing: MissingSource,
    #[serde(default)]
    pub(super) probes: ProbesSource,
    pub(super) retest: Option<RetestSource>,
    #[serde(default)]
    pub(super) scale: BTreeMap<String, DefinedScale>,
    #[serde(default)]
    pub(super) question: Vec<DefinedQuestion>,
    #[serde(default)]
    pub(super) questions: Vec<QuestionsSource>,
    #[serde(default)]
    pub(super) demographic: Vec<DemographicSource>,
    #[serde(default)]
    pub(super) published: Vec<PublishedResult>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FileSource {
    pub(super) delimiter: Option<String>,
    pub(super) header_rows: usize,
    pub(super) names_row: usize,
    pub(super) names: NamesIn,
    #[serde(rename = "where")]
    pub(super) keep: BTreeMap<String, Vec<Scalar>>,
    pub(super) layout: FileLayout,
    pub(super) question: Option<String>,
    pub(super) answer: Option<String>,
}

crate::choices! {
    /// What a row of the file is.
    pub enum FileLayout: Wide {
        /// A person, with a column a question.
        Wide = "wide",
        /// An answer of a person to a question.
        Long = "long",
    }
}

impl Default for FileSource {
    fn default() -> Self {
        Self {
            delimiter: None,
            header_rows: 1,
            names_row: 1,
            names: NamesIn::default(),
            keep: BTreeMap::new(),
            layout: FileLayout::default(),
            question: None,
            answer: None,
        }
    }
}

crate::choices! {
    /// What the cells of the row of names hold.
    pub enum NamesIn: Text {
        /// The names.
        Text = "text",
        /// Objects of Qualtrics: `{"ImportId":"QID11_1"}`.
        ImportId = "ImportId",
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PersonSource {
    pub(super) id: Option<OneOrMore>,
    pub(super) weight: Option<String>,
    pub(super) group: Option<String>,
}

/// One name, or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// A number or a text.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(untagged)]
pub(super) enum Scalar {
    Number(f64),
    Text(String),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MissingSource {
    pub(super) codes: Vec<Scalar>,
    pub(super) texts: Vec<String>,
    pub(super) not_asked: Vec<Scalar>,
    pub(super) not_asked_texts: Vec<String>,
    pub(super) other: OtherCodes,
}

crate::choices! {
    /// What becomes of an answer that no answer of the definition covers.
    pub enum OtherCodes: Refuse {
        /// The file is refused, with line, column and answer.
        Refuse = "refuse",
        /// It is missing, and counted.
        Missing = "missing",
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ProbesSource {
    pub(super) per_category: usize,
    pub(super) wrap: bool,
    pub(super) of: ProbesOf,
    pub(super) sets: Vec<Vec<String>>,
    pub(super) apart: Vec<Vec<String>>,
}

impl Default for ProbesSource {
    fn default() -> Self {
        let ProbeRule {
            per_category, wrap, of, ..
        } = ProbeRule::default();
        Self {
            per_category,
            wrap,
            of,
            sets: Vec::new(),
            apart: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetestSource {
    pub(super) file: Option<std::path::PathBuf>,
    pub(super) suffix: Option<[String; 2]>,
    pub(super) column: Option<String>,
    pub(super) values: Option<[Scalar; 2]>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DefinedScale {
    pub(super) answers: Vec<DefinedAnswer>,
    pub(super) labels: Vec<String>,
    pub(super) bands: Vec<[f64; 2]>,
    pub(super) nominal: bool,
    pub(super) polar: Option<PolarSource>,
    pub(super) polar_labels: Vec<String>,
    pub(super) template: Option<String>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DefinedAnswer {
    pub(super) code: Option<f64>,
    pub(super) text: Option<String>,
    pub(super) label: Option<String>,
    pub(super) statement: Option<String>,
    pub(super) order: Option<f64>,
}

/// How answers are merged to polar ones.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
pub(super) enum PolarSource {
    Named(PolarRule),
    Lists(Vec<Vec<Scalar>>),
}

crate::choices! {
    /// A rule by which answers become polar ones.
    pub enum PolarRule {
        /// Every answer is one.
        Each = "each",
        /// The lower half of the answers and the upper.
        Halves = "halves",
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DefinedQuestion {
    pub(super) id: String,
    pub(super) column: Option<String>,
    pub(super) columns: Vec<String>,
    pub(super) category: Option<String>,
    pub(super) text: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: QuestionKind,
    pub(super) scale: Option<String>,
    pub(super) polar: Option<PolarSource>,
    pub(super) polar_labels: Vec<String>,
    pub(super) reverse: bool,
    pub(super) template: Option<String>,
    pub(super) statements: Vec<String>,
    pub(super) bands: Vec<[f64; 2]>,
    pub(super) labels: Vec<String>,
    pub(super) options: Vec<String>,
    pub(super) separator: Option<String>,
    pub(super) yes: Option<String>,
    pub(super) no: Option<String>,
}

/// Questions that are alike in all but their columns and wording.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuestionsSource {
    /// Names of columns, or ranges of them: `A1 .. A5`.
    pub(super) columns: Vec<String>,
    /// Wording by column, where that is not the column's name.
    #[serde(default)]
    pub(super) text: BTreeMap<String, String>,
    /// Those among the columns that count the other way.
    #[serde(default)]
    pub(super) reverse: Vec<String>,
    pub(super) category: Option<String>,
    pub(super) scale: Option<String>,
    pub(super) polar: Option<PolarSource>,
    #[serde(default)]
    pub(super) polar_labels: Vec<String>,
    pub(super) template: Option<String>,
    #[serde(default)]
    pub(super) labels: Vec<String>,
}

crate::choices! {
    /// What kind of answer a question takes.
    pub enum QuestionKind: Single {
        /// One answer of a scale.
        Single = "single",
        /// A number, told by the band it is in.
        Number = "number",
        /// Any of several options: one yes-or-no question each.
        Multi = "multi",
        /// First choice, second choice, ...: one question each.
        Rank = "rank",
        /// Words of one's own: named so that the definition is complete, and never read.
        Text = "text",
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DemographicSource {
    pub(super) column: String,
    pub(super) name: Option<String>,
    pub(super) template: Option<String>,
    #[serde(default)]
    pub(super) labels: Vec<String>,
    #[serde(default)]
    pub(super) answers: Vec<DefinedAnswer>,
    #[serde(default)]
    pub(super) bands: Vec<[f64; 2]>,
    #[serde(default = "yes")]
    pub(super) report: bool,
}

fn yes() -> bool {
    true
}
