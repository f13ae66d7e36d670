//! The authors' released metadata files as a catalogue: one JSON object a line, one form a file.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::super::builtin::BuiltinSurvey;
use super::super::error::SurveyError;
use super::super::question_id::QuestionId;
use super::super::types::{Catalogue, Statement};
use super::{Draft, assemble, fault};

/// The keys that matter here; the files carry more.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct MetadataLine {
    question_id: QuestionId,
    question_category: String,
    answer_ids: Vec<Vec<i16>>,
    converted_statements: Vec<String>,
    is_refined: bool,
}

/// Reads one file (polar) or two (polar and refined, in any order).
pub(super) fn read<P: AsRef<Path>>(paths: &[P]) -> Result<Catalogue, SurveyError> {
    let mut drafts: BTreeMap<QuestionId, Draft> = BTreeMap::new();
    let mut seen = [None, None];
    for path in paths {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| SurveyError::io("read", path, error))?;
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let place = format!("{name}, line {}", number + 1);
            let line: MetadataLine = serde_json::from_str(line).map_err(|error| fault(&place, error.to_string()))?;
            let slot = &mut seen[usize::from(line.is_refined)];
            let form = if line.is_refined { "refined" } else { "polar" };
            match slot {
                Some(file) if *file != name => {
                    return Err(fault(
                        &place,
                        format!("{form} statements were read from {file} already"),
                    ));
                }
                _ => *slot = Some(name.clone()),
            }
            add(&mut drafts, place, form, line)?;
        }
    }
    let names: Vec<_> = paths.iter().map(|path| path.as_ref().display().to_string()).collect();
    let names = names.join(" and ");
    let [polar, refined] = seen;
    if polar.is_none() {
        return Err(fault(
            &names,
            "no polar statements; candidates are always polar, so the polar file is needed",
        ));
    }
    let incomplete = |draft: &&Draft| draft.polar.is_empty() || (refined.is_some() && draft.refined.is_empty());
    if let Some(draft) = drafts.values().find(incomplete) {
        let lacking = if draft.polar.is_empty() { "polar" } else { "refined" };
        return Err(fault(&draft.place, format!("{} has no {lacking} statements", draft.id)));
    }
    // The paper's order of categories where the names are the paper's.
    let mut categories = Catalogue::builtin()?.categories.clone();
    categories.retain(|name| drafts.values().any(|draft| draft.category == *name));
    let mut catalogue = assemble(categories, drafts.into_values().collect())?;
    if catalogue.is_of_builtin_survey() {
        catalogue.rules = BuiltinSurvey::get()?.probe_rule();
    }
    Ok(catalogue)
}

fn add(
    drafts: &mut BTreeMap<QuestionId, Draft>,
    place: String,
    form: &str,
    line: MetadataLine,
) -> Result<(), SurveyError> {
    if line.answer_ids.len() != line.converted_statements.len() {
        return Err(fault(
            &place,
            format!(
                "{} has {} groups of answers but {} statements",
                line.question_id,
                line.answer_ids.len(),
                line.converted_statements.len()
            ),
        ));
    }
    if line.converted_statements.iter().any(|text| text.trim().is_empty()) {
        return Err(fault(&place, format!("{} has an empty statement", line.question_id)));
    }
    let statements: Vec<_> = line
        .answer_ids
        .into_iter()
        .zip(line.converted_statements)
        .map(|(codes, text)| Statement { codes, text })
        .collect();
    let draft = drafts.entry(line.question_id).or_insert_with(|| Draft {
        id: line.question_id,
        category: line.question_category.clone(),
        refined: Vec::new(),
        polar: Vec::new(),
        place: place.clone(),
        values: Vec::new(),
    });
    if draft.category != line.question_category {
        return Err(fault(
            &place,
            format!("{} is in another category in {}", draft.id, draft.place),
        ));
    }
    let target = if line.is_refined {
        &mut draft.refined
    } else {
        &mut draft.polar
    };
    if !target.is_empty() {
        return Err(fault(&place, format!("{} has {form} statements already", draft.id)));
    }
    *target = statements;
    Ok(())
}
