//! What the files beside tokenizer.json say: which tokens have a role, which are added, and the chat template.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tokenizers::AddedToken;

use super::read::{END_OF_TURN, optional_json};
use super::{SpecialToken, SpecialTokens};
use crate::model::{LoadError, TokenId};

/// The tokenizer's settings.
pub(super) const SETTINGS: &str = "tokenizer_config.json";
/// Texts of special tokens, in older checkpoints.
const MAP: &str = "special_tokens_map.json";
/// Ids of added tokens, in older checkpoints.
const ADDED: &str = "added_tokens.json";
/// The key that says that the settings know all added tokens themselves.
const DECODER: &str = "added_tokens_decoder";

/// The settings of a folder as transformers puts them together: where tokenizer_config.json lists the added tokens
/// (`added_tokens_decoder`) it stands alone; else what special_tokens_map.json says counts more, and added_tokens.json
/// lists them.
pub(super) struct TokenizerSettings {
    values: Map<String, Value>,
    /// Tokens to be added, with the ids that are claimed for them; by id.
    pub(super) declared: Vec<(TokenId, AddedToken)>,
    files: Vec<PathBuf>,
}

impl TokenizerSettings {
    pub(super) fn read(folder: &Path) -> Result<Self, LoadError> {
        let mut files = Vec::new();
        let mut read = |name: &str| -> Result<Map<String, Value>, LoadError> {
            let path = folder.join(name);
            match optional_json(&path)? {
                Some(Value::Object(values)) => {
                    files.push(path);
                    Ok(values)
                }
                Some(_) => Err(LoadError::malformed(&path, "is not a JSON object")),
                None => Ok(Map::new()),
            }
        };
        let mut values = read(SETTINGS)?;
        let mut declared = match values.get(DECODER) {
            Some(listed) => decoder(&folder.join(SETTINGS), listed)?,
            None => {
                values.extend(read(MAP)?);
                let ids = read(ADDED)?;
                legacy(&folder.join(ADDED), &ids, &named(&values))?
            }
        };
        declared.sort_by_key(|(id, _)| *id);
        Ok(Self {
            values,
            declared,
            files,
        })
    }

    /// Every token that a setting gives a role, as it is to be added where the vocabulary does not have it so.
    pub(super) fn named(&self) -> Vec<AddedToken> {
        named(&self.values)
    }

    /// Which tokens have a role. `leading` is the token that the post-processor puts first, `ends` what ends an answer
    /// besides.
    pub(super) fn special_tokens(
        &self,
        path: &Path,
        library: &tokenizers::Tokenizer,
        leading: Option<TokenId>,
        ends: Vec<TokenId>,
    ) -> Result<SpecialTokens, LoadError> {
        let token = |key: &str| -> Result<Option<SpecialToken>, LoadError> {
            let Some(text) = self.values.get(key).and_then(content) else {
                return Ok(None);
            };
            let none = || LoadError::tokenizer(path, format!("`{key}` is {text:?}, which is not a token"));
            let id = library.token_to_id(text).ok_or_else(none)?;
            let text = text.to_owned();
            Ok(Some(SpecialToken { id, text }))
        };
        let (bos, eos) = (token("bos_token")?, token("eos_token")?);
        let mut stop: Vec<TokenId> = eos.iter().map(|token| token.id).collect();
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
        Ok(SpecialTokens {
            bos,
            eos,
            leading,
            stop,
        })
    }

    /// Says where `add_bos_token` and the post-processor of tokenizer.json, which counts, want different things.
    pub(super) fn contradiction(&self, leading: Option<TokenId>) -> Option<String> {
        let wanted = self.values.get("add_bos_token")?.as_bool()?;
        match (wanted, leading) {
            (true, None) => Some(format!(
                "{SETTINGS} has `add_bos_token: true`, and tokenizer.json puts no token before a text: none is put there, \
                 as in transformers 5"
            )),
            (false, Some(_)) => Some(format!(
                "{SETTINGS} has `add_bos_token: false`, and tokenizer.json puts a token before every text: it is put \
                 there, as in transformers 5"
            )),
            _ => None,
        }
    }

    /// The template itself, or of several the one named `default`.
    pub(super) fn chat_template(&self) -> Option<String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match self.values.get("chat_template")? {
            Value::Array(named) => {
                let default = named
                    .iter()
                    .find(|entry| entry.get("name").and_then(Value::as_str) == Some("default"))?;
                text(default.get("template")?)
            }
            template => text(template),
        }
    }

    /// The files that were there.
    pub(super) fn into_files(self) -> Vec<PathBuf> {
        self.files
    }
}

/// A token's text, written plain or as an object with its flags.
fn content(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| value.get("content")?.as_str())
}

/// A token as a setting writes it. One written plain is special, and found in text as it is.
fn token(value: &Value) -> Option<AddedToken> {
    let text = content(value)?;
    let flag = |key: &str| value.get(key).and_then(Value::as_bool);
    let special = flag("special").unwrap_or(value.is_string());
    Some(AddedToken {
        content: text.to_owned(),
        single_word: flag("single_word").unwrap_or(false),
        lstrip: flag("lstrip").unwrap_or(false),
        rstrip: flag("rstrip").unwrap_or(false),
        normalized: flag("normalized").unwrap_or(!special),
        special,
    })
}

/// Tokens with a role: the values of `..._token`, and the lists of further ones.
fn named(values: &Map<String, Value>) -> Vec<AddedToken> {
    let roles = values.iter().filter(|(key, _)| key.ends_with("_token"));
    let lists = ["extra_special_tokens", "additional_special_tokens"];
    let further = lists
        .iter()
        .filter_map(|key| values.get(*key))
        .flat_map(|list| match list {
            Value::Array(list) => list.iter().collect::<Vec<_>>(),
            Value::Object(list) => list.values().collect(),
            _ => Vec::new(),
        });
    roles
        .map(|(_, value)| value)
        .chain(further)
        .filter_map(token)
        .filter(|token| !token.content.is_empty())
        .collect()
}

/// The tokens of `added_tokens_decoder`: flags by id.
fn decoder(path: &Path, listed: &Value) -> Result<Vec<(TokenId, AddedToken)>, LoadError> {
    let wrong = |what: String| LoadError::field(path, DECODER, what);
    let Value::Object(listed) = listed else {
        return Err(wrong("is not an object of tokens by id".to_owned()));
    };
    let entry = |(id, value): (&String, &Value)| {
        let id = id.parse().map_err(|_| wrong(format!("has the id {id:?}")))?;
        let token = value.is_object().then(|| token(value)).flatten();
        let token = token.ok_or_else(|| wrong(format!("has no token with a `content` for the id {id}")))?;
        Ok((id, token))
    };
    listed.iter().map(entry).collect()
}

/// The tokens of added_tokens.json: ids by text. Those that have a role are special.
fn legacy(
    path: &Path,
    ids: &Map<String, Value>,
    named: &[AddedToken],
) -> Result<Vec<(TokenId, AddedToken)>, LoadError> {
    let entry = |(text, id): (&String, &Value)| {
        let id = id.as_u64().and_then(|id| TokenId::try_from(id).ok());
        let id = id.ok_or_else(|| LoadError::field(path, text, "has no token id"))?;
        let special = named.iter().any(|token| token.content == *text);
        Ok((id, AddedToken::from(text.as_str(), special)))
    };
    ids.iter().map(entry).collect()
}
