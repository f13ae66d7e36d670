//! Answers that came back, graded as a run.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::PLAN;
use super::answers::{AnswerBook, Keep, read};
use super::asked::{AskedText, Questions};
use super::export::{ExportPlan, note};
use super::shapes::ElsewhereSaid;
use crate::base::files::write_bytes;
use crate::base::hex::{hex, sha256_hex};
use crate::model::{Finish, ModelIdentity};
use crate::run::{AnswerError, Header, Journal, People, Plan, RunError, SPEC, Spec};
use crate::scoring::orders::plurality;
use crate::scoring::parser::Read;
use crate::scoring::{Evidence, Outcome, Try};

/// How answers are graded.
#[derive(Debug, Clone, Default)]
pub struct GradeOptions {
    /// The survey file, where it is no longer where the export found it.
    pub survey: Option<PathBuf>,
    /// Which of two different answers counts; absent: that is an error.
    pub keep: Option<Keep>,
    /// Prompts without an answer count as failed, and the run is written.
    pub last: bool,
    /// Where requests without an answer, or with an error for one, are written, to be sent again.
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
    answers: &'a [(String, String)],
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
    let mut given = GivenAnswers::read(answers, options)?;
    let people = People::read(&spec)?;
    let plan = Plan::new(&spec, &people)?;
    let questions = Questions::new(&spec, &people, &plan)?;
    let mut hashes = people.hashes();
    hashes.extend(questions.hashes());
    let changed = |what: &str| RunError::Changed {
        folder: folder.to_owned(),
        what: what.to_owned(),
    };
    let same = |(name, hash): &(&String, &String)| hashes.get(*name) == Some(*hash);
    if let Some((what, _)) = export.hashes.iter().find(|of| !same(of)) {
        return Err(changed(what));
    }
    let matched = GradedOutcomes::new(&questions, &given.book)?;
    if matched.prompts != export.prompts {
        return Err(changed("prompts"));
    }
    given.refuse_unknown(&matched.known)?;
    let failed = given.book.failed();
    let unanswered: HashSet<&str> = matched.missing.iter().map(String::as_str).collect();
    let unanswered: HashSet<&str> = failed.iter().map(|(id, _)| *id).chain(unanswered).collect();
    if let Some(path) = options.missing_out.as_ref().filter(|_| !unanswered.is_empty()) {
        send_again(folder, &export, &unanswered, path)?;
    }
    let mut graded = Graded {
        requests: export.requests,
        answered: given.book.by_id.len() - failed.len(),
        failed: failed.len(),
        missing: matched.missing,
        cut: std::mem::take(&mut given.cut),
        records: None,
    };
    if graded.missing.is_empty() || options.last {
        spec.model.id = given.model(options, &export);
        hashes.insert(
            "answers".to_owned(),
            sha256_hex(format!("{:?}", given.files).as_bytes()),
        );
        write(out, &mut spec, (&people, &plan), hashes, &matched.outcomes)?;
        note_origin(out, &given, &export)?;
        graded.records = Some(matched.outcomes.len());
    }
    Ok(graded)
}

/// What is asked, with what was answered.
struct GradedOutcomes {
    outcomes: Vec<Outcome>,
    /// Ids of all requests.
    known: HashSet<String>,
    /// Ids of requests without a line, in order.
    missing: Vec<String>,
    /// SHA-256 over the ids and prompts.
    prompts: String,
}

impl GradedOutcomes {
    fn new(questions: &Questions<'_>, book: &AnswerBook) -> Result<Self, RunError> {
        let mut digest = Sha256::new();
        let mut matched = Self {
            outcomes: Vec::with_capacity(questions.plan.outcomes),
            known: HashSet::new(),
            missing: Vec::new(),
            prompts: String::new(),
        };
        for unit in &questions.plan.units {
            for &condition in &unit.conditions {
                let (of_unit, texts) = questions.of(unit, condition)?;
                for text in &texts {
                    note(&mut digest, text);
                    if !book.by_id.contains_key(&text.id) {
                        matched.missing.push(text.id.clone());
                    }
                    matched.known.insert(text.id.clone());
                }
                matched.outcomes.extend(judged(questions.spec, of_unit, &texts, book));
            }
        }
        matched.prompts = hex(&digest.finalize());
        Ok(matched)
    }
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

/// What the files of answers say.
struct GivenAnswers {
    book: AnswerBook,
    /// Name and SHA-256 of each file.
    files: Vec<(String, String)>,
    /// Files whose last line is cut off, with that line.
    cut: Vec<(PathBuf, usize)>,
    /// Where each answer stands.
    places: Vec<(String, PathBuf, usize)>,
}

impl GivenAnswers {
    fn read(answers: &[PathBuf], options: &GradeOptions) -> Result<Self, RunError> {
        let mut given = Self {
            book: AnswerBook::default(),
            files: Vec::new(),
            cut: Vec::new(),
            places: Vec::new(),
        };
        for path in answers {
            let text = std::fs::read(path).map_err(|source| RunError::Read {
                path: path.clone(),
                source,
            })?;
            given
                .files
                .push((crate::run::people::file_name(path), sha256_hex(&text)));
            let found = read(path, &text)?;
            given.cut.extend(found.cut.map(|line| (path.clone(), line)));
            for (line, answer) in found.lines {
                given.places.push((answer.id.clone(), path.clone(), line));
                given.book.add(path, (line, answer), options.keep)?;
            }
        }
        Ok(given)
    }

