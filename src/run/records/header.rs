//! `run.json`: what a run is, so that nothing else can be added to it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::{Check, seal_object};
use super::line::ConditionEntry;
use crate::base::files::write_bytes;
use crate::base::hex::sha256_hex;
use crate::model::{Backend, ModelIdentity};
use crate::run::names::RUN;
use crate::run::{MixedEntry, RunError, Shard, ShardEntry, Spec};

/// Version of the format of a run's files; docs/formats.md describes them. Within a number, fields are only added.
pub(crate) const FORMAT: u32 = 2;

/// Where the fields of a run's files are described, as `run.json` says it.
const FIELDS: &str = "docs/formats.md";

/// Hexadecimal digits of a run id.
const ID: usize = 16;

/// What does not count as part of what a run is: names, titles and where files lie, whose hashes count.
const APART: [&str; 7] = [
    "/spec/title",
    "/spec/model/id",
    "/spec/model/adapter",
    "/spec/model/device",
    "/spec/respondents/survey",
    "/spec/respondents/sample",
    "/spec/respondents/catalogue",
];

/// What a run is: records may be joined only where these are equal. Nothing that may differ between two starts of one
/// run is in it; see `Session` for that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the format.
    pub format: u32,
    /// Version of indieval that began the run.
    pub program: String,
    /// Where fields are described.
    pub fields: String,
    /// Run id: a hash of spec, model and all `hashes`.
    pub run: String,
    /// Whether the people are invented. Shown wherever a result is.
    pub synthetic: bool,
    /// People in the run.
    pub respondents: usize,
    /// Outcomes of the finished run.
    pub outcomes: usize,
    /// SHA-256 of `people.json`; empty until that is written.
    pub people: String,
    /// The model.
    pub model: ModelIdentity,
    /// SHA-256 by name: `weights`, `adapter` (where there is one), `tokenizer`, `catalogue`, `survey`, `respondents`, `prompt_NAME`.
    pub hashes: BTreeMap<String, String>,
    /// The conditions of the grid, in order.
    pub conditions: Vec<ConditionEntry>,
    /// Everything else that determines the result.
    pub spec: Spec,
    /// Which part of a run the folder holds; absent where it is all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardEntry>,
    /// What computed it, where that was more than one program or kind of kernel; absent elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mixed: Vec<MixedEntry>,
}

impl Header {
    /// What a run of this spec is. `respondents` and `outcomes` are those of the finished run.
    ///
    /// # Errors
    /// [`RunError::Encode`] where the spec cannot be written.
    pub fn new(
        spec: &Spec,
        model: &ModelIdentity,
        hashes: BTreeMap<String, String>,
        conditions: &[crate::scoring::Condition],
        (respondents, outcomes): (usize, usize),
        synthetic: bool,
    ) -> Result<Self, RunError> {
        let mut header = Self {
            format: FORMAT,
            program: crate::base::version::FULL.to_owned(),
            fields: FIELDS.to_owned(),
            run: String::new(),
            synthetic,
            respondents,
            outcomes,
            people: String::new(),
            model: ModelIdentity {
                device: model.device.first_of_its_kind(),
                ..model.clone()
            },
            hashes,
            conditions: ConditionEntry::all(conditions),
            spec: spec.clone(),
            shard: None,
            mixed: Vec::new(),
        };
        header.run = id_of(&header.value()?);
        Ok(header)
    }

    /// The header as it stands in the file.
    fn value(&self) -> Result<Value, RunError> {
        // Through text: a number in single precision is another one in double precision, but is written the same.
        let text = serde_json::to_vec(self).and_then(|text| serde_json::from_slice(&text));
        text.map_err(|error| RunError::Encode(error.to_string()))
    }

