//! Who sees what in one pass.

use super::cuda::attend::{SlotPlan, TreePlan};
use super::segment::Segment;
use super::tiles::{RowTile, TileSizes, tiles};
use super::window::AttentionWindow;
use candle_core::{Device, Result, Tensor, bail};
use std::sync::Arc;
use std::{
    ops::Range,
    sync::{Mutex, MutexGuard},
};

/// What all rows of a pass see: checked and prepared once, used by every layer.
#[derive(Debug)]
pub struct AttentionPlan {
    pub(super) segments: Vec<Segment>,
    pub(super) window: Option<AttentionWindow>,
    pub(super) rows: usize,
    /// One past the highest page seen.
    pub(super) pages: usize,
    /// Masks of candle's path, made at the first layer.
    pub(super) masks: Mutex<Option<Vec<Masked>>>,
    /// Tiles of these sizes, made at the first layer.
    tiles: Mutex<Option<(TileSizes, Arc<Vec<RowTile>>)>>,
    /// The same for our own kernels on a GPU, made at the first layer.
    tree: Mutex<Option<Arc<TreePlan>>>,
    /// Where they write keys and values, likewise.
    slots: Mutex<Option<Arc<SlotPlan>>>,
}

/// Candle's share of a plan: some rows, the slots any of them sees, and who sees which.
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
    pub(super) fn new(segments: Vec<Segment>, window: Option<AttentionWindow>) -> Result<Self> {
        if window.is_some_and(|window| window.size() == 0) {
            bail!("a window of 0 tokens would hide each token from itself");
        }
        let (mut rows, mut pages) = (0, 0);
        for (i, segment) in segments.iter().enumerate() {
            if segment.rows.start != rows || segment.pages.len() < segment.end().div_ceil(super::PAGE) {
                bail!(
                    "segment {i} has rows {:?} from position {} on and {} pages; its rows should start at {rows}",
                    segment.rows,
                    segment.position,
                    segment.pages.len()
                );
            }
            rows = segment.rows.end;
            pages = segment
                .pages
                .iter()
                .fold(pages, |most, &page| most.max(page as usize + 1));
        }
        Ok(Self {
            segments,
            window,
            rows,
            pages,
            masks: Mutex::new(None),
            tiles: Mutex::new(None),
            tree: Mutex::new(None),
            slots: Mutex::new(None),
        })
    }

    /// Rows of the pass.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Its segments.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// What the rows see, in tiles; made at the first call.
    pub(super) fn tiles(&self, sizes: TileSizes) -> Arc<Vec<RowTile>> {
        let mut held = locked(&self.tiles);
        match held.as_ref() {
            Some((of, made)) if *of == sizes => made.clone(),
            _ => {
                let made = Arc::new(tiles(&self.segments, self.window, sizes));
                *held = Some((sizes, made.clone()));
                made
            }
        }
    }

    /// What the rows see, for our own kernels on a GPU and `group` query heads of one key head; made at the first call.
    pub(super) fn tree(&self, group: usize, device: &Device) -> Result<Arc<TreePlan>> {
        let mut held = locked(&self.tree);
        match held.as_ref() {
            Some(made) if made.group == group => Ok(made.clone()),
            _ => Ok(held
                .insert(Arc::new(TreePlan::new(&self.segments, group, device)?))
                .clone()),
        }
    }

    /// Where keys and values of the rows are written, for the same; made at the first call.
    pub(super) fn slots(&self, device: &Device) -> Result<Arc<SlotPlan>> {
        let mut held = locked(&self.slots);
        match held.as_ref() {
            Some(made) => Ok(made.clone()),
            None => Ok(held.insert(Arc::new(SlotPlan::new(&self.segments, device)?)).clone()),
        }
    }
}

/// What is behind a lock; whoever failed while holding it left what was there before.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(held) => held,
        Err(poisoned) => poisoned.into_inner(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_must_follow_each_other_and_have_all_their_pages() {
        let segment = |rows: Range<usize>, pages: &[u32]| Segment {
            rows,
            position: 30,
            pages: pages.into(),
            copied: None,
        };
        let plan = AttentionPlan::new(vec![segment(0..3, &[4, 9]), segment(3..5, &[4])], None).unwrap();
        assert_eq!((plan.rows(), plan.pages), (5, 10));
        assert!(AttentionPlan::new(vec![segment(0..3, &[4, 9]), segment(4..5, &[4])], None).is_err());
        assert!(AttentionPlan::new(vec![segment(0..3, &[4])], None).is_err());
        assert!(AttentionPlan::new(vec![segment(0..3, &[4, 9])], Some(AttentionWindow::Sliding(0))).is_err());
    }
}
