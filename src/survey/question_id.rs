//! Ids of questions: short texts, each kept once, so that an id is copied as cheaply as a number.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{LazyLock, RwLock};

use serde::{Deserialize, Serialize};

/// A question of the survey: `Q131`, `abany`, `1. I like my work`.
///
/// Ids are in the order in which people number things: `Q2` before `Q10`, `A1` before `B1`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuestionId(&'static str);

/// Every id that was ever met. A questionnaire has some hundreds, so that they are never given back.
static MET: LazyLock<RwLock<HashSet<&'static str>>> = LazyLock::new(RwLock::default);

/// An id is at most so long: header texts of forms are whole sentences.
const MOST_CHARS: usize = 400;

/// A text that cannot be the id of a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a question id: {problem}")]
pub struct QuestionIdError {
    text: String,
    problem: &'static str,
}

impl QuestionId {
    /// The question of that number in the World Values Survey: `Q131`.
    pub fn number(number: u16) -> Self {
        Self::kept(&format!("Q{number}"))
    }

    /// The id as it is written.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The id of this very spelling, if it was met.
    fn met(text: &str) -> Option<Self> {
        let read = MET.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        read.get(text).map(|known| Self(known))
    }

    fn kept(text: &str) -> Self {
        if let Some(known) = Self::met(text) {
            return known;
        }
        let mut met = MET.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Another thread may have come first.
        if let Some(&known) = met.get(text) {
            return Self(known);
        }
        let kept: &'static str = Box::leak(text.into());
        met.insert(kept);
        Self(kept)
    }
}

impl FromStr for QuestionId {
    type Err = QuestionIdError;

    /// Any text without line breaks. `q131` is Q131: the World Values Survey's files write its numbers either way.
    fn from_str(text: &str) -> Result<Self, QuestionIdError> {
        if let Some(known) = Self::met(text) {
            return Ok(known);
        }
        let fault = |problem| QuestionIdError {
            text: text.chars().take(40).collect(),
            problem,
        };
        let id = text.trim();
        if id.is_empty() {
            return Err(fault("it is blank; one looks like Q131"));
        }
        if id.chars().any(char::is_control) {
            return Err(fault("it has a line break or another control character"));
        }
        if id.chars().nth(MOST_CHARS).is_some() {
            return Err(fault("it has more than 400 letters"));
        }
        match id.strip_prefix(['Q', 'q']).and_then(|digits| digits.parse().ok()) {
            Some(number) => Ok(Self::number(number)),
            None => Ok(Self::kept(id)),
        }
    }
}

impl Ord for QuestionId {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 == other.0 {
            return Ordering::Equal;
        }
        natural(self.0, other.0).then_with(|| self.0.cmp(other.0))
    }
}

impl PartialOrd for QuestionId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares texts with the numbers in them as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let (x, y) = (digits(a), digits(b));
        let order = match (x, y) {
            (0, 0) => match (a.chars().next(), b.chars().next()) {
                (Some(one), Some(two)) if one == two => {
                    (a, b) = (&a[one.len_utf8()..], &b[one.len_utf8()..]);
                    continue;
                }
                (one, two) => return one.cmp(&two),
            },
            (0, _) | (_, 0) => return a.cmp(b),
            _ => {
                let (one, two) = (a[..x].trim_start_matches('0'), b[..y].trim_start_matches('0'));
                one.len().cmp(&two.len()).then_with(|| one.cmp(two))
            }
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (&a[x..], &b[y..]);
    }
}

/// Length of the number that a text begins with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

impl fmt::Display for QuestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for QuestionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for QuestionId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for QuestionId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> QuestionId {
        text.parse().unwrap()
    }

    #[test]
    fn ids_are_ordered_as_people_number_things() {
        let mut ids = [
            "Q10", "Q2", "B1", "A10", "A2", "Q2_1", "Q2a", "abany", "2. b", "10. a", "007", "7",
        ]
        .map(id);
        ids.sort_unstable();
        let sorted = ids.map(QuestionId::as_str);
        assert_eq!(
            sorted,
            [
                "2. b", "007", "7", "10. a", "A2", "A10", "B1", "Q2", "Q2_1", "Q2a", "Q10", "abany"
            ]
        );
    }

    #[test]
    fn an_id_is_any_text_in_one_line_and_stays_what_it_is() {
        assert_eq!(id("q131"), QuestionId::number(131));
        assert_eq!(id(" I like my work: overall ").as_str(), "I like my work: overall");
        assert_eq!(serde_json::to_string(&id("abany")).unwrap(), "\"abany\"");
        assert_eq!(format!("{:<6}|", id("Q7")), "Q7    |");
        for wrong in ["", "  ", "a\nb", &"x".repeat(401)] {
            assert!(wrong.parse::<QuestionId>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn threads_that_meet_an_id_at_once_get_one_id() {
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(|| id("met at once"))).collect();
        let ids: Vec<QuestionId> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(ids.iter().all(|one| std::ptr::eq(one.as_str(), ids[0].as_str())));
    }
}
