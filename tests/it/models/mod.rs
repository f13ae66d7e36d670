//! Checkpoints: read right from either format, refused when broken, found and fetched.

mod adapters;
mod broken;
mod broken_tokenizers;
mod folders;
mod foreign;
mod forms;
mod gguf;
mod gguf_writer;
#[cfg(feature = "hub")]
mod hub;
#[cfg(feature = "hub")]
mod hub_hostile;
#[cfg(feature = "hub")]
mod hub_server;
mod program;
mod quantized;
mod special_tokens;
mod tokenizers;

use std::path::{Path, PathBuf};

use candle_core::{DType, Tensor};

/// Checkpoints of every family with random weights; tests/golden/PROVENANCE.md.
const GOLDEN: [&str; 6] = [
    "llama3-tied-f32",
    "llama-sharded-bf16",
    "mistral-window-f16",
    "qwen2-tied-bf16",
    "qwen3-tied-f32",
    "mixtral-f32",
];

/// A tensor's numbers in order, in f32.
fn numbers(tensor: &Tensor) -> Vec<f32> {
    let tensor = tensor.to_dtype(DType::F32).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// A copy of a golden checkpoint that a test may spoil.
fn copy_of(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(golden(name)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}
