//! Which keys of config.json a family reads beside those that all read, and which values of some it takes.

use super::Family;

/// Llama 4's.
const LLAMA4: &[&str] = &[
    "attention_chunk_size",
    "attn_scale",
    "attn_temperature_tuning",
    // A note of transformers'.
    "cache_implementation",
    "floor_scale",
    "interleave_moe_layer_step",
    "intermediate_size_mlp",
    "layer_types",
    "moe_layers",
    "no_rope_layer_interval",
    "no_rope_layers",
    "num_experts_per_tok",
    "num_local_experts",
    "use_qk_norm",
];

impl Family {
    /// Values of `hidden_act` and `hidden_activation` that mean what the family computes.
    pub(crate) fn activation_names(self) -> &'static [&'static str] {
        match self {
            // The first files said `gelu` and meant its approximation, which transformers knows.
            Self::Gemma => &["gelu_pytorch_tanh", "gelu"],
            Self::Gemma2 | Self::Gemma3 => &["gelu_pytorch_tanh"],
            _ => &["silu"],
        }
    }

    /// Keys of config.json that only this family, or not every family, reads or may carry.
    pub(crate) fn own_keys(self) -> &'static [&'static str] {
        match self {
            // A window is not computed here, whatever the key says.
            Self::Llama => &["sliding_window"],
            Self::Mistral => &["layer_types", "sliding_window"],
            Self::Qwen2 | Self::Qwen3 => &["layer_types", "sliding_window", "use_sliding_window"],
            Self::Mixtral => &[
                "layer_types",
                "num_experts_per_tok",
                "num_local_experts",
                "sliding_window",
            ],
            _ => self.later_keys(),
        }
    }

    /// The same for later families with experts.
    fn sparse_keys(self) -> &'static [&'static str] {
        match self {
            // Without `use_sliding_window`, which is refused, the window is nothing.
            Self::Qwen3Moe | Self::Qwen2Moe => &[
                "decoder_sparse_step",
                "moe_intermediate_size",
                "norm_topk_prob",
                "num_experts",
                "num_experts_per_tok",
                "num_local_experts",
                "qkv_bias",
                "shared_expert_intermediate_size",
                "sliding_window",
            ],
            Self::Olmoe => &[
                "norm_topk_prob",
                "num_experts",
                "num_experts_per_tok",
                "num_local_experts",
            ],
            Self::GraniteMoe => &[
                "attention_multiplier",
                "embedding_multiplier",
                "logits_scaling",
                "num_experts_per_tok",
                "num_local_experts",
                "residual_multiplier",
            ],
            // `experts_per_token` and `initial_context_length` say the same as other keys, in OpenAI's own words.
            Self::GptOss => &[
                "experts_per_token",
                "initial_context_length",
                "layer_types",
                "num_experts_per_tok",
                "num_local_experts",
                "sliding_window",
                "swiglu_alpha",
                "swiglu_limit",
            ],
            Self::Glm4Moe => &[
                "first_k_dense_replace",
                "moe_intermediate_size",
                "n_group",
                "n_routed_experts",
                "n_shared_experts",
                "norm_topk_prob",
                "num_experts_per_tok",
                "num_mtp_layers",
                "num_nextn_predict_layers",
                "partial_rotary_factor",
                "routed_scaling_factor",
                "topk_group",
                "use_qk_norm",
            ],
            Self::Llama4 => LLAMA4,
            _ => &[],
        }
    }

    /// The same for later families without experts.
    fn later_keys(self) -> &'static [&'static str] {
        match self {
            Self::Gemma2 | Self::Gemma3 => &[
                // Notes of transformers' and of the first files.
                "_sliding_window_pattern",
                "cache_implementation",
                "attn_logit_softcapping",
                "final_logit_softcapping",
                "layer_types",
                "query_pre_attn_scalar",
                "rope_local_base_freq",
                "sliding_window",
                "sliding_window_pattern",
            ],
            Self::Phi3 => &[
                "original_max_position_embeddings",
                "partial_rotary_factor",
                "sliding_window",
            ],
            Self::Olmo3 | Self::Ministral => &["layer_types", "sliding_window"],
            Self::Exaone4 => &[
                "_sliding_window_pattern",
                "layer_types",
                "sliding_window",
                "sliding_window_pattern",
            ],
            Self::Ministral3 => &["sliding_window"],
            Self::SmolLm3 => &["no_rope_layer_interval", "no_rope_layers", "sliding_window"],
            Self::Granite => &[
                "attention_multiplier",
                "embedding_multiplier",
                "logits_scaling",
                "residual_multiplier",
            ],
            // The second is a setting of training.
            Self::SeedOss => &["attention_out_bias", "residual_dropout"],
            Self::Ernie45 => &["use_bias"],
            Self::Glm4 => &["partial_rotary_factor"],
            Self::Cohere => &["logit_scale", "use_qk_norm"],
            Self::Cohere2 => &[
                "_sliding_window_pattern",
                "cache_implementation",
                "layer_types",
                "logit_scale",
                "sliding_window",
                "sliding_window_pattern",
            ],
            Self::StableLm => &[
                "partial_rotary_factor",
                "qk_layernorm",
                "use_parallel_residual",
                "use_qkv_bias",
            ],
            _ => self.sparse_keys(),
        }
    }

    /// The key that says what logits are multiplied or divided by.
    pub(crate) fn logits_key(self) -> &'static str {
        match self {
            Self::Cohere | Self::Cohere2 => "logit_scale",
            _ => "logits_scaling",
        }
    }

    /// Keys that transformers does not read and that say what it computes in any case: each with the only value that is true.
    pub(crate) fn settled_keys(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Cohere2 => &[
                ("layer_switch", "4"),
                ("order_of_interleaved_layers", r#""local_attn_first""#),
                ("position_embedding_type", r#""rope_gptj""#),
                ("rotary_pct", "1.0"),
                ("use_embedding_sharing", "true"),
                ("use_gated_activation", "true"),
                ("use_parallel_block", "true"),
                ("use_parallel_embedding", "true"),
            ],
            _ => &[],
        }
    }
}
