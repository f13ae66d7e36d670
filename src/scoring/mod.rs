//! Probe and model meet: the methods, and the baselines that need no model.
//!
//! `evidence` ← `request` ← `methods` ← `outcome` ← `scorer`: each knows only what stands before it. A method turns a
//! case into requests and answered requests into predictions; the scorer, which knows none by name, has them answered.

mod answers;
pub mod baseline;
pub mod constraint;
mod error;
mod evidence;
pub mod join;
pub mod methods;
pub mod norm;
mod orders;
mod outcome;
pub mod parser;
mod prefixes;
mod request;
mod sampling;
pub mod scorer;
mod spec;
mod texts;

pub use error::ScoringError;
pub use evidence::{CandidateScore, Evidence, EvidenceKind, Permutation, Reading, Try};
pub use methods::Method;
pub use norm::Norm;
pub use orders::Orders;
pub use outcome::{Condition, Control, Outcome};
pub use request::{Asked, Claim, Claimed, Claims, Continuation};
pub use sampling::{OutOfRange, Retries, Temperature, TopP};
pub use scorer::{Ask, Scorer, TokenEstimate};
pub use spec::{ChatUse, Fit, ScoringSpec};
pub use texts::{TextScore, texts};
