//! Specs, plans, the loop over people, the journal.

mod compute;
mod context;
mod error;
mod evaluate;
mod execute;
mod experiment;
mod header;
mod journal;
#[cfg(test)]
mod journal_checks;
mod people;
mod plan;
mod prompts;
mod session;
mod spec;
mod verify;

pub use compute::{ExecuteError, ModelCompute};
pub use context::{CONTEXT, Context, load};
pub use error::RunError;
pub use evaluate::{EvaluateError, Evaluated, Interrupted, begun, evaluate};
pub use execute::{Compute, Done, Event, Observer, Unobserved, execute};
pub use experiment::{Experiment, NEIGHBOURS};
pub use header::{FORMAT, Header, run_id};
pub use journal::{Journal, RECORDS, Recorded, read};
pub use people::{People, file_name};
pub use plan::{Plan, Unit};
pub use prompts::Prompts;
pub use session::{Ending, SESSIONS, Session, append_session, machine, now, read_sessions};
pub use spec::{ChatUse, DemonstrationSpec, FitSpec, Grid, ModelSpec, PromptSpec, RespondentSpec, ScoringSpec, Spec};
pub use verify::{Difference, TOLERANCE_F32, TOLERANCE_HALF, Verified, tolerance};
