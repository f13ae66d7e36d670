//! From the keys of a definition to a catalogue, demographics and the rules of its table.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::cells::MissingRule;
use super::people::dimensions;
use super::rules::rules;
use super::scale::{AnswerScale, Wording};
use super::source::{DefinedQuestion, DefinedScale, Fault, FileLayout, QuestionKind, RetestSource, SurveySource};
use super::{CellReading, DefinedColumn, DefinedTable, LongColumns, Retest};
use crate::base::hex::sha256_hex;
use crate::base::near::near;
use crate::survey::catalogue::{Draft, assemble};
use crate::survey::demographics::Demographics;
use crate::survey::question_id::QuestionId;
use crate::survey::types::{Catalogue, Statement};

/// What a definition comes to.
pub(super) struct Built {
    pub(super) catalogue: Catalogue,
    pub(super) demographics: Demographics,
    pub(super) table: DefinedTable,
}

/// One question as it will be asked.
struct Item {
    draft: Draft,
    column: DefinedColumn,
}

/// Category of questions that name none.
const ONLY_CATEGORY: &str = "All";

pub(super) fn build(path: &Path, source: &SurveySource) -> Result<Built, Fault> {
    let missing = MissingRule::new(&source.missing).map_err(|problem| ("[missing]".to_owned(), problem))?;
    let mut items = Vec::new();
    for question in &source.question {
        let place = format!("[[question]] {}", question.id);
        items.extend(expanded(question, &source.scale).map_err(|problem| (place, problem))?);
    }
    for block in &source.questions {
        let fault = |problem| (block.place(), problem);
        for question in block.each().map_err(fault)? {
            items.extend(expanded(&question, &source.scale).map_err(fault)?);
        }
    }
    if items.is_empty() {
        return Err(("[[question]]".to_owned(), "a survey has questions".to_owned()));
    }
    let columns: HashMap<QuestionId, DefinedColumn> =
        items.iter().map(|item| (item.draft.id, item.column.clone())).collect();
    let categories = categories(&items);
    let drafts = items.into_iter().map(|item| item.draft).collect();
    let mut catalogue = assemble(categories, drafts).map_err(|error| ("[[question]]".to_owned(), error.to_string()))?;
    catalogue.rules = rules(source, &catalogue)?;
    catalogue.words.clone_from(&source.words);
    catalogue.hash = hash(&catalogue);
    let questions = catalogue
        .questions
        .iter()
        .filter_map(|question| columns.get(&question.id).cloned());
    let questions = questions.collect();
    let (demographics, dimensions) = dimensions(&source.demographic, source.person.group.as_deref())?;
    let table = DefinedTable {
        delimiter: delimiter(source)?,
        header_rows: source.file.header_rows,
        names_row: names_row(source)?,
        names: source.file.names,
        long: long(source)?,
        keep: source
            .file
            .keep
            .iter()
            .map(|(column, values)| (column.clone(), values.iter().map(super::Scalar::matches).collect()))
            .collect(),
        id: source
            .person
            .id
            .as_ref()
            .map(super::OneOrMore::names)
            .unwrap_or_default(),
        weight: source.person.weight.clone(),
        missing,
        questions,
        dimensions,
        retest: source.retest.as_ref().map(|retest| second(path, retest)).transpose()?,
    };
    Ok(Built {
        catalogue,
        demographics,
        table,
    })
}

/// Categories in the order in which the file names them.
fn categories(items: &[Item]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for item in items {
        if !names.contains(&item.draft.category) {
            names.push(item.draft.category.clone());
        }
    }
    names
}

fn delimiter(source: &SurveySource) -> Result<Option<u8>, Fault> {
    match source.file.delimiter.as_deref().map(str::as_bytes) {
        None => Ok(None),
        Some(&[byte]) => Ok(Some(byte)),
        Some(_) => Err((
            "[file] delimiter".to_owned(),
            "one character, such as \",\" \";\" \"\\t\" or \"|\"".to_owned(),
        )),
    }
}

