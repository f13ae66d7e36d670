//! Weights from a checkpoint into the decoder's linear layers, counted on the way.

use super::{
    LoadError, ModelConfig, WeightSource,
    config::QkNormWeights,
    kernels::pieces,
    kernels::{Kernels, Linear, LinearPacking, NormLayer},
};
use candle_core::{DType, Tensor};
use rayon::prelude::*;
use std::ops::Range;

crate::choices! {
    /// How quantised weights are held.
    pub enum QuantizedWeights: Dequantize {
        /// Dequantised at load to the compute dtype: fastest.
        Dequantize = "plain",
        /// As the file's blocks, dequantised layer by layer for each batch: a quarter of the memory or less, the same
        /// results, and slower the smaller the batch.
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

/// Numbers of a weight that one thread reads and sends to a GPU: enough that threads cost little, few enough that all of
/// them have work.
const BY_A_THREAD: usize = 4 << 20;

/// Loads one tensor after the other and counts what they take.
pub(super) struct Loader<'a> {
    pub source: &'a dyn WeightSource,
    pub kernels: &'a Kernels,
    pub size: Size,
}

/// A linear layer to be loaded: name without `.weight`, width of its output, whether it has a bias.
pub(super) struct LinearPart<'a> {
    pub name: String,
    pub outputs: usize,
    pub bias: Option<&'a str>,
}

impl LinearPart<'_> {
    fn weight(&self) -> String {
        format!("{}.weight", self.name)
    }
}

impl<'a> Loader<'a> {
    pub fn new(source: &'a dyn WeightSource, kernels: &'a Kernels) -> Self {
        Self {
            source,
            kernels,
            size: Size::default(),
        }
    }

