//! `indieval score` and `indieval generate`, with the deterministic fake and with a tiny checkpoint.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

fn indieval(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("indieval").expect("the program");
    command.args(args);
    command
}

fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    path.display().to_string()
}

/// 2,300 requests (more than two windows) that share what they can in an order that shares nothing.
fn requests() -> String {
    let mut lines = String::new();
    for number in 0..2300u64 {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let context = ["", "One person said: ", "Once upon a time there was "][mixed as usize % 3];
        let request = serde_json::json!({
            "doc_id": number, "x": 1.5, "context": format!("{context}{}", mixed % 7), "continuation": format!(" {}", mixed % 5),
        });
        lines.push_str(&format!("{request}\n"));
        if number % 700 == 3 {
            lines.push('\n');
        }
    }
    lines
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a file");
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn objects(jsonl: &str) -> Vec<Value> {
    jsonl
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn failure(command: &mut Command) -> String {
    let output = command.output().expect("output");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn lines_come_back_in_order_with_their_scores() {
    let folder = Folder::new();
    let (requests, out) = (folder.write("requests", &requests()), folder.path("out"));
    let done = indieval(&["score", text(&requests), "--model", "fake:3", "--out", text(&out)])
        .assert()
        .success();
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(
        said.contains("2,300 lines") && said.contains("without sharing"),
        "{said}"
    );
    let scored = objects(&fs::read_to_string(&out).expect("answers"));
    assert_eq!(scored.len(), 2300);
    for (number, line) in scored.iter().enumerate() {
        assert_eq!(
            (line["doc_id"].as_u64(), line["x"].as_f64()),
            (Some(number as u64), Some(1.5))
        );
        let context = line["context"].as_str().expect("a text");
        let ids: Vec<u64> = std::iter::once(256).chain(context.bytes().map(u64::from)).collect();
        assert_eq!(line["context_token_ids"], serde_json::json!(ids));
        assert_eq!(line["continuation_token_ids"].as_array().map(Vec::len), Some(2));
        let logprobs: Vec<f64> = serde_json::from_value(line["token_logprobs"].clone()).expect("numbers");
        let sum = line["loglikelihood"].as_f64().expect("a number");
        assert!((logprobs.iter().sum::<f64>() - sum).abs() < 1e-5 && sum < 0.0);
        assert!(line["is_greedy"].is_boolean());
    }
    // The same request gives the same numbers wherever it stands.
    for (a, b) in [(0, 1), (5, 1200), (9, 2299)] {
        let pair = [&scored[a], &scored[b]].map(|line| {
            let request = serde_json::json!({ "context": line["context"], "continuation": line["continuation"] });
            indieval(&["score", "-", "--model", "fake:3", "-q"])
                .write_stdin(request.to_string())
                .output()
        });
        for (alone, line) in pair.into_iter().zip([a, b]) {
            let alone = objects(&String::from_utf8_lossy(&alone.expect("output").stdout));
            assert_eq!(alone[0]["token_logprobs"], scored[line]["token_logprobs"]);
        }
    }
}

#[test]
fn what_was_begun_is_continued_to_the_same_bytes() {
    let folder = Folder::new();
    for (command, requests) in [
        ("score", requests()),
        (
            "generate",
            requests()
                .replace("\"context\"", "\"prompt\"")
                .lines()
                .take(1300)
                .collect::<Vec<_>>()
                .join("\n"),
        ),
    ] {
        let (requests, whole, begun) = (
            folder.write("requests", &requests),
            folder.path("whole"),
            folder.path("begun"),
        );
        let run = |out: &Path, model: &str| {
            let mut args = vec![command, text(&requests), "--model", model, "-q", "--out", text(out)];
            args.extend(
                (command == "generate")
                    .then_some(["--max-tokens", "3"])
                    .into_iter()
                    .flatten(),
            );
            indieval(&args)
        };
        let _ = fs::remove_file(&whole);
        run(&whole, "fake:3").assert().success().stdout("").stderr("");
        let bytes = fs::read(&whole).expect("answers");
        for cut in [0, 1, 77, bytes.len() / 2, bytes.len() - 1, bytes.len()] {
            fs::write(&begun, &bytes[..cut]).expect("a file");
            run(&begun, "fake:3").assert().success();
            assert!(
                fs::read(&begun).expect("answers") == bytes,
                "cut after {cut} bytes of {command}"
            );
        }
        let half = &bytes[..bytes.len() / 2];
        fs::write(&begun, half).expect("a file");
        let held = fs::File::open(&begun).expect("a file");
        held.lock().expect("the lock another writer would hold");
        let said = failure(&mut run(&begun, "fake:3"));
        assert!(said.contains("another indieval is writing it"), "{said}");
        drop(held);
        let said = failure(&mut run(&begun, "fake:4"));
        assert!(said.contains("another model") && said.contains("hint: "), "{said}");
        assert_eq!(
            fs::read(&begun).expect("answers"),
            half,
            "what is refused is not touched"
        );
        fs::write(&begun, "{\"doc_id\":0}\n").expect("a file");
        let said = failure(&mut run(&begun, "fake:3"));
        assert!(
            said.contains("begun:1: this is no answer to ") && said.contains("requests:1"),
            "{said}"
        );
        fs::write(&begun, [&bytes[..], b"{}\n"].concat()).expect("a file");
        assert!(failure(&mut run(&begun, "fake:3")).contains("more lines"));
    }
}

#[test]
fn bad_lines_are_named() {
    let good = r#"{"context": "a", "continuation": "b"}"#;
    for (bad, says) in [
        ("nonsense", "standard input:2: is no JSON"),
        ("[1]", "standard input:2: is a list, expected an object"),
        (r#"{"context": "a"}"#, "standard input:2: `continuation` is missing"),
        (
            r#"{"context": 7, "continuation": "b"}"#,
            "standard input:2: `context` is a number, expected a text",
        ),
    ] {
        let said =
            failure(indieval(&["score", "-", "--model", "fake:1", "-q"]).write_stdin(format!("{good}\n{bad}\n")));
        assert!(said.contains(says) && said.contains("hint: "), "{said}");
    }
    for (bad, says) in [
        ("{}", "has neither `prompt` nor `messages`"),
        (r#"{"prompt": "a", "messages": []}"#, "has both"),
        (
            r#"{"messages": [{"role": "user", "content": "hi"}]}"#,
            "no chat template",
        ),
        (r#"{"messages": "hi"}"#, "no list of role and content"),
    ] {
        let said = failure(indieval(&["generate", "-", "--model", "fake:1", "-q"]).write_stdin(bad));
        assert!(said.contains("standard input:1: ") && said.contains(says), "{said}");
    }
    let said = failure(&mut indieval(&["score", "no/such/file", "--model", "fake:1"]));
    assert!(said.contains("no/such/file: cannot be read"), "{said}");
    let long = serde_json::json!({ "context": "a".repeat(140_000), "continuation": "b" }).to_string();
    let said = failure(indieval(&["score", "-", "--model", "fake:1", "-q"]).write_stdin(long));
    assert!(
        said.contains("standard input:1: 140002 tokens are more than the model's context of 131072"),
        "{said}"
    );
}

#[test]
fn generations_follow_their_seed() {
    let prompts = "{\"prompt\": \"a\"}\n{\"prompt\": \"a\"}\n";
    let run = |more: &[&str]| {
        let mut args = vec!["generate", "-", "--model", "fake:1", "-q", "--max-tokens", "12"];
        args.extend(more);
        let output = indieval(&args).write_stdin(prompts).output().expect("output");
        assert!(output.status.success());
        objects(&String::from_utf8(output.stdout).expect("text"))
    };
    let greedy = run(&[]);
    assert_eq!(greedy[0]["tokens"], greedy[1]["tokens"]);
    assert!(["stop", "length"].contains(&greedy[0]["finish"].as_str().expect("a reason")));
    assert_eq!(
        greedy[0]["logprobs"].as_array().map(Vec::len),
        greedy[0]["tokens"].as_array().map(Vec::len)
    );
    let sampled = run(&["--temperature", "1", "--seed", "5"]);
    assert_ne!(sampled[0]["tokens"], sampled[1]["tokens"]);
    assert_eq!(sampled, run(&["--temperature", "1", "--seed", "5"]));
    assert_ne!(sampled, run(&["--temperature", "1", "--seed", "6"]));
}

/// Scores of a real decoder do not depend on what is computed beside them. The tolerance is that of f32 sums of some
/// hundred terms in another order.
#[test]
fn a_checkpoint_gives_the_same_scores_shared_and_alone() {
    const TOLERANCE: f64 = 2e-5;
    for name in ["llama3-tied-f32", "mixtral-f32", "qwen3-tied-f32"] {
        let model = golden(name);
        let start = "the people of the town said that they would ";
        let requests: Vec<String> = (0..24)
            .map(|n| {
                let context = format!("{start}{}", ["", "go home and ", "not say that the "][n % 3]);
                let continuation = ["a", "the other", " one", "", "there"][n % 5];
                serde_json::json!({ "context": context, "continuation": continuation }).to_string()
            })
            .chain([r#"{"context": "", "continuation": "the end"}"#.to_owned()])
            .collect();
        let run = |requests: &str| {
            let mut command = indieval(&[
                "score", "-", "--model", &model, "--dtype", "f32", "--device", "cpu", "-q",
            ]);
            let output = command.write_stdin(requests.to_owned()).output().expect("output");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            objects(&String::from_utf8(output.stdout).expect("text"))
        };
        let together = run(&requests.join("\n"));
        assert_eq!(together.len(), 25);
        for number in [0, 1, 2, 7, 13, 24] {
            let alone = &run(&requests[number])[0];
            let line = &together[number];
            assert_eq!(line["continuation_token_ids"], alone["continuation_token_ids"]);
            let numbers =
                |line: &Value| -> Vec<f64> { serde_json::from_value(line["token_logprobs"].clone()).expect("numbers") };
            for (a, b) in numbers(line).into_iter().zip(numbers(alone)) {
                assert!((a - b).abs() <= TOLERANCE, "{name}, line {number}: {a} and {b}");
            }
        }
    }
}
