//! Weights from a checkpoint into the decoder's linear layers, counted on the way.

use super::{
    LoadError, Weight, WeightSource,
    kernels::{Kernels, Linear},
};
use candle_core::{DType, Tensor};

crate::choices! {
    /// How quantised weights are held.
    pub enum QuantizedWeights: Dequantize {
        /// Dequantised at load to the compute dtype: fastest.
        Dequantize = "plain",
        /// As the file's blocks: a quarter of the memory or less, and slower.
        Keep = "quantized",
    }
}

/// What a decoder's weights amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Numbers in all weights; a tied head counts once.
    pub parameters: u64,
    /// Memory they take.
    pub bytes: u64,
}

/// Loads one tensor after the other and counts what they take.
pub(super) struct Loader<'a> {
    pub source: &'a dyn WeightSource,
    pub kernels: &'a Kernels,
    pub quantized: QuantizedWeights,
    pub size: Size,
}

/// A linear layer to be loaded: name without `.weight`, width of its output, whether it has a bias.
pub(super) struct LinearPart<'a> {
    pub name: String,
    pub outputs: usize,
    pub bias: Option<&'a str>,
}

impl Loader<'_> {
    /// A vector that is computed with in f32 on the CPU, in the activation dtype elsewhere.
    pub(crate) fn vector(&mut self, name: &str, len: usize) -> Result<Tensor, LoadError> {
        let tensor = self.source.get_plain(name, &[len], DType::F32)?;
        self.count(len, 4 * len);
        tensor.to_device(self.kernels.device()).map_err(named(name))
    }

    /// Layers of the same input: one fused one, or one each where quantised blocks are kept.
    pub fn linear(&mut self, inputs: usize, parts: &[LinearPart<'_>]) -> Result<Vec<Linear>, LoadError> {
        let mut weights = Vec::with_capacity(parts.len());
        let mut biases = Vec::with_capacity(parts.len());
        for part in parts {
            let name = format!("{}.weight", part.name);
            weights.push(self.source.get(&name, &[part.outputs, inputs])?);
            biases.push(match part.bias {
                Some(bias) => {
                    let name = format!("{}.{bias}", part.name);
                    self.count(part.outputs, 4 * part.outputs);
                    Some(self.source.get_plain(&name, &[part.outputs], DType::F32)?)
                }
                None => None,
            });
        }
        let first = parts.first().map_or("", |part| &part.name).to_owned();
        let keep = self.quantized == QuantizedWeights::Keep
            && weights.iter().any(|weight| matches!(weight, Weight::Quantized(_)));
        for (weight, part) in weights.iter().zip(parts) {
            let numbers = part.outputs * inputs;
            let bytes = match weight {
                Weight::Quantized(blocks) if keep => blocks.storage_size_in_bytes(),
                _ => numbers * self.kernels.dtype().size_in_bytes(),
            };
            self.count(numbers, bytes);
        }
        let made = if keep {
            let pairs = weights.into_iter().zip(biases);
            pairs
                .map(|(weight, bias)| self.kernels.linear_quantized(weight, bias))
                .collect()
        } else {
            self.kernels.linear_concat(weights, biases).map(|fused| vec![fused])
        };
        made.map_err(named(&first))
    }

    pub fn count(&mut self, numbers: usize, bytes: usize) {
        self.size.parameters += numbers as u64;
        self.size.bytes += bytes as u64;
    }
}

pub(super) fn named(name: &str) -> impl FnOnce(candle_core::Error) -> LoadError {
    let name = name.to_owned();
    |source| LoadError::Tensor { name, source }
}

