//! Records read one after the other, each together with its evidence and checked as it comes.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::audit::{Audit, Problem, RecordPlace};
use super::check::Check;
use super::evidence::{decode, file};
use super::folder::{self, InFolder};
use super::format1;
use super::header::Header;
use super::line::RecordLine;
use super::lines::Lines;
use crate::metrics::QuestionInfo;
use crate::run::names::{PEOPLE, RECORDS};
use crate::run::{PeopleFile, RunError};
use crate::scoring::{Condition, EvidenceKind, Method, Outcome};

/// What an opened journal already holds.
#[derive(Debug, Default)]
pub struct Recorded {
    /// Whole outcomes, in order.
    pub outcomes: Vec<Outcome>,
    /// Bytes behind the last whole record that were dropped.
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

/// The open files of a run.
#[derive(Debug)]
struct RunFiles {
    records: Lines,
    /// One a kind, in the order of [`EvidenceKind::ALL`].
    evidence: [Lines; 3],
    /// The kind whose file ended before the evidence of the last line of records.
    short: Option<EvidenceKind>,
}

/// What alone has to be known of a record to find its evidence.
#[derive(Deserialize)]
struct MethodLine {
    method: Method,
}

/// What is said of a line whose check does not hold.
const CHANGED: &str = "this line is not as it was written, or does not stand where it was written";

/// How far the files of a run are whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) struct Whole {
    /// Bytes of `records.jsonl` up to the end of the last record whose evidence is there.
    pub records: u64,
    /// The same of the files of evidence, in the order of [`EvidenceKind::ALL`].
    pub evidence: [u64; 3],
    /// Bytes behind those.
    pub torn: usize,
    /// The checks that the next line of each follows on: of records, then of each kind.
    pub last: (Check, [Check; 3]),
}

