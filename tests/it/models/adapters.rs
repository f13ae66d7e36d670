//! LoRA adapters merged into checkpoints: against peft, in every placement, and refused where they do not fit.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use candle_core::quantized::GgmlDType;
use candle_core::{DType, Device, Tensor};
use indieval::model::decoder::{Decoder, Placement};
use indieval::model::kernels::Kernels;
use indieval::model::{Checkpoint, Engine, EngineSettings, LoadError};
use serde_json::Value;

use super::gguf_writer::converted;
use super::{copy_of, golden};
use crate::run::{finish, run};

/// Most that a logit may differ from peft's, which computes in f32 too, but beside the weights.
const LOGITS: f32 = 1e-4;

/// Adapters of tests/golden/adapters and their bases; scripts/make_adapter_goldens.py says what each is about.
const ADAPTERS: [(&str, &str); 7] = [
    ("qwen2-patterns", "qwen2-tied-bf16"),
    ("llama-rslora", "llama-sharded-bf16"),
    ("llama-tied-embedding", "llama3-tied-f32"),
    ("llama-tied-head", "llama3-tied-f32"),
    ("mistral-saved", "mistral-window-f16"),
    ("qwen3-tied-saved", "qwen3-tied-f32"),
    ("qwen2-biases", "qwen2-tied-bf16"),
];

fn adapter(name: &str) -> PathBuf {
    golden("adapters").join(name)
}

/// A copy of an adapter that a test may spoil.
fn copy_of_adapter(name: &str) -> tempfile::TempDir {
    copy_of(&format!("adapters/{name}"))
}

/// An adapter's settings with one key changed.
fn with_setting(name: &str, key: &str, value: Value) -> tempfile::TempDir {
    let folder = copy_of_adapter(name);
    let path = folder.path().join("adapter_config.json");
    let mut settings: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    settings[key] = value;
    std::fs::write(&path, settings.to_string()).unwrap();
    folder
}

fn engine(checkpoint: &Checkpoint, placement: Placement) -> Engine {
    let kernels = Kernels::new(&Device::Cpu, DType::F32).unwrap();
    let decoder = Decoder::load(&checkpoint.config, &checkpoint.weights, &kernels, placement).unwrap();
    Engine::new(decoder, &EngineSettings::default())
}

fn refused(base: &str, adapter: &Path) -> LoadError {
    let refused = Checkpoint::open_adapted(&golden(base), adapter).err();
    refused.unwrap_or_else(|| panic!("{} was accepted", adapter.display()))
}

#[test]
fn merged_adapters_equal_peft_beside_the_weights_and_merged_into_them() {
    for (name, base) in ADAPTERS {
        let checkpoint =
            Checkpoint::open_adapted(&golden(base), &adapter(name)).unwrap_or_else(|error| panic!("{error}"));
        let golden = candle_core::safetensors::load(adapter(name).join("golden.safetensors"), &Device::Cpu).unwrap();
        let ids = golden["ids"].to_vec1::<u32>().unwrap();
        let logits = engine(&checkpoint, Placement::Resident).logits(&ids).unwrap();
        for (kind, expected) in ["beside", "merged"]
            .iter()
            .filter_map(|kind| Some((kind, golden.get(*kind)?)))
        {
            let off = (&logits - expected).unwrap().abs().unwrap().max_all().unwrap();
            let off = off.to_scalar::<f32>().unwrap();
            assert!(off <= LOGITS, "{name}, {kind}: {off}");
        }
        let bits = |logits: &Tensor| -> Vec<u32> {
            let all = logits.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            all.into_iter().map(f32::to_bits).collect()
        };
        for placement in [Placement::Streamed, Placement::Blocks] {
            let other = engine(&checkpoint, placement).logits(&ids).unwrap();
            assert!(bits(&other) == bits(&logits), "{name}, {placement:?}");
        }
    }
}

