//! The tokenizer of a checkpoint folder: tokenizer.json and the settings beside it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Policy, Tokenizer};
use crate::model::{LoadError, TokenId};

/// The vocabulary and how it is applied.
pub(crate) const VOCABULARY: &str = "tokenizer.json";
/// The names of BOS and EOS, and often a chat template.
pub(crate) const SETTINGS: &str = "tokenizer_config.json";
/// The model's own settings, which may name end tokens too.
pub(crate) const CONFIG: &str = "config.json";
/// What ends a generation.
pub(crate) const GENERATION: &str = "generation_config.json";
/// A chat template in a file of its own, which counts more than one in the settings.
pub(crate) const TEMPLATE: &str = "chat_template.jinja";

/// Control tokens that end a turn in the supported families.
pub(super) const END_OF_TURN: [&str; 6] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "</s>",
];

/// What a folder says about text.
pub(crate) struct FileTokenizer {
    pub(crate) tokenizer: Tokenizer,
    /// Jinja source of the chat template.
    pub(crate) chat_template: Option<String>,
    /// Files that were read.
    pub(crate) files: Vec<PathBuf>,
}

/// Reads the tokenizer of `folder`; `config` is its config.json, which may name end tokens too.
pub(crate) fn read_files(folder: &Path, config: Option<&Value>) -> Result<FileTokenizer, LoadError> {
    let path = folder.join(VOCABULARY);
    if !path.is_file() {
        let also = if folder.join("tokenizer.model").is_file() {
            " (its tokenizer.model cannot be read: convert it with Hugging Face's fast tokenizer)"
        } else {
            ""
        };
        return Err(LoadError::Absent {
            path: folder.to_owned(),
            what: format!("has no {VOCABULARY}{also}"),
        });
    }
    let text = std::fs::read(&path).map_err(|source| LoadError::read(&path, source))?;
    let library = library(&path, &text)?;
    let settings = optional_json(&folder.join(SETTINGS))?;
    let generation = optional_json(&folder.join(GENERATION))?;
    let template = folder.join(TEMPLATE);
    let chat_template = match std::fs::read_to_string(&template) {
        Ok(source) => Some(source),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => settings.as_ref().and_then(template_of),
        Err(error) => return Err(LoadError::read(&template, error)),
    };
    let ids = library
        .get_vocab(true)
        .into_values()
        .max()
        .map_or(0, |id| id as usize + 1);
    // The embedding may have more rows than the tokenizer has ids, and a stop token among them does no harm.
    let rows = config.and_then(|config| config.get("vocab_size")?.as_u64());
    let rows = rows.unwrap_or(ids as u64);
    let mut ends = end_ids(&folder.join(GENERATION), generation.as_ref(), rows)?;
    ends.extend(end_ids(&folder.join(CONFIG), config, rows)?);
    let policy = policy(&path, &library, settings.as_ref(), ends)?;
    let description = describe(&library);
    let tokenizer = guarded(&path, || {
        Tokenizer::from_library(library, policy, ids, &[&text], description)
    })?;
    let beside = [SETTINGS, GENERATION, TEMPLATE].map(|name| folder.join(name));
    let files = std::iter::once(path)
        .chain(beside.into_iter().filter(|path| path.is_file()))
        .collect();
    Ok(FileTokenizer {
        tokenizer,
        chat_template,
        files,
    })
}

/// The library's tokenizer, with what it would pad or cut off switched off.
fn library(path: &Path, text: &[u8]) -> Result<tokenizers::Tokenizer, LoadError> {
    /// The part in which the library takes JSON that is none for a mistake of its own, and panics.
    #[derive(serde::Deserialize)]
    struct Frame {
        #[serde(rename = "decoder", default)]
        _decoder: Value,
    }
    // What is not named is stepped over, but must be JSON too.
    serde_json::from_slice::<Frame>(text)
        .map_err(|error| LoadError::malformed(path, format!("is no JSON object of a tokenizer: {error}")))?;
    let mut library = guarded(path, || tokenizers::Tokenizer::from_bytes(text))?;
    // A padding that the file asks for may be of any length.
    library.with_padding(None);
    library
        .with_truncation(None)
        .map_err(|error| LoadError::tokenizer(path, error))?;
    Ok(library)
}

