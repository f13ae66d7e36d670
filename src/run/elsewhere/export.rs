//! Prompts written out, in parts within the providers' limits, with a plan by which answers are graded.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::asked::{AskedText, Questions, written_only};
use super::{IDS, PLAN};
use crate::base::files::write_bytes;
use crate::base::hex::hex;
use crate::run::{People, Plan, RunError, Spec};
use crate::scoring::Outcome;

crate::choices! {
    /// How prompts are written for whoever answers them.
    pub enum PromptFormat: Jsonl {
        /// `{"custom_id", "prompt"}` a line, which `indieval generate` takes too.
        Jsonl = "jsonl",
        /// Batch files of OpenAI, and of vLLM, Azure, Together and Mistral.
        OpenaiBatch = "openai-batch",
        /// Requests of Anthropic's message batches, one a line.
        AnthropicBatch = "anthropic-batch",
        /// Batch files of Gemini.
        GeminiBatch = "gemini-batch",
    }
}

impl PromptFormat {
    /// Requests and bytes that a file may have.
    const fn limits(self) -> (usize, u64) {
        const MB: u64 = 1_000_000;
        match self {
            Self::OpenaiBatch => (50_000, 200 * MB),
            Self::AnthropicBatch => (100_000, 256 * MB),
            Self::Jsonl | Self::GeminiBatch => (usize::MAX, 2_000 * MB),
        }
    }

    /// The request of one text, for an answer of at most `max_tokens`.
    fn request(self, text: &AskedText, spec: &Spec, max_tokens: usize) -> Value {
        let (model, system) = (&spec.model.id, spec.chat.system.as_deref());
        let said = |role: &str, content: &str| json!({ "role": role, "content": content });
        let user = said("user", &text.text);
        let messages: Vec<Value> = system
            .map(|system| said("system", system))
            .into_iter()
            .chain([user.clone()])
            .collect();
        // In single precision 0.7 is written as 0.699999988.
        let temperature: f64 = spec.scoring.temperature.get().to_string().parse().unwrap_or(0.0);
        match (self, system) {
            (Self::Jsonl, None) => json!({ "custom_id": text.id, "prompt": text.text }),
            (Self::Jsonl, Some(_)) => json!({ "custom_id": text.id, "messages": messages }),
            (Self::OpenaiBatch, _) => {
                let mut body = json!({
                    "model": model, "messages": messages, "max_completion_tokens": max_tokens, "temperature": temperature,
                });
                if !spec.chat.kwargs.is_empty() {
                    body["chat_template_kwargs"] = json!(spec.chat.kwargs);
                }
                json!({ "custom_id": text.id, "method": "POST", "url": "/v1/chat/completions", "body": body })
            }
            (Self::AnthropicBatch, _) => {
                let mut params = json!({
                    "model": model, "max_tokens": max_tokens, "messages": [user], "temperature": temperature,
                });
                if let Some(system) = system {
                    params["system"] = system.into();
                }
                json!({ "custom_id": text.id, "params": params })
            }
            (Self::GeminiBatch, _) => {
                let parts = |text: &str| json!([{ "text": text }]);
                let mut request = json!({
                    "contents": [{ "role": "user", "parts": parts(&text.text) }],
                    "generation_config": { "temperature": temperature, "max_output_tokens": max_tokens },
                });
                if let Some(system) = system {
                    request["system_instruction"] = json!({ "parts": parts(system) });
                }
                json!({ "key": text.id, "request": request })
            }
        }
    }

    /// Refuses what a spec says to a chat template that requests of this format cannot pass on.
    fn passes_on(self, spec: &Spec) -> Result<(), RunError> {
        let unheard = |what, why| Err(RunError::Unheard { what, why });
        match (spec.scoring.thinking_tokens, spec.chat.date, self) {
            (Some(_), ..) => unheard(
                "thinking_tokens of [scoring]",
                "how long a model elsewhere thinks is not settled by its prompt (--max-tokens bounds thoughts and answer)",
            ),
            (_, Some(_), _) => unheard("date of [chat]", "the chat template is filled in elsewhere"),
            (.., Self::OpenaiBatch) => Ok(()),
            _ if spec.chat.kwargs.is_empty() => Ok(()),
            _ => unheard(
                "kwargs of [chat]",
                "only requests of openai-batch have a place for them",
            ),
        }
    }
}

