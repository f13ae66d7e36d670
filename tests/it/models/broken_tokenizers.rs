//! Broken and hostile tokenizers are refused with an error, whatever the library behind them makes of them.

use indieval::model::{Checkpoint, Inspection};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::{copy_of, golden};

const FILE: &str = "tokenizer.json";

fn good() -> Vec<u8> {
    std::fs::read(golden("llama3-tied-f32").join(FILE)).unwrap()
}

/// A golden checkpoint with this for its tokenizer.
fn with(tokenizer: &[u8]) -> tempfile::TempDir {
    let folder = copy_of("llama3-tied-f32");
    std::fs::write(folder.path().join(FILE), tokenizer).unwrap();
    folder
}

fn refused(tokenizer: &[u8]) -> indieval::model::LoadError {
    match Checkpoint::open(with(tokenizer).path()) {
        Ok(_) => panic!("it was taken"),
        Err(error) => error,
    }
}

#[test]
fn a_tokenizer_cut_short_anywhere_says_where() {
    let good = good();
    for length in (0..good.len()).step_by(7) {
        let error = refused(&good[..length]);
        let said = error.to_string();
        assert!(
            said.contains("tokenizer.json: is not JSON") && said.contains("line 1 column"),
            "{length}: {said}"
        );
        assert!(error.hint().unwrap().contains("cut short"));
    }
}

/// Every place in a JSON value, by its path.
fn places(value: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    found.push(path.clone());
    let inner: Vec<(String, &Value)> = match value {
        // Of a long list or map (the vocabulary) the first few stand for all.
        Value::Array(list) => (0..).map(|at: usize| at.to_string()).zip(list).take(12).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), value)).take(12).collect(),
        _ => Vec::new(),
    };
    for (key, value) in inner {
        path.push(key);
        places(value, path, found);
        path.pop();
    }
}

fn at<'a>(root: &'a mut Value, path: &[String]) -> &'a mut Value {
    path.iter().fold(root, |value, key| match value {
        Value::Array(list) => &mut list[key.parse::<usize>().unwrap()],
        Value::Object(map) => &mut map[key.as_str()],
        _ => panic!("{path:?}"),
    })
}

/// Values of every type, and parts of tokenizers where they do not belong.
fn foreign() -> Vec<Value> {
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let replace = json!({"type": "Replace", "pattern": {"Regex": "(("}, "content": "x"});
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(u32::MAX),
        json!(""),
        json!("é"),
        json!("a b"),
        json!([]),
        json!({}),
        json!([["a", ""]]),
        json!(["a b c"]),
        json!({"type": "WordPiece"}),
        json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"}),
        json!({"type": "Unigram", "unk_id": 9, "vocab": [["a", -1.0]]}),
        json!({"strategy": {"Fixed": 1_000_000_000_000_u64}, "direction": "Right", "pad_to_multiple_of": 0,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "x"}),
        json!({"type": "Sequence", "decoders": [byte_level, {"type": "Fuse"}]}),
        json!({"type": "Sequence", "normalizers": [replace, {"type": "NFC"}]}),
        json!({"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", "invert": true}),
        json!({"type": "Prepend", "prepend": ""}),
        json!({"type": "RobertaProcessing", "sep": ["x", 900], "cls": ["y", 900]}),
    ]
}

/// What a mutation did; whatever comes of it, it is a result.
fn open(tokenizer: &[u8]) {
    let inspection = Inspection::of(with(tokenizer).path());
    if let Some(tokenizer) = &inspection.tokenizer {
        tokenizer.encode("some text 123 é").ok();
    }
}

#[test]
fn values_of_another_type_anywhere_are_no_panic() {
    let root: Value = serde_json::from_slice(&good()).unwrap();
    let mut found = Vec::new();
    places(&root, &mut Vec::new(), &mut found);
    assert!(found.len() > 80);
    for path in &found {
        for value in foreign() {
            let mut spoilt = root.clone();
            *at(&mut spoilt, path) = value;
            open(spoilt.to_string().as_bytes());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn spoilt_bytes_are_no_panic(bytes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4)) {
        let mut spoilt = good();
        for (at, byte) in bytes {
            let at = at.index(spoilt.len());
            spoilt[at] = byte;
        }
        open(&spoilt);
    }
}

/// The tokenizer with some of its parts changed.
fn changed(changes: &[(&str, Value)]) -> Vec<u8> {
    let mut root: Value = serde_json::from_slice(&good()).unwrap();
    for (key, value) in changes {
        root[*key] = value.clone();
    }
    root.to_string().into_bytes()
}

/// What is refused says which part it is, soon, and the hint leads to something that opens.
#[test]
fn what_would_take_without_end_is_refused_by_name() {
    let replace =
        |pattern: &str, content: &str| json!({"type": "Replace", "pattern": {"Regex": pattern}, "content": content});
    let split = |pattern: &str| json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
    let steps = |kind: &str, steps: Vec<Value>| json!({"type": "Sequence", kind: steps});
    let token = |id: usize, content: String| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": true})
    };
    let many: Vec<Value> = (0..70_000).map(|id| token(128 + id, format!("<{id}>"))).collect();
    let long: Vec<Value> = (0..50).map(|id| token(128 + id, "x".repeat(100_000 + id))).collect();
    let slow = "takes too long on a run of";
    for (key, value, said) in [
        ("pre_tokenizer", split("(a|aa)+$"), slow),
        ("pre_tokenizer", split("a|.*.*x"), slow),
        (
            "pre_tokenizer",
            steps("pretokenizers", vec![split(r"\s"), split("(x+x+)+y")]),
            slow,
        ),
        ("normalizer", replace("(a*)*b", "c"), slow),
        ("normalizer", steps("normalizers", vec![replace("(a*)*b", "c")]), slow),
        ("decoder", replace("(a|a)*b", "c"), slow),
        (
            "decoder",
            steps("decoders", vec![replace("(a|a)*b", "c"), json!({"type": "Fuse"})]),
            slow,
        ),
        (
            "normalizer",
            replace("a", &"b".repeat(5_000)),
            "its `normalizer` can make a text 5001 times as long",
        ),
        (
            "normalizer",
            steps("normalizers", (0..20).map(|_| replace("a", "aaaaaaaa")).collect()),
            "its `normalizer` can make a text",
        ),
        (
            "decoder",
            replace("", &"b".repeat(5_000)),
            "its `decoder` can make a text 5001 times as long",
        ),
        ("pre_tokenizer", split(&"a".repeat(20_000)), "has 20000 bytes"),
        ("added_tokens", json!(many), "added tokens of"),
        ("added_tokens", json!(long), "added tokens of"),
    ] {
        let begun = std::time::Instant::now();
        let error = refused(&changed(&[(key, value)]));
        let text = error.to_string();
        assert!(
            text.contains("tokenizer.json: ") && text.contains(said),
            "{key}: {text}"
        );
        assert!(!text.contains("panicked") && text.len() < 1_000, "{text}");
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(60),
            "{key}: {:?}",
            begun.elapsed()
        );
        assert!(
            error.hint().unwrap().contains("of the model's own repository"),
            "{text}"
        );
    }
}

