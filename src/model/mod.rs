//! Checkpoints, token ids, the decoder, forests of paths and their keys and values, devices, and a deterministic fake.
//!
//! This module imports none but `base` and never sees a survey.

mod asked;
mod bounds;
pub mod checkpoint;
pub mod config;
pub mod contract;
#[doc(hidden)]
pub mod decoder;
pub mod device;
mod device_name;
pub mod engine;
mod error;
pub mod fake;
mod family;
mod feed_forward;
mod finite;
mod forest;
mod generate;
mod gguf;
mod identity;
mod kept;
#[doc(hidden)]
pub mod kernels;
mod mapped;
pub mod memory;
mod open;
mod placing;
pub mod registry;
#[doc(hidden)]
pub mod rope;
pub mod source;
#[doc(hidden)]
pub mod stored;
mod tensor_problem;
pub mod tokenizer;
mod walk;
#[doc(hidden)]
pub mod weights;
mod writer;

pub use checkpoint::{Checkpoint, Inspection, open_weights};
pub use config::{Mixture, ModelConfig, RopeScaling};
pub use contract::{
    Allowed, Answers, Attempt, Batch, Constraint, Decoding, Finish, Generation, LanguageModel, Limits, ModelError,
    ScoreRequest, TextRequest, TokenId, TokenScore, Tokens,
};
pub use device::{DeviceChoice, DeviceId, Dtype, DtypeChoice, OpenDevice};
pub use engine::{Engine, EngineInfo, EngineSettings};
pub use error::LoadError;
pub use family::Family;
pub use forest::{Forest, Path};
pub use identity::ModelIdentity;
pub use kernels::Backend;
pub use open::{Memory, OpenModel, OpenOptions, open};
pub use placing::QuantizedWeights;
pub use tensor_problem::TensorProblem;
pub use tokenizer::{Markup, SpecialToken, SpecialTokens, TokenizeError, Tokenizer};
pub use weights::{Weight, WeightSource};
pub use writer::Writer;

#[cfg(test)]
mod engine_checks;
#[cfg(test)]
mod testing;
