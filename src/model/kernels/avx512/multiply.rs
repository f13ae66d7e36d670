//! Products of packed rows with panels, blocked so that what is used again is near.

use super::{
    super::rows::RowView,
    Avx512,
    memory::Line,
    tile::{self, PANEL, STRIP, Tile},
};
use std::ops::Range;

/// Most words of the inner dimension multiplied at a time: a panel of so many (40 KiB) stays in or next to the
/// first-level cache while the strips go by. Longer ones are halved, thirded, ... evenly.
const BLOCK: usize = 320;

/// Rows divided into strips as evenly as may be, so that none is much thinner than the others.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Strips {
    pub rows: usize,
    pub count: usize,
}

impl<'a> Left<'a> {
    /// One strip by itself.
    pub fn strip(&self, strip: usize) -> Left<'a> {
        let rows = self.strips.range(strip);
        Left {
            words: &self.words[rows.start * self.depth..rows.end * self.depth],
            strips: Strips::of(rows.len()),
            depth: self.depth,
        }
    }
}

impl Strips {
    pub fn of(rows: usize) -> Self {
        Self {
            rows,
            count: rows.div_ceil(STRIP),
        }
    }

    /// The first row of a strip (of the one past the last: the number of rows).
    pub fn start(&self, strip: usize) -> usize {
        let (each, more) = (self.rows / self.count.max(1), self.rows % self.count.max(1));
        strip * each + strip.min(more)
    }

    /// The rows of a strip.
    pub fn range(&self, strip: usize) -> Range<usize> {
        self.start(strip)..self.start(strip + 1)
    }
}

/// Packed rows: strip after strip, each with its whole inner dimension.
#[derive(Clone, Copy)]
pub(in super::super) struct Left<'a> {
    pub words: &'a [u32],
    pub strips: Strips,
    /// Words of a row.
    pub depth: usize,
}

/// Panels, `stride` lines apart, of which `depth` words are used.
#[derive(Clone, Copy)]
pub(in super::super) struct Right<'a> {
    pub lines: &'a [Line],
    pub stride: usize,
    pub depth: usize,
}

