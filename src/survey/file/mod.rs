//! Survey files in: which kind a file is, and what is wrong with it.

mod error;

pub use error::FileError;
