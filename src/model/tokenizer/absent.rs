//! What a folder without a tokenizer.json has instead, and how to get one.

use std::path::Path;

use super::read::VOCABULARY;
use super::settings::SETTINGS;
use crate::base::shell::python_text;
use crate::model::LoadError;

/// A tokenizer in another format.
struct Other {
    /// All of these files are there.
    files: &'static [&'static str],
    kind: &'static str,
    /// What has to be installed to convert it.
    packages: &'static str,
    /// transformers' class that reads it.
    class: &'static str,
    /// What the class has to be told: these formats do not say what begins a text, and all their models want BOS.
    told: &'static str,
}

const OTHERS: [Other; 3] = [
    Other {
        files: &["tekken.json"],
        kind: "Mistral's own format",
        packages: "transformers mistral-common",
        class: "PreTrainedTokenizerFast",
        told: ", bos_token='<s>', eos_token='</s>', add_bos_token=True",
    },
    Other {
        files: &["tokenizer.model"],
        kind: "a SentencePiece model",
        packages: "transformers sentencepiece protobuf",
        class: "AutoTokenizer",
        told: ", add_bos_token=True",
    },
    Other {
        files: &["vocab.json", "merges.txt"],
        kind: "a byte-pair vocabulary in two files",
        packages: "transformers",
        class: "AutoTokenizer",
        told: "",
    },
];

/// The error for a folder without a tokenizer.json.
pub(super) fn error(folder: &Path) -> LoadError {
    let there = |other: &&Other| other.files.iter().all(|name| folder.join(name).is_file());
    let Some(other) = OTHERS.iter().find(there) else {
        return LoadError::Absent {
            path: folder.to_owned(),
            what: format!("has no {VOCABULARY}"),
        };
    };
    // Settings that say whether there is a BOS are not overruled.
    let settings = std::fs::read_to_string(folder.join(SETTINGS)).unwrap_or_default();
    let told = match settings.contains("\"add_bos_token\"") {
        true => "",
        false => other.told,
    };
    let (class, packages) = (other.class, other.packages);
    let path = python_text(&folder.display().to_string());
    LoadError::OtherTokenizer {
        path: folder.to_owned(),
        found: format!("{} ({})", other.files.join(" and "), other.kind),
        remedy: format!(
            "pip install {packages} && python -c \"from transformers import {class} as T; \
             T.from_pretrained({path}{told}).save_pretrained({path})\""
        ),
    }
}
