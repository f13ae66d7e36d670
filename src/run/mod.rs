//! Specs, plans, the loop over people, the journal.

mod error;
mod header;
mod journal;
mod spec;

pub use error::RunError;
pub use header::{FORMAT, Header, ModelIdentity, hex, run_id};
pub use journal::{Journal, RECORDS, Recorded, read};
pub use spec::{DemonstrationSpec, FitSpec, Grid, Income, ModelSpec, PromptSpec, RespondentSpec, ScoringSpec, Spec};
