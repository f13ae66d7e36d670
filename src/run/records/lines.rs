//! The lines of one of a run's files, and what each follows on.

use std::cell::Cell;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use serde::Deserialize;

use super::check::{Check, Sealed};
use crate::run::RunError;

/// Lines that are looked through for the evidence of a record where the files do not fit together.
const REACH: usize = 64;

/// Bytes that are read at once where few files are read side by side.
pub(in crate::run) const BUFFER: usize = 1 << 18;

/// A file that is open while it is read from. What was read of it ahead stays where it is closed in between.
#[derive(Debug)]
struct Reopened {
    path: PathBuf,
    file: Option<File>,
    /// Bytes that were read.
    passed: u64,
}

impl Read for Reopened {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => {
                let mut file = File::open(&self.path)?;
                file.seek(SeekFrom::Start(self.passed))?;
                file
            }
        };
        let read = file.read(into)?;
        self.passed += read as u64;
        self.file = Some(file);
        Ok(read)
    }
}

/// A file of lines.
#[derive(Debug)]
pub(super) struct Lines {
    pub path: PathBuf,
    /// None where there is no such file.
    file: Option<Reopened>,
    /// What was read of it last: passed lines, the last one, and what is read ahead.
    buffer: Vec<u8>,
    /// Bytes that are read at once.
    at_once: usize,
    /// Where the last line read is.
    place: Range<usize>,
    /// Where what was read ends.
    filled: usize,
    /// Its number, from 1.
    pub number: usize,
    /// The check of the last line that was accepted; that of `run.json` before there is one.
    pub last: Cell<Check>,
    /// What that line's check must be by its text, where it is another: the next line may follow on either.
    other: Cell<Option<Check>>,
    /// Whether it ends in no check, so that nothing can be told of what the next one follows on.
    lost: Cell<bool>,
    /// Whether the last line read may be that of another record.
    pub astray: bool,
    /// Whether the last line was read, and told of, for the record before already.
    again: bool,
    /// The record that it is evidence of.
    pub record: Option<usize>,
    /// Bytes up to the end of the last line that belongs to a whole record.
    pub end: Cell<u64>,
    /// Bytes of the file.
    length: u64,
}

impl Lines {
    /// Opens a file whose first line follows on `start`; so many bytes are read at once.
    pub fn open(path: PathBuf, start: Check, buffer: usize) -> Result<Self, RunError> {
        let failed = |source| RunError::Read {
            path: path.clone(),
            source,
        };
        let file = match File::open(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(source) => return Err(failed(source)),
        };
        let length = match &file {
            Some(file) => file.metadata().map_err(failed)?.len(),
            None => 0,
        };
        let reopened = |file| Reopened {
            path: path.clone(),
            file: Some(file),
            passed: 0,
        };
        Ok(Self {
            file: file.map(reopened),
            path,
            buffer: Vec::new(),
            at_once: buffer.max(1),
            place: 0..0,
            filled: 0,
            number: 0,
            last: Cell::new(start),
            other: Cell::new(None),
            lost: Cell::new(false),
            astray: false,
            again: false,
            record: None,
            end: Cell::new(0),
            length,
        })
    }

    /// Closes the file until more of it is read: more files may have to be read side by side than may be open.
    pub fn close(&mut self) {
        if let Some(file) = &mut self.file {
            file.file = None;
        }
    }

    /// The last line read, line feed included; the last one of a file may have none.
    pub fn line(&self) -> &[u8] {
        &self.buffer[self.place.clone()]
    }

    /// Goes to the next line. It is read where it stands in the buffer, and copied only where it does not fit behind what is
    /// there.
    fn read_line(&mut self) -> std::io::Result<()> {
        let mut from = self.place.end;
        let mut known = 0;
        loop {
            let ahead = &self.buffer[from..self.filled];
            if let Some(at) = memchr::memchr(b'\n', &ahead[known..]) {
                self.place = from..from + known + at + 1;
                return Ok(());
            }
            known = ahead.len();
            if from > 0 {
                self.buffer.copy_within(from..self.filled, 0);
            }
            (from, self.place, self.filled) = (0, 0..0, known);
            if self.read_ahead()? == 0 {
                self.place = 0..self.filled;
                return Ok(());
            }
        }
    }

