//! What must hold of every record, whoever wrote it: no model and no survey file is needed to tell.

mod evidence;
mod place;

use std::collections::HashMap;

use evidence::evidence;
use place::{At, AuditedPlace, PaperTexts};

use super::header::Header;
use crate::run::PeopleFile;
use crate::scoring::methods::Concluded;
use crate::scoring::parser::Read;
use crate::scoring::{Condition, Evidence, Outcome, Reading, Try};
use crate::survey::QuestionId;

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) struct Problem {
    /// Number of the record, from 0.
    pub record: usize,
    /// Which of its two lines is wrong.
    pub place: RecordPlace,
    /// What is wrong.
    pub what: String,
}

/// One of a record's two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum RecordPlace {
    /// The record.
    Record,
    /// Its evidence.
    Evidence,
}

/// Checks the records of a run one after the other.
#[derive(Debug)]
pub(in crate::run) struct Audit {
    people: HashMap<String, usize>,
    questions: HashMap<QuestionId, AuditedQuestion>,
    conditions: HashMap<Condition, usize>,
    splits: Vec<u8>,
    /// Longest context of the model, tokens.
    context: usize,
    at: Option<At>,
    /// Whether a record before the next could not be read or cannot be placed.
    gap: bool,
}

#[derive(Debug)]
struct AuditedQuestion {
    /// Texts of the candidates; empty where the run's files do not have them (format 1).
    texts: Vec<String>,
    /// Number of candidates, once it is known.
    candidates: Option<usize>,
}

impl Audit {
    /// Checks the records of this run, whose people and questions are those of `file`.
    pub fn new(header: &Header, conditions: &[Condition], file: &PeopleFile) -> Self {
        let numbered = conditions.iter().enumerate();
        let people = file.people.iter().enumerate();
        let questions = file.questions.iter().map(|question| {
            let texts = question.candidates.clone();
            let candidates = (!texts.is_empty()).then_some(texts.len());
            (question.id, AuditedQuestion { texts, candidates })
        });
        Self {
            people: people.map(|(at, person)| (person.id.clone(), at)).collect(),
            questions: questions.collect(),
            conditions: numbered.map(|(at, condition)| (condition.clone(), at)).collect(),
            splits: header.spec.grid.splits.iter().map(|split| split.number()).collect(),
            context: header.model.context,
            at: None,
            gap: false,
        }
    }

    /// Checks the next record, which is number `record`, from 0.
    pub(crate) fn check(&mut self, outcome: &Outcome, record: usize) -> Result<(), Problem> {
        let problem = |place, what| Problem { record, place, what };
        let sound = self.alone(outcome).map_err(|what| problem(RecordPlace::Record, what));
        let sound = sound.and_then(|()| evidence(outcome).map_err(|what| problem(RecordPlace::Evidence, what)));
        let placed = sound.and_then(|()| self.order(outcome, record));
        self.gap = placed.is_err();
        placed?;
        self.prediction(outcome, record)
    }

    /// The next record cannot be read: those behind it are not wrong because it is missing.
    pub fn skip(&mut self) {
        self.gap = true;
    }

    /// Checks what can be told of a complete run only when all of its records are known; `last` is the last one's number.
    pub fn end(&mut self, last: usize) -> Result<(), Problem> {
        let gap = self.gap;
        self.at.take().map_or(Ok(()), |mut at| {
            at.torn |= gap;
            self.finish(&mut at, last)
        })
    }

    /// What one record says of itself.
    fn alone(&mut self, outcome: &Outcome) -> Result<(), String> {
        let Some(question) = self.questions.get_mut(&outcome.question) else {
            return Err(format!(
                "{} is not among the questions in people.json",
                outcome.question
            ));
        };
        let candidates = *question.candidates.get_or_insert(outcome.candidates);
        if outcome.candidates != candidates {
            return Err(format!(
                "`candidates` is {} where {} has {candidates}",
                outcome.candidates, outcome.question
            ));
        }
        for (name, position) in [("label", Some(outcome.label)), ("prediction", outcome.prediction)] {
            if position.is_some_and(|position| position >= candidates) {
                return Err(format!("`{name}` is not one of the {candidates} candidates"));
            }
        }
        let Condition { demonstrations, .. } = outcome.condition;
        if outcome.shown > demonstrations {
            return Err(format!(
                "`shown` is {} where {demonstrations} were asked for",
                outcome.shown
            ));
        }
        if outcome.context_tokens > self.context {
            return Err(format!(
                "`context_tokens` is {}, more than the model's context of {}",
                outcome.context_tokens, self.context
            ));
        }
        Ok(())
    }

    /// Whether the record stands where it belongs.
    fn order(&mut self, outcome: &Outcome, record: usize) -> Result<(), Problem> {
        let problem = |what: &str| Problem {
            record,
            place: RecordPlace::Record,
            what: what.to_owned(),
        };
        let Some(&person) = self.people.get(&outcome.respondent) else {
            return Err(problem("`respondent` is not in people.json"));
        };
        if !self.splits.contains(&outcome.split) {
            return Err(problem("`split` is not one of the run's"));
        }
        let Some(&condition) = self.conditions.get(&outcome.condition) else {
            return Err(problem("its condition is not one of the run's"));
        };
        let place = (person, outcome.split);
        let mut at = self.at.take().unwrap_or_else(|| At::new(place, condition));
        let found = self.enter(&mut at, (place, condition), record);
        let found = found.and_then(|()| {
            let probe = (outcome.question, outcome.label, outcome.candidates);
            at.ask(probe, self.gap).map_err(|what| problem(&what))
        });
        self.at = Some(at);
        found
    }

