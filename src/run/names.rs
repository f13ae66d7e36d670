//! Names of the files in a run's folder.

/// What the run is.
pub const RUN: &str = "run.json";

/// A line a record.
pub const RECORDS: &str = "records.jsonl";

/// People, questions and the baselines on the same probes.
pub const PEOPLE: &str = "people.json";

/// What every start of the program did.
pub const SESSIONS: &str = "sessions.jsonl";

/// The resolved spec.
pub const SPEC: &str = "spec.toml";
