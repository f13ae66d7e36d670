//! How tensors do not match a configuration.

use std::fmt;

/// How one tensor does not match the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TensorProblem {
    /// The configuration needs it, no file has it.
    Missing {
        /// Canonical name.
        name: String,
    },
    /// Its shape is another than the configuration says.
    Misshapen {
        /// Canonical name.
        name: String,
        /// Shape by the configuration.
        expected: Vec<usize>,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// Stored in a type that is no float and no known block type.
    Type {
        /// Canonical name.
        name: String,
        /// The type's name in the file.
        found: String,
    },
    /// The configuration calls for so many more tensors than there are that they are not named one by one.
    TooFew {
        /// Tensors of the configuration.
        expected: u64,
        /// Tensors in the files.
        found: usize,
    },
    /// A file has it, the configuration has no use for it: computing without it would give other results.
    Unexpected {
        /// Name in the file.
        name: String,
    },
}

impl fmt::Display for TensorProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name } => write!(out, "`{name}` is missing"),
            Self::Misshapen { name, expected, found } => {
                write!(out, "`{name}` has the shape {found:?}, expected {expected:?}")
            }
            Self::Type { name, found } => write!(out, "`{name}` is stored as {found}, which cannot be read"),
            Self::TooFew { expected, found } => {
                write!(
                    out,
                    "the configuration calls for {expected} tensors, and there are {found}"
                )
            }
            Self::Unexpected { name } => write!(out, "`{name}` has no place in what the configuration says"),
        }
    }
}

/// How many problems of one kind are kept and written out; the rest is counted. A file of a few bytes can ask for
/// millions of tensors.
pub(crate) const LISTED: usize = 50;

/// Some problems, and how many more there are.
pub(super) struct Listed<'a>(pub(super) &'a [TensorProblem], pub(super) usize);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(out, "{separator}{problem}")?;
        }
        match self.1 {
            0 => Ok(()),
            more => write!(out, "; and {more} more"),
        }
    }
}
