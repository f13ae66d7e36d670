//! Special and added tokens are those that transformers has, in whichever file they are written.

use indieval::model::{Checkpoint, Inspection, Markup, QuantizedWeights, Tokenizer};
use indieval::prompt::{ChatSpec, ChatTemplate};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::gguf_writer::Writer;
use super::{copy_of, golden};
use crate::golden::engine_with;

/// What transformers gives for folders and GGUF files of many settings; scripts/make_special_token_goldens.py.
#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    message: String,
    /// A small vocabulary of the kind that SentencePiece models are converted to.
    pieces: Value,
    piece_scores: Vec<f32>,
    folders: Vec<Folder>,
    files: Vec<GgufFile>,
}

#[derive(Debug, Deserialize)]
struct Folder {
    /// `bytes` or `pieces`.
    base: String,
    /// Parts of tokenizer.json that are other than the base's.
    changes: Map<String, Value>,
    files: Map<String, Value>,
    #[serde(flatten)]
    ids: Ids,
}

#[derive(Debug, Deserialize)]
struct GgufFile {
    base: String,
    add_bos_token: Option<bool>,
    chat_template: String,
    #[serde(flatten)]
    ids: Ids,
}

#[derive(Debug, Deserialize)]
struct Ids {
    /// Of each text.
    plain: Vec<Vec<u32>>,
    /// Of the message in a chat.
    chat: Vec<u32>,
}

impl Golden {
    fn read() -> Self {
        serde_json::from_slice(&std::fs::read(golden("tokenizers/special.json")).unwrap()).unwrap()
    }

    fn base(&self, name: &str) -> Value {
        match name {
            "bytes" => {
                let path = golden("llama3-tied-f32").join("tokenizer.json");
                serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
            }
            _ => self.pieces.clone(),
        }
    }

    /// A checkpoint folder with these files of a tokenizer; there is room for 400 ids in its config.json.
    fn folder(&self, case: &Folder) -> tempfile::TempDir {
        let folder = copy_of("llama3-tied-f32");
        let mut tokenizer = self.base(&case.base);
        for (key, value) in &case.changes {
            tokenizer[key] = value.clone();
        }
        let write = |name: &str, content: &Value| {
            std::fs::write(folder.path().join(name), content.to_string()).unwrap();
        };
        write("tokenizer.json", &tokenizer);
        write("config.json", &json!({"model_type": "llama", "vocab_size": 400}));
        for (name, content) in &case.files {
            write(name, content);
        }
        folder
    }

    /// Ids of the message in a chat, as a run puts it to the model.
    fn chat(&self, tokenizer: &Tokenizer, template: &str) -> Vec<u32> {
        let special = tokenizer.special_tokens();
        let template =
            ChatTemplate::new(template, special.bos_text(), special.eos_text(), ChatSpec::default()).unwrap();
        let rendered = template.render(&self.message).unwrap();
        tokenizer.encode_whole(&rendered, Markup::Chat).unwrap()
    }
}

/// Transformers puts a second BOS before a text that begins with one; there must never be two.
fn once(ids: &[u32], bos: Option<u32>) -> Vec<u32> {
    match (ids, bos) {
        ([first, second, rest @ ..], Some(bos)) if (*first, *second) == (bos, bos) => [&[bos], rest].concat(),
        _ => ids.to_vec(),
    }
}

#[test]
fn texts_and_chats_of_folders_have_the_ids_of_transformers() {
    let golden = Golden::read();
    assert!(golden.folders.len() > 90);
    for case in &golden.folders {
        let found = Inspection::of(golden.folder(case).path());
        let tokenizer = found
            .tokenizer
            .unwrap_or_else(|| panic!("{:?}: {case:?}", found.faults));
        let bos = tokenizer.special_tokens().bos.as_ref().map(|token| token.id);
        for (text, ids) in golden.texts.iter().zip(&case.ids.plain) {
            let encoded = tokenizer.encode_whole(text, Markup::Control).unwrap();
            assert_eq!(encoded, once(ids, bos), "{text}: {case:?}");
        }
        assert_eq!(
            golden.chat(&tokenizer, &found.chat_template.unwrap()),
            case.ids.chat,
            "{case:?}"
        );
    }
}

