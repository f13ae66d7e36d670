//! Answers that came back, graded as a run.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::PLAN;
use super::answers::{AnswerBook, ElsewhereSaid, Latest, read};
use super::asked::{AskedText, Questions};
use super::export::{ExportPlan, note};
use crate::base::files::write_bytes;
use crate::base::hex::{hex, sha256_hex};
use crate::model::ModelIdentity;
use crate::run::{AnswerError, Header, Journal, People, Plan, RunError, SPEC, Spec};
use crate::scoring::orders::plurality;
use crate::scoring::{Evidence, Outcome, Reading, Try};

crate::choices! {
    /// Which of two different answers to one prompt counts.
    pub enum Keep {
        /// The one that was read first.
        First = "first",
        /// The one that was read last.
        Last = "last",
    }
}

/// How answers are graded.
#[derive(Debug, Clone, Default)]
pub struct GradeOptions {
    /// The survey file, where it is no longer where the export found it.
    pub survey: Option<PathBuf>,
    /// Which of two different answers counts; absent: that is an error.
    pub keep: Option<Keep>,
    /// Prompts without an answer count as failed, and the run is written.
    pub last: bool,
    /// Where requests without an answer are written, to be sent again.
    pub missing_out: Option<PathBuf>,
    /// What the model is called, in place of what answers and export say.
    pub model: Option<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graded {
    /// Requests of the export.
    pub requests: usize,
    /// Those with a text.
    pub answered: usize,
    /// Those that the provider failed to answer.
    pub failed: usize,
    /// Those without a line.
    pub missing: Vec<String>,
    /// Files whose last line is cut off, with that line.
    pub cut: Vec<(PathBuf, usize)>,
    /// Records that were written; absent where answers are missing.
    pub records: Option<usize>,
}

/// What stands beside a graded run: where its answers come from.
#[derive(Serialize)]
struct Grading<'a> {
    program: &'a str,
    shapes: Vec<&'a str>,
    /// Names and SHA-256 of the files of answers.
    answers: Vec<(String, String)>,
    /// The prompts' hash in the export's plan.
    prompts: &'a str,
    /// Requests that failed, and why.
    failed: Vec<(&'a str, &'a str)>,
}

/// The file with that.
const GRADING: &str = "grading.json";

/// Grades files of answers to the prompts of an export, and writes them as a run where none is missing.
///
/// Answers find their prompts by id alone. A provider's error makes a record `failed`, never `unparsed`: that a provider
/// did not run is not the model's fault.
///
/// # Errors
/// An export that is not whole, or whose survey is another one; lines that are no answers, belong to another export or
/// contradict each other; a run's folder that cannot be written.
pub fn grade(folder: &Path, answers: &[PathBuf], out: &Path, options: &GradeOptions) -> Result<Graded, RunError> {
    let export = read_plan(folder)?;
    let mut spec = export.spec.clone();
    if let Some(survey) = &options.survey {
        spec.respondents.survey.clone_from(survey);
    }
    let (mut book, files, cut, first_lines) = read_answers(answers, options)?;
    let people = People::read(&spec)?;
    let plan = Plan::new(&spec, &people)?;
    let questions = Questions::new(&spec, &people, &plan)?;
    let mut hashes = people.hashes();
    hashes.extend(questions.hashes());
    if let Some((what, _)) = export
        .hashes
        .iter()
        .find(|(name, hash)| hashes.get(*name) != Some(*hash))
    {
        return Err(RunError::Changed {
            folder: folder.to_owned(),
            what: what.clone(),
        });
    }
    let mut digest = Sha256::new();
    let mut known = HashSet::new();
    let mut missing = Vec::new();
    let mut outcomes = Vec::with_capacity(plan.outcomes);
    for unit in &plan.units {
        for &condition in &unit.conditions {
            let (of_unit, texts) = questions.of(unit, condition)?;
            for text in &texts {
                note(&mut digest, text);
                if !book.by_id.contains_key(&text.id) {
                    missing.push(text.id.clone());
                }
                known.insert(text.id.clone());
            }
            outcomes.extend(judged(&spec, of_unit, &texts, &book));
        }
    }
    if hex(&digest.finalize()) != export.prompts {
        return Err(RunError::Changed {
            folder: folder.to_owned(),
            what: "prompts".to_owned(),
        });
    }
    refuse_unknown(&book, &known, &first_lines)?;
    if let Some(path) = options.missing_out.as_ref().filter(|_| !missing.is_empty()) {
        send_again(folder, &export, &missing, path)?;
    }
    let failed = |said: &&ElsewhereSaid| matches!(said, ElsewhereSaid::Failed(_));
    let failed = book.by_id.values().filter(failed).count();
    let mut graded = Graded {
        requests: export.requests,
        answered: book.by_id.len() - failed,
        failed,
        missing,
        cut,
        records: None,
    };
    if graded.missing.is_empty() || options.last {
        let model = options
            .model
            .clone()
            .or(book.model.take())
            .or(Some(export.model.clone()));
        spec.model.id = model
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "a model elsewhere".to_owned());
        hashes.insert("answers".to_owned(), sha256_hex(format!("{files:?}").as_bytes()));
        write(out, &mut spec, (&people, &plan), hashes, &outcomes)?;
        note_origin(out, &book, &files, &export)?;
        graded.records = Some(outcomes.len());
    }
    Ok(graded)
}

