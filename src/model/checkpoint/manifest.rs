//! The tensors a configuration calls for, with their shapes.

use std::collections::HashSet;

use crate::model::tensor_problem::{LISTED, TensorProblem};
use crate::model::{Mixture, ModelConfig, RouterScore};

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
        for norm in config.design.norms.names() {
            part(&format!("{norm}.weight"), &[hidden]);
            if config.has_norm_bias() {
                part(&format!("{norm}.bias"), &[hidden]);
            }
        }
        if config.design.fused_qkv {
            projection(
                &mut part,
                "self_attn.qkv_proj",
                [queries + 2 * keys, hidden],
                config.qkv_bias,
            );
        } else {
            for (name, outputs) in [("q_proj", queries), ("k_proj", keys), ("v_proj", keys)] {
                projection(
                    &mut part,
                    &format!("self_attn.{name}"),
                    [outputs, hidden],
                    config.qkv_bias,
                );
            }
        }
        projection(&mut part, "self_attn.o_proj", [hidden, queries], config.output_bias);
        for weights in config.qk_norm_weights(layer).into_iter().flatten() {
            for name in &weights.names {
                part(&format!("self_attn.{name}.weight"), &weights.shape);
            }
        }
        if config.design.attention_sinks {
            part("self_attn.sinks", &[heads]);
        }
        match (config.dense_width(layer), config.mixture) {
            (None, Some(mixture)) => for_each_of_mixture(config, mixture, &mut part),
            (width, _) => network(config, width.unwrap_or(0), &mut part),
        }
    }
    visit("model.norm.weight", &[hidden]);
    if config.has_norm_bias() {
        visit("model.norm.bias", &[hidden]);
    }
    if !config.tied {
        visit(HEAD, &[vocabulary, hidden]);
    }
}

/// A linear layer: its weight, `(outputs, inputs)`, and its bias if it has one.
fn projection(part: &mut impl FnMut(&str, &[usize]), name: &str, shape: [usize; 2], bias: bool) {
    part(&format!("{name}.weight"), &shape);
    if bias {
        part(&format!("{name}.bias"), &shape[..1]);
    }
}

/// The one feed-forward network of a layer.
fn network(config: &ModelConfig, width: usize, part: &mut impl FnMut(&str, &[usize])) {
    let (hidden, bias, module) = (config.hidden, config.design.feed_forward_bias, config.network_module());
    let mut matrix = |name: &str, shape| projection(part, &format!("{module}.{name}"), shape, bias);
    if config.design.fused_gate_up {
        matrix("gate_up_proj", [2 * width, hidden]);
    } else {
        matrix("gate_proj", [width, hidden]);
        matrix("up_proj", [width, hidden]);
    }
    matrix("down_proj", [hidden, width]);
}

/// The router, the experts, and what all tokens go through beside them.
fn for_each_of_mixture(config: &ModelConfig, mixture: Mixture, part: &mut impl FnMut(&str, &[usize])) {
    let (hidden, module) = (config.hidden, mixture.naming.module());
    let [gate, up, down] = mixture.naming.matrices();
    let router = format!("{module}.{}", mixture.naming.router());
    projection(part, &router, [mixture.experts, hidden], mixture.bias);
    if mixture.routing.score == RouterScore::CorrectedSigmoid {
        part(&format!("{router}.e_score_correction_bias"), &[mixture.experts]);
    }
    for expert in 0..mixture.experts {
        let mut matrix = |matrix: &str, shape| {
            projection(
                part,
                &format!("{module}.experts.{expert}.{matrix}"),
                shape,
                mixture.bias,
            );
        };
        matrix(gate, [config.intermediate, hidden]);
        matrix(down, [hidden, config.intermediate]);
        matrix(up, [config.intermediate, hidden]);
    }
    if let Some(shared) = mixture.shared {
        let (name, width) = (format!("{module}.{}", mixture.naming.shared(shared)), shared.width);
        if shared.gated {
            part(&format!("{name}_gate.weight"), &[1, hidden]);
        }
        projection(part, &format!("{name}.gate_proj"), [width, hidden], false);
        projection(part, &format!("{name}.up_proj"), [width, hidden], false);
        projection(part, &format!("{name}.down_proj"), [hidden, width], false);
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

/// Names that files carry and no decoder needs: values that can be computed, the head's copy of a tied embedding, and layers
/// that guess further tokens.
fn is_redundant(config: &ModelConfig, name: &str) -> bool {
    let layer = name
        .strip_prefix("model.layers.")
        .and_then(|rest| rest.split('.').next());
    let later = config.layers..config.layers + config.design.later_layers;
    name.ends_with(".rotary_emb.inv_freq")
        || (config.tied && name == HEAD)
        || layer.is_some_and(|layer| layer.parse().is_ok_and(|number: usize| later.contains(&number)))
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
    // Projections of the attention, and norms: two at least.
    let attention = if config.design.fused_qkv { 4 } else { 6 } * layers;
    let networks = match config.mixture {
        None => layers,
        Some(mixture) => (layers / mixture.every.max(1) as u64).saturating_mul(mixture.experts as u64),
    };
    // A network has two matrices where gate and up are one.
    attention.saturating_add(networks.saturating_mul(if config.design.fused_gate_up { 2 } else { 3 }))
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
