//! Model families: every rule by which one differs from another. The decoder itself knows none of them; these rules
//! turn a checkpoint's files into a [`ModelConfig`](super::ModelConfig).

crate::choices! {
    /// A model family that the decoder can be configured as.
    pub enum Family {
        /// Llama 1 to 3, and what is built like it: SmolLM2, TinyLlama, Yi.
        Llama = "llama",
        /// Mistral 7B and what is built like it.
        Mistral = "mistral",
        /// Qwen2 and Qwen2.5, dense.
        Qwen2 = "qwen2",
        /// Qwen3, dense.
        Qwen3 = "qwen3",
        /// Mixtral 8x7B and 8x22B.
        Mixtral = "mixtral",
    }
}

/// What the `transformers` library takes where config.json lacks a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Defaults {
    /// `head_dim`; `None`: the hidden width shared among the heads.
    pub(crate) head_dim: Option<usize>,
    /// `num_key_value_heads`; `None`: as many as query heads.
    pub(crate) kv_heads: Option<usize>,
    /// `rms_norm_eps`.
    pub(crate) norm_eps: f64,
    /// `rope_theta`.
    pub(crate) rope_theta: f64,
    /// `sliding_window`.
    pub(crate) window: Option<usize>,
}

/// Which projections of the attention have biases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttentionBias {
    /// None, whatever `attention_bias` says.
    Never,
    /// Queries, keys and values, whatever `attention_bias` says.
    Qkv,
    /// All four, where `attention_bias` is true.
    IfAsked,
}

/// When `sliding_window` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowUse {
    /// In no layer: the key is not read.
    Never,
    /// In every layer.
    Always,
    /// Where `use_sliding_window` is true, in the layers from `max_window_layers` on.
    IfAsked,
}

impl Family {
    /// What the key `model_type` calls it; the names are those of the `transformers` library.
    pub(crate) fn from_model_type(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// The family of a GGUF file: llama.cpp writes Mistral and Mixtral as `llama`, the latter with experts.
    ///
    /// A Mistral model is then called a Llama, which computes the same.
    pub(crate) fn from_gguf(architecture: &str, has_experts: bool) -> Option<Self> {
        match architecture {
            "llama" if has_experts => Some(Self::Mixtral),
            "llama" => Some(Self::Llama),
            "qwen2" => Some(Self::Qwen2),
            "qwen3" => Some(Self::Qwen3),
            _ => None,
        }
    }

    /// Whether llama.cpp's converter interleaves the rows of the query and key projections.
    pub(crate) fn gguf_interleaves_heads(self) -> bool {
        matches!(self, Self::Llama | Self::Mistral | Self::Mixtral)
    }

    /// What an absent key of config.json means.
    pub(crate) fn defaults(self) -> Defaults {
        let plain = Defaults {
            head_dim: None,
            kv_heads: None,
            norm_eps: 1e-6,
            rope_theta: 1e4,
            window: None,
        };
        match self {
            Self::Llama => plain,
            Self::Mistral => Defaults {
                kv_heads: Some(8),
                window: Some(4096),
                ..plain
            },
            Self::Qwen2 => Defaults {
                kv_heads: Some(32),
                window: Some(4096),
                ..plain
            },
            Self::Qwen3 => Defaults {
                head_dim: Some(128),
                kv_heads: Some(32),
                window: Some(4096),
                ..plain
            },
            Self::Mixtral => Defaults {
                kv_heads: Some(8),
                norm_eps: 1e-5,
                rope_theta: 1e6,
                ..plain
            },
        }
    }

    /// Experts, and experts a token is sent to, where config.json names neither; `None` in a dense family.
    pub(crate) fn default_experts(self) -> Option<(usize, usize)> {
        (self == Self::Mixtral).then_some((8, 2))
    }

    /// Which projections of the attention have biases.
    pub(crate) fn attention_bias(self) -> AttentionBias {
        match self {
            Self::Llama | Self::Qwen3 => AttentionBias::IfAsked,
            Self::Qwen2 => AttentionBias::Qkv,
            Self::Mistral | Self::Mixtral => AttentionBias::Never,
        }
    }

    /// Whether each query and key head is normed.
    pub(crate) fn qk_norm(self) -> bool {
        self == Self::Qwen3
    }

    /// When `sliding_window` counts.
    pub(crate) fn window_use(self) -> WindowUse {
        match self {
            Self::Llama => WindowUse::Never,
            Self::Mistral | Self::Mixtral => WindowUse::Always,
            Self::Qwen2 | Self::Qwen3 => WindowUse::IfAsked,
        }
    }
}
