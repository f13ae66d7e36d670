//! log P(candidate | context): each candidate follows as the next statement.

use super::{
    Answered, Asked, Claims, Concluded, Definition, Evidence, EvidenceKind, Judged, Prefixes, Request, ScoringError,
};
use crate::model::TokenScore;
use crate::prompt::{ProbePrompt, Prompt, PromptError, PromptKind};
use crate::scoring::CandidateScore;
use crate::scoring::norm::{Norm, predict};
use crate::scoring::request::{Claim, Claimed, Continuation, Wanted};

/// See the module.
pub struct LikelihoodMethod;

impl Definition for LikelihoodMethod {
    fn name(&self) -> &'static str {
        "likelihood"
    }

    fn about(&self) -> &'static str {
        "Each candidate is scored as the next statement"
    }

    fn evidence(&self) -> EvidenceKind {
        EvidenceKind::Likelihood
    }

    fn template(&self) -> (&'static str, &'static str) {
        (
            "prompts/likelihood.txt",
            include_str!("../../../prompts/likelihood.txt"),
        )
    }

    fn parse(&self, name: &str, text: &str) -> Result<Prompt, PromptError> {
        ProbePrompt::parse(PromptKind::Candidate, name, text).map(Prompt::Probe)
    }

    fn asks_for_answer(&self) -> bool {
        false
    }

    fn is_normed(&self) -> bool {
        true
    }

    fn needs_neutral(&self, asked: &Asked<'_>) -> bool {
        asked.spec.unconditional
    }

    fn requests(&self, asked: &Asked<'_>, texts: &mut Prefixes<'_>) -> Result<Vec<Request>, ScoringError> {
        let request = |probe| scored(asked, texts, probe, (0..asked.size(probe)).collect());
        (0..asked.case.probes.len()).map(request).collect()
    }

    fn judge(&self, asked: &Asked<'_>, answered: Vec<Answered>, neutral: &[(usize, Answered)]) -> Vec<Judged> {
        let judge = |answered: Answered| {
            let probe = answered.request.probe;
            let question = asked.case.probes[probe].question;
            let neutral = neutral
                .iter()
                .find(|(of, _)| *of == question)
                .map(|(_, neutral)| neutral);
            let scores = scores(asked, &answered, neutral);
            Judged {
                probe,
                context_tokens: answered.request.context_tokens,
                prediction: predict(&scores, Norm::Sum),
                evidence: Evidence::Likelihood { scores },
            }
        };
        answered.into_iter().map(judge).collect()
    }

    fn claims(&self, asked: &Asked<'_>, probe: usize, evidence: &Evidence) -> Result<Claims, ScoringError> {
        let Evidence::Likelihood { scores } = evidence else {
            return Ok(Claims::default());
        };
        let pieces = asked.pieces(probe, None)?;
        let (there, recorded) = (pieces.continuations.len(), scores.len());
        let odd = (there != recorded).then(|| format!("{recorded} candidates are scored where there are {there}"));
        let claim = |(candidate, (score, continuation)): (usize, (&CandidateScore, &String))| Claim {
            what: format!("candidate {candidate}"),
            context: pieces.context(),
            continuation: Continuation::Text(continuation.clone()),
            recorded: Claimed::Each(score.logprobs.clone(), Some(score.tokens.clone())),
        };
        Ok(Claims {
            claims: scores
                .iter()
                .zip(&pieces.continuations)
                .enumerate()
                .map(claim)
                .collect(),
            odd: odd.into_iter().collect(),
        })
    }

    fn contradicts(&self, asked: &Asked<'_>, _: usize, evidence: &Evidence) -> Option<String> {
        let Evidence::Likelihood { scores } = evidence else {
            return None;
        };
        let wanted = asked.spec.unconditional;
        let other = scores
            .iter()
            .position(|score| score.unconditional.is_some() != wanted)?;
        let is = if wanted { "is missing" } else { "was not asked for" };
        Some(format!("candidate {other}: `unconditional` {is}"))
    }

    fn concluded(&self, evidence: &Evidence) -> Concluded {
        match evidence {
            Evidence::Likelihood { scores } => Concluded::Choice(predict(scores, Norm::Sum)),
            _ => Concluded::Foreign,
        }
    }
}

/// The request for the scores of all continuations of a probe's prompt, its options in this order.
pub(super) fn scored(
    asked: &Asked<'_>,
    texts: &mut Prefixes<'_>,
    probe: usize,
    order: Vec<usize>,
) -> Result<Request, ScoringError> {
    let pieces = asked.pieces(probe, Some(&order))?;
    let context = texts.context(&pieces, asked.frame)?;
    let encoder = texts.encoder(asked.frame);
    let joined: Vec<_> = pieces
        .continuations
        .iter()
        .map(|continuation| encoder.join(&context, continuation))
        .collect::<Result<_, _>>()?;
    Ok(Request {
        probe,
        order,
        context_tokens: joined.first().map_or(context.len(), |joined| joined.context.len()),
        wanted: Wanted::Scores(joined),
    })
}

/// Scores of a probe's candidates, with those after the neutral context where they are known.
fn scores(asked: &Asked<'_>, answered: &Answered, neutral: Option<&Answered>) -> Vec<CandidateScore> {
    let values = |row: &[TokenScore]| -> Vec<f32> { row.iter().map(|score| score.logprob).collect() };
    let candidates = asked.candidates(answered.request.probe);
    let joined = answered.request.scored();
    let rows = joined.iter().zip(answered.rows()).zip(candidates).enumerate();
    rows.map(|(at, ((joined, row), candidate))| CandidateScore {
        tokens: joined.continuation.clone(),
        logprobs: values(row),
        unconditional: neutral.and_then(|neutral| {
            // The same tokens have the same score: computed twice, in passes packed differently, they would differ by
            // rounding, and that difference would look like information about the person.
            let row = if neutral.request.scored().get(at) == Some(joined) {
                Some(row)
            } else {
                neutral.rows().get(at)
            };
            row.map(|row| values(row))
        }),
        chars: candidate.chars().count(),
        bytes: candidate.len(),
    })
    .collect()
}
