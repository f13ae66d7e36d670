//! The tokenizer of a checkpoint folder: tokenizer.json and the settings beside it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::read::{LARGEST_SETTINGS, VOCABULARY, optional_json};
use super::settings::TokenizerSettings;
use super::{Tokenizer, absent, added, bounds, guard};
use crate::base::files::read_up_to;
use crate::model::{LoadError, TokenId};

/// The model's own settings, which may name end tokens too.
pub(crate) const CONFIG: &str = "config.json";
/// What ends a generation.
pub(crate) const GENERATION: &str = "generation_config.json";
/// A chat template in a file of its own, which counts more than one in the settings.
pub(crate) const TEMPLATE: &str = "chat_template.jinja";

/// Largest vocabulary in bytes; those in use have up to some 40 MB.
const LARGEST: u64 = 1 << 28;
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
        return Err(absent::error(folder));
    }
    let text = read_up_to(&path, LARGEST).map_err(|source| LoadError::read(&path, source))?;
    let mut library = library(&path, &text)?;
    let settings = TokenizerSettings::read(folder)?;
    let generation = optional_json(&folder.join(GENERATION))?;
    // The embedding may have more rows than the tokenizer has ids, and a stop token among them does no harm.
    let rows = config.and_then(|config| config.get("vocab_size")?.as_u64());
    let mut notes = guard::loading(&path, || added::add(&mut library, &settings, rows))?;
    let ids = ids(&library);
    let rows = rows.unwrap_or(ids as u64);
    let mut ends = end_ids(&folder.join(GENERATION), generation.as_ref(), rows)?;
    ends.extend(end_ids(&folder.join(CONFIG), config, rows)?);
    let leading = leading(&path, &library)?;
    notes.extend(settings.contradiction(leading));
    let special = settings.special_tokens(&path, &library, leading, ends)?;
    let description = describe(&library);
    let added = added::fingerprint(&library);
    let tokenizer = guard::loading(&path, || {
        Tokenizer::from_library(library, special, ids, &[&text, added.as_bytes()], description)
    })?;
    let template = folder.join(TEMPLATE);
    let chat_template = match read_up_to(&template, LARGEST_SETTINGS) {
        Ok(source) => {
            Some(String::from_utf8(source).map_err(|_| LoadError::malformed(&template, "is not UTF-8 text"))?)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => settings.chat_template(),
        Err(error) => return Err(LoadError::read(&template, error)),
    };
    let beside = [GENERATION, TEMPLATE].map(|name| folder.join(name));
    let files = std::iter::once(path)
        .chain(settings.into_files())
        .chain(beside.into_iter().filter(|path| path.is_file()))
        .collect();
    Ok(FileTokenizer {
        tokenizer: tokenizer.with_notes(notes),
        chat_template,
        files,
    })
}

/// One more than the highest id.
fn ids(library: &tokenizers::Tokenizer) -> usize {
    let highest = library.get_vocab(true).into_values().max();
    highest.map_or(0, |id| id as usize + 1)
}

/// The library's tokenizer, with what it would pad or cut off switched off.
fn library(path: &Path, text: &[u8]) -> Result<tokenizers::Tokenizer, LoadError> {
    /// The part in which the library takes JSON that is none for a mistake of its own, and panics.
    #[derive(serde::Deserialize)]
    struct DecoderOnly {
        #[serde(rename = "decoder", default)]
        _decoder: Value,
    }
    // What is not named is stepped over, but must be JSON too.
    serde_json::from_slice::<DecoderOnly>(text).map_err(|error| {
        let what = if error.is_data() {
            "a tokenizer's JSON object"
        } else {
            "JSON"
        };
        LoadError::malformed(path, format!("is not {what}: {error}"))
    })?;
    let mut library = guard::loading(path, || tokenizers::Tokenizer::from_bytes(text))?;
    // A padding that the file asks for may be of any length.
    library.with_padding(None);
    library
        .with_truncation(None)
        .map_err(|error| LoadError::tokenizer(path, error))?;
    bounds::check(&library).map_err(|what| LoadError::tokenizer(path, what))?;
    Ok(library)
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

/// The token that the post-processor puts before every text.
fn leading(path: &Path, library: &tokenizers::Tokenizer) -> Result<Option<TokenId>, LoadError> {
    let encode = |special| guard::loading(path, || library.encode("a", special));
    let (bare, dressed) = (encode(false)?, encode(true)?);
    let (bare, dressed) = (bare.get_ids(), dressed.get_ids());
    let before = dressed.windows(bare.len().max(1)).position(|window| window == bare);
    match before {
        Some(0) => Ok(None),
        Some(1) => Ok(dressed.first().copied()),
        _ if bare.is_empty() && dressed.len() < 2 => Ok(dressed.first().copied()),
        _ => Err(LoadError::tokenizer(
            path,
            format!("puts {dressed:?} for {bare:?}: not one BOS before the text"),
        )),
    }
}
