//! Checkpoints, token ids, the decoder, the tree of keys and values, devices, and a deterministic fake.
//!
//! This module imports none but `base` and never sees a survey.

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
mod generate;
mod gguf;
mod identity;
#[doc(hidden)]
pub mod kernels;
mod mapped;
pub mod memory;
mod open;
mod passes;
mod placing;
pub mod registry;
#[doc(hidden)]
pub mod rope;
mod score;
mod slots;
pub mod source;
#[doc(hidden)]
pub mod stored;
mod tensor_problem;
pub mod tokenizer;
mod tree;
mod trie;
#[doc(hidden)]
pub mod weights;
mod writer;

pub use checkpoint::{Checkpoint, Inspection, open_weights};
pub use config::{Mixture, ModelConfig, RopeScaling};
pub use contract::{
    Allowed, Branch, Constraint, Decoding, Finish, Generation, LanguageModel, ModelError, Node, TokenId, TokenScore,
};
pub use device::{DeviceChoice, DeviceId, Dtype, DtypeChoice, OpenDevice};
pub use engine::{Engine, EngineInfo, EngineSettings};
pub use error::LoadError;
pub use family::Family;
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