/// What the library makes of a file, a panic of its own turned into an error.
///
/// It takes several things for granted that a file may not keep to: that merges are longer than the prefix of
/// continued words, that a table of precompiled characters is one, that a pattern matches whole characters, that ids
/// leave room for more. They lie in private parts of it that cannot be asked beforehand. Nothing it was working on
/// is used again.
fn guarded<T>(path: &Path, work: impl FnOnce() -> tokenizers::Result<T>) -> Result<T, LoadError> {
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    match outcome {
        Ok(made) => made.map_err(|error| LoadError::tokenizer(path, error)),
        Err(_) => Err(LoadError::tokenizer(
            path,
            "its parts do not fit together: the tokenizers library gave up on it",
        )),
    }
}

fn describe(library: &tokenizers::Tokenizer) -> String {
    use tokenizers::ModelWrapper;
    let kind = match library.get_model() {
        ModelWrapper::BPE(model) if model.byte_fallback => "BPE with byte fallback",
        ModelWrapper::BPE(_) => "BPE",
        ModelWrapper::Unigram(_) => "unigram",
        ModelWrapper::WordPiece(_) => "word pieces",
        ModelWrapper::WordLevel(_) => "words",
    };
    format!("{kind}, from {VOCABULARY}")
}

fn optional_json(path: &Path) -> Result<Option<Value>, LoadError> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| LoadError::malformed(path, format!("is no JSON: {error}"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LoadError::read(path, error)),
    }
}

/// The template itself, or of several the one named `default`.
fn template_of(settings: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match settings.get("chat_template")? {
        Value::Array(named) => {
            let default = named
                .iter()
                .find(|entry| entry.get("name").and_then(Value::as_str) == Some("default"))?;
            text(default.get("template")?)
        }
        template => text(template),
    }
}

fn policy(
    path: &Path,
    library: &tokenizers::Tokenizer,
    settings: Option<&Value>,
    ends: Vec<TokenId>,
) -> Result<Policy, LoadError> {
    // A token's name is written plain, or as an object with its flags.
    let named = |key: &str| -> Result<Option<TokenId>, LoadError> {
        let value = settings.and_then(|settings| settings.get(key));
        let Some(name) = value.and_then(|value| value.as_str().or_else(|| value.get("content")?.as_str())) else {
            return Ok(None);
        };
        let id = library.token_to_id(name);
        id.map(Some)
            .ok_or_else(|| LoadError::tokenizer(path, format!("`{key}` is {name:?}, which is no token")))
    };
    let wanted = settings.and_then(|settings| settings.get("add_bos_token")?.as_bool());
    let bos = match wanted {
        Some(false) => None,
        Some(true) => match named("bos_token")? {
            Some(bos) => Some(bos),
            None => {
                return Err(LoadError::tokenizer(
                    path,
                    "`add_bos_token` is true, and there is no `bos_token`",
                ));
            }
        },
        None => prefix(path, library)?,
    };
    let eos = named("eos_token")?;
    let mut stop: Vec<TokenId> = eos.into_iter().collect();
    stop.extend(ends);
    let special = |token: &&&str| library.get_added_vocabulary().is_special_token(token);
    stop.extend(
        END_OF_TURN
            .iter()
            .filter(special)
            .filter_map(|token| library.token_to_id(token)),
    );
    stop.sort_unstable();
    stop.dedup();
    Ok(Policy { bos, eos, stop })
}

/// The ids, or the one id, that a file gives as `eos_token_id`; each must be below `rows`.
fn end_ids(path: &Path, file: Option<&Value>, rows: u64) -> Result<Vec<TokenId>, LoadError> {
    const KEY: &str = "eos_token_id";
    let id = |value: &Value| {
        let id = value.as_u64().filter(|id| *id < rows);
        id.and_then(|id| TokenId::try_from(id).ok()).ok_or_else(|| {
            let what = format!("is {value}, expected a token id below {rows}, or a list of them");
            LoadError::field(path, KEY, what)
        })
    };
    match file.and_then(|file| file.get(KEY)) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(ids)) => ids.iter().map(id).collect(),
        Some(one) => Ok(vec![id(one)?]),
    }
}

/// The token that the post-processor puts first.
fn prefix(path: &Path, library: &tokenizers::Tokenizer) -> Result<Option<TokenId>, LoadError> {
    let encode = |special| guarded(path, || library.encode("a", special));
    let (bare, dressed) = (encode(false)?, encode(true)?);
    let (bare, dressed) = (bare.get_ids(), dressed.get_ids());
    let before = dressed.windows(bare.len().max(1)).position(|window| window == bare);
    match before {
        Some(0) => Ok(None),
        Some(1) => Ok(dressed.first().copied()),
        _ if bare.is_empty() => Ok(None),
        _ => Err(LoadError::tokenizer(
            path,
            format!("puts {dressed:?} for {bare:?}: not one BOS before the text"),
        )),
    }
}
