//! Folders in another form than the one that is read: recognised by their files, with the command that converts them.

use std::path::Path;

use super::adapter::{self, SETTINGS};
use super::safetensors::{INDEX, SINGLE};
use crate::base::shell::{python_text, word};
use crate::model::LoadError;

/// Weights as PyTorch pickles, in one piece or as the index of several.
const PICKLES: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];
/// Weights under Mistral's own names, and under Meta's.
const ORIGINALS: [(&str, &str); 2] = [
    ("consolidated.safetensors", "Mistral's own format"),
    ("consolidated.00.pth", "its makers' own format"),
];

/// An adapter that would be left out, beside weights or on its own; transformers applies one as it loads the weights.
/// `asked` is the folder of the adapter that is merged.
pub(super) fn adapter(folder: &Path, asked: Option<&Path>) -> Option<LoadError> {
    let settings = folder.join(SETTINGS);
    let same = |asked: &Path| asked.canonicalize().ok() == folder.canonicalize().ok();
    if !settings.is_file() || asked.is_some_and(same) {
        return None;
    }
    let has_weights = [SINGLE, INDEX].iter().any(|name| folder.join(name).is_file());
    let here = word(&trimmed(folder));
    let base = match has_weights {
        true => Some(here.clone()),
        false => std::fs::read(&settings)
            .ok()
            .and_then(|text| adapter::base_of(&text))
            .map(|base| word(&base)),
    };
    Some(LoadError::Foreign {
        path: folder.to_owned(),
        what: format!("holds a LoRA adapter ({SETTINGS}), which would be left out"),
        remedy: format!(
            "name its base and the adapter: --model {} --adapter {here}",
            base.as_deref().unwrap_or("BASE")
        ),
    })
}

/// Weights that are there in another form, where there are none that can be read.
pub(super) fn weights(folder: &Path) -> Option<LoadError> {
    let has = |name: &str| folder.join(name).is_file();
    if has(SINGLE) || has(INDEX) {
        return None;
    }
    let foreign = |what: String, remedy: String| LoadError::Foreign {
        path: folder.to_owned(),
        what,
        remedy,
    };
    if let Some(file) = PICKLES.into_iter().find(|name| has(name)) {
        let path = python_text(&trimmed(folder));
        let script = format!(
            "from transformers import AutoModelForCausalLM as M; \
             M.from_pretrained({path}, dtype='auto').save_pretrained({path})"
        );
        return Some(foreign(
            format!("holds its weights as {file} only, a format that can run code as it is read"),
            format!("write {SINGLE} beside it: python -c \"{script}\" (needs transformers and torch)"),
        ));
    }
    let (file, form) = ORIGINALS.into_iter().find(|(name, _)| has(name))?;
    Some(foreign(
        format!("holds its weights in {form} ({file})"),
        format!(
            "fetch {SINGLE} of the same repository, which nearly always holds both, or convert it: \
             python convert_hf_to_gguf.py {}{} (from llama.cpp)",
            if file.ends_with(".safetensors") {
                "--mistral-format "
            } else {
                ""
            },
            word(&trimmed(folder))
        ),
    ))
}

/// The folder without a slash at its end.
fn trimmed(folder: &Path) -> String {
    let text = folder.display().to_string();
    match text.trim_end_matches('/') {
        "" => text,
        trimmed => trimmed.to_owned(),
    }
}