#[test]
fn texts_and_chats_of_gguf_files_have_the_bos_that_transformers_has() {
    let golden = Golden::read();
    for case in &golden.files {
        let base = golden.base(&case.base);
        let tokens: Vec<String> = base["model"]["vocab"].as_object().unwrap().keys().cloned().collect();
        let kind = |token: &String| match token.as_str() {
            "<s>" | "</s>" => 3,
            "<unk>" => 2,
            byte if byte.starts_with("<0x") => 6,
            _ => 1,
        };
        let mut file = Writer::default();
        file.string("general.architecture", "llama");
        file.strings("tokenizer.ggml.tokens", &tokens);
        file.ints(
            "tokenizer.ggml.token_type",
            &tokens.iter().map(kind).collect::<Vec<i32>>(),
        );
        if case.base == "bytes" {
            let merge = |merge: &Value| format!("{} {}", merge[0].as_str().unwrap(), merge[1].as_str().unwrap());
            let merges: Vec<String> = base["model"]["merges"].as_array().unwrap().iter().map(merge).collect();
            file.string("tokenizer.ggml.model", "gpt2");
            file.string("tokenizer.ggml.pre", "gpt-2");
            file.strings("tokenizer.ggml.merges", &merges);
        } else {
            file.string("tokenizer.ggml.model", "llama");
            file.floats("tokenizer.ggml.scores", &golden.piece_scores);
        }
        let id = |text: &str| tokens.iter().position(|token| token == text).unwrap();
        file.number("tokenizer.ggml.bos_token_id", id("<s>"));
        file.number("tokenizer.ggml.eos_token_id", id("</s>"));
        if let Some(adds) = case.add_bos_token {
            file.flag("tokenizer.ggml.add_bos_token", adds);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.gguf");
        file.write(&path);
        let tokenizer = Inspection::of(&path).tokenizer.unwrap();
        let bos = id("<s>") as u32;
        let count = |ids: &[u32]| ids.iter().filter(|id| **id == bos).count();
        let chat = golden.chat(&tokenizer, &case.chat_template);
        // What else is in it may be another space: the file does not say what follows a control token, and
        // llama.cpp, which writes these files, puts a space there where transformers puts none.
        assert_eq!(count(&chat), count(&case.ids.chat), "{case:?}");
        let plain = tokenizer.encode_whole(&golden.texts[0], Markup::Text).unwrap();
        assert_eq!(plain, case.ids.plain[0], "{case:?}");
        if case.base == "bytes" {
            assert_eq!(chat, case.ids.chat, "{case:?}");
        }
    }
}

/// Mixtral-8x22B-Instruct: the tokenizer adds no BOS by itself, the template writes it; scripts/make_goldens.py.
#[derive(Deserialize)]
struct Chat {
    chat_template: String,
    message: String,
    /// Ids of the message in a chat.
    chat: Vec<u32>,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    ids: Vec<u32>,
    logprobs: Vec<f64>,
    /// What they would be if the BOS were lost.
    without_bos: Vec<f64>,
}

#[test]
fn answers_in_a_chat_whose_bos_only_the_template_writes_have_transformers_log_probabilities() {
    /// Nats a token: f32 on both sides, through two layers.
    const TOLERANCE: f64 = 1e-4;
    let golden: Chat = serde_json::from_slice(&std::fs::read(golden("mixtral-chat.json")).unwrap()).unwrap();
    let folder = copy_of("mixtral-f32");
    std::fs::write(folder.path().join("chat_template.jinja"), &golden.chat_template).unwrap();
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let tokenizer = &checkpoint.tokenizer;
    let special = tokenizer.special_tokens();
    assert_eq!(special.leading, None, "plain texts get no BOS");
    let template = checkpoint.chat_template.as_ref().unwrap();
    let template = ChatTemplate::new(template, special.bos_text(), special.eos_text(), ChatSpec::default()).unwrap();
    let frame = template.frame().unwrap();
    let prompt = format!("{}{}{}", frame.before, golden.message, frame.after);
    let chat = tokenizer.encode_whole(&prompt, Markup::Chat).unwrap();
    assert_eq!(chat, golden.chat);

    let dequantized = QuantizedWeights::Dequantize;
    let mut engine = engine_with(folder.path(), candle_core::DType::F32, 4096, dequantized);
    for answer in &golden.answers {
        assert_eq!(tokenizer.encode(&answer.text).unwrap(), answer.ids);
        let logits = engine.logits(&[&chat[..], &answer.ids].concat()).unwrap();
        let rows = candle_nn::ops::log_softmax(&logits, 1)
            .unwrap()
            .to_vec2::<f32>()
            .unwrap();
        let found = rows[chat.len() - 1..].iter().zip(&answer.ids);
        let found: Vec<f64> = found.map(|(row, &id)| f64::from(row[id as usize])).collect();
        let furthest = |from: &[f64]| {
            let off = found.iter().zip(from).map(|(a, b)| (a - b).abs());
            off.fold(0.0, f64::max)
        };
        assert!(furthest(&answer.logprobs) < TOLERANCE, "{}: {found:?}", answer.text);
        assert!(furthest(&answer.without_bos) > 100.0 * TOLERANCE, "{}", answer.text);
    }
}

#[test]
fn a_token_without_a_row_in_the_embedding_is_left_out_with_a_note() {
    let folder = copy_of("llama3-tied-f32");
    std::fs::write(folder.path().join("added_tokens.json"), r#"{"<extra>": 128}"#).unwrap();
    std::fs::write(
        folder.path().join("tokenizer_config.json"),
        r#"{"bos_token": "<s>", "eos_token": "</s>"}"#,
    )
    .unwrap();
    let tokenizer = Checkpoint::open(folder.path()).unwrap().tokenizer;
    assert_eq!((tokenizer.vocabulary(), tokenizer.id("<extra>")), (128, None));
    assert!(
        tokenizer.notes()[0].contains("\"<extra>\" has no row"),
        "{:?}",
        tokenizer.notes()
    );
}

#[test]
fn settings_that_are_not_what_they_should_be_are_named() {
    for (name, content, said) in [
        (
            "tokenizer_config.json",
            "[]",
            "tokenizer_config.json: is not a JSON object",
        ),
        (
            "tokenizer_config.json",
            r#"{"added_tokens_decoder": []}"#,
            "`added_tokens_decoder`: is not an object of tokens by id",
        ),
        (
            "tokenizer_config.json",
            r#"{"added_tokens_decoder": {"x": {"content": "a"}}}"#,
            "`added_tokens_decoder`: has the id \"x\"",
        ),
        (
            "tokenizer_config.json",
            r#"{"added_tokens_decoder": {"7": {}}}"#,
            "`added_tokens_decoder`: has no token with a `content` for the id 7",
        ),
        (
            "added_tokens.json",
            r#"{"<x>": "y"}"#,
            "added_tokens.json: `<x>`: has no token id",
        ),
        ("special_tokens_map.json", "{", "special_tokens_map.json: is not JSON"),
    ] {
        let folder = copy_of("llama3-tied-f32");
        std::fs::write(folder.path().join(name), content).unwrap();
        let error = Checkpoint::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn folders_with_another_kind_of_tokenizer_say_how_to_convert_it() {
    for (files, said) in [
        (&["vocab.json", "merges.txt"][..], "vocab.json and merges.txt"),
        (&["tekken.json"], "tekken.json"),
        (&["tokenizer.model"], "tokenizer.model (a SentencePiece model)"),
    ] {
        let folder = copy_of("llama3-tied-f32");
        std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
        for file in files {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let error = Checkpoint::open(folder.path()).err().unwrap();
        let expected = format!("has no tokenizer.json, but {said}");
        assert!(error.to_string().contains(&expected), "{error}");
        let hint = error.hint().unwrap();
        assert!(hint.contains("save_pretrained") && !hint.contains('\n'), "{hint}");
    }
}
