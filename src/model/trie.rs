//! Many runs of tokens as one forest, each shared beginning held once.

use super::{Node, TokenId};
use std::{collections::HashMap, ops::Range};

/// A token of a [`Trie`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrieToken {
    /// The token.
    pub token: TokenId,
    /// Number of the token before it; `None` directly below the base.
    pub parent: Option<usize>,
    /// The node of the token tree that its path hangs below.
    pub base: Node,
    /// Tokens between the base and this one.
    pub depth: usize,
    /// One past the last of its descendants, which follow it without gap.
    pub end: usize,
}

/// Runs of tokens below nodes of the token tree. Tokens are in preorder: each follows its parent, and the tokens below
/// one follow it directly.
#[derive(Debug, Clone, Default)]
pub struct Trie {
    tokens: Vec<TrieToken>,
    paths: Vec<Vec<usize>>,
}

impl Trie {
    /// The forest of `runs`.
    pub fn new<'a>(runs: impl IntoIterator<Item = (Node, &'a [TokenId])>) -> Self {
        // Inserted first in any order, numbered then in preorder.
        let mut bases: Vec<Node> = Vec::new();
        let mut base_numbers = HashMap::new();
        let mut roots: Vec<Vec<usize>> = Vec::new();
        let mut found: Vec<(TokenId, Vec<usize>)> = Vec::new();
        let mut known: HashMap<(usize, Option<usize>, TokenId), usize> = HashMap::new();
        let mut paths = Vec::new();
        for (base, run) in runs {
            let base = *base_numbers.entry(base).or_insert_with(|| {
                bases.push(base);
                roots.push(Vec::new());
                bases.len() - 1
            });
            let mut path: Vec<usize> = Vec::with_capacity(run.len());
            for &token in run {
                let parent = path.last().copied();
                let next = found.len();
                let at = *known.entry((base, parent, token)).or_insert(next);
                if at == next {
                    found.push((token, Vec::new()));
                    match parent {
                        Some(parent) => found[parent].1.push(at),
                        None => roots[base].push(at),
                    }
                }
                path.push(at);
            }
            paths.push(path);
        }
        let mut number = vec![0; found.len()];
        let mut tokens: Vec<TrieToken> = Vec::with_capacity(found.len());
        for (base, roots) in bases.into_iter().zip(roots) {
            let mut stack: Vec<(usize, Option<usize>)> = roots.into_iter().rev().map(|root| (root, None)).collect();
            while let Some((at, parent)) = stack.pop() {
                let here = tokens.len();
                number[at] = here;
                let depth = parent.map_or(0, |parent| tokens[parent].depth + 1);
                let (token, children) = &found[at];
                tokens.push(TrieToken {
                    token: *token,
                    parent,
                    base,
                    depth,
                    end: here + 1,
                });
                stack.extend(children.iter().rev().map(|&child| (child, Some(here))));
            }
        }
        for at in (0..tokens.len()).rev() {
            if let Some(parent) = tokens[at].parent {
                tokens[parent].end = tokens[parent].end.max(tokens[at].end);
            }
        }
        for at in paths.iter_mut().flatten() {
            *at = number[*at];
        }
        Self { tokens, paths }
    }

    /// The tokens, in preorder.
    pub fn tokens(&self) -> &[TrieToken] {
        &self.tokens
    }

    /// Numbers of the tokens of run `i`, in path order.
    pub fn path(&self, i: usize) -> &[usize] {
        &self.paths[i]
    }

    /// Length of the longest run.
    pub fn longest(&self) -> usize {
        self.paths.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// Numbers of the tokens above token `at`, in path order.
    pub fn ancestors(&self, at: usize) -> Vec<usize> {
        let mut out: Vec<usize> = std::iter::successors(self.tokens[at].parent, |&up| self.tokens[up].parent).collect();
        out.reverse();
        out
    }

    /// The tokens of `range` in runs that each continue one path: a token that doesn't follow its parent begins another.
    pub fn runs(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for at in range {
            match runs.last_mut() {
                Some(run) if self.tokens[at].parent.is_some_and(|parent| parent + 1 == at) => run.end = at + 1,
                _ => runs.push(at..at + 1),
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shared_beginnings_are_held_once() {
        let (a, b) = (Node(1), Node(2));
        let runs: [(Node, &[TokenId]); 6] = [
            (a, &[5, 6, 7]),
            (b, &[5, 6]),
            (a, &[5, 6, 8]),
            (a, &[]),
            (a, &[9]),
            (a, &[5, 6]),
        ];
        let trie = Trie::new(runs);
        let tokens: Vec<_> = trie
            .tokens()
            .iter()
            .map(|t| (t.base.0, t.token, t.parent, t.end))
            .collect();
        assert_eq!(
            tokens,
            [
                (1, 5, None, 4),
                (1, 6, Some(0), 4),
                (1, 7, Some(1), 3),
                (1, 8, Some(1), 4),
                (1, 9, None, 5),
                (2, 5, None, 7),
                (2, 6, Some(5), 7),
            ]
        );
        assert_eq!(
            (trie.path(2), trie.path(3), trie.longest()),
            (&[0, 1, 3][..], &[][..], 3)
        );
        assert_eq!(trie.runs(0..7), [0..3, 3..4, 4..5, 5..7]);
        assert_eq!(trie.runs(1..4), [1..3, 3..4]);
        assert_eq!(trie.ancestors(3), [0, 1]);
    }

    proptest! {
        #[test]
        fn every_run_is_a_path_and_descendants_follow_without_gap(
            runs in prop::collection::vec((0u64..3, prop::collection::vec(0u32..3, 0..6)), 0..20),
        ) {
            let trie = Trie::new(runs.iter().map(|(base, run)| (Node(*base), run.as_slice())));
            for (i, (base, run)) in runs.iter().enumerate() {
                let path = trie.path(i);
                let tokens: Vec<u32> = path.iter().map(|&at| trie.tokens()[at].token).collect();
                prop_assert_eq!(&tokens, run);
                if let Some(&last) = path.last() {
                    prop_assert_eq!(trie.tokens()[last].base, Node(*base));
                    prop_assert_eq!(trie.ancestors(last), &path[..path.len() - 1]);
                }
            }
            let mut distinct: Vec<(u64, &[u32])> =
                runs.iter().flat_map(|(base, run)| (1..=run.len()).map(|n| (*base, &run[..n]))).collect();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(trie.tokens().len(), distinct.len());
            for (at, token) in trie.tokens().iter().enumerate() {
                for below in at + 1..trie.tokens().len() {
                    prop_assert_eq!(trie.ancestors(below).contains(&at), below < token.end);
                }
            }
        }
    }
}
