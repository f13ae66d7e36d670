//! Which questions are held out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::survey::{Catalogue, ProbeRule, ProbesOf, QuestionIndex};

/// One of the paper's three sets of held-out questions. Written 1, 2, 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Split {
    /// The first three questions of each category.
    One,
    /// The next three, starting over at the front where a category has fewer than six.
    Two,
    /// The three after those.
    Three,
}

impl Split {
    /// All three, in order.
    pub const ALL: [Self; 3] = [Self::One, Self::Two, Self::Three];

    /// 1, 2 or 3, as it is written everywhere.
    pub fn number(self) -> u8 {
        match self {
            Self::One => 1,
            Self::Two => 2,
            Self::Three => 3,
        }
    }
}

/// A split that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no split `{asked}`: the splits are 1, 2 and 3")]
pub struct SplitError {
    /// What was asked for.
    asked: String,
}

impl TryFrom<u8> for Split {
    type Error = SplitError;

    fn try_from(number: u8) -> Result<Self, SplitError> {
        Self::ALL
            .into_iter()
            .find(|split| split.number() == number)
            .ok_or_else(|| SplitError {
                asked: number.to_string(),
            })
    }
}

impl From<Split> for u8 {
    fn from(split: Split) -> Self {
        split.number()
    }
}

impl FromStr for Split {
    type Err = SplitError;

    fn from_str(text: &str) -> Result<Self, SplitError> {
        let unknown = || SplitError { asked: text.to_owned() };
        Self::try_from(text.trim().parse::<u8>().map_err(|_| unknown())?).map_err(|_| unknown())
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.number(), f)
    }
}

/// Which questions are held out of a catalogue, ready to be asked for many people.
#[derive(Debug, Clone)]
pub struct Splitting {
    of_category: Vec<Vec<QuestionIndex>>,
    questions: usize,
    rule: ProbeRule,
}

impl Splitting {
    /// The rule of a catalogue.
    pub fn new(catalogue: &Catalogue) -> Self {
        let mut of_category = vec![Vec::new(); catalogue.categories.len()];
        for (index, question) in catalogue.questions.iter().enumerate() {
            if let Some(questions) = of_category.get_mut(question.category) {
                questions.push(index);
            }
        }
        Self {
            of_category,
            questions: catalogue.questions.len(),
            rule: catalogue.rules.clone(),
        }
    }

    /// Whether people have probes of their own, chosen among what each answered.
    pub fn is_personal(&self) -> bool {
        self.rule.of == ProbesOf::Answered && self.rule.sets.is_empty()
    }

    /// The held-out questions of a split for a person, category by category; `answered` counts only where the rule asks
    /// for it.
    ///
    /// Of a category with n questions, the 0-based split s takes those at (ps + i) mod n for i = 0 to p - 1, p being the
    /// number of probes a category (3: Table 7 of the paper). A category of fewer than p questions gives each once.
    /// Without `wrap`, what lies beyond n is left out.
    pub fn questions(&self, split: Split, answered: impl Fn(QuestionIndex) -> bool) -> Vec<QuestionIndex> {
        let s = usize::from(split.number() - 1);
        if !self.rule.sets.is_empty() {
            return self.rule.sets.get(s).cloned().unwrap_or_default();
        }
        let per = self.rule.per_category;
        let mut held_out = Vec::new();
        let mut own = Vec::new();
        for questions in &self.of_category {
            let questions: &[QuestionIndex] = if self.is_personal() {
                own.clear();
                own.extend(questions.iter().copied().filter(|&question| answered(question)));
                &own
            } else {
                questions
            };
            let n = questions.len();
            let places = (per * s)..(per * s + per.min(n));
            held_out.extend(
                places
                    .filter(|&place| self.rule.wrap || place < n)
                    .map(|place| questions[place % n]),
            );
        }
        held_out
    }

    /// For each question of the catalogue, whether it may not be shown while `probes` are asked: the probes, and what
    /// gives them away.
    pub fn hidden(&self, probes: &[QuestionIndex]) -> Vec<bool> {
        let mut hidden = vec![false; self.questions];
        for &question in probes {
            hidden[question] = true;
        }
        for together in &self.rule.apart {
            if together.iter().any(|question| probes.contains(question)) {
                for &question in together {
                    hidden[question] = true;
                }
            }
        }
        hidden
    }
}

/// The held-out questions of a split, category by category in the paper's order: 39 of the built-in catalogue, 108
/// distinct ones over the three splits. Where people have probes of their own, those of somebody who answered everything.
pub fn split_questions(catalogue: &Catalogue, split: Split) -> Vec<QuestionIndex> {
    Splitting::new(catalogue).questions(split, |_| true)
}

/// For each question of the catalogue, whether the split keeps it from being shown.
pub fn is_probe(catalogue: &Catalogue, split: Split) -> Vec<bool> {
    let splitting = Splitting::new(catalogue);
    splitting.hidden(&splitting.questions(split, |_| true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_are_written_as_numbers() {
        assert_eq!(serde_json::to_string(&Split::ALL).unwrap(), "[1,2,3]");
        assert_eq!(serde_json::from_str::<[Split; 3]>("[1,2,3]").unwrap(), Split::ALL);
        assert_eq!("2".parse(), Ok(Split::Two));
        for wrong in ["0", "4", "300", "two", ""] {
            let error = wrong.parse::<Split>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{wrong}`")), "{error}");
        }
        assert!(serde_json::from_str::<Split>("0").is_err());
    }
}
