//! Small things that every module may need, one file each. This module imports no other.

pub mod choice;
pub mod files;
pub mod hex;
pub mod near;
pub mod quote;
pub mod random;
pub mod shell;
pub mod text;
pub mod version;
pub(crate) mod waiting;

pub use choice::{Choice, UnknownChoice};
