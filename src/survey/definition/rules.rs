//! `[probes]`: which questions are held out, and which give each other away.

use super::source::{Fault, QuestionKind, SurveySource};
use crate::survey::probe_rule::ProbeRule;
use crate::survey::question_id::QuestionId;
use crate::survey::types::{Catalogue, QuestionIndex};

/// Which questions are held out.
pub(super) fn rules(source: &SurveySource, catalogue: &Catalogue) -> Result<ProbeRule, Fault> {
    let probes = &source.probes;
    let fault = |problem: String| ("[probes]".to_owned(), problem);
    if probes.per_category == 0 {
        return Err(fault("`per_category` is 1 or more".to_owned()));
    }
    if probes.sets.len() > 3 {
        return Err(fault("there are at most three sets: one a split".to_owned()));
    }
    let lists = |lists: &[Vec<String>]| -> Result<Vec<Vec<QuestionIndex>>, Fault> {
        let lists = lists.iter().map(|list| {
            let mut found = Vec::new();
            for name in list {
                found.extend(asked(catalogue, name).map_err(fault)?);
            }
            found.sort_unstable();
            found.dedup();
            Ok(found)
        });
        lists.collect()
    };
    let mut apart = lists(&probes.apart)?;
    // Options of one question, or its ranks, say much of each other.
    for question in &source.question {
        if matches!(question.kind, QuestionKind::Multi | QuestionKind::Rank) {
            apart.push(asked(catalogue, &question.id).map_err(fault)?);
        }
    }
    Ok(ProbeRule {
        per_category: probes.per_category,
        wrap: probes.wrap,
        of: probes.of,
        sets: lists(&probes.sets)?,
        apart,
    })
}

/// The question of that id, or all that a block of that id asks.
fn asked(catalogue: &Catalogue, name: &str) -> Result<Vec<QuestionIndex>, String> {
    let id: QuestionId = name.parse().map_err(|_| format!("`{name}` is no question id"))?;
    if let Some(at) = catalogue.index_of(id) {
        return Ok(vec![at]);
    }
    let begin = format!("{name} [");
    let of_block = |at: &QuestionIndex| catalogue.questions[*at].id.as_str().starts_with(&begin);
    let found: Vec<QuestionIndex> = (0..catalogue.questions.len()).filter(of_block).collect();
    match found.is_empty() {
        true => Err(format!("there is no question `{name}`")),
        false => Ok(found),
    }
}