fn read_plan(folder: &Path) -> Result<ExportPlan, RunError> {
    let path = folder.join(PLAN);
    let text = std::fs::read(&path).map_err(|source| RunError::Read {
        path: path.clone(),
        source,
    })?;
    serde_json::from_slice(&text).map_err(|error| RunError::Record {
        line: error.line(),
        problem: error.to_string(),
        path,
    })
}

/// Name and SHA-256 of each file of answers.
type AnswerFiles = Vec<(String, String)>;

/// File and line in which an id was met first.
type FirstLines = Vec<(String, PathBuf, usize)>;

fn read_answers(
    answers: &[PathBuf],
    options: &GradeOptions,
) -> Result<(AnswerBook, AnswerFiles, Vec<(PathBuf, usize)>, FirstLines), RunError> {
    let rule = match options.keep {
        None => Latest::Refused,
        Some(Keep::First) => Latest::First,
        Some(Keep::Last) => Latest::Last,
    };
    let (mut book, mut files, mut cut, mut first) = (AnswerBook::default(), Vec::new(), Vec::new(), Vec::new());
    for path in answers {
        let text = std::fs::read_to_string(path).map_err(|source| RunError::Read {
            path: path.clone(),
            source,
        })?;
        files.push((crate::run::people::file_name(path), sha256_hex(text.as_bytes())));
        let (lines, torn) = read(path, &text)?;
        cut.extend(torn.map(|line| (path.clone(), line)));
        for (line, answer) in lines {
            first.push((answer.id.clone(), path.clone(), line));
            book.add(path, (line, answer), rule)?;
        }
    }
    Ok((book, files, cut, first))
}

fn refuse_unknown(book: &AnswerBook, known: &HashSet<String>, first: &FirstLines) -> Result<(), AnswerError> {
    let unknown = book.by_id.keys().filter(|id| !known.contains(*id)).count();
    match first.iter().find(|(id, ..)| !known.contains(id)) {
        None => Ok(()),
        Some((id, path, line)) => Err(AnswerError::Unknown {
            path: path.clone(),
            line: *line,
            id: id.clone(),
            unknown,
        }),
    }
}

