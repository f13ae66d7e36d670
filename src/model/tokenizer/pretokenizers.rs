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
/// GPT-4o's.
const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const LLAMA_CPP: &[&str] = &[
    r"[\p{P}\$\+<=>\^~\|]+",
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
    r"\p{N}+",
    r"[0-9][0-9][0-9]",
];

/// Qwen2's with marks among the letters.
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const SEED_CODER: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Chinese, Japanese and Korean characters, as DeepSeek's first tokenizers count them.
const DEEPSEEK_CJK: &str = r"[\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+";
const DEEPSEEK_LLM: &[&str] = &[
    r"[\r\n]",
    // Letters with upper and lower case, by their ranges.
    r"\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF}\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}]+",
    r"\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+",
    r"\s+$",
    DEEPSEEK_CJK,
    r"\p{N}+",
];
const DEEPSEEK_CODER: &[&str] = &[r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", DEEPSEEK_CJK, r"\p{N}"];

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
const QWEN2_PRESET: Preset = composed(cut_by(&[QWEN2]));

/// Words by expressions, and nothing else.
const fn cut_by(expressions: &'static [&'static str]) -> Preset {
    Preset {
        cut: WordCut::Expressions(expressions),
        ..PLAIN
    }
}

/// The same of text that is put into normal form C first.
const fn composed(preset: Preset) -> Preset {
    Preset {
        composes: true,
        ..preset
    }
}

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
    ("phi-2", PLAIN),
    ("mellum", PLAIN),
    ("gigachat", PLAIN),
    ("a.x-4.0", PLAIN),
    // OLMoE's own tokenizer composes, and so does Command R's; llama.cpp does not.
    ("olmo", composed(PLAIN)),
    ("exaone4", PLAIN),
    ("trillion", PLAIN),
    ("smollm", DIGITS),
    ("starcoder", DIGITS),
    ("command-r", composed(DIGITS)),
    // Granite's, Minerva's.
    ("refact", DIGITS),
    ("minerva-7b", DIGITS),
    ("llama3", LLAMA3_PRESET),
    ("llama-v3", LLAMA3_PRESET),
    ("llama-bpe", LLAMA3_PRESET),
    ("falcon3", LLAMA3_PRESET),
    ("pixtral", LLAMA3_PRESET),
    ("smaug-bpe", cut_by(&[LLAMA3])),
    // OLMo 2's and Phi-4's.
    ("dbrx", cut_by(&[LLAMA3])),
    ("chatglm-bpe", cut_by(&[LLAMA3])),
    (
        "glm4",
        Preset {
            ignores_merges: true,
            ..cut_by(&[LLAMA3])
        },
    ),
    ("qwen2", QWEN2_PRESET),
    ("deepseek-r1-qwen", QWEN2_PRESET),
    ("kormo", cut_by(&[QWEN2])),
    ("megrez", cut_by(&[QWEN2])),
    ("stablelm2", cut_by(&[QWEN2])),
    ("qwen35", composed(cut_by(&[QWEN35]))),
    ("deepseek-llm", cut_by(DEEPSEEK_LLM)),
    ("deepseek-coder", cut_by(DEEPSEEK_CODER)),
    ("seed-coder", cut_by(&[SEED_CODER])),
    // gpt-oss', Phi-4-mini's, Llama 4's, Kanana's.
    ("gpt-4o", cut_by(&[O200K])),
    ("llama4", cut_by(&[O200K])),
    ("kanana2", cut_by(&[O200K])),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    use super::*;

    #[derive(serde::Deserialize)]
    struct Cuts {
        texts: Vec<String>,
        cuts: BTreeMap<String, Vec<Vec<String>>>,
    }

    /// scripts/make_pretokenizer_goldens.py: llama.cpp's expressions, applied by another engine than ours.
    #[test]
    fn words_are_cut_as_llama_cpp_says() {
        let cuts: Cuts = serde_json::from_str(include_str!("../../../tests/golden/tokenizers/cuts.json")).unwrap();
        assert_eq!(cuts.cuts.len(), 27);
        for (name, expected) in &cuts.cuts {
            let cut = find(name).unwrap().pre_tokenizer().unwrap();
            for (text, expected) in cuts.texts.iter().zip(expected) {
                let mut pieces = PreTokenizedString::from(text.as_str());
                cut.pre_tokenize(&mut pieces).unwrap();
                let splits = pieces.get_splits(OffsetReferential::Original, OffsetType::Byte);
                let words: Vec<&str> = splits.iter().map(|(_, (from, to), _)| &text[*from..*to]).collect();
                assert_eq!(
                    words,
                    expected.iter().map(String::as_str).collect::<Vec<_>>(),
                    "{name}: {text:?}"
                );
            }
        }
    }
}
