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

/// A number that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given} is not {expected}")]
pub struct OutOfRange {
    given: String,
    expected: &'static str,
}

impl Temperature {
    /// Of the tries after the first: enough to give another answer.
    pub const RETRY: Self = Self(0.6);

    /// Takes a number.
    ///
    /// # Errors
    /// Where it is negative, infinite or none.
    pub fn new(number: f64) -> Result<Self, OutOfRange> {
        let value = number as f32;
        match value.is_finite() && value >= 0.0 {
            true => Ok(Self(value)),
            false => Err(OutOfRange {
                given: number.to_string(),
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
                given: number.to_string(),
                expected: "a number above 0 and at most 1",
            }),
        }
    }

    /// The number.
    pub fn get(self) -> f32 {
        self.0
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
            (
                "1e39",
                "1000000000000000000000000000000000000000 is not a finite number of at least 0",
            ),
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
}
