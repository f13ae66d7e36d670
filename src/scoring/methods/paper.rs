//! The paper's prompt: all probes of a split in one generated JSON answer.

use super::generation::{behind_thoughts, claim, mistried, seeds};
use super::{
    Answered, Asked, Claims, Concluded, Definition, Evidence, EvidenceKind, Judged, Prefixes, Request, ScoringError,
};
use crate::model::TokenizeError;
use crate::prompt::{PaperPrompt, Prompt, PromptError};
use crate::scoring::answers::{AnswerSpace, runs};
use crate::scoring::constraint::End;
use crate::scoring::join::{Encoded, Encoder};
use crate::scoring::parser::{Read, read_paper};
use crate::scoring::request::{Given, Wanted, Writing};

/// See the module.
pub struct PaperMethod;

impl Definition for PaperMethod {
    fn name(&self) -> &'static str {
        "generation-paper"
    }

    fn title(&self) -> &'static str {
        "generation, paper's prompt"
    }

    fn about(&self) -> &'static str {
        "The paper's prompt: all probes in one answer"
    }

    fn evidence(&self) -> EvidenceKind {
        EvidenceKind::Generation
    }

    fn template(&self) -> (&'static str, &'static str) {
        ("prompts/paper.txt", include_str!("../../../prompts/paper.txt"))
    }

    fn parse(&self, name: &str, text: &str) -> Result<Prompt, PromptError> {
        PaperPrompt::parse(name, text).map(Prompt::Paper)
    }

    fn asks_all_at_once(&self) -> bool {
        true
    }

    fn requests(&self, asked: &Asked<'_>, texts: &mut Prefixes<'_>) -> Result<Vec<Request>, ScoringError> {
        let probes = asked.case.probes.len();
        if probes == 0 {
            return Ok(Vec::new());
        }
        let pieces = asked.pieces(0, None)?;
        let context = texts.context(&pieces, asked.frame)?;
        let owned = |probe| asked.candidates(probe).into_iter().map(str::to_owned).collect();
        let options: Vec<Vec<String>> = (0..probes).map(owned).collect();
        let encoder = texts.encoder(asked.frame);
        let answers = behind_thoughts(asked, &encoder, (&pieces, &context), |context| {
            if asked.spec.constrained {
                let sizes: Vec<usize> = options.iter().map(Vec::len).collect();
                Ok(valid(&encoder, context, &sizes)?)
            } else {
                Ok(AnswerSpace::free(context.tokens(), End::Object, Vec::new()))
            }
        })?;
        Ok(vec![Request {
            probe: 0,
            order: Vec::new(),
            context_tokens: context.len(),
            wanted: Wanted::Text(Writing {
                answer_tokens: answers.answer_tokens(asked.spec.paper_tokens.get()),
                answers,
                options,
                seeds: seeds(asked, "all", &[]),
            }),
        }])
    }

    fn read(&self, text: &str, options: &[&[&str]]) -> Vec<Read> {
        read_paper(text, options)
    }

    fn judge(&self, _: &Asked<'_>, answered: Vec<Answered>, _: &[(usize, Answered)]) -> Vec<Judged> {
        let mut judged = Vec::new();
        for answered in answered {
            let Given::Texts { mut tries, reads } = answered.given else {
                continue;
            };
            let of_group = |(probe, read): (usize, Read)| Judged {
                probe,
                context_tokens: answered.request.context_tokens,
                prediction: read.prediction(),
                evidence: Evidence::Generation {
                    reading: read.reading(),
                    // The texts are kept with the first probe.
                    tries: std::mem::take(&mut tries),
                },
            };
            judged.extend(reads.into_iter().enumerate().map(of_group));
        }
        judged
    }

    fn claims(&self, asked: &Asked<'_>, probe: usize, evidence: &Evidence) -> Result<Claims, ScoringError> {
        let Evidence::Generation { tries, .. } = evidence else {
            return Ok(Claims::default());
        };
        let claims = tries.iter().enumerate().map(|one| claim(asked, probe, None, one));
        Ok(Claims {
            claims: claims.collect::<Result<_, _>>()?,
            odd: Vec::new(),
        })
    }

    fn contradicts(&self, asked: &Asked<'_>, probe: usize, evidence: &Evidence) -> Option<String> {
        // The texts are kept with the first probe.
        let tries = evidence.tries().filter(|_| probe == 0)?;
        let candidates: Vec<Vec<&str>> = (0..asked.case.probes.len())
            .map(|probe| asked.candidates(probe))
            .collect();
        let options: Vec<&[&str]> = candidates.iter().map(Vec::as_slice).collect();
        mistried(self, asked.spec, &seeds(asked, "all", &[]), &options, tries)
    }

    fn concluded(&self, evidence: &Evidence) -> Concluded {
        match evidence {
            Evidence::Generation { .. } => Concluded::Unsaid,
            _ => Concluded::Foreign,
        }
    }
}

/// The paper's answer without rationales: `{"NSG1": {"choice": "NSG1_s` and a number, and so on. Each group's entry is
/// encoded as a whole with every number, so that its tokens are those that the entry has in a text.
fn valid(encoder: &Encoder<'_>, context: &Encoded, sizes: &[usize]) -> Result<AnswerSpace, TokenizeError> {
    let entry = |group: usize, number: usize| {
        let open = if group == 0 { "{" } else { ", " };
        let close = if group + 1 == sizes.len() { "}}" } else { "}" };
        format!(
            "{open}\"NSG{0}\": {{\"choice\": \"NSG{0}_s{1}\"{close}",
            group + 1,
            number + 1
        )
    };
    let mut before = context.clone();
    let mut prompt = context.tokens();
    let mut stages = Vec::with_capacity(sizes.len());
    for (group, &size) in sizes.iter().enumerate() {
        let (from, runs) = runs(encoder, &before, (0..size).map(|number| entry(group, number)))?;
        if group == 0 {
            prompt = from;
        }
        stages.push(runs);
        // Only how the entry ends matters for what follows.
        before = encoder.encode(&entry(group, 0))?;
    }
    Ok(AnswerSpace::only(prompt, stages))
}
