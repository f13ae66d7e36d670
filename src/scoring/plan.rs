//! In which order a tree is walked so that every shared run is computed once and what is held fits in memory.
//!
//! The plan is made before anything is computed, from the lengths alone: a tree too large for the memory is cut into
//! pieces, and a path that cannot fit is found out here.

use super::ScoringError;
use super::tree::HeldTree;
use crate::model::{LanguageModel, ModelError, Node, TokenId};

/// What hangs at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// Tokens below the path's own end: a continuation to be scored, or the most that may be generated.
    pub tokens: usize,
}

/// How leaves that are handed to the model together share its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// The model cuts them into passes itself; the longest must fit.
    Passes,
    /// All are held at once.
    Together,
}

/// One step of a walk; numbers are those of branches and paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WalkStep {
    /// Compute and hold these branches; their parents are held.
    Hold(Vec<usize>),
    /// Score or generate below these paths; the branches they hang on are held.
    Reach(Vec<usize>),
    /// Let go of these branches.
    Drop(Vec<usize>),
}

/// A tree with the steps to walk it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalkPlan {
    /// What is shared.
    pub tree: HeldTree,
    /// How it is walked.
    pub steps: Vec<WalkStep>,
    /// Tokens that are computed.
    pub shared: u64,
    /// Tokens that would be computed if every path were computed on its own.
    pub alone: u64,
    /// The most tokens that are held at once.
    pub peak: usize,
}

/// What a branch still has to do in the walk.
enum TreeVisit {
    /// Everything that hangs on it; this many tokens are free.
    Below(Option<usize>, usize),
    /// Let go of it.
    Leave(usize),
}

/// Leaves and short-lived branches that are done together.
#[derive(Default)]
struct Batch {
    branches: Vec<usize>,
    paths: Vec<usize>,
    held: usize,
    passing: usize,
}

impl WalkPlan {
    /// Plans the walk over `paths`, each with its leaf, when `free` tokens can be held. With `hold_all`, every path
    /// is held to its end.
    ///
    /// Errors: [`ScoringError::Room`] where a path and its leaf do not fit even alone.
    pub fn new(
        paths: &[&[TokenId]],
        leaves: &[Leaf],
        packing: Packing,
        free: usize,
        hold_all: bool,
    ) -> Result<Self, ScoringError> {
        let tree = HeldTree::new(paths, hold_all);
        let rest = |path: usize| paths[path].len() - tree.homes[path].held + leaves[path].tokens;
        let alone: usize = paths
            .iter()
            .zip(leaves)
            .map(|(path, leaf)| path.len() + leaf.tokens)
            .sum();
        let mut planner = Planner::new(&tree, &rest, packing);
        planner.walk(free)?;
        let (steps, peak) = (planner.steps, planner.peak);
        let held = |step: &WalkStep| match step {
            WalkStep::Hold(branches) => branches.iter().map(|&branch| tree.branches[branch].tokens()).sum(),
            WalkStep::Reach(reached) => reached.iter().map(|&path| rest(path)).sum(),
            WalkStep::Drop(_) => 0usize,
        };
        let computed: usize = steps.iter().map(held).sum();
        Ok(Self {
            tree,
            steps,
            shared: computed as u64,
            alone: alone as u64,
            peak,
        })
    }

