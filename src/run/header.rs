//! The first line of a journal: what the run is, so that nothing else can be appended to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{RunError, Spec};
use crate::base::hex::hex;
use crate::model::ModelIdentity;

/// Version of the record format; GUIDE.md describes it field by field.
pub const FORMAT: u32 = 1;

/// What a run is: two journals may be joined only where these are equal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the record format.
    pub format: u32,
    /// Run id: a hash of the spec and of all `hashes`.
    pub run: String,
    /// Whether the people are invented. Shown wherever a result is.
    pub synthetic: bool,
    /// People in the run.
    pub respondents: usize,
    /// Outcomes of the finished run.
    pub outcomes: usize,
    /// Room of the token tree in tokens; packing follows from it, so a resumed run keeps it.
    pub tree_tokens: usize,
    /// The model.
    pub model: ModelIdentity,
    /// SHA-256 by name: `weights`, `tokenizer`, `catalogue`, `survey`, `respondents`, `prompt NAME`.
    pub hashes: BTreeMap<String, String>,
    /// Everything else that determines the result.
    pub spec: Spec,
}

impl Header {
    /// What differs between a run begun with `self` and one wanted with `other`: the first of weights, tokenizer,
    /// prompts, catalogue, people, model and spec key, in words; `None` where they are the same run.
    pub fn difference(&self, other: &Self) -> Option<String> {
        if self.format != other.format {
            return Some(format!("record format ({} there, {} here)", self.format, other.format));
        }
        for (name, hash) in &self.hashes {
            match other.hashes.get(name) {
                Some(now) if now == hash => {}
                Some(now) => return Some(format!("{name} (SHA-256 {} there, {} here)", short(hash), short(now))),
                // Which prompts there are follows from the methods, which are named below.
                None if name.starts_with("prompt ") => {}
                None => return Some(format!("{name} (none here)")),
            }
        }
        let new = |name: &&String| !self.hashes.contains_key(*name) && !name.starts_with("prompt ");
        if let Some(name) = other.hashes.keys().find(new) {
            return Some(format!("{name} (none there)"));
        }
        let flat = |header: &Self| {
            let mut flat = BTreeMap::new();
            let whole = serde_json::json!({ "model": header.model, "spec": header.spec.identity() });
            flatten("", &whole, &mut flat);
            flat
        };
        let (there, here) = (flat(self), flat(other));
        there
            .keys()
            .chain(here.keys())
            .find(|key| there.get(*key) != here.get(*key))
            .map(|key| {
                let value =
                    |side: &BTreeMap<String, String>| side.get(key).map_or("nothing", String::as_str).to_owned();
                format!(
                    "{} ({} there, {} here)",
                    key.trim_start_matches('.'),
                    value(&there),
                    value(&here)
                )
            })
            .or_else(|| (self.run != other.run).then(|| "run id".to_owned()))
    }
}

/// The run id: the first 16 hex digits of the SHA-256 of the spec's identity, the model and all hashes.
pub fn run_id(spec: &Spec, model: &ModelIdentity, hashes: &BTreeMap<String, String>) -> Result<String, RunError> {
    let whole = serde_json::json!({ "spec": spec.identity(), "model": model, "hashes": hashes });
    let bytes = serde_json::to_vec(&whole).map_err(|error| RunError::Encode(error.to_string()))?;
    Ok(short(&hex(&Sha256::digest(bytes))).to_owned())
}

fn short(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}

impl Spec {
    /// The spec without what may differ between two starts of one run: where files lie (their hashes count) and
    /// words for people.
    fn identity(&self) -> serde_json::Value {
        let mut spec = self.clone();
        spec.title.clear();
        spec.model.id.clear();
        spec.respondents.survey = std::path::PathBuf::new();
        spec.respondents.sample = None;
        spec.respondents.catalogue.clear();
        spec.prompts = super::PromptSpec::default();
        let mut identity = serde_json::json!(spec);
        if let Some(device) = identity.pointer_mut("/model/device") {
            *device = "".into();
        }
        identity
    }
}

fn flatten(prefix: &str, value: &serde_json::Value, into: &mut BTreeMap<String, String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, field) in fields {
                flatten(&format!("{prefix}.{key}"), field, into);
            }
        }
        other => {
            into.insert(prefix.to_owned(), other.to_string());
        }
    }
}
