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

/// Tokens of `requests` in windows.
const WHOLE_WINDOWS: u64 = 1_071;

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

/// Tokens that the last line of the progress speaks of.
fn tokens_computed(said: &str) -> u64 {
    let before = said.split(" tokens computed").next().expect("a number");
    let number = before.rsplit(' ').next().expect("a number").replace(',', "");
    number.parse().expect("a number")
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
    // What whole windows took when each was one group.
    assert!(tokens_computed(&said) <= WHOLE_WINDOWS, "{said}");
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
            said.contains("begun:1: this is not an answer to ") && said.contains("requests:1"),
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
        ("nonsense", "standard input:2: is not JSON"),
        ("[1]", "standard input:2: is a list, expected an object"),
        (r#"{"context": "a"}"#, "standard input:2: `continuation` is missing"),
        (
            r#"{"context": 7, "continuation": "b"}"#,
            "standard input:2: `context` is a number, expected a text",
        ),
        (
            r#"{"context": [1, 2], "continuation": [3]}"#,
            "standard input:2: `context` is a list, expected a text (token ids are `context_token_ids`)",
        ),
        (
            r#"{"text": [1, 2]}"#,
            "standard input:2: `text` is a list, expected a text (token ids are `token_ids`)",
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
        (r#"{"messages": "hi"}"#, "expected a list of role and content"),
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

/// 300 people of three towns, three questions each: groups below held runs below a held run, with numbers of a real
/// decoder, whose last bits depend on what is computed together and on where it lies in memory.
fn people() -> String {
    let words = [
        "the", "town", "said", "that", "they", "would", "go", "home", "and", "not", "say", "people",
    ];
    let mut state = 1u64;
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        words[(state >> 33) as usize % words.len()]
    };
    let mut lines = Vec::new();
    for person in 0..300 {
        let town = ["go home and ", "not say that ", "people would "][person / 100];
        let about: Vec<&str> = (0..14).map(|_| word()).collect();
        for question in ["they ", "", "the people "] {
            let context = format!("the people of the town {town}{} {question}", about.join(" "));
            let continuation = word();
            lines.push(serde_json::json!({ "context": context, "continuation": continuation }).to_string());
        }
    }
    lines.join("\n")
}

#[test]
fn a_checkpoint_goes_on_to_the_same_bytes_wherever_it_was_cut() {
    let folder = Folder::new();
    let model = golden("llama3-tied-f32");
    let (requests, whole, begun) = (
        folder.write("requests", &people()),
        folder.path("whole"),
        folder.path("begun"),
    );
    let score = |out: &Path| {
        indieval(&[
            "score",
            text(&requests),
            "--model",
            &model,
            "--dtype",
            "f32",
            "--device",
            "cpu",
            "--out",
            text(out),
        ])
    };
    let done = score(&whole).assert().success();
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(tokens_computed(&said) > 2 * 4096, "more than two groups: {said}");
    let bytes = fs::read(&whole).expect("answers");
    fs::copy(folder.path("whole.meta.json"), folder.path("begun.meta.json")).expect("a copy");
    let ends: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at] == b'\n').collect();
    for line in [0, 5, 290, 302, 450, 640, 897] {
        fs::write(&begun, &bytes[..ends[line] + 3.min(bytes.len() - ends[line])]).expect("a file");
        score(&begun).assert().success();
        assert!(fs::read(&begun).expect("answers") == bytes, "cut after line {line}");
    }
}

/// A line of about three times so many tokens, which shares nothing with others.
fn long_line(number: usize, words: usize) -> String {
    let context = format!("{number} {}", "so ".repeat(words));
    serde_json::json!({ "context": context, "continuation": "it is" }).to_string()
}

#[test]
fn answers_are_written_before_the_window_is_over() {
    let folder = Folder::new();
    // Whether the last line fits is found out when it is its turn.
    let lines = [1500, 1500, 1500, 4000].map(|words| long_line(words, words)).join("\n");
    let (requests, out) = (folder.write("requests", &lines), folder.path("out"));
    let args = [
        "score",
        text(&requests),
        "--model",
        "fake:1",
        "--memory",
        "576kB",
        "--out",
        text(&out),
    ];
    let said = failure(&mut indieval(&args));
    assert!(said.contains("requests:4: needs "), "{said}");
    assert_eq!(objects(&fs::read_to_string(&out).expect("answers")).len(), 3);
}

/// Who writes a line and waits gets its answer, though the input goes on.
#[test]
fn a_line_is_answered_while_the_input_stays_open() {
    use std::io::{BufRead, BufReader, Write};
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("indieval"))
        .args(["score", "-", "--model", "fake:1", "-q"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program");
    let mut input = child.stdin.take().expect("a pipe");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    for word in ["one", "two"] {
        let line = serde_json::json!({ "context": word, "continuation": " more" });
        writeln!(input, "{line}").expect("a line");
        let mut answer = String::new();
        output.read_line(&mut answer).expect("an answer");
        assert_eq!(objects(&answer)[0]["context"], word);
    }
    drop(input);
    assert!(child.wait().expect("an end").success());
}

#[test]
fn who_stops_listening_ends_it_quietly() {
    use std::io::{BufRead, BufReader};
    let folder = Folder::new();
    let lines: Vec<String> = (0..40).map(|number| long_line(number, 3000)).collect();
    let requests = folder.write("requests", &lines.join("\n"));
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("indieval"))
        .args(["score", text(&requests), "--model", "fake:1", "-q"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program");
    // A pipe holds less than the answers, so that the program cannot end before it is closed.
    let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut first = String::new();
    reader.read_line(&mut first).expect("a line");
    assert_eq!(objects(&first)[0]["continuation"], "it is");
    drop(reader);
    let ended = child.wait_with_output().expect("an end");
    assert_eq!(
        (ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()),
        (Some(0), "")
    );
}

#[test]
fn nothing_else_goes_on_with_what_was_begun() {
    let folder = Folder::new();
    let requests = folder.write(
        "requests",
        "{\"context\": \"a\", \"continuation\": \"\"}\n{\"context\": \"a\", \"continuation\": \"b\"}\n",
    );
    let (prompts, out) = (
        folder.write("prompts", "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n"),
        folder.path("out"),
    );
    let score = |more: &[&str]| {
        let mut args = vec!["score", text(&requests), "-q", "--out", text(&out)];
        args.extend(more);
        indieval(&args)
    };
    score(&["--model", "fake:1"]).assert().success();
    let whole = fs::read_to_string(&out).expect("answers");
    assert!(
        whole.contains("\"loglikelihood\":0.0") && !whole.contains("-0.0"),
        "{whole}"
    );
    let first = whole.lines().next().expect("a line").to_owned() + "\n";
    fs::write(&out, &first).expect("a file");
    for (more, says) in [
        (&["--model", "fake:2"][..], "weights (fake:1 there, fake:2 here)"),
        (
            &["--model", "fake:1", "--control-tokens", "text"],
            "control tokens (read there, text here)",
        ),
    ] {
        let said = failure(&mut score(more));
        assert!(said.contains(says) && said.contains("hint: "), "{said}");
        assert_eq!(fs::read_to_string(&out).expect("answers"), first);
    }
    let beside = folder.path("out.meta.json");
    let kept = fs::read(&beside).expect("what it was begun with");
    fs::remove_file(&beside).expect("removed");
    let said = failure(&mut score(&["--model", "fake:1"]));
    assert!(
        said.contains("cannot be continued without") && said.contains("out.meta.json"),
        "{said}"
    );
    fs::write(&beside, kept).expect("a file");
    score(&["--model", "fake:1"]).assert().success();
    assert_eq!(fs::read_to_string(&out).expect("answers"), whole);

    let model = golden("llama3-tied-f32");
    fs::remove_file(&out).expect("removed");
    let generate = |more: &[&str]| {
        let mut args = vec![
            "generate",
            text(&prompts),
            "-q",
            "--model",
            &model,
            "--device",
            "cpu",
            "--out",
            text(&out),
        ];
        args.extend(["--max-tokens", "3"]);
        args.extend(more);
        indieval(&args)
    };
    generate(&["--dtype", "f32"]).assert().success();
    let said = failure(&mut generate(&["--dtype", "bf16", "--seed", "9", "--top-p", "0.5"]));
    for says in [
        "dtype (f32 there, bf16 here)",
        "seed (0 there, 9 here)",
        "top p (1.0 there, 0.5 here)",
    ] {
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_line_that_does_not_fit_is_named() {
    let long = serde_json::json!({ "context": "a".repeat(700), "continuation": "b" }).to_string();
    let prompt = long.replace("context", "prompt");
    for (command, line) in [("score", long), ("generate", prompt)] {
        let lines = format!("{}\n{line}\n", line.replace("aaa", ""));
        let args = [command, "-", "--model", "fake:1", "-q", "--memory", "38kB"];
        let said = failure(indieval(&args).write_stdin(lines));
        assert!(
            said.contains("standard input:2: needs ") && said.contains("shorten the line"),
            "{said}"
        );
    }
}

/// A tiny tokenizer has no token for what it has never seen: the unknown character's line is named, wherever it is.
#[test]
fn an_unknown_character_is_named_with_its_line() {
    let model = golden("llama3-tied-f32");
    for before in [1, 30] {
        let mut lines = "{\"context\": \"the\", \"continuation\": \" end\"}\n".repeat(before);
        lines.push_str("{\"context\": \"the \u{1F600}\", \"continuation\": \" end\"}\n");
        let args = ["score", "-", "--model", &model, "--device", "cpu", "-q"];
        let said = failure(indieval(&args).write_stdin(lines));
        assert!(said.contains(&format!("standard input:{}: ", before + 1)), "{said}");
    }
}
