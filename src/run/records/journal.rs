//! The journal of a run: records and their evidence, appended and flushed as each is known.
//!
//! Outcomes are written in one fixed order, the evidence of each before its record. So all files together are at every
//! moment the front of the finished ones: a killed run goes on behind its last whole record, to the same bytes as an
//! uninterrupted one.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::check::{Check, seal_line};
use super::evidence::{encode, file};
use super::folder::{self, InFolder};
use super::header::Header;
use super::line::{RecordLine, record_id};
use super::lock::{Access, lock};
use super::reader::{Found, Reader};
use super::run_files::Whole;
use crate::base::waiting::waiting_for;
use crate::run::names::{PEOPLE, RECORDS};
use crate::run::{PeopleFile, RunError};
use crate::scoring::{EvidenceKind, Outcome};

/// An open journal with the exclusive right to append to it.
#[derive(Debug)]
pub struct Journal {
    people: PeopleFile,
    records: Sink,
    /// One a kind, in the order of [`EvidenceKind::ALL`].
    evidence: [Sink; 3],
    /// Held as long as the journal is open; the system frees it however the process ends.
    _lock: File,
}

impl Journal {
    /// Opens the journal of `folder`, which is made if need be, for the run that `header` says. `people` gives what
    /// people.json is to hold; it is asked only where there is none yet, since baselines take time. `take` is shown every
    /// record that is there, in order; none is kept.
    ///
    /// What a kill left of a record is dropped.
    ///
    /// # Errors
    /// [`RunError::Changed`] with the name of what is another than when the run was begun, [`RunError::OldFormat`] where
    /// it was begun by an earlier version, [`RunError::Record`] where a record is not as it was written.
    pub fn open(
        folder: &Path,
        header: &Header,
        people: impl FnOnce() -> PeopleFile,
        take: &mut dyn FnMut(&Outcome),
    ) -> Result<(Self, Found), RunError> {
        let lock = lock(folder, Access::Alone)?;
        let begun = match folder::read(folder)? {
            InFolder::Nothing => None,
            InFolder::Format1 => {
                return Err(RunError::OldFormat {
                    folder: folder.to_owned(),
                });
            }
            InFolder::Run(begun, start) => match begun.difference(header) {
                None => Some((*begun, start)),
                // A run without a record binds to nothing: what made it fail may be put right in the same folder.
                Some(_) if !has_records(folder) => None,
                Some(what) => {
                    return Err(RunError::Changed {
                        folder: folder.to_owned(),
                        what,
                    });
                }
            },
        };
        let (header, start, people) = match begun {
            Some((begun, start)) => {
                let people = bound(folder, &begun.people, people)?;
                (begun, start, people)
            }
            None => {
                let mut header = header.clone();
                let people = people();
                header.people = people.write(folder)?;
                let start = header.write(folder)?;
                (header, start, people)
            }
        };
        let mut reader = Reader::of(folder, header, start, people)?;
        let mut records = 0;
        for outcome in reader.by_ref() {
            take(&outcome?);
            records += 1;
        }
        Self::go_on(folder, lock, reader, records)
    }

    /// Opens the files for writing behind what was read of them.
    fn go_on(folder: &Path, lock: File, reader: Reader, records: usize) -> Result<(Self, Found), RunError> {
        let Some(Whole {
            records: end,
            evidence: [likelihood, label, generation],
            torn,
            last,
        }) = reader.whole()
        else {
            return Err(RunError::OldFormat {
                folder: folder.to_owned(),
            });
        };
        let (last, [a, b, c]) = last;
        let sink = |kind: EvidenceKind, end, last| Sink::open(folder.join(file(kind)), end, last);
        let journal = Self {
            people: reader.into_people(),
            records: Sink::open(folder.join(RECORDS), end, last)?,
            evidence: [
                sink(EvidenceKind::Likelihood, likelihood, a)?,
                sink(EvidenceKind::Label, label, b)?,
                sink(EvidenceKind::Generation, generation, c)?,
            ],
            _lock: lock,
        };
        Ok((journal, Found { records, torn }))
    }

