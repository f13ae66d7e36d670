//! The probes of a run, numbered by a roster.

use std::collections::HashMap;

use super::baseline_table::TabledBaseline;
use super::input::RunTable;
use super::roster::{MetricsError, Roster};
use super::row::{Row, SPLITS};
use super::table::TabledOutcome;
use crate::survey::QuestionId;

/// The numbers that people and questions of a run have in a roster, looked up once.
pub(super) struct RowNumbers<'a> {
    run: &'a RunTable,
    people: Vec<Option<u32>>,
    /// Number and category of each question that is known.
    questions: HashMap<QuestionId, (u32, u16)>,
}

impl<'a> RowNumbers<'a> {
    pub fn new(run: &'a RunTable, roster: &'a Roster) -> Self {
        let people = run.outcomes.respondents().iter();
        let person = |id: &String| roster.person(run, id).and_then(|number| u32::try_from(number).ok());
        let questions = roster.questions.iter().zip(0..);
        Self {
            run,
            people: people.map(person).collect(),
            questions: questions
                .filter_map(|(&(id, category), number)| Some((id, (number, u16::try_from(category).ok()?))))
                .collect(),
        }
    }

    /// An outcome with another choice than its own.
    pub fn row(&self, outcome: &TabledOutcome<'_>, choice: Option<usize>) -> Result<Row, MetricsError> {
        let run = || self.run.name.clone();
        let respondent = || self.run.outcomes.respondents()[outcome.person].clone();
        let person = self.people[outcome.person].ok_or_else(|| MetricsError::UnknownPerson {
            run: run(),
            person: respondent(),
        })?;
        let question = self.questions.get(&outcome.question);
        let &(question, category) = question.ok_or_else(|| MetricsError::UnknownQuestion {
            run: run(),
            question: outcome.question,
        })?;
        if !(1..=SPLITS).contains(&usize::from(outcome.split)) {
            return Err(MetricsError::Split {
                run: run(),
                person: respondent(),
                split: outcome.split,
            });
        }
        let mut named = [Some(outcome.label), choice].into_iter().flatten();
        if let Some(position) = named.find(|position| *position >= outcome.candidates) {
            return Err(MetricsError::Candidate {
                run: run(),
                person: respondent(),
                split: outcome.split,
                question: outcome.question,
                position,
                candidates: outcome.candidates,
            });
        }
        let (Ok(candidates), Ok(label)) = (u8::try_from(outcome.candidates), u8::try_from(outcome.label)) else {
            return Err(MetricsError::TooManyCandidates {
                run: run(),
                question: outcome.question,
                candidates: outcome.candidates,
            });
        };
        Ok(Row {
            person,
            split: outcome.split - 1,
            question,
            category,
            candidates,
            label,
            choice: choice.and_then(|choice| u8::try_from(choice).ok()),
        })
    }
}

/// Every probe that any condition of a run has, and what its baselines say of it: what all baselines are made from.
#[derive(Debug)]
pub struct Probes<'a> {
    run: &'a RunTable,
    /// Each once, ordered, without a choice.
    rows: Vec<Row>,
    /// Position of what the baselines say of each.
    said: Vec<Option<u32>>,
}

impl<'a> Probes<'a> {
    /// Those of a run.
    ///
    /// # Errors
    /// Where an outcome names a person, question, split or candidate that does not exist.
    pub fn new(run: &'a RunTable, roster: &Roster) -> Result<Self, MetricsError> {
        let numbers = RowNumbers::new(run, roster);
        let rows = run.outcomes.iter().map(|outcome| numbers.row(&outcome, None));
        let mut rows = rows.collect::<Result<Vec<Row>, _>>()?;
        // Where conditions disagree on a probe, the first one counts.
        rows.sort_by_key(Row::key);
        rows.dedup_by_key(|row| row.key());
        rows.shrink_to_fit();
        let people = run.baselines.respondents().iter();
        let people: Vec<Option<usize>> = people.map(|id| roster.person(run, id)).collect();
        let all = run.baselines.iter().zip(0..).filter_map(|(line, at)| {
            let person = u32::try_from(people[line.person]?).ok()?;
            let question = u32::try_from(roster.question(line.question)?).ok()?;
            Some(((person, line.split.wrapping_sub(1), question), at))
        });
        let mut all: Vec<((u32, u8, u32), u32)> = all.collect();
        all.sort_unstable();
        let mut all = all.as_slice();
        let said = rows.iter().map(|row| {
            all = &all[all.partition_point(|(probe, _)| *probe < row.key())..];
            let own = all.iter().take_while(|(probe, _)| *probe == row.key());
            // Of several the last one counts.
            own.last().map(|(_, at)| *at)
        });
        let said = said.collect();
        Ok(Self { run, rows, said })
    }

    /// All of them.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Those that the baselines were told of, with the choice of one of them.
    pub(super) fn chosen(&self, choice: impl Fn(&TabledBaseline<'_>) -> Option<usize>) -> Vec<Row> {
        let told = self.rows.iter().zip(&self.said).filter_map(|(row, said)| {
            let line = self.run.baselines.get((*said)? as usize)?;
            let choice = choice(&line).and_then(|choice| u8::try_from(choice).ok());
            let choice = choice.filter(|choice| *choice < row.candidates);
            Some(Row { choice, ..*row })
        });
        told.collect()
    }
}
