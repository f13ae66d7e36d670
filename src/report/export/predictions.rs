//! One row an outcome, with everything that stands beside it: for pandas, polars, DuckDB, R and mixed models.

use std::borrow::Cow;

use super::super::outcome_context::OutcomeContext;
use super::ExportError;
use super::seen::Seen;
use crate::metrics::{Norm, OutcomeTable, RunData};

/// Reads a text.
pub(super) type ReadText = Box<dyn for<'a> Fn(&Seen<'a>) -> Cow<'a, str>>;

/// Reads a whole number.
pub(super) type ReadWhole = Box<dyn Fn(&Seen<'_>) -> Option<i64>>;

/// What fills a column. A cell without a number is empty only where a method, or a run, has no such figure, so that means
/// are those of what there is.
pub(super) enum Reads {
    Text(ReadText),
    Flag(fn(&Seen<'_>) -> bool),
    Whole(ReadWhole),
    Number(fn(&Seen<'_>) -> Option<f64>),
}

/// A column.
pub(super) struct PredictionColumn {
    pub(super) name: String,
    pub(super) reads: Reads,
}

fn text(name: &str, read: impl for<'a> Fn(&Seen<'a>) -> Cow<'a, str> + 'static) -> PredictionColumn {
    let (name, reads) = (name.to_owned(), Reads::Text(Box::new(read)));
    PredictionColumn { name, reads }
}

fn flag(name: &str, read: fn(&Seen<'_>) -> bool) -> PredictionColumn {
    let (name, reads) = (name.to_owned(), Reads::Flag(read));
    PredictionColumn { name, reads }
}

fn whole(name: &str, read: impl Fn(&Seen<'_>) -> Option<i64> + 'static) -> PredictionColumn {
    let (name, reads) = (name.to_owned(), Reads::Whole(Box::new(read)));
    PredictionColumn { name, reads }
}

fn number(name: &str, read: fn(&Seen<'_>) -> Option<f64>) -> PredictionColumn {
    let (name, reads) = (name.to_owned(), Reads::Number(read));
    PredictionColumn { name, reads }
}

/// A count or position; there is none that a table could not hold.
fn int(count: usize) -> Option<i64> {
    i64::try_from(count).ok()
}

/// The columns of a run's table.
pub(super) fn columns(known: &OutcomeContext<'_>) -> Vec<PredictionColumn> {
    let mut columns = Vec::from(condition_columns());
    columns.extend(answer_columns());
    columns.extend(figure_columns());
    columns.extend([
        whole("majority", |seen| seen.majority().and_then(int)),
        whole("correct_majority", |seen| Some(seen.right(seen.majority()?))),
    ]);
    for k in known.neighbours() {
        columns.extend([
            whole(&format!("resemblance_{k}"), move |seen| {
                seen.resemblance(k).and_then(int)
            }),
            whole(&format!("correct_resemblance_{k}"), move |seen| {
                Some(seen.right(seen.resemblance(k)?))
            }),
        ]);
    }
    columns.extend([
        whole("naive_bayes", |seen| seen.naive_bayes().and_then(int)),
        whole("correct_naive_bayes", |seen| Some(seen.right(seen.naive_bayes()?))),
    ]);
    for dimension in &known.run.dimensions {
        let name = dimension.name.clone();
        columns.push(text(&group_column(&name), move |seen| seen.group(&name).into()));
    }
    columns
}

/// What was asked, in the words of records.
fn condition_columns() -> [PredictionColumn; 9] {
    [
        text("run", |seen| seen.known.run.name.as_str().into()),
        text("model", |seen| seen.known.run.header.model.name.as_str().into()),
        text("method", |seen| seen.outcome.condition.method.name().into()),
        whole("demonstrations", |seen| int(seen.outcome.condition.demonstrations)),
        text("form", |seen| seen.outcome.condition.form.name().into()),
        flag("demographics", |seen| seen.outcome.condition.demographics),
        text("restricted_to", |seen| {
            seen.outcome.condition.category.as_deref().unwrap_or_default().into()
        }),
        text("control", |seen| seen.outcome.condition.control.name().into()),
        flag("synthetic", |seen| seen.known.run.header.synthetic),
    ]
}

/// Who was asked what, and what was answered.
fn answer_columns() -> [PredictionColumn; 13] {
    [
        text("respondent", |seen| seen.outcome.respondent.as_str().into()),
        number("weight", |seen| seen.weight()),
        whole("split", |seen| Some(i64::from(seen.outcome.split))),
        text("question", |seen| seen.outcome.question.to_string().into()),
        text("category", |seen| seen.known.category(seen.outcome).into()),
        text("norm", |seen| {
            match seen.outcome.condition.method.definition().is_normed() {
                true => seen.norm.name().into(),
                false => "".into(),
            }
        }),
        whole("n_candidates", |seen| int(seen.outcome.candidates)),
        whole("label", |seen| int(seen.outcome.label)),
        whole("prediction", |seen| seen.chosen.map_or(Some(-1), int)),
        whole("correct", |seen| {
            Some(seen.chosen.map_or(0, |chosen| seen.right(chosen)))
        }),
        text("status", |seen| seen.outcome.reading().word().into()),
        text("label_text", |seen| seen.text(seen.outcome.label).into()),
        text("prediction_text", |seen| {
            seen.chosen.map_or("", |at| seen.text(at)).into()
        }),
    ]
}

/// How sure the model was, and what it was shown.
fn figure_columns() -> [PredictionColumn; 10] {
    [
        number("chance", |seen| Some(1.0 / seen.outcome.candidates.max(1) as f64)),
        number("p_label", |seen| seen.sure.label),
        number("confidence", |seen| seen.sure.confidence),
        number("logprob_label", |seen| seen.sure.logprob_label),
        number("logprob_prediction", |seen| seen.sure.logprob_prediction),
        number("entropy", |seen| seen.sure.entropy),
        number("invalid_mass", |seen| seen.sure.invalid_mass),
        whole("tries", |seen| int(seen.outcome.evidence.tries()?.len())),
        whole("context_tokens", |seen| int(seen.outcome.context_tokens)),
        whole("shown", |seen| int(seen.outcome.shown)),
    ]
}

/// `Savings of the family` as a column: `group_savings_of_the_family`.
fn group_column(name: &str) -> String {
    let plain = name.to_lowercase();
    let words: Vec<&str> = plain
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    format!("group_{}", words.join("_"))
}

/// `predictions.csv` of a run: predictions under a norm, `correct` as 0 or 1, positions from 0 and -1 where a model's answer
/// could not be read.
///
/// # Errors
/// [`ExportError::Encode`].
pub fn predictions(run: &RunData, norm: Norm) -> Result<Vec<u8>, ExportError> {
    let encode = |error: csv::Error| ExportError::Encode(error.to_string());
    let known = OutcomeContext::new(run);
    let columns = columns(&known);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(columns.iter().map(|column| &column.name))
        .map_err(encode)?;
    let table: OutcomeTable = run.outcomes.iter().collect();
    for outcome in run.outcomes.iter().zip(table.iter()) {
        let seen = Seen::new(&known, outcome, norm);
        let cells = columns.iter().map(|column| cell(&column.reads, &seen));
        writer
            .write_record(cells.map(|cell| cell.into_owned().into_bytes()))
            .map_err(encode)?;
    }
    writer
        .into_inner()
        .map_err(|error| ExportError::Encode(error.to_string()))
}

fn cell<'a>(reads: &Reads, seen: &Seen<'a>) -> Cow<'a, str> {
    match reads {
        Reads::Text(read) => read(seen),
        Reads::Flag(read) => if read(seen) { "true" } else { "false" }.into(),
        Reads::Whole(read) => read(seen).map_or("".into(), |number| number.to_string().into()),
        Reads::Number(read) => read(seen).map_or("".into(), |number| number.to_string().into()),
    }
}
