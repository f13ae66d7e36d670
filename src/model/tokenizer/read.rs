//! Files of a folder as they are read, and names that several of them share.

use std::path::Path;

use serde_json::Value;

use crate::base::files::read_up_to;
use crate::model::LoadError;

/// The vocabulary and how it is applied.
pub(crate) const VOCABULARY: &str = "tokenizer.json";
/// Largest file of settings in bytes.
pub(crate) const LARGEST_SETTINGS: u64 = 1 << 26;

/// Control tokens that end a turn in the supported families.
pub(super) const END_OF_TURN: [&str; 6] = [
    "<|im_end|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "</s>",
];

/// The JSON of a file; `None` where it is not there.
pub(super) fn optional_json(path: &Path) -> Result<Option<Value>, LoadError> {
    match read_up_to(path, LARGEST_SETTINGS) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| LoadError::malformed(path, format!("is not JSON: {error}"))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LoadError::read(path, error)),
    }
}
