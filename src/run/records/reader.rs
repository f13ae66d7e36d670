//! Records read one after the other, each together with its evidence and checked as it comes.

use std::path::{Path, PathBuf};

use super::audit::{Audit, Problem};
use super::check::Check;
use super::folder::{self, InFolder};
use super::format1;
use super::header::Header;
use super::lines::BUFFER;
use super::run_files::{RunFiles, Whole, behind};
use crate::metrics::{BaselineTable, Person, SecondAnswer};
use crate::run::names::{PEOPLE, RECORDS};
use crate::run::{PeopleFile, RunError};
use crate::scoring::{Condition, EvidenceKind, Outcome};

/// A run that was read to its end.
#[derive(Debug)]
pub(in crate::run) struct ReadRun {
    pub header: Header,
    pub people: PeopleFile,
    /// How many there are.
    pub records: usize,
}

/// How far an opened journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Whole records.
    pub records: usize,
    /// Bytes behind the last of them that were dropped.
    pub torn: usize,
}

/// Reads the records of a run in order, whatever format it is in.
#[derive(Debug)]
pub struct Reader {
    header: Header,
    people: PeopleFile,
    source: RecordSource,
    audit: Audit,
    read: usize,
    over: bool,
}

#[derive(Debug)]
enum RecordSource {
    /// Today's.
    Lines(Box<RunFiles>),
    /// Of format 1, read as a whole.
    Format1(format1::Outcomes),
}

impl Reader {
    /// Opens the run in `folder`.
    ///
    /// # Errors
    /// A folder without a run; `run.json` or `people.json` that cannot be read or was changed.
    pub fn open(folder: &Path) -> Result<Self, RunError> {
        Self::open_buffered(folder, BUFFER)
    }

