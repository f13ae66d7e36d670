//! Text to token ids and back.
//!
//! [`Tokenizer::encode`] takes nothing in a text for a control token, [`Tokenizer::encode_with_specials`] takes those
//! that are written there for what they are; neither adds any. What a whole text begins with depends on what it is:
//! [`Markup`] says so, and [`Tokenizer::encode_whole`] gives the ids that go to the model.

mod absent;
mod added;
mod bounds;
mod error;
mod expressions;
mod files;
mod gguf;
mod guard;
mod local;
mod lost;
mod pretokenizers;
mod read;
mod sentencepiece;
mod settings;
mod special;

use std::ops::Range;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use super::TokenId;
use crate::base::hex::hex;

use lost::Lost;

pub use error::TokenizeError;
pub(crate) use files::{CONFIG, read_files};
pub(crate) use gguf::read_gguf;
pub(crate) use read::LARGEST_SETTINGS;
pub use special::{Markup, SpecialToken, SpecialTokens};

/// A tokenizer with the model's special tokens.
pub struct Tokenizer {
    engine: TokenSource,
    special: SpecialTokens,
    /// One more than the highest id.
    ids: usize,
    hash: String,
    description: String,
    notes: Vec<String>,
}

enum TokenSource {
    Library(Box<Library>),
    /// Ids 0-255 are bytes.
    Bytes,
}

struct Library {
    /// Control tokens are text like any other.
    plain: tokenizers::Tokenizer,
    /// Control tokens are matched. Made when first needed: it doubles the vocabulary's memory.
    special: OnceLock<tokenizers::Tokenizer>,
    /// What it would drop from a text.
    lost: Lost,
}

/// One token and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The token.
    pub id: TokenId,
    /// Bytes of the text it stands for. Tokens that share one character's bytes all have the whole character; a
    /// token that stands for nothing in the text (a prefix space of its own) has an empty range.
    pub bytes: Range<usize>,
}

/// BOS of [`Tokenizer::bytes`].
pub const BYTES_BOS: TokenId = 256;
/// EOS of [`Tokenizer::bytes`].
pub(crate) const BYTES_EOS: TokenId = 257;

impl Tokenizer {
    /// A tokenizer without a vocabulary file: ids 0-255 are the text's bytes, 256 is BOS, 257 is EOS.
    pub fn bytes() -> Self {
        let token = |id, text: &str| SpecialToken {
            id,
            text: text.to_owned(),
        };
        let special = SpecialTokens {
            bos: Some(token(BYTES_BOS, "<bos>")),
            eos: Some(token(BYTES_EOS, "<eos>")),
            leading: Some(BYTES_BOS),
            stop: vec![BYTES_EOS],
        };
        Self::assemble(TokenSource::Bytes, special, 258, &[b"bytes"], "bytes".to_owned())
    }

