//! What is computed together, where weights lie and how many threads there are shows in no byte of a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use candle_core::{DType, Device, Tensor};
use indieval::model::{Checkpoint, ModelConfig, checkpoint::for_each_tensor};

use crate::forge::FILES;
use crate::own_survey;
use crate::run::{finish, run};

/// A checkpoint of eight layers with random weights, so that two of them are little of it.
fn checkpoint(folder: &Path) -> PathBuf {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/llama3-tied-f32");
    let path = folder.join("narrow");
    std::fs::create_dir(&path).expect("a folder");
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(golden.join(name), path.join(name)).expect("a copy");
    }
    let config = std::fs::read_to_string(golden.join("config.json")).expect("the configuration");
    let mut config: serde_json::Value = serde_json::from_str(&config).expect("JSON");
    for (key, value) in [
        ("num_hidden_layers", 8),
        ("hidden_size", 128),
        ("intermediate_size", 2048),
        ("head_dim", 32),
        ("max_position_embeddings", 16_384),
    ] {
        config[key] = value.into();
    }
    std::fs::write(path.join("config.json"), config.to_string()).expect("a configuration");
    // Of the configuration's shapes; what is in them does not matter as long as logits differ.
    let mut tensors = BTreeMap::new();
    let mut state = 1u64;
    let config = ModelConfig {
        layers: 8,
        hidden: 128,
        intermediate: 2048,
        head_dim: 32,
        ..Checkpoint::open(&golden).expect("the golden checkpoint").config
    };
    let mut shapes = Vec::new();
    for_each_tensor(&config, |name, shape| shapes.push((name.to_owned(), shape.to_vec())));
    for (name, shape) in shapes {
        let middle = if name.ends_with("norm.weight") { 1.0 } else { 0.0 };
        let numbers: Vec<f32> = (0..shape.iter().product())
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                middle + 0.2 * ((state >> 40) as f32 / (1 << 23) as f32 - 1.0)
            })
            .collect();
        let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu).expect("a tensor");
        tensors.insert(name, tensor.to_dtype(DType::BF16).expect("bf16"));
    }
    candle_core::safetensors::save(&tensors.into_iter().collect(), path.join("model.safetensors")).expect("weights");
    path
}

/// What a finished run's folder holds that must not differ.
fn bytes(folder: &Path) -> Vec<Vec<u8>> {
    let names = FILES.iter().copied().chain(["run.json", "people.json"]);
    names
        .map(|name| std::fs::read(folder.join(name)).unwrap_or_default())
        .collect()
}

/// Little more memory than the model needs layer by layer, of which the program says how much it is.
fn little(model: &str, dtype: &str) -> String {
    let out = Path::new("not/begun");
    let more = ["--dtype", dtype, "--device", "cpu", "--memory", "1kB"];
    let output = run(model, out, &more).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    let needed = said
        .split_once("needs ")
        .and_then(|(_, rest)| rest.split_once(" MB of memory, and 1.0 kB"));
    let (needed, _) = needed.unwrap_or_else(|| panic!("{said}"));
    let needed: f64 = needed.parse().expect("a number");
    format!("{:.1}MB", 1.15 * (needed + 2.0))
}

#[test]
fn memory_threads_and_company_change_no_byte_of_a_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = checkpoint(folder.path());
    let model = model.display().to_string();
    let survey = own_survey::small(folder.path());
    let survey: Vec<&str> = survey.iter().map(String::as_str).collect();
    // Answers of such weights are never read, and each is asked for again: two orders and a second try are company enough, and
    // once is enough of them.
    let asked = [
        ("f32", "likelihood,generation", "1"),
        ("bf16", "likelihood,label,generation", "2"),
    ];
    for (dtype, methods, orders) in asked {
        let begin = |name: &str, more: &[&str]| {
            let out = folder.path().join(format!("{name}-{dtype}"));
            let common = [
                "--dtype",
                dtype,
                "--device",
                "cpu",
                "--demonstrations",
                "3",
                "--methods",
                methods,
                "--orders",
                orders,
                "--retries",
                "1",
            ];
            let output = finish(run(&model, &out, &[&survey[..], &common[..], more].concat()));
            (bytes(&out), String::from_utf8_lossy(&output.stderr).into_owned())
        };
        let (plain, said) = begin("plain", &[]);
        assert!(!said.contains("read from their files"), "{said}");
        // One thread, and so little memory that weights are read for each batch and people are computed in parts.
        let memory = little(&model, dtype);
        let (small, said) = begin("small", &["--threads", "1", "--memory", &memory]);
        assert!(said.contains("read from their files for each batch"), "{said}");
        for (name, (a, b)) in FILES
            .iter()
            .chain(&["run.json", "people.json"])
            .zip(plain.iter().zip(&small))
        {
            assert!(a == b, "{name} differs in {dtype}");
        }
        let out = folder.path().join(format!("plain-{dtype}"));
        let output = Command::new(env!("CARGO_BIN_EXE_indieval"))
            .arg("verify")
            .args(["-n", "30"])
            .arg(&out)
            .output()
            .expect("verify");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("(tolerance 0)"), "{said}");
    }
}
