//! Where commands put what they make: standard output, and files that are whole or not there.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Prints text. A reader that stops listening (`| head`) is no error.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
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

/// Prints a value as one line of JSON.
pub fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(&format!("{}\n", serde_json::to_string(value)?))
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
#[error("{} is there already", path.display())]
pub struct Exists {
    path: PathBuf,
}

impl Exists {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("name another file with --out, or replace it with --force".to_owned())
    }
}

/// Writes a file through a neighbor that takes its name when it is complete.
pub fn write_whole<E>(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>) -> anyhow::Result<()>
where
    E: Into<anyhow::Error>,
{
    let place = || format!("cannot write {}", path.display());
    let mut name = path.file_name().with_context(place)?.to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part: PathBuf = path.with_file_name(name);
    let written = (|| {
        let mut output = BufWriter::new(File::create(&part).with_context(place)?);
        fill(&mut output).map_err(Into::into)?;
        output.flush().with_context(place)?;
        drop(output);
        std::fs::rename(&part, path).with_context(place)
    })();
    if written.is_err() {
        // Best effort: the error that matters is already at hand.
        let _ = std::fs::remove_file(&part);
    }
    written
}
