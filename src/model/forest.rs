//! Many paths of tokens as one forest: each shared beginning once, and the pages in which keys and values lie.

use super::{
    TokenId,
    kernels::{PAGE, Segment},
};
use std::{cmp::Ordering, ops::Range, sync::Arc};

/// Pages whose values lie together in memory: a strand that is as long begins where such a block does.
const ALIGNED: usize = 12;

/// A path of tokens in two pieces, one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a>(pub &'a [TokenId], pub &'a [TokenId]);

impl<'a> Path<'a> {
    /// Number of tokens.
    pub fn len(self) -> usize {
        self.0.len() + self.1.len()
    }

    /// Token `at`.
    fn get(self, at: usize) -> Option<TokenId> {
        self.0.get(at).or_else(|| self.1.get(at - self.0.len())).copied()
    }

    /// What is left of the piece that token `at` lies in.
    fn rest(self, at: usize) -> &'a [TokenId] {
        match at.checked_sub(self.0.len()) {
            None => &self.0[at..],
            Some(at) => &self.1[at..],
        }
    }

    /// Tokens that both begin with.
    pub(super) fn common(self, other: Self) -> usize {
        let mut at = 0;
        loop {
            let (a, b) = (self.rest(at), other.rest(at));
            let n = a.len().min(b.len());
            if n == 0 {
                return at;
            }
            if a[..n] != b[..n] {
                return at + a.iter().zip(b).take_while(|(a, b)| a == b).count();
            }
            at += n;
        }
    }

    fn order(self, other: Self) -> Ordering {
        let at = self.common(other);
        self.get(at).cmp(&other.get(at))
    }
}

/// Tokens each of which continues the one before, in one piece of the forest.
#[derive(Debug)]
struct Strand {
    /// Numbers of its tokens.
    tokens: Range<usize>,
    /// The first one's position on its path.
    position: usize,
    /// Pages of the whole path.
    pages: Arc<[u32]>,
    /// The page that its own first one begins as a copy of.
    copied: Option<u32>,
}

/// Paths of tokens, each shared beginning once. Tokens are numbered so that each follows the one before it on its path, and
/// what is below a token follows it without gap; paths are in the order of their tokens, whatever order they are given in.
#[derive(Debug, Default)]
pub struct Forest {
    tokens: Vec<TokenId>,
    /// The token before each, by number; its own number where there is none.
    parents: Vec<u32>,
    strands: Vec<Strand>,
    ends: Vec<Option<usize>>,
    pages: usize,
}

