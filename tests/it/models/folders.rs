//! Folders of safetensors: every family, and everything wrong with one told at once.

use indieval::model::{AttentionWindow, Checkpoint, Family, Inspection, Markup};
use serde_json::{Value, json};

use super::{GOLDEN, copy_of, golden};
use crate::golden::LATER;

#[test]
fn every_family_opens() {
    let mut families = Vec::new();
    for name in GOLDEN.into_iter().chain(LATER) {
        let checkpoint = Checkpoint::open(&golden(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        families.push(checkpoint.config.family);
        assert_eq!(checkpoint.tokenizer.stop_tokens(), [1], "{name}");
        let special = checkpoint.tokenizer.special_tokens();
        assert_eq!((special.bos_text(), special.eos_text()), ("<s>", "</s>"), "{name}");
        assert_eq!(special.leading, None, "{name}");
        let files: Vec<&str> = checkpoint.identity.iter().map(|file| file.name.as_str()).collect();
        for needed in ["config.json", "tokenizer.json", "tokenizer_config.json"] {
            assert!(files.contains(&needed), "{name}: {files:?}");
        }
        assert_eq!(
            checkpoint
                .identity
                .iter()
                .filter(|file| file.name.ends_with(".safetensors"))
                .count(),
            match name {
                "llama-sharded-bf16" => 3,
                _ => 1,
            }
        );
    }
    families.sort();
    families.dedup();
    assert_eq!(families, Family::ALL);
}

/// A golden checkpoint with other values in one of its JSON files.
fn with(name: &str, file: &str, changes: &[(&str, Value)]) -> tempfile::TempDir {
    let folder = copy_of(name);
    let path = folder.path().join(file);
    let mut json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for (key, value) in changes {
        json[*key] = value.clone();
    }
    std::fs::write(&path, json.to_string()).unwrap();
    folder
}

fn faults(folder: &tempfile::TempDir) -> Vec<String> {
    Inspection::of(folder.path())
        .faults
        .iter()
        .flat_map(|fault| fault.reasons())
        .collect()
}

#[test]
fn a_config_that_does_not_fit_is_refused_for_every_reason_at_once() {
    /// A checkpoint, what is changed in its config, and what has to be said.
    type Case<'a> = (&'a str, &'a [(&'a str, Value)], &'a [&'a str]);
    let cases: [Case<'_>; 11] = [
        (
            "qwen2-tied-bf16",
            &[("model_type", json!("gpt_neox"))],
            &["the model family `gpt_neox` is not supported (supported: llama, mistral, qwen2, qwen3, mixtral, "],
        ),
        (
            "llama3-tied-f32",
            &[("num_key_value_heads", json!(3))],
            &["`num_key_value_heads`: is 3, which does not divide the 4 attention heads"],
        ),
        (
            "llama3-tied-f32",
            &[
                ("hidden_size", json!(-64)),
                ("rms_norm_eps", json!("small")),
                ("vocab_size", json!(null)),
            ],
            &[
                "`hidden_size`: is -64",
                "`rms_norm_eps`: is \"small\"",
                "`vocab_size`: is missing",
            ],
        ),
        (
            "llama3-tied-f32",
            &[("num_hidden_layers", json!(u64::MAX)), ("head_dim", json!(15))],
            &[
                "`num_hidden_layers`: is 18446744073709551615, expected 1 to",
                "`head_dim`: is 15, and rotary positions need an even one",
            ],
        ),
        (
            "llama3-tied-f32",
            &[("rope_scaling", json!({"rope_type": "axial", "factor": 4.0}))],
            &["`rope_scaling`: has the type `axial`; supported are default, linear, dynamic, llama3, yarn, longrope"],
        ),
        (
            "llama3-tied-f32",
            &[("rope_scaling", json!({"rope_type": "llama3", "factor": 8.0}))],
            &["`rope_scaling`: lacks numbers that its type needs"],
        ),
        (
            "qwen3-tied-f32",
            &[("hidden_act", json!("gelu")), ("mlp_bias", json!(true))],
            &["`hidden_act`: is \"gelu\"", "`mlp_bias`: is true"],
        ),
        (
            "llama3-tied-f32",
            &[("quantization_config", json!({"quant_method": "aqlm"}))],
            &["`quantization_config`: asks for weights that `aqlm` quantised"],
        ),
        (
            "mixtral-f32",
            &[("num_experts_per_tok", json!(99))],
            &["`num_experts_per_tok`: is 99, expected 1 to"],
        ),
        (
            "qwen2-tied-bf16",
            &[
                ("use_sliding_window", json!(true)),
                ("sliding_window", json!(16)),
                ("max_window_layers", json!(1)),
                ("layer_types", json!(null)),
            ],
            &["`max_window_layers`: is 1 of 2 layers: a window in some layers only is not supported"],
        ),
        (
            "qwen2-tied-bf16",
            &[
                ("sliding_window", json!(16)),
                ("layer_types", json!(["full_attention", "sliding_attention"])),
            ],
            &["`layer_types`: has 1 sliding and 1 full of 2 layers"],
        ),
    ];
    for (name, changes, expected) in cases {
        let found = faults(&with(name, "config.json", changes));
        for part in expected {
            assert!(
                found.iter().any(|fault| fault.contains(part)),
                "{part} is not in {found:?}"
            );
        }
    }
}

