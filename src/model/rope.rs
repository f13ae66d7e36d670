//! Rotary position embedding: frequencies of a checkpoint, angles of positions.

use super::design::{RopeScaling, Yarn};
use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

/// Positions one task works on.
const ROWS_PER_TASK: usize = 128;

/// The frequency of each pair of elements of a head.
///
/// Frequencies and angles are rounded to f32 where Hugging Face's implementation rounds them, since that is what
/// checkpoints were trained with: at position 4,000 exact angles would differ from those by 2e-4.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    frequencies: Vec<f32>,
    /// Those in long texts, where they are others.
    long: Option<Vec<f32>>,
    /// What cosines and sines are multiplied by.
    stretch: f32,
}

impl Rope {
    /// The `width / 2` frequencies of a base, for `width` elements of a head that are turned, scaled as said.
    pub fn new(theta: f64, scaling: &RopeScaling, width: usize) -> Self {
        let plain = (0..width / 2).map(|i| {
            let exponent = (2 * i) as f32 / width as f32;
            1.0 / theta.powf(f64::from(exponent)) as f32
        });
        let long = match scaling {
            RopeScaling::LongRope { long, .. } => Some(divided(plain.clone(), long)),
            _ => None,
        };
        let frequencies = match scaling {
            RopeScaling::None => plain.collect(),
            RopeScaling::Linear(factor) => plain.map(|frequency| frequency / *factor as f32).collect(),
            RopeScaling::Yarn(yarn) => yarn.scaled(plain, theta, width),
            RopeScaling::Factors(factors) | RopeScaling::LongRope { short: factors, .. } => divided(plain, factors),
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
                        } else if wavelength < context / high || low == high {
                            frequency
                        } else {
                            let kept = (context / wavelength - low) / (high - low);
                            (1.0 - kept) * frequency / factor + kept * frequency
                        }
                    })
                    .collect()
            }
        };
        let stretch = match scaling {
            RopeScaling::Yarn(Yarn { attention_factor, .. }) | RopeScaling::LongRope { attention_factor, .. } => {
                *attention_factor as f32
            }
            _ => 1.0,
        };
        Self {
            frequencies,
            long,
            stretch,
        }
    }

    /// Cosines and sines of the angles at `positions` of texts that are `long` or not, each times what `grown` says of its
    /// position: two tensors `(positions, width / 2)`, f32.
    pub fn tables(
        &self,
        positions: &[usize],
        long: bool,
        grown: impl Fn(usize) -> f32 + Sync,
        device: &Device,
    ) -> Result<(Tensor, Tensor)> {
        let frequencies = self.long.as_ref().filter(|_| long).unwrap_or(&self.frequencies);
        let shape = (positions.len(), frequencies.len());
        let (mut cos, mut sin) = (vec![0f32; shape.0 * shape.1], vec![0f32; shape.0 * shape.1]);
        let width = frequencies.len().max(1);
        let rows = (
            cos.par_chunks_mut(width),
            sin.par_chunks_mut(width),
            positions.par_iter(),
        );
        rows.into_par_iter()
            .with_min_len(ROWS_PER_TASK)
            .for_each(|(cos, sin, &position)| {
                let stretch = self.stretch * grown(position);
                for ((cos, sin), frequency) in cos.iter_mut().zip(sin).zip(frequencies) {
                    let (s, c) = (position as f32 * frequency).sin_cos();
                    (*cos, *sin) = (c * stretch, s * stretch);
                }
            });
        Ok((
            Tensor::from_vec(cos, shape, device)?,
            Tensor::from_vec(sin, shape, device)?,
        ))
    }
}

fn divided(frequencies: impl Iterator<Item = f32>, factors: &[f32]) -> Vec<f32> {
    frequencies.zip(factors).map(|(frequency, by)| frequency / by).collect()
}

