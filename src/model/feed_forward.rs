//! The feed-forward network of a layer, or the sparse mixture of several.

use super::{
    LoadError, Mixture, ModelConfig,
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
    Mixture {
        /// Scores of the experts.
        router: Linear,
        experts: Vec<Network>,
        used: usize,
    },
}

/// A gated network: `down(silu(gate(x)) · up(x))`.
#[derive(Debug)]
pub(super) struct Network {
    gate_up: Linear,
    down: Linear,
}

impl FeedForward {
    pub fn load(config: &ModelConfig, layer: usize, loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let layer = format!("model.layers.{layer}");
        let Some(Mixture { experts, used }) = config.mixture else {
            let names = ["gate_proj", "up_proj", "down_proj"].map(|part| format!("{layer}.mlp.{part}"));
            return Ok(Self::Dense(Network::load(config, names, loader)?));
        };
        let router = LinearPart {
            name: format!("{layer}.block_sparse_moe.gate"),
            outputs: experts,
            bias: None,
        };
        Ok(Self::Mixture {
            router: loader.linear(config.hidden, &[router])?,
            experts: (0..experts)
                .map(|expert| {
                    let names = ["w1", "w3", "w2"].map(|w| format!("{layer}.block_sparse_moe.experts.{expert}.{w}"));
                    Network::load(config, names, loader)
                })
                .collect::<Result<_, _>>()?,
            used,
        })
    }

    /// Of `x`, `(rows, hidden)`, normed; added to `residual`, `(rows, hidden)`.
    pub fn forward_add(&self, kernels: &Kernels, x: &Tensor, residual: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Dense(network) => kernels.feed_forward(x, &network.gate_up, &network.down, residual),
            Self::Mixture { router, experts, used } => {
                let scores = router.forward(x)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
                let mut sum = residual.clone();
                for (expert, chosen) in experts.iter().zip(route(&scores, experts.len(), *used)) {
                    if chosen.is_empty() {
                        continue;
                    }
                    let (rows, shares): (Vec<u32>, Vec<f32>) = chosen.into_iter().unzip();
                    let n = rows.len();
                    let rows = Tensor::from_vec(rows, n, x.device())?;
                    let shares = Tensor::from_vec(shares, (n, 1), x.device())?.to_dtype(x.dtype())?;
                    let inner = expert.inner(kernels, &pick_by(x, &rows)?)?;
                    let out = expert.down.forward(&inner)?.broadcast_mul(&shares)?;
                    sum = sum.index_add(&rows, &out, 0)?;
                }
                Ok(sum)
            }
        }
    }
}

impl Network {
    fn load(config: &ModelConfig, [gate, up, down]: [String; 3], loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let part = |name, outputs| LinearPart {
            name,
            outputs,
            bias: None,
        };
        let gate_up = [part(gate, config.intermediate), part(up, config.intermediate)];
        let down = [part(down, config.hidden)];
        Ok(Self {
            gate_up: loader.linear(config.hidden, &gate_up)?,
            down: loader.linear(config.intermediate, &down)?,
        })
    }

    fn inner(&self, kernels: &Kernels, x: &Tensor) -> candle_core::Result<Tensor> {
        kernels.swiglu(&self.gate_up.forward(x)?)
    }
}

/// For each expert the rows sent to it, ascending, and its share in each: every row goes to the `used` experts of the
/// highest score (of equals the lower one), in shares of a softmax over these, which sum to 1.
fn route(scores: &[Vec<f32>], experts: usize, used: usize) -> Vec<Vec<(u32, f32)>> {
    let mut out = vec![Vec::new(); experts];
    for (row, scores) in scores.iter().enumerate() {
        let mut order: Vec<usize> = (0..experts.min(scores.len())).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        order.truncate(used);
        let Some(&best) = order.first() else { continue };
        let weight = |expert: usize| (scores[expert] - scores[best]).exp();
        let total: f32 = order.iter().map(|&expert| weight(expert)).sum();
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
        let routed = route(&[vec![1.0, 3.0, 2.0], vec![5.0, 5.0, 5.0]], 3, 2);
        let share = 1.0 / (1.0 + (-1f32).exp());
        assert_eq!(routed[0], [(1, 0.5)]);
        assert_eq!(routed[1][1], (1, 0.5));
        assert!((routed[1][0].1 - share).abs() < 1e-6 && (routed[2][0].1 - (1.0 - share)).abs() < 1e-6);
        assert_eq!(routed[2].len(), 1);
    }
}
