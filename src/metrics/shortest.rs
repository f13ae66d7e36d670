//! How often the shortest candidate is chosen.
//!
//! A sum of log-probabilities favours what has fewer terms, and what is asked in letters may favour what is quickly said.
//! Neither says anything about a person.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::constancy::{Beside, Constancy, FEWEST_CHOICES, ONE_POSITION, PEOPLE_AGREE};
use super::input::RunTable;
use super::table::{Basis, TabledOutcome};
use crate::scoring::norm::CandidateSums;
use crate::scoring::{Condition, Norm};
use crate::survey::QuestionId;

/// In what the length of candidates is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// In tokens of the continuation, where candidates were scored.
    Tokens,
    /// In characters of the statement, where they were listed for an answer.
    Characters,
}

impl Measure {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Characters => "characters",
        }
    }
}

/// How often the shortest candidate is chosen. Only probes count whose candidates differ in length; of several shortest
/// ones any counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Shortest {
    /// In what length is counted.
    pub measure: Measure,
    /// Probes whose candidates differ in length.
    pub probes: usize,
    /// How often a shortest candidate was chosen, and how often it was the person's own.
    pub share: Beside,
    /// How often a guess would choose one.
    pub by_chance: f64,
}

impl Shortest {
    /// Whether the system nearly always chooses the shortest candidate while people do not.
    pub fn constancy(&self) -> Option<Constancy> {
        let share = self.share;
        let often = self.probes >= FEWEST_CHOICES && share.chosen > ONE_POSITION;
        (often && share.own < PEOPLE_AGREE).then_some(Constancy::Shortest { share })
    }
}

/// How often one condition chose the shortest candidate under a norm. Absent where all
/// candidates are equally long, and where nothing says how long they are (answers in runs of format 1).
pub fn shortest(run: &RunTable, condition: &Condition, norm: Norm) -> Option<Shortest> {
    let chars = run.questions.iter().map(|question| {
        let candidates = question.candidates.iter();
        (question.id, candidates.map(|text| text.chars().count()).collect())
    });
    let chars: HashMap<QuestionId, Vec<usize>> = chars.collect();
    let mut found: Option<Measure> = None;
    let (mut probes, mut chosen, mut own, mut chance) = (0usize, 0usize, 0usize, 0.0);
    for outcome in run.outcomes.of_condition(condition) {
        let Some(choice) = outcome.informed(norm) else { continue };
        let (measure, lengths) = lengths(&outcome, chars.get(&outcome.question).map_or(&[], Vec::as_slice));
        let least = lengths.iter().min().copied().unwrap_or(0);
        let short = |at: usize| lengths.get(at) == Some(&least);
        let count = (0..lengths.len()).filter(|at| short(*at)).count();
        if count == lengths.len() {
            continue;
        }
        found = Some(measure);
        probes += 1;
        chosen += usize::from(short(choice));
        own += usize::from(short(outcome.label));
        chance += count as f64 / lengths.len() as f64;
    }
    let share = |count: f64| count / probes as f64;
    found.map(|measure| Shortest {
        measure,
        probes,
        share: Beside {
            chosen: share(chosen as f64),
            own: share(own as f64),
        },
        by_chance: share(chance),
    })
}

/// How long the candidates of a probe are, whose texts have so many characters; empty where nothing says so.
fn lengths<'a>(outcome: &TabledOutcome<'_>, chars: &'a [usize]) -> (Measure, Cow<'a, [usize]>) {
    match outcome.basis {
        Basis::Likelihood { scores, .. } => (Measure::Tokens, scores.iter().map(CandidateSums::tokens).collect()),
        Basis::Label { .. } | Basis::Generation { .. } => {
            let known = chars.len() == outcome.candidates;
            (Measure::Characters, Cow::Borrowed(if known { chars } else { &[] }))
        }
    }
}
