//! Where a text may be cut in two without changing its tokens.
//!
//! Encoding a respondent's text again for every candidate would take longer than scoring it. Words are a safe place to
//! cut with the tokenizers in use, which is argued here for each kind of them; any other is said not to be local, and
//! its users encode whole texts.

use serde_json::Value;
use tokenizers::pre_tokenizers::split::SplitPattern;
use tokenizers::{ModelWrapper, PreTokenizerWrapper, SplitDelimiterBehavior};

use super::{TokenSource, Tokenizer, pretokenizers};

/// What SentencePiece vocabularies write for a space.
const SPACE: char = '\u{2581}';

/// Whether a byte may stand before a cut.
fn may_precede(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b',' | b';' | b':' | b'!' | b'?')
}

impl Tokenizer {
    /// The last place of `text` at which [`Tokenizer::cuts_before_words`] allows a cut: the position in bytes of a
    /// space between a letter, digit or full stop (or the like) and a letter, all of ASCII.
    pub(crate) fn last_cut(text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        (1..bytes.len().saturating_sub(1))
            .rev()
            .find(|&at| bytes[at] == b' ' && may_precede(bytes[at - 1]) && bytes[at + 1].is_ascii_alphabetic())
    }

    /// Whether the tokens of a text are those of its part before a [cut](Self::last_cut) and those of its part from
    /// the cut on, one after the other, where a prefix space that the tokenizer puts before every text is counted once.
    ///
    /// True of bytes; of byte-pair models whose expressions are known never to match across such a place, nor to look
    /// behind it; and of those without expressions whose vocabulary has no token across it, so that no merge can cross.
    pub(crate) fn cuts_before_words(&self) -> bool {
        let TokenSource::Library(library) = &self.engine else {
            return true;
        };
        let tokenizer = &library.plain;
        let ModelWrapper::BPE(model) = tokenizer.get_model() else {
            return false;
        };
        // Added tokens are found before anything else; one with a space in it could lie across a cut, one that takes
        // the spaces around it could swallow it.
        let added = tokenizer.get_added_tokens_decoder();
        let harmless = added
            .values()
            .all(|token| !token.lstrip && !token.rstrip && !token.single_word && !token.content.contains([' ', SPACE]));
        let normalizer = tokenizer.get_normalizer().map(serde_json::to_value);
        let normalizes_locally = match normalizer {
            None => true,
            Some(Ok(normalizer)) => is_local_normalizer(&normalizer),
            Some(Err(_)) => false,
        };
        if !harmless || !normalizes_locally || model.dropout.is_some() {
            return false;
        }
        match tokenizer.get_pre_tokenizer() {
            Some(PreTokenizerWrapper::Metaspace(_)) | None => {
                !tokenizer.get_vocab(true).keys().any(|token| crosses_a_word(token))
            }
            Some(steps) => is_local_pre_tokenizer(steps),
        }
    }
}

/// Composition never crosses a space with a letter of ASCII behind it; neither do SentencePiece's replacements.
fn is_local_normalizer(normalizer: &Value) -> bool {
    match normalizer["type"].as_str() {
        Some("NFC") => true,
        Some("Prepend") => normalizer["prepend"] == SPACE.to_string(),
        Some("Replace") => normalizer["pattern"]["String"] == " " && normalizer["content"] == SPACE.to_string(),
        Some("Sequence") => normalizer["normalizers"]
            .as_array()
            .is_some_and(|steps| steps.iter().all(is_local_normalizer)),
        _ => false,
    }
}

/// Every one of the known expressions takes a space only as the first character of a match or among spaces, and none
/// looks behind; so a match begins at every space that follows on a character other than a space.
fn is_local_pre_tokenizer(step: &PreTokenizerWrapper) -> bool {
    match step {
        PreTokenizerWrapper::ByteLevel(_) | PreTokenizerWrapper::Digits(_) => true,
        PreTokenizerWrapper::Split(split) => {
            let known = match &split.pattern {
                SplitPattern::Regex(expression) => pretokenizers::is_known(expression),
                SplitPattern::String(_) => false,
            };
            known && !split.invert && split.behavior == SplitDelimiterBehavior::Isolated
        }
        PreTokenizerWrapper::Sequence(steps) => steps.as_ref().iter().all(is_local_pre_tokenizer),
        _ => false,
    }
}

