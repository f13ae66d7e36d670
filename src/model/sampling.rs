//! How the next token is chosen.

use super::{Decoding, TokenId};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// Tokens looked at first for a nucleus; more only if their mass doesn't reach it.
const NUCLEUS_START: usize = 256;

/// Chooses tokens for one generation, with a random stream of its own.
#[derive(Debug, Clone)]
pub(super) struct Sampler {
    temperature: f64,
    top_p: f64,
    random: ChaCha8Rng,
}

/// A chosen token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Choice {
    /// The token.
    pub token: TokenId,
    /// Its log-probability in nats in the full distribution.
    pub logprob: f32,
    /// Probability of all tokens that were not allowed.
    pub off_menu: f32,
}

impl Sampler {
    /// A stream of its own for every seed.
    pub fn new(decoding: &Decoding, seed: u64) -> Self {
        Self {
            temperature: f64::from(decoding.temperature),
            top_p: f64::from(decoding.top_p),
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// Chooses among all tokens, or, given a `menu` (ascending, each token once, all of the vocabulary), among these.
    /// Of equals the lowest token wins. `None` if there is nothing to choose from.
    pub fn choose(&mut self, logits: &[f32], menu: Option<&[TokenId]>) -> Option<Choice> {
        let allowed: Vec<(TokenId, f64)> = match menu {
            None => (0..)
                .zip(logits)
                .map(|(token, &logit)| (token, f64::from(logit)))
                .collect(),
            Some(menu) => menu
                .iter()
                .filter_map(|&token| Some((token, f64::from(*logits.get(token as usize)?))))
                .collect(),
        };
        let log_sum = log_sum_exp(logits);
        let token = if self.temperature > 0. {
            self.draw(allowed.clone())?
        } else {
            allowed.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a })?.0
        };
        let on_menu = match menu {
            None => 1.,
            Some(_) => allowed.iter().map(|(_, logit)| (logit - log_sum).exp()).sum(),
        };
        Some(Choice {
            token,
            logprob: (f64::from(logits[token as usize]) - log_sum) as f32,
            off_menu: (1. - on_menu).clamp(0., 1.) as f32,
        })
    }

    /// Draws from the softmax of logits over temperature, cut to the nucleus.
    fn draw(&mut self, mut tokens: Vec<(TokenId, f64)>) -> Option<TokenId> {
        let max = tokens.iter().map(|(_, logit)| *logit).reduce(f64::max)?;
        for (_, weight) in &mut tokens {
            *weight = ((*weight - max) / self.temperature).exp();
        }
        if self.top_p < 1. {
            cut_to_nucleus(&mut tokens, self.top_p);
        }
        let total: f64 = tokens.iter().map(|(_, weight)| weight).sum();
        // 53 random bits: a number in [0, 1).
        let mut left = (self.random.next_u64() >> 11) as f64 / (1u64 << 53) as f64 * total;
        for &(token, weight) in &tokens {
            left -= weight;
            if left < 0. {
                return Some(token);
            }
        }
        // Rounding may leave a crumb: the last token that has any weight.
        tokens
            .iter()
            .rev()
            .find(|(_, weight)| *weight > 0.)
            .map(|(token, _)| *token)
    }
}

