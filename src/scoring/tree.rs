//! Paths of tokens put together into a tree: which runs are worth computing once and holding.

use crate::model::TokenId;

/// A shared run is held where that saves at least this many tokens of computation. Less is not worth a node: a node
/// costs a pass over a short run.
const WORTH_SHARING: usize = 16;

/// The rest of a single path is held, too, where it is at least this long: what is held needs no logits, what is
/// scored does, and the head is a good part of a small model.
const WORTH_HOLDING: usize = 32;

/// A run of tokens that is computed once and held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRun {
    /// The branch that this one continues; absent: the base of the tree.
    pub parent: Option<usize>,
    /// A path that this run is part of.
    pub path: usize,
    /// Where the run begins in that path.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

impl HeldRun {
    /// Tokens of the run.
    pub fn tokens(&self) -> usize {
        self.end - self.start
    }
}

/// Where a path hangs in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Home {
    /// The branch whose end the path continues; absent: the base.
    pub branch: Option<usize>,
    /// Tokens of the path that the branches above hold.
    pub held: usize,
}

/// Many paths with their common beginnings found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeldTree {
    /// Held runs, parents before children, siblings in the order of their tokens.
    pub branches: Vec<HeldRun>,
    /// For each path, where it hangs.
    pub homes: Vec<Home>,
}

/// A slice of the sorted paths whose first `seen` tokens are equal, `held` of them held by `parent`.
struct PathGroup {
    from: usize,
    to: usize,
    seen: usize,
    held: usize,
    parent: Option<usize>,
}

impl HeldTree {
    /// Finds what `paths` share. With `hold_all`, every path is held to its end (needed below an empty base of a
    /// model without BOS, where a first token cannot be scored).
    pub fn new(paths: &[&[TokenId]], hold_all: bool) -> Self {
        let mut order: Vec<usize> = (0..paths.len()).collect();
        order.sort_by(|&a, &b| paths[a].cmp(paths[b]).then(a.cmp(&b)));
        let home = Home { branch: None, held: 0 };
        let mut tree = Self {
            branches: Vec::new(),
            homes: vec![home; paths.len()],
        };
        let mut groups = vec![PathGroup {
            from: 0,
            to: paths.len(),
            seen: 0,
            held: 0,
            parent: None,
        }];
        // A stack of its own: how deep paths may nest is the caller's data, not ours.
        while let Some(group) = groups.pop() {
            tree.grow(paths, &order, group, &mut groups, hold_all);
        }
        tree
    }

    fn grow(
        &mut self,
        paths: &[&[TokenId]],
        order: &[usize],
        group: PathGroup,
        groups: &mut Vec<PathGroup>,
        hold_all: bool,
    ) {
        let members = &order[group.from..group.to];
        let (Some(&first), Some(&last)) = (members.first(), members.last()) else {
            return;
        };
        let common = group.seen + shared(&paths[first][group.seen..], &paths[last][group.seen..]);
        let run = common - group.held;
        let saved = (members.len() - 1) * run;
        let all_end_here = paths[last].len() == common;
        let worth = if all_end_here {
            saved >= WORTH_SHARING || run >= WORTH_HOLDING || hold_all
        } else {
            saved >= WORTH_SHARING
        };
        let (parent, held) = if run > 0 && worth {
            self.branches.push(HeldRun {
                parent: group.parent,
                path: first,
                start: group.held,
                end: common,
            });
            (Some(self.branches.len() - 1), common)
        } else {
            (group.parent, group.held)
        };
        let mut from = group.from;
        while from < group.to && paths[order[from]].len() == common {
            // A path that ends inside a run nobody holds is scored from the last held token on; `hold_all` must not
            // leave it so.
            let home = &mut self.homes[order[from]];
            *home = Home { branch: parent, held };
            if hold_all && held < common {
                self.branches.push(HeldRun {
                    parent,
                    path: order[from],
                    start: held,
                    end: common,
                });
                *home = Home {
                    branch: Some(self.branches.len() - 1),
                    held: common,
                };
            }
            from += 1;
        }
        let below = groups.len();
        while from < group.to {
            let token = paths[order[from]][common];
            let to = from + order[from..group.to].partition_point(|&path| paths[path][common] == token);
            groups.push(PathGroup {
                from,
                to,
                seen: common,
                held,
                parent,
            });
            from = to;
        }
        groups[below..].reverse();
    }
}

/// Length of the common beginning.
pub fn shared(a: &[TokenId], b: &[TokenId]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn path(runs: &[(TokenId, usize)]) -> Vec<TokenId> {
        runs.iter().flat_map(|&(token, n)| vec![token; n]).collect()
    }

    fn tree(paths: &[Vec<TokenId>]) -> HeldTree {
        let paths: Vec<&[TokenId]> = paths.iter().map(Vec::as_slice).collect();
        HeldTree::new(&paths, false)
    }

    #[test]
    fn a_person_is_a_trunk_with_probes() {
        let probe = |token| path(&[(1, 100), (token, 20)]);
        let paths = [probe(2), probe(3), probe(2), path(&[(1, 100), (4, 5)])];
        let tree = tree(&paths);
        let lens: Vec<_> = tree.branches.iter().map(|b| (b.parent, b.start, b.end)).collect();
        assert_eq!(lens, [(None, 0, 100), (Some(0), 100, 120)]);
        let home = |branch, held| Home {
            branch: Some(branch),
            held,
        };
        assert_eq!(tree.homes, [home(1, 120), home(0, 100), home(1, 120), home(0, 100)]);
    }

    #[test]
    fn short_runs_are_not_held_and_long_single_ones_are() {
        let paths = [path(&[(1, 7), (2, 3)]), path(&[(1, 7), (3, 40)]), vec![]];
        let tree = tree(&paths);
        assert_eq!(
            tree.branches,
            [HeldRun {
                parent: None,
                path: 1,
                start: 0,
                end: 47
            }]
        );
        assert_eq!(tree.homes[0], Home { branch: None, held: 0 });
        assert_eq!(
            tree.homes[1],
            Home {
                branch: Some(0),
                held: 47
            }
        );
        assert_eq!(tree.homes[2], Home { branch: None, held: 0 });
    }

    #[test]
    fn deep_nesting_needs_no_deep_stack() {
        let paths: Vec<Vec<TokenId>> = (0..4000).map(|n| vec![5; n]).collect();
        let tree = tree(&paths);
        assert!(tree.branches.iter().map(HeldRun::tokens).sum::<usize>() >= 3999 - WORTH_HOLDING);
    }

    proptest! {
        /// Whatever is held is a part of every path below it, without gaps.
        #[test]
        fn homes_lie_on_their_paths(
            paths in proptest::collection::vec(proptest::collection::vec(0u32..2, 0..60), 0..40), hold_all: bool,
        ) {
            let refs: Vec<&[TokenId]> = paths.iter().map(Vec::as_slice).collect();
            let tree = HeldTree::new(&refs, hold_all);
            for (path, home) in refs.iter().zip(&tree.homes) {
                prop_assert!(!hold_all || home.held == path.len());
                let (mut at, mut end) = (home.branch, home.held);
                while let Some(index) = at {
                    let branch = &tree.branches[index];
                    prop_assert_eq!(branch.end, end);
                    prop_assert!(branch.start < branch.end);
                    prop_assert_eq!(&refs[branch.path][..branch.end], &path[..branch.end]);
                    prop_assert!(branch.parent.is_none_or(|parent| parent < index));
                    (at, end) = (branch.parent, branch.start);
                }
                prop_assert_eq!(end, 0);
            }
        }
    }
}
