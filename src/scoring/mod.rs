//! Probe and model meet: likelihood, label, generation, and the baselines that need no model.

pub mod baseline;
mod error;
pub mod join;
mod outcome;
pub mod plan;
pub mod shared;
pub mod tree;

pub use error::ScoringError;
pub use outcome::{CandidateScore, Cell, Control, Evidence, Method, Outcome, Permutation, Reading, Try};