impl Yarn {
    /// The frequencies `plain` of `width` turned elements, divided by the factor below the ramp and kept above it.
    fn scaled(&self, plain: impl Iterator<Item = f32>, theta: f64, width: usize) -> Vec<f32> {
        // The place at which a wave turns so many times within the original context.
        let place = |rotations: f64| {
            let wavelength = self.original_context as f64 / (rotations * std::f64::consts::TAU);
            width as f64 * wavelength.ln() / (2.0 * theta.ln())
        };
        let (low, high) = (place(self.beta_fast), place(self.beta_slow));
        let (low, high) = if self.truncate {
            (low.floor(), high.ceil())
        } else {
            (low, high)
        };
        let (low, high) = (low.max(0.0), high.min(width as f64 - 1.0));
        // As transformers keeps from dividing by nothing.
        let high = if low == high { high + 0.001 } else { high };
        let of = |(i, frequency): (usize, f32)| {
            let divided = ((i as f32 - low as f32) / (high - low) as f32).clamp(0.0, 1.0);
            let kept = 1.0 - divided;
            frequency / self.factor as f32 * (1.0 - kept) + frequency * kept
        };
        plain.enumerate().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frequencies(scaling: RopeScaling) -> Vec<f32> {
        Rope::new(10_000., &scaling, 8).frequencies
    }

    #[test]
    fn yarn_divides_slow_waves_keeps_fast_ones_and_ramps_between() {
        // Rotations within 1,000 positions: 159, 15.9, 1.59, 0.16. The ramp is from place 0 (32) to place 3 (1).
        let yarn = Yarn {
            factor: 4.0,
            beta_fast: 32.0,
            beta_slow: 1.0,
            original_context: 1000,
            truncate: true,
            attention_factor: 1.5,
        };
        let scaled = frequencies(RopeScaling::Yarn(yarn));
        let expected = [
            1.0,
            0.1 * (2. / 3. + 1. / 12.),
            0.01 * (1. / 3. + 2. / 12.),
            0.001 / 4.0,
        ];
        for (found, expected) in scaled.iter().zip(expected) {
            assert!((found / expected - 1.0f32).abs() < 1e-6, "{scaled:?}");
        }
        let (cos, _) = Rope::new(10_000., &RopeScaling::Yarn(yarn), 8)
            .tables(&[0], false, |_| 2.0, &Device::Cpu)
            .unwrap();
        assert_eq!(cos.to_vec2::<f32>().unwrap(), [[3.0; 4]]);
    }

    #[test]
    fn frequencies_fall_by_a_constant_ratio() {
        assert_eq!(frequencies(RopeScaling::None), [1.0, 0.1, 0.01, 0.001]);
        assert_eq!(frequencies(RopeScaling::Linear(2.0)), [0.5, 0.05, 0.005, 0.0005]);
        let factors = RopeScaling::Factors(vec![1.0, 2.0, 4.0, 10.0]);
        assert_eq!(frequencies(factors), [1.0, 0.05, 0.0025, 0.001 / 10.0]);
    }

    #[test]
    fn longrope_has_two_sets_of_divisors() {
        let rope = Rope::new(
            10_000.,
            &RopeScaling::LongRope {
                short: vec![1.0, 2.0, 4.0, 10.0],
                long: vec![2.0, 2.0, 8.0, 100.0],
                original_context: 40,
                attention_factor: 1.0,
            },
            8,
        );
        assert_eq!(rope.frequencies, [1.0, 0.05, 0.0025, 0.001 / 10.0]);
        assert_eq!(rope.long.as_deref(), Some(&[0.5, 0.05, 0.01 / 8.0, 0.001 / 100.0][..]));
        let [short, long] = [false, true].map(|long| rope.tables(&[3], long, |_| 1.0, &Device::Cpu).unwrap().0);
        assert_eq!(short.to_vec2::<f32>().unwrap()[0][0], 3f32.cos());
        assert_eq!(long.to_vec2::<f32>().unwrap()[0][0], 1.5f32.cos());
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
            long: None,
            stretch: 1.0,
        };
        let (cos, sin) = rope.tables(&[0, 3], false, |_| 1.0, &Device::Cpu).unwrap();
        assert_eq!(cos.to_vec2::<f32>().unwrap(), [[1.0, 1.0], [3f32.cos(), 1.5f32.cos()]]);
        assert_eq!(sin.to_vec2::<f32>().unwrap(), [[0.0, 0.0], [3f32.sin(), 1.5f32.sin()]]);
    }
}
