//! A journal written anew from records that other journals have, line by line: texts stay as they are, checks are made anew.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::check::{Check, Sealed, seal_again};
use super::evidence::file;
use super::header::Header;
use crate::run::RunError;
use crate::run::names::RECORDS;
use crate::scoring::EvidenceKind;

/// A journal that is written from front to end and is of use only once it is [finished](Self::finish).
#[derive(Debug)]
pub(in crate::run) struct JournalCopy {
    records: CopiedLines,
    /// One a kind, in the order of [`EvidenceKind::ALL`].
    evidence: [CopiedLines; 3],
}

/// A file that lines are added to.
#[derive(Debug)]
struct CopiedLines {
    path: PathBuf,
    /// None until there is a line.
    file: Option<BufWriter<File>>,
    last: Check,
}

impl JournalCopy {
    /// Begins a journal in an empty folder with its `run.json`.
    ///
    /// # Errors
    /// [`RunError::Write`].
    pub fn begin(folder: &Path, header: &Header) -> Result<Self, RunError> {
        let last = header.write(folder)?;
        let lines = |name: &str| CopiedLines {
            path: folder.join(name),
            file: None,
            last,
        };
        Ok(Self {
            records: lines(RECORDS),
            evidence: EvidenceKind::ALL.map(|kind| lines(file(kind))),
        })
    }

    /// Adds a record by its line and that of its evidence, which is of this kind. `false` where one of them does not end as
    /// every line does.
    ///
    /// # Errors
    /// [`RunError::Write`].
    pub fn add(&mut self, kind: EvidenceKind, (record, evidence): (&[u8], &[u8])) -> Result<bool, RunError> {
        let (Some(record), Some(evidence)) = (Sealed::line(record), Sealed::line(evidence)) else {
            return Ok(false);
        };
        let lines = &mut self.evidence[kind as usize];
        lines.last = lines.add(evidence, &[lines.last])?;
        let before = [self.records.last, lines.last];
        self.records.last = self.records.add(record, &before)?;
        Ok(true)
    }

    /// Hands everything to the disk.
    ///
    /// # Errors
    /// [`RunError::Write`].
    pub fn finish(self) -> Result<(), RunError> {
        let all = self.evidence.into_iter().chain([self.records]);
        all.into_iter().try_for_each(CopiedLines::finish)
    }
}

impl CopiedLines {
    fn add(&mut self, line: Sealed<'_>, before: &[Check]) -> Result<Check, RunError> {
        let added = self.write(line, before);
        added.map_err(|source| self.failed(source))
    }

    fn write(&mut self, line: Sealed<'_>, before: &[Check]) -> std::io::Result<Check> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => BufWriter::with_capacity(1 << 18, File::create(&self.path)?),
        };
        let written = seal_again(line, before, &mut file);
        self.file = Some(file);
        written
    }

    fn finish(mut self) -> Result<(), RunError> {
        let Some(mut file) = self.file.take() else {
            return Ok(());
        };
        let done = file.flush().and_then(|()| file.get_ref().sync_data());
        done.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> RunError {
        RunError::Write {
            path: self.path.clone(),
            source,
        }
    }
}
