//! Small things that every module may use; this one uses none of them.

pub mod choice;

pub use choice::{Choice, UnknownChoice};
