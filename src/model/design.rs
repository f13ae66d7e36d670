//! What layers may do otherwise than Llama's: norms, positions, experts, multipliers and caps, in the families' names for
//! none of them.

pub use indieval_kernels::{Activation, AttentionWindow, Pairing};

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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixture {
    /// Number of experts.
    pub experts: usize,
    /// How tokens are sent to them.
    pub routing: Routing,
    /// Each layer whose number, counted from 1, is a multiple of this has the mixture; the others have one network.
    pub every: usize,
    /// So many layers at the beginning have one network in any case.
    pub first_dense: usize,
    /// Width of the network of the layers without the mixture.
    pub dense_width: usize,
    /// The network that every token goes through beside its experts.
    pub shared: Option<SharedExpert>,
    /// Biases of the scores and in the experts' networks.
    pub bias: bool,
    /// What its tensors are called.
    pub naming: ExpertNaming,
}

/// How tokens are sent to experts, and in which shares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Routing {
    /// Experts a token is sent to.
    pub used: usize,
    /// What becomes of the experts' scores.
    pub score: RouterScore,
    /// Whether the shares of the chosen experts are scaled to a sum of 1; else they are what the scores say.
    pub renormalised: bool,
    /// What shares are multiplied by in the end.
    pub scale: f64,
    /// Whether an expert is given its share of the token, rather than giving its share of what it makes of the token.
    pub shares_input: bool,
    /// Experts lie in so many groups of the same size, and a token chooses from so many of them: those whose two best
    /// scores have the greatest sum.
    pub groups: (usize, usize),
}

/// What scores of experts become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouterScore {
    /// A softmax over all experts.
    Softmax,
    /// Each a sigmoid of its own.
    Sigmoid,
    /// The same. Experts are chosen by it plus a correction, which is no part of their shares.
    CorrectedSigmoid,
}

/// A network that every token goes through beside its experts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedExpert {
    /// Its width.
    pub width: usize,
    /// Whether it counts only as far as a gate of its own says.
    pub gated: bool,
}

/// What the tensors of a mixture are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpertNaming {
    /// `block_sparse_moe.gate`, `block_sparse_moe.experts.E.{w1,w3,w2}`.
    Mixtral,
    /// `mlp.gate`, `mlp.experts.E.{gate,up,down}_proj`.
    Mlp,
    /// `mlp.router`, and the experts as above; stored, they are one tensor for all experts.
    GptOss,
    /// `block_sparse_moe.router.layer`, `block_sparse_moe.experts.E.{gate,up,down}_proj`; stored as one tensor too.
    Granite,
    /// `feed_forward.router`, `feed_forward.experts.E.{gate,up,down}_proj`; stored as one tensor too.
    Llama4,
}

impl ExpertNaming {
    /// The part of a layer that the mixture is.
    pub(crate) fn module(self) -> &'static str {
        match self {
            Self::Mixtral | Self::Granite => "block_sparse_moe",
            Self::Mlp | Self::GptOss => "mlp",
            Self::Llama4 => "feed_forward",
        }
    }

    /// What scores the experts.
    pub(crate) fn router(self) -> &'static str {
        match self {
            Self::Mixtral | Self::Mlp => "gate",
            Self::GptOss | Self::Llama4 => "router",
            Self::Granite => "router.layer",
        }
    }

    /// The network beside the experts.
    pub(crate) fn shared(self, expert: SharedExpert) -> &'static str {
        if expert.gated || self == Self::Llama4 {
            "shared_expert"
        } else {
            "shared_experts"
        }
    }

    /// An expert's gate, up and down projections.
    pub(crate) fn matrices(self) -> [&'static str; 3] {
        match self {
            Self::Mixtral => ["w1", "w3", "w2"],
            Self::Mlp | Self::GptOss | Self::Granite | Self::Llama4 => ["gate_proj", "up_proj", "down_proj"],
        }
    }
}

