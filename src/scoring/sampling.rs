//! Numbers that sampling is told, checked once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How much chance there is in a choice of tokens: a finite number of at least 0, where 0 takes the most probable token.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct Temperature(f32);

/// The share of probability that sampling is restricted to: above 0 and at most 1, where 1 allows all tokens.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64")]
pub struct TopP(f32);

/// How many further tries there are after an answer that cannot be read: at most `Retries::MOST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64")]
pub struct Retries(usize);

/// A number that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given} is not {expected}")]
pub struct OutOfRange {
    given: String,
    expected: &'static str,
}

impl Temperature {
    /// Of the tries after the first: enough to give another answer.
    pub(crate) const RETRY: Self = Self(0.6);

    /// Takes a number.
    ///
    /// # Errors
    /// Where it is negative, infinite or none.
    pub fn new(number: f64) -> Result<Self, OutOfRange> {
        let value = number as f32;
        match value.is_finite() && value >= 0.0 {
            true => Ok(Self(value)),
            false => Err(OutOfRange {
                given: written(number),
                expected: "a finite number of at least 0",
            }),
        }
    }

    /// The number.
    pub fn get(self) -> f32 {
        self.0
    }
}

impl TopP {
    /// Takes a number.
    ///
    /// # Errors
    /// Where it is not above 0 and at most 1.
    pub fn new(number: f64) -> Result<Self, OutOfRange> {
        let value = number as f32;
        match value > 0.0 && value <= 1.0 {
            true => Ok(Self(value)),
            false => Err(OutOfRange {
                given: written(number),
                expected: "a number above 0 and at most 1",
            }),
        }
    }

    /// The number.
    pub fn get(self) -> f32 {
        self.0
    }
}

impl Retries {
    /// Every try of a prompt has its seed before the first begins, and a model that a hundred tries do not help is not
    /// helped by more.
    pub(crate) const MOST: usize = 100;

    /// None: a prompt is asked once.
    pub(crate) const NONE: Self = Self(0);

    /// What [`OutOfRange`] says was expected.
    const EXPECTED: &str = "a whole number from 0 to 100";

    /// Takes a number.
    ///
    /// # Errors
    /// Where it is above `MOST`.
    pub fn new(number: u64) -> Result<Self, OutOfRange> {
        let value = usize::try_from(number).ok().filter(|&value| value <= Self::MOST);
        value.map(Self).ok_or_else(|| OutOfRange {
            given: number.to_string(),
            expected: Self::EXPECTED,
        })
    }

    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self(2)
    }
}

impl FromStr for Retries {
    type Err = OutOfRange;

    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        let number = text.trim().parse().map_err(|_| OutOfRange {
            given: format!("{text:?}"),
            expected: Self::EXPECTED,
        })?;
        Self::new(number)
    }
}

impl TryFrom<u64> for Retries {
    type Error = OutOfRange;

    fn try_from(number: u64) -> Result<Self, OutOfRange> {
        Self::new(number)
    }
}

impl Default for TopP {
    fn default() -> Self {
        Self(1.0)
    }
}

impl fmt::Display for Temperature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Display for TopP {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A number as a person would write it: 1e308 has 309 digits.
fn written(number: f64) -> String {
    match number.abs() {
        size if size.is_finite() && (size >= 1e15 || (size > 0.0 && size < 1e-5)) => format!("{number:e}"),
        _ => number.to_string(),
    }
}

/// Reads a number; what is none is told what was expected.
fn parsed(text: &str, expected: &'static str) -> Result<f64, OutOfRange> {
    text.trim().parse().map_err(|_| OutOfRange {
        given: format!("{text:?}"),
        expected,
    })
}

impl FromStr for Temperature {
    type Err = OutOfRange;

    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        Self::new(parsed(text, "a finite number of at least 0")?)
    }
}

impl FromStr for TopP {
    type Err = OutOfRange;

    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        Self::new(parsed(text, "a number above 0 and at most 1")?)
    }
}

impl TryFrom<f64> for Temperature {
    type Error = OutOfRange;

    fn try_from(number: f64) -> Result<Self, OutOfRange> {
        Self::new(number)
    }
}

impl TryFrom<f64> for TopP {
    type Error = OutOfRange;

    fn try_from(number: f64) -> Result<Self, OutOfRange> {
        Self::new(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_cannot_be_sampled_with_are_refused_in_the_right_words() {
        for (text, said) in [
            ("nan", "NaN is not a finite number of at least 0"),
            ("inf", "inf is not a finite number of at least 0"),
            ("-1", "-1 is not a finite number of at least 0"),
            ("1e39", "1e39 is not a finite number of at least 0"),
            ("1e308", "1e308 is not a finite number of at least 0"),
            ("warm", "\"warm\" is not a finite number of at least 0"),
        ] {
            assert_eq!(text.parse::<Temperature>().unwrap_err().to_string(), said);
        }
        for text in ["nan", "inf", "0", "-0.5", "1.01", ""] {
            let said = text.parse::<TopP>().unwrap_err().to_string();
            assert!(said.ends_with(" is not a number above 0 and at most 1"), "{said}");
        }
        assert_eq!("0.7".parse::<Temperature>().unwrap().get(), 0.7);
        assert_eq!("1".parse::<TopP>().unwrap().get(), 1.0);
    }
    #[test]
    fn more_retries_than_could_help_are_refused() {
        for (text, retries) in [("0", 0), ("100", 100), (" 7 ", 7)] {
            assert_eq!(text.parse::<Retries>().unwrap().get(), retries);
        }
        for (text, given) in [
            ("101", "101"),
            ("4294967295", "4294967295"),
            ("-1", "\"-1\""),
            ("18446744073709551616", "\"18446744073709551616\""),
        ] {
            let said = text.parse::<Retries>().unwrap_err().to_string();
            assert_eq!(said, format!("{given} is not a whole number from 0 to 100"));
        }
    }
}
