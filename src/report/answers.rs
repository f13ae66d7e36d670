//! Single answers: what one model said of one probe, beside the person's own answer and what the baselines say.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use serde::Serialize;

use super::outcome_context::OutcomeContext;
use super::words::whole_percent;
use crate::base::text::{count, counted};
use crate::metrics::ordered::shares;
use crate::metrics::{Norm, OutcomeTable, RunData, TabledOutcome, softmax};
use crate::scoring::{Condition, Evidence, Method, Outcome};
use crate::survey::QuestionId;

/// Which answers of a run are looked at; those that all parts take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerFilter {
    /// Of this respondent.
    pub respondent: Option<String>,
    /// To this question.
    pub question: Option<QuestionId>,
    /// Made by this method.
    pub method: Option<Method>,
    /// With so many demonstrations asked for.
    pub demonstrations: Option<usize>,
    /// Where the prediction is not the person's own candidate; answers that could not be read are.
    pub wrong: bool,
    /// That could not be read.
    pub unread: bool,
}

/// One candidate of a probe.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnsweredCandidate {
    /// Its text; empty in runs of format 1, which do not hold it.
    pub text: String,
    /// The model's probability of it among the candidates, where the method has one: of likelihoods (sums) and labels the
    /// share, of generated answers the share of those that could be read.
    pub probability: Option<f64>,
    /// Whether the model chose it.
    pub chosen: bool,
    /// Whether it is the person's own.
    pub own: bool,
}

/// One generated text and what was read from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnsweredTry {
    /// The text as generated.
    pub text: String,
    /// Position of the candidate that was read; absent where none could be, or where the text answers several probes.
    pub choice: Option<usize>,
    /// The candidates in the order in which they were shown; empty where that was their own.
    pub order: Vec<usize>,
}

/// What one model said of one probe.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelAnswer {
    /// The respondent's id.
    pub respondent: String,
    /// Group by demographic dimension.
    pub groups: BTreeMap<String, String>,
    /// 1, 2 or 3.
    pub split: u8,
    /// The probed question.
    pub question: QuestionId,
    /// Its category.
    pub category: String,
    /// How and with what it was asked.
    pub condition: Condition,
    /// The same in words.
    #[serde(skip)]
    pub asked: String,
    /// Statements really shown.
    pub shown: usize,
    /// Tokens before the answer.
    pub context_tokens: usize,
    /// `answered`, or why nothing could be read.
    pub status: &'static str,
    /// The candidates, in order.
    pub candidates: Vec<AnsweredCandidate>,
    /// Position that the majority of the other people chose.
    pub majority: Option<usize>,
    /// Position that the most similar other people chose, with the largest k of the run.
    pub resemblance: Option<usize>,
    /// Position that naive Bayes takes for the most probable.
    pub naive_bayes: Option<usize>,
    /// Texts that were generated; none for methods that generate nothing.
    pub tries: Vec<AnsweredTry>,
    /// The candidate that another run's model chose on the same probe, where one is compared.
    pub other: Option<OtherChoice>,
}

/// What another run says of the same probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherChoice {
    /// Its name.
    pub run: String,
    /// The candidate that its model chose; absent where none could be read.
    pub choice: Option<usize>,
}

/// What tells an outcome from all others of its run, and finds it in another.
type ProbeKey<'a> = (&'a str, u8, QuestionId, &'a Condition);

fn probe(outcome: &Outcome) -> ProbeKey<'_> {
    (&outcome.respondent, outcome.split, outcome.question, &outcome.condition)
}

/// The answers of `run` that `filter` takes, in the run's order. With `other`, only those where its prediction on the same
/// probe in the same condition differs.
pub fn answers(run: &RunData, filter: &AnswerFilter, other: Option<&RunData>) -> Vec<ModelAnswer> {
    let of_other: Option<HashMap<ProbeKey<'_>, &Outcome>> =
        other.map(|other| other.outcomes.iter().map(|outcome| (probe(outcome), outcome)).collect());
    let known = OutcomeContext::new(run);
    let table: OutcomeTable = run.outcomes.iter().collect();
    let taken = run.outcomes.iter().zip(table.iter());
    taken
        .filter(|(outcome, _)| filter.takes(outcome))
        .filter_map(|(outcome, tabled)| {
            let other = match (other, &of_other) {
                (Some(other), Some(outcomes)) => {
                    let found = outcomes.get(&probe(outcome))?;
                    if found.prediction == outcome.prediction {
                        return None;
                    }
                    Some(OtherChoice {
                        run: other.name.clone(),
                        choice: found.prediction,
                    })
                }
                _ => None,
            };
            Some(answer(&known, (outcome, tabled), other))
        })
        .collect()
}

/// All answers among outcomes of a run that is known.
pub(super) fn all_answers(known: &OutcomeContext<'_>, outcomes: &[Outcome]) -> Vec<ModelAnswer> {
    let table: OutcomeTable = outcomes.iter().collect();
    let taken = outcomes.iter().zip(table.iter());
    taken.map(|both| answer(known, both, None)).collect()
}

impl AnswerFilter {
    fn takes(&self, outcome: &Outcome) -> bool {
        self.respondent.as_ref().is_none_or(|id| *id == outcome.respondent)
            && self.question.as_ref().is_none_or(|id| *id == outcome.question)
            && self.method.is_none_or(|method| method == outcome.condition.method)
            && self
                .demonstrations
                .is_none_or(|n| n == outcome.condition.demonstrations)
            && (!self.wrong || outcome.prediction != Some(outcome.label))
            && (!self.unread || outcome.prediction.is_none())
    }
}

