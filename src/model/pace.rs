//! How long a model takes for a person: what its shape has to multiply, and how fast products as wide as its own are here.

use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};

use super::kernels::{Kernels, Weight};
use super::{AttentionWindow, Dtype, LoadError, ModelConfig};

/// What is scored for one person and one split, in tokens: what is shown, and the candidates that follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workload {
    /// Tokens that are shown.
    pub shown: usize,
    /// Candidates.
    pub candidates: usize,
    /// Tokens of each.
    pub candidate: usize,
}

impl Workload {
    /// About what 200 statements and the candidates of a split come to: the work unit W of docs/benchmarks.md.
    pub const SPLIT: Self = Self {
        shown: 3_500,
        candidates: 87,
        candidate: 15,
    };

    /// The same with no more shown than a model's context has room for.
    pub fn within(self, context: usize) -> Self {
        Self {
            shown: self.shown.min(context.saturating_sub(self.candidate)),
            ..self
        }
    }

    /// Multiplications and additions of scoring it, the tokens that are shown being computed once.
    pub fn operations(&self, config: &ModelConfig) -> f64 {
        let shown = self.within(config.context).shown;
        let scored = self.candidates * self.candidate;
        // What each token of a text sees, itself included, in a layer with such a window.
        let seen = |window: Option<AttentionWindow>| {
            let of = |at: usize| (at + 1 - window.map_or(0, |window| window.first_seen(at))) as f64;
            let below = |from: usize, count: usize| (from..from + count).map(of).sum::<f64>();
            below(0, shown) + self.candidates as f64 * below(shown, self.candidate)
        };
        let (all, windowed) = (seen(None), seen(config.window));
        let attended = (0..config.layers).map(|layer| {
            if config.layer_kind(layer).windowed {
                windowed
            } else {
                all
            }
        });
        let attention = 2.0 * (config.heads * config.head_dim) as f64 * attended.sum::<f64>();
        let weights: f64 = (0..config.layers).map(|layer| used_weights(config, layer)).sum();
        let head = (config.hidden * config.vocabulary * scored) as f64;
        2.0 * (weights * (shown + scored) as f64 + attention + head)
    }
}

/// Weights of a layer that one token is multiplied with.
fn used_weights(config: &ModelConfig, layer: usize) -> f64 {
    let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
    let network = match (config.dense_width(layer), config.mixture) {
        (None, Some(mixture)) => {
            let shared = mixture.shared.map_or(0, |shared| shared.width);
            3 * (mixture.routing.used * config.intermediate + shared) + mixture.experts
        }
        (width, _) => 3 * width.unwrap_or(0),
    };
    (config.hidden * (2 * queries + 2 * keys + network)) as f64
}

/// How much of the speed of a network's products a whole model reaches: norms, softmax and rounding are not in its operations.
const REACHED: f64 = 0.9;

/// Rows of a network that is timed: those of a pass.
const ROWS: usize = 512;
/// Numbers in its weights at most: some hundredths of a second of work for a core.
const NUMBERS: usize = 3 << 20;
/// How long it is timed, and how often at the least: what else runs on a machine hits single times.
const TIMED: Duration = Duration::from_millis(300);
const TIMES: usize = 12;

/// Seconds that a model of this shape takes for the workload on a device, about; by timing products as wide as its own for a moment.
///
/// # Errors
/// A device or dtype that cannot be computed with; too little memory for the products.
pub fn seconds(config: &ModelConfig, work: Workload, device: &Device, dtype: Dtype) -> Result<f64, LoadError> {
    let kernels = Kernels::new(device, dtype.into())?;
    let rate = operations_a_second(&kernels, config).map_err(LoadError::tensor("a network that is timed"))?;
    Ok(work.operations(config) / (rate * REACHED))
}

/// Multiplications and additions a second in a gated network of the model's width, or as wide as fits into some memory.
fn operations_a_second(kernels: &Kernels, config: &ModelConfig) -> candle_core::Result<f64> {
    let hidden = config.hidden.clamp(1, NUMBERS / 3);
    let width = config.intermediate.clamp(1, (NUMBERS / 3 / hidden).max(1));
    let numbers = |rows: usize, columns: usize| {
        let each = (0..rows * columns).map(|at| (at % 251) as f32 / 251.0 - 0.5);
        Tensor::from_vec(each.collect::<Vec<_>>(), (rows, columns), &Device::Cpu)
    };
    let layer = |outputs, inputs| kernels.linear(Weight::Plain(numbers(outputs, inputs)?), None);
    let (gate_up, down) = (layer(2 * width, hidden)?, layer(hidden, width)?);
    let x = numbers(ROWS, hidden)?.to_device(kernels.device())?;
    let x = x.to_dtype(kernels.activation_dtype())?;
    let once = || -> candle_core::Result<Duration> {
        let begun = Instant::now();
        let out = kernels.feed_forward(&x, &gate_up, config.design.activation, &down, &x)?;
        out.device().synchronize()?;
        Ok(begun.elapsed())
    };
    once()?;
    let begun = Instant::now();
    let (mut fastest, mut times) = (once()?, 1);
    while times < TIMES || begun.elapsed() < TIMED {
        fastest = fastest.min(once()?);
        times += 1;
    }
    let operations = 2.0 * (ROWS * 3 * hidden * width) as f64;
    Ok(operations / fastest.as_secs_f64().max(1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, Mixture, testing::config};

    const WORK: Workload = Workload {
        shown: 10,
        candidates: 3,
        candidate: 2,
    };

    #[test]
    fn operations_are_those_of_every_token() {
        // Two layers of 32 x 96 for attention and 3 x 32 x 48 beside it, 16 tokens; a head of 64 x 32 for 6 of them.
        let products = 16 * 2 * (32 * 96 + 3 * 32 * 48) + 6 * 64 * 32;
        // Tokens see 1 to 10 before the candidates, and theirs 11 and 12.
        let seen = 55 + 3 * 23;
        let attention = 2 * 2 * 32 * seen;
        assert_eq!(
            WORK.operations(&config(Family::Llama)),
            2.0 * f64::from(products + attention)
        );
        let windowed = ModelConfig {
            window: Some(AttentionWindow::Sliding(4)),
            ..config(Family::Mistral)
        };
        let seen = 1 + 2 + 3 + 7 * 4 + 3 * 2 * 4;
        let attention = 2 * 2 * 32 * seen;
        assert_eq!(WORK.operations(&windowed), 2.0 * f64::from(products + attention));
    }

    #[test]
    fn of_experts_those_count_that_a_token_is_sent_to() {
        let sparse = |experts| ModelConfig {
            mixture: Some(Mixture::mixtral(experts, 2)),
            ..config(Family::Mixtral)
        };
        let more = WORK.operations(&sparse(8)) - WORK.operations(&sparse(4));
        // The router's four further outputs.
        assert_eq!(more, 2.0 * 2.0 * 16.0 * 32.0 * 4.0);
    }

    #[test]
    fn a_text_that_is_longer_than_the_context_is_cut() {
        let short = ModelConfig {
            context: 7,
            ..config(Family::Llama)
        };
        let cut = Workload { shown: 5, ..WORK };
        assert_eq!(WORK.operations(&short), cut.operations(&config(Family::Llama)));
    }

    #[test]
    fn seconds_are_positive_on_a_processor() {
        let seconds = seconds(&config(Family::Llama), WORK, &Device::Cpu, Dtype::F32).unwrap();
        assert!(seconds > 0.0 && seconds < 10.0, "{seconds}");
    }
}
