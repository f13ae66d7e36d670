//! Numbers drawn by a hash, in place of logits that a model computes: for stand-ins without weights.

/// Possible values of a drawn number.
const VALUES: usize = 256;

/// Draws a weight for each token of a vocabulary after any path. The same numbers on every machine.
#[derive(Debug, Clone)]
pub struct DrawnWeights {
    /// The values, of which each is as likely as any other.
    values: [f64; VALUES],
    /// The hash of each token.
    tokens: Vec<u64>,
}

impl DrawnWeights {
    /// Draws among `value` of 0 to 255.
    pub fn new(vocabulary: usize, value: impl FnMut(usize) -> f64) -> Self {
        Self {
            values: std::array::from_fn(value),
            tokens: (1..=vocabulary as u64).map(mix).collect(),
        }
    }

    /// The weights of all tokens after the path of this hash, into `weights`.
    pub fn after(&self, path: u64, weights: &mut Vec<f64>) {
        weights.clear();
        let drawn = self
            .tokens
            .iter()
            .map(|token| (mix(path ^ token) >> 56) as usize % VALUES);
        weights.extend(drawn.map(|at| self.values[at]));
    }
}

/// The sum of some weights, from the first to the last.
pub fn sum(weights: &[f64]) -> f64 {
    weights.iter().sum()
}

/// Whether none of them is above this one.
pub fn is_highest(weight: f64, weights: &[f64]) -> bool {
    weights.iter().all(|&other| other <= weight)
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): every input bit reaches every output bit.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of SplitMix64 seeded with 1234567, as its authors' program prints them.
    #[test]
    fn the_hash_is_that_of_splitmix64() {
        let step = 0x9e37_79b9_7f4a_7c15_u64;
        let seed = 1_234_567_u64;
        let outputs = [0, 1, 2].map(|at: u64| mix(seed.wrapping_add(step.wrapping_mul(at))));
        assert_eq!(
            outputs,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn every_token_has_the_value_that_its_hash_says() {
        let drawn = DrawnWeights::new(5, |at| at as f64);
        let mut weights = vec![9.0; 7];
        drawn.after(3, &mut weights);
        let expected = (0..5).map(|token| (mix(3 ^ mix(token + 1)) >> 56) as f64);
        assert_eq!(weights, expected.collect::<Vec<f64>>());
        let most = weights.iter().copied().fold(0.0, f64::max);
        assert!(is_highest(most, &weights) && !is_highest(most - 0.5, &weights));
        assert_eq!(sum(&[0.5, 0.25]), 0.75);
    }
}
