//! Logs of Inspect (inspect_ai), one a condition: archives that `inspect view` and `samples_df` open. Log format 2.

use std::collections::BTreeSet;
use std::io::{Cursor, Write as _};

use serde_json::{Map, Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::super::outcome_context::OutcomeContext;
use super::ExportError;
use super::seen::{Seen, Sure};
use crate::metrics::{Norm, OutcomeTable, RunData};
use crate::scoring::{Condition, Evidence, Outcome};

/// Samples of one log: a list of more is slow in a browser.
const MOST_SAMPLES: usize = 50_000;

/// One file.
pub struct InspectLog {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Samples in it.
    pub samples: usize,
}

/// The logs of a run.
///
/// # Errors
/// [`ExportError::NoTexts`] for a run of format 1; [`ExportError::Encode`].
pub fn logs(run: &RunData, norm: Norm) -> Result<Vec<InspectLog>, ExportError> {
    if run.questions.iter().any(|question| question.candidates.is_empty()) {
        return Err(ExportError::NoTexts(run.name.clone()));
    }
    let known = OutcomeContext::new(run);
    let mut logs = Vec::new();
    let table: OutcomeTable = run.outcomes.iter().collect();
    let conditions: BTreeSet<&Condition> = run.outcomes.iter().map(|one| &one.condition).collect();
    for condition in conditions.into_iter().cloned() {
        let outcomes = run.outcomes.iter().zip(table.iter());
        let outcomes: Vec<_> = outcomes.filter(|(one, _)| one.condition == condition).collect();
        for part in outcomes.chunks(MOST_SAMPLES) {
            let number = logs.len() + 1;
            let seen: Vec<Seen<'_>> = part.iter().map(|&one| Seen::new(&known, one, norm)).collect();
            let log = Log {
                run,
                norm,
                condition: &condition,
                number,
                seen: &seen,
            };
            logs.push(log.file()?);
        }
    }
    Ok(logs)
}

struct Log<'a> {
    run: &'a RunData,
    norm: Norm,
    condition: &'a Condition,
    number: usize,
    seen: &'a [Seen<'a>],
}

impl Log<'_> {
    fn file(&self) -> Result<InspectLog, ExportError> {
        let task = format!("indieval/{}-{}", self.condition.method, self.condition.demonstrations);
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let mut summaries = Vec::with_capacity(self.seen.len());
        for seen in self.seen {
            let sample = self.sample(seen);
            summaries.push(summary(seen, &sample));
            let name = format!("samples/{}_epoch_1.json", id(seen.outcome));
            add(&mut archive, &name, &sample)?;
        }
        add(&mut archive, "summaries.json", &Value::Array(summaries))?;
        let eval = self.eval(&task);
        let plan = json!({ "name": "plan", "steps": [], "config": {} });
        add(
            &mut archive,
            "_journal/start.json",
            &json!({ "version": 2, "eval": eval, "plan": plan }),
        )?;
        let complete = self
            .run
            .header
            .planned
            .is_none_or(|planned| self.run.outcomes.len() >= planned);
        let header = json!({
            "version": 2,
            "status": if complete { "success" } else { "cancelled" },
            "eval": eval,
            "plan": plan,
            "results": self.results(),
            "stats": { "started_at": self.run.header.started, "completed_at": self.run.header.finished.clone().unwrap_or_default(), "model_usage": {} },
        });
        add(&mut archive, "header.json", &header)?;
        let bytes = archive
            .finish()
            .map_err(|error| ExportError::Encode(error.to_string()))?
            .into_inner();
        Ok(InspectLog {
            name: format!(
                "{}_{:02}_{}.eval",
                self.run.header.run_id,
                self.number,
                task.replace('/', "-")
            ),
            bytes,
            samples: self.seen.len(),
        })
    }

    fn eval(&self, task: &str) -> Value {
        let (header, condition) = (&self.run.header, self.condition);
        json!({
            "created": created(&header.started),
            "run_id": header.run_id,
            "eval_id": format!("{}-{}", header.run_id, self.number),
            "task_id": format!("{}-{}", header.run_id, self.number),
            "task": task,
            "task_version": 0,
            "task_attribs": {},
            "task_args": {
                "method": condition.method, "demonstrations": condition.demonstrations, "form": condition.form,
                "demographics": condition.demographics, "restricted_to": condition.category.clone().unwrap_or_default(),
                "control": condition.control,
            },
            "dataset": {
                "name": header.survey, "samples": self.seen.len(), "shuffled": false,
                "sample_ids": self.seen.iter().map(|seen| id(seen.outcome)).collect::<Vec<_>>(),
            },
            "model": format!("{}/{}", if header.model.is_elsewhere() { "elsewhere" } else { "hf" }, header.model.name),
            "model_args": { "dtype": header.model.dtype, "device": header.model.device, "kernels": header.model.kernels },
            "config": {},
            "packages": { "indieval": header.version },
            "metadata": { "synthetic": header.synthetic, "catalogue": header.catalogue, "norm": self.norm, "hashes": header.hashes },
        })
    }

    fn results(&self) -> Value {
        let n = self.seen.len() as f64;
        let is_right = |seen: &&Seen<'_>| seen.chosen == Some(seen.outcome.label);
        let right = self.seen.iter().filter(is_right).count() as f64;
        let share = right / n.max(1.0);
        // Inspect's own `stderr`: of single samples, as if they were independent. Reports count people.
        let error = (share * (1.0 - share) / (n - 1.0).max(1.0)).sqrt();
        json!({
            "total_samples": self.seen.len(),
            "completed_samples": self.seen.len(),
            "scores": [{
                "name": "choice", "scorer": "choice", "params": {},
                "metrics": {
                    "accuracy": { "name": "accuracy", "value": share, "params": {} },
                    "stderr": { "name": "stderr", "value": error, "params": {} },
                },
            }],
        })
    }

    fn sample(&self, seen: &Seen<'_>) -> Value {
        let Seen {
            outcome, chosen, sure, ..
        } = seen;
        let choices = choices(seen);
        let condition = seen.known.words(self.condition);
        let input = format!(
            "{} ({}): which of these would respondent {} say? [{condition}; the prompt is not part of this log]",
            outcome.question,
            seen.known.category(outcome),
            outcome.respondent
        );
        let model = &self.run.header.model.name;
        let answer = chosen.map(letter);
        let correct = if *chosen == Some(outcome.label) { "C" } else { "I" };
        let mut score = json!({
            "value": correct, "answer": answer, "explanation": explanation(outcome, &choices, sure),
            "metadata": { "scores": sure.scores, "probability": sure.probabilities },
        });
        if chosen.is_none() {
            score["reason"] = json!("invalid_response");
        }
        let spoken = outcome
            .evidence
            .tries()
            .and_then(|tries| tries.last())
            .map(|one| one.text.clone());
        let completion = spoken.or(answer.clone()).unwrap_or_default();
        json!({
            "id": id(outcome), "epoch": 1, "input": input, "choices": choices, "target": letter(outcome.label),
            "messages": [
                { "role": "user", "content": input }, { "role": "assistant", "content": completion, "model": model, "source": "generate" },
            ],
            "output": {
                "model": model,
                "choices": [{ "message": { "role": "assistant", "content": completion, "source": "generate" }, "stop_reason": "stop" }],
                "completion": completion,
            },
            "scores": { "choice": score },
            "metadata": metadata(seen),
            "store": {}, "events": [], "model_usage": {}, "attachments": {},
        })
    }
}

