//! The pieces of work of a window in groups: what is computed, and written, before the next begins.
//!
//! The rule: lines that begin alike are a tree. A tree that takes no more tokens than the budget is one group. In a
//! larger one the shared beginning is held, as far as it is context, and the branches below it, in the order of their
//! first lines, are put into groups up to the budget; a branch above the budget is cut in the same way. What is
//! shared but cannot be held (it is scored) is computed in each group again, so the budget grows to eight times that.
//!
//! Groups come tree by tree, so that a held beginning is computed once. What lies behind the first unfinished line is
//! lost with a kill: where lines of one beginning stand together that is one group, where they are shuffled at most a
//! window. Groups follow from the lines and the budget alone, and so does what is held while one is computed: an
//! interrupted job goes on with the same numbers to the last bit.

use super::TokenAsk;

/// Pieces of work that are computed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AskGroup {
    /// Where the held runs end, in tokens of any of them; rising.
    pub(super) held: Vec<usize>,
    /// Their numbers in their window; rising.
    pub(super) members: Vec<usize>,
}

/// What scored beginnings may cost when they are computed again: one part in so many.
const AGAIN: usize = 8;

/// A slice of the sorted lines that begin alike.
struct AskRange {
    from: usize,
    to: usize,
    held: Vec<usize>,
}

/// What is still to be cut, or is done.
enum Cutting {
    Part(AskRange),
    Group(AskGroup),
}

/// Lines sorted by their tokens.
struct Sorted<'a> {
    asks: &'a [&'a TokenAsk],
    order: Vec<usize>,
    /// Tokens that each line has in common with the one before.
    common: Vec<usize>,
}

/// Puts the lines of a window into groups of about `budget` tokens, in the order in which they are to be computed.
pub(super) fn groups(asks: &[&TokenAsk], budget: usize) -> Vec<AskGroup> {
    let sorted = Sorted::new(asks);
    let mut groups = Vec::new();
    // A stack of its own: how deep lines may nest is the user's data, not ours.
    let mut items = vec![Cutting::Part(AskRange {
        from: 0,
        to: asks.len(),
        held: Vec::new(),
    })];
    while let Some(item) = items.pop() {
        match item {
            Cutting::Part(part) => items.extend(sorted.cut(part, budget).into_iter().rev()),
            Cutting::Group(group) => groups.push(group),
        }
    }
    groups
}

