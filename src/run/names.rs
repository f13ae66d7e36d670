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