#[test]
fn settings_with_tokens_without_number_are_refused() {
    let folder = with(&good());
    let tokens: serde_json::Map<String, Value> = (0..70_000)
        .map(|id: usize| {
            (
                (128 + id).to_string(),
                json!({"content": format!("<{id}>"), "special": true}),
            )
        })
        .collect();
    let settings = json!({"bos_token": "<s>", "eos_token": "</s>", "added_tokens_decoder": tokens});
    std::fs::write(folder.path().join("tokenizer_config.json"), settings.to_string()).unwrap();
    let begun = std::time::Instant::now();
    let error = Checkpoint::open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("70000 added tokens"), "{error}");
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn parts_that_the_library_panics_over_are_refused() {
    let with_model = |changes: &[(&str, Value)]| {
        let mut root: Value = serde_json::from_slice(&good()).unwrap();
        for (key, value) in changes {
            root["model"][*key] = value.clone();
        }
        refused(root.to_string().as_bytes()).to_string()
    };
    for prefix in ["##", "Ġ"] {
        let said = with_model(&[
            ("continuing_subword_prefix", json!(prefix)),
            ("merges", json!([["a", "l"]])),
        ]);
        assert!(said.contains("tokenizer.json: tokenizer: "), "{said}");
    }
}

#[test]
fn characters_without_a_token_are_refused_however_the_decoder_is_wrapped() {
    let root: Value = serde_json::from_slice(&good()).unwrap();
    let decoder = root["decoder"].clone();
    let steps = root["pre_tokenizer"].clone();
    let split = json!({"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated", "invert": false});
    let changed = |changes: &[(&str, Value)]| {
        let mut changed = root.clone();
        for (key, value) in changes {
            changed[*key] = value.clone();
        }
        let tokenizer = Inspection::of(with(changed.to_string().as_bytes()).path()).tokenizer;
        tokenizer.unwrap()
    };
    let characters = [("pre_tokenizer", json!(null)), ("decoder", json!(null))];
    for tokenizer in [
        changed(&[]),
        changed(&[(
            "decoder",
            json!({"type": "Sequence", "decoders": [decoder, {"type": "Fuse"}]}),
        )]),
        changed(&[("decoder", json!(null))]),
        changed(&[
            ("decoder", json!(null)),
            (
                "pre_tokenizer",
                json!({"type": "Sequence", "pretokenizers": [split, steps]}),
            ),
        ]),
        changed(&[
            ("pre_tokenizer", json!(null)),
            (
                "normalizer",
                json!({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "ByteLevel"}]}),
            ),
        ]),
        changed(&characters),
        changed(&[("pre_tokenizer", json!({"type": "Digits", "individual_digits": true}))]),
    ] {
        for encoded in [
            tokenizer.encode("abcdé").err(),
            tokenizer.encode_with_specials("abcdé").err(),
            tokenizer.encode_with_spans("abcdé").err(),
        ] {
            let said = encoded.unwrap().to_string();
            assert!(said.contains("no token for 'é' (byte 4 of the text)"), "{said}");
        }
        assert!(!tokenizer.encode("abcd").unwrap().is_empty());
    }
    // A space is no character of a vocabulary that is not byte-level, and neither is a byte without a symbol.
    assert!(changed(&characters).encode("ab cd").is_err());
    // With a token for what is unknown nothing is dropped.
    let mut model = root["model"].clone();
    model["unk_token"] = json!("<s>");
    let unknown = changed(&[
        ("pre_tokenizer", json!(null)),
        ("decoder", json!(null)),
        ("model", model),
    ]);
    assert_eq!(unknown.encode("é").unwrap(), [0]);
}