    /// Numbers of a norm, in f32.
    fn vector(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, LoadError> {
        let tensor = self.source.get_plain(name, shape, DType::F32)?;
        let len = tensor.elem_count();
        self.count(len, 4 * len);
        tensor.to_device(self.kernels.device()).map_err(LoadError::tensor(name))
    }

    /// A vector that is no tensor afterwards.
    pub(crate) fn numbers(&mut self, name: &str, len: usize) -> Result<Vec<f32>, LoadError> {
        let tensor = self.source.get_plain(name, &[len], DType::F32)?;
        self.count(len, 4 * len);
        tensor.to_vec1().map_err(LoadError::tensor(name))
    }

    /// A norm of `config`'s hidden states: its weight, plus one where the family stores it without, and its bias if it has one.
    pub(crate) fn norm(&mut self, name: &str, config: &ModelConfig) -> Result<NormLayer, LoadError> {
        let bias = config.has_norm_bias().then(|| format!("{name}.bias"));
        let bias = bias.map(|bias| self.vector(&bias, &[config.hidden])).transpose()?;
        let name = format!("{name}.weight");
        let weight = self.vector(&name, &[config.hidden])?;
        norm(&weight, bias.as_ref(), config).map_err(LoadError::tensor(&name))
    }

    /// The norm of queries or of keys in a layer's `attention`.
    pub(crate) fn qk_norm(
        &mut self,
        attention: &str,
        weights: &QkNormWeights,
        config: &ModelConfig,
    ) -> Result<NormLayer, LoadError> {
        let names = weights.names.iter().map(|name| format!("{attention}.{name}.weight"));
        let each = names.map(|name| self.vector(&name, &weights.shape));
        let each = each.collect::<Result<Vec<_>, _>>()?;
        let all = match &each[..] {
            [] => Tensor::ones(&weights.shape[..], DType::F32, self.kernels.device()),
            [one] => Ok(one.clone()),
            several => Tensor::stack(several, 0),
        };
        norm(&all.map_err(LoadError::tensor(attention))?, None, config).map_err(LoadError::tensor(attention))
    }

    /// Layers of the same input as one, whose outputs follow each other.
    pub fn linear(&mut self, inputs: usize, parts: &[LinearPart<'_>]) -> Result<Linear, LoadError> {
        let mut biases = Vec::with_capacity(parts.len());
        for part in parts {
            biases.push(match part.bias {
                Some(bias) => {
                    let name = format!("{}.{bias}", part.name);
                    self.count(part.outputs, 4 * part.outputs);
                    Some(self.source.get_plain(&name, &[part.outputs], DType::F32)?)
                }
                None => None,
            });
            let numbers = part.outputs * inputs;
            self.count(numbers, numbers * self.kernels.dtype().size_in_bytes());
        }
        let outputs: Vec<usize> = parts.iter().map(|part| part.outputs).collect();
        let first = parts.first().map_or("", |part| &part.name).to_owned();
        let mut packing = self
            .kernels
            .packing(outputs.iter().sum(), inputs)
            .map_err(LoadError::tensor(&first))?;
        self.put_parts(&mut packing, inputs, parts)?;
        packing.finish(&biases, &outputs).map_err(LoadError::tensor(&first))
    }

    /// Puts the weights of layers of the same input in place: on a GPU some rows by each thread.
    fn put_parts(&self, packing: &mut LinearPacking, inputs: usize, parts: &[LinearPart<'_>]) -> Result<(), LoadError> {
        let above = parts.iter().scan(0, |above, part| {
            let first = *above;
            *above += part.outputs;
            Some((part, first))
        });
        let (source, dtype) = (self.source, self.kernels.dtype());
        if let Some(plain) = packing.plain().filter(|_| !self.kernels.device().is_cpu()) {
            let pieces = above.flat_map(|(part, above)| {
                let pieces = pieces(0..part.outputs, (BY_A_THREAD / inputs.max(1)).max(1));
                pieces.map(move |rows| (part, above, rows))
            });
            let put = |(part, above, rows): (&LinearPart<'_>, usize, Range<usize>)| {
                let mut put = |row: usize, rows: &Tensor| plain.put(above + row, rows);
                source.each_rows(&part.weight(), (part.outputs, inputs), rows, dtype, &mut put)?;
                self.kernels.hand_over().map_err(LoadError::tensor(&part.name))
            };
            // Room that this thread asked for, for all of them.
            self.kernels.hand_over().map_err(LoadError::tensor("model"))?;
            return pieces.collect::<Vec<_>>().into_par_iter().try_for_each(put);
        }
        for (part, above) in above {
            let mut put = |row: usize, rows: &Tensor| packing.put(above + row, rows);
            let rows = 0..part.outputs;
            source.each_rows(&part.weight(), (part.outputs, inputs), rows, dtype, &mut put)?;
        }
        Ok(())
    }

    pub fn count(&mut self, numbers: usize, bytes: usize) {
        self.size.parameters += numbers as u64;
        self.size.bytes += bytes as u64;
    }
}

/// A norm as `config` has them, of a weight as it is stored.
fn norm(weight: &Tensor, bias: Option<&Tensor>, config: &ModelConfig) -> candle_core::Result<NormLayer> {
    match config.design.norm_offset {
        true => NormLayer::new(&(weight + 1.0)?, bias, config.norm_rule()),
        false => NormLayer::new(weight, bias, config.norm_rule()),
    }
}

impl std::ops::AddAssign for Size {
    fn add_assign(&mut self, other: Self) {
        self.parameters += other.parameters;
        self.bytes += other.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Batch, Engine, EngineSettings, LanguageModel, TextRequest, TokenScore, Weight, checkpoint,
        decoder::{Decoder, Placement},
        testing::{PlainText, RandomWeights, families, scores},
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
            let recording = Arc::new(Recording(Mutex::default()));
            let source: Arc<dyn WeightSource> = recording.clone();
            let decoder = Decoder::load(&config, &source, &kernels, Placement::Resident).unwrap();
            let read = std::mem::take(&mut *recording.0.lock().unwrap());
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
    fn weights_that_are_kept_as_blocks_or_read_for_each_batch_change_no_bit() {
        let cpu = Kernels::new(&Device::Cpu, DType::F32).unwrap();
        for config in families() {
            let config = ModelConfig {
                intermediate: 64,
                ..config
            };
            let source: Arc<dyn WeightSource> = Arc::new(Blocks);
            let tokens: Vec<u32> = (0..50).map(|i| i * 11 % 64).collect();
            let of = |placement: Placement| {
                let decoder = Decoder::load(&config, &source, &cpu, placement).unwrap();
                let size = decoder.size();
                let mut engine = Engine::new(decoder, &EngineSettings::default());
                let twice = [0, 1].map(|_| scores(&mut engine, &[(&tokens[..1], &tokens[1..])]).remove(0));
                assert_eq!(twice[0], twice[1]);
                let mut text = PlainText::greedy(&tokens[..20], 9);
                let texts = &mut [&mut text as &mut dyn TextRequest];
                engine.answer(Batch { scores: &[], texts }).unwrap();
                (twice[0].clone(), text.written.remove(0), size)
            };
            let plain = of(Placement::Resident);
            for placement in [Placement::Streamed, Placement::Blocks] {
                let other = of(placement);
                let bits =
                    |row: &[TokenScore]| -> Vec<u32> { row.iter().map(|score| score.logprob.to_bits()).collect() };
                assert_eq!(bits(&other.0), bits(&plain.0), "{placement:?} {}", config.family);
                assert_eq!(other.1, plain.1, "{placement:?} {}", config.family);
                assert_eq!(other.2.parameters, plain.2.parameters);
                assert!(
                    other.2.bytes < plain.2.bytes,
                    "{placement:?} {:?} {:?}",
                    other.2,
                    plain.2
                );
            }
        }
    }

    #[test]
    fn a_missing_tensor_is_named() {
        struct Nothing;
        impl WeightSource for Nothing {
            fn get(&self, name: &str, _: &[usize]) -> Result<Weight, LoadError> {
                let source = candle_core::Error::Msg("not here".to_owned());
                Err(LoadError::tensor(name)(source))
            }
        }
        let kernels = Kernels::new(&Device::Cpu, DType::F32).unwrap();
        let config = ModelConfig {
            layers: 1,
            ..families().swap_remove(0)
        };
        let source: Arc<dyn WeightSource> = Arc::new(Nothing);
        let error = Decoder::load(&config, &source, &kernels, Placement::Resident).unwrap_err();
        assert_eq!(error.to_string(), "tensor `model.norm.weight`: not here");
    }
}