    /// Writes `run.json` as a whole; returns its check, which records follow on.
    pub(in crate::run) fn write(&self, folder: &Path) -> Result<Check, RunError> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| RunError::Encode(error.to_string()))?;
        let (bytes, check) = seal_object(text, &[]);
        let path = folder.join(RUN);
        write_bytes(&path, &bytes).map_err(|source| RunError::Write { path, source })?;
        Ok(check)
    }

    /// What differs between a run begun with `self` and one wanted with `other`: the first of weights, tokenizer,
    /// prompts, catalogue, people, model and spec key, in words; `None` where they are the same run.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let shard = |header: &Self| match header.shard() {
            Some(shard) => format!("shard {shard}"),
            None => "all of the run".to_owned(),
        };
        let (there, here) = (shard(self), shard(other));
        match there == here {
            true => self.other_run(other),
            false => Some(format!("part ({there} there, {here} here)")),
        }
    }

    /// As [`difference`](Self::difference), whichever part of a run each is, and whatever kernels computed it.
    pub(in crate::run) fn other_experiment(&self, other: &Self) -> Option<String> {
        let mut other = other.clone();
        other.model.backend = self.model.backend;
        other.model.device = self.model.device;
        self.other_run(&other)
    }

    /// What computed the records.
    pub(in crate::run) fn computed_by(&self, respondents: usize) -> MixedEntry {
        MixedEntry {
            program: self.program.clone(),
            backend: self.model.backend.map_or("none", Backend::name).to_owned(),
            device: self.model.device.kind().to_owned(),
            respondents,
        }
    }

    /// The shard of a header that is one's.
    pub(in crate::run) fn shard(&self) -> Option<Shard> {
        self.shard.and_then(|entry| entry.shard())
    }

    fn other_run(&self, other: &Self) -> Option<String> {
        for (name, hash) in &self.hashes {
            match other.hashes.get(name) {
                Some(now) if now == hash => {}
                Some(now) => return Some(format!("{name} (SHA-256 {} there, {} here)", short(hash), short(now))),
                // Which prompts there are follows from the methods, which are named below.
                None if name.starts_with("prompt_") => {}
                None => return Some(format!("{name} (none here)")),
            }
        }
        let new = |name: &&String| !self.hashes.contains_key(*name) && !name.starts_with("prompt_");
        if let Some(name) = other.hashes.keys().find(new) {
            return Some(format!("{name} (none there)"));
        }
        let flat = |header: &Self| {
            let mut identity = identity(&header.value().unwrap_or_default());
            if let Some(identity) = identity.as_object_mut() {
                identity.shift_remove("hashes");
            }
            let mut flat = BTreeMap::new();
            flatten("", &identity, &mut flat);
            flat
        };
        let (there, here) = (flat(self), flat(other));
        let differs = |key: &&String| there.get(*key) != here.get(*key);
        there.keys().chain(here.keys()).find(differs).map(|key| {
            let value = |side: &BTreeMap<String, String>| side.get(key).map_or("nothing", String::as_str).to_owned();
            let name = key.trim_start_matches('.');
            format!("{name} ({} there, {} here)", value(&there), value(&here))
        })
    }
}

/// The run id of a header: the first 16 hexadecimal digits of the SHA-256 of `hashes`, `model` and `spec` as compact JSON
/// with sorted keys, without what does not count ([`APART`] and the paths of prompts).
pub(super) fn id_of(header: &Value) -> String {
    let mut id = sha256_hex(sorted(&identity(header)).to_string().as_bytes());
    id.truncate(ID);
    id
}

/// What of a header tells one run from another.
fn identity(header: &Value) -> Value {
    let mut identity = serde_json::Map::new();
    for part in ["hashes", "model", "spec"] {
        identity.insert(part.to_owned(), header.get(part).cloned().unwrap_or_default());
    }
    let mut identity = Value::Object(identity);
    for place in APART.into_iter().chain(["/spec/prompts"]) {
        let Some((parent, key)) = place.rsplit_once('/') else {
            continue;
        };
        if let Some(parent) = identity.pointer_mut(parent).and_then(Value::as_object_mut) {
            parent.shift_remove(key);
        }
    }
    identity
}

/// The same value with the keys of every object in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, &Value> = fields.iter().collect();
            fields
                .into_iter()
                .map(|(key, field)| (key.clone(), sorted(field)))
                .collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn short(hash: &str) -> &str {
    hash.get(..ID).unwrap_or(hash)
}

fn flatten(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                flatten(&format!("{prefix}.{key}"), field, into);
            }
        }
        other => {
            into.insert(prefix.to_owned(), other.to_string());
        }
    }
}