    /// Appends one outcome; when this returns, its lines are with the system and survive a kill of this process.
    ///
    /// Lines that could not be written whole are taken back, so that nothing recorded is lost.
    ///
    /// # Errors
    /// [`RunError::Write`]; [`RunError::Unrecordable`] where the outcome has a number that is none, or is about a question
    /// that people.json does not have.
    pub fn append(&mut self, outcome: &Outcome) -> Result<(), RunError> {
        let unrecordable = |problem: String| RunError::Unrecordable {
            respondent: outcome.respondent.clone(),
            split: outcome.split,
            question: outcome.question.to_string(),
            problem,
        };
        let question = self.people.question(outcome.question);
        let category = question.and_then(|question| self.people.categories.get(question.category));
        let (Some(question), Some(category)) = (question, category) else {
            return Err(unrecordable("the question is not one of the run's".to_owned()));
        };
        let id = record_id(outcome);
        let evidence = encode(&id, &outcome.evidence, &question.candidates).map_err(unrecordable)?;
        let sink = &mut self.evidence[outcome.evidence.kind() as usize];
        let (evidence, proof) = seal_line(evidence, &[sink.last]);
        let record = serde_json::to_vec(&RecordLine::new(outcome, &id, category));
        let record = record.map_err(|error| RunError::Encode(error.to_string()))?;
        let (record, last) = seal_line(record, &[self.records.last, proof]);
        sink.append(&evidence)?;
        if let Err(error) = self.records.append(&record) {
            sink.take_back(evidence.len());
            return Err(error);
        }
        sink.last = proof;
        self.records.last = last;
        Ok(())
    }

    /// Hands everything to the disk.
    pub fn sync(&mut self) -> Result<(), RunError> {
        self.evidence
            .iter_mut()
            .chain([&mut self.records])
            .try_for_each(Sink::sync)
    }
}

/// people.json as `run.json` has it; written anew where it is missing.
fn bound(folder: &Path, hash: &str, people: impl FnOnce() -> PeopleFile) -> Result<PeopleFile, RunError> {
    if folder.join(PEOPLE).exists() {
        return PeopleFile::read_bound(folder, hash);
    }
    let people = people();
    people.write(folder)?;
    PeopleFile::read_bound(folder, hash)
}

/// Whether a record stands in the folder.
fn has_records(folder: &Path) -> bool {
    let first = File::open(folder.join(RECORDS)).and_then(|file| {
        let mut line = Vec::new();
        BufReader::new(file).read_until(b'\n', &mut line)?;
        Ok(line)
    });
    first.is_ok_and(|line| line.ends_with(b"\n"))
}

/// A file that is appended to.
#[derive(Debug)]
struct Sink {
    path: PathBuf,
    /// None until there is something to write.
    file: Option<File>,
    /// Bytes that it holds.
    end: u64,
    /// The check of its last line, or of `run.json` before there is one.
    last: Check,
}

impl Sink {
    /// A file to be appended to behind its first `end` bytes; what stands behind them is cut off.
    fn open(path: PathBuf, end: u64, last: Check) -> Result<Self, RunError> {
        let mut sink = Self {
            path,
            file: None,
            end,
            last,
        };
        if sink.path.exists() {
            let cut = sink.opened().and_then(|file| {
                file.set_len(end)?;
                Ok(file)
            });
            sink.file = Some(cut.map_err(|source| sink.failed(source))?);
        }
        Ok(sink)
    }

    fn opened(&mut self) -> std::io::Result<File> {
        match self.file.take() {
            Some(file) => Ok(file),
            None => OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&self.path),
        }
    }

    fn append(&mut self, line: &[u8]) -> Result<(), RunError> {
        let written = self.opened().and_then(|mut file| {
            let written = file.seek(SeekFrom::Start(self.end)).and_then(|_| file.write_all(line));
            self.file = Some(file);
            written
        });
        if let Err(source) = written {
            self.take_back(0);
            return Err(self.failed(source));
        }
        self.end += line.len() as u64;
        Ok(())
    }

    /// Takes back the last bytes, and what could not be written whole. Best effort: should this fail too, they are
    /// dropped at the next start.
    fn take_back(&mut self, bytes: usize) {
        self.end -= bytes as u64;
        if let Some(file) = &mut self.file {
            let _ = file.set_len(self.end);
        }
    }

    fn sync(&mut self) -> Result<(), RunError> {
        let _waiting = waiting_for("the disk that records are written to".to_owned());
        let synced = self.file.as_ref().map_or(Ok(()), File::sync_data);
        synced.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> RunError {
        RunError::Write {
            path: self.path.clone(),
            source,
        }
    }
}
