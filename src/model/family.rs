//! Model families: every rule by which one differs from another. The decoder itself knows none of them; these rules
//! turn a checkpoint's files into a [`ModelConfig`](super::ModelConfig).

use super::design::{
    Activation, Design, ExpertNaming, LayerNorms, Mixture, NormKind, Pairing, QkNorm, RouterScore, Routing, Scalars,
    SharedExpert,
};

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
        /// Qwen3 with experts.
        Qwen3Moe = "qwen3_moe",
        /// Qwen1.5 and Qwen2 with experts.
        Qwen2Moe = "qwen2_moe",
        /// OLMoE.
        Olmoe = "olmoe",
        /// Gemma 1.
        Gemma = "gemma",
        /// Gemma 2.
        Gemma2 = "gemma2",
        /// Gemma 3, its text part where it also sees.
        Gemma3 = "gemma3_text",
        /// Phi-3, Phi-3.5 and Phi-4.
        Phi3 = "phi3",
        /// OLMo 2.
        Olmo2 = "olmo2",
        /// OLMo 3.
        Olmo3 = "olmo3",
        /// EXAONE 4.
        Exaone4 = "exaone4",
        /// Ministral 8B.
        Ministral = "ministral",
        /// Ministral 3, its text part where it also sees.
        Ministral3 = "ministral3",
        /// SmolLM3.
        SmolLm3 = "smollm3",
        /// Granite 3, dense.
        Granite = "granite",
        /// Seed-OSS.
        SeedOss = "seed_oss",
        /// ERNIE 4.5, dense.
        Ernie45 = "ernie4_5",
        /// GLM-4 of 2025, dense.
        Glm4 = "glm4",
        /// gpt-oss.
        GptOss = "gpt_oss",
        /// Granite 3 with experts.
        GraniteMoe = "granitemoe",
        /// GLM-4.5, 4.6 and 4.7 with experts.
        Glm4Moe = "glm4_moe",
        /// Command R, Aya 23 and Aya Expanse.
        Cohere = "cohere",
        /// Command R7B and Command A.
        Cohere2 = "cohere2",
        /// StableLM 3B and StableLM 2.
        StableLm = "stablelm",
        /// Llama 4, its text part where it also sees.
        Llama4 = "llama4_text",
    }
}

/// What the `transformers` library takes where config.json lacks a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Defaults {
    /// `head_dim`; `None`: the hidden width shared among the heads.
    pub(crate) head_dim: Option<usize>,
    /// `num_key_value_heads`; `None`: as many as query heads.
    pub(crate) kv_heads: Option<usize>,
    /// `rms_norm_eps`, or `layer_norm_eps`.
    pub(crate) norm_eps: f64,
    /// `rope_theta`.
    pub(crate) rope_theta: f64,
    /// `sliding_window`.
    pub(crate) window: Option<usize>,
    /// `tie_word_embeddings`.
    pub(crate) tied: bool,
    /// `partial_rotary_factor`.
    pub(crate) rotary: f64,
}

impl Defaults {
    fn heads(self, head_dim: Option<usize>, kv_heads: usize) -> Self {
        let kv_heads = Some(kv_heads);
        Self {
            head_dim,
            kv_heads,
            ..self
        }
    }

    fn eps(self, norm_eps: f64) -> Self {
        Self { norm_eps, ..self }
    }

    fn base(self, rope_theta: f64) -> Self {
        Self { rope_theta, ..self }
    }

    fn window(self, window: usize) -> Self {
        let window = Some(window);
        Self { window, ..self }
    }

    fn tied(self) -> Self {
        Self { tied: true, ..self }
    }

    fn rotary(self, rotary: f64) -> Self {
        Self { rotary, ..self }
    }
}

