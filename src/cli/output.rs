//! Where commands put what they make: standard output and standard error, and files that are whole or not there.
//!
//! All that a person may read goes through here, so that nothing quoted from a file does anything to a terminal.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::streams::output_is_open;
use crate::base::{files, quote};

/// Prints text; what in it would act on a terminal is [written out](quote::lines). A reader that stops listening
/// (`| head`) is no error.
pub fn print(text: &str) -> anyhow::Result<()> {
    write_out(&quote::lines(text))
}

fn write_out(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let written = output_is_open()
        .and_then(|()| out.write_all(text.as_bytes()))
        .and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to standard output"),
    }
}

/// Prints a line as `println!` does, but fails where that would panic.
macro_rules! say {
    ($($arg:tt)*) => {
        $crate::cli::output::print(&(format!($($arg)*) + "\n"))?
    };
}
pub(crate) use say;

/// Tells a line on standard error, as [`print`] does on standard output. Where standard error is gone nobody can be told,
/// and that is no reason to stop.
pub fn tell_line(text: &str) {
    let mut out = io::stderr().lock();
    let _ = out
        .write_all(quote::lines(text).as_bytes())
        .and_then(|()| out.write_all(b"\n"));
}

/// Tells a line as `eprintln!` does, but never panics.
macro_rules! tell {
    ($($arg:tt)*) => {
        $crate::cli::output::tell_line(&format!($($arg)*))
    };
}
pub(crate) use tell;

/// Prints a value as one line of JSON.
pub fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    write_out(&format!("{}\n", quote::json(&serde_json::to_string(value)?)))
}

/// Prints a value as JSON of several lines.
pub fn print_json_pretty(value: &impl serde::Serialize) -> anyhow::Result<()> {
    write_out(&format!("{}\n", quote::json(&serde_json::to_string_pretty(value)?)))
}

/// Refuses a place where a file is already, unless it may be replaced.
pub fn refuse_existing(path: &Path, force: bool) -> anyhow::Result<()> {
    if !force && path.exists() {
        return Err(Exists { path: path.to_owned() }.into());
    }
    Ok(())
}

/// A file is where another was to be written.
#[derive(Debug, thiserror::Error)]
#[error("{} already exists", path.display())]
pub struct Exists {
    path: PathBuf,
}

impl Exists {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("name another file with --out, or replace it with --force".to_owned())
    }
}

/// Writes a file that is whole or not there (see [`crate::base::files`]).
pub fn write_whole<E>(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<(), E>) -> anyhow::Result<()>
where
    E: Into<anyhow::Error>,
{
    files::write_whole(path, |output| fill(output).map_err(|error| Unwritten(error.into())))
        .map_err(|error| error.0)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Why a file was not written: the system's reason, or that of who filled it.
struct Unwritten(anyhow::Error);

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self(error.into())
    }
}
