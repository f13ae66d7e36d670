//! Records scored again without any sharing: every prompt on its own, from the root, in a pass of its own.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{ExecuteError, Experiment, Unit};
use crate::model::{Dtype, OpenModel, TokenId};
use crate::probe::Case;
use crate::prompt::Pieces;
use crate::scoring::join::{Encoder, Markup};
use crate::scoring::norm::{highest, predict};
use crate::scoring::{Ask, Evidence, Method, Norm, Outcome, Scorer, ScoringError, Template};

/// Most that a token's log-probability may differ in f32, nats: sums of thousands of products in another order differ
/// by about 1e-4 in models of this depth; ten times that is no rounding.
pub const TOLERANCE_F32: f32 = 1e-3;

/// The same where operands are rounded to 8 or 11 bits: a value beside a rounding boundary falls to the other side now
/// and then, which moves log-probabilities by some hundredths (`docs/benchmarks.md`).
pub const TOLERANCE_HALF: f32 = 0.25;

/// Most that a token's log-probability may differ where it was computed in this dtype, nats.
pub fn tolerance(dtype: Dtype) -> f32 {
    match dtype {
        Dtype::F32 => TOLERANCE_F32,
        Dtype::Bf16 | Dtype::F16 => TOLERANCE_HALF,
    }
}

/// A record that does not come out again.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Line of the record in the journal.
    pub line: usize,
    /// What differs and by how much.
    pub what: String,
}

/// What verification found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verified {
    /// Records that were scored again.
    pub records: usize,
    /// Tokens whose log-probability was compared.
    pub tokens: usize,
    /// Largest difference, nats.
    pub largest: f32,
    /// Records beyond the tolerance, or with other tokens.
    pub differences: Vec<Difference>,
}

impl Experiment {
    /// Scores these records again, each candidate and each generated text on its own, and derives everything else that
    /// is in them again. `chosen` are positions in `outcomes`; log-probabilities may differ by `tolerance`, in nats.
    ///
    /// # Errors
    /// What tokenizer, prompts and model report.
    pub fn verify(
        &self,
        opened: &mut OpenModel,
        outcomes: &[Outcome],
        chosen: &[usize],
        tolerance: f32,
    ) -> Result<Verified, ExecuteError> {
        let mut verified = Verified::default();
        let records: Vec<(usize, &Outcome, Alone)> = chosen
            .iter()
            .filter_map(|&index| {
                let outcome = outcomes.get(index)?;
                Some((index, outcome, self.alone(outcome, index)?))
            })
            .collect();
        let failed = |outcome: &Outcome, source| ExecuteError::Scoring {
            respondent: outcome.respondent.clone(),
            split: outcome.split,
            source,
        };
        for (index, outcome, alone) in &records {
            let mut again = Again {
                experiment: self,
                opened,
                probe: alone.probe,
                line: index + 1,
                tolerance,
                verified: &mut verified,
            };
            again.record(alone, outcome).map_err(|source| failed(outcome, source))?;
        }
        verified.records = records.len();
        let mut scorer = self.scorer(opened);
        for (index, outcome, alone) in records {
            let (now, mut found) = self
                .derive(&mut scorer, alone, &outcomes[..=index])
                .map_err(|source| failed(outcome, source))?;
            if let Some(now) = now {
                let values = (serde_json::json!(outcome), serde_json::json!(now));
                compare_values("", &values.0, &values.1, f64::from(tolerance), &mut found);
            }
            let line = index + 1;
            let differences = found.into_iter().map(|what| Difference { line, what });
            verified.differences.extend(differences);
        }
        Ok(verified)
    }

