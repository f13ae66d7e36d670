//! Pages of keys and values, and the rows of a pass that attend to them.

use std::{ops::Range, sync::Arc};

/// Positions of a page. A token at position `p` of its path lies in lane `p % PAGE` of the path's page `p / PAGE`, whatever
/// else is held: where sums over keys are cut follows from positions alone. Paths that part within a page have copies of
/// what they share of it.
pub const PAGE: usize = 32;

/// A run of query rows that continue one path, each of which sees everything before it on its path and itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The rows. The segments of a pass follow each other without gap or overlap, starting at row 0.
    pub rows: Range<usize>,
    /// The first row's position on its path.
    pub position: usize,
    /// The path's pages from position 0 on, as far as the last row's at least.
    pub pages: Arc<[u32]>,
    /// Where the path parts from another within a page: that page, whose copy its own one begins as.
    pub copied: Option<u32>,
}

impl Segment {
    /// One past the last row's position.
    pub(super) fn end(&self) -> usize {
        self.position + self.rows.len()
    }

    /// Where the token at `position` of the path is held: page times [`PAGE`] plus lane.
    pub(super) fn slot(&self, position: usize) -> usize {
        self.pages[position / PAGE] as usize * PAGE + position % PAGE
    }

    /// The page that begins as a copy, with the page that it is copied from.
    pub(super) fn copy(&self) -> Option<(usize, usize)> {
        self.copied
            .map(|from| (from as usize, self.pages[self.position / PAGE] as usize))
    }
}