#[test]
fn windows_that_all_layers_share_are_understood() {
    let window = |changes: &[(&str, Value)]| {
        let folder = with("qwen2-tied-bf16", "config.json", changes);
        Inspection::of(folder.path())
            .config
            .unwrap()
            .window
            .map(AttentionWindow::size)
    };
    let on = ("use_sliding_window", json!(true));
    let size = ("sliding_window", json!(16));
    assert_eq!(
        window(&[
            size.clone(),
            ("use_sliding_window", json!(false)),
            ("layer_types", json!(null))
        ]),
        None
    );
    assert_eq!(
        window(&[
            on.clone(),
            size.clone(),
            ("max_window_layers", json!(0)),
            ("layer_types", json!(null))
        ]),
        Some(16)
    );
    assert_eq!(
        window(&[
            on.clone(),
            size.clone(),
            ("max_window_layers", json!(2)),
            ("layer_types", json!(null))
        ]),
        None
    );
    let all = json!(["sliding_attention", "sliding_attention"]);
    assert_eq!(window(&[on, size, ("layer_types", all)]), Some(16));
}

#[test]
fn a_folder_without_its_files_names_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let found = faults(&folder);
    for part in [
        "has no config.json",
        "has neither model.safetensors nor",
        "has no tokenizer.json",
    ] {
        assert!(
            found.iter().any(|fault| fault.contains(part)),
            "{part} is not in {found:?}"
        );
    }
}

#[test]
fn a_tensor_without_a_place_would_change_results_and_is_refused() {
    let folder = with("qwen2-tied-bf16", "config.json", &[("model_type", json!("llama"))]);
    let found = faults(&folder);
    assert!(
        found.contains(
            &"tensor `model.layers.0.self_attn.q_proj.bias` has no place in what the configuration says".to_owned()
        ),
        "{found:?}"
    );
}

#[test]
fn settings_beside_the_tokenizer_count() {
    let changes = [(
        "chat_template",
        json!([{"name": "tool", "template": "no"}, {"name": "default", "template": "yes"}]),
    )];
    let folder = with("llama3-tied-f32", "tokenizer_config.json", &changes);
    std::fs::write(
        folder.path().join("generation_config.json"),
        r#"{"eos_token_id": [1, 77]}"#,
    )
    .unwrap();
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(checkpoint.tokenizer.stop_tokens(), [1, 77]);
    assert_eq!(checkpoint.chat_template.as_deref(), Some("yes"));
    std::fs::write(folder.path().join("chat_template.jinja"), "file").unwrap();
    assert_eq!(
        Checkpoint::open(folder.path()).unwrap().chat_template.as_deref(),
        Some("file")
    );
}

#[test]
fn a_token_that_the_post_processor_puts_first_leads_every_text() {
    let template = json!({
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}},
    });
    let folder = with("llama3-tied-f32", "tokenizer.json", &[("post_processor", template)]);
    let path = folder.path().join("tokenizer_config.json");
    std::fs::write(&path, r#"{"bos_token": "<s>", "eos_token": {"content": "</s>"}}"#).unwrap();
    let tokenizer = Checkpoint::open(folder.path()).unwrap().tokenizer;
    let special = tokenizer.special_tokens();
    assert_eq!(
        (special.leading, special.bos_text(), special.eos_text()),
        (Some(0), "<s>", "</s>")
    );
    let bare = tokenizer.encode("ab").unwrap();
    assert!(!bare.contains(&0));
    let led = [&[0], bare.as_slice()].concat();
    assert_eq!(tokenizer.encode_whole("ab", Markup::Text).unwrap(), led);
    // Never twice, and in a chat only where the template writes it.
    assert_eq!(tokenizer.encode_whole("<s>ab", Markup::Control).unwrap(), led);
    assert_eq!(tokenizer.encode_whole("<s>ab", Markup::Chat).unwrap(), led);
    assert_eq!(tokenizer.encode_whole("ab", Markup::Chat).unwrap(), bare);
    assert_eq!(tokenizer.notes(), [""; 0]);
    std::fs::write(&path, r#"{"bos_token": "<s>", "add_bos_token": false}"#).unwrap();
    let tokenizer = Checkpoint::open(folder.path()).unwrap().tokenizer;
    assert_eq!(tokenizer.special_tokens().leading, Some(0), "as in transformers 5");
    assert!(
        tokenizer.notes()[0].contains("`add_bos_token: false`"),
        "{:?}",
        tokenizer.notes()
    );
}

#[test]
fn a_tokenizer_larger_than_the_embedding_is_refused() {
    let folder = with("llama3-tied-f32", "config.json", &[("vocab_size", json!(100))]);
    let found = faults(&folder);
    assert!(
        found
            .iter()
            .any(|fault| fault.contains("has ids up to 127, and the model's embedding 100 rows")),
        "{found:?}"
    );
}
