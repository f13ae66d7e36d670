//! The feed-forward network of a layer, or the sparse mixture of several.

use super::{
    LoadError, Mixture, ModelConfig,
    design::Activation,
    kernels::{Kernels, Linear},
    pick::pick_by,
    placing::{LinearPart, Loader},
};
use candle_core::{DType, Tensor};

/// What follows attention in a layer.
#[derive(Debug)]
pub(super) enum FeedForward {
    /// One network for all tokens.
    Dense(Network),
    /// Each token goes to a few of several.
    Mixture(Box<Experts>),
}

/// A gated network: `down(activation(gate(x)) · up(x))`.
#[derive(Debug)]
pub(super) struct Network {
    gate_up: Linear,
    down: Linear,
    activation: Activation,
}

/// The networks of a mixture.
#[derive(Debug)]
pub(super) struct Experts {
    /// Scores of the experts.
    router: Linear,
    networks: Vec<Network>,
    used: usize,
    renormalised: bool,
    /// What every token goes through beside its experts, and how much of it: the sigmoid of the gate.
    shared: Option<(Network, Linear)>,
}

impl FeedForward {
    pub fn load(config: &ModelConfig, layer: usize, loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let name = format!("model.layers.{layer}");
        match (config.dense_width(layer), config.mixture) {
            (None, Some(mixture)) => {
                Experts::load(config, mixture, &name, loader).map(|it| Self::Mixture(Box::new(it)))
            }
            (width, _) => {
                let (width, bias) = (width.unwrap_or(0), config.design.feed_forward_bias.then_some("bias"));
                let name = format!("{name}.mlp");
                let gate_up: &[_] = if config.design.fused_gate_up {
                    &[("gate_up_proj", 2 * width)]
                } else {
                    &[("gate_proj", width), ("up_proj", width)]
                };
                let part = |&(part, outputs): &(&str, usize)| LinearPart {
                    name: format!("{name}.{part}"),
                    outputs,
                    bias,
                };
                let gate_up: Vec<LinearPart<'_>> = gate_up.iter().map(part).collect();
                let down = part(&("down_proj", config.hidden));
                Network::load(config, width, (&gate_up, down), loader).map(Self::Dense)
            }
        }
    }

    /// Of `x`, `(rows, hidden)`, normed; added to `residual`, `(rows, hidden)`.
    pub fn forward_add(&self, kernels: &Kernels, x: &Tensor, residual: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Dense(network) => {
                kernels.feed_forward(x, &network.gate_up, network.activation, &network.down, residual)
            }
            Self::Mixture(experts) => experts.forward_add(kernels, x, residual),
        }
    }
}

impl Experts {
    fn load(config: &ModelConfig, mixture: Mixture, layer: &str, loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let module = format!("{layer}.{}", mixture.naming.module());
        let scores = |name: &str, outputs| LinearPart {
            name: format!("{module}.{name}"),
            outputs,
            bias: None,
        };
        let router = loader.linear(config.hidden, &[scores("gate", mixture.experts)])?;
        let mut network = |name: String, matrices: [&str; 3], width| {
            let [gate, up, down] = matrices.map(|matrix| format!("{name}.{matrix}"));
            let part = |name, outputs| LinearPart {
                name,
                outputs,
                bias: None,
            };
            let gate_up = [part(gate, width), part(up, width)];
            Network::load(config, width, (&gate_up, part(down, config.hidden)), loader)
        };
        let networks = (0..mixture.experts)
            .map(|expert| {
                let name = format!("{module}.experts.{expert}");
                network(name, mixture.naming.matrices(), config.intermediate)
            })
            .collect::<Result<_, _>>()?;
        let shared = match mixture.shared_width {
            Some(width) => {
                let matrices = ["gate_proj", "up_proj", "down_proj"];
                let shared = network(format!("{module}.shared_expert"), matrices, width)?;
                Some((
                    shared,
                    loader.linear(config.hidden, &[scores("shared_expert_gate", 1)])?,
                ))
            }
            None => None,
        };
        Ok(Self {
            router,
            networks,
            used: mixture.used,
            renormalised: mixture.renormalised,
            shared,
        })
    }