    /// Reads more behind what is there, for which room is made; returns how many bytes.
    fn read_ahead(&mut self) -> std::io::Result<usize> {
        let Some(file) = &mut self.file else { return Ok(0) };
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled + self.at_once, 0);
        }
        loop {
            match file.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => {
                    self.filled += *read.as_ref().unwrap_or(&0);
                    return read;
                }
            }
        }
    }

    /// Reads the next line; false where there is no whole one more.
    pub(crate) fn advance(&mut self) -> Result<bool, RunError> {
        self.read_line().map_err(|source| RunError::Read {
            path: self.path.clone(),
            source,
        })?;
        self.number += 1;
        Ok(self.line().last() == Some(&b'\n'))
    }

    /// Goes to the line of the record of this id: the next one, unless the lines before did not fit together. Returns
    /// false where there is no whole line more.
    pub fn find(&mut self, id: &str) -> Result<bool, RunError> {
        if !self.astray {
            self.again = false;
            return self.advance();
        }
        if self.is_of(id) {
            (self.astray, self.again) = (false, true);
            return Ok(true);
        }
        self.again = false;
        for _ in 0..REACH {
            if !self.advance()? {
                return Ok(false);
            }
            if self.is_of(id) {
                self.astray = false;
                break;
            }
            self.follow();
            self.accept();
        }
        Ok(true)
    }

    /// Whether the last line says that it is of this record.
    pub(crate) fn is_of(&self, id: &str) -> bool {
        serde_json::from_slice::<IdLine>(self.line()).is_ok_and(|line| line.id == id)
    }

    /// The last line belongs to a whole record.
    pub(crate) fn accept(&self) {
        if !self.again {
            self.end.set(self.end.get() + self.place.len() as u64);
        }
    }

    /// Bytes behind the last whole record.
    pub(crate) fn left(&self) -> u64 {
        self.length.saturating_sub(self.end.get())
    }

    /// The check that the last line follows on, where it is known, and the line itself, where it ends in a check.
    pub(crate) fn follow(&self) -> (Option<Check>, Option<Sealed<'_>>) {
        let sealed = Sealed::line(self.line());
        if self.again {
            return (None, sealed);
        }
        let before = self.last.get();
        let lost = self.lost.replace(sealed.is_none());
        self.last.set(sealed.map_or(before, |sealed| sealed.check));
        ((!lost).then_some(before), sealed)
    }

    /// The last line, where it is as it was written behind `before`; what that is may not be known.
    pub(crate) fn holding<'a>(&self, sealed: Option<Sealed<'a>>, before: Option<&[Check]>) -> Option<Sealed<'a>> {
        let sealed = sealed?;
        let other = self.other.take();
        let Some(before) = before else { return Some(sealed) };
        let expected = sealed.expected(before);
        let or_other = || other.is_some_and(|other| sealed.holds(&[&[other], &before[1..]].concat()));
        if expected == sealed.check || or_other() {
            return Some(sealed);
        }
        self.other.set(Some(expected));
        None
    }

    pub(crate) fn bad(&self, problem: String) -> RunError {
        RunError::Record {
            path: self.path.clone(),
            line: self.number,
            problem,
        }
    }
}

/// What tells which record a line belongs to.
#[derive(Deserialize)]
struct IdLine {
    id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines shorter and longer than what is read at once, empty ones, a last one with and without an end; a file that is closed
    /// in between.
    #[test]
    fn lines_come_as_they_are_however_little_is_read_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lines");
        let texts = [
            "",
            "\n",
            "a",
            "ab\n\nc\n",
            "a\nlonger line\nb\nlast",
            "\n\n0123456789\n",
        ];
        for text in texts {
            std::fs::write(&path, text).expect("a file");
            for at_once in [1, 2, 3, 7, 100] {
                let mut lines = Lines::open(path.clone(), Check::new(&[], b""), at_once).expect("opens");
                for (at, line) in text.split_inclusive('\n').enumerate() {
                    let whole = lines.advance().expect("reads");
                    assert_eq!(
                        (lines.line(), whole),
                        (line.as_bytes(), line.ends_with('\n')),
                        "{text:?}"
                    );
                    assert_eq!(lines.number, at + 1);
                    lines.close();
                }
                let more = lines.advance().expect("reads");
                assert!(!more && lines.line().is_empty(), "{text:?}");
            }
        }
    }
}
