//! What can go wrong between a probe and its outcome.

use crate::model::{ModelError, TokenizeError};
use crate::prompt::PromptError;

/// Something that could not be scored or generated, and why.
#[derive(Debug, thiserror::Error)]
pub enum ScoringError {
    /// A prompt that the model cannot hold.
    #[error("{who}: {tokens} tokens are more than the model's context of {limit}")]
    ContextTooLong {
        /// Whose prompt: a respondent and what is asked of them, or a line of a file.
        who: String,
        /// Tokens of the longest path.
        tokens: usize,
        /// The model's limit.
        limit: usize,
    },
    /// Thoughts that cannot be closed.
    #[error("the tokenizer joins {end}, which ends thoughts, to what stands beside it")]
    JoinedThoughts {
        /// What ends them.
        end: String,
    },
    /// A text that cannot be encoded.
    #[error(transparent)]
    Tokenize(#[from] TokenizeError),
    /// A prompt that cannot be put together.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl ScoringError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ContextTooLong { .. } => Some(
                "show fewer demonstrations, let whole statements be dropped with `--fit drop-demonstrations`, or take a \
                 model with a longer context"
                    .to_owned(),
            ),
            Self::JoinedThoughts { .. } => {
                Some("let the model answer at once: leave out `thinking_tokens` of [scoring] (`--thinking-tokens`)".to_owned())
            }
            Self::Tokenize(error) => error.hint(),
            Self::Prompt(error) => error.hint(),
            Self::Model(error) => error.hint(),
        }
    }
}
