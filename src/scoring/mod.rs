//! Probe and model meet: likelihood, label, generation, and the baselines that need no model.

mod outcome;

pub use outcome::{CandidateScore, Cell, Control, Evidence, Method, Outcome, Permutation, Reading, Try};
