//! log P(option label | context): the candidates are listed, and the label of each is scored, averaged over orders.

use super::likelihood::scored;
use super::{
    Answered, Asked, Claims, Concluded, Definition, Evidence, EvidenceKind, Judged, Prefixes, Request, ScoringError,
};
use crate::model::TokenScore;
use crate::prompt::{ProbePrompt, Prompt, PromptError, PromptKind};
use crate::scoring::Permutation;
use crate::scoring::norm::highest;
use crate::scoring::request::{Claim, Claimed, Continuation};

/// See the module.
pub struct LabelMethod;

impl Definition for LabelMethod {
    fn name(&self) -> &'static str {
        "label"
    }

    fn about(&self) -> &'static str {
        "The label of each listed option is scored"
    }

    fn evidence(&self) -> EvidenceKind {
        EvidenceKind::Label
    }

    fn template(&self) -> (&'static str, &'static str) {
        ("prompts/label.txt", include_str!("../../../prompts/label.txt"))
    }

    fn parse(&self, name: &str, text: &str) -> Result<Prompt, PromptError> {
        ProbePrompt::parse(PromptKind::Letter, name, text).map(Prompt::Probe)
    }

    fn requests(&self, asked: &Asked<'_>, texts: &mut Prefixes<'_>) -> Result<Vec<Request>, ScoringError> {
        let mut requests = Vec::new();
        for probe in 0..asked.case.probes.len() {
            for order in asked.orders(probe) {
                requests.push(scored(asked, texts, probe, order)?);
            }
        }
        Ok(requests)
    }

    fn judge(&self, asked: &Asked<'_>, answered: Vec<Answered>, _: &[(usize, Answered)]) -> Vec<Judged> {
        judged(asked, &answered)
    }

    fn claims(&self, asked: &Asked<'_>, probe: usize, evidence: &Evidence) -> Result<Claims, ScoringError> {
        let Evidence::Label { permutations, .. } = evidence else {
            return Ok(Claims::default());
        };
        let mut claims = Claims::default();
        for permutation in permutations {
            let mut sorted = permutation.order.clone();
            sorted.sort_unstable();
            if !sorted.into_iter().eq(0..asked.size(probe)) {
                claims.odd.push("an order is not one of the candidates".to_owned());
                continue;
            }
            let pieces = asked.pieces(probe, Some(&permutation.order))?;
            for (option, continuation) in pieces.continuations.iter().enumerate() {
                claims.claims.push(Claim {
                    what: format!("option {option}"),
                    context: pieces.context(),
                    continuation: Continuation::Text(continuation.clone()),
                    recorded: Claimed::Sum(permutation.logprobs.get(option).copied().unwrap_or(f64::NAN)),
                });
            }
        }
        Ok(claims)
    }

    fn contradicts(&self, asked: &Asked<'_>, probe: usize, evidence: &Evidence) -> Option<String> {
        let Evidence::Label { permutations, .. } = evidence else {
            return None;
        };
        let orders = permutations.iter().map(|one| &one.order);
        (!orders.eq(&asked.orders(probe))).then(|| OTHER_ORDERS.to_owned())
    }

    fn concluded(&self, evidence: &Evidence) -> Concluded {
        match evidence {
            Evidence::Label {
                logprobs, permutations, ..
            } => Concluded::Choice(chosen(logprobs, permutations)),
            _ => Concluded::Foreign,
        }
    }
}

/// What is wrong with a record whose options were listed in other orders.
pub(super) const OTHER_ORDERS: &str = "the orders of the options are not those that the spec calls for";

/// One judgement a probe, from the scores of its labels in each order.
pub(super) fn judged(asked: &Asked<'_>, answered: &[Answered]) -> Vec<Judged> {
    let of_probe = |orders: &[Answered]| {
        let permutations: Vec<Permutation> = orders.iter().map(permutation).collect();
        let probe = orders[0].request.probe;
        let (logprobs, invalid_mass) = average(&permutations, asked.size(probe));
        Judged {
            probe,
            context_tokens: orders[0].request.context_tokens,
            prediction: chosen(&logprobs, &permutations),
            evidence: Evidence::Label {
                logprobs,
                invalid_mass,
                permutations,
            },
        }
    };
    answered
        .chunk_by(|a, b| a.request.probe == b.request.probe)
        .map(of_probe)
        .collect()
}

/// Means that differ by no more are equal: sums of the same numbers in another order.
const ROUNDING: f64 = 1e-12;

/// The candidate of the highest mean. Of equal ones it is the one that the first order lists first, which is drawn: the
/// catalogue's first would win whenever a model looks at places alone.
fn chosen(logprobs: &[f64], permutations: &[Permutation]) -> Option<usize> {
    let best = logprobs[highest(logprobs)?];
    let is_best = |&candidate: &usize| logprobs.get(candidate).is_some_and(|&mean| mean >= best - ROUNDING);
    let first = permutations
        .first()
        .and_then(|first| first.order.iter().copied().find(is_best));
    first.or_else(|| highest(logprobs))
}

fn permutation(answered: &Answered) -> Permutation {
    let sum = |row: &Vec<TokenScore>| row.iter().map(|score| f64::from(score.logprob)).sum();
    Permutation {
        order: answered.request.order.clone(),
        logprobs: answered.rows().iter().map(sum).collect(),
    }
}

/// Means over the orders: log-probability of each candidate's label, and the mass that fell on no label.
fn average(permutations: &[Permutation], candidates: usize) -> (Vec<f64>, f64) {
    let count = permutations.len().max(1) as f64;
    let mut logprobs = vec![0.0; candidates];
    let mut invalid_mass = 0.0;
    for permutation in permutations {
        let mut on_labels = 0.0;
        for (&candidate, &logprob) in permutation.order.iter().zip(&permutation.logprobs) {
            logprobs[candidate] += logprob / count;
            on_labels += libm::exp(logprob);
        }
        invalid_mass += (1.0 - on_labels).max(0.0) / count;
    }
    (logprobs, invalid_mass)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two orders of three options. By hand: candidate 0 is A then B, candidate 1 is C then A, candidate 2 is B then C.
    #[test]
    fn an_average_follows_candidates_and_not_places() {
        let ln = |p: f64| libm::log(p);
        let permutations = [
            Permutation {
                order: vec![0, 2, 1],
                logprobs: vec![ln(0.5), ln(0.2), ln(0.1)],
            },
            Permutation {
                order: vec![1, 0, 2],
                logprobs: vec![ln(0.4), ln(0.3), ln(0.2)],
            },
        ];
        let (logprobs, invalid_mass) = average(&permutations, 3);
        for (mean, product) in logprobs.iter().zip([0.5 * 0.3, 0.1 * 0.4, 0.2 * 0.2]) {
            assert!((mean - ln(product) / 2.0).abs() < 1e-12);
        }
        assert!((invalid_mass - (0.2 + 0.1) / 2.0).abs() < 1e-12);
        assert_eq!(chosen(&logprobs, &permutations), Some(0));
        let level = [logprobs[0]; 3];
        assert_eq!(
            chosen(&level, &permutations[1..]),
            Some(1),
            "of equals the first that was listed"
        );
    }
}
