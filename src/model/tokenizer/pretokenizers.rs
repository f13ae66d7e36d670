//! How text is cut into words before byte-pair merging, by the name a GGUF file gives it.
//!
//! A wrong cut changes token ids without any error, so a name outside this table is refused. The expressions are
//! those of the models' own tokenizer.json files, except for `default`, which is llama.cpp's.

use tokenizers::normalizers::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{NormalizerWrapper, PreTokenizerWrapper, SplitDelimiterBehavior};

/// How a byte-level vocabulary is applied to text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Preset {
    cut: WordCut,
    /// Text is put into normal form C first.
    pub(super) composes: bool,
    /// A word that is a token is taken whole, whatever the merges say.
    pub(super) ignores_merges: bool,
    /// Whether a BOS is wanted where the file does not say.
    pub(super) bos_by_default: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WordCut {
    /// GPT-2's words.
    Words,
    /// Single digits, then GPT-2's words.
    DigitsAndWords,
    /// One expression after the other, each cutting the pieces that the former left.
    Expressions(&'static [&'static str]),
}

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA_CPP: &[&str] = &[
    r"[\p{P}\$\+<=>\^~\|]+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
    r"\p{N}+",
    r"[0-9][0-9][0-9]",
];

const PLAIN: Preset = Preset {
    cut: WordCut::Words,
    composes: false,
    ignores_merges: false,
    bos_by_default: false,
};
const DIGITS: Preset = Preset {
    cut: WordCut::DigitsAndWords,
    ..PLAIN
};
const LLAMA3_PRESET: Preset = Preset {
    cut: WordCut::Expressions(&[LLAMA3]),
    ignores_merges: true,
    bos_by_default: true,
    ..PLAIN
};
const QWEN2_PRESET: Preset = Preset {
    cut: WordCut::Expressions(&[QWEN2]),
    composes: true,
    ..PLAIN
};

/// Values of `tokenizer.ggml.pre`.
const TABLE: &[(&str, Preset)] = &[
    ("gpt-2", PLAIN),
    (
        "default",
        Preset {
            cut: WordCut::Expressions(LLAMA_CPP),
            ..PLAIN
        },
    ),
    ("smollm", DIGITS),
    ("starcoder", DIGITS),
    ("llama3", LLAMA3_PRESET),
    ("llama-v3", LLAMA3_PRESET),
    ("llama-bpe", LLAMA3_PRESET),
    ("qwen2", QWEN2_PRESET),
    ("deepseek-r1-qwen", QWEN2_PRESET),
    (
        "tekken",
        Preset {
            cut: WordCut::Expressions(&[TEKKEN]),
            ignores_merges: true,
            bos_by_default: true,
            ..PLAIN
        },
    ),
];

/// The preset of that name.
pub(super) fn find(name: &str) -> Option<Preset> {
    TABLE
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, preset)| *preset)
}

/// Whether an expression is one of the table's.
pub(super) fn is_known(expression: &str) -> bool {
    TABLE.iter().any(|(_, preset)| match preset.cut {
        WordCut::Expressions(expressions) => expressions.contains(&expression),
        WordCut::Words | WordCut::DigitsAndWords => false,
    })
}

/// All names, for an error.
pub(super) fn names() -> String {
    TABLE.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

impl Preset {
    pub(super) fn normalizer(self) -> Option<NormalizerWrapper> {
        self.composes.then(|| NFC.into())
    }

    pub(super) fn pre_tokenizer(self) -> tokenizers::Result<PreTokenizerWrapper> {
        let words = |use_regex| ByteLevel::new(false, true, use_regex).into();
        let steps = match self.cut {
            WordCut::Words => return Ok(words(true)),
            WordCut::DigitsAndWords => vec![Digits::new(true).into(), words(true)],
            WordCut::Expressions(expressions) => {
                let mut steps = Vec::with_capacity(expressions.len() + 1);
                for expression in expressions {
                    let pattern = SplitPattern::Regex((*expression).to_owned());
                    steps.push(Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?.into());
                }
                steps.push(words(false));
                steps
            }
        };
        Ok(Sequence::new(steps).into())
    }
}
