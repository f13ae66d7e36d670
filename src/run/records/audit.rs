//! What must hold of every record, whoever wrote it: no model and no survey file is needed to tell.

use std::collections::HashMap;

use super::header::Header;
use crate::run::PeopleFile;
use crate::scoring::methods::Concluded;
use crate::scoring::parser::Read;
use crate::scoring::{CandidateScore, Condition, Evidence, Method, Outcome, Permutation, Reading, Try};
use crate::survey::QuestionId;

/// Most that a recorded mean may differ from the mean of what is recorded beside it.
const ROUNDING: f64 = 1e-9;

/// Most that the log-probability of a token may be above 0: a softmax in single precision rounds.
const ABOVE_ONE: f64 = 1e-3;

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

/// A person, by position in people.json, and a split.
type AuditedPlace = (usize, u8);

/// A probe as its first record has it: question, own candidate, number of candidates.
type AuditedProbe = (QuestionId, usize, usize);

/// Where the records stand: a person and split, and within it a condition and a probe.
#[derive(Debug)]
struct At {
    person: usize,
    split: u8,
    condition: usize,
    /// The probes of the first condition; all others have the same.
    probes: Vec<AuditedProbe>,
    /// Probes of the present condition so far.
    asked: usize,
    /// Whether this is the first condition, whose probes are becoming known.
    first: bool,
    /// Whether probes of the first condition may be missing.
    holes: bool,
    /// Whether records of the present condition may be missing.
    torn: bool,
    /// The one answer to all probes, where the present condition has one.
    paper: Option<PaperTexts>,
}

/// An answer to all probes of a split, and what is recorded of it for each.
#[derive(Debug)]
struct PaperTexts {
    method: Method,
    /// Number of the first record.
    first: usize,
    tries: Vec<Try>,
    recorded: Vec<(Option<usize>, Reading)>,
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
            return Err(format!("{} is none of the questions of people.json", outcome.question));
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
                return Err(format!("`{name}` is none of the {candidates} candidates"));
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
            return Err(problem("`respondent` is nobody of people.json"));
        };
        if !self.splits.contains(&outcome.split) {
            return Err(problem("`split` is none of the run's"));
        }
        let Some(&condition) = self.conditions.get(&outcome.condition) else {
            return Err(problem("its condition is none of the run's"));
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

impl At {
    fn new((person, split): AuditedPlace, condition: usize) -> Self {
        Self {
            person,
            split,
            condition,
            probes: Vec::new(),
            asked: 0,
            first: true,
            holes: false,
            torn: false,
            paper: None,
        }
    }

    fn place(&self) -> AuditedPlace {
        (self.person, self.split)
    }

    /// Another condition of the same person and split begins.
    fn enter(&mut self, condition: usize) {
        self.condition = condition;
        self.first = false;
        self.asked = 0;
    }

    /// The next probe; `gap` says that those before it may be missing.
    fn ask(&mut self, probe: AuditedProbe, gap: bool) -> Result<(), String> {
        let known = self.probes.iter().position(|(question, ..)| *question == probe.0);
        if self.first {
            self.holes |= gap;
            if known.is_some() {
                return Err(format!("{} stands twice", probe.0));
            }
            self.probes.push(probe);
        } else if let Some(at) = known.filter(|&at| gap && at > self.asked) {
            self.asked = at;
        } else if known.is_none() && self.holes {
            self.probes.insert(self.asked.min(self.probes.len()), probe);
        }
        let expected = self.probes.get(self.asked);
        match expected {
            Some(expected) if expected.0 == probe.0 => {
                self.asked += 1;
                let what = "`label` or `candidates` is another than in the conditions before it";
                (*expected == probe).then_some(()).ok_or_else(|| what.to_owned())
            }
            Some(expected) => Err(format!("{} stands where {} belongs", probe.0, expected.0)),
            None => Err(format!("{} stands where no record more belongs", probe.0)),
        }
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

/// Whether evidence is whole in itself and of the method's kind.
fn evidence(outcome: &Outcome) -> Result<(), String> {
    if outcome.evidence.kind() != outcome.condition.method.definition().evidence() {
        return Err("it is not the method's kind of evidence".to_owned());
    }
    match &outcome.evidence {
        Evidence::Likelihood { scores } => {
            count("candidates", scores.len(), outcome.candidates)?;
            scores
                .iter()
                .enumerate()
                .try_for_each(|(at, score)| candidate(score).map_err(|what| format!("candidate {at}: {what}")))
        }
        Evidence::Label {
            logprobs,
            invalid_mass,
            permutations,
        } => label(logprobs, *invalid_mass, permutations, outcome.candidates),
        Evidence::Generation { tries, .. } => tries.iter().enumerate().try_for_each(|(at, told)| {
            let what = |what| format!("try {at}: {what}");
            count("logprobs", told.logprobs.len(), told.tokens.len()).map_err(what)?;
            probabilities(told.logprobs.iter().map(|&logprob| f64::from(logprob))).map_err(what)
        }),
    }
}

fn candidate(score: &CandidateScore) -> Result<(), String> {
    if score.tokens.is_empty() {
        return Err("it has no tokens".to_owned());
    }
    count("log-probabilities", score.logprobs.len(), score.tokens.len())?;
    if let Some(unconditional) = &score.unconditional {
        count(
            "unconditional log-probabilities",
            unconditional.len(),
            score.tokens.len(),
        )?;
    }
    let all = score.logprobs.iter().chain(score.unconditional.iter().flatten());
    probabilities(all.map(|&logprob| f64::from(logprob)))
}

fn label(logprobs: &[f64], invalid_mass: f64, permutations: &[Permutation], candidates: usize) -> Result<(), String> {
    count("logprobs", logprobs.len(), candidates)?;
    if permutations.is_empty() {
        return Err("no order of the options was asked".to_owned());
    }
    let mut means = vec![0.0; candidates];
    let mut outside = 0.0;
    for permutation in permutations {
        let mut order = permutation.order.clone();
        order.sort_unstable();
        if !order.into_iter().eq(0..candidates) {
            return Err("an order is not one of the candidates".to_owned());
        }
        count("logprobs of an order", permutation.logprobs.len(), candidates)?;
        probabilities(permutation.logprobs.iter().copied())?;
        let share = 1.0 / permutations.len() as f64;
        for (&at, &logprob) in permutation.order.iter().zip(&permutation.logprobs) {
            means[at] += logprob * share;
        }
        let inside: f64 = permutation.logprobs.iter().map(|&logprob| libm::exp(logprob)).sum();
        outside += (1.0 - inside).max(0.0) * share;
    }
    let near = |a: f64, b: f64| (a - b).abs() <= ROUNDING * (1.0 + b.abs());
    if !logprobs
        .iter()
        .zip(&means)
        .all(|(&recorded, &mean)| near(recorded, mean))
    {
        return Err("`logprobs` are not the means over the orders".to_owned());
    }
    if !near(invalid_mass, outside) {
        return Err("`invalid_mass` is not the mean over the orders".to_owned());
    }
    Ok(())
}

fn count(what: &str, found: usize, expected: usize) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{found} {what} where there must be {expected}")),
    }
}

fn probabilities(mut logprobs: impl Iterator<Item = f64>) -> Result<(), String> {
    match logprobs.find(|logprob| !logprob.is_finite() || *logprob > ABOVE_ONE) {
        None => Ok(()),
        Some(logprob) => Err(format!("{logprob} is not a log-probability")),
    }
}
