//! Rotary position embedding: frequencies of a checkpoint, angles of positions.

use super::{ModelConfig, RopeScaling};
use candle_core::{Device, Result, Tensor};

/// The frequency of each pair of elements of a head.
///
/// Frequencies and angles are rounded to f32 where Hugging Face's implementation rounds them, since that is what
/// checkpoints were trained with: at position 4,000 exact angles would differ from those by 2e-4.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    frequencies: Vec<f32>,
}

impl Rope {
    /// The `head_dim / 2` frequencies of a checkpoint, scaled as it says.
    pub fn new(config: &ModelConfig) -> Self {
        let dim = config.head_dim;
        let plain = (0..dim / 2).map(|i| {
            let exponent = (2 * i) as f32 / dim as f32;
            1.0 / config.rope_theta.powf(f64::from(exponent)) as f32
        });
        let frequencies = match &config.rope_scaling {
            RopeScaling::None => plain.collect(),
            RopeScaling::Linear(factor) => plain.map(|frequency| frequency / *factor as f32).collect(),
            RopeScaling::Factors(factors) => plain.zip(factors).map(|(frequency, by)| frequency / by).collect(),
            &RopeScaling::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_context,
            } => {
                let (factor, context) = (factor as f32, original_context as f32);
                let (low, high) = (low_freq_factor as f32, high_freq_factor as f32);
                plain
                    .map(|frequency| {
                        let wavelength = 2.0 * std::f32::consts::PI / frequency;
                        if wavelength > context / low {
                            frequency / factor
                        } else if wavelength < context / high {
                            frequency
                        } else {
                            let kept = (context / wavelength - low) / (high - low);
                            (1.0 - kept) * frequency / factor + kept * frequency
                        }
                    })
                    .collect()
            }
        };
        Self { frequencies }
    }

    /// Cosines and sines of the angles at `positions`: two tensors `(positions, head_dim / 2)`, f32.
    pub fn tables(&self, positions: &[usize], device: &Device) -> Result<(Tensor, Tensor)> {
        let shape = (positions.len(), self.frequencies.len());
        let mut cos = Vec::with_capacity(shape.0 * shape.1);
        let mut sin = Vec::with_capacity(shape.0 * shape.1);
        for &position in positions {
            for &frequency in &self.frequencies {
                let (s, c) = (position as f32 * frequency).sin_cos();
                cos.push(c);
                sin.push(s);
            }
        }
        Ok((
            Tensor::from_vec(cos, shape, device)?,
            Tensor::from_vec(sin, shape, device)?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, testing::config};

    fn frequencies(rope_scaling: RopeScaling) -> Vec<f32> {
        let config = ModelConfig {
            rope_scaling,
            head_dim: 8,
            rope_theta: 10_000.,
            ..config(Family::Llama)
        };
        Rope::new(&config).frequencies
    }

    #[test]
    fn frequencies_fall_by_a_constant_ratio() {
        assert_eq!(frequencies(RopeScaling::None), [1.0, 0.1, 0.01, 0.001]);
        assert_eq!(frequencies(RopeScaling::Linear(2.0)), [0.5, 0.05, 0.005, 0.0005]);
        let factors = RopeScaling::Factors(vec![1.0, 2.0, 4.0, 10.0]);
        assert_eq!(frequencies(factors), [1.0, 0.05, 0.0025, 0.001 / 10.0]);
    }

    #[test]
    fn llama3_keeps_short_waves_divides_long_ones_and_blends_between() {
        // Wavelengths 6.3, 63, 628, 6283 against a context of 100: kept below 25, divided above 100.
        let scaled = frequencies(RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_context: 100,
        });
        assert_eq!((scaled[0], scaled[2], scaled[3]), (1.0, 0.01 / 8.0, 0.001 / 8.0));
        let kept = (100.0 / (std::f32::consts::TAU / 0.1) - 1.0) / 3.0;
        assert!((scaled[1] - (0.1 * kept + 0.1 / 8.0 * (1.0 - kept))).abs() < 1e-7);
        assert!(scaled[1] < 0.1 && scaled[1] > 0.1 / 8.0);
    }

    #[test]
    fn tables_are_gathered_by_position() {
        let rope = Rope {
            frequencies: vec![1.0, 0.5],
        };
        let (cos, sin) = rope.tables(&[0, 3], &Device::Cpu).unwrap();
        assert_eq!(cos.to_vec2::<f32>().unwrap(), [[1.0, 1.0], [3f32.cos(), 1.5f32.cos()]]);
        assert_eq!(sin.to_vec2::<f32>().unwrap(), [[0.0, 0.0], [3f32.sin(), 1.5f32.sin()]]);
    }
}