    /// Walks the tree below `base`. `reach` is called with the node and number of each path that is to be scored or
    /// generated; what a path has beyond its node begins at `tree.homes[path].held`.
    ///
    /// Every node is released again, whatever fails.
    pub fn walk<M, E>(
        &self,
        model: &mut M,
        base: Node,
        paths: &[&[TokenId]],
        mut reach: impl FnMut(&mut M, &[(Node, usize)]) -> Result<(), E>,
    ) -> Result<(), E>
    where
        M: LanguageModel + ?Sized,
        E: From<ModelError>,
    {
        let mut nodes: Vec<Option<Node>> = vec![None; self.tree.branches.len()];
        let node_of = |nodes: &[Option<Node>], branch: Option<usize>| branch.map_or(Some(base), |branch| nodes[branch]);
        let mut outcome = Ok(());
        for step in &self.steps {
            let done: Result<(), E> = match step {
                WalkStep::Hold(branches) => {
                    let runs: Vec<(Node, &[TokenId])> = branches
                        .iter()
                        .map(|&branch| &self.tree.branches[branch])
                        .filter_map(|b| Some((node_of(&nodes, b.parent)?, &paths[b.path][b.start..b.end])))
                        .collect();
                    model.extend_many(&runs).map_err(E::from).map(|new| {
                        for (&branch, node) in branches.iter().zip(new) {
                            nodes[branch] = Some(node);
                        }
                    })
                }
                WalkStep::Reach(reached) => {
                    let jobs: Vec<(Node, usize)> = reached
                        .iter()
                        .filter_map(|&path| Some((node_of(&nodes, self.tree.homes[path].branch)?, path)))
                        .collect();
                    reach(model, &jobs)
                }
                WalkStep::Drop(branches) => {
                    branches
                        .iter()
                        .filter_map(|&branch| nodes[branch].take())
                        .for_each(|node| model.release(node));
                    Ok(())
                }
            };
            if done.is_err() {
                outcome = done;
                break;
            }
        }
        // Children have higher numbers than their parents.
        nodes.into_iter().rev().flatten().for_each(|node| model.release(node));
        outcome
    }
}

/// Tokens below a branch: of the runs held there, and of its leaves, which are held beside them.
#[derive(Clone, Copy, Default)]
struct Below {
    held: usize,
    passing: usize,
}

struct Planner<'a, F> {
    tree: &'a HeldTree,
    rest: F,
    packing: Packing,
    /// Branches below each branch; the last entry is the base's.
    children: Vec<Vec<usize>>,
    /// Paths that hang on each branch; the last entry is the base's.
    paths: Vec<Vec<usize>>,
    /// What each branch has below it; the last entry is the base's.
    below: Vec<Below>,
    steps: Vec<WalkStep>,
    free: usize,
    peak: usize,
}

impl<'a, F: Fn(usize) -> usize> Planner<'a, F> {
    fn new(tree: &'a HeldTree, rest: F, packing: Packing) -> Self {
        let base = tree.branches.len();
        let mut children = vec![Vec::new(); base + 1];
        for (index, branch) in tree.branches.iter().enumerate() {
            children[branch.parent.unwrap_or(base)].push(index);
        }
        let mut paths = vec![Vec::new(); base + 1];
        for (path, home) in tree.homes.iter().enumerate() {
            paths[home.branch.unwrap_or(base)].push(path);
        }
        let mut below = vec![Below::default(); base + 1];
        // Children have higher numbers than their parents.
        for index in (0..base).rev().chain([base]) {
            let leaves = paths[index].iter().map(|&path| rest(path));
            let held = children[index]
                .iter()
                .map(|&child| below[child].held + tree.branches[child].tokens());
            let passing = leaves.chain(children[index].iter().map(|&child| below[child].passing));
            below[index] = Below {
                held: held.sum(),
                passing: match packing {
                    Packing::Passes => passing.max().unwrap_or(0),
                    Packing::Together => passing.sum(),
                },
            };
        }
        Self {
            tree,
            rest,
            packing,
            children,
            paths,
            below,
            steps: Vec::new(),
            free: 0,
            peak: 0,
        }
    }

    fn walk(&mut self, free: usize) -> Result<(), ScoringError> {
        self.free = free;
        let mut visits = vec![TreeVisit::Below(None, free)];
        while let Some(visit) = visits.pop() {
            match visit {
                TreeVisit::Leave(branch) => self.steps.push(WalkStep::Drop(vec![branch])),
                TreeVisit::Below(branch, free) => self.below(branch, free, &mut visits)?,
            }
        }
        Ok(())
    }