    /// Wraps a library tokenizer, whose own additions (post-processor, padding, truncation) are taken off.
    ///
    /// `sources` are the bytes it was made from: they make its hash, together with the special tokens.
    fn from_library(
        mut tokenizer: tokenizers::Tokenizer,
        special: SpecialTokens,
        ids: usize,
        sources: &[&[u8]],
        description: String,
    ) -> tokenizers::Result<Self> {
        tokenizer.with_post_processor(None::<tokenizers::PostProcessorWrapper>);
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None)?;
        tokenizer.set_encode_special_tokens(true);
        let lost = Lost::of(&tokenizer);
        let library = Library {
            plain: tokenizer,
            special: OnceLock::new(),
            lost,
        };
        Ok(Self::assemble(
            TokenSource::Library(Box::new(library)),
            special,
            ids,
            sources,
            description,
        ))
    }

    fn assemble(
        engine: TokenSource,
        special: SpecialTokens,
        ids: usize,
        sources: &[&[u8]],
        description: String,
    ) -> Self {
        let mut hash = Sha256::new();
        for source in sources {
            hash.update((source.len() as u64).to_le_bytes());
            hash.update(source);
        }
        hash.update(format!("{special:?}"));
        Self {
            engine,
            special,
            ids,
            hash: hex(&hash.finalize()),
            description,
            notes: Vec::new(),
        }
    }

    /// The same with what the user should know about how it was read.
    fn with_notes(self, notes: Vec<String>) -> Self {
        Self { notes, ..self }
    }

    /// Ids of a text in which nothing is a control token. No token is added.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, TokenizeError> {
        match &self.engine {
            TokenSource::Bytes => Ok(text.bytes().map(TokenId::from).collect()),
            TokenSource::Library(library) => {
                let encoding = library.run(text, |library| library.plain.encode_fast(text, false))?;
                Ok(encoding.get_ids().to_vec())
            }
        }
    }

    /// Like [`encode`](Self::encode), with the bytes of the text that each token stands for.
    pub fn encode_with_spans(&self, text: &str) -> Result<Vec<Span>, TokenizeError> {
        match &self.engine {
            TokenSource::Bytes => {
                let span = |(at, byte)| Span {
                    id: TokenId::from(byte),
                    bytes: at..at + 1,
                };
                Ok(text.bytes().enumerate().map(span).collect())
            }
            TokenSource::Library(library) => {
                let encoding = library.run(text, |library| library.plain.encode(text, false))?;
                Ok(spans(&encoding, text))
            }
        }
    }

    /// Ids of a text in which control tokens are control tokens. No token is added.
    pub fn encode_with_specials(&self, text: &str) -> Result<Vec<TokenId>, TokenizeError> {
        let TokenSource::Library(library) = &self.engine else {
            return self.encode(text);
        };
        let encoding = library.run(text, |library| library.special().encode_fast(text, false))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Like [`encode_with_specials`](Self::encode_with_specials), with the bytes of the text that each token stands for.
    pub(crate) fn encode_with_specials_and_spans(&self, text: &str) -> Result<Vec<Span>, TokenizeError> {
        let TokenSource::Library(library) = &self.engine else {
            return self.encode_with_spans(text);
        };
        let encoding = library.run(text, |library| library.special().encode(text, false))?;
        Ok(spans(&encoding, text))
    }

    /// The ids that a whole text goes to the model with, its first token included: what transformers gives for
    /// `tokenizer(text)`, or for a chat for `apply_chat_template(..., tokenize=True)`.
    pub fn encode_whole(&self, text: &str, markup: Markup) -> Result<Vec<TokenId>, TokenizeError> {
        let mut ids = match markup {
            Markup::Text => self.encode(text),
            Markup::Control | Markup::Chat => self.encode_with_specials(text),
        }?;
        if let Some(first) = self.first_token(markup, ids.first().copied()) {
            ids.insert(0, first);
        }
        Ok(ids)
    }

    /// The token to be put before a text that begins with `first`: the one that the tokenizer puts before every text,
    /// but never a second one, and none before a chat, whose template writes what it wants.
    pub(crate) fn first_token(&self, markup: Markup, first: Option<TokenId>) -> Option<TokenId> {
        match markup {
            Markup::Text => self.special.leading,
            Markup::Control => self.special.leading.filter(|leading| first != Some(*leading)),
            Markup::Chat => None,
        }
    }

    /// The text of some ids, control tokens written out, broken characters replaced by U+FFFD.
    pub fn decode(&self, ids: &[TokenId]) -> Result<String, TokenizeError> {
        match &self.engine {
            TokenSource::Library(library) => guard::guarded(|| library.plain.decode(ids, false)).map_err(gave_up),
            TokenSource::Bytes => {
                let bytes: Vec<u8> = ids.iter().filter_map(|&id| u8::try_from(id).ok()).collect();
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
        }
    }

    /// A token as its vocabulary writes it; `None` for an id that has none.
    pub fn token(&self, id: TokenId) -> Option<String> {
        match &self.engine {
            TokenSource::Library(library) => library.plain.id_to_token(id),
            TokenSource::Bytes => match id {
                BYTES_BOS => Some("<bos>".to_owned()),
                BYTES_EOS => Some("<eos>".to_owned()),
                _ => u8::try_from(id)
                    .ok()
                    .map(|byte| std::ascii::escape_default(byte).to_string()),
            },
        }
    }

    /// The id of a token as its vocabulary writes it, control tokens included.
    pub fn id(&self, token: &str) -> Option<TokenId> {
        match &self.engine {
            TokenSource::Library(library) => library.plain.token_to_id(token),
            TokenSource::Bytes => None,
        }
    }

    /// The tokens that have a role, whether or not any text gets them.
    pub fn special_tokens(&self) -> &SpecialTokens {
        &self.special
    }

    /// All tokens that end an answer, sorted.
    pub fn stop_tokens(&self) -> &[TokenId] {
        &self.special.stop
    }

    /// One more than the highest id. A model's embedding may have more rows than that, never fewer.
    pub fn vocabulary(&self) -> usize {
        self.ids
    }

    /// Lower-case hexadecimal sha256 of all that the tokenizer was made from, special tokens included.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What kind it is and where it was read from, for people.
    pub(crate) fn description(&self) -> &str {
        &self.description
    }

    /// Says where a rendered chat lacks the token that the tokenizer puts before every other text.
    pub(crate) fn chat_note(&self, rendered: &str) -> Option<String> {
        let leading = self.token(self.special.leading?)?;
        (!rendered.starts_with(&leading)).then(|| {
            format!(
                "chats begin without {leading}, which this tokenizer puts before every other text: the chat template \
                 does not write it, and transformers adds none"
            )
        })
    }

    /// What the user should know about how it was read.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Bytes that can occur in text and for which the vocabulary has no token.
    pub fn missing_bytes(&self) -> Vec<u8> {
        match &self.engine {
            TokenSource::Bytes => Vec::new(),
            TokenSource::Library(library) => match &library.lost {
                Lost::Nothing | Lost::Characters => Vec::new(),
                Lost::Bytes(lost) => (0..=255).filter(|&byte| lost[usize::from(byte)]).collect(),
            },
        }
    }
}

impl Tokenizer {
    /// Makes now what the first text would have made: so that it is there when memory is shared out.
    pub(crate) fn ready(&self) {
        if let TokenSource::Library(library) = &self.engine {
            library.special();
        }
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tokenizer")
            .field("description", &self.description)
            .field("ids", &self.ids)
            .field("special", &self.special)
            .finish_non_exhaustive()
    }
}

impl Library {
    /// The tokenizer that matches control tokens.
    fn special(&self) -> &tokenizers::Tokenizer {
        self.special.get_or_init(|| {
            let mut copy = self.plain.clone();
            copy.set_encode_special_tokens(false);
            copy
        })
    }

    /// What the library makes of a text of which nothing would be lost.
    fn run(
        &self,
        text: &str,
        encode: impl FnOnce(&Self) -> tokenizers::Result<tokenizers::Encoding>,
    ) -> Result<tokenizers::Encoding, TokenizeError> {
        let checked = guard::guarded(|| Ok(self.lost.check(&self.plain, text))).map_err(gave_up)?;
        checked?;
        guard::guarded(|| encode(self)).map_err(gave_up)
    }
}

/// The tokens of `text`, no byte of which is left out: what a normalizer took away or put together (a combining accent,
/// say) belongs to the token before it.
fn spans(encoding: &tokenizers::Encoding, text: &str) -> Vec<Span> {
    let offsets = encoding.get_offsets();
    let next = offsets.iter().skip(1).map(|&(start, _)| start).chain([text.len()]);
    let tokens = encoding.get_ids().iter().zip(offsets).zip(next);
    tokens
        .map(|((&id, &(start, end)), next)| Span {
            id,
            bytes: start..end.max(next),
        })
        .collect()
}

fn failed(error: tokenizers::Error) -> TokenizeError {
    TokenizeError::Failed(error.to_string())
}

fn gave_up(error: Option<tokenizers::Error>) -> TokenizeError {
    error.map_or(TokenizeError::GaveUp, failed)
}

/// The visible character that byte-level vocabularies write for a byte: itself where it is printable Latin-1,
/// otherwise the next free character from U+0100 on, in the order of the bytes.
fn byte_symbol(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|&other| !printable(other)).count();
    u32::try_from(before)
        .ok()
        .and_then(|before| char::from_u32(0x100 + before))
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}
