//! Which questions are held out.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::survey::{Catalogue, QuestionIndex};

/// Questions each category gives to one split.
const PER_CATEGORY: usize = 3;

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

/// The held-out questions of a split, category by category in the paper's order: 39 of the built-in catalogue, 108
/// distinct ones over the three splits.
///
/// Of a category with n questions, the 0-based split s takes those at (3s + i) mod n for i = 0, 1, 2 (Table 7 of the
/// paper). A category of fewer than three questions (possible in a catalogue of one's own) gives each once.
pub fn split_questions(catalogue: &Catalogue, split: Split) -> Vec<QuestionIndex> {
    let mut of_category = vec![Vec::new(); catalogue.categories.len()];
    for (index, question) in catalogue.questions.iter().enumerate() {
        if let Some(questions) = of_category.get_mut(question.category) {
            questions.push(index);
        }
    }
    let first = PER_CATEGORY * usize::from(split.number() - 1);
    of_category
        .iter()
        .flat_map(|questions: &Vec<QuestionIndex>| {
            let n = questions.len();
            (0..PER_CATEGORY.min(n)).map(move |i| questions[(first + i) % n])
        })
        .collect()
}

/// For each question of the catalogue, whether the split holds it out.
pub fn is_probe(catalogue: &Catalogue, split: Split) -> Vec<bool> {
    let mut held_out = vec![false; catalogue.questions.len()];
    for question in split_questions(catalogue, split) {
        held_out[question] = true;
    }
    held_out
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
