//! How the log-likelihoods of candidates of different length are made comparable.

use super::evidence::{CandidateScore, Evidence};

crate::choices! {
    /// What a candidate's log-likelihood is measured by. With s the sum of the candidate's token log-probabilities:
    pub enum Norm: Sum {
        /// The sum s.
        Sum = "sum",
        /// s / tokens of the continuation.
        Token = "token",
        /// s / characters of the candidate.
        Character = "character",
        /// s / UTF-8 bytes of the candidate.
        Byte = "byte",
        /// s - u, u being the same sum after the neutral context: pointwise mutual information of candidate and person
        /// (Holtzman et al. 2021, "Surface Form Competition").
        Pmi = "pmi",
    }
}

/// A candidate's score as far as norms look at it: 24 bytes, since a large run has millions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CandidateSums {
    /// Sum of the log-probabilities, nats.
    sum: f64,
    /// The same after the neutral context; no number where it was not asked for.
    unconditional: f64,
    lengths: Lengths,
}

/// Tokens of the continuation, characters and bytes of the candidate, each in as many bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lengths(u64);

impl Lengths {
    const BITS: u32 = 21;
    /// No model reads a candidate that is longer: of one that is, the most that can be told.
    const MOST: u64 = (1 << Self::BITS) - 1;

    fn new(tokens: usize, chars: usize, bytes: usize) -> Self {
        let most = |units: usize| u64::try_from(units).unwrap_or(u64::MAX).min(Self::MOST);
        Self(most(tokens) | most(chars) << Self::BITS | most(bytes) << (2 * Self::BITS))
    }

    fn get(self, place: u32) -> u32 {
        (self.0 >> (place * Self::BITS) & Self::MOST) as u32
    }

    fn tokens(self) -> u32 {
        self.get(0)
    }

    fn chars(self) -> u32 {
        self.get(1)
    }

    fn bytes(self) -> u32 {
        self.get(2)
    }
}

impl CandidateSums {
    /// Those of a score.
    pub(crate) fn of(score: &CandidateScore) -> Self {
        Self {
            sum: total(&score.logprobs),
            unconditional: score.unconditional.as_deref().map_or(f64::NAN, total),
            lengths: Lengths::new(score.logprobs.len(), score.chars, score.bytes),
        }
    }

    /// Tokens of the continuation.
    pub(crate) fn tokens(&self) -> usize {
        self.lengths.tokens() as usize
    }
}

impl Norm {
    /// A candidate's value: nats, or nats per token, character or byte. Absent for [`Norm::Pmi`] without unconditional
    /// scores. Nothing is divided by zero: an empty candidate's value is its sum, 0.
    pub fn value(self, score: &CandidateScore) -> Option<f64> {
        self.of_sums(&CandidateSums::of(score))
    }

    /// The same from what is kept of a score.
    pub(crate) fn of_sums(self, score: &CandidateSums) -> Option<f64> {
        let per = |units: u32| score.sum / f64::from(units.max(1));
        match self {
            Self::Sum => Some(score.sum),
            Self::Token => Some(per(score.lengths.tokens())),
            Self::Character => Some(per(score.lengths.chars())),
            Self::Byte => Some(per(score.lengths.bytes())),
            Self::Pmi => (!score.unconditional.is_nan()).then_some(score.sum - score.unconditional),
        }
    }
}

/// The candidate of the highest value, the first of equals. Absent where there are no candidates, or where the norm
/// cannot be computed for one of them.
pub(crate) fn predict(scores: &[CandidateScore], norm: Norm) -> Option<usize> {
    let values: Option<Vec<f64>> = scores.iter().map(|score| norm.value(score)).collect();
    highest(&values?)
}

