//! One part of a run: which people it has, by their places in the plan.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Most parts that a run may have. A folder each is more than any file system likes already.
pub(crate) const MOST_SHARDS: usize = 100_000;

/// One of the N parts of a run, written `I/N` with I from 1. The person at position p of the plan, from 0, is in shard
/// (p mod N) + 1, so that shards are equally large and the merge is a round robin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shard {
    number: usize,
    of: usize,
}

/// A text that names no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a shard; expected I/N with I from 1 to N, such as 3/8, and N at most {MOST_SHARDS}")]
pub struct UnknownShard {
    /// As given.
    pub given: String,
}

impl Shard {
    /// Shard `number`, from 1, of `of`; `None` where there is no such shard.
    pub fn new(number: usize, of: usize) -> Option<Self> {
        ((1..=of).contains(&number) && of <= MOST_SHARDS).then_some(Self { number, of })
    }

    /// All shards of a run in `of` parts, in order.
    pub fn all(of: usize) -> impl Iterator<Item = Self> {
        (1..=of).filter_map(move |number| Self::new(number, of))
    }

    /// Which one it is, from 1.
    pub fn number(self) -> usize {
        self.number
    }

    /// How many there are.
    pub fn of(self) -> usize {
        self.of
    }

    /// The place among `of` shards, from 0, of the one that has the person at this position of the plan, from 0.
    pub(crate) fn at(position: usize, of: usize) -> usize {
        position % of
    }

    /// Whether it has the person at this position of the plan, from 0.
    pub fn has(self, position: usize) -> bool {
        Self::at(position, self.of) + 1 == self.number
    }

    /// Name of its folder: `3-of-8`.
    pub fn folder_name(self) -> String {
        format!("{}-of-{}", self.number, self.of)
    }

    /// The shard whose folder has this name.
    pub(crate) fn of_folder(name: &str) -> Option<Self> {
        let (number, of) = name.split_once("-of-")?;
        let shard = Self::new(number.parse().ok()?, of.parse().ok()?)?;
        (shard.folder_name() == name).then_some(shard)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = UnknownShard;

    fn from_str(text: &str) -> Result<Self, UnknownShard> {
        let plain = |part: &str| {
            part.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| part.parse().ok())?
        };
        let parts = text.split_once('/').map(|(number, of)| (plain(number), plain(of)));
        let shard = match parts {
            Some((Some(number), Some(of))) => Self::new(number, of),
            _ => None,
        };
        shard.ok_or_else(|| UnknownShard { given: text.to_owned() })
    }
}

/// Which part of which run a folder holds, as its `run.json` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// Which shard, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// People at the front of the plan whom the run had in one piece already; no shard has them.
    pub skipped: usize,
    /// People of the whole run.
    pub respondents: usize,
    /// Records of the whole run.
    pub outcomes: usize,
}

impl ShardEntry {
    /// The shard; `None` where there is none of that number.
    pub fn shard(&self) -> Option<Shard> {
        Shard::new(self.number, self.of)
    }
}

/// What computed a part of a run whose shards were merged with `--mixed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MixedEntry {
    /// Version of indieval.
    pub program: String,
    /// Which implementation of the kernels; `none` for the stand-in.
    pub backend: String,
    /// Kind of device.
    pub device: String,
    /// People whose records it computed.
    pub respondents: usize,
}

impl MixedEntry {
    /// What computed them, without how many.
    pub(crate) fn computer(&self) -> (&str, &str, &str) {
        (&self.program, &self.backend, &self.device)
    }
}

/// For people: `avx512 on cpu, 0.2.0`.
impl fmt::Display for MixedEntry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} on {}, {}", self.backend, self.device, self.program)
    }
}

/// Numbers in order as a list that people and schedulers read: `2,5-7`.
pub(crate) fn ranges(numbers: &[usize]) -> String {
    let runs = numbers.chunk_by(|a, b| a + 1 == *b);
    let runs = runs.filter_map(|run| Some((run.first()?, run.last()?)));
    let words = runs.map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    words.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_is_in_exactly_one_shard() {
        for of in [1, 2, 7, 16] {
            for position in 0..50 {
                assert_eq!(Shard::all(of).filter(|shard| shard.has(position)).count(), 1);
            }
        }
        assert!("3/8".parse::<Shard>().unwrap().has(2) && "3/8".parse::<Shard>().unwrap().has(10));
    }

    #[test]
    fn a_shard_is_written_one_way() {
        let shard: Shard = "3/8".parse().unwrap();
        assert_eq!(
            (shard.to_string(), shard.folder_name()),
            ("3/8".into(), "3-of-8".into())
        );
        assert_eq!(Shard::of_folder("3-of-8"), Some(shard));
        for name in ["03-of-8", "3-of-08", "9-of-8", "0-of-8", "3-of-8.old", "3of8"] {
            assert_eq!(Shard::of_folder(name), None, "{name}");
        }
        for text in ["", "3", "0/8", "9/8", "3/0", "+3/8", "3/ 8", "-1/8", "1/100001"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_that_follow_each_other_are_one_range() {
        assert_eq!(ranges(&[2, 5, 6, 7]), "2,5-7");
        assert_eq!(ranges(&[1, 2, 4]), "1-2,4");
        assert_eq!(ranges(&[]), "");
    }
}
