//! One outcome: what one method said of one probe. It is what the journal holds and what metrics read.

use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, Reading};
use super::methods::Method;
use crate::survey::{Form, QuestionId};

/// The condition of a run's grid that an outcome belongs to: everything that may differ between outcomes of one run
/// besides person and probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Condition {
    /// How the prediction was made.
    pub method: Method,
    /// Number of demonstrations asked for.
    pub demonstrations: usize,
    /// Form of the demonstrations.
    pub form: Form,
    /// Whether demographic statements came first.
    pub demographics: bool,
    /// The only category demonstrations came from (its name), absent where all did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Whose demonstrations were shown.
    #[serde(default, skip_serializing_if = "Control::is_own")]
    pub control: Control,
}

crate::choices! {
    /// Whose demonstrations the model was shown.
    pub enum Control: Own {
        /// The person's own: the experiment itself.
        Own = "own",
        /// Nobody's.
        None = "none",
        /// Another respondent's, drawn at random.
        Random = "random",
        /// Another respondent's of the same country.
        SameCountry = "same-country",
    }
}

impl Control {
    /// Whether this is the experiment itself and no control.
    pub(crate) fn is_own(&self) -> bool {
        *self == Self::Own
    }
}

/// What one method said of one probe of one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The respondent's id.
    pub respondent: String,
    /// 1, 2 or 3.
    pub split: u8,
    /// The probed question.
    pub question: QuestionId,
    /// The condition of the run's grid.
    #[serde(flatten)]
    pub condition: Condition,
    /// Number of candidates.
    pub candidates: usize,
    /// Position of the respondent's own candidate.
    pub label: usize,
    /// Position of the chosen candidate; absent where none could be read from the answer.
    pub prediction: Option<usize>,
    /// Tokens of the context (prefix and probe) that the model was shown.
    pub context_tokens: usize,
    /// Demonstrations actually shown (fewer than asked where the person has fewer, or where some were dropped to fit).
    pub shown: usize,
    /// What the prediction rests on.
    pub evidence: Evidence,
}

impl Outcome {
    /// How the answer was read. Methods that generate nothing leave no answer to read where they predict nothing.
    pub fn reading(&self) -> Reading {
        match (&self.evidence, self.prediction) {
            (Evidence::Generation { reading, .. }, _) => *reading,
            (Evidence::Likelihood { .. } | Evidence::Label { .. }, Some(_)) => Reading::Choice,
            (Evidence::Likelihood { .. } | Evidence::Label { .. }, None) => Reading::Missing,
        }
    }
}