    /// All that is below at once, where it fits. Else leaves and short-lived branches first, together; then the branches
    /// that have branches of their own, one by one.
    fn below(&mut self, branch: Option<usize>, free: usize, visits: &mut Vec<TreeVisit>) -> Result<(), ScoringError> {
        let index = branch.unwrap_or(self.tree.branches.len());
        if let Some(branch) = branch {
            self.steps.push(WalkStep::Hold(vec![branch]));
        }
        let Below { held, passing } = self.below[index];
        if held + passing <= free {
            self.peak = self.peak.max(self.free - free + held + passing);
            self.at_once(index);
            return Ok(());
        }
        let mut batch = Batch::default();
        for path in std::mem::take(&mut self.paths[index]) {
            self.add(&mut batch, None, path, free)?;
        }
        let (bushes, deep): (Vec<usize>, Vec<usize>) = std::mem::take(&mut self.children[index])
            .into_iter()
            .partition(|&child| self.children[child].is_empty());
        for bush in bushes {
            for path in std::mem::take(&mut self.paths[bush]) {
                self.add(&mut batch, Some(bush), path, free)?;
            }
        }
        self.flush(&mut batch, free);
        for child in deep.into_iter().rev() {
            let run = self.tree.branches[child].tokens();
            let left = free
                .checked_sub(run)
                .ok_or_else(|| self.room(self.tree.branches[child].path, run, free))?;
            visits.push(TreeVisit::Leave(child));
            visits.push(TreeVisit::Below(Some(child), left));
        }
        Ok(())
    }

    /// Everything below a branch in as few steps as it is deep: siblings are computed together.
    fn at_once(&mut self, index: usize) {
        let mut paths = std::mem::take(&mut self.paths[index]);
        let mut levels = vec![std::mem::take(&mut self.children[index])];
        while let Some(level) = levels.last().filter(|level| !level.is_empty()) {
            let mut next = Vec::new();
            for branch in level.clone() {
                paths.append(&mut self.paths[branch]);
                next.append(&mut self.children[branch]);
            }
            levels.push(next);
        }
        levels.pop();
        self.steps.extend(levels.iter().cloned().map(WalkStep::Hold));
        if !paths.is_empty() {
            self.steps.push(WalkStep::Reach(paths));
        }
        self.steps.extend(levels.into_iter().rev().map(WalkStep::Drop));
    }

    /// Puts one path into the batch, and starts another batch where it does not fit.
    fn add(&mut self, batch: &mut Batch, bush: Option<usize>, path: usize, free: usize) -> Result<(), ScoringError> {
        let (mut held, mut passing) = self.grown(batch, bush, path);
        if held + passing > free {
            self.flush(batch, free);
            (held, passing) = self.grown(batch, bush, path);
        }
        if held + passing > free {
            return Err(self.room(path, held + passing, free));
        }
        if let Some(bush) = bush.filter(|bush| batch.branches.last() != Some(bush)) {
            batch.branches.push(bush);
        }
        batch.held = held;
        batch.passing = passing;
        batch.paths.push(path);
        Ok(())
    }

    /// What a batch holds and passes with one more path in it.
    fn grown(&self, batch: &Batch, bush: Option<usize>, path: usize) -> (usize, usize) {
        let run = bush
            .filter(|bush| batch.branches.last() != Some(bush))
            .map_or(0, |bush| self.tree.branches[bush].tokens());
        let rest = (self.rest)(path);
        let passing = match self.packing {
            Packing::Passes => batch.passing.max(rest),
            Packing::Together => batch.passing + rest,
        };
        (batch.held + run, passing)
    }

    fn flush(&mut self, batch: &mut Batch, free: usize) {
        let Batch {
            branches,
            paths,
            held,
            passing,
        } = std::mem::take(batch);
        if paths.is_empty() {
            return;
        }
        self.peak = self.peak.max(self.free - free + held + passing);
        if branches.is_empty() {
            self.steps.push(WalkStep::Reach(paths));
        } else {
            self.steps.push(WalkStep::Hold(branches.clone()));
            self.steps.push(WalkStep::Reach(paths));
            self.steps.push(WalkStep::Drop(branches));
        }
    }

    fn room(&self, path: usize, needed: usize, free: usize) -> ScoringError {
        let above = self.free - free;
        ScoringError::Room {
            job: path,
            needed: above + needed,
            free: self.free,
        }
    }
}