/// The outcomes of one condition of a unit with what was answered.
fn judged(spec: &Spec, mut outcomes: Vec<Outcome>, texts: &[AskedText], book: &AnswerBook) -> Vec<Outcome> {
    for text in texts {
        let Some(ElsewhereSaid::Text { text: said, finish }) = book.by_id.get(&text.id) else {
            continue;
        };
        let options: Vec<Vec<&str>> = text
            .options
            .iter()
            .map(|of| of.iter().map(String::as_str).collect())
            .collect();
        let options: Vec<&[&str]> = options.iter().map(Vec::as_slice).collect();
        let method = outcomes[text.probe].condition.method.definition();
        let reads = method.read(said, &options);
        let of_one = reads.first().filter(|_| !text.order.is_empty());
        let choice = of_one
            .and_then(|read| read.prediction())
            .and_then(|option| text.order.get(option).copied());
        let attempt = Try {
            order: text.order.clone(),
            choice,
            text: said.clone(),
            tokens: Vec::new(),
            logprobs: Vec::new(),
            invalid_mass: None,
            finish: *finish,
            temperature: spec.scoring.temperature.get(),
            seed: text.seed,
        };
        let mut attempt = Some(attempt);
        for (at, read) in reads.iter().enumerate() {
            let outcome = &mut outcomes[text.probe + at];
            let Evidence::Generation { reading, tries } = &mut outcome.evidence else {
                continue;
            };
            // Unread is an answer only where none of the orders could be read; what is said of it is said of the first.
            let settled = *reading == Reading::Choice || (tries.iter().len() > 0 && read.prediction().is_none());
            if !settled {
                *reading = read.reading();
            }
            tries.extend(attempt.take());
            if text.order.is_empty() {
                outcome.prediction = read.prediction();
            }
        }
    }
    for outcome in &mut outcomes {
        if outcome.condition.method.definition().asks_all_at_once() {
            continue;
        }
        outcome.prediction = plurality(outcome.evidence.choices_by_order());
    }
    outcomes
}

/// Copies the requests of these ids out of the parts.
fn send_again(folder: &Path, export: &ExportPlan, missing: &[String], path: &Path) -> Result<(), RunError> {
    let wanted: HashSet<&str> = missing.iter().map(String::as_str).collect();
    let mut lines = String::new();
    for part in &export.parts {
        let part = folder.join(part);
        let text = std::fs::read_to_string(&part).map_err(|source| RunError::Read { path: part, source })?;
        for line in text.lines() {
            let request: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
            let id = request
                .get("custom_id")
                .or(request.get("key"))
                .and_then(serde_json::Value::as_str);
            if id.is_some_and(|id| wanted.contains(id)) {
                lines.push_str(line);
                lines.push('\n');
            }
        }
    }
    write_bytes(path, lines.as_bytes()).map_err(|source| RunError::Write {
        path: path.to_owned(),
        source,
    })
}

fn write(
    out: &Path,
    spec: &mut Spec,
    (people, plan): (&People, &Plan),
    hashes: std::collections::BTreeMap<String, String>,
    outcomes: &[Outcome],
) -> Result<(), RunError> {
    let identity = ModelIdentity::elsewhere(&spec.model.id);
    spec.model.device = crate::model::DeviceChoice::Only(identity.device);
    spec.model.dtype = identity.dtype.into();
    let counts = (people.chosen.len(), plan.outcomes);
    let header = Header::new(spec, &identity, hashes, &plan.conditions, counts, people.synthetic())?;
    let (mut journal, recorded) = Journal::open(out, &header, || people.described(spec, plan))?;
    let path = out.join(SPEC);
    write_bytes(&path, spec.to_toml()?.as_bytes()).map_err(|source| RunError::Write { path, source })?;
    for outcome in outcomes.iter().skip(recorded.outcomes.len()) {
        journal.append(outcome)?;
    }
    journal.sync()
}

fn note_origin(out: &Path, book: &AnswerBook, files: &AnswerFiles, export: &ExportPlan) -> Result<(), RunError> {
    let mut failed: Vec<(&str, &str)> = book
        .by_id
        .iter()
        .filter_map(|(id, said)| match said {
            ElsewhereSaid::Failed(why) => Some((id.as_str(), why.as_str())),
            ElsewhereSaid::Text { .. } => None,
        })
        .collect();
    failed.sort_unstable();
    let grading = Grading {
        program: crate::base::version::FULL,
        shapes: book.shapes.iter().copied().collect(),
        answers: files.clone(),
        prompts: &export.prompts,
        failed,
    };
    let text = serde_json::to_vec_pretty(&grading).map_err(|error| RunError::Encode(error.to_string()))?;
    let path = out.join(GRADING);
    write_bytes(&path, &text).map_err(|source| RunError::Write { path, source })
}
