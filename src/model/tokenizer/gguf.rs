//! The tokenizer of a GGUF file, rebuilt from its metadata.

use std::path::Path;

use tokenizers::decoders::byte_fallback::ByteFallback;
use tokenizers::decoders::fuse::Fuse;
use tokenizers::decoders::sequence::Sequence as Decoders;
use tokenizers::decoders::strip::Strip;
use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::normalizers::{Prepend, Replace, Sequence as Normalizers};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, NormalizerWrapper};

use super::pretokenizers::{self, Preset};
use super::read::END_OF_TURN;
use super::{SpecialToken, SpecialTokens, Tokenizer, sentencepiece};
use crate::model::gguf::value::Metadata;
use crate::model::{LoadError, TokenId};

/// Longest token in bytes. Real ones stay below 300; finding all parts of one takes time by the square of it.
const LONGEST_TOKEN: usize = 1 << 10;
/// What SentencePiece writes for a space.
const SPACE: &str = "\u{2581}";

/// Numbers of `tokenizer.ggml.token_type`.
mod kind {
    pub(super) const NORMAL: i32 = 1;
    pub(super) const UNKNOWN: i32 = 2;
    pub(super) const CONTROL: i32 = 3;
    pub(super) const USER_DEFINED: i32 = 4;
    pub(super) const UNUSED: i32 = 5;
    pub(super) const BYTE: i32 = 6;
}

/// Rebuilds the tokenizer; fails where anything about it is unknown.
pub(crate) fn read_gguf(metadata: Metadata<'_>) -> Result<Tokenizer, LoadError> {
    let key = "tokenizer.ggml.model";
    let model = metadata.required(key, metadata.text(key))?;
    let vocabulary = Vocabulary::read(metadata)?;
    let (mut tokenizer, bos_by_default, description) = match model {
        "gpt2" => {
            let key = "tokenizer.ggml.pre";
            let name = metadata.required(key, metadata.text(key))?;
            let preset = pretokenizers::find(name).ok_or_else(|| LoadError::PreTokenizer {
                path: metadata.path.to_owned(),
                name: name.to_owned(),
                known: pretokenizers::names(),
            })?;
            let description = format!("byte-level BPE, pre-tokenizer `{name}`, from GGUF metadata");
            (
                byte_level(metadata, &vocabulary, preset)?,
                preset.bos_by_default,
                description,
            )
        }
        "llama" => {
            let description = "SentencePiece BPE with byte fallback, from GGUF metadata".to_owned();
            (with_scores(metadata, &vocabulary)?, true, description)
        }
        other => {
            let what = format!("is `{other}`; `gpt2` (byte-level BPE) and `llama` (SentencePiece) are supported");
            return Err(LoadError::field(metadata.path, key, what));
        }
    };
    let special = special_tokens(metadata, &vocabulary, bos_by_default)?;
    // A file that does not say what its tokens are names these all the same.
    let roles = [&special.bos, &special.eos].into_iter().flatten();
    let roles = roles.filter(|token| !token.text.is_empty());
    let roles = roles.map(|token| AddedToken::from(token.text.as_str(), true).normalized(false));
    tokenizer
        .add_tokens(roles)
        .map_err(|error| LoadError::tokenizer(metadata.path, error))?;
    let sources = sources(metadata, &vocabulary, model);
    let sources: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
    Tokenizer::from_library(tokenizer, special, vocabulary.tokens.len(), &sources, description)
        .map_err(|error| LoadError::tokenizer(metadata.path, error))
}

struct Vocabulary<'a> {
    path: &'a Path,
    tokens: &'a [String],
    kinds: Vec<i32>,
}

impl<'a> Vocabulary<'a> {
    fn read(metadata: Metadata<'a>) -> Result<Self, LoadError> {
        let key = "tokenizer.ggml.tokens";
        let tokens = metadata.required(key, metadata.texts(key))?;
        let refuse = |what: String| Err(LoadError::field(metadata.path, key, what));
        if tokens.is_empty() || u32::try_from(tokens.len()).is_err() {
            return refuse(format!("has {} tokens", tokens.len()));
        }
        if let Some(id) = tokens.iter().position(|token| token.len() > LONGEST_TOKEN) {
            return refuse(format!("token {id} is longer than {LONGEST_TOKEN} bytes"));
        }
        let key = "tokenizer.ggml.token_type";
        let kinds = match metadata.ints(key)? {
            Some(kinds) if kinds.len() == tokens.len() => kinds.to_vec(),
            Some(kinds) => {
                let what = format!("has {} values for {} tokens", kinds.len(), tokens.len());
                return Err(LoadError::field(metadata.path, key, what));
            }
            None => vec![kind::NORMAL; tokens.len()],
        };
        if let Some(id) = kinds
            .iter()
            .position(|kind| !(kind::NORMAL..=kind::BYTE).contains(kind))
        {
            let what = format!("token {id} has the type {}, expected 1 to 6", kinds[id]);
            return Err(LoadError::field(metadata.path, key, what));
        }
        Ok(Self {
            path: metadata.path,
            tokens,
            kinds,
        })
    }

