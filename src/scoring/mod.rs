//! Probe and model meet: likelihood, label, generation, and the baselines that need no model.

pub mod baseline;
pub mod constraint;
mod error;
pub mod join;
pub mod norm;
mod outcome;
pub mod parser;
pub mod plan;
pub mod scorer;
pub mod shared;
mod texts;
pub mod tree;

pub use error::ScoringError;
pub use norm::Norm;
pub use outcome::{CandidateScore, Condition, Control, Evidence, Method, Outcome, Permutation, Reading, Try};
pub use scorer::{Ask, Estimate, Fit, Scorer, Settings, Template};
pub use texts::{TextScore, texts};