    /// The same; so many bytes of each file are read at once.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(in crate::run) fn open_buffered(folder: &Path, buffer: usize) -> Result<Self, RunError> {
        match folder::read(folder)? {
            InFolder::Nothing => Err(RunError::NoRun {
                folder: folder.to_owned(),
            }),
            InFolder::Format1 => {
                let (header, outcomes) = format1::read(folder)?;
                let people = PeopleFile::read(folder)?;
                agree(folder, &header, &people)?;
                let conditions = outcomes.conditions();
                Ok(Self::new(header, people, &conditions, RecordSource::Format1(outcomes)))
            }
            InFolder::Run(header, start) => {
                let people = PeopleFile::read_bound(folder, &header.people)?;
                agree(folder, &header, &people)?;
                let files = RunFiles::open(folder, start, buffer)?;
                Ok(Self::of_files(*header, people, files))
            }
        }
    }

    /// Opens the records of a run whose header and people are read already.
    pub(in crate::run) fn of(
        folder: &Path,
        header: Header,
        start: Check,
        people: PeopleFile,
    ) -> Result<Self, RunError> {
        let files = RunFiles::open(folder, start, BUFFER)?;
        Ok(Self::of_files(header, people, files))
    }

    fn of_files(header: Header, people: PeopleFile, files: RunFiles) -> Self {
        let conditions: Vec<Condition> = header.conditions.iter().map(super::ConditionEntry::condition).collect();
        Self::new(header, people, &conditions, RecordSource::Lines(Box::new(files)))
    }

    fn new(header: Header, people: PeopleFile, conditions: &[Condition], source: RecordSource) -> Self {
        Self {
            audit: Audit::new(&header, conditions, &people),
            header,
            people,
            source,
            read: 0,
            over: false,
        }
    }

    /// What the run is.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Its people and questions.
    pub fn people(&self) -> &PeopleFile {
        &self.people
    }

    /// What stands behind the last whole record, file by file, in words. Known when all records are read.
    pub fn left_over(&self) -> Vec<String> {
        match &self.source {
            RecordSource::Lines(files) => files.left_over(),
            RecordSource::Format1(outcomes) if outcomes.torn > 0 => vec![behind(RECORDS, outcomes.torn as u64)],
            RecordSource::Format1(_) => Vec::new(),
        }
    }

    /// Closes the files until the next record is asked for.
    pub(in crate::run) fn close(&mut self) {
        if let RecordSource::Lines(files) = &mut self.source {
            files.close();
        }
    }

    /// The lines of the record that was read last: its own, and that of its evidence, which is of this kind. `None` for a run
    /// of format 1.
    pub(in crate::run) fn last_lines(&self, kind: EvidenceKind) -> Option<(&[u8], &[u8])> {
        match &self.source {
            RecordSource::Lines(files) => Some(files.last_lines(kind)),
            RecordSource::Format1(_) => None,
        }
    }

    /// Takes people, baselines and second answers out of what is known of the run; none is needed to read on.
    pub(in crate::run) fn take_people(&mut self) -> (Vec<Person>, BaselineTable, Vec<SecondAnswer>) {
        let people = &mut self.people;
        (
            std::mem::take(&mut people.people),
            std::mem::take(&mut people.baselines),
            std::mem::take(&mut people.second_answers),
        )
    }

    /// How far the files are whole; `None` for a run of format 1. Known when all records are read.
    pub(in crate::run) fn whole(&self) -> Option<Whole> {
        match &self.source {
            RecordSource::Lines(files) => Some(files.whole()),
            RecordSource::Format1(_) => None,
        }
    }

    /// The run's people and questions, when nothing more is to be read.
    pub(in crate::run) fn into_people(self) -> PeopleFile {
        self.people
    }

    /// Hands on record after record; none is kept.
    ///
    /// # Errors
    /// The first record that is not as it was written, or that cannot be; more records than the run has.
    pub(in crate::run) fn each(mut self, mut take: impl FnMut(Outcome)) -> Result<ReadRun, RunError> {
        let mut records = 0;
        for outcome in self.by_ref() {
            take(outcome?);
            records += 1;
        }
        if records > self.header.outcomes {
            return Err(RunError::Altered {
                path: self.records_path(),
                problem: format!("{records} records where the run has {}", self.header.outcomes),
            });
        }
        Ok(ReadRun {
            records,
            header: self.header,
            people: self.people,
        })
    }

    /// What is known of the run where so many records of it are known already.
    pub(in crate::run) fn unread(self, records: usize) -> ReadRun {
        ReadRun {
            header: self.header,
            people: self.people,
            records,
        }
    }

    /// Where the records stand.
    fn records_path(&self) -> PathBuf {
        match &self.source {
            RecordSource::Lines(files) => files.records.path.clone(),
            RecordSource::Format1(outcomes) => outcomes.path(),
        }
    }

    fn next_outcome(&mut self) -> Option<Result<Outcome, RunError>> {
        let outcome = match &mut self.source {
            RecordSource::Lines(files) => files.next(&self.people)?,
            RecordSource::Format1(outcomes) => Ok(outcomes.next()?),
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                self.audit.skip();
                return Some(Err(error));
            }
        };
        Some(match self.audit.check(&outcome, self.read) {
            Ok(()) => Ok(outcome),
            Err(problem) => Err(self.named(problem)),
        })
    }

    /// A problem with the file and line where it stands.
    fn named(&self, problem: Problem) -> RunError {
        let (path, line) = match &self.source {
            RecordSource::Lines(files) => files.place(&problem),
            RecordSource::Format1(outcomes) => outcomes.place(&problem),
        };
        RunError::Record {
            path,
            line,
            problem: problem.what,
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Outcome, RunError>;

    /// The next record. After an error the records behind it can still be read where their lines can.
    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        if let Some(outcome) = self.next_outcome() {
            self.read += 1;
            return Some(outcome);
        }
        self.over = true;
        if self.read < self.header.outcomes || self.read == 0 {
            return None;
        }
        self.audit
            .end(self.read - 1)
            .err()
            .map(|problem| Err(self.named(problem)))
    }
}

/// Whether `people.json` is of the run that `run.json` says: as many people, and invented or not.
///
/// # Errors
/// [`RunError::Altered`] where it is not.
fn agree(folder: &Path, header: &Header, file: &PeopleFile) -> Result<(), RunError> {
    let altered = |problem: String| {
        let path = folder.join(PEOPLE);
        Err(RunError::Altered { path, problem })
    };
    let word = |synthetic: bool| if synthetic { "synthetic" } else { "not synthetic" };
    if header.synthetic != file.synthetic {
        let (here, there) = (word(file.synthetic), word(header.synthetic));
        return altered(format!("its people are {here}, those of the run are {there}"));
    }
    let (people, respondents) = (file.people.len(), header.respondents);
    if people != respondents {
        return altered(format!(
            "its number of people is {people}, that of the run {respondents}"
        ));
    }
    Ok(())
}
