//! A run on disk. docs/formats.md describes its files field by field.
//!
//! | file | holds |
//! |---|---|
//! | `run.json` | what the run is ([`Header`]) |
//! | `records.jsonl` | a flat line a record, in the order of the plan |
//! | `evidence-KIND.jsonl` | what each prediction rests on, one shape a file |
//! | `people.json` | people, questions and baselines ([`PeopleFile`]), bound to `run.json` by its hash |
//!
//! In memory an [`Outcome`] is nested and its evidence an enum. On disk it is neither: tools that read tables lose, often
//! without a word, fields that are null, absent or nested in some lines only.
//!
//! The evidence of a record is written before the record, so that what is recorded is whole, and all files together are
//! at every moment the front of the finished ones.

mod audit;
mod check;
mod copy;
mod evidence;
mod evidence_line;
mod folder;
mod format1;
mod header;
mod journal;
#[cfg(test)]
mod journal_checks;
mod line;
mod lines;
mod lock;
mod plain;
#[cfg(test)]
mod plain_checks;
mod reader;
mod run_files;

pub(in crate::run) use copy::JournalCopy;
pub(in crate::run) use evidence::file as evidence_file;
pub use header::Header;
pub use journal::Journal;
pub use line::ConditionEntry;
pub(in crate::run) use line::record_id;
pub(in crate::run) use lines::BUFFER;
pub(in crate::run) use lock::{Access, lock};
pub(in crate::run) use reader::ReadRun;
pub use reader::{Found, Reader};

#[expect(unused_imports, reason = "named by the documentation above")]
use crate::run::PeopleFile;
use crate::scoring::Outcome;

/// A record as its files have it, the names of fields above all: its line, and under `evidence` that of its evidence. The
/// category and the texts of candidates, which other files have, are left empty; sums over tokens, which follow from
/// them, are left out.
///
/// # Errors
/// A number that cannot be written.
pub(super) fn as_written(outcome: &Outcome) -> Result<serde_json::Value, String> {
    let id = line::record_id(outcome);
    let texts = vec![String::new(); outcome.candidates];
    let evidence = evidence::encode(&id, &outcome.evidence, &texts)?;
    let parse = || -> serde_json::Result<serde_json::Value> {
        let mut record = serde_json::to_value(line::RecordLine::new(outcome, &id, ""))?;
        let mut evidence: serde_json::Value = serde_json::from_slice(&evidence)?;
        let candidates = evidence
            .get_mut("candidates")
            .and_then(|candidates| candidates.as_array_mut());
        for candidate in candidates
            .into_iter()
            .flatten()
            .filter_map(|candidate| candidate.as_object_mut())
        {
            candidate.retain(|name, _| !["logprob", "unconditional"].contains(&name.as_str()));
        }
        record["evidence"] = evidence;
        Ok(record)
    };
    parse().map_err(|error| error.to_string())
}
