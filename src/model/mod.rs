//! Checkpoints, token ids, the decoder, forests of paths and their keys and values, devices, and a deterministic fake.
//!
//! This module imports none but `base` and never sees a survey.

mod asked;
mod bounds;
#[doc(hidden)]
pub mod checkpoint;
pub(crate) mod config;
pub(crate) mod contract;
#[doc(hidden)]
pub mod decoder;
pub(crate) mod design;
pub(crate) mod device;
mod device_name;
pub(crate) mod engine;
mod engine_settings;
mod error;
#[doc(hidden)]
pub mod fake;
mod family;
mod family_keys;
mod feed_forward;
mod finite;
mod flow;
mod forest;
mod generate;
mod gguf;
mod held;
mod identity;
mod kept;
mod layer;
mod mapped;
pub(crate) mod memory;
mod open;
pub(crate) mod pace;
mod pass;
mod placing;
mod read_ahead;
pub(crate) mod registry;
pub(crate) mod rope;
mod routing;
pub mod source;
mod stage;
pub(crate) mod stored;
mod tensor_problem;
#[doc(hidden)]
pub mod tokenizer;
mod walk;
pub(crate) mod weights;
mod writer;

pub use contract::{
    Answers, Attempt, Batch, Generation, LanguageModel, Limits, ModelError, ScoreRequest, TextRequest, TokenId,
    TokenScore, Tokens,
};
pub use device::{DeviceChoice, DeviceId, Dtype, DtypeChoice};
pub use error::LoadError;
pub use family::Family;
pub use identity::{ModelIdentity, Speaker};
#[doc(hidden)]
pub use indieval_kernels as kernels;
pub use indieval_kernels::Backend;
pub use memory::{BatchNeeds, BatchSize};
pub use open::{Memory, OpenModel, OpenOptions, open};
pub use placing::QuantizedWeights;
pub use tokenizer::{TokenizeError, Tokenizer};

#[doc(hidden)]
pub use checkpoint::{Checkpoint, Inspection, open_weights};
#[doc(hidden)]
pub use config::ModelConfig;
pub use contract::{Allowed, Constraint, Decoding, Finish};
#[doc(hidden)]
pub use design::{
    Activation, AttentionWindow, Design, ExpertNaming, LayerKind, LayerNorms, Mixture, NormKind, Pairing, QkNorm,
    QueryGrowth, RopeScaling, RouterScore, Routing, Scalars, SharedExpert, Yarn,
};
#[doc(hidden)]
pub use engine::Engine;
#[doc(hidden)]
pub use engine_settings::EngineSettings;
#[doc(hidden)]
pub use indieval_kernels::{RowSink, Weight};
#[doc(hidden)]
pub use tokenizer::Markup;
#[doc(hidden)]
pub use weights::WeightSource;

pub(crate) use device::OpenDevice;
pub(crate) use engine_settings::pass_bytes;
pub(crate) use forest::{Forest, Path};
pub(crate) use kept::text_pages;
pub(crate) use memory::MemoryNeeds;
pub(crate) use tokenizer::{SpecialToken, SpecialTokens};

#[cfg(test)]
mod engine_checks;
#[cfg(test)]
mod testing;
