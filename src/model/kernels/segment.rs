//! Slots of the token tree, and the rows of a pass that attend to them.

use std::ops::Range;

/// Neighbouring slots that hold neighbouring tokens of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotSpan {
    /// The first slot.
    pub slot: usize,
    /// Number of slots.
    pub len: usize,
}

impl SlotSpan {
    /// One past the last slot.
    pub fn end(&self) -> usize {
        self.slot + self.len
    }
}

/// A run of query rows that continue one path of the tree, and what they see: all of `ancestors`, and of `own` each
/// row what came before it and itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The rows. The segments of a pass follow each other without gap or overlap, starting at row 0.
    pub rows: Range<usize>,
    /// Slots of everything before these rows on their path, in path order, all of them visible. What no row of the
    /// segment can see through the sliding window may be left out.
    pub ancestors: Vec<SlotSpan>,
    /// Slots of these rows themselves, in row order.
    pub own: Vec<SlotSpan>,
}

impl Segment {
    /// Number of keys before the segment's first row.
    pub(super) fn depth(&self) -> usize {
        self.ancestors.iter().map(|span| span.len).sum()
    }
}