    /// Derives the last of these records again, its probe on its own: numbers of tokens, characters and candidates,
    /// averages, how answers were read. Also gives what is wrong with the record in itself.
    fn derive(
        &self,
        scorer: &mut Scorer<'_>,
        alone: Alone,
        outcomes: &[Outcome],
    ) -> Result<(Option<Outcome>, Vec<String>), ScoringError> {
        let Some((outcome, before)) = outcomes.split_last() else {
            return Ok((None, Vec::new()));
        };
        let Alone { unit, mut case, probe } = alone;
        // The paper's prompt asks all probes of a case at once, and its tries are kept with the first.
        let at = match outcome.condition.method {
            Method::GenerationPaper => probe,
            _ => {
                case.probes = vec![case.probes[probe]];
                0
            }
        };
        let cases = [case];
        let asked = self.asks(&unit, &cases);
        let mut found = Vec::new();
        let mut now = match &outcome.evidence {
            Evidence::Likelihood { scores } => {
                if outcome.prediction != predict(scores, Norm::Sum) {
                    found.push("prediction is not the candidate of the highest likelihood".to_owned());
                }
                scorer.ask(&asked)?.remove(0).pop()
            }
            Evidence::Label { logprobs, .. } => {
                if outcome.prediction != highest(logprobs) {
                    found.push("prediction is not the candidate of the most probable label".to_owned());
                }
                scorer.ask(&asked)?.remove(0).pop()
            }
            Evidence::Generation { .. } => {
                let first = before.len().checked_sub(at).and_then(|first| outcomes.get(first));
                match first.map(|first| &first.evidence) {
                    Some(Evidence::Generation { tries, .. }) => {
                        let (mut read, odd) = scorer.read_again(&asked[0], tries)?;
                        found.extend(odd.map(str::to_owned));
                        (at < read.len()).then(|| read.swap_remove(at))
                    }
                    _ => None,
                }
            }
        };
        if let Some(now) = now.as_mut()
            && !matches!(now.evidence, Evidence::Generation { .. })
        {
            // Of two candidates that are equal to rounding either may be the higher one; it was compared above.
            now.prediction = outcome.prediction;
        }
        Ok((now, found))
    }

    /// One record on its own.
    fn alone(&self, outcome: &Outcome, index: usize) -> Option<Alone> {
        let (unit, condition, probe) = self.plan.locate(index)?;
        let unit = &self.plan.units[unit];
        let (condition, donor) = unit.conditions[condition];
        let mut case = self.case(unit, condition, donor);
        case.demonstrations.truncate(outcome.shown);
        let unit = Unit {
            conditions: vec![(condition, donor)],
            ..unit.clone()
        };
        Some(Alone { unit, case, probe })
    }
}

/// What one record alone was asked.
struct Alone {
    /// A unit of its condition alone.
    unit: Unit,
    /// Its case, with what was really shown.
    case: Case,
    /// Position of its probe in the case.
    probe: usize,
}

/// Fields of `recorded` that are not as in `now`: numbers with a fraction may differ by the tolerance, all else by nothing.
fn compare_values(place: &str, recorded: &Value, now: &Value, tolerance: f64, found: &mut Vec<String>) {
    match (recorded, now) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                compare_values(&format!("{place}.{key}"), &of(a), &of(b), tolerance, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (at, (a, b)) in a.iter().zip(b).enumerate() {
                compare_values(&format!("{place}[{at}]"), a, b, tolerance, found);
            }
        }
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let difference = (a.as_f64().unwrap_or(f64::NAN) - b.as_f64().unwrap_or(f64::NAN)).abs();
            if difference.is_nan() || difference > tolerance {
                found.push(format!("{} differs by {difference:.5}", place.trim_start_matches('.')));
            }
        }
        (a, b) if a != b => found.push(format!("{} is {a} where {b} comes out", place.trim_start_matches('.'))),
        _ => {}
    }
}

struct Again<'a> {
    experiment: &'a Experiment,
    opened: &'a mut OpenModel,
    /// Position of the probe in its case.
    probe: usize,
    line: usize,
    tolerance: f32,
    verified: &'a mut Verified,
}