/// An outcome, which its run's table has as `tabled`.
fn answer(
    known: &OutcomeContext<'_>,
    (outcome, tabled): (&Outcome, TabledOutcome<'_>),
    other: Option<OtherChoice>,
) -> ModelAnswer {
    let probabilities = probabilities(outcome, tabled);
    let candidate = |at: usize| AnsweredCandidate {
        text: known.text(outcome, at).to_owned(),
        probability: probabilities.as_ref().and_then(|shares| shares.get(at).copied()),
        chosen: outcome.prediction == Some(at),
        own: outcome.label == at,
    };
    let baselines = known.baselines(outcome);
    ModelAnswer {
        respondent: outcome.respondent.clone(),
        groups: known.groups(outcome).cloned().unwrap_or_default(),
        split: outcome.split,
        question: outcome.question,
        category: known.category(outcome).to_owned(),
        condition: outcome.condition.clone(),
        asked: known.words(&outcome.condition),
        shown: outcome.shown,
        context_tokens: outcome.context_tokens,
        status: outcome.reading().word(),
        candidates: (0..outcome.candidates).map(candidate).collect(),
        majority: baselines.and_then(|row| row.majority),
        resemblance: baselines.and_then(|row| row.widest_resemblance()),
        naive_bayes: baselines.and_then(|row| row.naive_bayes),
        tries: tries(&outcome.evidence),
        other,
    }
}

/// The probability of each candidate among the candidates, where the method has one.
fn probabilities(outcome: &Outcome, tabled: TabledOutcome<'_>) -> Option<Vec<f64>> {
    let Some(tries) = outcome.evidence.tries() else {
        return softmax(&tabled.candidate_scores(Norm::Sum)?);
    };
    let read: Vec<usize> = tries.iter().filter_map(|text| text.choice).collect();
    (!read.is_empty()).then(|| shares(read, outcome.candidates))
}

fn tries(evidence: &Evidence) -> Vec<AnsweredTry> {
    let tries = evidence.tries().unwrap_or_default().iter();
    tries
        .map(|text| AnsweredTry {
            text: text.text.clone(),
            choice: text.choice,
            order: text.order.clone(),
        })
        .collect()
}

impl ModelAnswer {
    /// Whether the prediction is the person's own candidate.
    pub fn is_correct(&self) -> bool {
        self.candidates
            .iter()
            .any(|candidate| candidate.chosen && candidate.own)
    }

    /// Position of the candidate that the model chose; absent where none could be read.
    pub fn chosen(&self) -> Option<usize> {
        self.candidates.iter().position(|candidate| candidate.chosen)
    }

    /// For people, in lines of any length.
    pub fn text(&self) -> String {
        let mut out = format!(
            "{} · split {} · {} · {}\n{} · {} shown, {} tokens\n",
            self.respondent,
            self.split,
            self.question,
            self.category,
            self.asked,
            counted(self.shown, "statement", "statements"),
            count(self.context_tokens as u64),
        );
        let said = match (self.chosen().is_some(), self.is_correct()) {
            (false, _) => format!("unread ({})", self.status),
            (true, true) => "right".to_owned(),
            (true, false) => "wrong".to_owned(),
        };
        // Writing to a string does not fail.
        let _ = writeln!(out, "{said}");
        for (at, candidate) in self.candidates.iter().enumerate() {
            let _ = writeln!(out, "  {}", self.line(at, candidate));
        }
        for text in &self.tries {
            let _ = writeln!(out, "  {}", text.line());
        }
        out
    }

    /// One candidate: whether it was chosen, its probability, its text, and who else is for it.
    fn line(&self, at: usize, candidate: &AnsweredCandidate) -> String {
        let mark = if candidate.chosen { '>' } else { ' ' };
        let share = candidate
            .probability
            .map_or(String::new(), |share| format!("{} %", whole_percent(share)));
        let other = self.other.as_ref().filter(|other| other.choice == Some(at));
        let notes = [
            candidate.own.then(|| "the person's own".to_owned()),
            (self.majority == Some(at)).then(|| "majority".to_owned()),
            (self.resemblance == Some(at)).then(|| "resemblance".to_owned()),
            (self.naive_bayes == Some(at)).then(|| "naive Bayes".to_owned()),
            other.map(|other| format!("chosen in {}", other.run)),
        ];
        let notes: Vec<String> = notes.into_iter().flatten().collect();
        let notes = match notes.is_empty() {
            true => String::new(),
            false => format!("   [{}]", notes.join(", ")),
        };
        format!("{mark} {} {share:>5}  {}{notes}", at + 1, candidate.text)
    }
}

impl AnsweredTry {
    /// What was said and what was read from it.
    pub(super) fn line(&self) -> String {
        let shown = match self.order.is_empty() {
            true => String::new(),
            false => {
                let order: Vec<String> = self.order.iter().map(|at| (at + 1).to_string()).collect();
                format!(" with the options in the order {}", order.join(" "))
            }
        };
        let read = match self.choice {
            Some(at) => format!("read as {}", at + 1),
            None => "not read as a choice".to_owned(),
        };
        format!("said{shown}: {:?}, {read}", self.text.trim())
    }
}
