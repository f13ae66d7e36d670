//! Probe and model meet: the methods, and the baselines that need no model.
//!
//! `evidence` ← `request` ← `methods` ← `outcome` ← `scorer`: each knows only what stands before it. A method turns a
//! case into requests and answered requests into predictions; the scorer, which knows none by name, has them answered.

mod answers;
#[doc(hidden)]
pub mod baseline;
pub(crate) mod constraint;
mod error;
mod evidence;
pub(crate) mod join;
pub(crate) mod methods;
pub(crate) mod norm;
pub(crate) mod orders;
mod outcome;
#[doc(hidden)]
pub mod parser;
mod prefixes;
mod request;
mod sampling;
pub(crate) mod scorer;
mod spec;
mod texts;
mod thoughts;

pub use error::ScoringError;
pub use evidence::{CandidateScore, Evidence};
pub use methods::Method;
pub use norm::Norm;
pub use orders::Orders;
pub use outcome::{Condition, Control, Outcome};
pub use sampling::{Retries, Temperature, TopP};
pub use spec::{ChatUse, Fit, ScoringSpec};
pub use texts::{TextScore, texts};

#[doc(hidden)]
pub use evidence::{EvidenceKind, Permutation, Reading, Thoughts, Try};
#[doc(hidden)]
pub use scorer::{Ask, Scorer};

pub(crate) use request::{Asked, Claimed, Claims, Continuation};
pub(crate) use scorer::TokenEstimate;
