//! What asks would take, found out without computing anything.

use super::ask::Ask;
use super::walk::Scorer;
use crate::model::{Forest, Path, ScoreRequest};
use crate::scoring::ScoringError;
use crate::scoring::prefixes::Prefixes;
use crate::scoring::request::Wanted;

/// What asks take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenEstimate {
    /// Different prompts.
    pub prompts: usize,
    /// Tokens of prompts and continuations with what they share computed once.
    pub shared: u64,
    /// The same with every one of them computed on its own.
    pub alone: u64,
    /// The most tokens that may be generated.
    pub generated: u64,
    /// Tokens of the longest path, BOS included.
    pub longest: usize,
}

impl Scorer<'_> {
    /// What `asks` take when they are asked together.
    ///
    /// Errors: as [`Scorer::ask`] before it computes.
    pub fn estimate(&mut self, asks: &[Ask<'_>]) -> Result<TokenEstimate, ScoringError> {
        let mut texts = Prefixes::new(self.plain, self.chat);
        let mut requests = Vec::new();
        for ask in asks {
            requests.extend(self.prepare(ask, &ask.condition_text(), &mut texts)?.requests);
        }
        let mut paths = Vec::new();
        let (mut longest, mut generated) = (0, 0);
        for request in &requests {
            for joined in request.scored() {
                let scored = ScoreRequest {
                    context: &joined.context,
                    continuation: &joined.continuation,
                };
                paths.push(scored.fed());
                longest = longest.max(joined.context.len() + joined.continuation.len());
            }
            if let Wanted::Text(writing) = &request.wanted {
                let prompt = &writing.answers.prompt;
                paths.push(Path(prompt, &[]));
                generated += writing.max_tokens() as u64;
                longest = longest.max(prompt.len() + writing.max_tokens());
            }
        }
        let alone = paths.iter().map(|path| path.len() as u64).sum::<u64>();
        Ok(TokenEstimate {
            prompts: requests.len(),
            shared: Forest::new(&paths).len() as u64,
            alone,
            generated,
            longest,
        })
    }
}
