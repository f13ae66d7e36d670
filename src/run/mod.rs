//! Specs, plans, the loop over people, the journal.

mod context;
mod error;
mod header;
mod journal;
mod people;
mod session;
mod spec;

pub use context::{CONTEXT, Context, load, write_whole};
pub use error::RunError;
pub use header::{FORMAT, Header, ModelIdentity, hex, run_id};
pub use journal::{Journal, RECORDS, Recorded, read};
pub use people::{People, file_name};
pub use session::{Ending, SESSIONS, Session, append_session, machine, now, read_sessions};
pub use spec::{DemonstrationSpec, FitSpec, Grid, Income, ModelSpec, PromptSpec, RespondentSpec, ScoringSpec, Spec};
