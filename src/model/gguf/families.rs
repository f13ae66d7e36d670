//! What llama.cpp's files say of the families beyond Llama's nearest relatives, and what its own code takes for granted where
//! they say nothing (`convert_hf_to_gguf.py` and `src/llama-model.cpp` of llama.cpp).

use super::config::ConfigReader;
use super::keys::{PATTERN, own_keys};
use super::value::MetadataValue;
use crate::model::RopeScaling;
use crate::model::design::{
    AttentionWindow, Design, LayerKind, Mixture, QkNorm, QueryGrowth, Routing, Scalars, SharedExpert, Yarn,
};
use crate::model::family::{Family, WindowUse};

/// Every so-manieth layer of SmolLM3 and of Llama 4 turns nothing.
const UNTURNED: usize = 4;

/// Positions of a chunk of Llama 4's, and beyond how many its queries grow; the growth; the published model whose heads are not
/// normed has so many experts.
const CHUNK: usize = 8192;
const GROWTH: f64 = 0.1;
const UNNORMED: usize = 128;

/// What scores of experts become.
const GATING: &str = "expert_gating_func";

impl ConfigReader<'_> {
    /// The mixture of a family that has one.
    pub(super) fn mixture(&mut self, family: Family, experts: Option<usize>) -> Option<Mixture> {
        let plain = family.mixture()?;
        if family == Family::Glm4Moe {
            return Some(self.glm_mixture(plain));
        }
        let (every, dense_width) = match family {
            Family::Llama4 => (self.size("interleave_moe_layer_step"), self.size("feed_forward_length")),
            _ => (plain.every, plain.dense_width),
        };
        let shared = plain.shared.map(|shared| SharedExpert {
            width: self.size(match family {
                Family::Llama4 => "expert_feed_forward_length",
                _ => "expert_shared_feed_forward_length",
            }),
            ..shared
        });
        Some(Mixture {
            experts: experts.unwrap_or_else(|| self.size("expert_count")),
            routing: Routing {
                used: self.size("expert_used_count"),
                // Said in no file: the published models of the family.
                renormalised: plain.routing.renormalised || family == Family::Qwen3Moe,
                ..plain.routing
            },
            every,
            dense_width,
            shared,
            ..plain
        })
    }

    /// How queries and keys are normed.
    pub(super) fn qk_norm(&mut self, family: Family, has_weights: bool) -> Option<QkNorm> {
        match family.qk_norm_key() {
            // Said by no key of these files.
            Some((_, QkNorm::Weightless)) => {
                (self.optional_size("expert_count") != Some(UNNORMED)).then_some(QkNorm::Weightless)
            }
            Some((_, norm)) => has_weights.then_some(norm),
            None => family.qk_norm(),
        }
    }

    /// GLM-4.5's, whose files say all of it.
    fn glm_mixture(&mut self, plain: Mixture) -> Mixture {
        // 2 is a sigmoid; what is not said is one as well.
        if let Some(other) = self.optional_size(GATING).filter(|&kind| kind != 0 && kind != 2) {
            self.refuse(GATING, format!("is {other}; only 2 (sigmoid) is supported"));
        }
        let width = self.size("expert_feed_forward_length");
        let shared = self.optional_size("expert_shared_count").unwrap_or(0);
        let groups = ["expert_group_count", "expert_group_used_count"];
        let [groups, used_groups] = groups.map(|key| self.optional_size(key).unwrap_or(1).max(1));
        Mixture {
            experts: self.size("expert_count"),
            routing: Routing {
                used: self.size("expert_used_count"),
                renormalised: self.flag("expert_weights_norm"),
                scale: self
                    .optional_number("expert_weights_scale")
                    .filter(|scale| *scale != 0.0)
                    .unwrap_or(1.0),
                groups: (groups, used_groups),
                ..plain.routing
            },
            first_dense: self.optional_size("leading_dense_block_count").unwrap_or(0),
            dense_width: self.size("feed_forward_length"),
            shared: plain.shared.filter(|_| shared > 0).map(|plain| SharedExpert {
                width: width.saturating_mul(shared),
                ..plain
            }),
            ..plain
        }
    }

    /// Layers behind the last one, which guess further tokens and are left out.
    pub(super) fn later_layers(&mut self, family: Family) -> usize {
        match family {
            Family::Glm4Moe => self.optional_size("nextn_predict_layers").unwrap_or(0),
            _ => 0,
        }
    }

    /// Width of the network, or of one expert's.
    pub(super) fn width(&mut self, family: Family) -> usize {
        let key = "expert_feed_forward_length";
        match own_keys(family).contains(&key) {
            true => self.size(key),
            false => self.size("feed_forward_length"),
        }
    }

    /// What is otherwise than in Llama.
    pub(super) fn design(&mut self, family: Family, (hidden, heads, head_dim): (usize, usize, usize)) -> Design {
        let plain = family.design(hidden);
        let layers = self.optional_size("block_count").unwrap_or(0);
        let rotary = self.optional_size("rope.dimension_count");
        let window = self.window(family);
        Design {
            // The converter adds the 1.
            norm_offset: false,
            later_layers: self.later_layers(family),
            rotary_width: rotary.filter(|&width| width != head_dim),
            window_rope: family
                .has_window_rope()
                .then(|| (self.window_base(family), RopeScaling::None)),
            layer_kinds: self.layer_kinds(family, layers, window),
            scalars: self.scalars(family, plain.scalars, (layers, hidden, heads, head_dim)),
            ..plain
        }
    }

    /// The window or the chunk, where there is one.
    pub(super) fn window(&mut self, family: Family) -> Option<AttentionWindow> {
        const KEY: &str = "attention.sliding_window";
        if family.window_use() != WindowUse::Chunks {
            return self.sliding_window().map(AttentionWindow::Sliding);
        }
        // Its size is llama.cpp's own; the key, where it is there, says that there are none.
        match self.optional_size(KEY) {
            Some(0) => None,
            None | Some(CHUNK) => Some(AttentionWindow::Chunk(CHUNK)),
            Some(other) => {
                self.refuse(KEY, format!("is {other}; only {CHUNK} is supported"));
                None
            }
        }
    }

    /// The sliding window, where there is one.
    pub(super) fn sliding_window(&mut self) -> Option<usize> {
        self.optional_size("attention.sliding_window")
            .filter(|&window| window > 0)
    }

    /// RoPE base of layers with the window.
    fn window_base(&mut self, family: Family) -> f64 {
        let own = self.optional_number("rope.freq_base_swa");
        own.unwrap_or_else(|| match family {
            Family::Gemma3 => 10_000.0,
            _ => self.number("rope.freq_base", Some(10_000.0)),
        })
    }

    fn layer_kinds(&mut self, family: Family, layers: usize, window: Option<AttentionWindow>) -> Vec<LayerKind> {
        let kind = |windowed, rotated| LayerKind { windowed, rotated };
        let turned = |number: usize| !number.is_multiple_of(UNTURNED);
        match family {
            Family::SmolLm3 => return (1..=layers).map(|number| kind(false, turned(number))).collect(),
            // Without chunks all layers are turned in such models; llama.cpp's own loop leaves out the last one.
            Family::Llama4 if window.is_none() => return vec![kind(false, true); layers],
            Family::Llama4 => return (1..=layers).map(turned).map(|turned| kind(turned, turned)).collect(),
            _ => {}
        }
        let WindowUse::ByLayer(every) = family.window_use() else {
            return Vec::new();
        };
        // A number in the place of a list says which ones have no window.
        let every = match self.value(PATTERN) {
            Some(MetadataValue::Ints(_)) | None => every,
            Some(_) => self.optional_size(PATTERN).or(every),
        };
        if every == Some(0) {
            self.refuse(PATTERN, "is 0, expected a positive whole number".to_owned());
        }
        // Where layers without a window have no positions, there would be none at all.
        if window.is_none() && family.leaves_full_layers_unturned(false) {
            self.refuse(
                "attention.sliding_window",
                "is missing, expected a positive whole number".to_owned(),
            );
        }
        let by_number = |number: usize| window.is_some() && every.is_none_or(|every| !number.is_multiple_of(every));
        let mut windowed: Vec<bool> = (1..=layers).map(by_number).collect();
        if let Some(MetadataValue::Ints(list)) = self.value(PATTERN) {
            if list.len() == layers {
                windowed = list.iter().map(|flag| *flag != 0).collect();
            } else {
                let what = format!("has {} values for {layers} layers", list.len());
                self.refuse(PATTERN, what);
            }
        }
        let all_turned = !family.leaves_full_layers_unturned(window.is_some());
        windowed
            .into_iter()
            .map(|windowed| kind(windowed, windowed || all_turned))
            .collect()
    }

    fn scalars(
        &mut self,
        family: Family,
        plain: Scalars,
        (layers, hidden, heads, head_dim): (usize, usize, usize, usize),
    ) -> Scalars {
        match family {
            Family::Gemma2 | Family::Gemma3 => {
                let is_second = family == Family::Gemma2;
                let mut cap = |key, default: f64| {
                    let cap = self.optional_number(key).or(is_second.then_some(default));
                    cap.filter(|cap| *cap != 0.0)
                };
                // Of those of 27 billion parameters the hidden width shared among the heads.
                let is_27b = layers == if is_second { 46 } else { 62 };
                let width = if is_27b {
                    hidden.checked_div(heads).unwrap_or(0)
                } else {
                    head_dim
                };
                Scalars {
                    attention_cap: cap("attn_logit_softcapping", 50.0),
                    logit_cap: cap("final_logit_softcapping", 30.0),
                    attention: Some((width as f64).powf(-0.5)),
                    ..plain
                }
            }
            Family::Granite | Family::GraniteMoe => Scalars {
                embedding: self.number("embedding_scale", Some(1.0)),
                attention: self.optional_number("attention.scale").filter(|scale| *scale != 0.0),
                residual: self.number("residual_scale", Some(1.0)),
                logits: 1.0 / self.number("logit_scale", Some(1.0)),
                ..plain
            },
            Family::Cohere | Family::Cohere2 => Scalars {
                logits: self.number("logit_scale", None),
                ..plain
            },
            Family::Llama4 => Scalars {
                query_growth: Some(QueryGrowth {
                    beta: GROWTH,
                    context: CHUNK,
                    ahead: 1,
                    turned: false,
                }),
                ..plain
            },
            Family::Ministral3 => Scalars {
                query_growth: self.query_growth(),
                ..plain
            },
            _ => plain,
        }
    }

    /// How queries grow with their positions, where they do.
    fn query_growth(&mut self) -> Option<QueryGrowth> {
        let beta = self.optional_number("attention.temperature_scale");
        let beta = beta.filter(|beta| *beta != 0.0)?;
        let own = self.optional_size("attention.temperature_length");
        let context = own.filter(|length| *length > 0);
        Some(QueryGrowth {
            beta,
            context: context.unwrap_or_else(|| self.size("rope.scaling.original_context_length")),
            ahead: 0,
            turned: true,
        })
    }

    /// YaRN's numbers, of families whose files are read with it. llama.cpp lets the ramp begin and end at whole frequencies;
    /// gpt-oss does not.
    pub(super) fn yarn(&mut self, family: Family, factor: f64) -> RopeScaling {
        const EXTRAPOLATION: &str = "rope.scaling.yarn_ext_factor";
        // Below 0 it counts as not given.
        let other = self.optional_number(EXTRAPOLATION).filter(|share| *share >= 0.0);
        if let Some(other) = other.filter(|share| *share != 1.0) {
            self.refuse(EXTRAPOLATION, format!("is {other}; only 1 is supported"));
        }
        let stretch = |by: f64| {
            if factor > 1.0 {
                0.1 * by * factor.ln() + 1.0
            } else {
                1.0
            }
        };
        // The `mscale_all_dim` of transformers, beside an `mscale` of 1.
        let all = self.optional_number("rope.scaling.yarn_log_multiplier");
        RopeScaling::Yarn(Yarn {
            factor,
            beta_fast: self.number("rope.scaling.yarn_beta_fast", Some(32.0)),
            beta_slow: self.number("rope.scaling.yarn_beta_slow", Some(1.0)),
            original_context: self.size("rope.scaling.original_context_length"),
            truncate: family != Family::GptOss,
            attention_factor: stretch(1.0) / all.map_or(1.0, stretch),
        })
    }
}