/// Which projections have biases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BiasRule {
    /// None, whatever `attention_bias` says.
    Never,
    /// Queries, keys and values, whatever `attention_bias` says.
    Qkv,
    /// Queries, keys and values, where the key is true; the second is what an absent key means.
    QkvIfAsked(&'static str, bool),
    /// All four of the attention, where `attention_bias` is true; the second is what an absent key means.
    IfAsked(bool),
    /// Queries, keys and values where `attention_bias` is true or absent, the output where `attention_out_bias` is.
    OutputApart,
    /// All of the attention and of the feed-forward network, where `use_bias` is true.
    Everywhere,
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
    /// In the layers that `layer_types` names; where it is absent, in all but every so-manieth, or in all.
    ByLayer(Option<usize>),
    /// As chunks, in the layers that turn queries and keys, unless `layer_types` names others.
    Chunks,
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
            // The others are called as they are in config.json, nearly.
            "gemma3" => Some(Self::Gemma3),
            "qwen2moe" => Some(Self::Qwen2Moe),
            "qwen3moe" => Some(Self::Qwen3Moe),
            "glm4moe" => Some(Self::Glm4Moe),
            "gpt-oss" => Some(Self::GptOss),
            "command-r" => Some(Self::Cohere),
            "llama4" => Some(Self::Llama4),
            // Mistral Small 3.1 as well, whose files say nothing of YaRN.
            "mistral3" => Some(Self::Ministral3),
            "qwen2" | "qwen3" | "gemma" | "gemma2" | "phi3" | "olmo2" | "olmoe" | "smollm3" | "granite"
            | "granitemoe" | "glm4" | "seed_oss" | "ernie4_5" | "exaone4" | "cohere2" | "stablelm" => {
                architecture.parse().ok()
            }
            _ => None,
        }
    }

    /// Whether llama.cpp's converter interleaves the rows of the query and key projections.
    pub(crate) fn gguf_interleaves_heads(self) -> bool {
        matches!(
            self,
            Self::Llama
                | Self::Mistral
                | Self::Mixtral
                | Self::Ministral3
                | Self::SmolLm3
                | Self::Granite
                | Self::GraniteMoe
        )
    }

    /// What an absent key of config.json means.
    pub(crate) fn defaults(self) -> Defaults {
        let plain = Defaults {
            head_dim: None,
            kv_heads: None,
            norm_eps: 1e-6,
            rope_theta: 1e4,
            window: None,
            tied: false,
            rotary: 1.0,
        };
        match self {
            Self::Llama | Self::Granite => plain,
            Self::Mistral => plain.heads(None, 8).window(4096),
            Self::Qwen2 => plain.heads(None, 32).window(4096),
            Self::Qwen3 => plain.heads(Some(128), 32).window(4096),
            Self::Mixtral => plain.heads(None, 8).eps(1e-5).base(1e6),
            Self::Gemma => plain.heads(Some(256), 16).tied(),
            Self::Gemma2 => plain.heads(Some(256), 4).tied().window(4096),
            Self::Gemma3 => plain.heads(Some(256), 4).tied().window(4096).base(1e6),
            Self::Phi3 | Self::Olmo2 => plain.eps(1e-5),
            Self::Olmo3 => plain.eps(1e-5).window(4096).base(5e5),
            Self::Exaone4 => plain.heads(None, 32).eps(1e-5).window(4096),
            Self::Ministral => plain.heads(None, 8).window(4096),
            Self::Ministral3 => plain.heads(Some(128), 8).eps(1e-5).base(1e6),
            Self::SmolLm3 => plain.heads(None, 4).tied().base(2e6),
            Self::SeedOss => plain.heads(Some(128), 8),
            Self::Ernie45 => plain.heads(Some(128), 2).tied().eps(1e-5).base(5e5),
            Self::Glm4 => plain.heads(Some(128), 2).eps(1.5625e-7).rotary(0.5),
            Self::Qwen3Moe => plain.heads(None, 4),
            Self::Qwen2Moe => plain.heads(None, 16),
            Self::Olmoe => plain.eps(1e-5),
            Self::GptOss => plain.heads(Some(64), 8).eps(1e-5).base(150_000.0).window(128),
            Self::Glm4Moe => plain.heads(None, 8).eps(1e-5).rotary(0.5),
            Self::Cohere => plain.eps(1e-5).base(5e5).tied(),
            Self::Cohere2 => plain.eps(1e-5).tied().window(4096),
            Self::StableLm => plain.heads(None, 32).eps(1e-5).rotary(0.25),
            Self::Llama4 => plain.heads(Some(128), 8).eps(1e-5).base(5e5),
            _ => plain,
        }
    }

    /// The mixture that keys of config.json change; `None` in a dense family.
    pub(crate) fn mixture(self) -> Option<Mixture> {
        let mixtral = Mixture::mixtral;
        let plain = |experts, used| {
            let mixture = mixtral(experts, used);
            Mixture {
                routing: Routing {
                    renormalised: false,
                    ..mixture.routing
                },
                naming: ExpertNaming::Mlp,
                ..mixture
            }
        };
        match self {
            Self::Mixtral => Some(mixtral(8, 2)),
            Self::Qwen3Moe => Some(plain(128, 8)),
            Self::Qwen2Moe => Some(Mixture {
                shared: Some(SharedExpert {
                    width: 5632,
                    gated: true,
                }),
                ..plain(60, 4)
            }),
            Self::Olmoe => Some(plain(64, 8)),
            Self::GptOss => Some(Mixture {
                bias: true,
                naming: ExpertNaming::GptOss,
                ..mixtral(128, 4)
            }),
            Self::Llama4 => Some(llama4_mixture()),
            Self::GraniteMoe => Some(Mixture {
                naming: ExpertNaming::Granite,
                ..mixtral(8, 2)
            }),
            Self::Glm4Moe => Some(Mixture {
                routing: Routing {
                    score: RouterScore::CorrectedSigmoid,
                    ..mixtral(128, 8).routing
                },
                first_dense: 1,
                shared: Some(SharedExpert {
                    width: 1408,
                    gated: false,
                }),
                naming: ExpertNaming::Mlp,
                ..mixtral(128, 8)
            }),
            _ => None,
        }
    }

    /// Which projections have biases.
    pub(crate) fn biases(self) -> BiasRule {
        match self {
            Self::Qwen2 => BiasRule::Qkv,
            Self::Qwen2Moe => BiasRule::QkvIfAsked("qkv_bias", true),
            Self::Glm4 => BiasRule::QkvIfAsked("attention_bias", true),
            Self::Glm4Moe => BiasRule::QkvIfAsked("attention_bias", false),
            Self::StableLm => BiasRule::QkvIfAsked("use_qkv_bias", false),
            Self::GptOss => BiasRule::IfAsked(true),
            Self::SeedOss => BiasRule::OutputApart,
            Self::Ernie45 => BiasRule::Everywhere,
            Self::Mistral | Self::Mixtral | Self::Ministral | Self::Ministral3 | Self::Phi3 | Self::Exaone4 => {
                BiasRule::Never
            }
            _ => BiasRule::IfAsked(false),
        }
    }

    /// Whether queries, keys and values have biases where config.json says nothing of them.
    pub(crate) fn has_qkv_bias(self) -> bool {
        match self.biases() {
            BiasRule::Qkv | BiasRule::QkvIfAsked(_, true) | BiasRule::IfAsked(true) | BiasRule::OutputApart => true,
            BiasRule::Never | BiasRule::QkvIfAsked(_, false) | BiasRule::IfAsked(false) | BiasRule::Everywhere => false,
        }
    }

    /// Whether the output of attention has a bias where config.json says nothing of it.
    pub(crate) fn has_output_bias(self) -> bool {
        self.biases() == BiasRule::IfAsked(true)
    }

    /// Whether `mlp_bias` is read.
    pub(crate) fn reads_feed_forward_bias(self) -> bool {
        matches!(self, Self::Llama | Self::SmolLm3 | Self::Granite | Self::SeedOss)
    }

    /// Norms of queries and keys.
    pub(crate) fn qk_norm(self) -> Option<QkNorm> {
        match self {
            Self::Qwen3 | Self::Qwen3Moe | Self::Gemma3 | Self::Exaone4 => Some(QkNorm::EachHead),
            Self::Olmo2 | Self::Olmo3 | Self::Olmoe => Some(QkNorm::AllHeads),
            _ => None,
        }
    }

    /// When `sliding_window` counts.
    pub(crate) fn window_use(self) -> WindowUse {
        match self {
            Self::Mistral | Self::Mixtral | Self::Phi3 | Self::Ministral3 => WindowUse::Always,
            Self::Qwen2 | Self::Qwen3 => WindowUse::IfAsked,
            Self::Gemma2 | Self::GptOss => WindowUse::ByLayer(Some(2)),
            Self::Gemma3 => WindowUse::ByLayer(Some(6)),
            Self::Olmo3 | Self::Exaone4 | Self::Cohere2 => WindowUse::ByLayer(Some(4)),
            Self::Ministral => WindowUse::ByLayer(None),
            Self::Llama4 => WindowUse::Chunks,
            _ => WindowUse::Never,
        }
    }

    /// Whether layers that see everything turn nothing, `windowed` being whether there are others.
    pub(crate) fn leaves_full_layers_unturned(self, windowed: bool) -> bool {
        match self {
            Self::Exaone4 => windowed,
            Self::Cohere2 => true,
            _ => false,
        }
    }

    /// Whether `_sliding_window_pattern` counts where config.json has no other pattern.
    pub(crate) fn window_pattern_is_noted(self) -> bool {
        matches!(self, Self::Gemma2 | Self::Gemma3)
    }

    /// The key of config.json that says what norms add to the mean square.
    pub(crate) fn eps_key(self) -> &'static str {
        match self.design(0).norm_kind {
            NormKind::Rms => "rms_norm_eps",
            NormKind::LayerNorm | NormKind::BiasedLayerNorm => "layer_norm_eps",
        }
    }

    /// The key of config.json that says whether heads of queries and keys are normed, and how they are then; `None` where no key
    /// says so.
    pub(crate) fn qk_norm_key(self) -> Option<(&'static str, QkNorm)> {
        match self {
            Self::Glm4Moe => Some(("use_qk_norm", QkNorm::EachHead)),
            Self::Cohere => Some(("use_qk_norm", QkNorm::OwnWeights)),
            Self::StableLm => Some(("qk_layernorm", QkNorm::OwnNorms)),
            Self::Llama4 => Some(("use_qk_norm", QkNorm::Weightless)),
            _ => None,
        }
    }

    /// What that key means where it is absent.
    pub(crate) fn norms_qk_unasked(self) -> bool {
        self == Self::Llama4
    }

    /// Whether layers with the window have a RoPE base of their own, and no scaling.
    pub(crate) fn has_window_rope(self) -> bool {
        matches!(self, Self::Gemma3 | Self::Olmo3)
    }

    /// What is the same in every checkpoint of the family, of this hidden width.
    pub(crate) fn design(self, hidden: usize) -> Design {
        let is_gemma = matches!(self, Self::Gemma | Self::Gemma2 | Self::Gemma3);
        let design = Design {
            norms: match self {
                Self::Olmo2 | Self::Olmo3 | Self::Exaone4 => LayerNorms::AFTER,
                Self::Gemma2 | Self::Gemma3 => LayerNorms::AROUND,
                Self::Glm4 => LayerNorms::AROUND_GLM,
                _ => LayerNorms::BEFORE,
            },
            norm_kind: match self {
                Self::Cohere | Self::Cohere2 => NormKind::LayerNorm,
                Self::StableLm => NormKind::BiasedLayerNorm,
                _ => NormKind::Rms,
            },
            norm_offset: is_gemma,
            qk_norm_after_rope: self == Self::Llama4,
            fused_qkv: self == Self::Phi3,
            fused_gate_up: matches!(self, Self::Phi3 | Self::Glm4),
            activation: match self {
                Self::GptOss => Activation::Clamped {
                    gain: 1.702,
                    limit: 7.0,
                },
                _ if is_gemma => Activation::GeluTanh,
                _ => Activation::Silu,
            },
            attention_sinks: self == Self::GptOss,
            pairing: match self {
                Self::Ernie45 | Self::Glm4 | Self::Cohere | Self::Cohere2 | Self::Llama4 => Pairing::Neighbours,
                _ => Pairing::Halves,
            },
            scalars: Scalars {
                embedding: if is_gemma { (hidden as f64).sqrt() } else { 1.0 },
                ..Scalars::default()
            },
            ..Design::default()
        };
        match self {
            Self::Cohere | Self::Cohere2 => design.side_by_side(),
            _ => design,
        }
    }

    /// Why a family that people ask for is not one of these, by what `model_type` or a GGUF file calls it.
    pub(crate) fn reason_against(name: &str) -> Option<&'static str> {
        let is = |names: &[&str]| names.iter().any(|other| name.starts_with(other));
        match () {
            () if is(&[
                "deepseek_v",
                "deepseek2",
                "kimi",
                "minicpm3",
                "longcat",
                "glm_moe_dsa",
                "mistral4",
            ]) =>
            {
                Some("its attention is over a compressed state (MLA)")
            }
            () if is(&["qwen3_next", "qwen3_5", "qwen3next", "qwen35", "minimax", "olmo_hybrid"]) => {
                Some("some of its layers have linear attention")
            }
            () if is(&[
                "mamba",
                "falcon_mamba",
                "falcon_h1",
                "jamba",
                "nemotron_h",
                "bamba",
                "rwkv",
            ]) || is(&["granitemoehybrid", "granitehybrid", "zamba", "lfm2", "recurrent_gemma"]) =>
            {
                Some("some of its layers are recurrent or convolutions")
            }
            () if is(&["gemma3n", "gemma4"]) => Some("it has embeddings of its own in each layer"),
            () if is(&["granitemoe", "ernie4_5_moe", "glm4moe"]) => Some("its routing to experts is another one"),
            () => None,
        }
    }
}

/// Llama 4's: the experts' shares are of what they are given, beside a network for all tokens.
fn llama4_mixture() -> Mixture {
    let plain = Mixture::mixtral(16, 1);
    Mixture {
        routing: Routing {
            score: RouterScore::Sigmoid,
            renormalised: false,
            shares_input: true,
            ..plain.routing
        },
        shared: Some(SharedExpert {
            width: 8192,
            gated: false,
        }),
        naming: ExpertNaming::Llama4,
        ..plain
    }
}
