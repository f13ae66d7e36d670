//! What `score` and `generate` promise beyond sharing and going on: lm-evaluation-harness' rules, lines that cannot be
//! answered, texts of any length, settings of a line.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// Longest path of the fake model in tokens.
const FAKE_CONTEXT: usize = 1 << 17;

/// The same of the checkpoints in tests/golden.
const GOLDEN_CONTEXT: usize = 128;

fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    path.display().to_string()
}

/// Answers lines given on standard input.
fn answer(command: &str, more: &[&str], lines: &[Value]) -> Output {
    use std::io::Write;
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("indieval"))
        .args([command, "-", "-q"])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    // A program that refuses its options reads nothing.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    child.wait_with_output().unwrap()
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn answers(command: &str, more: &[&str], lines: &[Value]) -> Vec<Value> {
    let output = answer(command, more, lines);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    objects(&String::from_utf8(output.stdout).unwrap())
}

fn refusal(command: &str, more: &[&str], line: Value) -> String {
    let output = answer(command, more, &[line]);
    assert_ne!(output.status.code(), Some(0));
    String::from_utf8(output.stderr).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

const FAKE: [&str; 2] = ["--model", "fake:1"];

#[test]
fn white_space_at_the_end_of_a_context_is_scored() {
    let bytes = |text: &str| text.bytes().map(u64::from).collect::<Vec<_>>();
    for (context, continuation, kept, moved) in [
        ("A: ", "b", "A:", 1),
        ("A:\n\n", " b", "A:", 2),
        ("A:\u{3000}", "b", "A:", 3),
        ("A:\u{1f}\u{85}", "b", "A:", 3),
        ("  A", " b", "  A", 0),
        (" \t", "b", "", 2),
        ("", " b", "", 0),
        ("A ", "", "A", 1),
    ] {
        let line = json!({ "context": context, "continuation": continuation });
        let scored = &answers("score", &FAKE, &[line])[0];
        let before: Vec<u64> = std::iter::once(256).chain(bytes(kept)).collect();
        assert_eq!(scored["context_token_ids"], json!(before), "{context:?}");
        let after = bytes(&format!("{}{continuation}", &context[kept.len()..]));
        assert_eq!(scored["continuation_token_ids"], json!(after), "{context:?}");
        assert_eq!(scored["tokens_moved"], moved, "{context:?}");
    }
}

/// Token ids of lm-evaluation-harness 0.4.13 for SmolLM2. (Its numbers are those of float32 weights, which no package
/// has; with the rounded weights that one has, each is near.)
#[test]
fn token_ids_are_those_of_lm_evaluation_harness() {
    // Most that a token's log-probability moves where weights are rounded to four bits, in nats.
    const ROUNDED: f64 = 4.0;
    let model = match crate::real::smollm2() {
        Ok(model) => model,
        Err(why) => {
            eprintln!("skipped: SmolLM2-135M-Instruct is not here: {why}");
            return;
        }
    };
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/score_lm_eval.jsonl");
    let cases = objects(&std::fs::read_to_string(data).unwrap());
    let lines: Vec<Value> = cases
        .iter()
        .map(|case| json!({ "context": case["context"], "continuation": case["continuation"] }))
        .collect();
    let model = ["--model", model.to_str().unwrap(), "--dtype", "f32", "--device", "cpu"];
    for (case, scored) in cases.iter().zip(answers("score", &model, &lines)) {
        assert_eq!(scored["context_token_ids"], case["context_token_ids"], "{case}");
        assert_eq!(
            scored["continuation_token_ids"], case["continuation_token_ids"],
            "{case}"
        );
        for (ours, theirs) in numbers(&scored["token_logprobs"])
            .into_iter()
            .zip(numbers(&case["token_logprobs"]))
        {
            assert!((ours - theirs).abs() < ROUNDED, "{ours} {theirs} {case}");
        }
    }
}

#[test]
fn control_tokens_are_read_as_what_they_are_unless_asked_otherwise() {
    for model in ["llama3-tied-f32", "qwen2-tied-bf16"] {
        let model = golden(model);
        let args = ["--model", &model, "--device", "cpu"];
        let line = json!({ "context": "<s>the", "continuation": " end</s>" });
        let read = &answers("score", &args, std::slice::from_ref(&line))[0];
        let text = &answers("score", &[&args[..], &["--control-tokens", "text"]].concat(), &[line])[0];
        let count = |scored: &Value, name: &str| scored[name].as_array().unwrap().len();
        for name in ["context_token_ids", "continuation_token_ids"] {
            assert!(count(read, name) < count(text, name), "{name}: {read} {text}");
        }
    }
}

#[test]
fn what_is_one_token_longer_than_the_context_is_scored_and_no_more() {
    let pair = |length: usize| json!({ "context": "a".repeat(length - 2), "continuation": "b" });
    // BOS, the context and one token, which is never fed.
    let whole = &answers("score", &FAKE, &[pair(FAKE_CONTEXT + 1)])[0];
    assert_eq!(numbers(&whole["token_logprobs"]).len(), 1);
    let said = refusal("score", &FAKE, pair(FAKE_CONTEXT + 2));
    assert!(
        said.contains("131074 tokens are more than") && said.contains("--truncate left"),
        "{said}"
    );
    let left = [&FAKE[..], &["--truncate", "left"]].concat();
    let cut = &answers("score", &left, &[pair(FAKE_CONTEXT + 3)])[0];
    assert_eq!(cut["tokens_truncated"], 2);
    assert_eq!(cut["context_token_ids"].as_array().unwrap().len(), FAKE_CONTEXT);

    let model = golden("llama3-tied-f32");
    let args = ["--model", &model, "--device", "cpu", "--dtype", "f32"];
    let ids = |context: usize, continuation: usize| json!({ "context_token_ids": vec![5; context], "continuation_token_ids": vec![6; continuation] });
    let scored = answers(
        "score",
        &args,
        &[
            ids(GOLDEN_CONTEXT - 2, 3),
            ids(1, GOLDEN_CONTEXT),
            ids(GOLDEN_CONTEXT, 1),
        ],
    );
    let counts: Vec<usize> = scored
        .iter()
        .map(|line| numbers(&line["token_logprobs"]).len())
        .collect();
    assert_eq!(counts, [3, GOLDEN_CONTEXT, 1]);
    let said = refusal("score", &args, ids(2, GOLDEN_CONTEXT));
    assert!(
        said.contains("130 tokens are more than the model's context of 128"),
        "{said}"
    );
    // Nothing of a continuation is ever left out.
    let said = refusal(
        "score",
        &[&args[..], &["--truncate", "left"]].concat(),
        ids(2, GOLDEN_CONTEXT + 1),
    );
    assert!(said.contains("131 tokens are more than"), "{said}");
}

#[test]
fn token_ids_are_scored_as_they_are() {
    let texts = &answers("score", &FAKE, &[json!({ "context": "ab", "continuation": "cd" })])[0];
    let ids = json!({ "context_token_ids": [256, 97, 98], "continuation_token_ids": [99, 100] });
    let scored = &answers("score", &FAKE, &[ids])[0];
    assert_eq!(scored["token_logprobs"], texts["token_logprobs"]);
    // Nothing is put before them.
    let bare = json!({ "context_token_ids": [97, 98], "continuation_token_ids": [99, 100] });
    assert_ne!(
        answers("score", &FAKE, &[bare])[0]["token_logprobs"],
        texts["token_logprobs"]
    );
    // An answer that is scored again is told by its texts.
    assert_eq!(&answers("score", &FAKE, std::slice::from_ref(texts))[0], texts);
    let wrong = json!({ "context_token_ids": [97, 258], "continuation_token_ids": [99] });
    let said = refusal("score", &FAKE, wrong);
    assert!(
        said.contains("`context_token_ids` has 258, expected token ids below 258"),
        "{said}"
    );
}

/// Windows of a real decoder: sums of f32 in another order differ by so much.
const SAME: f64 = 2e-5;

#[test]
fn a_text_of_any_length_is_scored_in_windows() {
    let short = &answers("score", &FAKE, &[json!({ "text": "some text" })])[0];
    let pair = &answers("score", &FAKE, &[json!({ "context": "", "continuation": "some text" })])[0];
    assert_eq!(
        (&short["windows"], &short["loglikelihood"]),
        (&json!(1), &pair["loglikelihood"])
    );
    assert_eq!(short["context_token_ids"], json!([256]));
    let empty = &answers("score", &FAKE, &[json!({ "text": "" })])[0];
    assert_eq!((&empty["windows"], &empty["loglikelihood"]), (&json!(0), &json!(0.0)));

    let model = golden("llama3-tied-f32");
    let args = ["--model", &model, "--device", "cpu", "--dtype", "f32"];
    let length = 2 * GOLDEN_CONTEXT + 40;
    let tokens: Vec<u32> = (0..length as u32).map(|at| 3 + at * 7 % 20).collect();
    let lines = answers(
        "score",
        &args,
        &[
            json!({ "token_ids": tokens }),
            // The third window reaches back as far as it can.
            json!({ "context_token_ids": tokens[length - GOLDEN_CONTEXT - 1..length - 40],
                    "continuation_token_ids": tokens[length - 40..] }),
        ],
    );
    assert_eq!(lines[0]["windows"], 3);
    let rolled = numbers(&lines[0]["token_logprobs"]);
    assert_eq!(rolled.len(), length);
    for (a, b) in rolled[length - 40..].iter().zip(numbers(&lines[1]["token_logprobs"])) {
        assert!((a - b).abs() < SAME, "{a} {b}");
    }
    let said = refusal(
        "score",
        &FAKE,
        json!({ "text": "a", "context": "b", "continuation": "c" }),
    );
    assert!(said.contains("has both a pair to score and a whole text"), "{said}");
}

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn score(&self, requests: &str, more: &[&str]) -> Output {
        std::fs::write(self.path("requests"), requests).unwrap();
        Command::new(assert_cmd::cargo::cargo_bin("indieval"))
            .arg("score")
            .arg(self.path("requests"))
            .args(FAKE)
            .arg("--out")
            .arg(self.path("out"))
            .args(more)
            .output()
            .unwrap()
    }

    fn out(&self) -> String {
        std::fs::read_to_string(self.path("out")).unwrap_or_default()
    }
}

