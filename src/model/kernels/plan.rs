//! Who sees what in one pass.

use super::segment::{Segment, SlotSpan};
#[cfg(target_arch = "x86_64")]
use super::tiles::{RowTile, tiles};
use candle_core::{Result, Tensor, bail};
#[cfg(target_arch = "x86_64")]
use std::sync::Arc;
use std::{ops::Range, sync::Mutex};

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
    tiles: Mutex<Option<(usize, Arc<Vec<RowTile>>)>>,
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
            let ends = segment.ancestors.iter().chain(&segment.own).map(SlotSpan::end);
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

    /// CpuRows of the pass.
    pub fn rows(&self) -> usize {
        self.rows
    }
    /// What the rows see, in tiles of about `rows` rows; made at the first call.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn tiles(&self, rows: usize) -> Arc<Vec<RowTile>> {
        let mut held = match self.tiles.lock() {
            Ok(held) => held,
            Err(poisoned) => poisoned.into_inner(),
        };
        match held.as_ref() {
            Some((of, made)) if *of == rows => made.clone(),
            _ => {
                let made = Arc::new(tiles(&self.segments, self.window, rows));
                *held = Some((rows, made.clone()));
                made
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_must_follow_each_other_and_own_as_many_slots_as_rows() {
        let segment = |rows: Range<usize>, len| Segment {
            rows,
            ancestors: vec![SlotSpan { slot: 40, len: 7 }],
            own: vec![SlotSpan { slot: 2, len }],
        };
        let plan = AttentionPlan::new(&[segment(0..3, 3), segment(3..5, 2)], None).unwrap();
        assert_eq!((plan.rows(), plan.slots), (5, 47));
        assert!(AttentionPlan::new(&[segment(0..3, 3), segment(4..5, 1)], None).is_err());
        assert!(AttentionPlan::new(&[segment(0..3, 2)], None).is_err());
        assert!(AttentionPlan::new(&[segment(0..3, 3)], Some(0)).is_err());
    }
}
