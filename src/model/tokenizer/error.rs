//! Texts that a tokenizer does not take.

/// A text that cannot be encoded, or ids that cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum TokenizeError {
    /// The vocabulary lacks a byte; other programs drop it without a word.
    #[error("the tokenizer has no token for {character:?} (byte {at} of the text)")]
    Lost {
        /// The character the byte belongs to.
        character: char,
        /// Its place in the text, in bytes.
        at: usize,
    },
    /// The tokenizer's library failed.
    #[error("the tokenizer failed: {0}")]
    Failed(String),
    /// The library gave up on the text.
    #[error("the tokenizer gave up on the text: an expression of its tokenizer.json takes too long on it")]
    GaveUp,
}

impl TokenizeError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Lost { .. } => Some("remove the character, or use a model whose vocabulary has all bytes".to_owned()),
            Self::GaveUp => Some("shorten long runs of one character in the text, or use another model".to_owned()),
            Self::Failed(_) => {
                Some("use another checkpoint of the model, with a tokenizer.json that is whole".to_owned())
            }
        }
    }
}
