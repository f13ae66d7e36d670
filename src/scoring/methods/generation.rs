//! One generated choice a probe, in several orders of the options.

use super::label::OTHER_ORDERS;
use super::{
    Answered, Asked, Claims, Concluded, Definition, Evidence, EvidenceKind, Judged, Prefixes, Request, ScoringError,
};
use crate::model::TokenizeError;
use crate::prompt::{Pieces, ProbePrompt, Prompt, PromptError, PromptKind};
use crate::scoring::answers::{AnswerSpace, runs};
use crate::scoring::constraint::End;
use crate::scoring::join::{Encoded, Encoder};
use crate::scoring::orders::plurality;
use crate::scoring::parser::{Read, read_single};
use crate::scoring::request::{Claim, Claimed, Continuation, Given, Wanted, Writing};
use crate::scoring::thoughts::ThoughtRule;
use crate::scoring::{Reading, ScoringSpec, Try};

/// At most this many tokens for a free answer to one probe.
const SINGLE_TOKENS: usize = 16;

/// See the module.
pub struct GenerationMethod;

impl Definition for GenerationMethod {
    fn name(&self) -> &'static str {
        "generation"
    }

    fn about(&self) -> &'static str {
        "The model writes its choice for one probe"
    }

    fn evidence(&self) -> EvidenceKind {
        EvidenceKind::Generation
    }

    fn template(&self) -> (&'static str, &'static str) {
        ("prompts/single.txt", include_str!("../../../prompts/single.txt"))
    }

    fn parse(&self, name: &str, text: &str) -> Result<Prompt, PromptError> {
        ProbePrompt::parse(PromptKind::Written, name, text).map(Prompt::Probe)
    }

    fn requests(&self, asked: &Asked<'_>, texts: &mut Prefixes<'_>) -> Result<Vec<Request>, ScoringError> {
        let mut requests = Vec::new();
        for probe in 0..asked.case.probes.len() {
            for order in asked.orders(probe) {
                requests.push(request(asked, texts, probe, order)?);
            }
        }
        Ok(requests)
    }

    fn read(&self, text: &str, options: &[&[&str]]) -> Vec<Read> {
        options.iter().map(|options| read_single(text, options)).collect()
    }

    fn judge(&self, _: &Asked<'_>, answered: Vec<Answered>, _: &[(usize, Answered)]) -> Vec<Judged> {
        let mut judged = Vec::new();
        let mut orders = answered.into_iter().peekable();
        while let Some(first) = orders.next() {
            let (probe, context_tokens) = (first.request.probe, first.request.context_tokens);
            let (mut tries, mut reads) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(answered) = next {
                if let Given::Texts {
                    tries: of_order,
                    reads: of_all,
                } = answered.given
                {
                    tries.extend(of_order);
                    reads.extend(of_all);
                }
                next = orders.next_if(|next| next.request.probe == probe);
            }
            let evidence = Evidence::Generation {
                reading: Read::of_orders(&reads).map_or(Reading::Missing, Read::reading),
                tries,
            };
            judged.push(Judged {
                probe,
                context_tokens,
                prediction: plurality(evidence.choices_by_order()),
                evidence,
            });
        }
        judged
    }

    fn claims(&self, asked: &Asked<'_>, probe: usize, evidence: &Evidence) -> Result<Claims, ScoringError> {
        let Evidence::Generation { tries, .. } = evidence else {
            return Ok(Claims::default());
        };
        let mut claims = Claims::default();
        for (number, one) in tries.iter().enumerate() {
            // Records of format 1 hold no order: there was one, the catalogue's.
            let order = Some(one.order.as_slice()).filter(|order| !order.is_empty());
            claims.claims.push(claim(asked, probe, order, (number, one))?);
        }
        Ok(claims)
    }

    fn contradicts(&self, asked: &Asked<'_>, probe: usize, evidence: &Evidence) -> Option<String> {
        let tries = evidence.tries()?;
        let of_orders: Vec<&[Try]> = tries.chunk_by(|a, b| a.order == b.order).collect();
        let orders = asked.orders(probe);
        if !of_orders.iter().map(|of_order| &of_order[0].order).eq(&orders) {
            return Some(OTHER_ORDERS.to_owned());
        }
        let question = asked.question(probe).map(|id| id.to_string()).unwrap_or_default();
        let candidates = asked.candidates(probe);
        of_orders.into_iter().zip(&orders).find_map(|(tries, order)| {
            let options: Vec<&str> = order.iter().filter_map(|&at| candidates.get(at).copied()).collect();
            let seeds = seeds(asked, &question, order);
            mistried(self, asked.spec, &seeds, &[&options], tries)
                .map(|what| format!("options in the order {order:?}: {what}"))
        })
    }

    fn concluded(&self, evidence: &Evidence) -> Concluded {
        match evidence {
            Evidence::Generation { tries, .. } if tries.iter().any(|one| one.order.is_empty()) => Concluded::Unsaid,
            Evidence::Generation { .. } => Concluded::Choice(plurality(evidence.choices_by_order())),
            _ => Concluded::Foreign,
        }
    }
}

