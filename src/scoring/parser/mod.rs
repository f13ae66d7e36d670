//! Choices out of generated texts.
//!
//! Models wrap JSON in fences and prose, quote it singly, leave commas behind, change the order of groups, and run out
//! of tokens half-way. None of that hides what was chosen, so it is read all the same; what can't be read is an outcome
//! with a name, never a guess.

mod choice_id;
mod label;
mod letters;
mod paper;
mod single;
mod strip;
mod text;
mod vocabulary;

pub use paper::read_paper;
pub use single::{names_letter, read_single};

use super::evidence::Reading;

/// What was read for one probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// The option at this position.
    Choice(usize),
    /// A choice that is none of the options.
    OutOfRange,
    /// The answer does not mention this probe.
    Missing,
    /// No choice can be read.
    Unparsed,
}

impl Read {
    /// The option's position.
    pub fn prediction(self) -> Option<usize> {
        match self {
            Self::Choice(option) => Some(option),
            Self::OutOfRange | Self::Missing | Self::Unparsed => None,
        }
    }

    /// What is said of one probe that was asked in several orders: unread is an answer only where none of them could be
    /// read, and then what is said of the first. `None` where none was answered.
    pub fn of_orders(reads: &[Self]) -> Option<Self> {
        let read = reads.iter().find(|read| read.prediction().is_some());
        read.or(reads.first()).copied()
    }

    /// Without the position.
    pub fn reading(self) -> Reading {
        match self {
            Self::Choice(_) => Reading::Choice,
            Self::OutOfRange => Reading::OutOfRange,
            Self::Missing => Reading::Missing,
            Self::Unparsed => Reading::Unparsed,
        }
    }
}

/// The one option whose words stand in the answer; of several, the longest if it is alone in its length.
fn only_match(answer: &str, options: &[&str]) -> Option<usize> {
    let answer = text::plain(answer);
    let found: Vec<(usize, usize)> = options
        .iter()
        .enumerate()
        .map(|(index, option)| (index, text::plain(option)))
        .filter(|(_, option)| !option.trim().is_empty() && answer.contains(option.as_str()))
        .map(|(index, option)| (index, option.len()))
        .collect();
    let longest = found.iter().map(|&(_, length)| length).max()?;
    let mut longest = found.iter().filter(|&&(_, length)| length == longest);
    match (longest.next(), longest.next()) {
        (Some(&(index, _)), None) => Some(index),
        _ => None,
    }
}