    fn refuse_unknown(&self, known: &HashSet<String>) -> Result<(), AnswerError> {
        match self.places.iter().find(|(id, ..)| !known.contains(id)) {
            None => Ok(()),
            Some((id, path, line)) => Err(AnswerError::Unknown {
                path: path.clone(),
                line: *line,
                id: id.clone(),
                unknown: self.book.by_id.keys().filter(|id| !known.contains(*id)).count(),
            }),
        }
    }

    /// The model's name: as the user gives it, as the answers say it, or as the export does.
    fn model(&self, options: &GradeOptions, export: &ExportPlan) -> String {
        let said = [&options.model, &self.book.model, &Some(export.model.clone())];
        let mut said = said.into_iter().flatten().filter(|name| !name.is_empty());
        said.next()
            .map_or_else(|| "a model elsewhere".to_owned(), String::clone)
    }
}

/// The outcomes of one condition of a unit with what was answered. What nobody answered stays failed.
fn judged(spec: &Spec, mut outcomes: Vec<Outcome>, texts: &[AskedText], book: &AnswerBook) -> Vec<Outcome> {
    let mut reads: Vec<Vec<Read>> = vec![Vec::new(); outcomes.len()];
    for text in texts {
        let (said, finish, refused) = match book.by_id.get(&text.id) {
            Some(ElsewhereSaid::Text { text, finish }) => (text, *finish, false),
            Some(ElsewhereSaid::Refused(text)) => (text, Finish::Stop, true),
            Some(ElsewhereSaid::Failed(_)) | None => continue,
        };
        let options: Vec<Vec<&str>> = text
            .options
            .iter()
            .map(|of| of.iter().map(String::as_str).collect())
            .collect();
        let options: Vec<&[&str]> = options.iter().map(Vec::as_slice).collect();
        let method = outcomes[text.probe].condition.method.definition();
        let of_text = match refused {
            false => method.read(said, &options),
            true => vec![Read::Unparsed; options.len()],
        };
        let of_one = of_text.first().filter(|_| !text.order.is_empty());
        let attempt = Try {
            order: text.order.clone(),
            choice: of_one
                .and_then(|read| read.prediction())
                .and_then(|option| text.order.get(option).copied()),
            text: said.clone(),
            thoughts: None,
            tokens: Vec::new(),
            logprobs: Vec::new(),
            invalid_mass: None,
            finish,
            temperature: spec.scoring.temperature.get(),
            seed: text.seed,
        };
        if let Evidence::Generation { tries, .. } = &mut outcomes[text.probe].evidence {
            tries.push(attempt);
        }
        for (reads, read) in reads[text.probe..].iter_mut().zip(of_text) {
            reads.push(read);
        }
    }
    for (outcome, reads) in outcomes.iter_mut().zip(reads) {
        let Some(read) = Read::of_orders(&reads) else { continue };
        outcome.prediction = match outcome.condition.method.definition().asks_all_at_once() {
            true => read.prediction(),
            false => plurality(outcome.evidence.choices_by_order()),
        };
        if let Evidence::Generation { reading, .. } = &mut outcome.evidence {
            *reading = read.reading();
        }
    }
    outcomes
}

/// Copies the requests of these ids out of the parts.
fn send_again(folder: &Path, export: &ExportPlan, wanted: &HashSet<&str>, path: &Path) -> Result<(), RunError> {
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
    let (mut journal, found) = Journal::open(out, &header, || people.described(spec, plan), &mut |_| {})?;
    let path = out.join(SPEC);
    write_bytes(&path, spec.to_toml()?.as_bytes()).map_err(|source| RunError::Write { path, source })?;
    for outcome in outcomes.iter().skip(found.records) {
        journal.append(outcome)?;
    }
    journal.sync()
}

fn note_origin(out: &Path, given: &GivenAnswers, export: &ExportPlan) -> Result<(), RunError> {
    let grading = Grading {
        program: crate::base::version::FULL,
        shapes: given.book.shapes.iter().copied().collect(),
        answers: &given.files,
        prompts: &export.prompts,
        failed: given.book.failed(),
    };
    let text = serde_json::to_vec_pretty(&grading).map_err(|error| RunError::Encode(error.to_string()))?;
    let path = out.join(GRADING);
    write_bytes(&path, &text).map_err(|source| RunError::Write { path, source })
}
