//! The feed-forward network of a layer, or the sparse mixture of several.

use super::{
    LoadError, Mixture, ModelConfig,
    design::Activation,
    kernels::pick::pick,
    kernels::{ExpertOutput, Kernels, Linear},
    placing::{LinearPart, Loader},
    routing::Router,
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
    router: Router,
    networks: Vec<Network>,
    /// What every token goes through beside its experts, and how much of it where that differs: the sigmoid of the gate.
    shared: Option<(Network, Option<Linear>)>,
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
                let name = format!("{name}.{}", config.network_module());
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
        let router = Router::load(mixture, config.hidden, &module, loader)?;
        let mut network = |name: String, matrices: [&str; 3], width, bias: Option<&'static str>| {
            let [gate, up, down] = matrices.map(|matrix| format!("{name}.{matrix}"));
            let part = |name, outputs| LinearPart { name, outputs, bias };
            let gate_up = [part(gate, width), part(up, width)];
            Network::load(config, width, (&gate_up, part(down, config.hidden)), loader)
        };
        let bias = mixture.bias.then_some("bias");
        let networks = (0..mixture.experts)
            .map(|expert| {
                let name = format!("{module}.experts.{expert}");
                network(name, mixture.naming.matrices(), config.intermediate, bias)
            })
            .collect::<Result<_, _>>()?;
        let shared = match mixture.shared {
            Some(shared) => {
                let name = format!("{module}.{}", mixture.naming.shared(shared));
                let part = LinearPart {
                    name: format!("{name}_gate"),
                    outputs: 1,
                    bias: None,
                };
                let own = network(name, ["gate_proj", "up_proj", "down_proj"], shared.width, None)?;
                let gate = shared.gated.then(|| loader.linear(config.hidden, &[part]));
                Some((own, gate.transpose()?))
            }
            None => None,
        };
        Ok(Self {
            router,
            networks,
            shared,
        })
    }

    /// As [`FeedForward::forward_add`].
    fn forward_add(&self, kernels: &Kernels, x: &Tensor, residual: &Tensor) -> candle_core::Result<Tensor> {
        let mut experts = Vec::new();
        for (expert, chosen) in self.networks.iter().zip(self.router.route(x)?) {
            if chosen.is_empty() {
                continue;
            }
            let (rows, mut shares): (Vec<u32>, Vec<f32>) = chosen.into_iter().unzip();
            let mut given = pick(x, &rows)?;
            if self.router.shares_input() {
                let each = std::mem::replace(&mut shares, vec![1.0; rows.len()]);
                given = kernels.scale_rows(&given, &Tensor::from_vec(each, (rows.len(), 1), x.device())?)?;
            }
            let out = expert.forward(kernels, &given)?;
            experts.push(ExpertOutput { rows, shares, out });
        }
        if let Some((network, gate)) = &self.shared {
            let rows = x.dim(0)?;
            let shares = match gate {
                Some(gate) => {
                    let gates = gate.forward(x)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
                    gates.into_iter().map(|gate| 1.0 / (1.0 + (-gate).exp())).collect()
                }
                None => vec![1.0; rows],
            };
            experts.push(ExpertOutput {
                rows: (0..rows as u32).collect(),
                shares,
                out: network.forward(kernels, x)?,
            });
        }
        kernels.add_experts(residual, experts)
    }
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
