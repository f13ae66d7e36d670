//! What asks would take, found out without computing anything.

use super::contexts::Item;
use super::{Ask, Prefixes, Scorer};
use crate::scoring::ScoringError;
use crate::scoring::plan::{Leaf, Packing, Plan};

/// What asks take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
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
    pub fn estimate(&mut self, asks: &[Ask<'_>]) -> Result<Estimate, ScoringError> {
        let mut prefixes = Prefixes::default();
        let prepared = asks
            .iter()
            .map(|ask| self.prepare(ask, &mut prefixes))
            .collect::<Result<Vec<_>, ScoringError>>()?;
        let items: Vec<&Item> = prepared.iter().flat_map(|prepared| &prepared.shown().items).collect();
        let mut paths = Vec::new();
        let mut leaves = Vec::new();
        let mut generated = 0;
        for (item, paper) in prepared.iter().flat_map(|prepared| {
            let paper = matches!(prepared, super::Prepared::Paper(_));
            prepared.shown().items.iter().map(move |item| (item, paper))
        }) {
            for joined in &item.joined {
                paths.push(joined.context.as_slice());
                leaves.push(Leaf {
                    tokens: joined.continuation.len(),
                });
            }
            if let Some(answers) = &item.answers {
                let most = answers.max_tokens(&self.settings, paper);
                generated += most as u64;
                paths.push(answers.prompt.as_slice());
                leaves.push(Leaf { tokens: most });
            }
        }
        let plan = Plan::new(&paths, &leaves, Packing::Together, self.model.free_tokens(), false)?;
        let longest = paths
            .iter()
            .zip(&leaves)
            .map(|(path, leaf)| path.len() + leaf.tokens)
            .max()
            .unwrap_or(0);
        Ok(Estimate {
            prompts: items.len(),
            shared: plan.shared.saturating_sub(generated),
            alone: plan.alone.saturating_sub(generated),
            generated,
            peak: plan.peak,
            longest: self.root_depth() + longest,
        })
    }
}
