//! Packing: the tokens of a trie, or of a chunk, in passes through the decoder.

use super::{ModelError, Node, decoder::Run, engine::Engine, kernels::Span, slots::push_span, trie::Trie};
use candle_core::Tensor;
use std::collections::HashMap;

impl Engine {
    /// One pass. Returns the final-normed hidden states of the rows `wanted`.
    pub(super) fn pass(&mut self, runs: &[Run], wanted: &[usize]) -> Result<Tensor, ModelError> {
        self.computed += runs.iter().map(|run| run.tokens.len() as u64).sum::<u64>();
        Ok(self.decoder.forward(runs, wanted, &mut self.kv)?)
    }

    /// Tokens of one pass where `n` are to be computed: passes of about the same size, none above the limit.
    pub(super) fn pass_size(&self, n: usize) -> usize {
        n.div_ceil(n.div_ceil(self.rows).max(1)).max(1)
    }

    /// Computes the tokens of a trie in as few passes as rows and slots allow. After each, `each` is given the numbers
    /// of the tokens that are `wanted` and their hidden states, `(wanted, hidden)`. All slots are given back, also
    /// after an error.
    pub(super) fn with_trie(
        &mut self,
        trie: &Trie,
        keep: Keep,
        wanted: impl Fn(usize) -> bool,
        each: impl FnMut(&mut Self, &[usize], &Tensor) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        let mut held = vec![None; trie.tokens().len()];
        let done = self.run_trie(trie, keep, &mut held, wanted, each);
        self.give_back(held);
        done
    }

    /// Gives back the slots of a trie's tokens.
    pub(super) fn give_back(&mut self, held: impl IntoIterator<Item = Option<usize>>) {
        let spans = held.into_iter().flatten().map(|slot| Span { slot, len: 1 });
        self.tree.slots.give_back(spans);
    }

    /// See [`Engine::with_trie`]; the slots still held afterwards are left in `held`, by token, for the caller to give
    /// back.
    pub(super) fn run_trie(
        &mut self,
        trie: &Trie,
        keep: Keep,
        held: &mut [Option<usize>],
        wanted: impl Fn(usize) -> bool,
        mut each: impl FnMut(&mut Self, &[usize], &Tensor) -> Result<(), ModelError>,
    ) -> Result<(), ModelError> {
        let tokens = trie.tokens();
        let mut paths: HashMap<Node, Vec<Span>> = HashMap::new();
        let mut done = 0;
        while done < tokens.len() {
            let left = tokens.len() - done;
            let count = self.pass_size(left).min(self.tree.slots.free().max(1));
            let range = done..done + count;
            for (slot, held) in self
                .take(count)?
                .iter()
                .flat_map(|s| s.slot..s.end())
                .zip(&mut held[range.clone()])
            {
                *held = Some(slot);
            }
            let mut runs = Vec::new();
            for run in trie.runs(range.clone()) {
                let base = tokens[run.start].base;
                let mut before = match paths.get(&base) {
                    Some(path) => path.clone(),
                    None => paths.entry(base).or_insert(self.tree.path(base)?).clone(),
                };
                extend_path(&mut before, held, trie.ancestors(run.start));
                let mut own = Vec::new();
                extend_path(&mut own, held, run.clone());
                runs.push(Run {
                    tokens: tokens[run].iter().map(|token| token.token).collect(),
                    before,
                    own,
                });
            }
            let chosen: Vec<usize> = range.clone().filter(|&at| wanted(at)).collect();
            let rows: Vec<usize> = chosen.iter().map(|at| at - range.start).collect();
            let hidden = self.pass(&runs, &rows)?;
            if !chosen.is_empty() {
                each(self, &chosen, &hidden)?;
            }
            done = range.end;
            if keep == Keep::WhileNeeded {
                let over = held[..done]
                    .iter_mut()
                    .zip(tokens)
                    .filter(|(_, token)| token.end <= done);
                let over: Vec<Option<usize>> = over.map(|(slot, _)| slot.take()).collect();
                self.give_back(over);
            }
        }
        Ok(())
    }
}

/// When the slots of a trie's tokens are given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// As soon as nothing below a token is left to be computed.
    WhileNeeded,
    /// Not before the caller does.
    All,
}

/// Appends the slots of some tokens of a trie.
pub(super) fn extend_path(path: &mut Vec<Span>, held: &[Option<usize>], tokens: impl IntoIterator<Item = usize>) {
    for slot in tokens.into_iter().filter_map(|at| held[at]) {
        push_span(path, Span { slot, len: 1 });
    }
}