/// Whether a token has a place inside at which a text may be cut.
fn crosses_a_word(token: &str) -> bool {
    token.match_indices(SPACE).any(|(at, _)| {
        let before = at.checked_sub(1).map(|before| token.as_bytes()[before]);
        before.is_some_and(may_precede)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use tokenizers::models::bpe::{BPE, Vocab};
    use tokenizers::normalizers::{Prepend, Replace, Sequence};

    use super::super::{SpecialTokens, byte_symbol};
    use super::*;

    /// A vocabulary of single symbols and some merges: frequent ones, and ones that would cross a cut if they could.
    fn model(symbols: Vec<String>, merges: &[(&str, &str)], ignore_merges: bool) -> BPE {
        let merged = merges.iter().map(|(a, b)| format!("{a}{b}"));
        let mut vocabulary: HashMap<String, u32> = HashMap::new();
        for token in symbols.into_iter().chain(merged) {
            let id = vocabulary.len() as u32;
            vocabulary.entry(token).or_insert(id);
        }
        let merges = merges.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect();
        BPE::builder()
            .vocab_and_merges(vocabulary.into_iter().collect::<Vocab>(), merges)
            .ignore_merges(ignore_merges)
            .build()
            .expect("a model")
    }

    fn byte_level(name: &str) -> Tokenizer {
        let preset = pretokenizers::find(name).expect("a preset");
        let merges = [
            ("a", "b"),
            ("Ġ", "a"),
            ("Ġa", "b"),
            ("1", "2"),
            (".", "Ġ"),
            ("b", "Ġ"),
            ("'", "s"),
            ("Ġ", "Ġ"),
        ];
        let symbols = (0..=255u8).map(|byte| byte_symbol(byte).to_string()).collect();
        let mut tokenizer = tokenizers::Tokenizer::new(model(symbols, &merges, preset.ignores_merges));
        tokenizer.with_normalizer(preset.normalizer()).expect("a normalizer");
        tokenizer.with_pre_tokenizer(Some(preset.pre_tokenizer().expect("a pre-tokenizer")));
        Tokenizer::from_library(tokenizer, SpecialTokens::default(), 300, &[], name.to_owned()).expect("a tokenizer")
    }

    fn sentence_piece(prefix: bool, merges: &[(&str, &str)]) -> Tokenizer {
        let symbols = " \u{2581}ab12.,'s\nÉ\u{301}e".chars().map(String::from).collect();
        let mut tokenizer = tokenizers::Tokenizer::new(model(symbols, merges, false));
        let mut steps = vec![Replace::new(" ", "\u{2581}").expect("a step").into()];
        if prefix {
            steps.insert(0, Prepend::new("\u{2581}".to_owned()).into());
        }
        tokenizer
            .with_normalizer(Some(Sequence::new(steps)))
            .expect("a normalizer");
        Tokenizer::from_library(tokenizer, SpecialTokens::default(), 300, &[], "pieces".to_owned())
            .expect("a tokenizer")
    }

    fn all() -> Vec<(Tokenizer, bool)> {
        let names = ["gpt-2", "default", "smollm", "llama-bpe", "qwen2", "tekken"];
        let merges = [
            ("a", "b"),
            ("\u{2581}", "a"),
            ("\u{2581}a", "b"),
            ("\u{2581}", "\u{2581}"),
            (".", "\n"),
        ];
        let mut all: Vec<(Tokenizer, bool)> = names.map(|name| (byte_level(name), false)).into();
        all.push((sentence_piece(true, &merges), true));
        all.push((sentence_piece(false, &merges), false));
        all.push((Tokenizer::bytes(), false));
        all
    }

    #[test]
    fn tokens_across_words_and_unknown_expressions_are_found_out() {
        assert!(all().iter().all(|(tokenizer, _)| tokenizer.cuts_before_words()));
        assert!(!sentence_piece(true, &[("b", "\u{2581}")]).cuts_before_words());
        assert_eq!(Tokenizer::last_cut("a b c"), Some(3));
        assert_eq!(Tokenizer::last_cut("a b  c 1"), Some(1));
        assert_eq!(Tokenizer::last_cut("ab a "), Some(2));
        assert_eq!(Tokenizer::last_cut(" a"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]
        /// With every pre-tokenizer of the table, the two parts' tokens are the whole's.
        #[test]
        fn a_cut_does_not_show(text in "([ab12.,'sÉ\u{301}e\n ]|ab| a| ab|\\. ){0,24}") {
            let Some(cut) = Tokenizer::last_cut(&text) else { return Ok(()) };
            for (tokenizer, prefixed) in all() {
                let rest = cut + usize::from(prefixed);
                let parts = [tokenizer.encode(&text[..cut])?, tokenizer.encode(&text[rest..])?].concat();
                prop_assert_eq!(parts, tokenizer.encode(&text)?, "{}", tokenizer.description());
            }
        }
    }
}
