//! Answers that are made elsewhere: a run's prompts written out for whoever answers them, and what came back graded as a
//! run. Nothing here calls anybody.

mod answers;
mod asked;
mod export;
mod grade;
mod shapes;

pub use self::answers::Keep;
pub use self::export::{ExportPlan, PromptFormat, Written, export};
pub use self::grade::{GradeOptions, Graded, grade};

/// The plan of an export, beside its parts.
pub(crate) const PLAN: &str = "plan.json";

/// Which request asks what, for people.
const IDS: &str = "ids.csv";
