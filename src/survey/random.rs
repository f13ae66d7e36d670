//! Random draws that are the same on every machine and in every version: ChaCha8, own shuffles, software transcendentals.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// One stream of draws.
pub(super) struct Draws(ChaCha8Rng);

impl Draws {
    /// The stream numbered `stream` of a seed; streams of one seed are independent of each other.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// A whole number below `bound` (which is at least 1), each equally likely.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        // The last, incomplete run of the range is drawn again: no number is likelier than another.
        let limit = u64::MAX - u64::MAX % bound;
        loop {
            let drawn = self.0.next_u64();
            if drawn < limit {
                return (drawn % bound) as usize;
            }
        }
    }

    /// A number in [0, 1), with 53 bits.
    pub(super) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A standard normal number.
    pub(super) fn normal(&mut self) -> f64 {
        // 1 - u is above 0, so the logarithm is finite. `libm` rounds alike everywhere; the machine's own may not.
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// A standard Gumbel number: added to utilities, the highest one is a multinomial-logit choice.
    pub(super) fn gumbel(&mut self) -> f64 {
        let unit = self.unit().max(f64::MIN_POSITIVE);
        -libm::log(-libm::log(unit))
    }

    /// A position, likelier where the weight is higher; 0 where there are no weights.
    pub(super) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut rest = self.unit() * weights.iter().sum::<f64>();
        for (at, weight) in weights.iter().enumerate() {
            if rest < *weight {
                return at;
            }
            rest -= weight;
        }
        weights.len().saturating_sub(1)
    }

    /// Puts items in random order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_pinned() {
        // A change of these numbers changes every sample and every synthetic file.
        let mut draws = Draws::new(1, 0);
        let mut order: Vec<usize> = (0..8).collect();
        draws.shuffle(&mut order);
        assert_eq!(order, [0, 2, 3, 4, 5, 6, 7, 1]);
        assert_eq!((draws.normal() * 1e6) as i64, 406_434);
    }

    #[test]
    fn normal_numbers_have_mean_0_and_spread_1() {
        let mut draws = Draws::new(3, 1);
        let numbers: Vec<f64> = (0..20_000).map(|_| draws.normal()).collect();
        let mean = numbers.iter().sum::<f64>() / 20_000.0;
        let variance = numbers.iter().map(|n| (n - mean) * (n - mean)).sum::<f64>() / 20_000.0;
        // Four standard errors of 20,000 draws.
        assert!(mean.abs() < 0.029 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
    }

    #[test]
    fn weights_are_followed_and_streams_differ() {
        let mut draws = Draws::new(5, 0);
        let mut counts = [0; 3];
        for _ in 0..9_000 {
            counts[draws.weighted(&[1.0, 0.0, 2.0])] += 1;
        }
        assert_eq!(counts[1], 0);
        assert!((2_700..3_300).contains(&counts[0]), "{counts:?}");
        assert_ne!(Draws::new(5, 1).below(1 << 40), Draws::new(5, 2).below(1 << 40));
    }
}
