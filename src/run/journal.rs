//! The journal: a header, then one line an outcome, appended and flushed as each is known.
//!
//! Outcomes are written in one fixed order, so a journal is always a prefix of the finished one: a killed run goes on
//! behind its last whole line and ends with the same bytes as an uninterrupted one.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{Header, RunError};
use crate::scoring::Outcome;

/// Name of the journal in a run's folder.
pub const RECORDS: &str = "records.jsonl";

/// An open journal with the exclusive right to append to it.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Held as long as the journal is open; the system frees it however the process ends.
    _lock: File,
}

/// What an opened journal already holds.
#[derive(Debug, Default)]
pub struct Recorded {
    /// Whole outcomes, in order.
    pub outcomes: Vec<Outcome>,
    /// Bytes of a torn last line that were dropped.
    pub torn: usize,
}

impl Journal {
    /// Opens the journal of `folder`, which is made if need be, for a run with this header.
    ///
    /// A torn last line is dropped. A header that differs is [`RunError::Changed`] with the name of what changed.
    pub fn open(folder: &Path, header: &Header) -> Result<(Self, Recorded), RunError> {
        std::fs::create_dir_all(folder).map_err(|source| RunError::Write {
            path: folder.to_owned(),
            source,
        })?;
        let lock = lock(folder)?;
        let path = folder.join(RECORDS);
        let write_error = |source| RunError::Write {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(write_error)?;
        let found = read_lines(&path, &file)?;
        // A header alone holds nothing that another run could spoil.
        let found = found.filter(|found| !found.outcomes.is_empty() || found.header.difference(header).is_none());
        let (recorded, end) = match found {
            None => {
                let mut line = to_line(header)?;
                line.push(b'\n');
                file.set_len(0).and_then(|()| file.rewind()).map_err(write_error)?;
                file.write_all(&line)
                    .and_then(|()| file.sync_data())
                    .map_err(write_error)?;
                (Recorded::default(), line.len() as u64)
            }
            Some(found) => {
                if let Some(what) = found.header.difference(header) {
                    return Err(RunError::Changed {
                        folder: folder.to_owned(),
                        what,
                    });
                }
                (
                    Recorded {
                        outcomes: found.outcomes,
                        torn: found.torn,
                    },
                    found.end,
                )
            }
        };
        file.set_len(end)
            .and_then(|()| file.seek(SeekFrom::Start(end)))
            .map_err(write_error)?;
        Ok((
            Self {
                path,
                file,
                _lock: lock,
            },
            recorded,
        ))
    }

    /// Appends one outcome; when this returns, the line is with the system and survives a kill of this process.
    ///
    /// A line that could not be written whole is taken back, so that nothing recorded is lost.
    pub fn append(&mut self, outcome: &Outcome) -> Result<(), RunError> {
        let mut line = to_line(outcome)?;
        line.push(b'\n');
        let begin = self.file.stream_position().map_err(|source| self.failed(source))?;
        if let Err(source) = self.file.write_all(&line) {
            // Best effort: should this fail too, the torn line is dropped at the next start.
            let _ = self.file.set_len(begin);
            return Err(self.failed(source));
        }
        Ok(())
    }

    /// Hands everything to the disk.
    pub fn sync(&mut self) -> Result<(), RunError> {
        self.file.sync_data().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> RunError {
        RunError::Write {
            path: self.path.clone(),
            source,
        }
    }
}

/// Reads a finished or unfinished journal without the right to append; `None` where there is no whole header.
pub fn read(folder: &Path) -> Result<(Header, Recorded), RunError> {
    let path = folder.join(RECORDS);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
            return Err(RunError::NoRun {
                folder: folder.to_owned(),
            });
        }
        Err(source) => return Err(RunError::Read { path, source }),
    };
    let found = read_lines(&path, &file)?.ok_or_else(|| RunError::NoRun {
        folder: folder.to_owned(),
    })?;
    Ok((
        found.header,
        Recorded {
            outcomes: found.outcomes,
            torn: found.torn,
        },
    ))
}

struct Found {
    header: Header,
    outcomes: Vec<Outcome>,
    torn: usize,
    /// Bytes of whole lines.
    end: u64,
}

fn read_lines(path: &Path, file: &File) -> Result<Option<Found>, RunError> {
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut line = Vec::new();
    let mut number = 0;
    let mut end = 0;
    let mut header = None;
    let mut outcomes = Vec::new();
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(|source| RunError::Read {
            path: path.to_owned(),
            source,
        })?;
        number += 1;
        if line.last() != Some(&b'\n') {
            // The end, or a line that a kill cut short.
            return Ok(header.map(|header| Found {
                header,
                outcomes,
                torn: length,
                end,
            }));
        }
        end += length as u64;
        let bad = |error: serde_json::Error| RunError::Record {
            path: path.to_owned(),
            line: number,
            problem: error.to_string(),
        };
        if header.is_none() {
            header = Some(serde_json::from_slice(&line).map_err(bad)?);
        } else {
            outcomes.push(serde_json::from_slice(&line).map_err(bad)?);
        }
    }
}

fn to_line<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, RunError> {
    serde_json::to_vec(value).map_err(|error| RunError::Encode(error.to_string()))
}

fn lock(folder: &Path) -> Result<File, RunError> {
    let path = folder.join(".lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|source| RunError::Write {
            path: path.clone(),
            source,
        })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RunError::Locked {
            folder: folder.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(RunError::Write { path, source }),
    }
}