    /// Tokens with their ids, those left out that no text may give.
    fn usable(&self) -> Vocab {
        let numbered = (0..).zip(self.tokens).zip(&self.kinds);
        numbered
            .filter(|(_, kind)| **kind != kind::UNUSED)
            .map(|((id, token), _)| (token.clone(), id))
            .collect()
    }

    /// Puts the tokens that are found in text before anything else into the tokenizer.
    fn add_to(&self, tokenizer: &mut tokenizers::Tokenizer) -> Result<(), LoadError> {
        let added = self
            .tokens
            .iter()
            .zip(&self.kinds)
            .filter_map(|(token, kind)| match *kind {
                // An empty one would be found everywhere.
                _ if token.is_empty() => None,
                kind::CONTROL | kind::UNKNOWN => Some(AddedToken::from(token.as_str(), true).normalized(false)),
                kind::USER_DEFINED => Some(AddedToken::from(token.as_str(), false).normalized(false)),
                _ => None,
            });
        // The tokens' own flag says which are special; the call's name only sets it for all.
        tokenizer
            .add_tokens(added)
            .map(drop)
            .map_err(|error| LoadError::tokenizer(self.path, error))
    }

    fn id(&self, token: &str) -> Option<TokenId> {
        let at = self.tokens.iter().position(|other| other == token)?;
        TokenId::try_from(at).ok()
    }
}

fn byte_level(
    metadata: Metadata<'_>,
    vocabulary: &Vocabulary<'_>,
    preset: Preset,
) -> Result<tokenizers::Tokenizer, LoadError> {
    let key = "tokenizer.ggml.merges";
    let lines = metadata.required(key, metadata.texts(key))?;
    let mut merges = Merges::with_capacity(lines.len());
    for (number, line) in lines.iter().enumerate() {
        let Some((left, right)) = line
            .split_once(' ')
            .filter(|(left, right)| !left.is_empty() && !right.is_empty())
        else {
            return Err(LoadError::field(
                metadata.path,
                key,
                format!("merge {number} is {line:?}, expected two parts"),
            ));
        };
        merges.push((left.to_owned(), right.to_owned()));
    }
    let refuse = |error| LoadError::tokenizer(metadata.path, error);
    let model = BPE::builder()
        .vocab_and_merges(vocabulary.usable(), merges)
        .ignore_merges(preset.ignores_merges)
        .build()
        .map_err(refuse)?;
    let mut tokenizer = tokenizers::Tokenizer::new(model);
    tokenizer.with_normalizer(preset.normalizer()).map_err(refuse)?;
    tokenizer.with_pre_tokenizer(Some(preset.pre_tokenizer().map_err(refuse)?));
    tokenizer.with_decoder(Some(ByteLevel::default()));
    vocabulary.add_to(&mut tokenizer)?;
    Ok(tokenizer)
}