/// Keeps the smallest set of tokens of greatest weight whose share of the mass reaches `share`, always at least one;
/// of equals the lower token first. They are left in falling order of weight.
fn cut_to_nucleus(tokens: &mut Vec<(TokenId, f64)>, share: f64) {
    let goal = share * tokens.iter().map(|(_, weight)| weight).sum::<f64>();
    let order = |a: &(TokenId, f64), b: &(TokenId, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    let mut looked = NUCLEUS_START;
    loop {
        // Sorting a whole vocabulary costs more than the few tokens of a usual nucleus deserve.
        if looked < tokens.len() {
            tokens.select_nth_unstable_by(looked, order);
        } else {
            looked = tokens.len();
        }
        tokens[..looked].sort_unstable_by(order);
        let mut mass = 0.;
        let reached = tokens[..looked].iter().position(|(_, weight)| {
            mass += weight;
            mass >= goal
        });
        match reached {
            Some(last) => return tokens.truncate(last + 1),
            None if looked == tokens.len() => return,
            None => looked *= 8,
        }
    }
}

/// `ln Σ exp(logit)`, summed in f64.
pub(super) fn log_sum_exp(logits: &[f32]) -> f64 {
    let max = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    max + logits
        .iter()
        .map(|&logit| (f64::from(logit) - max).exp())
        .sum::<f64>()
        .ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sampler(temperature: f32, top_p: f32, seed: u64) -> Sampler {
        let decoding = Decoding {
            temperature,
            top_p,
            stop: vec![],
        };
        Sampler::new(&decoding, seed)
    }

    /// How often each of three tokens is drawn in 4,000.
    fn counts(temperature: f32, top_p: f32, logits: &[f32], menu: Option<&[TokenId]>) -> Vec<f64> {
        let mut sampler = sampler(temperature, top_p, 7);
        let mut counts = vec![0.; logits.len()];
        for _ in 0..4000 {
            counts[sampler.choose(logits, menu).unwrap().token as usize] += 1. / 4000.;
        }
        counts
    }

    #[test]
    fn greedy_takes_the_lowest_of_the_best_and_records_the_full_distribution() {
        let logits = [0.0, 2.0, 2.0, 1.0];
        let log_sum = log_sum_exp(&logits);
        let mut greedy = sampler(0., 1., 1);
        let free = greedy.choose(&logits, None).unwrap();
        assert_eq!((free.token, free.off_menu), (1, 0.));
        assert!((f64::from(free.logprob) - (2. - log_sum)).abs() < 1e-6);
        let bound = greedy.choose(&logits, Some(&[0, 3])).unwrap();
        assert_eq!(bound.token, 3);
        let outside = 2. * (2. - log_sum).exp();
        assert!((f64::from(bound.logprob) - (1. - log_sum)).abs() < 1e-6);
        assert!((f64::from(bound.off_menu) - outside).abs() < 1e-6);
        assert_eq!(greedy.choose(&logits, Some(&[])), None);
    }

    #[test]
    fn draws_follow_temperature_nucleus_and_menu() {
        // 4,000 draws: three standard errors of a share are below 0.024.
        const CLOSE: f64 = 0.024;
        let logits = [1f32.ln(), 3f32.ln(), 6f32.ln()];
        let near = |got: Vec<f64>, want: [f64; 3]| {
            assert!(
                got.iter().zip(want).all(|(g, w)| (g - w).abs() < CLOSE),
                "{got:?} {want:?}"
            );
        };
        near(counts(1.0, 1.0, &logits, None), [0.1, 0.3, 0.6]);
        near(counts(0.5, 1.0, &logits, None), [1. / 46., 9. / 46., 36. / 46.]);
        near(counts(1.0, 0.85, &logits, None), [0.0, 1. / 3., 2. / 3.]);
        near(counts(1.0, 0.1, &logits, None), [0.0, 0.0, 1.0]);
        near(counts(1.0, 1.0, &logits, Some(&[0, 1])), [0.25, 0.75, 0.0]);
    }

    #[test]
    fn a_seed_is_a_stream() {
        let logits: Vec<f32> = (0..50).map(|i| (i % 7) as f32 / 3.).collect();
        let stream = |seed| {
            let mut sampler = sampler(1., 0.9, seed);
            (0..20)
                .map(|_| sampler.choose(&logits, None).unwrap().token)
                .collect::<Vec<_>>()
        };
        assert_eq!(stream(1), stream(1));
        assert_ne!(stream(1), stream(2));
    }

    proptest! {
        #[test]
        fn the_nucleus_is_the_shortest_head_of_the_sorted_list(
            weights in prop::collection::vec(0u8..9, 1..900), share in 0.01f64..0.999,
        ) {
            let mut sorted: Vec<(TokenId, f64)> = (0..).zip(weights.iter().map(|w| f64::from(*w))).collect();
            let mut cut = sorted.clone();
            cut_to_nucleus(&mut cut, share);
            sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            prop_assert_eq!(&cut[..], &sorted[..cut.len()]);
            let mass = |tokens: &[(TokenId, f64)]| tokens.iter().map(|(_, weight)| weight).sum::<f64>();
            prop_assert!(mass(&cut) >= share * mass(&sorted) && !cut.is_empty());
            prop_assert!(cut.len() == 1 || mass(&cut[..cut.len() - 1]) < share * mass(&sorted));
        }
    }
}
