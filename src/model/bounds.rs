//! Whether the numbers of a configuration make sense, before anything is multiplied or allocated with them.

use std::path::Path;

use crate::model::design::{
    Activation, AttentionWindow, ExpertNaming, Mixture, RopeScaling, Routing, SharedExpert, Yarn,
};
use crate::model::{LoadError, ModelConfig};

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
    misfits.positive(config.family.eps_key(), config.norm_eps);
    misfits.positive("rope_theta", config.rope_theta);
    misfits.rotary(&config.rope_scaling, config.rotary_width());
    if let Some((theta, scaling)) = &config.design.window_rope {
        misfits.positive("rope_local_base_freq", *theta);
        misfits.rotary(scaling, config.rotary_width());
    }
    misfits.scalars(config);
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
        if let Some(window) = config.window {
            let field = match window {
                AttentionWindow::Sliding(_) => "sliding_window",
                AttentionWindow::Chunk(_) => "attention_chunk_size",
            };
            self.within(field, window.size(), LONGEST_CONTEXT);
        }
    }

    fn experts(&mut self, mixture: Option<Mixture>) {
        let Some(Mixture {
            experts,
            routing,
            every,
            first_dense,
            dense_width,
            shared,
            naming,
            ..
        }) = mixture
        else {
            return;
        };
        let (step, width) = match naming {
            ExpertNaming::Llama4 => ("interleave_moe_layer_step", "intermediate_size_mlp"),
            _ => ("decoder_sparse_step", "intermediate_size"),
        };
        self.within(step, every, MOST_LAYERS);
        if every > 1 || first_dense > 0 {
            self.within(width, dense_width, WIDEST);
        }
        if let Some(SharedExpert { width, gated }) = shared {
            let field = if gated {
                "shared_expert_intermediate_size"
            } else {
                "n_shared_experts"
            };
            self.within(field, width, WIDEST);
        }
        if self.within("num_local_experts", experts, MOST_EXPERTS) {
            self.routing(routing, experts);
        }
    }

    fn routing(&mut self, routing: Routing, experts: usize) {
        self.positive("routed_scaling_factor", routing.scale);
        let (groups, chosen) = routing.groups;
        // Of each group the two best are counted.
        if groups != 1 && (groups == 0 || !experts.is_multiple_of(groups) || experts / groups < 2) {
            let what = format!("is {groups}, which does not share {experts} experts in groups of two or more");
            return self.refuse("n_group", what);
        }
        if !(1..=groups).contains(&chosen) {
            return self.refuse(
                "topk_group",
                format!("is {chosen}, expected 1 to {groups} (the number of groups)"),
            );
        }
        let most = experts / groups * chosen;
        if !(1..=most).contains(&routing.used) {
            let what = format!(
                "is {}, expected 1 to {most} (the number of experts to choose from)",
                routing.used
            );
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
        if let Some(width) = config.design.rotary_width
            && (width == 0 || width > config.head_dim || !width.is_multiple_of(2))
        {
            let what = format!(
                "turns {width} of {} elements of a head, expected an even number of them, and at most all",
                config.head_dim
            );
            self.refuse("partial_rotary_factor", what);
        }
    }

    fn rotary(&mut self, scaling: &RopeScaling, width: usize) {
        match scaling {
            RopeScaling::None => {}
            RopeScaling::Yarn(yarn) => self.yarn(yarn),
            RopeScaling::LongRope {
                short,
                long,
                original_context: _,
                attention_factor,
            } => {
                self.positive("rope_scaling.attention_factor", *attention_factor);
                self.factors("rope_scaling.short_factor", short, width);
                self.factors("rope_scaling.long_factor", long, width);
            }
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
                // The same in Llama 4 Scout: then nothing is blended.
                if high < low {
                    let what = format!("is {high}, expected low_freq_factor ({low}) or more");
                    self.refuse("rope_scaling.high_freq_factor", what);
                }
                if *original_context == 0 {
                    self.refuse("rope_scaling.original_max_position_embeddings", "is 0");
                }
            }
            RopeScaling::Factors(factors) => self.factors("rope_freqs.weight", factors, width),
        }
    }

    /// A divisor for each frequency of `width` turned elements.
    fn factors(&mut self, field: &str, factors: &[f32], width: usize) {
        let (count, half) = (factors.len(), width / 2);
        if count != half {
            let what = format!("has {count} values, expected {half} (half of head_dim)");
            self.refuse(field, what);
        }
        if factors.iter().any(|factor| !(factor.is_finite() && *factor > 0.0)) {
            self.refuse(field, "has values that are not positive numbers");
        }
    }

    fn yarn(&mut self, yarn: &Yarn) {
        self.positive("rope_scaling.factor", yarn.factor);
        self.positive("rope_scaling.beta_fast", yarn.beta_fast);
        self.positive("rope_scaling.beta_slow", yarn.beta_slow);
        self.positive("rope_scaling.attention_factor", yarn.attention_factor);
        self.within(
            "rope_scaling.original_max_position_embeddings",
            yarn.original_context,
            LONGEST_CONTEXT,
        );
    }

    fn scalars(&mut self, config: &ModelConfig) {
        if let Activation::Clamped { gain, limit } = config.design.activation {
            self.positive("swiglu_alpha", gain.into());
            self.positive("swiglu_limit", limit.into());
        }
        self.within("num_nextn_predict_layers", config.design.later_layers + 1, MOST_LAYERS);
        let scalars = &config.design.scalars;
        self.positive("embedding_multiplier", scalars.embedding);
        self.positive("residual_multiplier", scalars.residual);
        self.positive(config.family.logits_key(), scalars.logits);
        for (field, value) in [
            // One over its root, in Gemma.
            ("query_pre_attn_scalar or attention_multiplier", scalars.attention),
            ("attn_logit_softcapping", scalars.attention_cap),
            ("final_logit_softcapping", scalars.logit_cap),
        ] {
            if let Some(value) = value {
                self.positive(field, value);
            }
        }
        if let Some(growth) = scalars.query_growth {
            let (context, beta) = match growth.turned {
                true => (
                    "rope_parameters.original_max_position_embeddings",
                    "rope_parameters.llama_4_scaling_beta",
                ),
                false => ("floor_scale", "attn_scale"),
            };
            self.within(context, growth.context, LONGEST_CONTEXT);
            if !(growth.beta.is_finite() && growth.beta >= 0.0) {
                self.refuse(beta, format!("is {}", growth.beta));
            }
        }
    }
}
