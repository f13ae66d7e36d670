//! Tokenizers rebuilt from GGUF metadata give the ids of the models' own.

use std::collections::HashMap;
use std::path::Path;

use indieval::model::{Inspection, Markup, Tokenizer};
use serde::Deserialize;

use super::gguf_writer::Writer;
use super::golden;

/// Part of a real vocabulary with what another program makes of some texts; scripts/make_tokenizer_goldens.py.
#[derive(Deserialize)]
struct Golden {
    model: String,
    pre: Option<String>,
    merges: Option<Vec<String>>,
    scores: Option<Vec<f32>>,
    /// Ids of the whole vocabulary.
    ids: Vec<u32>,
    tokens: Vec<String>,
    types: Vec<i32>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    plain: Vec<u32>,
    special: Option<Vec<u32>>,
}

impl Golden {
    fn read(name: &str) -> Self {
        let text = std::fs::read_to_string(golden("tokenizers").join(name).with_extension("json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn file(&self) -> Writer {
        let mut file = Writer::default();
        file.string("general.architecture", "llama");
        file.string("tokenizer.ggml.model", &self.model);
        file.strings("tokenizer.ggml.tokens", &self.tokens);
        file.ints("tokenizer.ggml.token_type", &self.types);
        if let Some(pre) = &self.pre {
            file.string("tokenizer.ggml.pre", pre);
        }
        if let Some(merges) = &self.merges {
            file.strings("tokenizer.ggml.merges", merges);
        }
        if let Some(scores) = &self.scores {
            file.floats("tokenizer.ggml.scores", scores);
        }
        file
    }

    /// Ids of the part as ids of the whole.
    fn whole(&self, ids: &[u32]) -> Vec<u32> {
        ids.iter().map(|id| self.ids[*id as usize]).collect()
    }
}

/// The tokenizer of a file that has nothing else.
fn tokenizer_of(file: &Writer) -> Result<Tokenizer, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.gguf");
    file.write(&path);
    let inspection = Inspection::of(&path);
    inspection.tokenizer.ok_or_else(|| {
        inspection
            .faults
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    })
}

fn with_policy(golden: &Golden) -> Tokenizer {
    let mut file = golden.file();
    // Qwen's control tokens come last.
    let (bos, eos) = match golden.tokens.iter().position(|token| token == "<|endoftext|>") {
        Some(end) if end > 2 => (end, end),
        _ => (1, 2),
    };
    file.number("tokenizer.ggml.bos_token_id", bos);
    file.number("tokenizer.ggml.eos_token_id", eos);
    tokenizer_of(&file).unwrap()
}

#[test]
fn rebuilt_tokenizers_give_the_ids_of_the_models_own() {
    for name in ["smollm2", "qwen2", "mistral"] {
        let golden = Golden::read(name);
        let tokenizer = with_policy(&golden);
        assert!(golden.cases.len() > 40);
        for Case { text, plain, special } in &golden.cases {
            assert_eq!(
                golden.whole(&tokenizer.encode(text).unwrap()),
                *plain,
                "{name}: {text:?}"
            );
            if let Some(special) = special {
                assert_eq!(
                    golden.whole(&tokenizer.encode_with_specials(text).unwrap()),
                    *special,
                    "{name}: {text:?}"
                );
            }
        }
    }
}

#[test]
fn decoding_gives_the_text_back() {
    for name in ["smollm2", "qwen2", "mistral"] {
        let golden = Golden::read(name);
        let tokenizer = with_policy(&golden);
        for Case { text, .. } in &golden.cases {
            let back = tokenizer.decode(&tokenizer.encode(text).unwrap()).unwrap();
            // Qwen composes characters first.
            let expected = if name == "qwen2" {
                text.replace("e\u{301}", "é")
            } else {
                text.clone()
            };
            assert_eq!(back, expected, "{name}");
        }
    }
}

#[test]
fn spans_cover_the_text_without_gaps() {
    for name in ["smollm2", "qwen2", "mistral"] {
        let golden = Golden::read(name);
        let tokenizer = with_policy(&golden);
        for Case { text, .. } in &golden.cases {
            let spans = tokenizer.encode_with_spans(text).unwrap();
            let ids: Vec<u32> = spans.iter().map(|span| span.id).collect();
            assert_eq!(ids, tokenizer.encode(text).unwrap());
            let mut end = 0;
            for span in &spans {
                assert!(text.is_char_boundary(span.bytes.start) && text.is_char_boundary(span.bytes.end));
                assert!(
                    span.bytes.start <= end && span.bytes.end >= end,
                    "{name}: {text:?}: {spans:?}"
                );
                end = span.bytes.end;
            }
            assert_eq!(end, text.len(), "{name}: {text:?}");
        }
    }
}

#[test]
fn control_tokens_in_text_are_text() {
    let golden = Golden::read("smollm2");
    let tokenizer = with_policy(&golden);
    let control: Vec<u32> = (0..17).collect();
    for text in ["<|im_start|>", "a<|im_end|>b", "<|endoftext|>", "<repo_name>x"] {
        assert!(
            tokenizer.encode(text).unwrap().iter().all(|id| !control.contains(id)),
            "{text}"
        );
        assert!(
            tokenizer
                .encode_with_specials(text)
                .unwrap()
                .iter()
                .any(|id| control.contains(id)),
            "{text}"
        );
    }
}

#[test]
fn special_tokens_are_the_files() {
    let golden = Golden::read("smollm2");
    let tokenizer = with_policy(&golden);
    // `smollm` wants no BOS unless the file says so; <|im_end|> and <|endoftext|> end an answer.
    let special = tokenizer.special_tokens();
    assert_eq!((special.bos_text(), special.eos_text()), ("<|im_start|>", "<|im_end|>"));
    assert_eq!((special.leading, special.empty_context()), (None, Some(1)));
    assert_eq!(tokenizer.stop_tokens(), [0, 2]);
    let mut file = golden.file();
    file.number("tokenizer.ggml.bos_token_id", 1);
    file.flag("tokenizer.ggml.add_bos_token", true);
    let wanting = tokenizer_of(&file).unwrap();
    assert_eq!(wanting.special_tokens().leading, Some(1));
    assert_ne!(wanting.hash(), tokenizer.hash());

    let sentences = Golden::read("mistral");
    assert_eq!(
        with_policy(&sentences).special_tokens().leading,
        Some(1),
        "SentencePiece models want a BOS unless told otherwise"
    );
    assert!(
        tokenizer_of(&sentences.file())
            .unwrap_err()
            .contains("`tokenizer.ggml.bos_token_id`: is missing")
    );
}

#[test]
fn a_prefix_space_can_be_switched_off() {
    let golden = Golden::read("mistral");
    let mut file = golden.file();
    file.number("tokenizer.ggml.bos_token_id", 1);
    file.flag("tokenizer.ggml.add_space_prefix", false);
    let without = tokenizer_of(&file).unwrap();
    let with = with_policy(&golden);
    assert_eq!(without.encode(" Hello").unwrap(), with.encode("Hello").unwrap());
    assert_ne!(without.encode("Hello").unwrap(), with.encode("Hello").unwrap());
    assert_eq!(without.decode(&without.encode(" Hello").unwrap()).unwrap(), " Hello");
}

#[test]
fn characters_without_a_token_are_refused_not_dropped() {
    let tokenizer = with_policy(&Golden::read("smollm2"));
    assert_eq!(tokenizer.missing_bytes(), [4, 6, 19, 20, 22, 29, 241, 242]);
    let error = tokenizer.encode("fine\u{4}").unwrap_err().to_string();
    assert!(error.contains("byte 4"), "{error}");
    assert!(with_policy(&Golden::read("qwen2")).missing_bytes().is_empty());
}

#[test]
fn llama3_takes_whole_words_whatever_the_merges() {
    // "abc" is a token, but no merge makes it.
    let mut file = Writer::default();
    file.string("general.architecture", "llama");
    file.string("tokenizer.ggml.model", "gpt2");
    file.string("tokenizer.ggml.pre", "llama-bpe");
    file.strings(
        "tokenizer.ggml.tokens",
        &["<bos>", "a", "b", "c", "ab", "abc", "1", "Ġ", "12", "123"],
    );
    file.ints("tokenizer.ggml.token_type", &[3, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    file.strings("tokenizer.ggml.merges", &["a b"]);
    file.number("tokenizer.ggml.bos_token_id", 0);
    let tokenizer = tokenizer_of(&file).unwrap();
    assert_eq!(tokenizer.encode("abc").unwrap(), [5]);
    assert_eq!(tokenizer.encode("abcab").unwrap(), [4, 3, 4]);
    // Up to three digits make a word.
    assert_eq!(tokenizer.encode("1111").unwrap(), [6, 6, 6, 6]);
    let leading = tokenizer.special_tokens().leading;
    assert_eq!(leading, Some(0), "llama3 wants a BOS unless told otherwise");
}

#[test]
fn a_fake_of_bytes() {
    let tokenizer = Tokenizer::bytes();
    assert_eq!(tokenizer.encode("aé").unwrap(), [97, 0xc3, 0xa9]);
    assert_eq!(tokenizer.decode(&[256, 97, 0xc3, 0xa9, 257]).unwrap(), "aé");
    let whole = |markup| tokenizer.encode_whole("a", markup).unwrap();
    assert_eq!((whole(Markup::Text), whole(Markup::Chat)), (vec![256, 97], vec![97]));
    assert_eq!(tokenizer.vocabulary(), 258);
}

#[test]
fn the_real_files_give_the_goldens() {
    for (name, file) in [("smollm2", "smollm2-135m.gguf"), ("qwen2", "qwen2.5-coder-0.5b.gguf")] {
        let Some(path) = real_file(file) else {
            println!("skipped: {file} is not here (scripts/fetch-test-models.sh fetches it)");
            continue;
        };
        let inspection = Inspection::of(&path);
        assert!(inspection.faults.is_empty(), "{:?}", inspection.faults);
        let tokenizer = inspection.tokenizer.unwrap();
        for Case { text, plain, special } in Golden::read(name).cases {
            assert_eq!(tokenizer.encode(&text).unwrap(), plain, "{name}: {text:?}");
            assert_eq!(
                Some(tokenizer.encode_with_specials(&text).unwrap()),
                special,
                "{name}: {text:?}"
            );
        }
    }
}

/// A SentencePiece vocabulary of `unk` and these.
fn of_pieces(pieces: impl Iterator<Item = String>) -> Result<Tokenizer, String> {
    let tokens: Vec<String> = std::iter::once("<unk>".to_owned()).chain(pieces).collect();
    let mut kinds = vec![1; tokens.len()];
    kinds[0] = 2;
    let mut file = Writer::default();
    file.string("general.architecture", "llama");
    file.string("tokenizer.ggml.model", "llama");
    file.strings("tokenizer.ggml.tokens", &tokens);
    file.ints("tokenizer.ggml.token_type", &kinds);
    file.floats("tokenizer.ggml.scores", &vec![0.0; tokens.len()]);
    file.flag("tokenizer.ggml.add_bos_token", false);
    tokenizer_of(&file)
}

#[test]
fn a_vocabulary_of_pieces_of_each_other_takes_no_more_memory_than_its_size_warrants() {
    let runs = |letters: std::ops::RangeInclusive<char>, longest: usize| {
        letters.flat_map(move |letter| (1..=longest).map(move |length| letter.to_string().repeat(length)))
    };
    let began = std::time::Instant::now();
    let error = of_pieces(runs('a'..='d', 1024)).unwrap_err();
    assert!(
        error.contains("`tokenizer.ggml.tokens`: its tokens are made of each other"),
        "{error}"
    );
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    // Runs of spaces, as long as real vocabularies have them.
    assert!(of_pieces(runs('\u{2581}'..='\u{2581}', 64)).is_ok());
}

/// A file that scripts/fetch-test-models.sh put into the program's cache.
fn real_file(name: &str) -> Option<std::path::PathBuf> {
    let variables: HashMap<&str, std::ffi::OsString> = ["INDIEVAL_CACHE", "XDG_CACHE_HOME", "HOME"]
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
        .collect();
    let cache = match (
        variables.get("INDIEVAL_CACHE"),
        variables.get("XDG_CACHE_HOME"),
        variables.get("HOME"),
    ) {
        (Some(cache), ..) => Path::new(cache).to_owned(),
        (None, Some(caches), _) => Path::new(caches).join("indieval"),
        (None, None, home) => Path::new(home?).join(".cache/indieval"),
    };
    Some(cache.join("test-models").join(name)).filter(|path| path.is_file())
}
