//! Runs with models that think: what methods ask, what is recorded, and that nothing else can be added.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::forge::FILES;
use crate::run::{finish, run};

/// A tiny checkpoint with the template of Qwen3; its tokenizer has no tokens of its own for what the template writes.
fn model(folder: &Path) -> String {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let model = folder.join("model");
    std::fs::create_dir(&model).expect("a folder");
    for file in std::fs::read_dir(golden.join("qwen3-tied-f32")).expect("goldens") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), model.join(file.file_name())).expect("a copy");
    }
    let template = golden.join("thinking/qwen3.jinja");
    std::fs::copy(template, model.join("chat_template.jinja")).expect("a template");
    let config = std::fs::read(model.join("config.json")).expect("a config");
    let mut config: Value = serde_json::from_slice(&config).expect("JSON");
    config["max_position_embeddings"] = 2048.into();
    std::fs::write(model.join("config.json"), config.to_string()).expect("a config");
    model.display().to_string()
}

const ASKED: [&str; 12] = [
    "--demonstrations",
    "0",
    "--methods",
    "generation",
    "--orders",
    "1",
    "--retries",
    "0",
    "--system",
    "Be this person.",
    "--thinking-tokens",
    "6",
];

fn said(command: &mut Command) -> (bool, String) {
    let output = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said)
}

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_indieval"));
    command.args(args);
    command
}

/// The texts that were generated.
fn tries(out: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(out.join("evidence-generation.jsonl")).expect("evidence");
    let tries = text.lines().flat_map(|line| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        line["tries"].as_array().cloned().expect("tries")
    });
    tries.collect()
}

#[test]
fn thoughts_are_cut_at_their_budget_recorded_and_verified_in_one_piece_and_in_shards() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = model(folder.path());
    let out = |name: &str| folder.path().join(name);
    finish(run(&model, &out("whole"), &[&ASKED[..], &["--constrained"]].concat()));
    let tries = tries(&out("whole"));
    assert!(tries.len() > 50);
    for one in &tries {
        let thoughts = &one["thoughts"];
        let before = thoughts["tokens"].as_u64().expect("a number") as usize;
        let all = one["tokens"].as_array().expect("tokens").len();
        assert!(before < all && all == one["logprobs"].as_array().expect("numbers").len());
        // Random weights end no thoughts: 6 tokens of them, then what closes them, then a letter.
        assert_eq!(thoughts["cut"], true, "{one}");
        assert!(before > 6 && one["finish"] == "complete", "{one}");
        assert!(one["text"].as_str().is_some_and(|text| text.len() == 1), "{one}");
        assert!(!thoughts["text"].as_str().expect("a text").contains("</think>"));
    }
    for shard in ["1/2", "2/2"] {
        finish(run(
            &model,
            &out("parts"),
            &[&ASKED[..], &["--constrained", "--shard", shard]].concat(),
        ));
    }
    let (merged, words) = said(program(&["merge"]).arg(out("parts")));
    assert!(merged, "{words}");
    for name in FILES.iter().copied().chain(["run.json", "people.json"]) {
        let read = |of: &str| std::fs::read(out(of).join(name)).unwrap_or_default();
        assert!(read("whole") == read("parts"), "{name} differs");
    }
    let (same, words) = said(program(&["verify", "-n", "0"]).arg(out("whole")));
    assert!(same, "{words}");
    let (same, words) = said(program(&["verify", "-n", "6", "--model", &model]).arg(out("whole")));
    assert!(same && words.contains("(tolerance 0)"), "{words}");
    let other = [
        &ASKED[..9],
        &["Be somebody else.", "--thinking-tokens", "6", "--constrained"],
    ]
    .concat();
    let (taken, words) = said(&mut run(&model, &out("whole"), &other));
    assert!(!taken && words.contains("spec.chat.system"), "{words}");
}

#[test]
fn what_nobody_would_hear_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = model(folder.path());
    let out = folder.path().join("run");
    for (more, says) in [
        (
            &["--methods", "label", "--thinking-tokens", "6"][..],
            "no method has answers written",
        ),
        (
            &["--methods", "generation", "--thinking-tokens", "6", "--chat", "none"],
            "asks in plain text",
        ),
        (
            &["--methods", "label", "--system", "x", "--chat", "none"],
            "the spec has [chat]",
        ),
        (
            &["--methods", "label", "--chat-kwargs", r#"{"messages": []}"#],
            "by the program itself",
        ),
    ] {
        let (taken, words) = said(&mut run(&model, &out, more));
        assert!(!taken && words.contains(says), "{words}");
    }
    let (taken, words) = said(&mut run(
        "fake:1",
        &out,
        &["--methods", "generation", "--thinking-tokens", "6"],
    ));
    assert!(!taken && words.contains("the model has no chat template"), "{words}");
}
