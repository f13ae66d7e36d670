//! The answers of a scale, from the ways in which a definition gives them.

use super::cells::{AnswerMatch, number};
use super::source::DefinedAnswer;

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScaleAnswer {
    pub(super) matches: AnswerMatch,
    pub(super) label: String,
    pub(super) statement: Option<String>,
    /// Its place on the scale.
    pub(super) value: f64,
}

impl ScaleAnswer {
    /// A finished sentence in place of the template's.
    pub(super) fn statement(&self) -> Option<&str> {
        self.statement.as_deref()
    }
}

/// The answers, from whichever of the three ways they are given in.
pub(super) fn answers(
    given: &[DefinedAnswer],
    labels: &[String],
    bands: &[[f64; 2]],
) -> Result<Vec<ScaleAnswer>, String> {
    let ways = [!given.is_empty(), !bands.is_empty()];
    if ways == [true, true] || (!given.is_empty() && !labels.is_empty()) {
        return Err("give one of `answers`, `labels` and `bands` (with `labels` as their names)".to_owned());
    }
    if !bands.is_empty() {
        return banded(bands, labels);
    }
    let found: Vec<ScaleAnswer> = if given.is_empty() {
        // Labels that are numbers themselves ("5", "4", ...) are what stands in the file, not their places.
        let numeric = labels.iter().any(|label| number(label).is_some());
        let labelled = labels.iter().enumerate().map(|(at, label)| {
            let code = (at + 1) as f64;
            let matches = match numeric {
                true => AnswerMatch::Text(label.clone()),
                false => AnswerMatch::NumberOrText(code, label.clone()),
            };
            ScaleAnswer {
                matches,
                label: label.clone(),
                statement: None,
                value: code,
            }
        });
        labelled.collect()
    } else {
        let answers = given.iter().enumerate().map(|(at, answer)| spelt_out(at, answer));
        answers.collect::<Result<_, _>>()?
    };
    for (at, answer) in found.iter().enumerate() {
        if found[..at].iter().any(|other| other.matches == answer.matches) {
            return Err(format!("the answer `{}` appears twice", answer.label));
        }
    }
    Ok(found)
}

fn spelt_out(at: usize, answer: &DefinedAnswer) -> Result<ScaleAnswer, String> {
    let place = at + 1;
    let matches = match (answer.code, &answer.text) {
        (Some(code), None) => AnswerMatch::Number(code),
        (None, Some(text)) => AnswerMatch::Text(text.trim().to_owned()),
        (Some(code), Some(text)) => AnswerMatch::NumberOrText(code, text.trim().to_owned()),
        (None, None) => {
            return Err(format!(
                "answer {place} has neither `code` nor `text`, by which the file tells it"
            ));
        }
    };
    let label = answer.label.clone().or_else(|| answer.text.clone());
    let label = label.or_else(|| answer.statement.clone());
    let Some(label) = label.filter(|label| !label.trim().is_empty()) else {
        return Err(format!("answer {place} has neither `label` nor `text` nor `statement`"));
    };
    Ok(ScaleAnswer {
        matches,
        label,
        statement: answer.statement.clone(),
        value: answer.order.unwrap_or(place as f64),
    })
}

fn banded(bands: &[[f64; 2]], labels: &[String]) -> Result<Vec<ScaleAnswer>, String> {
    if !labels.is_empty() && labels.len() != bands.len() {
        return Err(format!("{} bands have {} labels", bands.len(), labels.len()));
    }
    let unordered = bands.iter().any(|[from, to]| from > to || from.is_nan() || to.is_nan());
    if unordered || bands.windows(2).any(|pair| pair[0][1] >= pair[1][0]) {
        return Err("bands go upwards and do not overlap: [[0, 33], [34, 66], [67, 100]]".to_owned());
    }
    let named = |at: usize, from: f64, to: f64| match labels.get(at) {
        Some(label) => label.clone(),
        None if to.is_infinite() => format!("{from} or more"),
        None if from.is_infinite() => format!("{to} or less"),
        None if from == to => from.to_string(),
        None => format!("{from} to {to}"),
    };
    let middle = |from: f64, to: f64| match (from.is_finite(), to.is_finite()) {
        (true, true) => f64::midpoint(from, to),
        (true, false) => from,
        _ => to,
    };
    let banded = bands.iter().enumerate().map(|(at, &[from, to])| ScaleAnswer {
        matches: AnswerMatch::Band(from, to),
        label: named(at, from, to),
        statement: None,
        value: middle(from, to),
    });
    Ok(banded.collect())
}