fn with_scores(metadata: Metadata<'_>, vocabulary: &Vocabulary<'_>) -> Result<tokenizers::Tokenizer, LoadError> {
    let key = "tokenizer.ggml.scores";
    let scores = metadata.required(key, metadata.floats(key))?;
    if scores.len() != vocabulary.tokens.len() {
        let what = format!("has {} values for {} tokens", scores.len(), vocabulary.tokens.len());
        return Err(LoadError::field(metadata.path, key, what));
    }
    let ordinary = |id: usize| matches!(vocabulary.kinds[id], kind::NORMAL | kind::USER_DEFINED);
    let Some(merges) = sentencepiece::merges(vocabulary.tokens, scores, ordinary) else {
        let what = "its tokens are made of each other in more ways than any real vocabulary's";
        return Err(LoadError::field(metadata.path, "tokenizer.ggml.tokens", what));
    };
    let unknown = vocabulary.kinds.iter().position(|kind| *kind == kind::UNKNOWN);
    // Gemma's is a control token like any other.
    let named = metadata.id("tokenizer.ggml.unknown_token_id")?;
    let unknown = unknown.or(named.map(|id| id as usize));
    let Some(unknown) = unknown.and_then(|id| vocabulary.tokens.get(id)) else {
        return Err(LoadError::tokenizer(metadata.path, "no token stands for unknown text"));
    };
    let refuse = |error| LoadError::tokenizer(metadata.path, error);
    let model = BPE::builder()
        .vocab_and_merges(vocabulary.usable(), merges)
        .unk_token(unknown.clone())
        .fuse_unk(true)
        .byte_fallback(true)
        .build()
        .map_err(refuse)?;
    let prefix = metadata.flag("tokenizer.ggml.add_space_prefix")?.unwrap_or(true);
    let mut normalizers: Vec<NormalizerWrapper> = Vec::new();
    let mut decoders = vec![
        Replace::new(SPACE, " ").map_err(refuse)?.into(),
        ByteFallback::new().into(),
        Fuse::new().into(),
    ];
    if prefix {
        normalizers.push(Prepend::new(SPACE.to_owned()).into());
        decoders.push(Strip::new(' ', 1, 0).into());
    }
    normalizers.push(Replace::new(" ", SPACE).map_err(refuse)?.into());
    let mut tokenizer = tokenizers::Tokenizer::new(model);
    tokenizer
        .with_normalizer(Some(Normalizers::new(normalizers)))
        .map_err(refuse)?;
    tokenizer.with_decoder(Some(Decoders::new(decoders)));
    vocabulary.add_to(&mut tokenizer)?;
    Ok(tokenizer)
}

fn special_tokens(
    metadata: Metadata<'_>,
    vocabulary: &Vocabulary<'_>,
    bos_by_default: bool,
) -> Result<SpecialTokens, LoadError> {
    let token = |name: &str| -> Result<Option<SpecialToken>, LoadError> {
        let key = format!("tokenizer.ggml.{name}_token_id");
        let Some(id) = metadata.id(&key)? else {
            return Ok(None);
        };
        match vocabulary.tokens.get(id as usize) {
            Some(text) => Ok(Some(SpecialToken { id, text: text.clone() })),
            None => {
                let what = format!("is {id}, and there are {} tokens", vocabulary.tokens.len());
                Err(LoadError::field(metadata.path, &key, what))
            }
        }
    };
    let (bos, eos) = (token("bos")?, token("eos")?);
    let wanted = metadata.flag("tokenizer.ggml.add_bos_token")?.unwrap_or(bos_by_default);
    if wanted && bos.is_none() {
        let what = "is missing, and a BOS is wanted";
        return Err(LoadError::field(metadata.path, "tokenizer.ggml.bos_token_id", what));
    }
    let ends = [eos.clone(), token("eot")?, token("eom")?];
    let mut stop: Vec<TokenId> = ends.into_iter().flatten().map(|token| token.id).collect();
    stop.extend(
        END_OF_TURN
            .iter()
            .filter_map(|token| vocabulary.id(token))
            .filter(|&id| vocabulary.kinds[id as usize] == kind::CONTROL),
    );
    stop.sort_unstable();
    stop.dedup();
    let leading = bos.as_ref().filter(|_| wanted).map(|bos| bos.id);
    Ok(SpecialTokens {
        bos,
        eos,
        leading,
        stop,
    })
}

/// Bytes that determine every id: the hash of the tokenizer is taken over them.
fn sources(metadata: Metadata<'_>, vocabulary: &Vocabulary<'_>, model: &str) -> Vec<Vec<u8>> {
    let joined = |texts: &[String]| texts.join("\0").into_bytes();
    let kinds: Vec<u8> = vocabulary.kinds.iter().flat_map(|kind| kind.to_le_bytes()).collect();
    let merges = metadata.texts("tokenizer.ggml.merges").ok().flatten().map(joined);
    let scores = metadata.floats("tokenizer.ggml.scores").ok().flatten();
    let scores = scores.map(|scores| scores.iter().flat_map(|score| score.to_le_bytes()).collect());
    let settings = format!(
        "{model} {:?} {:?}",
        metadata.text("tokenizer.ggml.pre").ok().flatten(),
        metadata.flag("tokenizer.ggml.add_space_prefix").ok().flatten(),
    );
    vec![
        settings.into_bytes(),
        joined(vocabulary.tokens),
        kinds,
        merges.unwrap_or_default(),
        scores.unwrap_or_default(),
    ]
}