#[test]
fn a_gguf_base_is_adapted_as_its_safetensors_are_and_blocks_that_are_kept_stay_blocks() {
    let folder = tempfile::tempdir().unwrap();
    for (name, base) in [
        ("mistral-saved", "mistral-window-f16"),
        ("qwen2-patterns", "qwen2-tied-bf16"),
    ] {
        let plain = Checkpoint::open(&golden(base)).unwrap();
        let logits = |kind, placement| {
            let path = folder.path().join(format!("{base}-{kind:?}.gguf"));
            converted(&plain.config, &*plain.weights, kind).write(&path);
            let checkpoint = Checkpoint::open_adapted(&path, &adapter(name)).unwrap_or_else(|error| panic!("{error}"));
            let golden =
                candle_core::safetensors::load(adapter(name).join("golden.safetensors"), &Device::Cpu).unwrap();
            let mut engine = engine(&checkpoint, placement);
            let logits = engine.logits(&golden["ids"].to_vec1::<u32>().unwrap()).unwrap();
            let off = (&logits - &golden["beside"]).unwrap().abs().unwrap().max_all().unwrap();
            let size = engine.info().size.bytes;
            (
                off.to_scalar::<f32>().unwrap(),
                logits.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
                size,
            )
        };
        let (off, ..) = logits(GgmlDType::F32, Placement::Resident);
        assert!(off <= LOGITS, "{name}: {off}");
        if base == "mistral-window-f16" {
            // Its rows are not whole blocks.
            continue;
        }
        let (_, resident, much) = logits(GgmlDType::Q8_0, Placement::Resident);
        let (_, kept, little) = logits(GgmlDType::Q8_0, Placement::Blocks);
        assert!(resident == kept, "{name}");
        assert!(2 * little < much, "{name}: {little} {much}");
    }
}

#[test]
fn what_does_not_fit_is_named_tensor_by_tensor_with_the_base_that_it_was_trained_on() {
    let error = refused("llama-sharded-bf16", &adapter("llama-tied-head"));
    let reasons = error.reasons();
    let said = |part: &str| {
        assert!(
            reasons.iter().any(|reason| reason.contains(part)),
            "{part}: {reasons:?}"
        )
    };
    said("`base_model.model.lm_head.lora_A.weight` has the shape [3, 64], expected [3, 96]");
    said("`base_model.model.model.layers.1.mlp.down_proj.lora_A.weight` is for `model.layers.1.mlp.down_proj.weight`");
    let hint = error.hint().unwrap();
    assert!(hint.contains("`llama3-tied-f32`"), "{hint}");
    // The other way around there is a layer without matrices.
    let error = refused("llama3-tied-f32", &adapter("llama-rslora"));
    let absent = "has no matrices for `model.layers.1.self_attn.q_proj`";
    assert!(error.reasons().iter().any(|reason| reason.contains(absent)), "{error}");
    let other_rank = with_setting("qwen2-patterns", "r", Value::from(5));
    let error = refused("qwen2-tied-bf16", other_rank.path());
    assert!(error.to_string().contains("expected [5, "), "{error}");
}

#[test]
fn what_cannot_be_merged_is_refused_by_name_with_the_line_that_merges_it() {
    let base = "qwen2-tied-bf16";
    for (key, value, said) in [
        ("use_dora", Value::Bool(true), "DoRA"),
        ("peft_type", Value::from("LOHA"), "`LOHA`"),
        ("init_lora_weights", Value::from("pissa"), "`pissa`"),
        (
            "trainable_token_indices",
            serde_json::json!([1]),
            "trainable_token_indices",
        ),
    ] {
        let folder = with_setting("qwen2-patterns", key, value);
        let error = refused(base, folder.path());
        assert!(error.to_string().contains(said), "{error}");
        assert!(error.hint().unwrap().contains("merge_and_unload()"), "{error}");
    }
    let pickled = copy_of_adapter("qwen2-patterns");
    let file = |name: &str| pickled.path().join(name);
    std::fs::rename(file("adapter_model.safetensors"), file("adapter_model.bin")).unwrap();
    let hint = refused(base, pickled.path()).hint().unwrap();
    assert!(
        hint.contains("weights_only=True") && hint.contains("--adapter"),
        "{hint}"
    );
    std::fs::remove_file(file("adapter_config.json")).unwrap();
    assert!(
        refused(base, pickled.path())
            .to_string()
            .contains("has no adapter_config.json")
    );
    let empty = tempfile::tempdir().unwrap();
    std::fs::write(empty.path().join("adapter_config.json"), r#"{"peft_type": "LORA"}"#).unwrap();
    assert!(matches!(refused(base, empty.path()), LoadError::Read { .. }));
}

#[test]
fn a_base_and_its_adapter_in_one_folder_are_used_where_both_are_named() {
    let both = copy_of("qwen2-tied-bf16");
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
        std::fs::copy(adapter("qwen2-patterns").join(name), both.path().join(name)).unwrap();
    }
    let error = Checkpoint::open(both.path()).err().unwrap();
    assert!(error.hint().unwrap().contains("--adapter"), "{error}");
    Checkpoint::open_adapted(both.path(), both.path()).unwrap_or_else(|error| panic!("{error}"));
}

