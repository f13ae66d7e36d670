//! What must hold of a record's evidence by itself.

use crate::scoring::{CandidateScore, Evidence, Outcome, Permutation};

/// Most that a recorded mean may differ from the mean of what is recorded beside it.
const ROUNDING: f64 = 1e-9;

/// Most that the log-probability of a token may be above 0: a softmax in single precision rounds.
const ABOVE_ONE: f64 = 1e-3;

/// Whether evidence is whole in itself and of the method's kind.
pub(super) fn evidence(outcome: &Outcome) -> Result<(), String> {
    if outcome.evidence.kind() != outcome.condition.method.definition().evidence() {
        return Err("it is not the method's kind of evidence".to_owned());
    }
    match &outcome.evidence {
        Evidence::Likelihood { scores } => {
            count("candidates", scores.len(), outcome.candidates)?;
            scores
                .iter()
                .enumerate()
                .try_for_each(|(at, score)| candidate(score).map_err(|what| format!("candidate {at}: {what}")))
        }
        Evidence::Label {
            logprobs,
            invalid_mass,
            permutations,
        } => label(logprobs, *invalid_mass, permutations, outcome.candidates),
        Evidence::Generation { tries, .. } => tries.iter().enumerate().try_for_each(|(at, told)| {
            let what = |what| format!("try {at}: {what}");
            count("logprobs", told.logprobs.len(), told.tokens.len()).map_err(what)?;
            probabilities(told.logprobs.iter().map(|&logprob| f64::from(logprob))).map_err(what)
        }),
    }
}

fn candidate(score: &CandidateScore) -> Result<(), String> {
    if score.tokens.is_empty() {
        return Err("it has no tokens".to_owned());
    }
    count("log-probabilities", score.logprobs.len(), score.tokens.len())?;
    if let Some(unconditional) = &score.unconditional {
        count(
            "unconditional log-probabilities",
            unconditional.len(),
            score.tokens.len(),
        )?;
    }
    let all = score.logprobs.iter().chain(score.unconditional.iter().flatten());
    probabilities(all.map(|&logprob| f64::from(logprob)))
}

fn label(logprobs: &[f64], invalid_mass: f64, permutations: &[Permutation], candidates: usize) -> Result<(), String> {
    count("logprobs", logprobs.len(), candidates)?;
    if permutations.is_empty() {
        return Err("no order of the options was asked".to_owned());
    }
    let mut means = vec![0.0; candidates];
    let mut outside = 0.0;
    for permutation in permutations {
        let mut order = permutation.order.clone();
        order.sort_unstable();
        if !order.into_iter().eq(0..candidates) {
            return Err("an order is not one of the candidates".to_owned());
        }
        count("logprobs of an order", permutation.logprobs.len(), candidates)?;
        probabilities(permutation.logprobs.iter().copied())?;
        let share = 1.0 / permutations.len() as f64;
        for (&at, &logprob) in permutation.order.iter().zip(&permutation.logprobs) {
            means[at] += logprob * share;
        }
        let inside: f64 = permutation.logprobs.iter().map(|&logprob| libm::exp(logprob)).sum();
        outside += (1.0 - inside).max(0.0) * share;
    }
    let near = |a: f64, b: f64| (a - b).abs() <= ROUNDING * (1.0 + b.abs());
    if !logprobs
        .iter()
        .zip(&means)
        .all(|(&recorded, &mean)| near(recorded, mean))
    {
        return Err("`logprobs` are not the means over the orders".to_owned());
    }
    if !near(invalid_mass, outside) {
        return Err("`invalid_mass` is not the mean over the orders".to_owned());
    }
    Ok(())
}

fn count(what: &str, found: usize, expected: usize) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{found} {what} where there must be {expected}")),
    }
}

fn probabilities(mut logprobs: impl Iterator<Item = f64>) -> Result<(), String> {
    match logprobs.find(|logprob| !logprob.is_finite() || *logprob > ABOVE_ONE) {
        None => Ok(()),
        Some(logprob) => Err(format!("{logprob} is not a log-probability")),
    }
}