impl Mixture {
    /// Mixtral's: in every layer, shares of a sum of 1, nothing shared.
    pub fn mixtral(experts: usize, used: usize) -> Self {
        Self {
            experts,
            routing: Routing {
                used,
                score: RouterScore::Softmax,
                renormalised: true,
                scale: 1.0,
                shares_input: false,
                groups: (1, 1),
            },
            every: 1,
            first_dense: 0,
            dense_width: 0,
            shared: None,
            bias: false,
            naming: ExpertNaming::Mixtral,
        }
    }

    /// Whether layer `number`, counted from 0, has the mixture.
    pub fn is_in(&self, number: usize) -> bool {
        number >= self.first_dense && (number + 1).is_multiple_of(self.every.max(1))
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

    /// One before both, which are computed side by side, as in Cohere's.
    pub const BEFORE_BOTH: Self = Self {
        before_attention: Some("input_layernorm"),
        after_attention: None,
        before_feed_forward: None,
        after_feed_forward: None,
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

/// What norms do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NormKind {
    /// RMS norm: the root of the mean square becomes 1.
    #[default]
    Rms,
    /// LayerNorm: the mean is taken off first.
    LayerNorm,
    /// The same, and a bias is added; not to queries and keys.
    BiasedLayerNorm,
}

/// Over what queries and keys are normed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QkNorm {
    /// Each head by itself, all by the same weights.
    EachHead,
    /// Each head by itself and by weights of its own, `q_norm` and `k_norm` having a row for each.
    OwnWeights,
    /// The same, each head's in a tensor of its own, `q_layernorm.norms.H` and `k_layernorm.norms.H`.
    OwnNorms,
    /// Each head by itself and without weights, in layers that turn queries and keys.
    Weightless,
    /// All heads together.
    AllHeads,
}

/// What one layer's attention does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerKind {
    /// Whether a token sees no more than the window.
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

/// Queries at position `p` are multiplied by `1 + beta · ln(1 + floor((p + ahead) / context))`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueryGrowth {
    /// How much.
    pub beta: f64,
    /// Positions that are left as they are.
    pub context: usize,
    /// What positions are counted from.
    pub ahead: usize,
    /// In which layers: in those that turn queries and keys, or in the others.
    pub turned: bool,
}

impl QueryGrowth {
    /// What queries at `position` are multiplied by.
    pub(crate) fn at(self, position: usize) -> f32 {
        let turns = ((position + self.ahead) / self.context.max(1)) as f32;
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
    /// What all norms do.
    pub norm_kind: NormKind,
    /// Whether attention and the feed-forward network are given the same, and both add to what the layer was given.
    pub parallel: bool,
    /// Whether norms multiply by 1 + weight.
    pub norm_offset: bool,
    /// Whether queries and keys are normed after they are turned, rather than before.
    pub qk_norm_after_rope: bool,
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
    /// Whether each head has a score of nothing, `self_attn.sinks`, that takes part in its softmax.
    pub attention_sinks: bool,
    /// Layers that files hold behind the last one, which guess further tokens and are left out.
    pub later_layers: usize,
    /// Multipliers and caps.
    pub scalars: Scalars,
}

impl Design {
    /// The same with attention and the feed-forward network side by side, both given what one norm makes of the layer's input.
    pub(crate) fn side_by_side(self) -> Self {
        Self {
            norms: LayerNorms::BEFORE_BOTH,
            parallel: true,
            ..self
        }
    }
}

impl Default for Design {
    fn default() -> Self {
        Self {
            norms: LayerNorms::BEFORE,
            norm_kind: NormKind::Rms,
            parallel: false,
            norm_offset: false,
            qk_norm_after_rope: false,
            feed_forward_bias: false,
            fused_qkv: false,
            fused_gate_up: false,
            activation: Activation::Silu,
            rotary_width: None,
            pairing: Pairing::Halves,
            window_rope: None,
            layer_kinds: Vec::new(),
            attention_sinks: false,
            later_layers: 0,
            scalars: Scalars::default(),
        }
    }
}