/// The columns of a table with a row an answer; a table with a row a person has none.
fn long(source: &SurveySource) -> Result<Option<LongColumns>, Fault> {
    let file = &source.file;
    let fault = |problem: &str| Err(("[file] layout".to_owned(), problem.to_owned()));
    let column = |name: &Option<String>, plain: &str| name.clone().unwrap_or_else(|| plain.to_owned());
    match file.layout {
        FileLayout::Wide if file.question.is_some() || file.answer.is_some() => {
            fault("`question` and `answer` name columns of a table with a row an answer: add `layout = \"long\"`")
        }
        FileLayout::Wide => Ok(None),
        FileLayout::Long if source.person.id.is_none() => {
            fault("a table with a row an answer has a column that tells people apart: name it by `id` of [person]")
        }
        FileLayout::Long => Ok(Some(LongColumns {
            question: column(&file.question, "question"),
            answer: column(&file.answer, "answer"),
        })),
    }
}

fn names_row(source: &SurveySource) -> Result<usize, Fault> {
    let (row, rows) = (source.file.names_row, source.file.header_rows);
    match (1..=rows).contains(&row) {
        true => Ok(row),
        false => Err((
            "[file] names_row".to_owned(),
            format!("it is one of the {rows} header rows (header_rows), counted from 1"),
        )),
    }
}

/// The questions that one block asks: one, or one an option or rank.
fn expanded(question: &DefinedQuestion, scales: &BTreeMap<String, DefinedScale>) -> Result<Vec<Item>, String> {
    let column = question.column.clone().unwrap_or_else(|| question.id.clone());
    match question.kind {
        QuestionKind::Multi => options(question, &column),
        QuestionKind::Text if question.scale.is_some() || !question.labels.is_empty() => {
            Err("an open answer (`type = \"text\"`) has no scale: leave one of them out".to_owned())
        }
        QuestionKind::Text => Ok(Vec::new()),
        QuestionKind::Rank => {
            if question.columns.len() < 2 {
                return Err("a ranking has `columns`, the first choice first".to_owned());
            }
            let scale = scale(question, scales)?;
            let ranks = (1..).zip(&question.columns);
            ranks
                .map(|(rank, column)| {
                    let text = format!("{} (choice {rank})", question.text.as_deref().unwrap_or(&question.id));
                    single(question, &format!("{} [{rank}]", question.id), column, &text, &scale)
                })
                .collect()
        }
        QuestionKind::Single | QuestionKind::Number => {
            let scale = scale(question, scales)?;
            let text = question.text.as_deref().unwrap_or(&column);
            Ok(vec![single(question, &question.id, &column, text, &scale)?])
        }
    }
}

/// The scale of a question: the one it names, with what it says itself in place of that.
fn scale(
    question: &DefinedQuestion,
    scales: &BTreeMap<String, DefinedScale>,
) -> Result<(AnswerScale, Option<String>), String> {
    let mut source = match &question.scale {
        None => DefinedScale::default(),
        Some(name) => scales.get(name).cloned().ok_or_else(|| {
            let meant = near(name, scales.keys().map(String::as_str));
            match meant.first() {
                Some(meant) => format!("there is no [scale.{name}]; is [scale.{meant}] meant?"),
                None => format!("there is no [scale.{name}]"),
            }
        })?,
    };
    if !question.labels.is_empty() || !question.bands.is_empty() {
        source.answers.clear();
        source.labels.clone_from(&question.labels);
        source.bands.clone_from(&question.bands);
    }
    if question.polar.is_some() {
        source.polar.clone_from(&question.polar);
    }
    if !question.polar_labels.is_empty() {
        source.polar_labels.clone_from(&question.polar_labels);
    }
    Ok((AnswerScale::new(&source)?, source.template))
}

fn single(
    question: &DefinedQuestion,
    id: &str,
    column: &str,
    text: &str,
    (scale, template): &(AnswerScale, Option<String>),
) -> Result<Item, String> {
    let words = Wording {
        text,
        template: question.template.as_deref().or(template.as_deref()),
        statements: &question.statements,
        reverse: question.reverse,
    };
    let statements = scale.statements(&words)?;
    let answers = scale.answers.iter().enumerate();
    let answers = answers
        .map(|(at, answer)| (answer.matches.clone(), scale.polar_of(at) as u8))
        .collect();
    Ok(Item {
        draft: draft(question, id, statements.refined, statements.polar, statements.values)?,
        column: DefinedColumn {
            column: column.to_owned(),
            reading: CellReading::Single(answers),
        },
    })
}

