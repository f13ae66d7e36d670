//! Names of the files in a run's folder.

/// What the run is.
pub(crate) const RUN: &str = "run.json";

/// A line a record.
pub(crate) const RECORDS: &str = "records.jsonl";

/// People, questions and the baselines on the same probes.
pub(crate) const PEOPLE: &str = "people.json";

/// What every start of the program did.
pub(crate) const SESSIONS: &str = "sessions.jsonl";

/// The resolved spec.
pub(crate) const SPEC: &str = "spec.toml";

/// The folder of a run's shards.
pub(crate) const SHARDS: &str = "shards";

/// What a merge writes before it takes the place of the run's files.
pub(crate) const MERGED: &str = ".merge";
