//! What asks would take, found out without computing anything.

use super::ask::Ask;
use super::walk::Scorer;
use crate::scoring::ScoringError;
use crate::scoring::plan::{Leaf, Packing, WalkPlan};
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
    /// The most tokens that are held at once.
    pub peak: usize,
    /// Tokens of the longest path, BOS included.
    pub longest: usize,
}

impl Scorer<'_> {
    /// What `asks` take when they are asked together. What all people share counts here each time.
    ///
    /// Errors: as [`Scorer::ask`] before it computes.
    pub fn estimate(&mut self, asks: &[Ask<'_>]) -> Result<TokenEstimate, ScoringError> {
        let mut texts = Prefixes::new(self.plain, self.chat);
        let mut requests = Vec::new();
        for ask in asks {
            requests.extend(self.prepare(ask, &ask.condition_text(), &mut texts)?.requests);
        }
        let mut paths = Vec::new();
        let mut leaves = Vec::new();
        let mut generated = 0;
        for request in &requests {
            for joined in request.scored() {
                paths.push(joined.context.as_slice());
                leaves.push(Leaf {
                    tokens: joined.continuation.len(),
                });
            }
            if let Wanted::Text(writing) = &request.wanted {
                generated += writing.max_tokens as u64;
                paths.push(writing.answers.prompt.as_slice());
                leaves.push(Leaf {
                    tokens: writing.max_tokens,
                });
            }
        }
        let plan = WalkPlan::new(&paths, &leaves, Packing::Together, self.model.free_tokens(), false)?;
        let longest = paths
            .iter()
            .zip(&leaves)
            .map(|(path, leaf)| path.len() + leaf.tokens)
            .max()
            .unwrap_or(0);
        Ok(TokenEstimate {
            prompts: requests.len(),
            shared: plan.shared.saturating_sub(generated),
            alone: plan.alone.saturating_sub(generated),
            generated,
            peak: plan.peak,
            longest: self.root_depth() + longest,
        })
    }
}
