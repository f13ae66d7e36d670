//! Specs, plans, the loop over people, the journal.

mod answer_error;
mod by_person;
mod cases;
mod compute;
mod elsewhere;
mod error;
mod evaluate;
mod execute;
mod experiment;
mod load;
mod merge;
mod names;
mod people;
mod people_file;
mod plan;
mod prompts;
mod records;
mod session;
mod shard;
mod shard_error;
mod shards;
mod spec;
mod verify;

pub use answer_error::AnswerError;
pub use compute::ExecuteError;
pub use elsewhere::{ExportPlan, GradeOptions, Graded, Keep, PromptFormat, Written, export, grade};
pub use error::RunError;
pub use evaluate::{EvaluateError, Evaluated, Interrupted, evaluate};
pub use execute::{Done, Event, Observer, Unobserved};
pub use experiment::Experiment;
pub use load::{load, load_table};
pub use merge::{Merged, merge};
pub use people::People;
pub use plan::{Plan, Unit};
pub use prompts::Prompts;
pub use shard::{MixedEntry, Shard, ShardEntry, UnknownShard};
pub use shard_error::ShardError;
pub use shards::{ShardPlace, ShardState};
pub use spec::{DemonstrationSpec, Grid, ModelSpec, PromptSpec, RespondentSpec, Spec};
pub use verify::{Difference, Verified, tolerance};

#[doc(hidden)]
pub use people_file::PeopleFile;
#[doc(hidden)]
pub use records::{Header, Journal, Reader};
#[doc(hidden)]
pub use session::{Note, SessionEvent, append_note};

pub(crate) use by_person::{ShownList, ShownStatements, about, load_by_person};
pub(crate) use cases::SpecCheck;
pub(crate) use compute::ModelCompute;
pub(crate) use execute::{Compute, execute};
pub(crate) use load::load_around;
pub(crate) use merge::merge_showing;
pub(crate) use names::{PEOPLE, RECORDS, RUN, SPEC};
pub(crate) use records::Found;
pub(crate) use session::{SessionLog, longest_batch};
pub(crate) use shard::ranges;
pub(crate) use shards::{complete, count, expected, folder, missing, recorded, same_count, states};
