//! Whether the numbers of a configuration make sense, before anything is multiplied or allocated with them.

use std::path::Path;

use crate::model::{LoadError, Mixture, ModelConfig, RopeScaling};

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
    let mut misfits = Misfits {
        path,
        errors: Vec::new(),
    };
    misfits.sizes(config);
    misfits.experts(config.mixture);
    misfits.heads(config);
    misfits.positive("rms_norm_eps", config.norm_eps);
    misfits.positive("rope_theta", config.rope_theta);
    misfits.rotary(&config.rope_scaling, config.head_dim);
    misfits.errors
}

/// What was found in the configuration of one file.
struct Misfits<'a> {
    path: &'a Path,
    errors: Vec<LoadError>,
}

impl Misfits<'_> {
    fn refuse(&mut self, field: &str, what: impl Into<String>) {
        self.errors.push(LoadError::field(self.path, field, what));
    }

    /// Whether a size is at least 1 and at most `most`.
    fn within(&mut self, field: &str, value: usize, most: usize) -> bool {
        let fits = (1..=most).contains(&value);
        if !fits {
            self.refuse(field, format!("is {value}, expected 1 to {most}"));
        }
        fits
    }

    fn positive(&mut self, field: &str, value: f64) {
        if !(value.is_finite() && value > 0.0) {
            self.refuse(field, format!("is {value}, expected a positive number"));
        }
    }

    fn sizes(&mut self, config: &ModelConfig) {
        self.within("hidden_size", config.hidden, WIDEST);
        self.within("intermediate_size", config.intermediate, WIDEST);
        self.within("num_hidden_layers", config.layers, MOST_LAYERS);
        self.within("vocab_size", config.vocabulary, LARGEST_VOCABULARY);
        self.within("max_position_embeddings", config.context, LONGEST_CONTEXT);
        if let Some(window) = config.sliding_window {
            self.within("sliding_window", window, LONGEST_CONTEXT);
        }
    }

    fn experts(&mut self, mixture: Option<Mixture>) {
        let Some(Mixture { experts, used }) = mixture else {
            return;
        };
        if self.within("num_local_experts", experts, MOST_EXPERTS) && !(1..=experts).contains(&used) {
            let what = format!("is {used}, expected 1 to {experts} (the number of experts)");
            self.refuse("num_experts_per_tok", what);
        }
    }

    fn heads(&mut self, config: &ModelConfig) {
        let (heads, kv_heads) = (config.heads, config.kv_heads);
        let many = self.within("num_attention_heads", heads, MOST_HEADS);
        let few = self.within("num_key_value_heads", kv_heads, MOST_HEADS);
        if many && few && !heads.is_multiple_of(kv_heads) {
            let what = format!("is {kv_heads}, which does not divide the {heads} attention heads");
            self.refuse("num_key_value_heads", what);
        }
        if self.within("head_dim", config.head_dim, WIDEST) && !config.head_dim.is_multiple_of(2) {
            let what = format!("is {}, and rotary positions need an even one", config.head_dim);
            self.refuse("head_dim", what);
        }
    }

    fn rotary(&mut self, scaling: &RopeScaling, head_dim: usize) {
        match scaling {
            RopeScaling::None => {}
            RopeScaling::Linear(factor) => self.positive("rope_scaling.factor", *factor),
            RopeScaling::Llama3 {
                factor,
                low_freq_factor: low,
                high_freq_factor: high,
                original_context,
            } => {
                self.positive("rope_scaling.factor", *factor);
                self.positive("rope_scaling.low_freq_factor", *low);
                self.positive("rope_scaling.high_freq_factor", *high);
                if high <= low {
                    let what = format!("is {high}, expected more than low_freq_factor ({low})");
                    self.refuse("rope_scaling.high_freq_factor", what);
                }
                if *original_context == 0 {
                    self.refuse("rope_scaling.original_max_position_embeddings", "is 0");
                }
            }
            RopeScaling::Factors(factors) => {
                let (count, half) = (factors.len(), head_dim / 2);
                if count != half {
                    let what = format!("has {count} values, expected {half} (half of head_dim)");
                    self.refuse("rope_freqs.weight", what);
                }
                if factors.iter().any(|factor| !(factor.is_finite() && *factor > 0.0)) {
                    self.refuse("rope_freqs.weight", "has values that are not positive numbers");
                }
            }
        }
    }
}