impl Again<'_> {
    fn record(&mut self, alone: &Alone, outcome: &Outcome) -> Result<(), ScoringError> {
        let cases = [alone.case.clone()];
        let asked = self.experiment.asks(&alone.unit, &cases);
        asked.iter().try_for_each(|ask| self.outcome(ask, outcome))
    }

    fn outcome(&mut self, ask: &Ask<'_>, outcome: &Outcome) -> Result<(), ScoringError> {
        let markup = match ask.frame {
            crate::prompt::Frame::Plain => Markup::Text,
            crate::prompt::Frame::Chat(_) => Markup::Chat,
        };
        match &outcome.evidence {
            Evidence::Likelihood { scores } => {
                let pieces = self.pieces(ask, None)?;
                if scores.len() != pieces.continuations.len() {
                    self.differs(format!(
                        "{} candidates are scored where there are {}",
                        scores.len(),
                        pieces.continuations.len()
                    ));
                }
                for (candidate, (score, continuation)) in scores.iter().zip(&pieces.continuations).enumerate() {
                    let (tokens, logprobs) = self.alone(markup, &pieces.context(), continuation)?;
                    if tokens != score.tokens {
                        self.differs(format!("candidate {candidate} has other tokens"));
                        continue;
                    }
                    self.compare(&format!("candidate {candidate}"), &score.logprobs, &logprobs);
                }
            }
            Evidence::Label { permutations, .. } => {
                for permutation in permutations {
                    let mut sorted = permutation.order.clone();
                    sorted.sort_unstable();
                    if !sorted.into_iter().eq(0..outcome.candidates) {
                        self.differs("an order is not one of the candidates".to_owned());
                        continue;
                    }
                    let pieces = self.pieces(ask, Some(&permutation.order))?;
                    for (option, continuation) in pieces.continuations.iter().enumerate() {
                        let (_, logprobs) = self.alone(markup, &pieces.context(), continuation)?;
                        let sum: f32 = logprobs.iter().sum();
                        let recorded = permutation.logprobs.get(option).copied().unwrap_or(f64::NAN);
                        self.compare(&format!("option {option}"), &[recorded as f32], &[sum]);
                    }
                }
            }
            Evidence::Generation { tries, .. } if tries.is_empty() => {}
            Evidence::Generation { tries, .. } => {
                let context = self.pieces(ask, None)?.context();
                let prompt = Encoder::new(&self.opened.tokenizer, markup).encode(&context)?.tokens();
                for (number, told) in tries.iter().enumerate() {
                    let logprobs = self.below(&prompt, &told.tokens)?;
                    self.compare(&format!("generated text {}", number + 1), &told.logprobs, &logprobs);
                }
            }
        }
        Ok(())
    }

    fn pieces(&self, ask: &Ask<'_>, order: Option<&[usize]>) -> Result<Pieces, ScoringError> {
        let catalogue = &self.experiment.people.catalogue;
        Ok(match ask.template {
            Template::Probe(prompt) => {
                prompt.pieces(catalogue, ask.case, &ask.case.probes[self.probe], order, ask.frame)?
            }
            Template::Paper(prompt) => prompt.pieces(catalogue, ask.case, ask.frame)?,
        })
    }

    /// Tokens of a continuation and their log-probabilities, with nothing shared.
    fn alone(
        &mut self,
        markup: Markup,
        context: &str,
        continuation: &str,
    ) -> Result<(Vec<TokenId>, Vec<f32>), ScoringError> {
        let encoder = Encoder::new(&self.opened.tokenizer, markup);
        let joined = encoder.join(&encoder.encode(context)?, continuation)?;
        let logprobs = self.below(&joined.context, &joined.continuation)?;
        Ok((joined.continuation, logprobs))
    }

    fn below(&mut self, context: &[TokenId], continuation: &[TokenId]) -> Result<Vec<f32>, ScoringError> {
        let model = self.opened.model.as_mut();
        let root = model.root();
        let path = [context, continuation].concat();
        let scores = if model.depth(root) > 0 || context.is_empty() {
            model.score(root, &[&path])?.remove(0)
        } else {
            // Without a BOS nothing predicts the first token, so it is held instead of scored.
            let first = model.extend(root, &path[..1])?;
            let scores = model.score(first, &[&path[1..]]);
            model.release(first);
            scores?.remove(0)
        };
        let wanted = scores.len() - continuation.len();
        Ok(scores[wanted..].iter().map(|score| score.logprob).collect())
    }

    fn compare(&mut self, what: &str, recorded: &[f32], now: &[f32]) {
        if recorded.len() != now.len() {
            self.differs(format!(
                "{what} has {} tokens where {} are recorded",
                now.len(),
                recorded.len()
            ));
            return;
        }
        let largest = recorded.iter().zip(now).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        self.verified.tokens += now.len();
        self.verified.largest = self.verified.largest.max(largest);
        // A NaN must not pass.
        if largest.is_nan() || largest > self.tolerance {
            self.differs(format!("{what} differs by {largest:.5} nats"));
        }
    }

    fn differs(&mut self, what: String) {
        self.verified.differences.push(Difference { line: self.line, what });
    }
}
