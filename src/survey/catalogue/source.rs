//! The format of `data/catalogue/*.toml`: blocks of questions that share a template and answers.

use std::collections::HashMap;

use serde::Deserialize;

use super::super::builtin::BuiltinSurvey;
use super::super::error::SurveyError;
use super::super::question_id::QuestionId;
use super::super::types::{Catalogue, Statement};
use super::{Draft, assemble, fault};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogueFile {
    category: String,
    block: Vec<Block>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Block {
    /// What the survey asks and which way the codes run; written for the reader of the file.
    #[serde(rename = "asks")]
    _asks: String,
    template: Option<String>,
    refined: Option<Vec<AnswerEntry>>,
    polar: Option<Vec<AnswerEntry>>,
    question: Vec<QuestionEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionEntry {
    id: QuestionId,
    phrase: Option<String>,
    template: Option<String>,
    refined: Option<Vec<AnswerEntry>>,
    polar: Option<Vec<AnswerEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerEntry {
    codes: Vec<i16>,
    answer: Option<String>,
    template: Option<String>,
}

/// Reads catalogue files, given as (name, text) in the order of categories.
pub(super) fn parse(files: &[(&str, &str)]) -> Result<Catalogue, SurveyError> {
    let mut categories = Vec::new();
    let mut drafts = Vec::new();
    for (name, text) in files {
        let file: CatalogueFile = toml::from_str(text).map_err(|error| fault(name, error.to_string()))?;
        for block in &file.block {
            for item in &block.question {
                drafts.push(draft(name, &file.category, block, item)?);
            }
        }
        categories.push(file.category);
    }
    check_texts(&drafts)?;
    let mut catalogue = assemble(categories, drafts)?;
    catalogue.rules = BuiltinSurvey::get()?.probe_rule();
    Ok(catalogue)
}

fn draft(file: &str, category: &str, block: &Block, item: &QuestionEntry) -> Result<Draft, SurveyError> {
    let place = format!("{file}, {}", item.id);
    let template = item.template.as_ref().or(block.template.as_ref());
    let refined = item
        .refined
        .as_ref()
        .or(block.refined.as_ref())
        .ok_or_else(|| fault(&place, "no refined answers, neither in the question nor in its block"))?;
    // A question with refined answers of its own does not borrow the block's polar ones: those group other codes.
    let polar = match (&item.polar, &item.refined) {
        (Some(own), _) => own,
        (None, Some(own)) => own,
        (None, None) => block.polar.as_ref().unwrap_or(refined),
    };
    let sentences = |entries: &[AnswerEntry]| -> Result<Vec<Statement>, SurveyError> {
        entries
            .iter()
            .map(|entry| {
                let template = entry.template.as_ref().or(template);
                let text = fill(&place, template, item.phrase.as_deref(), entry.answer.as_deref())?;
                Ok(Statement {
                    codes: entry.codes.clone(),
                    text,
                })
            })
            .collect()
    };
    Ok(Draft {
        id: item.id,
        category: category.to_owned(),
        refined: sentences(refined)?,
        polar: sentences(polar)?,
        place,
        values: Vec::new(),
    })
}

fn fill(
    place: &str,
    template: Option<&String>,
    phrase: Option<&str>,
    answer: Option<&str>,
) -> Result<String, SurveyError> {
    let template = template.ok_or_else(|| fault(place, "no template for this statement"))?;
    let mut text = template.clone();
    for (name, value) in [("{phrase}", phrase), ("{answer}", answer)] {
        if text.contains(name) {
            let value = value.ok_or_else(|| fault(place, format!("`{template}` uses {name}, which is not given")))?;
            text = text.replace(name, value);
        }
    }
    Ok(text)
}

/// The rules of wording that a program can check.
fn check_texts(drafts: &[Draft]) -> Result<(), SurveyError> {
    let mut owner: HashMap<&str, QuestionId> = HashMap::new();
    for draft in drafts {
        for form in [&draft.refined, &draft.polar] {
            for (at, statement) in form.iter().enumerate() {
                let text = statement.text.as_str();
                let problem = if text.contains(['{', '}']) {
                    "has a placeholder left over"
                } else if !text.is_ascii() {
                    "is not ASCII"
                } else if text.is_empty() || text.trim() != text || text.contains("  ") || text.ends_with('.') {
                    "has stray spaces, a full stop, or no words"
                } else if form[..at].iter().any(|other| other.text == text) {
                    "stands for two answers of one question"
                } else if owner.insert(text, draft.id).is_some_and(|other| other != draft.id) {
                    "belongs to another question too"
                } else {
                    continue;
                };
                return Err(fault(&draft.place, format!("`{text}` {problem}")));
            }
        }
    }
    Ok(())
}
