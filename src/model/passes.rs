//! Packing: the tokens of a trie, or of a chunk, in passes through the decoder.

use super::{
    LanguageModel, ModelError, Node, TokenId,
    decoder::Run,
    engine::Engine,
    kernels::SlotSpan,
    slots::{Keep, push_span},
    trie::Trie,
};
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

    /// Appends runs below nodes, in as few passes as rows allow; a run of more rows than a pass has goes alone. Where
    /// one fails, none is kept.
    pub(super) fn extend_packed(&mut self, jobs: &[(Node, &[TokenId])]) -> Result<Vec<Node>, ModelError> {
        self.check(jobs)?;
        self.check_room(jobs.iter().map(|(_, tokens)| tokens.len()).sum())?;
        let mut nodes = Vec::with_capacity(jobs.len());
        let mut left = jobs;
        while let Some(&(parent, tokens)) = left.first() {
            let (mut rows, limit) = (0, self.rows);
            let packed = left.iter().take_while(|(_, tokens)| {
                rows += tokens.len();
                rows <= limit && !tokens.is_empty()
            });
            let count = packed.count();
            let made = match count {
                0 | 1 => self.extend(parent, tokens).map(|node| vec![node]),
                _ => self.extend_in_one_pass(&left[..count]),
            };
            match made {
                Ok(new) => nodes.extend(new),
                Err(error) => {
                    nodes.into_iter().for_each(|node| self.release(node));
                    return Err(error);
                }
            }
            left = &left[count.max(1)..];
        }
        Ok(nodes)
    }

    fn extend_in_one_pass(&mut self, jobs: &[(Node, &[TokenId])]) -> Result<Vec<Node>, ModelError> {
        let mut runs = Vec::with_capacity(jobs.len());
        let mut last_rows = Vec::with_capacity(jobs.len());
        let mut rows = 0;
        for (parent, tokens) in jobs {
            rows += tokens.len();
            last_rows.push(rows - 1);
            runs.push(Run {
                tokens: tokens.to_vec(),
                before: self.tree.path(*parent)?,
                own: Vec::new(),
            });
        }
        for run in &mut runs {
            run.own = self.take(run.tokens.len())?;
        }
        let hidden = match self.pass(&runs, &last_rows) {
            Ok(hidden) => hidden,
            Err(error) => {
                runs.into_iter().for_each(|run| self.tree.slots.give_back(run.own));
                return Err(error);
            }
        };
        let mut nodes = Vec::with_capacity(jobs.len());
        for (row, (run, (parent, _))) in runs.into_iter().zip(jobs).enumerate() {
            nodes.push(self.tree.add(*parent, run.own, Some(hidden.narrow(0, row, 1)?))?);
        }
        Ok(nodes)
    }

    /// Gives back the slots of a trie's tokens.
    pub(super) fn give_back(&mut self, held: impl IntoIterator<Item = Option<usize>>) {
        let spans = held.into_iter().flatten().map(|slot| SlotSpan { slot, len: 1 });
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
        let mut paths: HashMap<Node, Vec<SlotSpan>> = HashMap::new();
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

/// Appends the slots of some tokens of a trie.
pub(super) fn extend_path(path: &mut Vec<SlotSpan>, held: &[Option<usize>], tokens: impl IntoIterator<Item = usize>) {
    for slot in tokens.into_iter().filter_map(|at| held[at]) {
        push_span(path, SlotSpan { slot, len: 1 });
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{begin, engine, families};
    use super::*;

    /// Most that f32 sums in another order differ by, in nats.
    const SAME: f32 = 2e-5;

    #[test]
    fn runs_that_are_appended_together_are_the_same_nodes() {
        let runs: [(usize, &[TokenId]); 6] = [
            (0, &[1, 2, 3]),
            (1, &[1, 2]),
            (0, &[1, 2, 4]),
            (1, &[]),
            (1, &[5; 9]),
            (0, &[6]),
        ];
        for config in families() {
            let mut engine = engine(&config, 200, 8);
            let root = begin(&mut engine);
            let parents = [root, engine.extend(root, &[7, 8]).unwrap()];
            let jobs = runs.map(|(parent, tokens)| (parents[parent], tokens));
            let (free, before) = (engine.free_tokens(), engine.computed_tokens());
            let together = engine.extend_many(&jobs).unwrap();
            assert_eq!(
                (free - engine.free_tokens(), engine.computed_tokens() - before),
                (18, 18)
            );
            let alone = jobs.map(|(parent, tokens)| engine.extend(parent, tokens).unwrap());
            for (together, alone) in together.iter().zip(alone) {
                let scores = engine.score_many(&[(*together, &[3, 1]), (alone, &[3, 1])]).unwrap();
                for (a, b) in scores[0].iter().zip(&scores[1]) {
                    assert!((a.logprob - b.logprob).abs() <= SAME, "{}: {a:?} {b:?}", config.family);
                }
                engine.release(*together);
                engine.release(alone);
            }
            assert_eq!(engine.free_tokens(), free);
            let beyond = engine.extend_many(&[(root, &[1; 20]), (root, &[1; 190])]);
            assert!(matches!(
                beyond,
                Err(ModelError::OutOfSlots { .. } | ModelError::ContextLength { .. })
            ));
            assert_eq!(engine.free_tokens(), free);
        }
    }
}