    /// Goes on to a person and split and a condition, which may be the present ones.
    fn enter(&self, at: &mut At, (place, condition): (AuditedPlace, usize), record: usize) -> Result<(), Problem> {
        let problem = |what: &str| {
            Err(Problem {
                record,
                place: RecordPlace::Record,
                what: what.to_owned(),
            })
        };
        at.torn |= self.gap;
        if at.place() == place && at.condition == condition {
            return Ok(());
        }
        let finished = self.finish(at, record);
        let before = (at.place(), at.condition);
        if at.place() == place {
            at.enter(condition);
        } else {
            *at = At::new(place, condition);
        }
        at.torn = self.gap;
        finished?;
        match before {
            (above, _) if above > place => problem("it belongs before the person or split above it"),
            (above, number) if above == place && number > condition => {
                problem("it belongs before the condition above it")
            }
            _ => Ok(()),
        }
    }

    /// Whether the prediction is what the evidence says.
    fn prediction(&mut self, outcome: &Outcome, record: usize) -> Result<(), Problem> {
        let problem = |place, what: &str| Problem {
            record,
            place,
            what: what.to_owned(),
        };
        let method = outcome.condition.method.definition();
        let holds = match (method.concluded(&outcome.evidence), &outcome.evidence) {
            (Concluded::Choice(choice), evidence) => {
                if let Some(what) = self.misread(outcome, evidence.tries().unwrap_or_default()) {
                    return Err(problem(RecordPlace::Evidence, &what));
                }
                choice == outcome.prediction && agrees(outcome)
            }
            (Concluded::Unsaid, Evidence::Generation { reading, tries }) if method.asks_all_at_once() => {
                let Some(at) = &mut self.at else { return Ok(()) };
                let paper = at.paper.get_or_insert_with(|| PaperTexts {
                    method: outcome.condition.method,
                    first: record,
                    tries: tries.clone(),
                    recorded: Vec::new(),
                });
                paper.recorded.push((outcome.prediction, *reading));
                if record > paper.first && !tries.is_empty() {
                    let what = "tries of one answer to all probes stand with the first probe alone";
                    return Err(problem(RecordPlace::Evidence, what));
                }
                true
            }
            (Concluded::Unsaid, _) => agrees(outcome),
            (Concluded::Foreign, _) => false,
        };
        let what = "`prediction` or `status` is not what its evidence says";
        holds.then_some(()).ok_or_else(|| problem(RecordPlace::Record, what))
    }

    /// A text that says something else than what is recorded of it.
    fn misread(&self, outcome: &Outcome, tries: &[Try]) -> Option<String> {
        if tries.is_empty() {
            return None;
        }
        let texts = self.texts(outcome.question)?;
        let method = outcome.condition.method.definition();
        let wrong = tries.iter().position(|told| {
            let options: Option<Vec<&str>> = told.order.iter().map(|&at| texts.get(at).copied()).collect();
            let Some(options) = options.filter(|options| options.len() == texts.len()) else {
                return true;
            };
            let read = method.read(&told.text, &[&options]);
            let choice = read.first().and_then(|read| read.prediction());
            choice.and_then(|option| told.order.get(option).copied()) != told.choice
        });
        wrong.map(|number| format!("try {number}: `choice` is not what its text says"))
    }

    /// Checks a condition that is over; `record` is the first that does not belong to it.
    fn finish(&self, at: &mut At, record: usize) -> Result<(), Problem> {
        let problem = |record, what| Problem {
            record,
            place: RecordPlace::Record,
            what,
        };
        if at.torn || at.holes {
            at.paper = None;
            return Ok(());
        }
        if let Some((question, ..)) = at.probes.get(at.asked) {
            return Err(problem(
                record,
                format!("the record of {question} is missing before it"),
            ));
        }
        let Some(paper) = at.paper.take() else {
            return Ok(());
        };
        let texts: Option<Vec<Vec<&str>>> = at.probes.iter().map(|&(question, ..)| self.texts(question)).collect();
        let Some(texts) = texts else { return Ok(()) };
        let groups: Vec<&[&str]> = texts.iter().map(Vec::as_slice).collect();
        let method = paper.method.definition();
        let read = read_tries(&paper.tries, groups.len(), |text| method.read(text, &groups));
        let differs = read
            .into_iter()
            .zip(&paper.recorded)
            .position(|(read, recorded)| said(read) != *recorded);
        differs.map_or(Ok(()), |number| {
            let what = "`prediction` or `status` is not what the answer to all probes says";
            Err(problem(paper.first + number, what.to_owned()))
        })
    }

    /// The candidates of a question, where the run's files have them.
    fn texts(&self, question: QuestionId) -> Option<Vec<&str>> {
        let texts = &self.questions.get(&question)?.texts;
        (!texts.is_empty()).then(|| texts.iter().map(String::as_str).collect())
    }
}

/// Whether a generated answer is called read where a candidate was read from it.
fn agrees(outcome: &Outcome) -> bool {
    match &outcome.evidence {
        Evidence::Generation { reading, .. } => (*reading == Reading::Choice) == outcome.prediction.is_some(),
        _ => true,
    }
}

/// What is recorded of a reading.
fn said(read: Read) -> (Option<usize>, Reading) {
    (read.prediction(), read.reading())
}

/// What is read for each group over all tries: a group that was read stays as it was read.
fn read_tries(tries: &[Try], groups: usize, read: impl Fn(&str) -> Vec<Read>) -> Vec<Read> {
    let mut known = vec![Read::Missing; groups];
    for told in tries {
        for (known, now) in known.iter_mut().zip(read(&told.text)) {
            if known.prediction().is_none() {
                *known = now;
            }
        }
    }
    known
}