    /// As [`FeedForward::forward_add`].
    fn forward_add(&self, kernels: &Kernels, x: &Tensor, residual: &Tensor) -> candle_core::Result<Tensor> {
        let scores = self.router.forward(x)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        let mut sum = residual.clone();
        for (expert, chosen) in self.networks.iter().zip(self.route(&scores)) {
            if chosen.is_empty() {
                continue;
            }
            let (rows, shares): (Vec<u32>, Vec<f32>) = chosen.into_iter().unzip();
            let n = rows.len();
            let rows = Tensor::from_vec(rows, n, x.device())?;
            let out = expert.forward(kernels, &pick_by(x, &rows)?)?;
            sum = sum.index_add(&rows, &weighed(&out, shares)?, 0)?;
        }
        if let Some((network, gate)) = &self.shared {
            let gates = gate.forward(x)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
            let shares = gates.into_iter().map(|gate| 1.0 / (1.0 + (-gate).exp())).collect();
            sum = (sum + weighed(&network.forward(kernels, x)?, shares)?)?;
        }
        Ok(sum)
    }

    /// For each expert the rows sent to it, ascending, and its share in each: every row goes to the `used` experts of
    /// the highest score (of equals the lower one), in shares of a softmax over these, which sum to 1, or over all.
    fn route(&self, scores: &[Vec<f32>]) -> Vec<Vec<(u32, f32)>> {
        route(scores, self.networks.len(), self.used, self.renormalised)
    }
}

/// Each row of `out`, `(rows, hidden)`, times its share.
fn weighed(out: &Tensor, shares: Vec<f32>) -> candle_core::Result<Tensor> {
    let shares = Tensor::from_vec(shares, (out.dim(0)?, 1), out.device())?;
    out.broadcast_mul(&shares.to_dtype(out.dtype())?)
}

impl Network {
    fn load(
        config: &ModelConfig,
        width: usize,
        (gate_up, down): (&[LinearPart<'_>], LinearPart<'_>),
        loader: &mut Loader<'_>,
    ) -> Result<Self, LoadError> {
        Ok(Self {
            gate_up: loader.linear(config.hidden, gate_up)?,
            down: loader.linear(width, &[down])?,
            activation: config.design.activation,
        })
    }

    fn forward(&self, kernels: &Kernels, x: &Tensor) -> candle_core::Result<Tensor> {
        self.down
            .forward(&kernels.gated(&self.gate_up.forward(x)?, self.activation)?)
    }
}

/// See [`Experts::route`].
fn route(scores: &[Vec<f32>], experts: usize, used: usize, renormalised: bool) -> Vec<Vec<(u32, f32)>> {
    let mut out = vec![Vec::new(); experts];
    for (row, scores) in scores.iter().enumerate() {
        let mut order: Vec<usize> = (0..experts.min(scores.len())).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let Some(&best) = order.first() else { continue };
        let weight = |expert: usize| (scores[expert] - scores[best]).exp();
        if renormalised {
            order.truncate(used);
        }
        let total: f32 = order.iter().map(|&expert| weight(expert)).sum();
        order.truncate(used);
        for &expert in &order {
            out[expert].push((row as u32, weight(expert) / total));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_to_their_best_experts_in_shares_of_one() {
        let routed = route(&[vec![1.0, 3.0, 2.0], vec![5.0, 5.0, 5.0]], 3, 2, true);
        let share = 1.0 / (1.0 + (-1f32).exp());
        assert_eq!(routed[0], [(1, 0.5)]);
        assert_eq!(routed[1][1], (1, 0.5));
        assert!((routed[1][0].1 - share).abs() < 1e-6 && (routed[2][0].1 - (1.0 - share)).abs() < 1e-6);
        assert_eq!(routed[2].len(), 1);
        // Not renormalised, the expert that is left out keeps its share.
        let routed = route(&[vec![1.0, 3.0, 2.0]], 3, 2, false);
        let total = 1.0 + (-1f32).exp() + (-2f32).exp();
        assert!(routed[0].is_empty());
        assert!((routed[1][0].1 - 1.0 / total).abs() < 1e-6);
        assert!((routed[2][0].1 - (-1f32).exp() / total).abs() < 1e-6);
    }
}
