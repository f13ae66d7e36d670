//! What a generated answer may be, in tokens.

use std::sync::Arc;

use super::Settings;
use super::contexts::Path;
use crate::model::{Constraint, TokenId, TokenizeError};
use crate::scoring::constraint::{Choices, End, Marks, Until};
use crate::scoring::join::{Encoded, Encoder};

/// A prompt with the answers that may follow.
pub(super) struct Answers {
    /// Tokens before the answer.
    pub prompt: Path,
    /// Valid answers; absent where anything goes.
    valid: Option<Choices>,
    /// Where anything goes, the tokens that a valid answer can begin with, if they are known.
    beginnings: Vec<TokenId>,
}

impl Answers {
    /// Any answer.
    pub(super) fn free(prompt: Path) -> Self {
        Self {
            prompt,
            valid: None,
            beginnings: Vec::new(),
        }
    }

    /// Whether the probability mass outside valid answers is known: at every step where only these may be given, else
    /// at the first.
    pub(super) fn watched_steps(&self) -> usize {
        match &self.valid {
            Some(_) => usize::MAX,
            None => usize::from(!self.beginnings.is_empty()),
        }
    }

    /// The most that is generated.
    pub(super) fn max_tokens(&self, settings: &Settings, paper: bool) -> usize {
        match &self.valid {
            Some(choices) => choices.longest(),
            None if paper => settings.paper_tokens,
            None => settings.single_tokens,
        }
    }

    /// A fresh constraint, which ends the generation as soon as the answer is complete.
    pub(super) fn constraint(&self, marks: Option<&Arc<Marks>>, paper: bool) -> Option<Box<dyn Constraint>> {
        if let Some(choices) = &self.valid {
            return Some(Box::new(choices.clone()));
        }
        let end = if paper { End::Object } else { End::Letter };
        marks.map(|marks| Box::new(Until::new(Arc::clone(marks), end, self.beginnings.clone())) as Box<dyn Constraint>)
    }
}

/// The letters of as many options: nothing else where the answer is `constrained`, else only to be watched.
pub(super) fn letters(
    encoder: &Encoder<'_>,
    context: &Encoded,
    options: usize,
    constrained: bool,
) -> Result<Answers, TokenizeError> {
    let letters = (b'A'..=b'Z').take(options).map(|letter| char::from(letter).to_string());
    let (prompt, runs) = runs(encoder, context, letters)?;
    if constrained {
        return Ok(Answers {
            prompt,
            valid: Some(Choices::new(vec![runs])),
            beginnings: Vec::new(),
        });
    }
    let free = Answers::free(context.tokens());
    // Where letters join the end of the prompt, they have no first token of their own behind it.
    let beginnings = match prompt == free.prompt {
        true => runs.iter().filter_map(|run| run.first().copied()).collect(),
        false => Vec::new(),
    };
    Ok(Answers { beginnings, ..free })
}

/// The paper's answer without rationales: `{"NSG1": {"choice": "NSG1_s` and a number, and so on. Each group's entry is
/// encoded as a whole with every number, so that its tokens are those that the entry has in a text.
pub(super) fn paper(encoder: &Encoder<'_>, context: &Encoded, sizes: &[usize]) -> Result<Answers, TokenizeError> {
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
    Ok(Answers {
        prompt,
        valid: Some(Choices::new(stages)),
        beginnings: Vec::new(),
    })
}

/// Answers as they are encoded after a context: the tokens before all of them, and the tokens of each after these.
fn runs(
    encoder: &Encoder<'_>,
    context: &Encoded,
    answers: impl Iterator<Item = String>,
) -> Result<(Path, Vec<Vec<TokenId>>), TokenizeError> {
    let joined = answers
        .map(|answer| encoder.join(context, &answer))
        .collect::<Result<Vec<_>, _>>()?;
    let shortest = joined
        .iter()
        .map(|joined| &joined.context)
        .min_by_key(|context| context.len());
    let prompt = shortest.cloned().unwrap_or_else(|| context.tokens());
    let runs = joined
        .into_iter()
        .map(|joined| [&joined.context[prompt.len()..], &joined.continuation].concat())
        .collect();
    Ok((prompt, runs))
}