fn choices<'a>(seen: &Seen<'a>) -> Vec<&'a str> {
    (0..seen.outcome.candidates).map(|at| seen.text(at)).collect()
}

fn metadata(seen: &Seen<'_>) -> Value {
    let outcome = seen.outcome;
    let mut about = Map::new();
    about.insert("respondent".to_owned(), json!(outcome.respondent));
    about.insert("split".to_owned(), json!(outcome.split));
    about.insert("question".to_owned(), json!(outcome.question));
    about.insert("category".to_owned(), json!(seen.known.category(outcome)));
    for (dimension, group) in seen.known.groups(outcome).into_iter().flatten() {
        about.insert(dimension.clone(), json!(group));
    }
    Value::Object(about)
}

fn summary(seen: &Seen<'_>, sample: &Value) -> Value {
    let choices = choices(seen).join(" / ");
    json!({
        "id": sample["id"], "epoch": 1,
        "input": format!("{} · {}: {choices}", seen.outcome.question, seen.known.category(seen.outcome)),
        "choices": sample["choices"], "target": sample["target"],
        "metadata": sample["metadata"],
        "scores": { "choice": { "value": sample["scores"]["choice"]["value"], "answer": sample["scores"]["choice"]["answer"] } },
        "model_usage": {}, "completed": true, "message_count": 2,
    })
}

/// Respondent, split and question: unique within a condition, and the same in every condition.
fn id(outcome: &Outcome) -> String {
    format!("{}-{}-{}", outcome.respondent, outcome.split, outcome.question)
}

fn letter(at: usize) -> String {
    let place = u8::try_from(at).ok().filter(|at| *at < 26);
    place.map_or_else(|| (at + 1).to_string(), |at| char::from(b'A' + at).to_string())
}

/// One line a candidate, or what was written.
fn explanation(outcome: &Outcome, choices: &[&str], sure: &Sure) -> String {
    if let Evidence::Generation { tries, .. } = &outcome.evidence {
        let tries = tries.iter().map(|one| format!("{:?}", one.text));
        return tries.collect::<Vec<_>>().join("\n");
    }
    let lines = choices.iter().enumerate().map(|(at, text)| {
        let score = sure.scores.get(at).copied().unwrap_or(f64::NAN);
        let probability = sure.probabilities.get(at).copied().unwrap_or(f64::NAN);
        let own = if at == outcome.label { " (their own)" } else { "" };
        format!("{}. {text}: log P = {score:.3}, p = {probability:.3}{own}", letter(at))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Inspect refuses a log without a time.
fn created(started: &str) -> &str {
    if started.is_empty() {
        "1970-01-01T00:00:00+00:00"
    } else {
        started
    }
}

fn add(archive: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str, value: &Value) -> Result<(), ExportError> {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    archive
        .start_file(name, options)
        .map_err(|error| ExportError::Encode(error.to_string()))?;
    let text = serde_json::to_vec(value).map_err(|error| ExportError::Encode(error.to_string()))?;
    archive
        .write_all(&text)
        .map_err(|error| ExportError::Encode(error.to_string()))
}
