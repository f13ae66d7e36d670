//! The segments of a pass cut into tiles: some neighbouring rows, and the runs of slots that they see.

use super::segment::{Segment, SlotSpan};
use std::ops::Range;

/// Slots of a block of the store; no run of slots reaches over its end.
pub(super) const BLOCK_SLOTS: usize = 512;

/// Neighbouring rows whose attention one task computes for one key head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RowTile {
    pub rows: Range<usize>,
    /// Each row's place on its own path.
    pub positions: Vec<usize>,
    /// What the rows see; the runs of each row are in path order.
    pub runs: Vec<SlotRun>,
}

/// Slots that the same rows of a tile see, some of them perhaps not all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SlotRun {
    /// Number of the block in the store.
    pub block: usize,
    /// Slots within the block.
    pub slots: Range<usize>,
    /// The first slot's place on the path.
    pub position: usize,
    /// CpuRows within the tile.
    pub rows: Range<usize>,
}

impl SlotRun {
    /// Which of the run's slots, counted from its first, are seen from `position`.
    pub fn seen(&self, position: usize, window: Option<usize>) -> Range<usize> {
        let within = |end: usize| end.saturating_sub(self.position).min(self.slots.len());
        let to = within(position + 1);
        let from = window.map_or(0, |window| within((position + 1).saturating_sub(window)));
        from..to
    }
}

/// The rows of `segments` in tiles of about `rows` each; with a `window` a row sees at most that many keys.
pub(super) fn tiles(segments: &[Segment], window: Option<usize>, rows: usize) -> Vec<RowTile> {
    let all = segments.last().map_or(0, |segment| segment.rows.end);
    let count = all.div_ceil(rows.max(1));
    let start = |tile: usize| tile * (all / count) + tile.min(all % count);
    let mut first = 0;
    let mut tiles = Vec::with_capacity(count);
    for tile in 0..count {
        let rows = start(tile)..start(tile + 1);
        while segments
            .get(first)
            .is_some_and(|segment| segment.rows.end <= rows.start)
        {
            first += 1;
        }
        let seen = segments[first..]
            .iter()
            .take_while(|segment| segment.rows.start < rows.end);
        tiles.push(tile_of(rows.clone(), seen, window));
    }
    tiles
}

fn tile_of<'a>(rows: Range<usize>, segments: impl Iterator<Item = &'a Segment>, window: Option<usize>) -> RowTile {
    let mut tile = RowTile {
        rows: rows.clone(),
        positions: Vec::with_capacity(rows.len()),
        runs: Vec::new(),
    };
    // The runs of the segment before, by number, to find what this one shares with it from the root on.
    let mut before: Vec<usize> = Vec::new();
    for segment in segments.filter(|segment| !segment.rows.is_empty()) {
        let mine = segment.rows.start.max(rows.start)..segment.rows.end.min(rows.end);
        let first = segment.depth() + mine.start - segment.rows.start;
        let within = mine.start - rows.start..mine.end - rows.start;
        tile.positions.extend(first..first + mine.len());
        let mut path = Vec::new();
        for mut run in path_runs(segment) {
            run.rows = within.clone();
            // What the last row does not see yet and the first one no more.
            let to = run.seen(first + mine.len() - 1, None).end;
            let from = run.seen(first, window).start;
            if from >= to {
                continue;
            }
            run.slots = run.slots.start + from..run.slots.start + to;
            run.position += from;
            let shared = before.get(path.len()).copied().filter(|_| before.starts_with(&path));
            match shared.map(|i| (i, &mut tile.runs[i])) {
                Some((i, other))
                    if (other.block, &other.slots, other.position) == (run.block, &run.slots, run.position) =>
                {
                    other.rows.end = run.rows.end;
                    path.push(i);
                }
                _ => {
                    path.push(tile.runs.len());
                    tile.runs.push(run);
                }
            }
        }
        before = path;
    }
    tile
}

/// A segment's path as runs of slots that neither leave their block nor mix ancestors with the segment's own (which
/// another segment does not share).
fn path_runs(segment: &Segment) -> Vec<SlotRun> {
    let mut runs: Vec<SlotRun> = Vec::new();
    let mut position = 0;
    for (spans, joins) in [(&segment.ancestors, true), (&segment.own, false)] {
        let mut joins = joins && !runs.is_empty();
        for span in spans {
            let mut rest = *span;
            while rest.len > 0 {
                let (block, slot) = (rest.slot / BLOCK_SLOTS, rest.slot % BLOCK_SLOTS);
                let len = rest.len.min(BLOCK_SLOTS - slot);
                match runs.last_mut() {
                    Some(last) if joins && last.block == block && last.slots.end == slot => last.slots.end += len,
                    _ => runs.push(SlotRun {
                        block,
                        slots: slot..slot + len,
                        position,
                        rows: 0..0,
                    }),
                }
                joins = true;
                position += len;
                rest = SlotSpan {
                    slot: rest.slot + len,
                    len: rest.len - len,
                };
            }
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(slot: usize, len: usize) -> SlotSpan {
        SlotSpan { slot, len }
    }

    fn run(block: usize, slots: Range<usize>, position: usize, rows: Range<usize>) -> SlotRun {
        SlotRun {
            block,
            slots,
            position,
            rows,
        }
    }

    #[test]
    fn what_neighbours_share_is_one_run_and_later_rows_see_more_of_their_own() {
        let trunk = [span(500, 20), span(520, 4)];
        let segment = |rows: Range<usize>, branch: SlotSpan, own: usize| Segment {
            ancestors: [trunk.as_slice(), &[branch]].concat(),
            own: vec![span(own, rows.len())],
            rows,
        };
        let segments = [
            segment(0..3, span(600, 2), 610),
            segment(3..5, span(600, 2), 620),
            segment(5..9, span(700, 1), 630),
        ];
        let made = tiles(&segments, None, 8);
        assert_eq!(made.len(), 2);
        assert_eq!(made[0].positions, [26, 27, 28, 26, 27]);
        assert_eq!(
            made[0].runs,
            [
                run(0, 500..512, 0, 0..5),
                run(1, 0..12, 12, 0..5),
                run(1, 88..90, 24, 0..5),
                run(1, 98..101, 26, 0..3),
                run(1, 108..110, 26, 3..5),
            ]
        );
        assert_eq!(made[1].runs[0], run(0, 500..512, 0, 0..4));
        assert_eq!(made[1].runs[3], run(1, 118..122, 25, 0..4));
    }

    #[test]
    fn a_window_hides_what_is_too_far_back() {
        let segment = Segment {
            rows: 0..4,
            ancestors: vec![span(0, 10)],
            own: vec![span(40, 4)],
        };
        let made = tiles(std::slice::from_ref(&segment), Some(3), 2);
        assert_eq!(made[0].runs, [run(0, 8..10, 8, 0..2), run(0, 40..42, 10, 0..2)]);
        assert_eq!(made[1].runs, [run(0, 40..44, 10, 0..2)]);
        assert_eq!(made[1].runs[0].seen(13, Some(3)), 1..4);
    }
}
