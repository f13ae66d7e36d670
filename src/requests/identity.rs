//! What an output was begun with, in a file beside it: nothing else may go on with it.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::{RequestError, is_standard};
use crate::base::files::write_bytes;
use crate::model::OpenModel;

/// Everything beside the lines that decides what answers are, by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity(Map<String, Value>);

/// For people only: the same model may lie in another folder.
const NAME: &str = "model";

/// Packing and with it the last bits follow from it.
const TREE_TOKENS: &str = "tree tokens";

impl Identity {
    /// Of a command, a model and the command's own settings.
    pub fn new(command: &str, opened: &OpenModel, settings: Vec<(&str, Value)>) -> Self {
        let model = &opened.identity;
        let mut all = Map::new();
        let mut put = |name: &str, value: Value| all.insert(name.to_owned(), value);
        put("indieval", json!(env!("CARGO_PKG_VERSION")));
        put("command", json!(command));
        put(NAME, json!(model.name));
        for (name, hash) in &opened.hashes {
            put(name, json!(hash));
        }
        put("dtype", json!(model.numbers()));
        put("device", json!(model.device));
        put("kernels", json!(model.kernels()));
        put(TREE_TOKENS, json!(opened.memory.tree_tokens));
        for (name, value) in settings {
            put(name, value);
        }
        Self(all)
    }

    /// Refuses to go on with what was begun in another way.
    pub(super) fn check(&self, out: &Path) -> Result<(), RequestError> {
        let begun = read(out)?;
        let names = begun
            .keys()
            .chain(self.0.keys().filter(|name| !begun.contains_key(*name)));
        let shown = |side: &Map<String, Value>, name: &str| side.get(name).map_or("nothing".to_owned(), short);
        let changed: Vec<String> = names
            .filter(|name| *name != NAME && begun.get(*name) != self.0.get(*name))
            .map(|name| format!("{name} ({} there, {} here)", shown(&begun, name), shown(&self.0, name)))
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        Err(RequestError::OtherModel {
            path: out.to_owned(),
            changed: changed.join(", "),
        })
    }

    /// Puts it beside an output, before the output's first line.
    pub(super) fn write(&self, out: &Path) -> Result<(), RequestError> {
        // What is no file (a pipe, a device) is not gone on with.
        if !is_standard(out) && out.is_file() {
            let text = serde_json::to_string_pretty(&self.0).map_err(RequestError::Json)? + "\n";
            let path = beside(out);
            write_bytes(&path, text.as_bytes()).map_err(|source| RequestError::write(&path, source))?;
        }
        Ok(())
    }
}

/// The room that the token tree had when an output was begun: it is taken from the memory that is free otherwise, and that
/// changes. `None` for an output that is not begun.
pub(crate) fn room_of(out: &Path) -> Option<usize> {
    let begun = is_begun(out).then(|| read(out).ok()).flatten()?;
    usize::try_from(begun.get(TREE_TOKENS)?.as_u64()?).ok()
}

/// Whether a file has a whole line.
fn is_begun(out: &Path) -> bool {
    let mut line = Vec::new();
    out.is_file()
        && std::fs::File::open(out)
            .and_then(|file| BufReader::new(file).read_until(b'\n', &mut line))
            .is_ok()
        && line.ends_with(b"\n")
}

fn read(out: &Path) -> Result<Map<String, Value>, RequestError> {
    let path = beside(out);
    let text = std::fs::read_to_string(&path).ok();
    match text.and_then(|text| serde_json::from_str(&text).ok()) {
        Some(Value::Object(begun)) => Ok(begun),
        _ => Err(RequestError::NoIdentity {
            path: out.to_owned(),
            beside: path,
        }),
    }
}

/// `OUT.meta.json`.
fn beside(out: &Path) -> PathBuf {
    let mut name = OsString::from(out);
    name.push(".meta.json");
    name.into()
}

/// A value for messages; hashes are cut.
fn short(value: &Value) -> String {
    match value {
        Value::String(text) if text.len() == 64 => text.get(..16).unwrap_or(text).to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
