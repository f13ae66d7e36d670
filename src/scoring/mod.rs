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
pub mod plan;
mod prefixes;
mod request;
pub mod scorer;
mod settings;
pub mod shared;
mod texts;
pub mod tree;

pub use error::ScoringError;
pub use evidence::{CandidateScore, Evidence, Permutation, Reading, Try};
pub use methods::Method;
pub use norm::Norm;
pub use orders::Orders;
pub use outcome::{Condition, Control, Outcome};
pub use request::{Asked, Claim, Claimed, Claims, Continuation};
pub use scorer::{Ask, Estimate, Scorer};
pub use settings::{Fit, Settings};
pub use texts::{TextScore, texts};
