//! Specs, plans, the loop over people, the journal.

mod cases;
mod compute;
mod error;
mod evaluate;
mod execute;
mod experiment;
mod load;
mod names;
mod people;
mod people_file;
mod plan;
mod prompts;
mod records;
mod session;
mod spec;
mod verify;

pub use compute::{ExecuteError, ModelCompute};
pub use error::RunError;
pub use evaluate::{EvaluateError, Evaluated, Interrupted, evaluate};
pub use execute::{Compute, Done, Event, Observer, Unobserved, execute};
pub use experiment::{Experiment, NEIGHBOURS};
pub use load::load;
pub use names::{PEOPLE, RECORDS, RUN, SESSIONS, SPEC};
pub use people::{People, file_name};
pub use people_file::PeopleFile;
pub use plan::{Plan, Unit};
pub use prompts::Prompts;
pub use records::{ConditionEntry, FORMAT, Header, Journal, Reader, Recorded, read};
pub use session::{Note, Session, SessionEvent, SessionLog, append_note, read_sessions, uncounted};
pub use spec::{DemonstrationSpec, Grid, ModelSpec, PromptSpec, RespondentSpec, Spec};
pub use verify::{Difference, TOLERANCE_F32, TOLERANCE_HALF, Verified, tolerance};
