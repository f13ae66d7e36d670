//! Values of GGUF metadata.

use std::collections::HashMap;
use std::path::Path;

use crate::model::LoadError;

/// One value; the file's many widths of numbers are not told apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MetadataValue {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
    String(String),
    Strings(Vec<String>),
    Ints(Vec<i32>),
    Floats(Vec<f32>),
    /// An array of another type, of which only the length was kept.
    OtherArray(usize),
}

impl std::fmt::Display for MetadataValue {
    /// A value as an error quotes it: lists by their length alone.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const LONGEST: usize = 60;
        match self {
            Self::Unsigned(number) => write!(out, "{number}"),
            Self::Signed(number) => write!(out, "{number}"),
            Self::Float(number) => write!(out, "{number}"),
            Self::Bool(flag) => write!(out, "{flag}"),
            Self::String(text) => write!(out, "{:?}", text.chars().take(LONGEST).collect::<String>()),
            Self::Strings(list) => write!(out, "a list of {}", list.len()),
            Self::Ints(list) => write!(out, "a list of {}", list.len()),
            Self::Floats(list) => write!(out, "a list of {}", list.len()),
            Self::OtherArray(length) => write!(out, "a list of {length}"),
        }
    }
}

impl MetadataValue {
    pub(crate) fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::Unsigned(number) => Some(number),
            Self::Signed(number) => u64::try_from(number).ok(),
            _ => None,
        }
    }

    pub(crate) fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::Float(number) => Some(number),
            Self::Unsigned(number) => Some(number as f64),
            Self::Signed(number) => Some(number as f64),
            _ => None,
        }
    }
}

/// Metadata of one file, asked for by key and type.
#[derive(Clone, Copy)]
pub(crate) struct Metadata<'a> {
    pub(crate) path: &'a Path,
    pub(crate) values: &'a HashMap<String, MetadataValue>,
}

impl<'a> Metadata<'a> {
    /// The value read by `read`; an error where it is there and of another type.
    fn optional<T>(
        &self,
        key: &str,
        expected: &str,
        read: impl Fn(&'a MetadataValue) -> Option<T>,
    ) -> Result<Option<T>, LoadError> {
        match self.values.get(key) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(LoadError::field(self.path, key, format!("expected {expected}"))),
            },
        }
    }

    pub(crate) fn size(&self, key: &str) -> Result<Option<usize>, LoadError> {
        self.optional(key, "a whole number that is not negative", |value| {
            usize::try_from(value.as_u64()?).ok()
        })
    }

    pub(crate) fn id(&self, key: &str) -> Result<Option<u32>, LoadError> {
        self.optional(key, "a token id", |value| u32::try_from(value.as_u64()?).ok())
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<f64>, LoadError> {
        self.optional(key, "a number", MetadataValue::as_f64)
    }

    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, LoadError> {
        self.optional(key, "true or false", |value| match value {
            MetadataValue::Bool(flag) => Some(*flag),
            _ => None,
        })
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, LoadError> {
        self.optional(key, "a text", |value| match value {
            MetadataValue::String(text) => Some(text.as_str()),
            _ => None,
        })
    }

    pub(crate) fn texts(&self, key: &str) -> Result<Option<&'a [String]>, LoadError> {
        self.optional(key, "a list of texts", |value| match value {
            MetadataValue::Strings(texts) => Some(texts.as_slice()),
            MetadataValue::OtherArray(0) => Some([].as_slice()),
            _ => None,
        })
    }

    pub(crate) fn ints(&self, key: &str) -> Result<Option<&'a [i32]>, LoadError> {
        self.optional(key, "a list of whole numbers", |value| match value {
            MetadataValue::Ints(ints) => Some(ints.as_slice()),
            _ => None,
        })
    }

    pub(crate) fn floats(&self, key: &str) -> Result<Option<&'a [f32]>, LoadError> {
        self.optional(key, "a list of numbers", |value| match value {
            MetadataValue::Floats(floats) => Some(floats.as_slice()),
            _ => None,
        })
    }

    /// The value, or an error that it is missing.
    pub(crate) fn required<T>(&self, key: &str, value: Result<Option<T>, LoadError>) -> Result<T, LoadError> {
        value?.ok_or_else(|| LoadError::field(self.path, key, "is missing"))
    }
}
