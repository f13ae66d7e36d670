//! The lines of a window in groups: what is computed, and written, before the next begins.
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

use super::Request;

/// Lines that are computed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// Where the held runs end, in tokens of any of the lines; rising.
    pub(super) held: Vec<usize>,
    /// Numbers of the lines in their window; rising.
    pub(super) lines: Vec<usize>,
}

/// What scored beginnings may cost when they are computed again: one part in so many.
const AGAIN: usize = 8;

/// A slice of the sorted lines that begin alike.
struct Part {
    from: usize,
    to: usize,
    held: Vec<usize>,
}

enum Item {
    Part(Part),
    Group(Group),
}

/// Lines sorted by their tokens.
struct Sorted<'a> {
    requests: &'a [Request],
    order: Vec<usize>,
    /// Tokens that each line has in common with the one before.
    common: Vec<usize>,
}

/// Puts the lines of a window into groups of about `budget` tokens, in the order in which they are to be computed.
pub(super) fn groups(requests: &[Request], budget: usize) -> Vec<Group> {
    let sorted = Sorted::new(requests);
    let mut groups = Vec::new();
    // A stack of its own: how deep lines may nest is the user's data, not ours.
    let mut items = vec![Item::Part(Part {
        from: 0,
        to: requests.len(),
        held: Vec::new(),
    })];
    while let Some(item) = items.pop() {
        match item {
            Item::Part(part) => items.extend(sorted.cut(part, budget).into_iter().rev()),
            Item::Group(group) => groups.push(group),
        }
    }
    groups
}

impl<'a> Sorted<'a> {
    fn new(requests: &'a [Request]) -> Self {
        let mut order: Vec<usize> = (0..requests.len()).collect();
        order.sort_by(|&a, &b| requests[a].path().cmp(requests[b].path()).then(a.cmp(&b)));
        let shared = |pair: &[usize]| {
            let (a, b) = (requests[pair[0]].path(), requests[pair[1]].path());
            a.iter().zip(b).take_while(|(a, b)| a == b).count()
        };
        let common = std::iter::once(0).chain(order.windows(2).map(shared)).collect();
        Self {
            requests,
            order,
            common,
        }
    }

    fn len(&self, at: usize) -> usize {
        self.requests[self.order[at]].path().len()
    }

    /// Tokens to be computed for a slice below `held` tokens.
    fn work(&self, from: usize, to: usize, held: usize) -> usize {
        (from..to)
            .map(|at| {
                let before = if at == from { held } else { self.common[at].max(held) };
                self.len(at).saturating_sub(before) + self.requests[self.order[at]].more
            })
            .sum()
    }

    fn lines(&self, slices: &[(usize, usize)]) -> Vec<usize> {
        let mut lines: Vec<usize> = slices
            .iter()
            .flat_map(|&(from, to)| self.order[from..to].iter().copied())
            .collect();
        lines.sort_unstable();
        lines
    }