impl Evidence {
    /// Whether the scores say nothing about the person: the prompt was the neutral one itself, token for token, so that
    /// every candidate has the same score after both. Pointwise mutual information is then 0 throughout, and the
    /// prediction it makes is none. Never where unconditional scores are absent.
    pub fn is_neutral(&self) -> bool {
        match self {
            Self::Likelihood { scores } => {
                let same = |score: &CandidateScore| score.unconditional.as_ref() == Some(&score.logprobs);
                !scores.is_empty() && scores.iter().all(same)
            }
            Self::Label { .. } | Self::Generation { .. } => false,
        }
    }
}

/// Position of the highest value, the first of equals.
pub(crate) fn highest(values: &[f64]) -> Option<usize> {
    (0..values.len()).reduce(|best, next| if values[next] > values[best] { next } else { best })
}

/// Sum of log-probabilities, nats. Added in double precision: single-precision sums depend on the order.
pub(crate) fn total(logprobs: &[f32]) -> f64 {
    logprobs.iter().map(|&logprob| f64::from(logprob)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(logprobs: &[f32], unconditional: Option<&[f32]>, chars: usize, bytes: usize) -> CandidateScore {
        CandidateScore {
            tokens: vec![0; logprobs.len()],
            logprobs: logprobs.to_vec(),
            unconditional: unconditional.map(<[f32]>::to_vec),
            chars,
            bytes,
        }
    }

    #[test]
    fn lengths_come_back_and_the_longest_stay_as_long_as_can_be() {
        let most = Lengths::MOST as u32;
        let of = |lengths: Lengths| (lengths.tokens(), lengths.chars(), lengths.bytes());
        assert_eq!(of(Lengths::new(1, 2, 3)), (1, 2, 3));
        assert_eq!(of(Lengths::new(0, most as usize, 0)), (0, most, 0));
        assert_eq!(of(Lengths::new(usize::MAX, 0, 1 << 21)), (most, 0, most));
        assert_eq!(size_of::<CandidateSums>(), 24);
    }

    /// Three candidates, each of which wins by another norm. By hand:
    /// sums -3, -4, -4.5; per token -1.5, -1, -2.25; per character -0.3, -0.5, -0.225; per byte -0.3, -0.4, -0.225;
    /// unconditional sums -3.5, -6, -4: PMI 0.5, 2, -0.5.
    #[test]
    fn norms_by_hand() {
        let scores = [
            score(&[-1.0, -2.0], Some(&[-1.5, -2.0]), 10, 10),
            score(&[-1.0, -1.0, -1.0, -1.0], Some(&[-3.0, -1.0, -1.0, -1.0]), 8, 10),
            score(&[-2.25, -2.25], Some(&[-2.0, -2.0]), 20, 20),
        ];
        let expected = [
            (Norm::Sum, [-3.0, -4.0, -4.5], 0),
            (Norm::Token, [-1.5, -1.0, -2.25], 1),
            (Norm::Character, [-0.3, -0.5, -0.225], 2),
            (Norm::Byte, [-0.3, -0.4, -0.225], 2),
            (Norm::Pmi, [0.5, 2.0, -0.5], 1),
        ];
        for (norm, values, chosen) in expected {
            for (score, value) in scores.iter().zip(values) {
                assert!((norm.value(score).expect("a value") - value).abs() < 1e-12, "{norm}");
            }
            assert_eq!(predict(&scores, norm), Some(chosen), "{norm}");
        }
    }

    #[test]
    fn ties_go_to_the_first_and_gaps_are_not_filled() {
        let equal = [score(&[-1.0], None, 1, 1), score(&[-1.0], None, 1, 1)];
        assert_eq!(predict(&equal, Norm::Sum), Some(0));
        assert_eq!(predict(&equal, Norm::Pmi), None);
        assert_eq!(predict(&[], Norm::Sum), None);
        assert_eq!(Norm::Token.value(&score(&[], None, 0, 0)), Some(0.0));
        for norm in Norm::ALL {
            assert_eq!(norm.name().parse(), Ok(norm));
        }
        assert!("nll".parse::<Norm>().is_err());
    }
}
