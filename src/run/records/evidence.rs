//! Evidence on disk: what predictions rest on, one file a kind and one shape a file, keyed by the record's id.

use std::borrow::Cow;

use super::evidence_line::{CandidateEntry, GenerationLine, LabelLine, LikelihoodLine, TryEntry};
use super::line::{Pick, Status};
use super::plain;
use crate::scoring::norm::total;
use crate::scoring::{CandidateScore, Evidence, EvidenceKind, Try};

/// Name of the file of a kind of evidence in a run's folder.
pub(in crate::run) fn file(kind: EvidenceKind) -> &'static str {
    match kind {
        EvidenceKind::Likelihood => "evidence-likelihood.jsonl",
        EvidenceKind::Label => "evidence-label.jsonl",
        EvidenceKind::Generation => "evidence-generation.jsonl",
    }
}

/// What `invalid_mass` of a try says where nothing was measured.
const NOT_MEASURED: f32 = -1.0;

/// The line of some evidence, without its check. `texts` are the candidates in order.
///
/// # Errors
/// A number that is none, or candidates without a text.
pub(super) fn encode(id: &str, evidence: &Evidence, texts: &[String]) -> Result<Vec<u8>, String> {
    let id = Cow::Borrowed(id);
    let line = match evidence {
        Evidence::Likelihood { scores } => {
            if scores.len() != texts.len() {
                return Err(format!(
                    "{} candidates are scored where there are {}",
                    scores.len(),
                    texts.len()
                ));
            }
            let candidates = scores
                .iter()
                .zip(texts)
                .map(|(score, text)| CandidateEntry::new(score, text));
            serde_json::to_vec(&LikelihoodLine {
                id,
                candidates: candidates.collect::<Result<_, _>>()?,
            })
        }
        Evidence::Label {
            logprobs,
            invalid_mass,
            permutations,
        } => {
            let asked = permutations.iter().flat_map(|permutation| &permutation.logprobs);
            finite(logprobs.iter().chain([invalid_mass]).chain(asked).copied())?;
            serde_json::to_vec(&LabelLine {
                id,
                logprobs: logprobs.clone(),
                invalid_mass: *invalid_mass,
                permutations: permutations.clone(),
            })
        }
        Evidence::Generation { tries, .. } => serde_json::to_vec(&GenerationLine {
            id,
            tries: tries.iter().map(TryEntry::new).collect::<Result<_, _>>()?,
        }),
    };
    line.map_err(|error| error.to_string())
}

/// The evidence that a line of this kind is, and the id of its record. `texts` are the candidates in order, where they
/// are known; `status` is the record's.
///
/// # Errors
/// What is wrong with the line: no JSON of this shape, or a field that does not follow from the others.
pub(super) fn decode<'a>(
    kind: EvidenceKind,
    line: &'a [u8],
    status: Status,
    texts: Option<&[String]>,
) -> Result<(Cow<'a, str>, Evidence), String> {
    let bad = |error: serde_json::Error| error.to_string();
    Ok(match kind {
        EvidenceKind::Likelihood => {
            let line = plain::likelihood(line).map_or_else(|| serde_json::from_slice(line), Ok);
            let line: LikelihoodLine<'a> = line.map_err(bad)?;
            if let Some(texts) = texts
                && !line
                    .candidates
                    .iter()
                    .map(|candidate| candidate.text.as_ref())
                    .eq(texts.iter().map(String::as_str))
            {
                return Err("`candidates` are not those of the question in people.json".to_owned());
            }
            let scores = line.candidates.into_iter().enumerate();
            let scores = scores
                .map(|(at, candidate)| candidate.score(at))
                .collect::<Result<_, _>>()?;
            (line.id, Evidence::Likelihood { scores })
        }
        EvidenceKind::Label => {
            let line = plain::label(line).map_or_else(|| serde_json::from_slice(line), Ok);
            let line: LabelLine<'a> = line.map_err(bad)?;
            let evidence = Evidence::Label {
                logprobs: line.logprobs,
                invalid_mass: line.invalid_mass,
                permutations: line.permutations,
            };
            (line.id, evidence)
        }
        EvidenceKind::Generation => {
            let line: GenerationLine<'a> = serde_json::from_slice(line).map_err(bad)?;
            let tries = line
                .tries
                .into_iter()
                .map(TryEntry::into_try)
                .collect::<Result<_, _>>()?;
            let reading = status.into();
            (line.id, Evidence::Generation { reading, tries })
        }
    })
}

impl<'a> CandidateEntry<'a> {
    fn new(score: &CandidateScore, text: &'a str) -> Result<Self, String> {
        let unconditional = score.unconditional.clone();
        let numbers = score.logprobs.iter().chain(unconditional.iter().flatten());
        finite(numbers.map(|&number| f64::from(number)))?;
        Ok(Self {
            text: Cow::Borrowed(text),
            logprob: total(&score.logprobs),
            unconditional: unconditional.as_ref().map(|logprobs| total(logprobs)),
            chars: score.chars,
            bytes: score.bytes,
            tokens: score.tokens.clone(),
            token_logprobs: score.logprobs.clone(),
            unconditional_token_logprobs: unconditional,
        })
    }

    fn score(self, at: usize) -> Result<CandidateScore, String> {
        let wrong = |name: &str| {
            Err(format!(
                "candidate {at}: `{name}` does not follow from the rest of the line"
            ))
        };
        if self.logprob != total(&self.token_logprobs) {
            return wrong("logprob");
        }
        if self.unconditional != self.unconditional_token_logprobs.as_deref().map(total) {
            return wrong("unconditional");
        }
        if self.chars != self.text.chars().count() {
            return wrong("chars");
        }
        if self.bytes != self.text.len() {
            return wrong("bytes");
        }
        Ok(CandidateScore {
            tokens: self.tokens,
            logprobs: self.token_logprobs,
            unconditional: self.unconditional_token_logprobs,
            chars: self.chars,
            bytes: self.bytes,
        })
    }
}

impl TryEntry {
    fn new(told: &Try) -> Result<Self, String> {
        let numbers = told.logprobs.iter().chain(&told.invalid_mass);
        finite(numbers.chain([&told.temperature]).map(|&number| f64::from(number)))?;
        Ok(Self {
            order: told.order.clone(),
            choice: Pick(told.choice),
            thoughts: told.thoughts.clone(),
            text: told.text.clone(),
            tokens: told.tokens.clone(),
            logprobs: told.logprobs.clone(),
            invalid_mass: told.invalid_mass.unwrap_or(NOT_MEASURED),
            finish: told.finish,
            temperature: told.temperature,
            seed: told.seed.to_string(),
        })
    }

    fn into_try(self) -> Result<Try, String> {
        let seed = self
            .seed
            .parse()
            .map_err(|_| format!("`seed` is not a whole number: {}", self.seed))?;
        Ok(Try {
            order: self.order,
            choice: self.choice.0,
            thoughts: self.thoughts,
            text: self.text,
            tokens: self.tokens,
            logprobs: self.logprobs,
            invalid_mass: Some(self.invalid_mass).filter(|&mass| mass != NOT_MEASURED),
            finish: self.finish,
            temperature: self.temperature,
            seed,
        })
    }
}

/// JSON has no other numbers; one of these would become a null.
fn finite(mut numbers: impl Iterator<Item = f64>) -> Result<(), String> {
    match numbers.find(|number| !number.is_finite()) {
        None => Ok(()),
        Some(number) => Err(format!("a log-probability is {number}")),
    }
}
