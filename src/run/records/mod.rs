//! A run on disk. docs/formats.md describes its files field by field.
//!
//! | file | holds |
//! |---|---|
//! | `run.json` | what the run is ([`Header`]) |
//! | `records.jsonl` | a flat line a record, in the order of the plan |
//! | `evidence-KIND.jsonl` | what each prediction rests on, one shape a file |
//! | `people.json` | people, questions and baselines ([`Context`]), bound to `run.json` by its hash |
//!
//! In memory an [`Outcome`] is nested and its evidence an enum. On disk it is neither: tools that read tables lose, often
//! without a word, fields that are null, absent or nested in some lines only.
//!
//! The evidence of a record is written before the record, so that what is recorded is whole, and all files together are
//! at every moment the front of the finished ones.

mod audit;
mod check;
mod evidence;
mod format1;
mod journal;
#[cfg(test)]
mod journal_checks;
mod line;
mod reader;

pub(super) use check::{Check, Sealed, seal_object};
pub(super) use format1::is_format1;
pub use journal::Journal;
pub use line::ConditionEntry;
pub use reader::{Reader, Recorded, read};

#[expect(unused_imports, reason = "named by the documentation above")]
use crate::{run::Context, run::Header, scoring::Outcome};

/// Name of the file of records in a run's folder.
pub const RECORDS: &str = "records.jsonl";
