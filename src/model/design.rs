//! What layers may do otherwise than Llama's: norms, positions, experts, multipliers and caps, in the families' names for
//! none of them.

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
    /// A divisor per frequency (GGUF's `rope_freqs`), half the rotated width of them.
    Factors(Vec<f32>),
    /// YaRN: low frequencies divided by `factor`, high ones kept, a ramp between.
    Yarn(Yarn),
    /// LongRoPE: a divisor per frequency, other ones for the whole of a text that is longer than the context the model was
    /// first trained at; turned vectors are stretched.
    LongRope {
        /// Divisors in texts within that context, half the rotated width of them.
        short: Vec<f32>,
        /// Divisors in longer texts, as many.
        long: Vec<f32>,
        /// Context the model was first trained at, in tokens.
        original_context: usize,
        /// What turned queries and keys are multiplied by.
        attention_factor: f64,
    },
}

/// YaRN's numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Yarn {
    /// Divisor of low frequencies.
    pub factor: f64,
    /// Rotations within the original context from which on a frequency is kept.
    pub beta_fast: f64,
    /// Rotations within the original context up to which a frequency is divided.
    pub beta_slow: f64,
    /// Context the model was first trained at.
    pub original_context: usize,
    /// Whether the ramp begins and ends at whole frequencies.
    pub truncate: bool,
    /// What turned queries and keys are multiplied by.
    pub attention_factor: f64,
}

impl RopeScaling {
    /// Its name for people, with its main number.
    pub fn name(&self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Llama3 { factor, .. } => format!("llama3 by {factor}"),
            Self::Linear(factor) => format!("linear by {factor}"),
            Self::Factors(factors) => format!("by {} factors of the file", factors.len()),
            Self::Yarn(yarn) => format!("yarn by {}", yarn.factor),
            Self::LongRope {
                short,
                original_context,
                ..
            } => format!(
                "longrope by {} factors, others beyond {original_context} tokens",
                short.len()
            ),
        }
    }

    /// Whether a text of so many tokens takes LongRoPE's other divisors.
    pub(super) fn is_long(&self, tokens: usize) -> bool {
        matches!(self, Self::LongRope { original_context, .. } if tokens > *original_context)
    }
}

/// How a text's length bears on its positions: texts of two classes share nothing, though they begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct RopeClass {
    /// Whether layers without a window, and those with one, take LongRoPE's divisors of long texts.
    pub(super) long: [bool; 2],
}

/// A sparse mixture of experts in place of the one feed-forward network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mixture {
    /// Number of experts.
    pub experts: usize,
    /// Experts a token is sent to.
    pub used: usize,
    /// Whether the shares of the chosen experts are scaled to a sum of 1; else they are those of a softmax over all.
    pub renormalised: bool,
    /// Each layer whose number, counted from 1, is a multiple of this has the mixture; the others have one network.
    pub every: usize,
    /// Width of the network of the layers without the mixture.
    pub dense_width: usize,
    /// Width of the network that every token goes through beside its experts, as far as a gate of its own says.
    pub shared_width: Option<usize>,
    /// What its tensors are called.
    pub naming: ExpertNaming,
}

/// What the tensors of a mixture are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpertNaming {
    /// `block_sparse_moe.gate`, `block_sparse_moe.experts.E.{w1,w3,w2}`.
    Mixtral,
    /// `mlp.gate`, `mlp.experts.E.{gate,up,down}_proj`.
    Mlp,
}

impl ExpertNaming {
    /// The part of a layer that the mixture is.
    pub(crate) fn module(self) -> &'static str {
        match self {
            Self::Mixtral => "block_sparse_moe",
            Self::Mlp => "mlp",
        }
    }

    /// An expert's gate, up and down projections.
    pub(crate) fn matrices(self) -> [&'static str; 3] {
        match self {
            Self::Mixtral => ["w1", "w3", "w2"],
            Self::Mlp => ["gate_proj", "up_proj", "down_proj"],
        }
    }
}

impl Mixture {
    /// Mixtral's: in every layer, shares of a sum of 1, nothing shared.
    pub fn mixtral(experts: usize, used: usize) -> Self {
        Self {
            experts,
            used,
            renormalised: true,
            every: 1,
            dense_width: 0,
            shared_width: None,
            naming: ExpertNaming::Mixtral,
        }
    }

    /// Whether layer `number`, counted from 0, has the mixture.
    pub fn is_in(&self, number: usize) -> bool {
        (number + 1).is_multiple_of(self.every.max(1))
    }
}

/// The norms of a layer by their tensors' names; those it lacks are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerNorms {
    /// Of what attention is given.
    pub before_attention: Option<&'static str>,
    /// Of what attention adds.
    pub after_attention: Option<&'static str>,
    /// Of what the feed-forward network is given.
    pub before_feed_forward: Option<&'static str>,
    /// Of what the feed-forward network adds.
    pub after_feed_forward: Option<&'static str>,
}

