//! Text to token ids and back.
//!
//! Text of surveys and of users is encoded by [`Tokenizer::encode`], in which nothing that looks like a control token
//! becomes one. Rendered chat templates, whose control tokens are meant, go through [`Tokenizer::encode_with_specials`].
//! Neither adds tokens of its own: the one BOS that some models want belongs to the root of the token tree.

mod files;
mod gguf;
mod local;
mod lost;
mod pretokenizers;
mod sentencepiece;

use std::ops::Range;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use super::TokenId;
use crate::base::hex::hex;

use lost::Lost;

pub(crate) use files::{CONFIG, VOCABULARY, read_files};
pub(crate) use gguf::read_gguf;

/// A tokenizer with the model's policy on BOS and on what ends an answer.
pub struct Tokenizer {
    engine: Engine,
    policy: Policy,
    /// One more than the highest id.
    ids: usize,
    hash: String,
    description: String,
}

enum Engine {
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

/// What a model wants at the beginning and gives at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The token every text starts with, where the model was trained so.
    pub bos: Option<TokenId>,
    /// The tokenizer's own end of text.
    pub eos: Option<TokenId>,
    /// All tokens that end an answer: end of text, end of turn, and what the generation settings add. Sorted.
    pub stop: Vec<TokenId>,
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
}

impl TokenizeError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Lost { .. } => Some("remove the character, or use a model whose vocabulary has all bytes".to_owned()),
            Self::Failed(_) => None,
        }
    }
}

/// BOS of [`Tokenizer::bytes`].
pub const BYTES_BOS: TokenId = 256;
/// EOS of [`Tokenizer::bytes`].
pub const BYTES_EOS: TokenId = 257;

impl Tokenizer {
    /// A tokenizer without a vocabulary file: ids 0-255 are the text's bytes, 256 is BOS, 257 is EOS.
    pub fn bytes() -> Self {
        let policy = Policy {
            bos: Some(BYTES_BOS),
            eos: Some(BYTES_EOS),
            stop: vec![BYTES_EOS],
        };
        Self::assemble(Engine::Bytes, policy, 258, &[b"bytes"], "bytes".to_owned())
    }

    /// Wraps a library tokenizer, whose own additions (post-processor, padding, truncation) are taken off.
    ///
    /// `sources` are the bytes it was made from: they make its hash, together with the policy.
    fn from_library(
        mut tokenizer: tokenizers::Tokenizer,
        policy: Policy,
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
            Engine::Library(Box::new(library)),
            policy,
            ids,
            sources,
            description,
        ))
    }

    fn assemble(engine: Engine, policy: Policy, ids: usize, sources: &[&[u8]], description: String) -> Self {
        let mut hash = Sha256::new();
        for source in sources {
            hash.update((source.len() as u64).to_le_bytes());
            hash.update(source);
        }
        hash.update(format!("{policy:?}"));
        Self {
            engine,
            policy,
            ids,
            hash: hex(&hash.finalize()),
            description,
        }
    }

    /// Ids of a text in which nothing is a control token. No token is added.
    pub fn encode(&self, text: &str) -> Result<Vec<TokenId>, TokenizeError> {
        match &self.engine {
            Engine::Bytes => Ok(text.bytes().map(TokenId::from).collect()),
            Engine::Library(library) => {
                library.check(text)?;
                let encoding = library.plain.encode_fast(text, false).map_err(failed)?;
                Ok(encoding.get_ids().to_vec())
            }
        }
    }

    /// Like [`encode`](Self::encode), with the bytes of the text that each token stands for.
    pub fn encode_with_spans(&self, text: &str) -> Result<Vec<Span>, TokenizeError> {
        match &self.engine {
            Engine::Bytes => {
                let span = |(at, byte)| Span {
                    id: TokenId::from(byte),
                    bytes: at..at + 1,
                };
                Ok(text.bytes().enumerate().map(span).collect())
            }
            Engine::Library(library) => {
                library.check(text)?;
                let encoding = library.plain.encode(text, false).map_err(failed)?;
                Ok(spans(&encoding, text))
            }
        }
    }

    /// Ids of a rendered chat template, in which control tokens are control tokens.
    ///
    /// A BOS at its beginning is left out where the policy has one, because the root of the tree holds it already.
    pub fn encode_with_specials(&self, text: &str) -> Result<Vec<TokenId>, TokenizeError> {
        let Engine::Library(library) = &self.engine else {
            return self.encode(text);
        };
        library.check(text)?;
        let encoding = library.special().encode_fast(text, false).map_err(failed)?;
        let ids = encoding.get_ids();
        Ok(ids[self.leading_bos(ids)..].to_vec())
    }

    /// Like [`encode_with_specials`](Self::encode_with_specials), with the bytes of the text that each token stands for.
    pub fn encode_with_specials_and_spans(&self, text: &str) -> Result<Vec<Span>, TokenizeError> {
        let Engine::Library(library) = &self.engine else {
            return self.encode_with_spans(text);
        };
        library.check(text)?;
        let encoding = library.special().encode(text, false).map_err(failed)?;
        let mut spans = spans(&encoding, text);
        spans.drain(..self.leading_bos(encoding.get_ids()));
        Ok(spans)
    }

    /// How many tokens of a rendered template the root of the tree holds already.
    fn leading_bos(&self, ids: &[TokenId]) -> usize {
        usize::from(self.policy.bos.is_some() && ids.first().copied() == self.policy.bos)
    }

    /// The text of some ids, control tokens written out, broken characters replaced by U+FFFD.
    pub fn decode(&self, ids: &[TokenId]) -> Result<String, TokenizeError> {
        match &self.engine {
            Engine::Library(library) => library.plain.decode(ids, false).map_err(failed),
            Engine::Bytes => {
                let bytes: Vec<u8> = ids.iter().filter_map(|&id| u8::try_from(id).ok()).collect();
                Ok(String::from_utf8_lossy(&bytes).into_owned())
            }
        }
    }

    /// A token as its vocabulary writes it; `None` for an id that has none.
    pub fn token(&self, id: TokenId) -> Option<String> {
        match &self.engine {
            Engine::Library(library) => library.plain.id_to_token(id),
            Engine::Bytes => match id {
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
            Engine::Library(library) => library.plain.token_to_id(token),
            Engine::Bytes => None,
        }
    }

    /// The token every text starts with, where the model was trained so.
    pub fn bos(&self) -> Option<TokenId> {
        self.policy.bos
    }

    /// The tokenizer's end of text.
    pub fn eos(&self) -> Option<TokenId> {
        self.policy.eos
    }

    /// All tokens that end an answer, sorted.
    pub fn stop_tokens(&self) -> &[TokenId] {
        &self.policy.stop
    }

    /// One more than the highest id. A model's embedding may have more rows than that, never fewer.
    pub fn vocabulary(&self) -> usize {
        self.ids
    }

    /// Lower-case hexadecimal sha256 of all that the tokenizer was made from, the policy included.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What kind it is and where it was read from, for people.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Bytes that can occur in text and for which the vocabulary has no token.
    pub fn missing_bytes(&self) -> Vec<u8> {
        match &self.engine {
            Engine::Bytes => Vec::new(),
            Engine::Library(library) => match &library.lost {
                Lost::Nothing | Lost::Characters => Vec::new(),
                Lost::Bytes(lost) => (0..=255).filter(|&byte| lost[usize::from(byte)]).collect(),
            },
        }
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tokenizer")
            .field("description", &self.description)
            .field("ids", &self.ids)
            .field("policy", &self.policy)
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

    fn check(&self, text: &str) -> Result<(), TokenizeError> {
        self.lost.check(&self.plain, text)
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
