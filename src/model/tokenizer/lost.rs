//! Characters that a tokenizer would drop from a text without a word.

use tokenizers::normalizers::NormalizerWrapper;
use tokenizers::{
    Model, ModelWrapper, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
    PreTokenizerWrapper, Tokenizer,
};

use super::TokenizeError;

/// How to find out whether a text would lose something. What counts is how text is encoded; a decoder is often wrapped
/// up or not there at all.
pub(super) enum Lost {
    /// Nothing is ever lost: every byte has a token, or an unknown character has one.
    Nothing,
    /// A byte-level vocabulary: these bytes have no symbol.
    Bytes(Box<[bool; 256]>),
    /// A vocabulary of characters, without one for those it does not know: every text has to be looked at.
    Characters,
}

impl Lost {
    pub(super) fn of(tokenizer: &Tokenizer) -> Self {
        // The other kinds of models have a token for what they do not know, or fail.
        let ModelWrapper::BPE(model) = tokenizer.get_model() else {
            return Self::Nothing;
        };
        let byte_level = tokenizer.get_pre_tokenizer().is_some_and(splits_bytes)
            || tokenizer.get_normalizer().is_some_and(normalizes_to_bytes);
        if byte_level {
            return lost_bytes(tokenizer).map_or(Self::Nothing, Self::Bytes);
        }
        let known = |token: &String| tokenizer.get_model().token_to_id(token).is_some();
        let all_bytes = || (0..=255u8).all(|byte| known(&format!("<0x{byte:02X}>")));
        let unknown = model.unk_token.as_ref().is_some_and(known);
        if unknown || (model.byte_fallback && all_bytes()) {
            Self::Nothing
        } else {
            Self::Characters
        }
    }

    /// Fails where the tokens of `text` would not stand for all of it.
    pub(super) fn check(&self, tokenizer: &Tokenizer, text: &str) -> Result<(), TokenizeError> {
        match self {
            Self::Nothing => Ok(()),
            Self::Bytes(lost) => match text.bytes().position(|byte| lost[usize::from(byte)]) {
                None => Ok(()),
                Some(at) => Err(at_character(text, at)),
            },
            Self::Characters => check_characters(tokenizer, text),
        }
    }
}

/// Gives each character of each word to the model alone: one that it has no token for comes back as nothing.
fn check_characters(tokenizer: &Tokenizer, text: &str) -> Result<(), TokenizeError> {
    let failed = super::failed;
    let mut words = PreTokenizedString::from(text);
    if let Some(normalizer) = tokenizer.get_normalizer() {
        words.normalize(|word| normalizer.normalize(word)).map_err(failed)?;
    }
    if let Some(steps) = tokenizer.get_pre_tokenizer() {
        steps.pre_tokenize(&mut words).map_err(failed)?;
    }
    for (word, (start, _), _) in words.get_splits(OffsetReferential::Original, OffsetType::Byte) {
        // A model's tokens of a word are as long as what they stand for.
        let tokens = tokenizer.get_model().tokenize(word).map_err(failed)?;
        let covered: usize = tokens.iter().map(|token| token.offsets.1 - token.offsets.0).sum();
        if covered < word.len() {
            let unknown = word
                .chars()
                .find(|character| tokenizer.get_model().token_to_id(&character.to_string()).is_none());
            let within = unknown.and_then(|character| text.get(start..)?.find(character));
            return Err(at_character(text, start + within.unwrap_or(0)));
        }
    }
    Ok(())
}

/// The error for the character to which the byte at `at` belongs.
fn at_character(text: &str, at: usize) -> TokenizeError {
    let start = text.floor_char_boundary(at);
    TokenizeError::Lost {
        character: text[start..].chars().next().unwrap_or(char::REPLACEMENT_CHARACTER),
        at: start,
    }
}

/// Whether text is turned into the visible characters of its bytes, alone or as one of several steps.
fn splits_bytes(step: &PreTokenizerWrapper) -> bool {
    match step {
        PreTokenizerWrapper::ByteLevel(_) => true,
        PreTokenizerWrapper::Sequence(steps) => steps.as_ref().iter().any(splits_bytes),
        _ => false,
    }
}

fn normalizes_to_bytes(step: &NormalizerWrapper) -> bool {
    match step {
        NormalizerWrapper::ByteLevel(_) => true,
        NormalizerWrapper::Sequence(steps) => steps.as_ref().iter().any(normalizes_to_bytes),
        _ => false,
    }
}

/// Bytes of UTF-8 text that a byte-level vocabulary has no symbol for; `None` where there are none.
fn lost_bytes(tokenizer: &Tokenizer) -> Option<Box<[bool; 256]>> {
    let mut lost = Box::new([false; 256]);
    for byte in 0..=255u8 {
        // These never occur in UTF-8.
        let impossible = matches!(byte, 0xC0 | 0xC1 | 0xF5..);
        let symbol = super::byte_symbol(byte).to_string();
        lost[usize::from(byte)] = !impossible && tokenizer.token_to_id(&symbol).is_none();
    }
    lost.contains(&true).then_some(lost)
}
