//! How token logprobs of a candidate become the one number that candidates are compared by.

use serde::{Deserialize, Serialize};

use crate::scoring::{CandidateScore, Evidence, Outcome};

/// How a candidate's token logprobs are made comparable with those of a candidate of another length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// Σ log P(tᵢ): the log-likelihood itself.
    #[default]
    Sum,
    /// Σ log P(tᵢ) / number of tokens.
    Token,
    /// Σ log P(tᵢ) / number of characters.
    Character,
    /// Σ log P(tᵢ) / number of UTF-8 bytes (`acc_norm` of lm-evaluation-harness).
    Byte,
    /// Σ log P(tᵢ) − Σ log P(tᵢ | neutral context): pointwise mutual information of candidate and context.
    Pmi,
}

impl Norm {
    /// All norms, the log-likelihood itself first.
    pub const ALL: [Self; 5] = [Self::Sum, Self::Token, Self::Character, Self::Byte, Self::Pmi];

    /// The word used in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Token => "token",
            Self::Character => "character",
            Self::Byte => "byte",
            Self::Pmi => "pmi",
        }
    }

    /// The candidate's score under this norm, in nats (a token, character or byte); absent where it needs the
    /// unconditional likelihood and none is stored.
    pub fn score(self, candidate: &CandidateScore) -> Option<f64> {
        let sum: f64 = candidate.logprobs.iter().map(|&l| f64::from(l)).sum();
        match self {
            Self::Sum => Some(sum),
            Self::Token => Some(sum / candidate.logprobs.len().max(1) as f64),
            Self::Character => Some(sum / candidate.chars.max(1) as f64),
            Self::Byte => Some(sum / candidate.bytes.max(1) as f64),
            Self::Pmi => {
                let unconditional: f64 = candidate.unconditional.as_ref()?.iter().map(|&l| f64::from(l)).sum();
                Some(sum - unconditional)
            }
        }
    }
}

/// One score a candidate, on a log scale: under `norm` for likelihoods, the label's logprob for labels. Absent for
/// generated answers and where the norm cannot be computed.
pub fn candidate_scores(outcome: &Outcome, norm: Norm) -> Option<Vec<f64>> {
    match &outcome.evidence {
        Evidence::Likelihood { scores } => scores.iter().map(|candidate| norm.score(candidate)).collect(),
        Evidence::Label { logprobs, .. } => Some(logprobs.clone()),
        Evidence::Generation { .. } => None,
    }
}

/// What the outcome predicts under `norm`: the candidate with the highest score, the first one where several tie.
/// Outcomes that are not likelihoods say what they predict themselves.
pub fn prediction(outcome: &Outcome, norm: Norm) -> Option<usize> {
    match &outcome.evidence {
        Evidence::Likelihood { .. } => candidate_scores(outcome, norm).and_then(|scores| first_highest(&scores)),
        _ => outcome.prediction,
    }
}

/// Position of the highest number, the first where several tie; absent in an empty list or where one is not a number.
fn first_highest(scores: &[f64]) -> Option<usize> {
    let mut best: Option<usize> = None;
    for (position, score) in scores.iter().enumerate() {
        if score.is_nan() {
            return None;
        }
        if best.is_none_or(|b| *score > scores[b]) {
            best = Some(position);
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(logprobs: &[f32], unconditional: Option<&[f32]>, chars: usize, bytes: usize) -> CandidateScore {
        CandidateScore {
            tokens: vec![0; logprobs.len()],
            logprobs: logprobs.to_vec(),
            unconditional: unconditional.map(<[f32]>::to_vec),
            chars,
            bytes,
        }
    }

    #[test]
    fn each_norm_by_hand() {
        let one = candidate(&[-1.0, -2.0, -3.0], Some(&[-4.0, -4.0]), 12, 15);
        let scores: Vec<f64> = Norm::ALL.iter().filter_map(|n| n.score(&one)).collect();
        assert_eq!(scores, [-6.0, -2.0, -0.5, -0.4, 2.0]);
        assert_eq!(Norm::Pmi.score(&candidate(&[-1.0], None, 1, 1)), None);
    }

    #[test]
    fn ties_go_to_the_first_and_nan_to_nobody() {
        assert_eq!(first_highest(&[-2.0, -1.0, -1.0]), Some(1));
        assert_eq!(first_highest(&[]), None);
        assert_eq!(first_highest(&[-1.0, f64::NAN]), None);
    }
}