fn models(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_indieval"))
        .arg("models")
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn check_says_what_an_adapter_changes_and_which_files_count() {
    let (base, adapter) = (golden("qwen2-tied-bf16"), adapter("qwen2-patterns"));
    let (base, adapter) = (base.display().to_string(), adapter.display().to_string());
    let output = models(&[
        "check",
        &base,
        "--adapter",
        &adapter,
        "--device",
        "cpu",
        "--format",
        "json",
    ]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["faults"], serde_json::json!([]));
    assert_eq!(report["adapter"]["adapter"], adapter.as_str());
    let files: Vec<&str> = report["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|file| file["name"].as_str())
        .collect();
    assert!(
        files.contains(&"adapter_model.safetensors") && files.contains(&"model.safetensors"),
        "{files:?}"
    );
    let other = golden("qwen3-tied-f32").display().to_string();
    let output = models(&["check", &other, "--adapter", &adapter, "--device", "cpu"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("has the shape") && said.contains("refused for"), "{said}");
}

#[test]
fn a_run_is_bound_to_its_adapter() {
    let base = copy_of("llama3-tied-f32");
    let config = base.path().join("config.json");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("embeddings\": 128", "embeddings\": 1024")).unwrap();
    let (base_name, folder) = (base.path().display().to_string(), tempfile::tempdir().unwrap());
    let copy = copy_of_adapter("llama-tied-head");
    // The name is part of what a run is.
    let named = folder.path().join("llama-tied-head");
    std::fs::rename(copy.path(), &named).unwrap();
    let (own, other) = (
        named.display().to_string(),
        adapter("llama-tied-embedding").display().to_string(),
    );
    let more = |adapter: &'static str| ["--demonstrations", "0", "--dtype", "f32", "--device", "cpu", adapter];
    let out = folder.path().join("run");
    let adapted = |adapter: &str| {
        let mut command = run(&base_name, &out, &more("--adapter"));
        command.arg(adapter);
        command
    };
    finish(adapted(&own));
    let header: Value = serde_json::from_slice(&std::fs::read(out.join("run.json")).unwrap()).unwrap();
    assert_eq!(header["hashes"]["adapter"].as_str().map(str::len), Some(64));
    assert!(header["model"]["name"].as_str().unwrap().contains(" + "));
    // Where it lies does not count, and what it is does.
    let moved = adapter("llama-tied-head").display().to_string();
    finish(adapted(&moved));
    for command in [adapted(&other), run(&base_name, &out, &more("--quiet"))] {
        let mut command = command;
        let said = String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned();
        assert!(said.contains("another adapter"), "{said}");
    }
    let verify = |adapter: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_indieval"));
        command
            .arg("verify")
            .arg(&out)
            .args(["-n", "3", "--adapter", adapter])
            .output()
            .unwrap()
    };
    let output = verify(&moved);
    assert!(output.status.success(), "{output:?}");
    assert!(!verify(&other).status.success());
    let fake = run("fake:1", &folder.path().join("fake"), &more("--adapter"))
        .arg(&own)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&fake.stderr).contains("has no weights that an adapter"));
}
