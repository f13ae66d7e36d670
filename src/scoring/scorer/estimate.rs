//! What asks would take, found out without computing anything.

use super::ask::Ask;
use super::walk::Scorer;
use crate::model::{BatchSize, Forest, Path, ScoreRequest, text_pages};
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
    /// What of memory depends on them: tokens and pages.
    pub size: BatchSize,
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
        let (mut paths, mut prompts) = (Vec::new(), Vec::new());
        let mut own_pages = 0;
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
                prompts.push(Path(prompt, &[]));
                own_pages += text_pages(prompt.len(), writing.max_tokens());
                generated += writing.max_tokens() as u64;
                longest = longest.max(prompt.len() + writing.max_tokens());
            }
        }
        let alone = paths.iter().map(|path| path.len() as u64).sum::<u64>();
        let forest = Forest::new(&paths);
        let shared = forest.len() as u64;
        Ok(TokenEstimate {
            prompts: requests.len(),
            shared,
            alone,
            generated,
            longest,
            size: BatchSize {
                tokens: shared,
                pages: forest.pages() as u64,
                kept_pages: (Forest::new(&prompts).pages() + own_pages) as u64,
                texts: prompts.len() as u64,
            },
        })
    }
}
