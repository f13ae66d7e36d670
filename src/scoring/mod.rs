//! Probe and model meet: likelihood, label, generation, and the baselines that need no model.

pub mod baseline;
mod outcome;

pub use outcome::{CandidateScore, Cell, Control, Evidence, Method, Outcome, Permutation, Reading, Try};
