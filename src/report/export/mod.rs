//! A run in the tools that people have: a table of predictions, logs of Inspect, results of Every Eval Ever.
//!
//! What is exported holds no prompts: these, and the groups of people, are answers of persons.

mod eee;
mod inspect;
#[cfg(feature = "parquet")]
mod parquet;
mod predictions;
mod seen;

pub use self::eee::{EeeModel, evaluations};
pub use self::inspect::{InspectLog, logs};
#[cfg(feature = "parquet")]
pub use self::parquet::predictions_parquet;
pub use self::predictions::predictions;

/// Parquet needs a build with the feature.
///
/// # Errors
/// [`ExportError::NoParquet`].
#[cfg(not(feature = "parquet"))]
pub fn predictions_parquet(_: &crate::metrics::RunData, _: crate::metrics::Norm) -> Result<Vec<u8>, ExportError> {
    Err(ExportError::NoParquet)
}

/// Why a run cannot be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A run of format 1, which has no texts of candidates.
    #[error("run `{0}` has no texts of its candidates: it is in record format 1")]
    NoTexts(String),
    /// Something that cannot be written down.
    #[error("cannot encode: {0}")]
    Encode(String),
    /// Parquet, in a build without the feature.
    #[error("this build of indieval cannot write Parquet")]
    NoParquet,
    /// Runs contradict each other.
    #[error(transparent)]
    Metrics(#[from] crate::metrics::MetricsError),
    /// A model without an owner's name, which the schema of Every Eval Ever asks for.
    #[error("`{0}` is not ORGANISATION/MODEL")]
    ModelName(String),
}

impl ExportError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoTexts(_) => "run it again with this version; --to eee needs no texts",
            Self::ModelName(_) => "give --model-id ORGANISATION/MODEL, as the hub spells it",
            Self::Metrics(error) => return error.hint(),
            Self::NoParquet => "build it with `--features parquet`; `--to csv` writes the same rows",
            Self::Encode(_) => return None,
        };
        Some(text.to_owned())
    }
}
