//! Where records stand: in the order of people, splits, conditions and probes.

use crate::scoring::{Method, Reading, Try};
use crate::survey::QuestionId;

/// A person, by position in people.json, and a split.
pub(super) type AuditedPlace = (usize, u8);

/// A probe as its first record has it: question, own candidate, number of candidates.
pub(super) type AuditedProbe = (QuestionId, usize, usize);

/// Where the records stand: a person and split, and within it a condition and a probe.
#[derive(Debug)]
pub(super) struct At {
    pub(super) person: usize,
    pub(super) split: u8,
    pub(super) condition: usize,
    /// The probes of the first condition; all others have the same.
    pub(super) probes: Vec<AuditedProbe>,
    /// Probes of the present condition so far.
    pub(super) asked: usize,
    /// Whether this is the first condition, whose probes are becoming known.
    pub(super) first: bool,
    /// Whether probes of the first condition may be missing.
    pub(super) holes: bool,
    /// Whether records of the present condition may be missing.
    pub(super) torn: bool,
    /// The one answer to all probes, where the present condition has one.
    pub(super) paper: Option<PaperTexts>,
}

/// An answer to all probes of a split, and what is recorded of it for each.
#[derive(Debug)]
pub(super) struct PaperTexts {
    pub(super) method: Method,
    /// Number of the first record.
    pub(super) first: usize,
    pub(super) tries: Vec<Try>,
    pub(super) recorded: Vec<(Option<usize>, Reading)>,
}

impl At {
    pub(super) fn new((person, split): AuditedPlace, condition: usize) -> Self {
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

    pub(super) fn place(&self) -> AuditedPlace {
        (self.person, self.split)
    }

    /// Another condition of the same person and split begins.
    pub(super) fn enter(&mut self, condition: usize) {
        self.condition = condition;
        self.first = false;
        self.asked = 0;
    }

    /// The next probe; `gap` says that those before it may be missing.
    pub(super) fn ask(&mut self, probe: AuditedProbe, gap: bool) -> Result<(), String> {
        let known = self.probes.iter().position(|(question, ..)| *question == probe.0);
        if self.first {
            self.holes |= gap;
            if known.is_some() {
                return Err(format!("{} appears twice", probe.0));
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
                let what = "`label` or `candidates` differs from the conditions before it";
                (*expected == probe).then_some(()).ok_or_else(|| what.to_owned())
            }
            Some(expected) => Err(format!("{} stands where {} belongs", probe.0, expected.0)),
            None => Err(format!("{} stands where no further record belongs", probe.0)),
        }
    }
}
