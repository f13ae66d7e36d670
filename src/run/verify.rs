//! Records scored again without any sharing: every prompt on its own, in a batch of its own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::records::as_written;
use super::{ExecuteError, Experiment, Header, Unit};
use crate::model::{Backend, Batch, Dtype, ModelIdentity, OpenModel, ScoreRequest, TokenId};
use crate::probe::Case;
use crate::scoring::join::{Encoder, Markup};
use crate::scoring::methods::Concluded;
use crate::scoring::{Ask, Asked, Claimed, Claims, Continuation, Outcome, Scorer, ScoringError, ScoringSpec};

/// Most that a token's log-probability may differ in f32, nats: sums of thousands of products in another order differ
/// by about 1e-4 in models of this depth; ten times that is no rounding.
pub(crate) const TOLERANCE_F32: f32 = 1e-3;

/// The same where operands are rounded to 8 or 11 bits: a value beside a rounding boundary falls to the other side now
/// and then, which moves log-probabilities by some hundredths (`docs/benchmarks.md`).
pub(crate) const TOLERANCE_HALF: f32 = 0.25;

/// Most that a token's log-probability may differ where a run of this header is scored again with this model, nats: nothing
/// where this very program computed it with the same kind of kernels, whose bits do not depend on what is computed together.
pub fn tolerance(recorded: &Header, model: &ModelIdentity) -> f32 {
    let same_program =
        recorded.program == crate::base::version::FULL && recorded.format > 1 && recorded.mixed.is_empty();
    let same_kernels = recorded.model.backend == model.backend && model.backend.is_none_or(Backend::is_exact);
    match model.dtype {
        _ if same_program && same_kernels => 0.0,
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
    /// The numbers of records that must be known to score these again: where all probes of a case are asked at once,
    /// texts are kept with the first.
    pub(crate) fn needed(&self, chosen: &[usize]) -> BTreeSet<usize> {
        let first = |&index: &usize| {
            let (unit, condition, probe) = self.plan.locate(index)?;
            let (condition, _) = self.plan.units[unit].conditions[condition];
            let method = self.plan.conditions[condition].method.definition();
            method.asks_all_at_once().then(|| index - probe)
        };
        let firsts = chosen.iter().filter_map(first);
        chosen.iter().copied().chain(firsts).collect()
    }

    /// Scores these records again, each candidate and each generated text on its own, and derives everything else that
    /// is in them again. `chosen` are numbers of records; those that are [`needed`](Self::needed) are in `outcomes`.
    /// Log-probabilities may differ by `tolerance`, in nats.
    ///
    /// # Errors
    /// What tokenizer, prompts and model report.
    pub(crate) fn verify(
        &self,
        opened: &mut OpenModel,
        outcomes: &BTreeMap<usize, Outcome>,
        chosen: &[usize],
        tolerance: f32,
    ) -> Result<Verified, ExecuteError> {
        let mut verified = Verified::default();
        let records: Vec<(usize, &Outcome, Alone)> = chosen
            .iter()
            .filter_map(|&index| {
                let outcome = outcomes.get(&index)?;
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
                spec: &self.spec.scoring,
                last: None,
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
                .derive(&mut scorer, alone, index, outcomes)
                .map_err(|source| failed(outcome, source))?;
            if let Some(now) = now {
                match (as_written(outcome), as_written(&now)) {
                    (Ok(recorded), Ok(now)) => {
                        compare_values("", &recorded, &now, f64::from(tolerance), &mut found);
                    }
                    (Err(problem), _) | (_, Err(problem)) => found.push(problem),
                }
            }
            let line = index + 1;
            let differences = found.into_iter().map(|what| Difference { line, what });
            verified.differences.extend(differences);
        }
        Ok(verified)
    }

    /// Derives one of these records again, its probe on its own: numbers of tokens, characters and candidates,
    /// averages, how answers were read. Also gives what is wrong with the record in itself.
    fn derive(
        &self,
        scorer: &mut Scorer<'_>,
        alone: Alone,
        index: usize,
        outcomes: &BTreeMap<usize, Outcome>,
    ) -> Result<(Option<Outcome>, Vec<String>), ScoringError> {
        let Some(outcome) = outcomes.get(&index) else {
            return Ok((None, Vec::new()));
        };
        let Alone { unit, mut case, probe } = alone;
        let definition = outcome.condition.method.definition();
        // Where all probes of a case are asked at once, texts are kept with the first.
        let at = if definition.asks_all_at_once() {
            probe
        } else {
            case.probes = vec![case.probes[probe]];
            0
        };
        let cases = [case];
        let asked = self.asks(&unit, &cases);
        let mut found = Vec::new();
        match definition.concluded(&outcome.evidence) {
            Concluded::Choice(choice) if choice != outcome.prediction => {
                found.push("prediction is not what the evidence says".to_owned());
            }
            Concluded::Foreign => found.push(format!("the evidence is not that of {}", outcome.condition.method)),
            Concluded::Choice(_) | Concluded::Unsaid => {}
        }
        let first = index.checked_sub(at).and_then(|first| outcomes.get(&first));
        let tries = first.and_then(|first| first.evidence.tries());
        let mut now = match (outcome.evidence.tries(), tries) {
            (None, _) => scorer.ask(&asked)?.remove(0).pop(),
            (Some(_), Some(tries)) => {
                let (mut read, odd) = scorer.read_again(&asked[0], tries)?;
                found.extend(odd.into_iter().map(str::to_owned));
                (at < read.len()).then(|| read.swap_remove(at))
            }
            (Some(_), None) => None,
        };
        if let Some(now) = now.as_mut()
            && now.evidence.tries().is_none()
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
    spec: &'a ScoringSpec,
    /// The prompt encoded last.
    last: Option<(String, Vec<TokenId>)>,
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
        let asked = Asked {
            catalogue: &self.experiment.people.catalogue,
            case: ask.case,
            prompt: ask.prompt,
            frame: ask.frame,
            spec: self.spec,
            condition: "",
        };
        let definition = outcome.condition.method.definition();
        let Claims { claims, odd } = definition.claims(&asked, self.probe, &outcome.evidence)?;
        odd.into_iter().for_each(|odd| self.differs(odd));
        for claim in claims {
            let (tokens, logprobs) = match claim.continuation {
                Continuation::Text(text) => self.alone(markup, &claim.context, &text)?,
                Continuation::Tokens(tokens) => {
                    let prompt = self.prompt(markup, claim.context)?;
                    let logprobs = self.below(&prompt, &tokens)?;
                    (tokens, logprobs)
                }
            };
            match claim.recorded {
                Claimed::Each(_, Some(recorded)) if recorded != tokens => {
                    self.differs(format!("{} has other tokens", claim.what));
                }
                Claimed::Each(recorded, _) => self.compare(&claim.what, &recorded, &logprobs),
                Claimed::Sum(recorded) => self.compare(&claim.what, &[recorded as f32], &[logprobs.iter().sum()]),
            }
        }
        Ok(())
    }

    /// Tokens of a prompt; the tries of one answer ask for the same one after the other.
    fn prompt(&mut self, markup: Markup, context: String) -> Result<Vec<TokenId>, ScoringError> {
        match &self.last {
            Some((last, tokens)) if *last == context => Ok(tokens.clone()),
            _ => {
                let tokens = Encoder::new(&self.opened.tokenizer, markup).encode(&context)?.tokens();
                self.last = Some((context, tokens.clone()));
                Ok(tokens)
            }
        }
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
        let scores = &[ScoreRequest { context, continuation }];
        let texts = &mut [];
        let answers = self.opened.model.answer(Batch { scores, texts })?;
        Ok(answers.scores.iter().flatten().map(|score| score.logprob).collect())
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
