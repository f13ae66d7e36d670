//! Who sees what: slots of the token tree, and the rows of a pass that attend to them.

use candle_core::{Result, Tensor, bail};
#[cfg(target_arch = "x86_64")]
use std::sync::Arc;
use std::{ops::Range, sync::Mutex};

/// Neighbouring slots that hold neighbouring tokens of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first slot.
    pub slot: usize,
    /// Number of slots.
    pub len: usize,
}

impl Span {
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
    pub ancestors: Vec<Span>,
    /// Slots of these rows themselves, in row order.
    pub own: Vec<Span>,
}

impl Segment {
    /// Number of keys before the segment's first row.
    pub(super) fn depth(&self) -> usize {
        self.ancestors.iter().map(|span| span.len).sum()
    }
}

/// What all rows of a pass see: checked and prepared once, used by every layer.
#[derive(Debug)]
pub struct AttentionPlan {
    pub(super) segments: Vec<Segment>,
    pub(super) window: Option<usize>,
    pub(super) rows: usize,
    /// One past the highest slot seen.
    pub(super) slots: usize,
    /// Masks of the portable path, made at the first layer.
    pub(super) masks: Mutex<Option<Vec<Masked>>>,
    /// Tiles of so many rows, made at the first layer.
    #[cfg(target_arch = "x86_64")]
    pub(super) tiles: Mutex<Option<(usize, Arc<Vec<super::avx512::tiles::RowTile>>)>>,
}

/// The portable path's share of a plan: some rows, the slots any of them sees, and who sees which.
#[derive(Debug, Clone)]
pub(super) struct Masked {
    pub rows: Range<usize>,
    /// `(keys)`, u32: the slots.
    pub slots: Tensor,
    /// `(rows, keys)`, f32: 0 where visible, minus infinity elsewhere.
    pub mask: Tensor,
}

impl AttentionPlan {
    /// Checks that the segments fit together.
    pub(super) fn new(segments: &[Segment], window: Option<usize>) -> Result<Self> {
        if window == Some(0) {
            bail!("a sliding window of 0 tokens would hide each token from itself");
        }
        let (mut rows, mut slots) = (0, 0);
        for (i, segment) in segments.iter().enumerate() {
            let own: usize = segment.own.iter().map(|span| span.len).sum();
            if segment.rows.start != rows || segment.rows.len() != own {
                bail!(
                    "segment {i} has rows {:?} and {own} slots of its own; its rows should start at {rows} and be as many",
                    segment.rows
                );
            }
            rows = segment.rows.end;
            let ends = segment.ancestors.iter().chain(&segment.own).map(Span::end);
            slots = ends.fold(slots, usize::max);
        }
        Ok(Self {
            segments: segments.to_vec(),
            window,
            rows,
            slots,
            masks: Mutex::new(None),
            #[cfg(target_arch = "x86_64")]
            tiles: Mutex::new(None),
        })
    }

    /// Rows of the pass.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_must_follow_each_other_and_own_as_many_slots_as_rows() {
        let segment = |rows: Range<usize>, len| Segment {
            rows,
            ancestors: vec![Span { slot: 40, len: 7 }],
            own: vec![Span { slot: 2, len }],
        };
        let plan = AttentionPlan::new(&[segment(0..3, 3), segment(3..5, 2)], None).unwrap();
        assert_eq!((plan.rows(), plan.slots), (5, 47));
        assert!(AttentionPlan::new(&[segment(0..3, 3), segment(4..5, 1)], None).is_err());
        assert!(AttentionPlan::new(&[segment(0..3, 2)], None).is_err());
        assert!(AttentionPlan::new(&[segment(0..3, 3)], Some(0)).is_err());
    }
}