    /// One group, or a held beginning with groups and parts below it.
    fn cut(&self, part: Part, budget: usize) -> Vec<Item> {
        let Part { from, to, mut held } = part;
        let base = held.last().copied().unwrap_or(0);
        if from == to {
            return Vec::new();
        }
        if to - from == 1 || self.work(from, to, base) <= budget {
            let lines = self.lines(&[(from, to)]);
            return vec![Item::Group(Group { held, lines })];
        }
        let common = self.common[from + 1..to].iter().copied().min().unwrap_or(0);
        let contexts = self.order[from..to].iter().map(|&line| self.requests[line].context);
        let below = contexts.min().unwrap_or(0).min(common).max(base);
        if below > base {
            held.push(below);
        }
        let again = common - below;
        let limit = budget.max(AGAIN * again);
        let mut items = Vec::new();
        let (mut open, mut size) = (Vec::new(), 0);
        let close = |open: &mut Vec<(usize, usize)>, items: &mut Vec<Item>| {
            if !open.is_empty() {
                let lines = self.lines(open);
                open.clear();
                let held = held.clone();
                items.push(Item::Group(Group { held, lines }));
            }
        };
        for (from, to) in self.branches(from, to, common) {
            let work = self.work(from, to, below);
            if work > limit {
                close(&mut open, &mut items);
                let held = held.clone();
                items.push(Item::Part(Part { from, to, held }));
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
            let equal =
                || self.len(at - 1) == common && self.len(at) == common && self.requests[self.order[at]].more == 0;
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

    fn request(context: &[u32], continuation: &[u32], more: usize) -> Request {
        Request {
            tokens: [context, continuation].concat(),
            context: context.len(),
            moved: 0,
            more,
        }
    }

    /// Tokens computed when groups are computed one after the other and held runs are kept as long as they go on.
    fn computed(requests: &[Request], groups: &[Group]) -> usize {
        let mut runs: Vec<&[u32]> = Vec::new();
        let mut sum = 0;
        for group in groups {
            let path = requests[group.lines[0]].path();
            let wanted: Vec<&[u32]> = group.held.iter().map(|&end| &path[..end]).collect();
            let kept = runs.iter().zip(&wanted).take_while(|(a, b)| a == b).count();
            let held = wanted.last().map_or(0, |run| run.len());
            sum += held - kept.checked_sub(1).map_or(0, |last| wanted[last].len());
            runs = wanted;
            sum += distinct(group.lines.iter().map(|&line| &requests[line]), held);
        }
        sum
    }

    /// Distinct beginnings longer than `held`, and generated tokens.
    fn distinct<'a>(requests: impl Iterator<Item = &'a Request> + Clone, held: usize) -> usize {
        let starts = requests.clone().flat_map(|request| {
            let path = request.path();
            (held + 1..=path.len()).map(move |end| &path[..end])
        });
        let distinct: std::collections::HashSet<&[u32]> = starts.collect();
        distinct.len() + requests.map(|request| request.more).sum::<usize>()
    }

    #[test]
    fn people_after_one_another_are_done_one_after_another() {
        // Three people with long contexts of their own below a common beginning, forty questions each.
        let requests: Vec<Request> = (0..120)
            .map(|line| {
                let context = [vec![9; 20], vec![line / 40; 100], vec![7, line % 40]].concat();
                request(&context, &[1, 2, 3], 0)
            })
            .collect();
        let groups = groups(&requests, 60);
        let order: Vec<usize> = groups.iter().flat_map(|group| group.lines.clone()).collect();
        assert_eq!(order, (0..120).collect::<Vec<_>>());
        // A question has four tokens of its own, and the 7 before it is held, too.
        assert!(
            groups
                .iter()
                .all(|group| group.held == [20, 121] && group.lines.len() <= 15)
        );
        assert_eq!(groups.len(), 9);
        assert_eq!(
            computed(&requests, &groups),
            distinct(requests.iter(), 0),
            "no token is computed twice"
        );
    }

    #[test]
    fn prompts_that_are_the_same_are_cut_too() {
        let requests = vec![request(&[1, 2, 3], &[], 10); 50];
        let groups = groups(&requests, 100);
        assert!(
            groups.iter().all(|group| group.lines.len() == 10 && group.held == [3]),
            "{groups:?}"
        );
        let scored = vec![request(&[1, 2, 3], &[4; 200], 0); 50];
        assert_eq!(
            super::groups(&scored, 100).len(),
            1,
            "equal continuations are scored once"
        );
    }

    proptest! {
        #[test]
        fn every_line_is_in_one_group_and_little_is_computed_twice(
            lines in prop::collection::vec(
                (prop::collection::vec(0u32..2, 0..30), prop::collection::vec(0u32..2, 0..30)), 0..60),
            budget in 1usize..200, more in 0usize..3,
        ) {
            let requests: Vec<Request> = lines.iter().map(|(a, b)| {
                if more > 0 { request(a, &[], more) } else { request(a, b, 0) }
            }).collect();
            let groups = groups(&requests, budget);
            let mut all: Vec<usize> = groups.iter().flat_map(|group| group.lines.clone()).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..requests.len()).collect::<Vec<_>>());
            let least = distinct(requests.iter(), 0);
            let spent = computed(&requests, &groups);
            // Prompts are context: all that they share is held.
            if more > 0 {
                prop_assert_eq!(spent, least);
            }
            prop_assert!(spent <= least + least / 2, "{} for {}", spent, least);
            for group in &groups {
                let held = group.held.last().copied().unwrap_or(0);
                let first = &requests[group.lines[0]].path()[..held];
                prop_assert!(group.held.is_sorted_by(|a, b| a < b));
                prop_assert!(group.lines.is_sorted_by(|a, b| a < b));
                for &line in &group.lines {
                    prop_assert!(requests[line].context >= held && requests[line].path().starts_with(first));
                }
                let work = distinct(group.lines.iter().map(|&line| &requests[line]), held);
                prop_assert!(group.lines.len() == 1 || work <= budget.max(AGAIN * 60), "{} tokens", work);
            }
        }
    }
}
