//! What is held of the lines' common beginnings from one group to the next.

use super::{ComputeError, TokenAsk};
use crate::model::{LanguageModel, Node, TokenId};

/// Runs of tokens, each below the one before. They lie in the tree's memory as if nothing had been there before them,
/// so that it does not show in the numbers where a job was taken up again.
#[derive(Debug, Default)]
pub(super) struct HeldPrefix {
    nodes: Vec<(usize, Node)>,
    tokens: Vec<TokenId>,
    computed: u64,
}

impl HeldPrefix {
    /// Holds the tokens that all begin with of which `first` is one, in runs that end where `ends` says, and nothing
    /// else. Returns the node of the last.
    ///
    /// # Errors
    /// What the model reports; it is about `first`.
    pub(super) fn hold(
        &mut self,
        model: &mut dyn LanguageModel,
        first: &TokenAsk,
        ends: &[usize],
    ) -> Result<Node, ComputeError> {
        let tokens = &first.tokens;
        let same = |&(&(end, _), &wanted): &(&(usize, Node), &usize)| {
            end == wanted && self.tokens.get(..end) == tokens.get(..end)
        };
        let kept = self.nodes.iter().zip(ends).take_while(same).count();
        for (_, node) in self.nodes.drain(kept..).rev() {
            model.release(node);
        }
        self.tokens.clone_from(tokens);
        let before = model.computed_tokens();
        for &end in &ends[kept..] {
            let (from, parent) = self.nodes.last().copied().unwrap_or((0, model.root()));
            let node = model
                .extend(parent, &tokens[from..end])
                .map_err(|error| ComputeError::of(error.into(), from))?;
            self.nodes.push((end, node));
        }
        self.computed += model.computed_tokens() - before;
        Ok(self.nodes.last().map_or(model.root(), |&(_, node)| node))
    }

    /// Tokens computed since this was last asked.
    pub(super) fn take_computed(&mut self) -> u64 {
        std::mem::take(&mut self.computed)
    }
}
