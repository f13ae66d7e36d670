//! What is held of the lines' common beginnings from one group to the next.

use super::{Line, Request, RequestError};
use crate::model::{LanguageModel, ModelError, Node, TokenId};
use crate::scoring::ScoringError;

/// Runs of tokens, each below the one before. They lie in the tree's memory as if nothing had been there before them,
/// so that it does not show in the numbers where a job was taken up again.
#[derive(Debug, Default)]
pub(super) struct Trunk {
    nodes: Vec<(usize, Node)>,
    tokens: Vec<TokenId>,
    computed: u64,
}

impl Trunk {
    /// Holds the tokens that a group's lines begin with, in runs that end where `ends` says, and nothing else. Returns
    /// the node of the last.
    pub(super) fn hold(
        &mut self,
        model: &mut dyn LanguageModel,
        asked: &[(&Line, &Request)],
        ends: &[usize],
    ) -> anyhow::Result<Node> {
        let Some(&(_, request)) = asked.first() else {
            return Ok(model.root());
        };
        let tokens = &request.tokens;
        let same = |&(&(end, _), &wanted): &(&(usize, Node), &usize)| {
            end == wanted && self.tokens.get(..end) == tokens.get(..end)
        };
        let kept = self.nodes.iter().zip(ends).take_while(same).count();
        for (_, node) in self.nodes.drain(kept..).rev() {
            model.release(node);
        }
        self.tokens = tokens.clone();
        let before = model.computed_tokens();
        for &end in &ends[kept..] {
            let (from, parent) = self.nodes.last().copied().unwrap_or((0, model.root()));
            let node = model
                .extend(parent, &tokens[from..end])
                .map_err(|error| named(error.into(), asked, from))?;
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

/// An error of the tree with the line that it is about, where the first `held` tokens of the lines were held.
pub fn named(error: ScoringError, asked: &[(&Line, &Request)], held: usize) -> anyhow::Error {
    let (job, needed, free) = match error {
        ScoringError::Room { job, needed, free } => (job, needed, free),
        ScoringError::Model(ModelError::OutOfSlots { needed, free }) => (0, needed, free),
        other => return other.into(),
    };
    match asked.get(job) {
        Some((line, _)) => RequestError::Room {
            place: line.place.clone(),
            needed: needed + held,
            free: free + held,
        }
        .into(),
        None => ScoringError::Room { job, needed, free }.into(),
    }
}