fn draft(
    question: &DefinedQuestion,
    id: &str,
    refined: Vec<Statement>,
    polar: Vec<Statement>,
    values: Vec<f64>,
) -> Result<Draft, String> {
    Ok(Draft {
        id: id
            .parse()
            .map_err(|error: crate::survey::question_id::QuestionIdError| error.to_string())?,
        category: question.category.clone().unwrap_or_else(|| ONLY_CATEGORY.to_owned()),
        refined,
        polar,
        place: id.to_owned(),
        values,
    })
}

/// A yes-or-no question an option.
fn options(question: &DefinedQuestion, column: &str) -> Result<Vec<Item>, String> {
    let (names, marked) = (&question.options, !question.columns.is_empty());
    if names.is_empty() {
        return Err("a question of several options has `options`".to_owned());
    }
    if marked && question.columns.len() != names.len() {
        return Err(format!(
            "{} options have {} columns",
            names.len(),
            question.columns.len()
        ));
    }
    let Some(separator) = question.separator.clone().or(marked.then(String::new)) else {
        return Err(
            "say what stands between options in a cell (`separator = \";\"`), or give `columns`, one an option"
                .to_owned(),
        );
    };
    let text = question.text.as_deref().unwrap_or(&question.id);
    let items = names.iter().enumerate().map(|(at, option)| {
        let say = |own: Option<&String>, plain: &str| {
            let template = own.map_or(plain, String::as_str);
            template.replace("{text}", text).replace("{option}", option)
        };
        let statement = |code, text| Statement {
            codes: vec![code],
            text,
        };
        let yes = statement(1, say(question.yes.as_ref(), "{text}: {option} - yes"));
        let no = statement(0, say(question.no.as_ref(), "{text}: {option} - no"));
        if yes.text == no.text {
            return Err(format!("`{}` stands for yes and for no", yes.text));
        }
        let polar = vec![yes, no];
        let (column, reading) = match marked {
            false => {
                let (separator, option) = (separator.clone(), option.trim().to_owned());
                (column.to_owned(), CellReading::Chosen { separator, option })
            }
            true => {
                let columns = question.columns.clone();
                (question.columns[at].clone(), CellReading::Marked { columns })
            }
        };
        Ok(Item {
            draft: draft(
                question,
                &format!("{} [{option}]", question.id),
                polar.clone(),
                polar,
                Vec::new(),
            )?,
            column: DefinedColumn { column, reading },
        })
    });
    items.collect()
}

fn second(path: &Path, retest: &RetestSource) -> Result<Retest, Fault> {
    let beside = |file: &Path| path.parent().unwrap_or_else(|| Path::new("")).join(file);
    match retest {
        RetestSource {
            file: Some(file),
            suffix: None,
            column: None,
            values: None,
        } => Ok(Retest::File(beside(file))),
        RetestSource {
            file: None,
            suffix: Some(suffix),
            column: None,
            values: None,
        } => Ok(Retest::Suffix(suffix.clone())),
        RetestSource {
            file: None,
            suffix: None,
            column: Some(column),
            values: Some(values),
        } => Ok(Retest::Rows {
            column: column.clone(),
            values: values.clone().map(|value| value.matches()),
        }),
        _ => Err((
            "[retest]".to_owned(),
            "give `file`, or `suffix = [\"_1\", \"_2\"]`, or `column` and `values = [1, 2]`".to_owned(),
        )),
    }
}

/// What the catalogue's own hash covers, and what a definition adds to it.
fn hash(catalogue: &Catalogue) -> String {
    let values: Vec<&[f64]> = catalogue
        .questions
        .iter()
        .map(|question| question.values.as_slice())
        .collect();
    let all = format!(
        "{}\n{:?}\n{:?}\n{:?}",
        catalogue.hash, catalogue.rules, catalogue.words, values
    );
    sha256_hex(all.as_bytes())
}
