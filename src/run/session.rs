//! What every start of the program did for a run: when, on what machine, how much was computed. Kept beside the records
//! (`sessions.jsonl`), since these differ between a run in one piece and one that was interrupted.
//!
//! A start is noted before it computes anything, then every so often, then as it ends. So of one that was killed it is
//! known that it was, and its work is counted up to the last note.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::RunError;
use super::names::SESSIONS;
use crate::base::files::write_bytes;
use crate::model::OpenModel;

/// While a run is computed it is noted so often how far it is.
const EVERY: Duration = Duration::from_secs(20);

/// A line of `sessions.jsonl`: how far one start of the program is. Every note has every key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// Which start of the program on this run, from 1.
    pub session: usize,
    /// What happened.
    pub event: SessionEvent,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Version of indieval.
    pub program: String,
    /// Processor, threads, memory, operating system.
    pub machine: String,
    /// What of the machine computes: `cpu`, `cuda:1`; empty where an earlier version did not say.
    #[serde(default)]
    pub device: String,
    /// Tokens, about, of a batch when it began.
    pub batch_tokens: usize,
    /// Seconds of the longest batch since the start.
    #[serde(default)]
    pub batch_seconds: f64,
    /// Records of the run at this moment.
    pub recorded: usize,
    /// Seconds of computing since the start.
    pub seconds: f64,
    /// Tokens put through the model since the start.
    pub tokens: u64,
    /// Tokens that every prompt on its own would have needed.
    pub tokens_unshared: u64,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionEvent {
    /// The program is about to compute.
    Started,
    /// It computes.
    Running,
    /// The run is complete.
    Complete,
    /// A signal asked to stop.
    Stopped,
    /// An error ended it.
    Failed,
}

/// One start of the program on a run, as its notes have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// RFC 3339, UTC.
    pub started: String,
    /// Time of the last note, RFC 3339, UTC.
    pub noted: String,
    /// Version of indieval.
    pub program: String,
    /// Processor, threads, memory, operating system.
    pub machine: String,
    /// Tokens, about, of a batch when it began.
    pub batch_tokens: usize,
    /// How it ended; none where it was killed, or still computes.
    pub ending: Option<SessionEvent>,
    /// Records before it.
    pub before: usize,
    /// Records at its last note.
    pub recorded: usize,
    /// Seconds of computing.
    pub seconds: f64,
    /// Tokens put through the model.
    pub tokens: u64,
    /// Tokens that every prompt on its own would have needed.
    pub tokens_unshared: u64,
}

/// The notes of the present start.
#[derive(Debug)]
pub struct SessionLog {
    path: PathBuf,
    last: Note,
    clock: Instant,
    noted: Instant,
    /// When the last batch ended.
    batch: Instant,
}

impl SessionLog {
    /// Notes that the program is about to compute what a run lacks beyond `recorded` records.
    ///
    /// # Errors
    /// [`RunError::Write`].
    pub(crate) fn begin(folder: &Path, opened: &OpenModel, recorded: usize) -> Result<Self, RunError> {
        let before = read_notes(folder).last().map_or(0, |note| note.session);
        let now = Instant::now();
        let log = Self {
            path: folder.join(SESSIONS),
            last: Note {
                session: before + 1,
                event: SessionEvent::Started,
                time: now_utc(),
                program: crate::base::version::FULL.to_owned(),
                machine: machine(),
                device: opened.hardware.clone(),
                batch_tokens: opened.model.limits().batch,
                batch_seconds: 0.0,
                recorded,
                seconds: 0.0,
                tokens: 0,
                tokens_unshared: 0,
            },
            clock: now,
            noted: now,
            batch: now,
        };
        append(&log.path, &log.last)?;
        Ok(log)
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.clock.elapsed().as_secs_f64()
    }

    /// A batch has ended. Notes how far the run is, unless that was noted a moment ago. `tokens` are those computed, and those without
    /// sharing.
    ///
    /// # Errors
    /// [`RunError::Write`].
    pub(crate) fn running(&mut self, recorded: usize, tokens: (u64, u64)) -> Result<(), RunError> {
        let batch = std::mem::replace(&mut self.batch, Instant::now());
        self.last.batch_seconds = self.last.batch_seconds.max(batch.elapsed().as_secs_f64());
        if self.noted.elapsed() < EVERY {
            return Ok(());
        }
        self.note(SessionEvent::Running, recorded, tokens)
    }