/// What a product is added to.
#[derive(Clone, Copy)]
pub(in super::super) enum Start<'a> {
    /// Nothing.
    Zero,
    /// The same numbers in each row, at least as many as the panels have columns.
    Row(&'a [f32]),
    /// A matrix of the product's shape.
    Matrix(RowView<'a>),
    /// What is there already.
    Out,
}

/// Where a product goes: number `c` of row `r` is at `start + r · stride + c`.
#[derive(Clone, Copy)]
pub(in super::super) struct Out {
    pub start: *mut f32,
    pub stride: usize,
    pub columns: usize,
}

/// Packs `view`, some rows of f32, as one strip.
pub(in super::super) fn pack_strip(machine: Avx512, view: RowView<'_>, rows: Range<usize>, strip: &mut [u32]) {
    let words = machine.format().words(view.width);
    assert!((1..=STRIP).contains(&rows.len()) && rows.end <= view.rows && strip.len() >= words * rows.len());
    let from = &view.data[rows.start * view.stride..];
    assert!(from.len() >= (rows.len() - 1) * view.stride + view.width);
    // SAFETY: `machine` vouches for the instructions; the sizes were just checked.
    unsafe {
        tile::pack(
            machine.format(),
            rows.len(),
            view.width,
            from.as_ptr(),
            view.stride,
            strip.as_mut_ptr(),
        )
    };
}

/// Packs all rows of `view` into `buffer`.
pub(in super::super) fn pack_rows<'a>(machine: Avx512, view: RowView<'_>, buffer: &'a mut [u32]) -> Left<'a> {
    let strips = Strips::of(view.rows);
    let depth = machine.format().words(view.width);
    for strip in 0..strips.count {
        let rows = strips.range(strip);
        let words = &mut buffer[rows.start * depth..rows.end * depth];
        pack_strip(machine, view, rows, words);
    }
    Left {
        words: &buffer[..view.rows * depth],
        strips,
        depth,
    }
}

/// Multiplies all of `left` with the first panels of `right` into `out`, whose rows are `stride` apart and take
/// `panels · 32` numbers.
pub(in super::super) fn product(
    machine: Avx512,
    left: Left<'_>,
    right: Right<'_>,
    panels: usize,
    start: Start<'_>,
    out: &mut [f32],
    stride: usize,
) {
    let columns = panels * PANEL;
    assert!(columns <= stride && left.strips.rows * stride <= out.len() + (stride - columns));
    let out = Out {
        start: out.as_mut_ptr(),
        stride,
        columns,
    };
    // SAFETY: `out` is borrowed mutably and was just checked to have all rows.
    unsafe { product_part(machine, left, 0..left.strips.count, right, 0..panels, start, out) };
}

/// Multiplies some strips with some panels. Of the last panel only what lies below `out.columns` is written.
///
/// # Safety
/// `out` is good for writing its columns within `panels` at each of the strips' rows (and with [`Start::Out`] holds
/// numbers there), and nobody else touches them meanwhile.
pub(in super::super) unsafe fn product_part(
    machine: Avx512,
    left: Left<'_>,
    strips: Range<usize>,
    right: Right<'_>,
    panels: Range<usize>,
    start: Start<'_>,
    out: Out,
) {
    let depth = right.depth;
    assert!(left.depth == depth && left.words.len() >= left.strips.rows * depth && strips.end <= left.strips.count);
    assert!(panels.is_empty() || (panels.end - 1) * right.stride + 2 * depth <= right.lines.len());
    match start {
        Start::Row(row) => assert!(row.len() >= out.columns.min(panels.end * PANEL)),
        Start::Matrix(matrix) => assert!(matrix.rows >= left.strips.rows && matrix.width >= out.columns),
        Start::Zero | Start::Out => {}
    }
    const ZERO: [f32; PANEL] = [0.; PANEL];
    for panel in panels {
        let lines = &right.lines[panel * right.stride..][..2 * depth];
        let column = panel * PANEL;
        let columns = PANEL.min(out.columns - column);
        // Even without an inner dimension the start has to be written.
        let block_words = depth.div_ceil(depth.div_ceil(BLOCK).max(1)).max(1);
        for block in (0..depth.max(1)).step_by(block_words) {
            let words = block_words.min(depth - block);
            for strip in strips.clone() {
                let rows = left.strips.range(strip);
                let to = out.start.wrapping_add(rows.start * out.stride + column);
                let (from, from_stride) = match start {
                    _ if block > 0 => (to.cast_const(), out.stride),
                    Start::Out => (to.cast_const(), out.stride),
                    Start::Zero => (ZERO.as_ptr(), 0),
                    Start::Row(row) => (row[column..].as_ptr(), 0),
                    Start::Matrix(matrix) => (
                        matrix.data[rows.start * matrix.stride + column..].as_ptr(),
                        matrix.stride,
                    ),
                };
                let tile = Tile {
                    strip: left.words[rows.start * depth + block * rows.len()..].as_ptr(),
                    panel: lines[2 * block..].as_ptr(),
                    words,
                    start: from,
                    start_stride: from_stride,
                    out: to,
                    out_stride: out.stride,
                };
                // SAFETY: `machine` vouches for the instructions. The strip's words and the panel's lines were sliced
                // within bounds; `start` has 32 numbers a row or, at the edge, `columns`; `out` is the caller's.
                unsafe {
                    if columns == PANEL {
                        tile::multiply(machine.format(), rows.len(), tile);
                    } else {
                        multiply_edge(machine, rows.len(), columns, tile);
                    }
                }
            }
        }
    }
}

/// [`tile::multiply`] where only `columns` of the panel's columns exist in `start` and `out`.
///
/// # Safety
/// As there, but for `columns` numbers a row.
unsafe fn multiply_edge(machine: Avx512, rows: usize, columns: usize, tile: Tile) {
    let mut edge = [0f32; STRIP * PANEL];
    // SAFETY: `columns` numbers of each row are read from `start` and written to `out`, as the contract allows; the
    // product goes to `edge`, which has 32 for each of up to 12 rows.
    unsafe {
        for row in 0..rows {
            let from = tile.start.add(row * tile.start_stride);
            std::ptr::copy_nonoverlapping(from, edge[row * PANEL..][..columns].as_mut_ptr(), columns);
        }
        let whole = Tile {
            start: edge.as_ptr(),
            start_stride: PANEL,
            out: edge.as_mut_ptr(),
            out_stride: PANEL,
            ..tile
        };
        tile::multiply(machine.format(), rows, whole);
        for row in 0..rows {
            let to = tile.out.add(row * tile.out_stride);
            std::ptr::copy_nonoverlapping(edge[row * PANEL..][..columns].as_ptr(), to, columns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_are_even_and_cover_all_rows() {
        for rows in 0..200 {
            let strips = Strips::of(rows);
            let sizes: Vec<usize> = (0..strips.count).map(|strip| strips.range(strip).len()).collect();
            assert_eq!(sizes.iter().sum::<usize>(), rows);
            assert!(sizes.iter().all(|&n| n <= STRIP && n + 1 >= sizes[0]), "{sizes:?}");
        }
    }
}
