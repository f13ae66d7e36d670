//! Folders and settings that come from environment variables.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where fetched files lie and how the hub is asked.
#[derive(Clone)]
pub struct Environment {
    /// The hub's cache: `HF_HUB_CACHE`, or `hub` in `HF_HOME`, or `~/.cache/huggingface/hub`.
    pub hub_cache: PathBuf,
    /// The hub's address: `HF_ENDPOINT`, or the public one.
    pub endpoint: String,
    /// Bearer token: `HF_TOKEN`, or the file `token` in `HF_HOME`.
    pub token: Option<String>,
    /// Nothing may be fetched: `HF_HUB_OFFLINE`.
    pub offline: bool,
    /// How long a server may say nothing: `HF_HUB_DOWNLOAD_TIMEOUT` in seconds, or a minute.
    pub patience: Duration,
    /// The program's own cache: `INDIEVAL_CACHE`, or `indieval` in `XDG_CACHE_HOME` or in `~/.cache`.
    pub cache: PathBuf,
    /// The Python whose pip fetches packages.
    pub python: PathBuf,
}

// The token is a secret.
impl std::fmt::Debug for Environment {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Environment")
            .field("hub_cache", &self.hub_cache)
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "set"))
            .field("offline", &self.offline)
            .field("patience", &self.patience)
            .field("cache", &self.cache)
            .field("python", &self.python)
            .finish()
    }
}

const PUBLIC_HUB: &str = "https://huggingface.co";

const PATIENCE: Duration = Duration::from_secs(60);

impl Environment {
    /// Reads this process's variables.
    pub(crate) fn from_process() -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let text = |name: &str| set(name).and_then(|value| value.into_string().ok());
        let home = set("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
        let caches = set("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
        let hub_home = set("HF_HOME").map_or_else(|| caches.join("huggingface"), PathBuf::from);
        let token_file = set("HF_TOKEN_PATH").map_or_else(|| hub_home.join("token"), PathBuf::from);
        let token = text("HF_TOKEN").or_else(|| std::fs::read_to_string(token_file).ok());
        Self {
            hub_cache: set("HF_HUB_CACHE").map_or_else(|| hub_home.join("hub"), PathBuf::from),
            endpoint: text("HF_ENDPOINT").unwrap_or_else(|| PUBLIC_HUB.to_owned()),
            token: token
                .map(|token| token.trim().to_owned())
                .filter(|token| !token.is_empty()),
            offline: text("HF_HUB_OFFLINE").is_some_and(|value| is_true(&value)),
            patience: text("HF_HUB_DOWNLOAD_TIMEOUT").map_or(PATIENCE, |value| seconds(&value)),
            cache: set("INDIEVAL_CACHE").map_or_else(|| caches.join("indieval"), PathBuf::from),
            python: PathBuf::from("python3"),
        }
    }

    /// Everything below one folder, and nothing fetched: for tests and for programs that bring their own settings.
    pub fn under(folder: &Path) -> Self {
        Self {
            hub_cache: folder.join("hub"),
            endpoint: PUBLIC_HUB.to_owned(),
            token: None,
            offline: true,
            patience: PATIENCE,
            cache: folder.join("indieval"),
            python: PathBuf::from("python3"),
        }
    }
}

fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on")
}

/// A number of seconds; what is none, or no time at all, is the usual time.
fn seconds(value: &str) -> Duration {
    let seconds = value.trim().parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .unwrap_or(PATIENCE)
}
