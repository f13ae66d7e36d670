//! Real checkpoints, for tests that want one and machines that have it.

use std::path::{Path, PathBuf};

/// Bytes of SmolLM2-135M-Instruct as Q4_1 GGUF.
const SMOLLM2: u64 = 98_362_432;

/// The file of SmolLM2-135M-Instruct in the cache (INDIEVAL_CACHE, else XDG_CACHE_HOME/indieval, else
/// ~/.cache/indieval), found by its size; or why there is none. Nothing is fetched: scripts/fetch-test-models.sh does.
pub fn smollm2() -> Result<PathBuf, String> {
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
    find(&cache, 4).ok_or_else(|| format!("no such file below {}", cache.display()))
}

fn find(folder: &Path, depth: usize) -> Option<PathBuf> {
    let entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    let is_it = |path: &&PathBuf| {
        path.extension().is_some_and(|ext| ext == "gguf") && path.metadata().is_ok_and(|about| about.len() == SMOLLM2)
    };
    let below = || {
        entries
            .iter()
            .filter(|path| path.is_dir())
            .find_map(|path| find(path, depth.checked_sub(1)?))
    };
    entries.iter().find(is_it).cloned().or_else(below)
}
