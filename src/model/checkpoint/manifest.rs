//! The tensors a configuration calls for, with their shapes.

use std::collections::HashSet;

use crate::model::ModelConfig;
use crate::model::tensor_problem::{LISTED, TensorProblem};

/// Canonical name of the embedding.
pub(crate) const EMBEDDING: &str = "model.embed_tokens.weight";
/// Canonical name of the head.
pub(crate) const HEAD: &str = "lm_head.weight";

/// So many missing tensors are no oversight: a configuration that calls for as many more is not gone through by name.
const MOST_MISSING: u64 = 10_000;

/// Calls `visit` with the canonical name and the shape of every tensor that `config` calls for.
pub fn for_each_tensor(config: &ModelConfig, mut visit: impl FnMut(&str, &[usize])) {
    let ModelConfig {
        hidden,
        intermediate,
        heads,
        kv_heads,
        head_dim,
        vocabulary,
        ..
    } = *config;
    let (queries, keys) = (heads * head_dim, kv_heads * head_dim);
    visit(EMBEDDING, &[vocabulary, hidden]);
    for layer in 0..config.layers {
        let mut part = |name: &str, shape: &[usize]| visit(&format!("model.layers.{layer}.{name}"), shape);
        part("input_layernorm.weight", &[hidden]);
        part("self_attn.q_proj.weight", &[queries, hidden]);
        part("self_attn.k_proj.weight", &[keys, hidden]);
        part("self_attn.v_proj.weight", &[keys, hidden]);
        part("self_attn.o_proj.weight", &[hidden, queries]);
        if config.qkv_bias {
            part("self_attn.q_proj.bias", &[queries]);
            part("self_attn.k_proj.bias", &[keys]);
            part("self_attn.v_proj.bias", &[keys]);
        }
        if config.output_bias {
            part("self_attn.o_proj.bias", &[hidden]);
        }
        if config.qk_norm {
            part("self_attn.q_norm.weight", &[head_dim]);
            part("self_attn.k_norm.weight", &[head_dim]);
        }
        part("post_attention_layernorm.weight", &[hidden]);
        match config.mixture {
            None => {
                part("mlp.gate_proj.weight", &[intermediate, hidden]);
                part("mlp.up_proj.weight", &[intermediate, hidden]);
                part("mlp.down_proj.weight", &[hidden, intermediate]);
            }
            Some(mixture) => {
                part("block_sparse_moe.gate.weight", &[mixture.experts, hidden]);
                for expert in 0..mixture.experts {
                    let name = |matrix: &str| format!("block_sparse_moe.experts.{expert}.{matrix}.weight");
                    part(&name("w1"), &[intermediate, hidden]);
                    part(&name("w2"), &[hidden, intermediate]);
                    part(&name("w3"), &[intermediate, hidden]);
                }
            }
        }
    }
    visit("model.norm.weight", &[hidden]);
    if !config.tied {
        visit(HEAD, &[vocabulary, hidden]);
    }
}

/// Number of parameters of a model of this configuration, the head counted once where it is tied.
pub fn parameters(config: &ModelConfig) -> u64 {
    let mut total = 0;
    for_each_tensor(config, |_, shape| {
        total += shape.iter().map(|&side| side as u64).product::<u64>();
    });
    total
}

/// Names that files carry and no decoder needs: values that can be computed, and the head's copy of a tied embedding.
fn is_redundant(config: &ModelConfig, name: &str) -> bool {
    name.ends_with(".rotary_emb.inv_freq") || (config.tied && name == HEAD)
}

/// What is wrong with the tensors: the first few, and how many more.
#[derive(Default)]
pub(crate) struct Problems {
    pub(crate) listed: Vec<TensorProblem>,
    pub(crate) more: usize,
}

impl Problems {
    fn add(&mut self, problem: impl FnOnce() -> TensorProblem) {
        if self.listed.len() < LISTED {
            self.listed.push(problem());
        } else {
            self.more += 1;
        }
    }
}

/// Number of tensors that `config` calls for, at least.
fn count(config: &ModelConfig) -> u64 {
    let layers = config.layers as u64;
    // Norms and projections of the attention, and the norm before the feed-forward network.
    let attention = 6 * layers;
    let experts = config.mixture.map_or(1, |mixture| mixture.experts as u64);
    attention.saturating_add(layers.saturating_mul(3).saturating_mul(experts))
}

/// Compares what is stored with what `config` calls for.
///
/// `stored` tells a tensor's shape (or the name of a type that cannot be read), `names` gives all names in the files.
pub(crate) fn compare<'a>(
    config: &ModelConfig,
    names: impl ExactSizeIterator<Item = &'a str>,
    stored: impl Fn(&str) -> Option<Result<Vec<usize>, String>>,
) -> Problems {
    let mut problems = Problems::default();
    let (expected, found) = (count(config), names.len());
    if expected > (found as u64).saturating_add(MOST_MISSING) {
        problems.add(|| TensorProblem::TooFew { expected, found });
        return problems;
    }
    let mut wanted = HashSet::new();
    for_each_tensor(config, |name, shape| {
        let own = || name.to_owned();
        let found = stored(name);
        if found.is_some() {
            wanted.insert(own());
        }
        match found {
            None => problems.add(|| TensorProblem::Missing { name: own() }),
            Some(Err(found)) => problems.add(|| TensorProblem::Type { name: own(), found }),
            Some(Ok(found)) if found != shape => problems.add(|| TensorProblem::Misshapen {
                name: own(),
                expected: shape.to_vec(),
                found,
            }),
            Some(Ok(_)) => {}
        }
    });
    let mut unexpected: Vec<&str> = names
        .filter(|name| !wanted.contains(*name) && !is_redundant(config, name))
        .collect();
    unexpected.sort_unstable();
    for name in unexpected {
        problems.add(|| TensorProblem::Unexpected { name: name.to_owned() });
    }
    problems
}
