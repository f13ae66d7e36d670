//! What one start of the program did for a run: when, on what machine, how much was computed. Kept beside the journal
//! (`sessions.jsonl`), since these differ between a run in one piece and one that was interrupted.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::RunError;

/// Name of the file in a run's folder.
pub const SESSIONS: &str = "sessions.jsonl";

/// One start of the program on one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// RFC 3339, UTC.
    pub started: String,
    /// RFC 3339, UTC.
    pub ended: String,
    /// Version of indieval.
    pub version: String,
    /// Processor, threads, memory, operating system.
    pub machine: String,
    /// Seconds from the first prompt to the last outcome.
    pub seconds: f64,
    /// Outcomes added.
    pub outcomes: usize,
    /// Tokens put through the model.
    pub tokens: u64,
    /// Tokens that every prompt on its own would have needed.
    pub tokens_unshared: u64,
    /// How it ended.
    pub ending: Ending,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The run is complete.
    Complete,
    /// A signal asked to stop.
    Stopped,
    /// An error ended it.
    Failed,
}

/// Adds one session to the run's list.
pub fn append_session(folder: &Path, session: &Session) -> Result<(), RunError> {
    let path = folder.join(SESSIONS);
    let mut line = serde_json::to_vec(session).map_err(|error| RunError::Encode(error.to_string()))?;
    line.push(b'\n');
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(&path)
        .and_then(|mut file| file.write_all(&line))
        .map_err(|source| RunError::Write { path, source })
}

/// All sessions of a run in order. A session that was killed left none; lines that are torn are passed over, since
/// nothing but the account of machine and time rests on them.
pub fn read_sessions(folder: &Path) -> Vec<Session> {
    std::fs::read_to_string(folder.join(SESSIONS))
        .map(|text| {
            text.lines()
                .filter_map(|line| serde_json::from_str(line).ok())
                .collect()
        })
        .unwrap_or_default()
}

/// The present moment, RFC 3339 in UTC to the second.
pub fn now() -> String {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0)
        .unwrap_or(now)
        .format(&Rfc3339)
        .unwrap_or_default()
}

/// The machine in words: processor, threads used, memory, operating system.
pub fn machine() -> String {
    let line = |file: &str, key: &str| -> Option<String> {
        let text = std::fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let processor = line("/proc/cpuinfo", "model name").unwrap_or_else(|| "unnamed processor".into());
    let threads = rayon::current_num_threads();
    let memory = line("/proc/meminfo", "MemTotal")
        .and_then(|value| value.trim_end_matches("kB").trim().parse::<f64>().ok())
        .map(|kib| format!(", {:.0} GiB", kib / f64::from(1 << 20)))
        .unwrap_or_default();
    format!(
        "{processor}, {threads} thread{}{memory}, {} {}",
        if threads == 1 { "" } else { "s" },
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}
