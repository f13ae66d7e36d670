//! What a decoder is made of: the numbers of one checkpoint, whatever family it comes from.

use super::Family;

/// How RoPE frequencies are scaled.
#[derive(Debug, Clone, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// Llama 3.1's: low frequencies divided by `factor`, high ones kept, a linear blend between.
    Llama3 {
        /// Divisor of low frequencies.
        factor: f64,
        /// Below `original_context / low_freq_factor` ... wavelengths count as low frequency.
        low_freq_factor: f64,
        /// Wavelengths shorter than `original_context / high_freq_factor` are kept.
        high_freq_factor: f64,
        /// Context the model was first trained at.
        original_context: usize,
    },
    /// All positions divided by a factor.
    Linear(f64),
    /// A divisor per frequency (GGUF's `rope_freqs`), `head_dim / 2` of them.
    Factors(Vec<f32>),
}

impl RopeScaling {
    /// Its name for people, with its main number.
    pub fn name(&self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Llama3 { factor, .. } => format!("llama3 by {factor}"),
            Self::Linear(factor) => format!("linear by {factor}"),
            Self::Factors(factors) => format!("by {} factors of the file", factors.len()),
        }
    }
}

/// A sparse mixture of experts in place of the one feed-forward network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mixture {
    /// Number of experts.
    pub experts: usize,
    /// Experts a token is sent to.
    pub used: usize,
}

/// One configurable decoder: Llama, Mistral, Qwen2, Qwen3 and Mixtral differ in these fields and in nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// Where it comes from; decides nothing any more.
    pub family: Family,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of (one expert of) the feed-forward network.
    pub intermediate: usize,
    /// Number of layers.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Rows of the embedding.
    pub vocabulary: usize,
    /// Longest context in tokens.
    pub context: usize,
    /// RMS norm epsilon.
    pub norm_eps: f64,
    /// RoPE base.
    pub rope_theta: f64,
    /// RoPE scaling.
    pub rope_scaling: RopeScaling,
    /// Biases on the query, key and value projections.
    pub qkv_bias: bool,
    /// Bias on the attention output projection.
    pub output_bias: bool,
    /// RMS norm over each query and key head.
    pub qk_norm: bool,
    /// Whether the head is the embedding itself.
    pub tied: bool,
    /// Each token attends to at most this many tokens, itself included; absent: to all.
    pub sliding_window: Option<usize>,
    /// Sparse mixture in place of the feed-forward network.
    pub mixture: Option<Mixture>,
}