    /// Notes how this start ended.
    ///
    /// # Errors
    /// [`RunError::Write`].
    pub fn end(mut self, event: SessionEvent, recorded: usize, tokens: (u64, u64)) -> Result<(), RunError> {
        self.note(event, recorded, tokens)
    }

    fn note(&mut self, event: SessionEvent, recorded: usize, (tokens, unshared): (u64, u64)) -> Result<(), RunError> {
        self.noted = Instant::now();
        self.last.event = event;
        self.last.time = now_utc();
        self.last.recorded = recorded;
        self.last.seconds = self.seconds();
        self.last.tokens = tokens;
        self.last.tokens_unshared = unshared;
        append(&self.path, &self.last)
    }
}

/// Adds a note to a run's.
///
/// # Errors
/// [`RunError::Write`].
pub fn append_note(folder: &Path, note: &Note) -> Result<(), RunError> {
    append(&folder.join(SESSIONS), note)
}

fn append(path: &Path, note: &Note) -> Result<(), RunError> {
    let mut line = serde_json::to_vec(note).map_err(|error| RunError::Encode(error.to_string()))?;
    line.push(b'\n');
    // A line that a kill cut short is ended, so that it spoils itself alone.
    let torn = std::fs::read(path).is_ok_and(|bytes| bytes.last().is_some_and(|&last| last != b'\n'));
    if torn {
        line.insert(0, b'\n');
    }
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(&line))
        .map_err(|source| RunError::Write {
            path: path.to_owned(),
            source,
        })
}

/// Writes the notes of several folders, each with the number of its records, one after the other, as those of one run that
/// has all of their records.
///
/// # Errors
/// [`RunError::Write`], [`RunError::Encode`].
pub(super) fn join_notes(folders: &[(&Path, usize)], into: &Path) -> Result<(), RunError> {
    let (mut sessions, mut records) = (0, 0);
    let mut text = Vec::new();
    for &(folder, recorded) in folders {
        let mut last = 0;
        for mut note in read_notes(folder) {
            last = last.max(note.session);
            note.session += sessions;
            note.recorded += records;
            serde_json::to_writer(&mut text, &note).map_err(|error| RunError::Encode(error.to_string()))?;
            text.push(b'\n');
        }
        sessions += last;
        records += recorded;
    }
    let path = into.join(SESSIONS);
    write_bytes(&path, &text).map_err(|source| RunError::Write { path, source })
}

/// Seconds of the longest batch that the starts of the program on the run in `folder` had; 0 where none is known.
pub(crate) fn longest_batch(folder: &Path) -> f64 {
    let notes = read_notes(folder).into_iter();
    notes.map(|note| note.batch_seconds).fold(0.0, f64::max)
}

/// All notes in order. Lines that are torn are passed over, since nothing but the account of machine and time rests on
/// them.
fn read_notes(folder: &Path) -> Vec<Note> {
    let text = std::fs::read_to_string(folder.join(SESSIONS)).unwrap_or_default();
    text.lines().filter_map(note_of).collect()
}

/// A note, or the one line that a session of format 1 left as it ended.
fn note_of(line: &str) -> Option<Note> {
    #[derive(Deserialize)]
    struct Old {
        ended: String,
        version: String,
        machine: String,
        seconds: f64,
        outcomes: usize,
        tokens: u64,
        tokens_unshared: u64,
        ending: SessionEvent,
    }
    if let Ok(note) = serde_json::from_str(line) {
        return Some(note);
    }
    let old: Old = serde_json::from_str(line).ok()?;
    Some(Note {
        session: 0,
        event: old.ending,
        time: old.ended,
        program: old.version,
        machine: old.machine,
        device: String::new(),
        batch_tokens: 0,
        batch_seconds: 0.0,
        recorded: old.outcomes,
        seconds: old.seconds,
        tokens: old.tokens,
        tokens_unshared: old.tokens_unshared,
    })
}

/// All starts of the program on a run, in order.
pub(crate) fn read_sessions(folder: &Path) -> Vec<Session> {
    let mut sessions: Vec<Session> = Vec::new();
    let mut number = None;
    for note in read_notes(folder) {
        // Format 1 noted every start once and did not number them.
        let same = note.session > 0 && number.replace(note.session) == Some(note.session);
        let first = match sessions.pop() {
            Some(before) if same => before,
            before => {
                sessions.extend(before);
                Session::first(&note, if note.session > 0 { note.recorded } else { 0 })
            }
        };
        sessions.push(Session {
            noted: note.time,
            ending: (!matches!(note.event, SessionEvent::Started | SessionEvent::Running)).then_some(note.event),
            recorded: note.recorded,
            seconds: note.seconds,
            tokens: note.tokens,
            tokens_unshared: note.tokens_unshared,
            ..first
        });
    }
    sessions
}