impl LayerNorms {
    /// One before each, as in Llama.
    pub const BEFORE: Self = Self {
        before_attention: Some("input_layernorm"),
        after_attention: None,
        before_feed_forward: Some("post_attention_layernorm"),
        after_feed_forward: None,
    };

    /// One after each, as in OLMo 2.
    pub const AFTER: Self = Self {
        before_attention: None,
        after_attention: Some("post_attention_layernorm"),
        before_feed_forward: None,
        after_feed_forward: Some("post_feedforward_layernorm"),
    };

    /// Both, as in Gemma 2.
    pub const AROUND: Self = Self {
        before_attention: Some("input_layernorm"),
        after_attention: Some("post_attention_layernorm"),
        before_feed_forward: Some("pre_feedforward_layernorm"),
        after_feed_forward: Some("post_feedforward_layernorm"),
    };

    /// Both, as in GLM-4.
    pub const AROUND_GLM: Self = Self {
        before_attention: Some("input_layernorm"),
        after_attention: Some("post_self_attn_layernorm"),
        before_feed_forward: Some("post_attention_layernorm"),
        after_feed_forward: Some("post_mlp_layernorm"),
    };

    /// Those there are.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        [
            self.before_attention,
            self.after_attention,
            self.before_feed_forward,
            self.after_feed_forward,
        ]
        .into_iter()
        .flatten()
    }
}

/// What the gate of a feed-forward network goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activation {
    /// `x / (1 + exp(-x))`.
    #[default]
    Silu,
    /// GELU, approximated by a tanh as PyTorch does.
    GeluTanh,
}

/// Over what queries and keys are normed before they are turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QkNorm {
    /// Each head by itself.
    EachHead,
    /// All heads together.
    AllHeads,
}

/// Which elements of a head are turned against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pairing {
    /// Each of the first half against the one of the same place in the second.
    #[default]
    Halves,
    /// Each even one against the odd one after it.
    Neighbours,
}

/// What one layer's attention does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerKind {
    /// Whether a token sees no more than the sliding window.
    pub windowed: bool,
    /// Whether queries and keys are turned by their positions.
    pub rotated: bool,
}

/// Numbers that values are multiplied by or bounded with on their way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scalars {
    /// Tokens' vectors, times this as it is in the compute dtype.
    pub embedding: f64,
    /// Products of queries and keys; absent: one over the root of a head's width.
    pub attention: Option<f64>,
    /// What attention and the feed-forward network add.
    pub residual: f64,
    /// What the head is given.
    pub logits: f64,
    /// Scores of attention stay within plus and minus this, by a tanh.
    pub attention_cap: Option<f64>,
    /// Logits stay within plus and minus this, by a tanh.
    pub logit_cap: Option<f64>,
    /// Queries grow with their positions.
    pub query_growth: Option<QueryGrowth>,
}

/// Queries at position `p` are multiplied by `1 + beta · ln(1 + floor(p / context))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueryGrowth {
    /// How much.
    pub beta: f64,
    /// Positions that are left as they are.
    pub context: usize,
}

impl QueryGrowth {
    /// What queries at `position` are multiplied by.
    pub(crate) fn at(self, position: usize) -> f32 {
        let turns = (position / self.context.max(1)) as f32;
        1.0 + self.beta as f32 * (1.0 + turns).ln()
    }
}

impl Default for Scalars {
    fn default() -> Self {
        Self {
            embedding: 1.0,
            attention: None,
            residual: 1.0,
            logits: 1.0,
            attention_cap: None,
            logit_cap: None,
            query_growth: None,
        }
    }
}

/// What a family's layers do otherwise than Llama's.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// Norms around attention and the feed-forward network.
    pub norms: LayerNorms,
    /// Whether norms multiply by 1 + weight.
    pub norm_offset: bool,
    /// Biases in the feed-forward network, on all three projections.
    pub feed_forward_bias: bool,
    /// Whether the projections of queries, keys and values are stored as one, `qkv_proj`.
    pub fused_qkv: bool,
    /// Whether gate and up projections are stored as one, `gate_up_proj`.
    pub fused_gate_up: bool,
    /// What gates go through.
    pub activation: Activation,
    /// Elements of each head that are turned, from the first on; absent: all.
    pub rotary_width: Option<usize>,
    /// Which of them are turned against each other.
    pub pairing: Pairing,
    /// RoPE base and scaling of layers with the window, where they have their own.
    pub window_rope: Option<(f64, RopeScaling)>,
    /// What each layer's attention does; empty: the same in all, windowed where there is a window.
    pub layer_kinds: Vec<LayerKind>,
    /// Multipliers and caps.
    pub scalars: Scalars,
}

impl Default for Design {
    fn default() -> Self {
        Self {
            norms: LayerNorms::BEFORE,
            norm_offset: false,
            feed_forward_bias: false,
            fused_qkv: false,
            fused_gate_up: false,
            activation: Activation::Silu,
            rotary_width: None,
            pairing: Pairing::Halves,
            window_rope: None,
            layer_kinds: Vec::new(),
            scalars: Scalars::default(),
        }
    }
}
