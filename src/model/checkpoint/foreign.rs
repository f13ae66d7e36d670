//! Folders in another form than the one that is read: recognised by their files, with the command that converts them.

use std::path::Path;

use super::safetensors::{INDEX, SINGLE};
use crate::base::shell::{python_text, word};
use crate::model::LoadError;

/// A LoRA adapter's own settings; transformers applies the adapter beside the weights as it loads them.
const ADAPTER: &str = "adapter_config.json";
/// Weights as PyTorch pickles, in one piece or as the index of several.
const PICKLES: [&str; 2] = ["pytorch_model.bin", "pytorch_model.bin.index.json"];
/// Weights under Mistral's own names, and under Meta's.
const ORIGINALS: [(&str, &str); 2] = [
    ("consolidated.safetensors", "Mistral's own format"),
    ("consolidated.00.pth", "its makers' own format"),
];

/// An adapter that would be left out, beside weights or on its own.
pub(super) fn adapter(folder: &Path) -> Option<LoadError> {
    folder.join(ADAPTER).is_file().then(|| {
        let here = python_text(&trimmed(folder));
        let merged = python_text(&format!("{}-merged", trimmed(folder)));
        let script = format!(
            "from peft import AutoPeftModelForCausalLM as M; from transformers import AutoTokenizer as T; \
             M.from_pretrained({here}, dtype='auto').merge_and_unload().save_pretrained({merged}); \
             T.from_pretrained({here}).save_pretrained({merged})"
        );
        LoadError::Foreign {
            path: folder.to_owned(),
            what: format!("holds a LoRA adapter ({ADAPTER}), which would be left out"),
            remedy: format!("merge it into its model: python -c \"{script}\" (needs transformers and peft)"),
        }
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