/// What was written out, as `plan.json` has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportPlan {
    /// Version of indieval.
    pub program: String,
    /// How prompts are written.
    pub format: PromptFormat,
    /// The model that they are for; empty where none was named.
    pub model: String,
    /// Number of requests.
    pub requests: usize,
    /// SHA-256 over the ids and prompts, in order.
    pub prompts: String,
    /// SHA-256 by name of people, questions and templates.
    pub hashes: std::collections::BTreeMap<String, String>,
    /// Names of the parts.
    pub parts: Vec<String>,
    /// What is asked.
    pub spec: Spec,
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Number of requests.
    pub requests: usize,
    /// The parts.
    pub parts: Vec<PathBuf>,
    /// Bytes of all parts.
    pub bytes: u64,
    /// Whether the people were invented.
    pub synthetic: bool,
}

/// At most this many tokens for an answer of one letter; models that reason first need more.
const LETTER_TOKENS: usize = 16;

/// Writes the prompts of a spec into a folder, person by person, so that providers' caches find what prompts share.
///
/// # Errors
/// A method that needs probabilities; a folder that has an export already, or cannot be written.
pub fn export(
    spec: &Spec,
    folder: &Path,
    format: PromptFormat,
    model: &str,
    max_tokens: Option<usize>,
) -> Result<Written, RunError> {
    let mut spec = spec.clone();
    // An answer that cannot be read is not asked for again: nobody is there to be asked.
    spec.scoring.retries = crate::scoring::Retries::NONE;
    written_only(&spec)?;
    spec.model.id = model.to_owned();
    format.passes_on(&spec)?;
    if folder.join(PLAN).exists() {
        return Err(RunError::Exported {
            folder: folder.to_owned(),
        });
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| RunError::Write { path, source }
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    let people = People::read(&spec)?;
    spec.grid.demonstrations = spec.numbers_of_demonstrations(&people.catalogue);
    let plan = Plan::new(&spec, &people)?;
    let questions = Questions::new(&spec, &people, &plan)?;
    let letter = max_tokens.unwrap_or(LETTER_TOKENS);
    let all = max_tokens.unwrap_or(spec.scoring.paper_tokens.get());
    let asked = write_requests(folder, &questions, format.limits(), |text| {
        let tokens = if text.order.is_empty() { all } else { letter };
        format.request(text, &spec, tokens)
    })?;
    let mut hashes = people.hashes();
    hashes.extend(questions.hashes());
    let names = asked.parts.iter().map(|(path, _)| crate::run::people::file_name(path));
    let plan = ExportPlan {
        program: crate::base::version::FULL.to_owned(),
        format,
        model: model.to_owned(),
        requests: asked.requests,
        prompts: asked.prompts,
        hashes,
        parts: names.collect(),
        spec: spec.clone(),
    };
    // The plan comes last: a folder that has it is whole.
    let path = folder.join(PLAN);
    let text = serde_json::to_vec_pretty(&plan).map_err(|error| RunError::Encode(error.to_string()))?;
    write_bytes(&path, &text).map_err(failed(&path))?;
    Ok(Written {
        requests: asked.requests,
        bytes: asked.parts.iter().map(|(_, bytes)| bytes).sum(),
        parts: asked.parts.into_iter().map(|(path, _)| path).collect(),
        synthetic: people.synthetic(),
    })
}

/// The requests that were written.
struct WrittenRequests {
    requests: usize,
    /// With their bytes.
    parts: Vec<(PathBuf, u64)>,
    /// SHA-256 over the ids and prompts.
    prompts: String,
}

/// Writes all requests, and what each of them asks.
fn write_requests(
    folder: &Path,
    questions: &Questions<'_>,
    limits: (usize, u64),
    request: impl Fn(&AskedText) -> Value,
) -> Result<WrittenRequests, RunError> {
    let unwritten = |error: csv::Error| RunError::Encode(error.to_string());
    let mut parts = PartFiles::new(folder, limits);
    let mut ids = csv::Writer::from_writer(Vec::new());
    ids.write_record(ID_COLUMNS).map_err(unwritten)?;
    let mut digest = Sha256::new();
    let mut requests = 0;
    for unit in &questions.plan.units {
        for &condition in &unit.conditions {
            let (outcomes, texts) = questions.of(unit, condition)?;
            for text in texts {
                parts.add(&request(&text))?;
                ids.write_record(row(&text, &outcomes)).map_err(unwritten)?;
                note(&mut digest, &text);
                requests += 1;
            }
        }
    }
    let path = folder.join(IDS);
    let bytes = ids.into_inner().map_err(|error| RunError::Encode(error.to_string()))?;
    write_bytes(&path, &bytes).map_err(|source| RunError::Write { path, source })?;
    Ok(WrittenRequests {
        requests,
        parts: parts.finish()?,
        prompts: hex(&digest.finalize()),
    })
}

/// Takes a text into the hash of all.
pub(super) fn note(digest: &mut Sha256, text: &AskedText) {
    for part in [text.id.as_str(), text.text.as_str()] {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
}

/// Columns of the table that says what each request asks.
const ID_COLUMNS: [&str; 11] = [
    "id",
    "respondent",
    "split",
    "question",
    "method",
    "demonstrations",
    "form",
    "demographics",
    "restricted_to",
    "control",
    "order",
];

fn row(text: &AskedText, outcomes: &[Outcome]) -> [String; ID_COLUMNS.len()] {
    let outcome = &outcomes[text.probe];
    let condition = &outcome.condition;
    let question = match text.order.is_empty() {
        true => "all".to_owned(),
        false => outcome.question.to_string(),
    };
    let order: Vec<String> = text.order.iter().map(usize::to_string).collect();
    [
        text.id.clone(),
        outcome.respondent.clone(),
        outcome.split.to_string(),
        question,
        condition.method.name().to_owned(),
        condition.demonstrations.to_string(),
        condition.form.to_string(),
        condition.demographics.to_string(),
        condition.category.clone().unwrap_or_default(),
        condition.control.to_string(),
        order.join(" "),
    ]
}

/// Files that are begun anew where one would become too large.
pub(super) struct PartFiles {
    folder: PathBuf,
    limits: (usize, u64),
    done: Vec<(PathBuf, u64)>,
    open: Option<(PathBuf, BufWriter<File>)>,
    lines: usize,
    bytes: u64,
}

impl PartFiles {
    pub(super) fn new(folder: &Path, limits: (usize, u64)) -> Self {
        Self {
            folder: folder.to_owned(),
            limits,
            done: Vec::new(),
            open: None,
            lines: 0,
            bytes: 0,
        }
    }

    pub(super) fn add(&mut self, line: &Value) -> Result<(), RunError> {
        let text = format!("{line}\n");
        let (most, size) = self.limits;
        if self.lines >= most || self.bytes + text.len() as u64 > size {
            self.close()?;
        }
        let (path, file) = match &mut self.open {
            Some(open) => open,
            None => {
                let path = self.folder.join(format!("part-{:04}.jsonl", self.done.len() + 1));
                let file = File::create(&path).map_err(|source| RunError::Write {
                    path: path.clone(),
                    source,
                })?;
                self.open.insert((path, BufWriter::new(file)))
            }
        };
        file.write_all(text.as_bytes()).map_err(|source| RunError::Write {
            path: path.clone(),
            source,
        })?;
        self.lines += 1;
        self.bytes += text.len() as u64;
        Ok(())
    }

    fn close(&mut self) -> Result<(), RunError> {
        if let Some((path, mut file)) = self.open.take() {
            file.flush().map_err(|source| RunError::Write {
                path: path.clone(),
                source,
            })?;
            self.done.push((path, self.bytes));
        }
        (self.lines, self.bytes) = (0, 0);
        Ok(())
    }

    /// The parts with their bytes.
    pub(super) fn finish(mut self) -> Result<Vec<(PathBuf, u64)>, RunError> {
        self.close()?;
        Ok(self.done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_to_lines_and_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let lines_of = |limits, count: usize| {
            let mut parts = PartFiles::new(folder.path(), limits);
            (0..count).for_each(|at| parts.add(&json!({ "n": at })).unwrap());
            let parts = parts.finish().unwrap();
            parts
                .iter()
                .map(|(path, bytes)| {
                    let text = std::fs::read_to_string(path).unwrap();
                    assert_eq!(text.len() as u64, *bytes);
                    text.lines().count()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(lines_of((3, u64::MAX), 7), [3, 3, 1]);
        // A line is `{"n":0}` and its end.
        assert_eq!(lines_of((usize::MAX, 16), 5), [2, 2, 1]);
        assert_eq!(lines_of((3, 16), 0), Vec::<usize>::new());
    }
}
