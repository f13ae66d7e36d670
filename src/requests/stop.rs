//! Texts that end a generation, wherever the tokens' borders lie.

use std::sync::Arc;

use crate::model::{Allowed, Constraint, TokenId, Tokenizer};

/// Ends a generation as soon as its text has one of some strings in it; restricts nothing.
pub(super) struct StopStrings {
    tokenizer: Arc<Tokenizer>,
    strings: Arc<[String]>,
    /// A string that was just completed begins at most this many tokens before the end: each token has a byte, and of the
    /// first ones a decoder may make something else than in the whole text.
    tail: usize,
}

/// Tokens that are decoded beside those that a string can have.
const MARGIN: usize = 8;

impl StopStrings {
    /// Ends at any of `strings`.
    pub(super) fn new(tokenizer: Arc<Tokenizer>, strings: Arc<[String]>) -> Self {
        let longest = strings.iter().map(String::len).max().unwrap_or(0);
        Self {
            tokenizer,
            strings,
            tail: longest + MARGIN,
        }
    }
}

impl Constraint for StopStrings {
    fn allowed(&mut self, generated: &[TokenId]) -> Allowed {
        let tail = &generated[generated.len().saturating_sub(self.tail)..];
        // What cannot be decoded has no string in it.
        let text = self.tokenizer.decode(tail).unwrap_or_default();
        match end(&text, &self.strings) {
            Some(_) => Allowed::Done,
            None => Allowed::Any,
        }
    }
}

/// Where the first of some strings begins in a text.
pub(super) fn end(text: &str, strings: &[String]) -> Option<usize> {
    strings.iter().filter_map(|string| text.find(string.as_str())).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_across_tokens_ends_a_text_at_its_first_byte() {
        let strings: Arc<[String]> = ["\nQ:".to_owned(), "äö".to_owned()].into();
        let mut stop = StopStrings::new(Arc::new(Tokenizer::bytes()), Arc::clone(&strings));
        for (text, ends) in [
            ("", false),
            ("A\nQ", false),
            ("A\nQ:", true),
            ("xä", false),
            ("xäö", true),
        ] {
            // Every byte is a token.
            let tokens: Vec<TokenId> = text.bytes().map(TokenId::from).collect();
            assert_eq!(stop.allowed(&tokens) == Allowed::Done, ends, "{text:?}");
        }
        let long = "y".repeat(500) + "äö";
        assert_eq!(
            stop.allowed(&long.bytes().map(TokenId::from).collect::<Vec<_>>()),
            Allowed::Done
        );
        assert_eq!(end("ab äö \nQ:", &strings), Some(3));
        assert_eq!(end("ab", &strings), None);
    }
}
