//! Random draws that are the same on every machine and in every version: ChaCha8, own shuffles, software transcendentals.
//!
//! The algorithms are fixed here and not left to a crate, since a changed draw changes samples, synthetic people,
//! demonstrations and intervals. Tests pin them.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// Bytes of a stream that are taken up at once.
const AT_ONCE: usize = 1 << 11;

/// A number that is drawn as a whole.
trait Word<const BYTES: usize> {
    fn of(bytes: [u8; BYTES]) -> Self;
}

impl Word<4> for u32 {
    fn of(bytes: [u8; 4]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

impl Word<8> for u64 {
    fn of(bytes: [u8; 8]) -> Self {
        Self::from_le_bytes(bytes)
    }
}

/// Draws from here on are drawn again: of the last, incomplete run of the range, whose numbers would be likelier.
fn limit(bound: u64) -> u64 {
    u64::MAX - u64::MAX % bound
}

/// One stream of draws.
#[derive(Debug, Clone)]
pub struct Draws(ChaCha8Rng);

impl Draws {
    /// The stream numbered `stream` of a seed; streams of one seed are independent of each other.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// The draws of a 256-bit key, such as a hash of everything that may decide them.
    pub(crate) fn from_key(key: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(key))
    }

    /// A whole number below `bound` (which is at least 1), each equally likely.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        let limit = limit(bound);
        loop {
            let drawn = self.0.next_u64();
            if drawn < limit {
                return (drawn % bound) as usize;
            }
        }
    }

    /// The same as often as wanted, one after the other.
    pub(crate) fn each_below(&mut self, bound: usize, times: usize, mut take: impl FnMut(usize)) {
        let bound = bound.max(1) as u64;
        let limit = limit(bound);
        // A multiplication and what it is short of, which is one multiple of the bound at most, in place of a division.
        let inverse = u64::MAX / bound;
        let mut left = times;
        while left > 0 {
            // Every number that is wanted takes a draw at the least, so that none is drawn in vain.
            left -= self.words(left, |drawn: u64| {
                let quotient = ((u128::from(drawn) * u128::from(inverse)) >> 64) as u64;
                let rest = drawn - quotient * bound;
                let below = if rest >= bound { rest - bound } else { rest };
                let counts = drawn < limit;
                if counts {
                    take(below as usize);
                }
                usize::from(counts)
            });
        }
    }

    /// Takes up so many words of the stream, as if they were drawn one by one; returns the sum of what is made of them.
    fn words<const BYTES: usize, W: Word<BYTES>>(&mut self, count: usize, mut take: impl FnMut(W) -> usize) -> usize {
        let mut bytes = [0; AT_ONCE];
        let (mut left, mut sum) = (count * BYTES, 0);
        while left > 0 {
            let bytes = &mut bytes[..left.min(AT_ONCE)];
            self.0.fill_bytes(bytes);
            let words = bytes.as_chunks::<BYTES>().0;
            sum += words.iter().map(|word| take(W::of(*word))).sum::<usize>();
            left -= bytes.len();
        }
        sum
    }

    /// A number in [0, 1), with 53 bits.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Heads or tails, as often as wanted, one after the other.
    pub(crate) fn coins(&mut self, times: usize, mut take: impl FnMut(bool)) {
        self.words(times, |drawn: u32| {
            take(drawn & 1 == 0);
            0
        });
    }

    /// Whether something of this probability happens.
    pub(crate) fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A standard normal number.
    pub(crate) fn normal(&mut self) -> f64 {
        // 1 - u is above 0, so the logarithm is finite. `libm` rounds alike everywhere; the machine's own may not.
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// A standard Gumbel number: added to utilities, the highest one is a multinomial-logit choice.
    pub(crate) fn gumbel(&mut self) -> f64 {
        let unit = self.unit().max(f64::MIN_POSITIVE);
        -libm::log(-libm::log(unit))
    }

    /// A position, likelier where the weight is higher; 0 where there are no weights.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
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
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// `count` different positions below `total` (all of them where there are fewer), in ascending order, every set
    /// equally likely.
    pub fn choose(&mut self, total: usize, count: usize) -> Vec<usize> {
        let count = count.min(total);
        let mut all: Vec<usize> = (0..total).collect();
        for at in 0..count {
            all.swap(at, at + self.below(total - at));
        }
        all.truncate(count);
        all.sort_unstable();
        all
    }
}

/// Spreads a number over all 64 bits: the finalizer of splitmix64 (Steele, Lea and Flood, 2014). Equal inputs only
/// give equal outputs.
pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
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
        // The first number that splitmix64 gives for the seed 0.
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0xe220_a839_7b1d_cdaf);
    }

    /// Many draws at once are those of one after the other, wherever in the stream they begin, and leave it at the same place.
    #[test]
    fn many_draws_are_those_that_come_one_by_one() {
        let times = [0, 1, 7, 255, 256, 257, 3000];
        for (bound, words_before) in [
            (1, 0),
            (2, 1),
            (3, 2),
            (10, 15),
            (1 << 33, 63),
            ((1 << 63) + 1, 5),
            (usize::MAX, 1),
        ] {
            for times in times {
                let mut many = Draws::new(9, bound as u64);
                for _ in 0..words_before {
                    many.0.next_u32();
                }
                let mut single = many.clone();
                let mut found = Vec::new();
                many.each_below(bound, times, |at| found.push(at));
                let expected: Vec<usize> = (0..times).map(|_| single.below(bound)).collect();
                assert_eq!(found, expected, "below {bound}, {times} times");
                let mut coins = Vec::new();
                many.coins(times, |coin| coins.push(coin));
                assert_eq!(
                    coins,
                    (0..times).map(|_| single.0.next_u32() & 1 == 0).collect::<Vec<_>>()
                );
                assert_eq!(many.0.next_u64(), single.0.next_u64());
            }
        }
    }

    #[test]
    fn chosen_positions_are_different_and_there() {
        let choose = |total, count, seed| Draws::new(seed, 0).choose(total, count);
        let chosen = choose(100, 30, 7);
        assert_eq!(chosen.len(), 30);
        assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]) && chosen[29] < 100);
        assert_ne!(chosen, choose(100, 30, 8));
        assert_eq!(choose(3, 30, 7), [0, 1, 2]);
    }

    #[test]
    fn every_order_is_equally_likely() {
        let mut seen = [[0u32; 5]; 5];
        let mut draws = Draws::new(11, 0);
        for _ in 0..5000 {
            let mut items = [0usize, 1, 2, 3, 4];
            draws.shuffle(&mut items);
            for (place, item) in items.into_iter().enumerate() {
                seen[item][place] += 1;
            }
        }
        // 1000 expected; the standard deviation is 28, so 150 is more than five of them.
        assert!(seen.iter().flatten().all(|&n| n.abs_diff(1000) < 150), "{seen:?}");
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