impl Session {
    fn first(note: &Note, before: usize) -> Self {
        Self {
            started: note.time.clone(),
            noted: note.time.clone(),
            program: note.program.clone(),
            machine: note.machine.clone(),
            batch_tokens: note.batch_tokens,
            ending: None,
            before,
            recorded: note.recorded,
            seconds: note.seconds,
            tokens: note.tokens,
            tokens_unshared: note.tokens_unshared,
        }
    }
}

/// Records that were written by starts of the program that were killed behind their last note: their time and tokens are
/// not known. `recorded` are the run's records now.
pub(crate) fn uncounted(sessions: &[Session], recorded: usize) -> usize {
    let next = sessions.iter().skip(1).map(|session| session.before).chain([recorded]);
    let killed = sessions
        .iter()
        .zip(next)
        .filter(|(session, _)| session.ending.is_none());
    killed
        .map(|(session, next)| next.saturating_sub(session.recorded))
        .sum()
}

/// The present moment, RFC 3339 in UTC to the second.
fn now_utc() -> String {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0)
        .unwrap_or(now)
        .format(&Rfc3339)
        .unwrap_or_default()
}

/// The machine in words: processor, threads used, memory, operating system.
fn machine() -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn note(session: usize, event: SessionEvent, recorded: usize, seconds: f64) -> Note {
        Note {
            session,
            event,
            time: format!("2026-01-01T00:00:{seconds:02}Z"),
            program: "0.2.0".into(),
            machine: "a machine".into(),
            device: "cpu".into(),
            batch_tokens: 8192,
            batch_seconds: 0.5,
            recorded,
            seconds,
            tokens: 10 * recorded as u64,
            tokens_unshared: 100,
        }
    }

    #[test]
    fn a_start_that_was_killed_is_known_and_counted_up_to_its_last_note() {
        let folder = tempfile::tempdir().unwrap();
        let notes = [
            note(1, SessionEvent::Started, 0, 0.0),
            note(1, SessionEvent::Running, 30, 20.0),
            note(2, SessionEvent::Started, 34, 0.0),
            note(2, SessionEvent::Stopped, 50, 9.0),
            note(3, SessionEvent::Started, 50, 0.0),
        ];
        for note in &notes {
            append_note(folder.path(), note).unwrap();
        }
        let sessions = read_sessions(folder.path());
        assert_eq!(sessions.len(), 3);
        assert_eq!(
            sessions.iter().map(|session| session.ending).collect::<Vec<_>>(),
            [None, Some(SessionEvent::Stopped), None]
        );
        assert_eq!(
            (sessions[0].before, sessions[0].recorded, sessions[0].seconds),
            (0, 30, 20.0)
        );
        assert_eq!((sessions[1].before, sessions[1].recorded), (34, 50));
        // Four records of the first start, seven of the third.
        assert_eq!(uncounted(&sessions, 57), 11);
    }

    #[test]
    fn a_note_that_a_kill_cut_short_spoils_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        append_note(folder.path(), &note(1, SessionEvent::Started, 0, 0.0)).unwrap();
        let path = folder.path().join(SESSIONS);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text += "{\"session\":1,\"event\":\"run";
        std::fs::write(&path, text).unwrap();
        append_note(folder.path(), &note(2, SessionEvent::Started, 3, 0.0)).unwrap();
        let sessions = read_sessions(folder.path());
        assert_eq!(
            sessions.iter().map(|session| session.before).collect::<Vec<_>>(),
            [0, 3]
        );
    }

    #[test]
    fn sessions_of_format_1_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let old = r#"{"started":"a","ended":"b","version":"0.1.0","machine":"m","seconds":2.5,"outcomes":7,"tokens":3,"tokens_unshared":9,"ending":"complete"}"#;
        std::fs::write(folder.path().join(SESSIONS), format!("{old}\n{old}\n")).unwrap();
        let sessions = read_sessions(folder.path());
        assert_eq!(sessions.len(), 2);
        assert_eq!(sessions[1].ending, Some(SessionEvent::Complete));
        assert_eq!(
            (sessions[1].seconds, sessions[1].tokens, uncounted(&sessions, 14)),
            (2.5, 3, 0)
        );
    }
}