/// Outputs of layers of the same input, one after the other: `(rows, out₁ + out₂ + ...)`.
pub(super) fn concat(layers: &[Linear], x: &Tensor) -> candle_core::Result<Tensor> {
    match layers {
        [fused] => fused.forward(x),
        several => {
            let parts = several
                .iter()
                .map(|layer| layer.forward(x))
                .collect::<candle_core::Result<Vec<_>>>()?;
            Tensor::cat(&parts, 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Engine, EngineSettings, LanguageModel, ModelConfig, checkpoint,
        decoder::Decoder,
        memory::Room,
        testing::{RandomWeights, begin, families},
    };
    use candle_core::{
        Device,
        quantized::{GgmlDType, QTensor},
    };
    use std::{
        collections::BTreeSet,
        sync::{Arc, Mutex},
    };

    struct Recording(Mutex<Vec<String>>);

    impl WeightSource for Recording {
        fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
            self.0.lock().unwrap().push(format!("{name} {shape:?}"));
            RandomWeights.get(name, shape)
        }
    }

    #[test]
    fn each_tensor_of_the_manifest_is_read_once_and_counted() {
        let kernels = Kernels::new(&Device::Cpu, DType::F32).unwrap();
        for config in families() {
            let source = Recording(Mutex::default());
            let decoder = Decoder::load(&config, &source, &kernels, QuantizedWeights::Dequantize).unwrap();
            let read = source.0.into_inner().unwrap();
            let mut expected = BTreeSet::new();
            checkpoint::for_each_tensor(&config, |name, shape| {
                expected.insert(format!("{name} {shape:?}"));
            });
            assert_eq!(read.len(), expected.len());
            assert_eq!(read.into_iter().collect::<BTreeSet<_>>(), expected);
            let parameters = checkpoint::parameters(&config);
            assert_eq!(
                decoder.size(),
                Size {
                    parameters,
                    bytes: 4 * parameters
                }
            );
        }
    }

    /// The same numbers as blocks of 32 with eight bits each, where a matrix has rows of such blocks.
    struct Blocks;

    impl WeightSource for Blocks {
        fn get(&self, name: &str, shape: &[usize]) -> Result<Weight, LoadError> {
            let Weight::Plain(tensor) = RandomWeights.get(name, shape)? else {
                unreachable!("random weights are plain");
            };
            match shape {
                [_, columns] if columns % 32 == 0 => {
                    let blocks = QTensor::quantize(&tensor, GgmlDType::Q8_0).unwrap();
                    Ok(Weight::Quantized(Arc::new(blocks)))
                }
                _ => Ok(Weight::Plain(tensor)),
            }
        }
    }

    #[test]
    fn kept_blocks_take_less_and_give_about_what_dequantised_ones_give() {
        // Kept blocks are multiplied with activations rounded to eight bits, 0.4 % of the greatest of 32 each; where
        // that sends a token to another expert, it may change by a nat. So: on average, in nats a token.
        const CLOSE: f32 = 0.15;
        let kernels = Kernels::new(&Device::Cpu, DType::F32).unwrap();
        for config in families() {
            let config = ModelConfig {
                intermediate: 64,
                ..config
            };
            let tokens: Vec<u32> = (0..30).map(|i| i * 11 % 64).collect();
            let [(plain, plain_size), (kept, kept_size)] =
                [QuantizedWeights::Dequantize, QuantizedWeights::Keep].map(|quantized| {
                    let decoder = Decoder::load(&config, &Blocks, &kernels, quantized).unwrap();
                    let size = decoder.size();
                    let settings = EngineSettings {
                        room: Room::Tokens(60),
                        ..EngineSettings::default()
                    };
                    let mut engine = Engine::new(decoder, &settings).unwrap();
                    let root = begin(&mut engine);
                    (engine.score(root, &[&tokens]).unwrap().remove(0), size)
                });
            assert_eq!(kept_size.parameters, plain_size.parameters);
            assert!(kept_size.bytes * 2 < plain_size.bytes, "{kept_size:?} {plain_size:?}");
            let differences = plain.iter().zip(&kept).map(|(a, b)| (a.logprob - b.logprob).abs());
            let off = differences.sum::<f32>() / plain.len() as f32;
            assert!(off < CLOSE && off > 0., "{}: {off}", config.family);
        }
    }

    #[test]
    fn a_missing_tensor_is_named() {
        struct Nothing;
        impl WeightSource for Nothing {
            fn get(&self, name: &str, _: &[usize]) -> Result<Weight, LoadError> {
                let source = candle_core::Error::Msg("not here".to_owned());
                Err(LoadError::Tensor {
                    name: name.to_owned(),
                    source,
                })
            }
        }
        let kernels = Kernels::new(&Device::Cpu, DType::F32).unwrap();
        let config = ModelConfig {
            layers: 1,
            ..families().swap_remove(0)
        };
        let error = Decoder::load(&config, &Nothing, &kernels, QuantizedWeights::Dequantize).unwrap_err();
        assert_eq!(
            error.to_string(),
            "tensor `model.layers.0.input_layernorm.weight`: not here"
        );
    }
}
