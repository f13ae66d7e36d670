//! What can go wrong while a checkpoint is found, read and put together.

/// A checkpoint that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A tensor that could not be converted.
    #[error("tensor `{name}`: {source}")]
    Tensor {
        /// The tensor's canonical name.
        name: String,
        /// What the tensor library said.
        source: candle_core::Error,
    },
}
