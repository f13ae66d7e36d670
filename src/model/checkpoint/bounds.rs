//! Whether the numbers of a configuration make sense, before anything is multiplied or allocated with them.

use std::path::Path;

use crate::model::{LoadError, ModelConfig, RopeScaling};

// Several times the largest published model of these families, and small enough that no product of two or three of
// them leaves a u64.
const MOST_LAYERS: usize = 1 << 10;
const MOST_HEADS: usize = 1 << 10;
/// Most experts a layer may have.
pub(crate) const MOST_EXPERTS: usize = 1 << 10;
const WIDEST: usize = 1 << 18;
const LARGEST_VOCABULARY: usize = 1 << 22;
const LONGEST_CONTEXT: usize = 1 << 27;

/// Every number of `config` that does not fit, as errors that name `path` and the field.
pub(crate) fn misfits(config: &ModelConfig, path: &Path) -> Vec<LoadError> {
    let mut errors = Vec::new();
    let mut refuse = |field: &str, what: String| errors.push(LoadError::field(path, field, what));
    let mut within = |field: &str, value: usize, most: usize| {
        let fits = (1..=most).contains(&value);
        if !fits {
            refuse(field, format!("is {value}, expected 1 to {most}"));
        }
        fits
    };
    within("hidden_size", config.hidden, WIDEST);
    within("intermediate_size", config.intermediate, WIDEST);
    within("num_hidden_layers", config.layers, MOST_LAYERS);
    within("vocab_size", config.vocabulary, LARGEST_VOCABULARY);
    within("max_position_embeddings", config.context, LONGEST_CONTEXT);
    let heads = within("num_attention_heads", config.heads, MOST_HEADS);
    let kv_heads = within("num_key_value_heads", config.kv_heads, MOST_HEADS);
    let head_dim = within("head_dim", config.head_dim, WIDEST);
    if let Some(window) = config.sliding_window {
        within("sliding_window", window, LONGEST_CONTEXT);
    }
    if let Some(mixture) = config.mixture
        && within("num_local_experts", mixture.experts, MOST_EXPERTS)
        && !(1..=mixture.experts).contains(&mixture.used)
    {
        let what = format!(
            "is {}, expected 1 to {} (the number of experts)",
            mixture.used, mixture.experts
        );
        refuse("num_experts_per_tok", what);
    }
    if heads && kv_heads && !config.heads.is_multiple_of(config.kv_heads) {
        let what = format!(
            "is {}, which does not divide the {} attention heads",
            config.kv_heads, config.heads
        );
        refuse("num_key_value_heads", what);
    }
    if head_dim && !config.head_dim.is_multiple_of(2) {
        refuse(
            "head_dim",
            format!("is {}, and rotary positions need an even one", config.head_dim),
        );
    }
    let mut positive = |field: &str, value: f64| {
        if !(value.is_finite() && value > 0.0) {
            refuse(field, format!("is {value}, expected a positive number"));
        }
    };
    positive("rms_norm_eps", config.norm_eps);
    positive("rope_theta", config.rope_theta);
    match &config.rope_scaling {
        RopeScaling::None => {}
        RopeScaling::Linear(factor) => positive("rope_scaling.factor", *factor),
        RopeScaling::Llama3 {
            factor,
            low_freq_factor,
            high_freq_factor,
            original_context,
        } => {
            positive("rope_scaling.factor", *factor);
            positive("rope_scaling.low_freq_factor", *low_freq_factor);
            positive("rope_scaling.high_freq_factor", *high_freq_factor);
            if high_freq_factor <= low_freq_factor {
                let what = format!("is {high_freq_factor}, expected more than low_freq_factor ({low_freq_factor})");
                refuse("rope_scaling.high_freq_factor", what);
            }
            if *original_context == 0 {
                refuse("rope_scaling.original_max_position_embeddings", "is 0".to_owned());
            }
        }
        RopeScaling::Factors(factors) => {
            if factors.len() != config.head_dim / 2 {
                let what = format!(
                    "has {} values, expected {} (half of head_dim)",
                    factors.len(),
                    config.head_dim / 2
                );
                refuse("rope_freqs.weight", what);
            }
            if factors.iter().any(|factor| !(factor.is_finite() && *factor > 0.0)) {
                refuse(
                    "rope_freqs.weight",
                    "has values that are not positive numbers".to_owned(),
                );
            }
        }
    }
    errors
}