impl<'a> Sorted<'a> {
    fn new(asks: &'a [&'a TokenAsk]) -> Self {
        let mut order: Vec<usize> = (0..asks.len()).collect();
        order.sort_by(|&a, &b| asks[a].tokens.cmp(&asks[b].tokens).then(a.cmp(&b)));
        let shared = |pair: &[usize]| {
            let (a, b) = (&asks[pair[0]].tokens, &asks[pair[1]].tokens);
            a.iter().zip(b).take_while(|(a, b)| a == b).count()
        };
        let common = std::iter::once(0).chain(order.windows(2).map(shared)).collect();
        Self { asks, order, common }
    }

    fn len(&self, at: usize) -> usize {
        self.asks[self.order[at]].tokens.len()
    }

    /// Tokens to be computed for a slice below `held` tokens.
    fn work(&self, from: usize, to: usize, held: usize) -> usize {
        (from..to)
            .map(|at| {
                let before = if at == from { held } else { self.common[at].max(held) };
                self.len(at).saturating_sub(before) + self.asks[self.order[at]].more
            })
            .sum()
    }

    fn members(&self, slices: &[(usize, usize)]) -> Vec<usize> {
        let mut members: Vec<usize> = slices
            .iter()
            .flat_map(|&(from, to)| self.order[from..to].iter().copied())
            .collect();
        members.sort_unstable();
        members
    }

    /// One group, or a held beginning with groups and parts below it.
    fn cut(&self, part: AskRange, budget: usize) -> Vec<Cutting> {
        let AskRange { from, to, mut held } = part;
        let base = held.last().copied().unwrap_or(0);
        if from == to {
            return Vec::new();
        }
        if to - from == 1 || self.work(from, to, base) <= budget {
            let members = self.members(&[(from, to)]);
            return vec![Cutting::Group(AskGroup { held, members })];
        }
        let common = self.common[from + 1..to].iter().copied().min().unwrap_or(0);
        let contexts = self.order[from..to].iter().map(|&line| self.asks[line].context);
        let below = contexts.min().unwrap_or(0).min(common).max(base);
        if below > base {
            held.push(below);
        }
        let again = common - below;
        let limit = budget.max(AGAIN * again);
        let mut items = Vec::new();
        let (mut open, mut size) = (Vec::new(), 0);
        let close = |open: &mut Vec<(usize, usize)>, items: &mut Vec<Cutting>| {
            if !open.is_empty() {
                let members = self.members(open);
                open.clear();
                let held = held.clone();
                items.push(Cutting::Group(AskGroup { held, members }));
            }
        };
        for (from, to) in self.branches(from, to, common) {
            let work = self.work(from, to, below);
            if work > limit {
                close(&mut open, &mut items);
                let held = held.clone();
                items.push(Cutting::Part(AskRange { from, to, held }));
                continue;
            }
            if !open.is_empty() && size + work - again.min(work) > limit {
                close(&mut open, &mut items);
            }
            size = if open.is_empty() {
                work
            } else {
                size + work - again.min(work)
            };
            open.push((from, to));
        }
        close(&mut open, &mut items);
        items
    }

    /// The slices of a slice that differ behind the first `common` tokens, in the order of their first lines.
    fn branches(&self, from: usize, to: usize, common: usize) -> Vec<(usize, usize)> {
        let mut branches = Vec::new();
        let mut first = from;
        for at in from + 1..=to {
            // Equal lines are scored once; each of equal prompts has a text of its own.
            let equal = || self.len(at - 1) == common && self.len(at) == common && self.asks[self.order[at]].more == 0;
            if at == to || (self.common[at] == common && !equal()) {
                branches.push((first, at));
                first = at;
            }
        }
        branches.sort_by_key(|&(from, to)| self.order[from..to].iter().copied().min());
        branches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ask(context: &[u32], continuation: &[u32], more: usize) -> TokenAsk {
        TokenAsk {
            tokens: [context, continuation].concat(),
            context: context.len(),
            more,
        }
    }

    fn grouped(asks: &[TokenAsk], budget: usize) -> Vec<AskGroup> {
        groups(&asks.iter().collect::<Vec<_>>(), budget)
    }

    /// Tokens computed when groups are computed one after the other and held runs are kept as long as they go on.
    fn computed(asks: &[TokenAsk], groups: &[AskGroup]) -> usize {
        let mut runs: Vec<&[u32]> = Vec::new();
        let mut sum = 0;
        for group in groups {
            let path = &asks[group.members[0]].tokens;
            let wanted: Vec<&[u32]> = group.held.iter().map(|&end| &path[..end]).collect();
            let kept = runs.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
            let held = wanted.last().map_or(0, |run| run.len());
            sum += held - kept.checked_sub(1).map_or(0, |last| wanted[last].len());
            runs = wanted;
            sum += distinct(group.members.iter().map(|&at| &asks[at]), held);
        }
        sum
    }

    /// Distinct beginnings longer than `held`, and generated tokens.
    fn distinct<'a>(asks: impl Iterator<Item = &'a TokenAsk> + Clone, held: usize) -> usize {
        let starts = asks.clone().flat_map(|ask| {
            let path = &ask.tokens;
            (held + 1..=path.len()).map(move |end| &path[..end])
        });
        let distinct: std::collections::HashSet<&[u32]> = starts.collect();
        distinct.len() + asks.map(|ask| ask.more).sum::<usize>()
    }

    #[test]
    fn people_after_one_another_are_done_one_after_another() {
        // Three people with long contexts of their own below a common beginning, forty questions each.
        let asks: Vec<TokenAsk> = (0..120)
            .map(|line| {
                let context = [vec![9; 20], vec![line / 40; 100], vec![7, line % 40]].concat();
                ask(&context, &[1, 2, 3], 0)
            })
            .collect();
        let groups = grouped(&asks, 60);
        let order: Vec<usize> = groups.iter().flat_map(|group| group.members.clone()).collect();
        assert_eq!(order, (0..120).collect::<Vec<_>>());
        // A question has four tokens of its own, and the 7 before it is held, too.
        assert!(
            groups
                .iter()
                .all(|group| group.held == [20, 121] && group.members.len() <= 15)
        );
        assert_eq!(groups.len(), 9);
        assert_eq!(
            computed(&asks, &groups),
            distinct(asks.iter(), 0),
            "no token is computed twice"
        );
    }

    #[test]
    fn prompts_that_are_the_same_are_cut_too() {
        let asks = vec![ask(&[1, 2, 3], &[], 10); 50];
        let groups = grouped(&asks, 100);
        assert!(
            groups
                .iter()
                .all(|group| group.members.len() == 10 && group.held == [3]),
            "{groups:?}"
        );
        let scored = vec![ask(&[1, 2, 3], &[4; 200], 0); 50];
        assert_eq!(grouped(&scored, 100).len(), 1, "equal continuations are scored once");
    }

    proptest! {
        #[test]
        fn every_line_is_in_one_group_and_little_is_computed_twice(
            lines in prop::collection::vec(
                (prop::collection::vec(0u32..2, 0..30), prop::collection::vec(0u32..2, 0..30)), 0..60),
            budget in 1usize..200, more in 0usize..3,
        ) {
            let asks: Vec<TokenAsk> = lines.iter().map(|(a, b)| {
                if more > 0 { ask(a, &[], more) } else { ask(a, b, 0) }
            }).collect();
            let groups = grouped(&asks, budget);
            let mut all: Vec<usize> = groups.iter().flat_map(|group| group.members.clone()).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..asks.len()).collect::<Vec<_>>());
            let least = distinct(asks.iter(), 0);
            let spent = computed(&asks, &groups);
            // Prompts are context: all that they share is held.
            if more > 0 {
                prop_assert_eq!(spent, least);
            }
            prop_assert!(spent <= least + least / 2, "{} for {}", spent, least);
            for group in &groups {
                let held = group.held.last().copied().unwrap_or(0);
                let first = &&asks[group.members[0]].tokens[..held];
                prop_assert!(group.held.is_sorted_by(|a, b| a < b));
                prop_assert!(group.members.is_sorted_by(|a, b| a < b));
                for &at in &group.members {
                    prop_assert!(asks[at].context >= held && asks[at].tokens.starts_with(first));
                }
                let work = distinct(group.members.iter().map(|&at| &asks[at]), held);
                prop_assert!(group.members.len() == 1 || work <= budget.max(AGAIN * 60), "{} tokens", work);
            }
        }
    }
}
