//! One part of a run that is merged: its records, person by person.

use std::path::{Path, PathBuf};

use crate::run::records::{BUFFER, JournalCopy};
use crate::run::{PeopleFile, Reader, RunError, Shard, ShardError};
use crate::scoring::Outcome;

/// Bytes of all files together that are read ahead, about.
const BUFFERS: usize = 1 << 25;

/// Bytes of one file that are read at once, at the least.
const LEAST_BUFFER: usize = 1 << 13;

/// Where merged records go.
pub(super) struct Merging<'a> {
    /// The run's files.
    pub copy: JournalCopy,
    /// Is shown each of them.
    pub take: &'a mut dyn FnMut(&Outcome),
}

/// A part of a run.
pub(super) struct Source {
    pub folder: PathBuf,
    pub reader: Reader,
    /// The next record, whose lines are those that the reader read last.
    ahead: Option<Outcome>,
    /// Whether a first record was asked for.
    begun: bool,
    /// Records that were passed on.
    pub copied: usize,
}

impl Source {
    /// Opens the shard in a folder, or the run in one piece, where so many are read side by side.
    ///
    /// # Errors
    /// A folder that holds something else, or whose files were changed.
    pub fn open(folder: &Path, shard: Option<Shard>, together: usize) -> Result<Self, RunError> {
        let buffer = (BUFFERS / together.max(1)).clamp(LEAST_BUFFER, BUFFER);
        let reader = Reader::open_buffered(folder, buffer)?;
        ShardError::is_of(folder, reader.header().shard(), shard)?;
        let mut source = Self {
            folder: folder.to_owned(),
            reader,
            ahead: None,
            begun: false,
            copied: 0,
        };
        source.reader.close();
        Ok(source)
    }

    /// People at the front of the plan who are in no shard.
    pub fn skipped(&self) -> usize {
        self.reader.header().shard.map_or(0, |entry| entry.skipped)
    }

    /// The next record.
    fn look(&mut self) -> Result<Option<&Outcome>, RunError> {
        if !self.begun {
            self.begun = true;
            self.ahead = self.reader.next().transpose()?;
        }
        Ok(self.ahead.as_ref())
    }

    fn step(&mut self) -> Result<(), RunError> {
        self.ahead = self.reader.next().transpose()?;
        Ok(())
    }

    /// Copies the records of a person, who is the next one here, if anything is recorded of them. What `beside` has of the
    /// same person must be the same.
    ///
    /// # Errors
    /// A record that is not as it was written; other records of the person beside.
    pub fn copy(
        &mut self,
        person: &str,
        mut beside: Option<&mut Self>,
        merging: &mut Merging<'_>,
    ) -> Result<usize, RunError> {
        let mut count = 0;
        while self.look()?.is_some_and(|outcome| outcome.respondent == person) {
            if let Some(other) = beside.as_deref_mut() {
                self.same(person, other)?;
            }
            let Some(outcome) = &self.ahead else { break };
            let kind = outcome.evidence.kind();
            let added = self
                .reader
                .last_lines(kind)
                .map(|lines| merging.copy.add(kind, lines))
                .transpose()?;
            if added != Some(true) {
                return Err(self.foreign("a line does not end as every line does".to_owned()));
            }
            (merging.take)(outcome);
            self.step()?;
            count += 1;
        }
        self.copied += count;
        Ok(count)
    }

    /// Whether the next record of this person is the same in the other part, if there is one.
    fn same(&self, person: &str, other: &mut Self) -> Result<(), RunError> {
        let also = other.look()?.is_some_and(|outcome| outcome.respondent == person);
        if !also {
            return Ok(());
        }
        if self.ahead != other.ahead {
            return Err(ShardError::Twice {
                folder: self.folder.clone(),
                respondent: person.to_owned(),
                other: other.folder.clone(),
                how: ", with other records",
            }
            .into());
        }
        other.step()
    }

    /// Makes sure that nothing is left.
    ///
    /// # Errors
    /// Records of people whose turn it never was.
    pub fn end(&mut self, people: &PeopleFile) -> Result<(), RunError> {
        let Some(outcome) = self.look()? else {
            return self.nothing_left();
        };
        let known = people.people.iter().any(|person| person.id == outcome.respondent);
        let problem = match known {
            true => format!(
                "records of respondent {} do not stand where they belong",
                outcome.respondent
            ),
            false => format!(
                "it has records of respondent {}, who is not in the run",
                outcome.respondent
            ),
        };
        Err(self.foreign(problem))
    }

    /// Behind the records of a complete shard nothing stands; the run in one piece may end in what a kill left.
    fn nothing_left(&self) -> Result<(), RunError> {
        let left = self.reader.left_over().into_iter().next();
        match left.zip(self.reader.header().shard()) {
            Some((problem, shard)) => Err(ShardError::Torn {
                folder: self.folder.clone(),
                shard,
                problem,
            }
            .into()),
            None => Ok(()),
        }
    }

    fn foreign(&self, problem: String) -> RunError {
        let folder = self.folder.clone();
        ShardError::Foreign { folder, problem }.into()
    }
}