impl Forest {
    /// The forest of `paths`.
    pub fn new(paths: &[Path<'_>]) -> Self {
        let order = sorted(paths);
        let mut forest = Self {
            ends: vec![None; paths.len()],
            ..Self::default()
        };
        // Numbers of the tokens of the path before.
        let mut above: Vec<u32> = Vec::new();
        let mut before = Path(&[], &[]);
        for index in order {
            let path = paths[index];
            above.truncate(path.common(before));
            for at in above.len()..path.len() {
                let number = forest.tokens.len() as u32;
                forest.tokens.extend(path.get(at));
                forest.parents.push(above.last().copied().unwrap_or(number));
                above.push(number);
            }
            forest.ends[index] = above.last().map(|&end| end as usize);
            before = path;
        }
        forest.lay();
        forest
    }

    /// Finds the strands and gives them their pages.
    fn lay(&mut self) {
        let mut position = vec![0u32; self.tokens.len()];
        let mut starts = Vec::new();
        for at in 0..self.tokens.len() {
            let parent = self.parents[at] as usize;
            position[at] = if parent == at { 0 } else { position[parent] + 1 };
            if parent == at || parent + 1 != at {
                starts.push(at);
            }
        }
        let ends = starts.iter().skip(1).copied().chain([self.tokens.len()]);
        for (start, end) in starts.iter().copied().zip(ends) {
            let first = position[start] as usize;
            let whole = first / PAGE;
            let own = (first + end - start).div_ceil(PAGE) - whole;
            if own >= ALIGNED {
                // Its pages of a block of positions are those of a block of the store.
                self.pages += (whole % ALIGNED + ALIGNED - self.pages % ALIGNED) % ALIGNED;
            }
            let parent = self.parents[start] as usize;
            let above = (parent != start).then(|| &self.strands[self.strand(parent)]);
            let kept = above.map_or(&[][..], |above| &above.pages[..whole]);
            let copied = above
                .filter(|_| !first.is_multiple_of(PAGE))
                .map(|above| above.pages[whole]);
            let new = (self.pages..self.pages + own).map(|page| page as u32);
            let pages = kept.iter().copied().chain(new).collect();
            self.pages += own;
            self.strands.push(Strand {
                tokens: start..end,
                position: first,
                pages,
                copied,
            });
        }
    }

    /// The strand that a token belongs to.
    fn strand(&self, token: usize) -> usize {
        self.strands
            .partition_point(|strand| strand.tokens.start <= token)
            .saturating_sub(1)
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The tokens by number.
    pub fn tokens(&self) -> &[TokenId] {
        &self.tokens
    }

    /// Pages that they take.
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// Number of the last token of path `index`; `None` where it has no tokens.
    pub fn end(&self, index: usize) -> Option<usize> {
        self.ends[index]
    }

    /// The token before a token on its path.
    pub fn before(&self, token: usize) -> Option<usize> {
        let parent = self.parents[token] as usize;
        (parent != token).then_some(parent)
    }

    /// The pages of the path that ends with a token, and the number of its tokens.
    pub(super) fn path_pages(&self, token: usize) -> (&[u32], usize) {
        let strand = &self.strands[self.strand(token)];
        let tokens = strand.position + token - strand.tokens.start + 1;
        (&strand.pages[..tokens.div_ceil(PAGE)], tokens)
    }

    /// Neighbouring tokens as the rows of a pass.
    pub(super) fn segments(&self, tokens: Range<usize>) -> Vec<Segment> {
        let mut segments = Vec::new();
        let mut at = tokens.start;
        while at < tokens.end {
            let strand = &self.strands[self.strand(at)];
            let end = strand.tokens.end.min(tokens.end);
            segments.push(Segment {
                rows: at - tokens.start..end - tokens.start,
                position: strand.position + at - strand.tokens.start,
                pages: Arc::clone(&strand.pages),
                copied: strand.copied.filter(|_| at == strand.tokens.start),
            });
            at = end;
        }
        segments
    }
}

/// Numbers of `paths` in the order of their tokens.
pub(super) fn sorted(paths: &[Path<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..paths.len()).collect();
    order.sort_by(|&a, &b| paths[a].order(paths[b]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn whole(path: &[TokenId]) -> Path<'_> {
        Path(path, &[])
    }

    #[test]
    fn shared_beginnings_are_there_once() {
        let paths: [&[TokenId]; 6] = [&[5, 6, 8], &[5, 6, 7], &[], &[9], &[5, 6], &[5, 6, 7]];
        let forest = Forest::new(&paths.map(whole));
        assert_eq!(forest.tokens(), [5, 6, 7, 8, 9]);
        let ends: Vec<_> = (0..6).map(|path| forest.end(path)).collect();
        assert_eq!(ends, [Some(3), Some(2), None, Some(4), Some(1), Some(2)]);
        assert_eq!((forest.before(3), forest.before(4)), (Some(1), None));
        // Three strands: the second begins as a copy of the first's page.
        assert_eq!(forest.pages(), 3);
        let segments = forest.segments(1..5);
        let seen: Vec<_> = segments
            .iter()
            .map(|s| (s.rows.clone(), s.position, &s.pages[..], s.copied))
            .collect();
        assert_eq!(
            seen,
            [
                (0..2, 1, &[0][..], None),
                (2..3, 2, &[1][..], Some(0)),
                (3..4, 0, &[2][..], None)
            ]
        );
    }

    #[test]
    fn a_path_may_come_in_two_pieces_cut_anywhere() {
        let (a, b) = ([1, 2, 3, 4], [1, 2, 3, 5, 6]);
        for i in 0..=4 {
            for j in 0..=5 {
                let paths = [Path(&a[..i], &a[i..]), Path(&b[..j], &b[j..])];
                let forest = Forest::new(&paths);
                assert_eq!(forest.tokens(), [1, 2, 3, 4, 5, 6]);
            }
        }
    }

    proptest! {
        #[test]
        fn every_path_is_in_the_forest_and_its_pages_are_its_own_or_shared(
            paths in prop::collection::vec(prop::collection::vec(0u32..3, 0..90), 0..20),
        ) {
            let refs: Vec<Path<'_>> = paths.iter().map(|path| whole(path)).collect();
            let forest = Forest::new(&refs);
            // What each page's lanes hold, as the writes of one pass leave them.
            let mut held: Vec<Vec<Option<usize>>> = vec![vec![None; PAGE]; forest.pages()];
            for segment in forest.segments(0..forest.len()) {
                if let Some((from, to)) = segment.copied.map(|from| (from as usize, segment.pages[segment.position / PAGE] as usize)) {
                    held[to] = held[from].clone();
                }
                for (row, position) in segment.rows.clone().zip(segment.position..) {
                    held[segment.pages[position / PAGE] as usize][position % PAGE] = Some(row);
                }
            }
            let mut distinct = BTreeSet::new();
            for (index, path) in paths.iter().enumerate() {
                distinct.extend((1..=path.len()).map(|n| &path[..n]));
                let mut numbers: Vec<usize> = std::iter::successors(forest.end(index), |&at| forest.before(at)).collect();
                numbers.reverse();
                let tokens: Vec<TokenId> = numbers.iter().map(|&at| forest.tokens()[at]).collect();
                prop_assert_eq!(&tokens, path);
                if let Some(end) = forest.end(index) {
                    let (pages, len) = forest.path_pages(end);
                    prop_assert_eq!(len, path.len());
                    for (position, number) in numbers.iter().enumerate() {
                        prop_assert_eq!(held[pages[position / PAGE] as usize][position % PAGE], Some(*number));
                    }
                }
            }
            prop_assert_eq!(forest.len(), distinct.len());
        }
    }
}