impl Reader {
    /// Opens the run in `folder`.
    ///
    /// # Errors
    /// A folder without a run; `run.json` or `people.json` that cannot be read or was changed.
    pub fn open(folder: &Path) -> Result<Self, RunError> {
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
                Self::of(folder, *header, start, people)
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
        let [likelihood, label, generation] = EvidenceKind::ALL.map(|kind| Lines::open(folder.join(file(kind)), start));
        let files = RunFiles {
            records: Lines::open(folder.join(RECORDS), start)?,
            evidence: [likelihood?, label?, generation?],
            short: None,
        };
        let conditions: Vec<Condition> = header.conditions.iter().map(super::ConditionEntry::condition).collect();
        Ok(Self::new(
            header,
            people,
            &conditions,
            RecordSource::Lines(Box::new(files)),
        ))
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

    /// Bytes behind the last whole record, in all files. Known when all records are read.
    pub(crate) fn torn(&self) -> usize {
        match &self.source {
            RecordSource::Lines(files) => files.whole().torn,
            RecordSource::Format1(outcomes) => outcomes.torn,
        }
    }

    /// What stands behind the last whole record, file by file, in words. Known when all records are read.
    pub fn left_over(&self) -> Vec<String> {
        match &self.source {
            RecordSource::Lines(files) => files.left_over(),
            RecordSource::Format1(outcomes) if outcomes.torn > 0 => vec![behind(RECORDS, outcomes.torn as u64)],
            RecordSource::Format1(_) => Vec::new(),
        }
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

    /// Header, people and all records.
    ///
    /// # Errors
    /// The first record that is not as it was written, or that cannot be; more records than the run has.
    pub fn all(mut self) -> Result<(Header, PeopleFile, Recorded), RunError> {
        let outcomes = self.by_ref().collect::<Result<Vec<_>, _>>()?;
        if outcomes.len() > self.header.outcomes {
            return Err(RunError::Altered {
                path: self.records_path(),
                problem: format!("{} records where the run has {}", outcomes.len(), self.header.outcomes),
            });
        }
        let torn = self.torn();
        Ok((self.header, self.people, Recorded { outcomes, torn }))
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

/// That a file goes on behind the last record.
fn behind(file: &str, bytes: u64) -> String {
    format!("{file}: {bytes} bytes after the last whole record")
}

impl RunFiles {
    fn left_over(&self) -> Vec<String> {
        let short = self.short.map(|kind| {
            let record = self.records.number;
            format!("{}: ends before the evidence of line {record} of {RECORDS}", file(kind))
        });
        let names = [RECORDS].into_iter().chain(EvidenceKind::ALL.map(file));
        let lines = [&self.records].into_iter().chain(&self.evidence);
        let more = names.zip(lines).filter(|(_, lines)| lines.left() > 0);
        let more = more.map(|(name, lines)| behind(name, lines.left()));
        short.into_iter().chain(more).collect()
    }

    fn whole(&self) -> Whole {
        let all = || [&self.records].into_iter().chain(&self.evidence);
        Whole {
            records: self.records.end.get(),
            evidence: self.evidence.each_ref().map(|lines| lines.end.get()),
            torn: all()
                .map(|lines| usize::try_from(lines.left()).unwrap_or(usize::MAX))
                .sum(),
            last: (
                self.records.last.get(),
                self.evidence.each_ref().map(|lines| lines.last.get()),
            ),
        }
    }

    fn place(&self, problem: &Problem) -> (PathBuf, usize) {
        // Only the last record read can have a problem in its evidence, which is then the last line of its file.
        let line = problem.record + 1;
        let last = self.evidence.iter().find(|lines| lines.record == Some(problem.record));
        match (problem.place, last) {
            (RecordPlace::Evidence, Some(lines)) => (lines.path.clone(), lines.number),
            _ => (self.records.path.clone(), line),
        }
    }

    /// The next record whose evidence is there.
    fn next(&mut self, people: &PeopleFile) -> Option<Result<Outcome, RunError>> {
        match self.advance(people) {
            Ok(outcome) => outcome.map(Ok),
            Err(error) => Some(Err(error)),
        }
    }

    fn advance(&mut self, people: &PeopleFile) -> Result<Option<Outcome>, RunError> {
        if !self.records.advance()? {
            return Ok(None);
        }
        let records = &self.records;
        let line: RecordLine<'_> = match serde_json::from_slice(&records.line) {
            Ok(line) => line,
            Err(error) => {
                let problem = records.bad(error.to_string());
                records.follow();
                records.accept();
                self.step_over()?;
                return Err(problem);
            }
        };
        let kind = line.method.definition().evidence();
        let evidence = &mut self.evidence[kind as usize];
        if !evidence.find(&line.id)? {
            self.short = Some(kind);
            return Ok(None);
        }
        evidence.record = Some(records.number - 1);
        evidence.accept();
        // Not before: a record whose evidence is missing is not whole, and what is appended follows on the one before it.
        let (before, own) = records.follow();
        records.accept();
        // What is wrong with a line does not make those behind it wrong: they follow on what it says of itself.
        let (proof_before, proof) = evidence.follow();
        let Some(proof) = evidence.holding(proof, proof_before.map(|before| vec![before])) else {
            evidence.astray = !evidence.is_of(&line.id);
            return Err(evidence.bad(CHANGED.to_owned()));
        };
        let follows = before.map(|before| vec![before, proof.check]);
        if records.holding(own, follows).is_none() {
            evidence.astray = !evidence.is_of(&line.id);
            return Err(records.bad(CHANGED.to_owned()));
        }
        let question = people.question(line.question);
        let texts = question.map(|question| question.candidates.as_slice());
        let (id, said) = decode(kind, &evidence.line, line.status, texts).map_err(|what| evidence.bad(what))?;
        if id != line.id {
            let problem = evidence.bad(format!("`id` is {id}, that of its record {}", line.id));
            evidence.astray = true;
            return Err(problem);
        }
        let category = question.and_then(|QuestionInfo { category, .. }| people.categories.get(*category));
        let outcome = line.outcome(said, category.map(String::as_str));
        outcome.map(Some).map_err(|what| records.bad(what))
    }

    /// Goes past the evidence of a record that cannot be read.
    fn step_over(&mut self) -> Result<(), RunError> {
        let said = serde_json::from_slice::<MethodLine>(&self.records.line);
        let Ok(MethodLine { method }) = said else {
            // Whose evidence it has shows by the ids of the next records.
            self.evidence.iter_mut().for_each(|lines| lines.astray = true);
            return Ok(());
        };
        let evidence = &mut self.evidence[method.definition().evidence() as usize];
        if evidence.advance()? {
            evidence.follow();
            evidence.accept();
        }
        Ok(())
    }
}

/// Reads a finished or unfinished run without the right to add to it.
///
/// # Errors
/// As [`Reader::open`]; the first record that is not as it was written, or that cannot be.
pub fn read(folder: &Path) -> Result<(Header, Recorded), RunError> {
    let (header, _, recorded) = Reader::open(folder)?.all()?;
    Ok((header, recorded))
}
