//! Exit statuses, in one place.

use std::process::ExitCode;

/// How the program ended. Errors become [`ExitStatus::Failed`], and clap ends with 2 by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// Done.
    Done = 0,
    /// An error, or a `verify` that found a difference.
    Failed = 1,
    /// A run of which records or shards are missing, lines without an answer, or unread answers under `--strict`.
    Incomplete = 3,
    /// Stopped by a signal; the same command resumes from there (EX_TEMPFAIL of sysexits).
    Stopped = 75,
    /// Stopped at once by a second signal (128 + SIGINT).
    Interrupted = 130,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(status as u8)
    }
}

/// What `--help` says of them.
pub const HELP: &str = "\
Exit status:
    0  done; also a finished run with answers that could not be read
    1  failed; also where `verify` finds a difference
    2  wrong usage
    3  incomplete: records, shards or answers of lines are missing, or, under `run --strict`,
       answers could not be read
   75  stopped by a signal; the same command resumes from there, so a scheduler may requeue it
  130  interrupted at once";
