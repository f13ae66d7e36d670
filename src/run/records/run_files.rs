//! The files of a run, read side by side: a line of records, then the line of its evidence.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::audit::{Problem, RecordPlace};
use super::check::Check;
use super::evidence::{decode, file};
use super::line::RecordLine;
use super::lines::Lines;
use super::plain;
use crate::metrics::QuestionInfo;
use crate::run::names::RECORDS;
use crate::run::{PeopleFile, RunError};
use crate::scoring::{EvidenceKind, Method, Outcome};

/// The open files of a run.
#[derive(Debug)]
pub(super) struct RunFiles {
    pub(super) records: Lines,
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

/// That a file goes on behind the last record.
pub(super) fn behind(file: &str, bytes: u64) -> String {
    format!("{file}: {bytes} bytes after the last whole record")
}

impl RunFiles {
    /// Opens the files of the run in `folder`, whose first lines follow on `start`; so many bytes of each are read at once.
    pub(super) fn open(folder: &Path, start: Check, buffer: usize) -> Result<Self, RunError> {
        let lines = |name: &str| Lines::open(folder.join(name), start, buffer);
        let [likelihood, label, generation] = EvidenceKind::ALL.map(|kind| lines(file(kind)));
        Ok(Self {
            records: lines(RECORDS)?,
            evidence: [likelihood?, label?, generation?],
            short: None,
        })
    }

    pub(super) fn left_over(&self) -> Vec<String> {
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

    pub(super) fn whole(&self) -> Whole {
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

    pub(super) fn place(&self, problem: &Problem) -> (PathBuf, usize) {
        // Only the last record read can have a problem in its evidence, which is then the last line of its file.
        let line = problem.record + 1;
        let last = self.evidence.iter().find(|lines| lines.record == Some(problem.record));
        match (problem.place, last) {
            (RecordPlace::Evidence, Some(lines)) => (lines.path.clone(), lines.number),
            _ => (self.records.path.clone(), line),
        }
    }

    /// Closes the files until the next record is asked for.
    pub(super) fn close(&mut self) {
        [&mut self.records]
            .into_iter()
            .chain(&mut self.evidence)
            .for_each(Lines::close);
    }

    /// The last record's line and that of its evidence, which is of this kind.
    pub(super) fn last_lines(&self, kind: EvidenceKind) -> (&[u8], &[u8]) {
        (self.records.line(), self.evidence[kind as usize].line())
    }

    /// The next record whose evidence is there.
    pub(super) fn next(&mut self, people: &PeopleFile) -> Option<Result<Outcome, RunError>> {
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
        let line = plain::record(records.line()).map_or_else(|| serde_json::from_slice(records.line()), Ok);
        let line: RecordLine<'_> = match line {
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
        let Some(proof) = evidence.holding(proof, proof_before.as_ref().map(std::slice::from_ref)) else {
            evidence.astray = !evidence.is_of(&line.id);
            return Err(evidence.bad(CHANGED.to_owned()));
        };
        let follows = before.map(|before| [before, proof.check]);
        if records.holding(own, follows.as_ref().map(<[_; 2]>::as_slice)).is_none() {
            evidence.astray = !evidence.is_of(&line.id);
            return Err(records.bad(CHANGED.to_owned()));
        }
        let question = people.question(line.question);
        let texts = question.map(|question| question.candidates.as_slice());
        let (id, said) = decode(kind, evidence.line(), line.status, texts).map_err(|what| evidence.bad(what))?;
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
        let said = serde_json::from_slice::<MethodLine>(self.records.line());
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
