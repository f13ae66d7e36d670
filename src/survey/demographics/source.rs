//! The format of `data/demographics.toml` and `data/code-labels.toml`.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::super::builtin::BuiltinSurvey;
use super::super::error::SurveyError;
use super::{Demographics, Dimension, Group, IncomeGrouping};
use crate::base::hex::hex;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DimensionsFile {
    dimension: Vec<DimensionEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DimensionEntry {
    id: String,
    column: String,
    name: String,
    template: String,
    labels: Option<String>,
    answers: Option<Vec<DimensionAnswer>>,
    #[serde(default)]
    report_group: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DimensionAnswer {
    codes: Vec<i32>,
    answer: Option<String>,
    template: Option<String>,
    /// The group's name in tables and pictures, where the answer is too long or no name.
    group: Option<String>,
    /// Whether every higher code means the same.
    #[serde(default)]
    and_above: bool,
}

fn fault(place: &str, problem: impl Into<String>) -> SurveyError {
    SurveyError::Demographics {
        place: place.to_owned(),
        problem: problem.into(),
    }
}

/// Tables of `code-labels.toml`: names by code, and what names are within a sentence.
struct CodeLabels(HashMap<String, BTreeMap<String, String>>);

impl CodeLabels {
    fn parse(text: &str) -> Result<Self, SurveyError> {
        // Keys of a TOML table are text; a map keeps the order of codes, whatever the file's.
        toml::from_str(text)
            .map(Self)
            .map_err(|error| fault("code-labels.toml", error.to_string()))
    }

    fn table(&self, source: &DimensionEntry, table: &str) -> Result<&BTreeMap<String, String>, SurveyError> {
        self.0
            .get(table)
            .ok_or_else(|| fault(&source.id, format!("code-labels.toml has no table [{table}]")))
    }

    /// How a name of `table` stands in a sentence: what `[in_sentence_TABLE]` says, else `[in_sentence]`, else as it is.
    fn in_sentence<'a>(&'a self, table: &str, name: &'a str) -> &'a str {
        let special = format!("{IN_SENTENCE}_{table}");
        [special.as_str(), IN_SENTENCE]
            .into_iter()
            .find_map(|words| self.0.get(words)?.get(name))
            .map_or(name, String::as_str)
    }
}

/// The table of names that read differently within a sentence.
const IN_SENTENCE: &str = "in_sentence";

/// Reads both files and keeps the income dimension of one grouping.
pub(super) fn parse(dimensions: &str, labels: &str, income: IncomeGrouping) -> Result<Demographics, SurveyError> {
    let file: DimensionsFile =
        toml::from_str(dimensions).map_err(|error| fault("demographics.toml", error.to_string()))?;
    let labels = CodeLabels::parse(labels)?;
    let survey = BuiltinSurvey::get()?;
    let mut found: Vec<Dimension> = Vec::with_capacity(file.dimension.len());
    for source in file.dimension {
        if source.id == income.other().column(survey) {
            continue;
        }
        let Groups { groups, by_code, open } = match (&source.labels, &source.answers) {
            (Some(table), None) => labelled(&source, &labels, table)?,
            (None, Some(answers)) => answered(&source, answers)?,
            _ => return Err(fault(&source.id, "a dimension has either `labels` or `answers`")),
        };
        if found.iter().any(|other| other.id == source.id) {
            return Err(fault(&source.id, "this id is given twice"));
        }
        found.push(Dimension {
            report_group: source.report_group,
            id: source.id,
            column: source.column,
            name: source.name,
            groups,
            by_code,
            open,
        });
    }
    let hash = hash(&found);
    Ok(Demographics {
        country: found.iter().position(|dimension| dimension.id == survey.person.group),
        dimensions: found,
        income,
        hash,
    })
}

/// What one dimension's answers come to.
#[derive(Default)]
struct Groups {
    groups: Vec<Group>,
    by_code: HashMap<i32, usize>,
    open: Option<(i32, usize)>,
}

fn labelled(source: &DimensionEntry, labels: &CodeLabels, table: &str) -> Result<Groups, SurveyError> {
    let mut codes = labels
        .table(source, table)?
        .iter()
        .map(|(code, name)| {
            let number = code.parse::<i32>();
            number
                .map(|number| (number, name))
                .map_err(|_| fault(&source.id, format!("label code `{code}` is not a number")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    codes.sort_unstable();
    let mut found = Groups::default();
    for (code, name) in codes {
        let sentence = fill(source, &source.template, Some(labels.in_sentence(table, name)))?;
        // Names that say the same in a sentence ("Negro", "Negro black") are one group, under the first name.
        let known = found.groups.iter().position(|group| group.sentence == sentence);
        let at = known.unwrap_or(found.groups.len());
        if known.is_none() {
            found.groups.push(Group {
                name: name.clone(),
                sentence,
            });
        }
        found.by_code.insert(code, at);
    }
    Ok(found)
}

fn answered(source: &DimensionEntry, answers: &[DimensionAnswer]) -> Result<Groups, SurveyError> {
    let mut found = Groups::default();
    for answer in answers {
        let template = answer.template.as_ref().unwrap_or(&source.template);
        let sentence = fill(source, template, answer.answer.as_deref())?;
        let name = answer
            .group
            .as_ref()
            .or(answer.answer.as_ref())
            .unwrap_or(&sentence)
            .clone();
        if found.groups.iter().any(|group| group.sentence == sentence) {
            return Err(fault(&source.id, format!("`{sentence}` stands for two answers")));
        }
        let at = found.groups.len();
        for &code in &answer.codes {
            if found.by_code.insert(code, at).is_some() {
                return Err(fault(&source.id, format!("code {code} is in two answers")));
            }
        }
        if answer.and_above {
            let highest = answer.codes.iter().max();
            found.open = highest.map(|&code| (code, at));
        }
        found.groups.push(Group { name, sentence });
    }
    Ok(found)
}

fn fill(source: &DimensionEntry, template: &str, answer: Option<&str>) -> Result<String, SurveyError> {
    let text = match answer {
        Some(answer) => template.replace("{answer}", answer),
        None => template.to_owned(),
    };
    if text.contains(['{', '}']) || text.trim() != text || text.is_empty() {
        return Err(fault(&source.id, format!("`{text}` is not a finished sentence")));
    }
    Ok(text)
}

pub(super) fn hash(dimensions: &[Dimension]) -> String {
    let mut hasher = Sha256::new();
    for dimension in dimensions {
        hasher.update(format!("{}\t{}\n", dimension.id, dimension.column).as_bytes());
        for code in dimension.codes() {
            let sentence = dimension
                .group_of_code(code)
                .map_or("", |at| dimension.groups[at].sentence.as_str());
            hasher.update(format!("{code}\t{sentence}\n").as_bytes());
        }
        if let Some((code, _)) = dimension.open {
            hasher.update(format!("from {code}\n").as_bytes());
        }
    }
    hex(&hasher.finalize())
}
