//! One line of the input.

use serde_json::{Map, Value};

use super::RequestError;
use crate::model::TokenId;

/// One line of the input.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Where it stands, for messages: `FILE:NUMBER`.
    pub place: String,
    /// Its number, from 1.
    pub number: u64,
    /// The line without white space around it.
    pub text: String,
    /// What it says, or why it is no object.
    pub content: Result<Map<String, Value>, String>,
}

impl Line {
    /// What the line says.
    ///
    /// # Errors
    /// Where it is no object.
    pub(crate) fn fields(&self) -> Result<&Map<String, Value>, RequestError> {
        self.content.as_ref().map_err(|fault| self.bad(fault.as_str()))
    }

    /// A field, absent where it is not there.
    ///
    /// # Errors
    /// Where the line is no object.
    pub(super) fn field(&self, name: &str) -> Result<Option<&Value>, RequestError> {
        Ok(self.fields()?.get(name))
    }

    /// A field that must be a text.
    ///
    /// # Errors
    /// Where it is missing or something else.
    pub(crate) fn text_field(&self, name: &str) -> Result<&str, RequestError> {
        match self.field(name)? {
            Some(Value::String(text)) => Ok(text),
            Some(other) => {
                // Other programs take ids under the same keys.
                let ids = match (other, name) {
                    (Value::Array(_), "context" | "continuation") => format!(" (token ids are `{name}_token_ids`)"),
                    (Value::Array(_), "text") => " (token ids are `token_ids`)".to_owned(),
                    _ => String::new(),
                };
                Err(self.bad(format!("`{name}` is {}, expected a text{ids}", kind(other))))
            }
            None => Err(self.bad(format!("`{name}` is missing"))),
        }
    }

    /// A field that must be a list of token ids below `vocabulary`.
    ///
    /// # Errors
    /// Where it is missing or something else.
    pub(super) fn ids_field(&self, name: &str, vocabulary: usize) -> Result<Vec<TokenId>, RequestError> {
        let ids = match self.field(name)? {
            Some(Value::Array(ids)) => ids,
            Some(other) => return Err(self.bad(format!("`{name}` is {}, expected a list of token ids", kind(other)))),
            None => return Err(self.bad(format!("`{name}` is missing"))),
        };
        let id = |value: &Value| {
            let id = value.as_u64().filter(|&id| id < vocabulary as u64);
            id.and_then(|id| TokenId::try_from(id).ok())
                .ok_or_else(|| self.bad(format!("`{name}` has {value}, expected token ids below {vocabulary}")))
        };
        ids.iter().map(id).collect()
    }

    /// An error about this line.
    pub(crate) fn bad(&self, problem: impl Into<String>) -> RequestError {
        RequestError::Line {
            place: self.place.clone(),
            problem: problem.into(),
        }
    }
}

/// What a JSON value is, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