/// What a record says of one of its texts.
pub(super) fn claim(
    asked: &Asked<'_>,
    probe: usize,
    order: Option<&[usize]>,
    (number, one): (usize, &Try),
) -> Result<Claim, ScoringError> {
    Ok(Claim {
        what: format!("generated text {}", number + 1),
        context: asked.pieces(probe, order)?.context(),
        continuation: Continuation::Tokens(one.tokens.clone()),
        recorded: Claimed::Each(one.logprobs.clone(), None),
    })
}

/// The seeds of all tries of one prompt.
pub(super) fn seeds(asked: &Asked<'_>, what: &str, order: &[usize]) -> Vec<u64> {
    let of_try = |round: usize| {
        let numbers: Vec<usize> = order.iter().copied().chain([round]).collect();
        asked.seed(&["try", asked.condition, what], &numbers)
    };
    (0..=asked.spec.retries.get()).map(of_try).collect()
}

/// What is wrong with the number, the seeds and the temperatures of the tries of one prompt. `options` are those of each
/// probe that is answered, in the order shown.
pub(super) fn mistried(
    method: &dyn Definition,
    spec: &ScoringSpec,
    seeds: &[u64],
    options: &[&[&str]],
    tries: &[Try],
) -> Option<String> {
    let mut reads = vec![Read::Missing; options.len()];
    for (round, one) in tries.iter().enumerate() {
        let number = round + 1;
        let wanted = seeds.get(round).filter(|_| round == 0 || method.asks_again(&reads));
        let Some(&seed) = wanted else {
            return Some(format!("text {number} is one more than the answers before it call for"));
        };
        if one.seed != seed {
            return Some(format!(
                "`seed` of text {number} is {} where {seed} follows from the spec",
                one.seed
            ));
        }
        let temperature = spec.temperature_of(round);
        if one.temperature != temperature {
            let is = one.temperature;
            return Some(format!(
                "`temperature` of text {number} is {is} where the spec says {temperature}"
            ));
        }
        for (known, now) in reads.iter_mut().zip(method.read(&one.text, options)) {
            if known.prediction().is_none() {
                *known = now;
            }
        }
    }
    let short = tries.is_empty() || (tries.len() < seeds.len() && method.asks_again(&reads));
    short.then(|| format!("there is no text {}, which the spec calls for", tries.len() + 1))
}

fn request(
    asked: &Asked<'_>,
    texts: &mut Prefixes<'_>,
    probe: usize,
    order: Vec<usize>,
) -> Result<Request, ScoringError> {
    let pieces = asked.pieces(probe, Some(&order))?;
    let context = texts.context(&pieces, asked.frame)?;
    let encoder = texts.encoder(asked.frame);
    let answers = behind_thoughts(asked, &encoder, (&pieces, &context), |context| {
        Ok(letters(&encoder, context, order.len(), asked.spec.constrained)?)
    })?;
    let question = asked.question(probe).map(|id| id.to_string()).unwrap_or_default();
    let candidates = asked.candidates(probe);
    Ok(Request {
        probe,
        context_tokens: context.len(),
        wanted: Wanted::Text(Writing {
            answer_tokens: answers.answer_tokens(SINGLE_TOKENS),
            answers,
            options: vec![order.iter().map(|&at| candidates[at].to_owned()).collect()],
            seeds: seeds(asked, &question, &order),
        }),
        order,
    })
}

/// The answers that `answers` finds behind a text: behind the prompt, or behind thoughts that follow on it.
pub(super) fn behind_thoughts(
    asked: &Asked<'_>,
    encoder: &Encoder<'_>,
    (pieces, context): (&Pieces, &Encoded),
    answers: impl FnOnce(&Encoded) -> Result<AnswerSpace, ScoringError>,
) -> Result<AnswerSpace, ScoringError> {
    let Some(block) = &pieces.thoughts else {
        return answers(context);
    };
    let answers = answers(&ThoughtRule::closed(encoder, block)?)?;
    let rule = ThoughtRule::new(encoder, block, asked.spec.thinking(), &answers.prompt)?;
    Ok(answers.behind(rule, context.tokens()))
}

/// The letters of as many options: nothing else where the answer is `constrained`, else only to be watched.
fn letters(
    encoder: &Encoder<'_>,
    context: &Encoded,
    options: usize,
    constrained: bool,
) -> Result<AnswerSpace, TokenizeError> {
    let letters = (b'A'..=b'Z').take(options).map(|letter| char::from(letter).to_string());
    let (prompt, runs) = runs(encoder, context, letters)?;
    if constrained {
        return Ok(AnswerSpace::only(prompt, vec![runs]));
    }
    // Where letters join the end of the prompt, they have no first token of their own behind it.
    let tokens = context.tokens();
    let beginnings = match prompt == tokens {
        true => runs.iter().filter_map(|run| run.first().copied()).collect(),
        false => Vec::new(),
    };
    Ok(AnswerSpace::free(tokens, End::Letter, beginnings))
}
