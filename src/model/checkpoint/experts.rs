//! Mixtures of experts as `config.json` describes them.

use serde_json::Value;

use super::config::Keys;
use crate::model::design::{ExpertNaming, Mixture, Routing, SharedExpert};
use crate::model::family::Family;

impl Keys<'_> {
    /// The mixture that a family has, with what the keys say of it.
    pub(super) fn mixture(&mut self, family: Family) -> Option<Mixture> {
        let plain = family.mixture()?;
        let used = self.optional_size("num_experts_per_tok").unwrap_or(plain.routing.used);
        let routing = Routing { used, ..plain.routing };
        if plain.naming != ExpertNaming::Mlp {
            let experts = self.optional_size("num_local_experts").unwrap_or(plain.experts);
            if family == Family::Llama4 {
                return Some(self.some_layers(Mixture {
                    experts,
                    routing,
                    ..plain
                }));
            }
            return Some(Mixture {
                experts,
                routing,
                ..plain
            });
        }
        Some(Mixture {
            experts: self.experts().unwrap_or(plain.experts),
            routing: Routing {
                renormalised: self.flag("norm_topk_prob", plain.routing.renormalised),
                scale: self.number("routed_scaling_factor", plain.routing.scale),
                groups: (
                    self.optional_size("n_group").unwrap_or(plain.routing.groups.0),
                    self.optional_size("topk_group").unwrap_or(plain.routing.groups.1),
                ),
                ..routing
            },
            every: self.optional_size("decoder_sparse_step").unwrap_or(plain.every),
            first_dense: match family {
                // 0 is a number here, and means none.
                Family::Glm4Moe => self.optional_size("first_k_dense_replace").unwrap_or(plain.first_dense),
                _ => plain.first_dense,
            },
            dense_width: if self.has_expert_width(family) {
                self.optional_size("intermediate_size").unwrap_or(0)
            } else {
                plain.dense_width
            },
            shared: plain.shared.map(|plain| self.shared_expert(plain)),
            ..plain
        })
    }

    /// Llama 4's, in the layers that have it: the last of every so many. A list of them has to be of that kind; an empty one
    /// leaves none.
    fn some_layers(&mut self, plain: Mixture) -> Mixture {
        let step = self.optional_size("interleave_moe_layer_step");
        let mut every = step.unwrap_or(plain.every);
        let layers = self.value("num_hidden_layers").and_then(Value::as_u64).unwrap_or(0);
        if let Some(named) = self.value("moe_layers") {
            let numbers = named.as_array().map(|list| list.iter().map(Value::as_u64).collect());
            let numbers: Option<Vec<u64>> = numbers.flatten();
            let first = numbers.as_ref().and_then(|numbers| numbers.first().copied());
            // Behind the last layer where none is named.
            let step = first.unwrap_or(layers).min(layers) + 1;
            let regular = |numbers: &Vec<u64>| (step - 1..layers).step_by(step as usize).eq(numbers.iter().copied());
            if !numbers.as_ref().is_some_and(regular) {
                let what = format!("is {named}; only the last of every so many layers is supported");
                self.refuse("moe_layers", what);
            }
            every = step as usize;
        }
        let none = every as u64 > layers;
        Mixture {
            every,
            // Nothing is said of experts that no layer has.
            experts: if none { plain.experts.max(1) } else { plain.experts },
            routing: Routing {
                used: if none { 1 } else { plain.routing.used },
                ..plain.routing
            },
            dense_width: self.optional_size("intermediate_size_mlp").unwrap_or(16384),
            shared: plain.shared.map(|shared| SharedExpert {
                width: self.optional_size("intermediate_size").unwrap_or(shared.width),
                ..shared
            }),
            ..plain
        }
    }

    /// The network beside the experts: its width is given, or so many times that of an expert.
    fn shared_expert(&mut self, plain: SharedExpert) -> SharedExpert {
        let width = if plain.gated {
            self.optional_size("shared_expert_intermediate_size")
        } else {
            let each = self.optional_size("moe_intermediate_size").unwrap_or(plain.width);
            let count = self.optional_size("n_shared_experts").unwrap_or(1);
            Some(each.saturating_mul(count))
        };
        SharedExpert {
            width: width.unwrap_or(plain.width),
            ..plain
        }
    }

    /// Whether an expert has a width of its own.
    pub(super) fn has_expert_width(&self, family: Family) -> bool {
        let is_mlp = family.mixture().is_some_and(|plain| plain.naming == ExpertNaming::Mlp);
        is_mlp && self.is_given("moe_intermediate_size")
    }

    /// The number of experts, under any of the names that transformers has given it.
    fn experts(&mut self) -> Option<usize> {
        let mut given: Vec<(&str, usize)> = Vec::new();
        for key in ["num_experts", "num_local_experts", "n_routed_experts"] {
            if let Some(experts) = self.optional_size(key) {
                given.push((key, experts));
            }
        }
        let &(key, experts) = given.first()?;
        if let Some((other, differs)) = given.iter().find(|(_, other)| *other != experts) {
            self.refuse(key, format!("is {experts}, and `{other}` is {differs}"));
        }
        Some(experts)
    }
}
