//! Template text and a case become pieces of text; chat templates of models.
//!
//! Pieces keep apart what prompts share, and put together again they are the prompt character for character. Nothing
//! here knows tokens or models.

mod chat;
mod chat_filters;
mod chat_frame;
mod chat_json;
mod chat_order;
mod chat_python;
mod chat_repr;
mod chat_spec;
mod chat_strings;
mod chat_values;
mod chat_views;
mod dialect;
mod dialect_blocks;
mod dialect_operators;
mod dialect_text;
mod error;
mod paper;
mod parsed;
mod pieces;
mod python_json;
mod template;

pub use error::{ChatError, PromptError};

#[doc(hidden)]
pub use chat::{ChatTemplate, Turn};
#[doc(hidden)]
pub use chat_frame::{ChatFrame, Edge, ThoughtBlock};
#[doc(hidden)]
pub use chat_spec::{ChatSpec, TemplateVariables};
#[doc(hidden)]
pub use chat_values::Date;
#[doc(hidden)]
pub use paper::PaperPrompt;
#[doc(hidden)]
pub use parsed::Prompt;
#[doc(hidden)]
pub use pieces::{Frame, Pieces, PromptStyle};
#[doc(hidden)]
pub use template::{ProbePrompt, PromptKind};
