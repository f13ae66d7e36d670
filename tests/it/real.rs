//! Real checkpoints, for tests that want one and machines that have it.

use std::path::{Path, PathBuf};

/// Bytes of SmolLM2-135M-Instruct as Q4_1 GGUF.
const SMOLLM2: u64 = 98_362_432;
/// Bytes of Qwen2.5-Coder-0.5B-Instruct as Q4_K_M GGUF.
const QWEN2: u64 = 491_400_064;

/// Bytes of Gemma 3 270M as Q4_K_M GGUF.
const GEMMA3: u64 = 253_113_024;

/// The file of SmolLM2-135M-Instruct in the cache (INDIEVAL_CACHE, else XDG_CACHE_HOME/indieval, else
/// ~/.cache/indieval), found by its size; or why there is none. Nothing is fetched: scripts/fetch-test-models.sh does.
pub fn smollm2() -> Result<PathBuf, String> {
    of_size(SMOLLM2)
}

/// Likewise Qwen2.5-Coder-0.5B-Instruct, which only that script fetches.
pub fn qwen2() -> Result<PathBuf, String> {
    of_size(QWEN2)
}

/// Likewise Gemma 3 270M, not tuned, under Google's licence for Gemma.
pub fn gemma3() -> Result<PathBuf, String> {
    of_size(GEMMA3)
}

fn of_size(bytes: u64) -> Result<PathBuf, String> {
    let set = |name| std::env::var_os(name).map(PathBuf::from);
    let shared = || {
        Some(
            set("XDG_CACHE_HOME")
                .or_else(|| Some(set("HOME")?.join(".cache")))?
                .join("indieval"),
        )
    };
    let cache = set("INDIEVAL_CACHE")
        .or_else(shared)
        .ok_or("neither INDIEVAL_CACHE nor HOME is set")?;
    find(&cache, 4, bytes).ok_or_else(|| format!("no such file below {}", cache.display()))
}

fn find(folder: &Path, depth: usize, bytes: u64) -> Option<PathBuf> {
    let entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    let is_it = |path: &&PathBuf| {
        path.extension().is_some_and(|ext| ext == "gguf") && path.metadata().is_ok_and(|about| about.len() == bytes)
    };
    let below = || {
        entries
            .iter()
            .filter(|path| path.is_dir())
            .find_map(|path| find(path, depth.checked_sub(1)?, bytes))
    };
    entries.iter().find(is_it).cloned().or_else(below)
}