const GOOD: &str = r#"{"id": 1, "context": "a", "continuation": "b"}"#;

#[test]
fn a_bad_line_loses_nothing_and_all_of_them_are_named_at_once() {
    let files = Files::new();
    let bad = [r#"{"id": 2, "context": 7, "continuation": "b"}"#, "nonsense"];
    let requests = [GOOD, GOOD, bad[0], GOOD, bad[1], GOOD].join("\n");
    let output = files.score(&requests, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [
        "2 lines cannot be answered",
        "requests:3: `context` is a number",
        "requests:5: is not JSON",
        "hint: ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(objects(&files.out()).len(), 2, "what stands before is written");
    // What is put right is gone on with.
    let output = files.score(&[GOOD; 6].join("\n"), &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(objects(&files.out()).len(), 6);

    let files = Files::new();
    let record = ["--on-error", "record"];
    let output = files.score(&requests, &record);
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let whole = files.out();
    let lines = objects(&whole);
    assert_eq!(lines.len(), 6);
    assert_eq!(
        (&lines[2]["id"], &lines[2]["error"]),
        (&json!(2), &json!("`context` is a number, expected a text"))
    );
    assert_eq!((&lines[4]["line"], &lines[4]["input"]), (&json!(5), &json!("nonsense")));
    assert!([0, 1, 3, 5].iter().all(|&at| lines[at].get("error").is_none()));
    // What was recorded is gone on behind, to the same bytes and the same status.
    let cut = whole.len() * 2 / 3;
    std::fs::write(files.path("out"), &whole.as_bytes()[..cut]).unwrap();
    assert_eq!(files.score(&requests, &record).status.code(), Some(3));
    assert_eq!(files.out(), whole);
}

#[test]
fn a_line_that_does_not_fit_into_memory_loses_nothing() {
    let files = Files::new();
    let long = json!({ "context": "x".repeat(700), "continuation": "b" }).to_string();
    let requests = [GOOD, &long, GOOD].join("\n");
    let small = ["--memory", "38kB"];
    let output = files.score(&requests, &small);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("requests:2: needs "));
    assert_eq!(objects(&files.out()).len(), 1);
    let files = Files::new();
    let output = files.score(&requests, &[&small[..], &["--on-error", "record"]].concat());
    assert_eq!(
        output.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = objects(&files.out());
    assert_eq!(lines.len(), 3);
    assert!(
        lines[1]["error"].as_str().unwrap().starts_with("needs "),
        "{}",
        lines[1]["error"]
    );
}

#[test]
fn a_line_is_generated_as_it_says() {
    let args = [&FAKE[..], &["--max-tokens", "12"]].concat();
    let one = |line: Value| answers("generate", &args, &[line]).remove(0);
    let count = |line: &Value| line["tokens"].as_array().unwrap().len();
    let greedy = one(json!({ "prompt": "abc" }));
    for (name, most) in [
        ("max_tokens", 3),
        ("max_new_tokens", 4),
        ("max_gen_toks", 5),
        ("max_completion_tokens", 6),
    ] {
        let shorter = one(json!({ "prompt": "abc", name: most }));
        assert_eq!((count(&shorter), &shorter["finish"]), (most, &json!("length")));
        assert!(
            greedy["text"]
                .as_str()
                .unwrap()
                .starts_with(shorter["text"].as_str().unwrap())
        );
    }
    // A seed of its own is all that counts, wherever the line stands.
    let warm = json!({ "prompt": "abc", "temperature": 1.0, "seed": 5 });
    let lines = answers(
        "generate",
        &args,
        &[json!({ "prompt": "x" }), warm.clone(), warm.clone()],
    );
    assert_eq!(lines[1]["tokens"], lines[2]["tokens"]);
    assert_eq!(lines[1]["tokens"], one(warm)["tokens"]);
    assert_ne!(lines[1]["tokens"], greedy["tokens"]);
    let other = one(json!({ "prompt": "abc", "temperature": 1.0, "seed": 6 }));
    assert_ne!(lines[1]["tokens"], other["tokens"]);
    for line in [
        json!({ "prompt": "a", "top_k": 5 }),
        json!({ "prompt": "a", "temperature": -1 }),
    ] {
        let said = refusal("generate", &args, line);
        assert!(said.contains("standard input:1: `t"), "{said}");
    }
}

#[test]
fn layers_over_several_devices_answer_as_on_one() {
    let model = golden("gemma3-bf16");
    let scores = [
        json!({"context": "Family is very", "continuation": " important"}),
        json!({"context": "W", "continuation": "ork"}),
    ];
    let texts = [json!({ "prompt": "Family is" }), json!({ "prompt": "Most people" })];
    let of = |device: &str| {
        let args = ["--model", &model, "--dtype", "bf16", "--device", device];
        let generate = [&args[..], &["--max-tokens", "20"]].concat();
        (answers("score", &args, &scores), answers("generate", &generate, &texts))
    };
    assert_eq!(of("cpu,cpu"), of("cpu"));
    let many = refusal(
        "score",
        &["--model", &model, "--device", &["cpu"; 40].join(",")],
        scores[0].clone(),
    );
    assert!(many.contains("name no more devices than it has layers"), "{many}");
}

#[test]
fn a_text_ends_where_a_stop_string_begins() {
    let args = [&FAKE[..], &["--max-tokens", "40"]].concat();
    let greedy = answers("generate", &args, &[json!({ "prompt": "abc" })]).remove(0);
    let ids: Vec<u32> = serde_json::from_value(greedy["tokens"].clone()).unwrap();
    // Two neighbouring printable tokens, each a byte: a string across tokens.
    let printable = |id: &u32| (33..127).contains(id);
    let at = ids
        .windows(2)
        .position(|pair| pair.iter().all(printable))
        .expect("two printable tokens");
    let stop: String = ids[at..at + 2].iter().map(|&id| char::from(id as u8)).collect();
    let whole = greedy["text"].as_str().unwrap();
    for line in [
        json!({ "prompt": "abc", "stop": stop }),
        json!({ "prompt": "abc", "until": ["never", stop] }),
    ] {
        let stopped = answers("generate", &args, &[line]).remove(0);
        assert_eq!(stopped["finish"], "stop");
        assert_eq!(stopped["text"].as_str().unwrap(), &whole[..whole.find(&stop).unwrap()]);
        assert_eq!(
            stopped["tokens"].as_array().unwrap().len(),
            at + 2,
            "no token more is generated"
        );
    }
    let by_flag = answers(
        "generate",
        &[&args[..], &["--stop", &stop]].concat(),
        &[json!({ "prompt": "abc" })],
    );
    assert_eq!(by_flag[0]["finish"], "stop");
}

#[test]
fn temperatures_that_are_none_are_refused_in_the_right_words() {
    for (flag, value, says) in [
        ("--temperature", "nan", "NaN is not a finite number of at least 0"),
        ("--temperature", "inf", "inf is not a finite number of at least 0"),
        ("--temperature", "-1", "-1 is not a finite number of at least 0"),
        ("--top-p", "0", "0 is not a number above 0 and at most 1"),
        ("--top-p", "nan", "NaN is not a number above 0 and at most 1"),
    ] {
        let given = format!("{flag}={value}");
        let output = answer("generate", &["--model", "fake:1", &given], &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(says), "{said}");
    }
}

/// A copy of a golden checkpoint with a chat template.
fn with_template(template: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(golden("llama3-tied-f32")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    std::fs::write(folder.path().join("chat_template.jinja"), template).unwrap();
    folder
}

#[test]
fn a_conversation_may_have_parts_and_an_answer_that_is_continued() {
    let turns = "{% for m in messages %}{{ m.role }} {{ m.content | trim }}</s>{% endfor %}\
                 {% if add_generation_prompt %}assistant {% endif %}";
    let folder = with_template(turns);
    let model = folder.path().to_str().unwrap();
    let args = [
        "--model",
        model,
        "--device",
        "cpu",
        "--dtype",
        "f32",
        "--max-tokens",
        "4",
    ];
    let user = json!({ "role": "user", "content": "the end" });
    let parts = json!({ "role": "user", "content": [{ "type": "text", "text": "the end" }] });
    let begun = |text: &str| json!({ "messages": [user, { "role": "assistant", "content": text }] });
    let lines = answers(
        "generate",
        &args,
        &[
            json!({ "messages": [user] }),
            json!({ "messages": [parts] }),
            json!({ "prompt": "user the end</s>assistant " }),
            begun("the "),
            json!({ "prompt": "user the end</s>assistant the" }),
        ],
    );
    let same = |a: usize, b: usize| {
        (&lines[a]["tokens"], &lines[a]["prompt_tokens"]) == (&lines[b]["tokens"], &lines[b]["prompt_tokens"])
    };
    assert!(same(0, 1) && same(0, 2), "{lines:?}");
    assert!(same(3, 4), "{lines:?}");
}

#[test]
fn hints_are_of_use() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("in.jsonl");
    let hint = |arguments: &[&str], line: &Value| {
        std::fs::write(&file, format!("{line}\n")).expect("writes");
        let output = Command::new(env!("CARGO_BIN_EXE_indieval"))
            .args([arguments, &["--model", "fake:1", "-q", &file.to_string_lossy()]].concat())
            .output()
            .expect("the program starts");
        assert_eq!(output.status.code(), Some(1));
        let kept = std::fs::read_to_string(&file).expect("the questions");
        assert_eq!(kept, format!("{line}\n"), "the questions are as they were");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let pair = json!({"context": "a", "continuation": "b"});
    let said = hint(&["score", "--out", &file.to_string_lossy()], &pair);
    assert!(
        said.contains("is both the input and the output") && said.contains("give another --out"),
        "{said}"
    );
    let said = hint(
        &["generate"],
        &json!({"prompt": "a", "max_tokens": 1_000_000_000_000_000_000_u64}),
    );
    assert!(
        said.contains("ask for fewer tokens") && !said.contains("--truncate"),
        "{said}"
    );
    let said = hint(&["generate"], &json!({"prompt": 7}));
    assert!(said.contains("answers in a file of --out are kept"), "{said}");
}
