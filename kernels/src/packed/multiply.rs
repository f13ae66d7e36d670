//! Products of rows with panels, blocked so that what is used again is near.

use super::{
    super::rows::RowView,
    Machine,
    format::HeldFormat,
    memory::{CacheLine, Spare, words},
    tile::{PANEL, RUN_F32, STRIP, SumStart, Tile},
};
use std::{cell::Cell, ops::Range};

/// Most words of the inner dimension multiplied at a time: a panel of so many (40 KiB) stays in or next to the
/// first-level cache while the strips go by. Longer ones are halved, thirded, ... evenly.
const BLOCK: usize = 320;

thread_local! {
    static WIDE: Cell<Vec<CacheLine>> = const { Cell::new(Vec::new()) };
}

/// CpuRows divided into strips as evenly as may be, so that none is much thinner than the others.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Strips {
    pub rows: usize,
    pub count: usize,
}

impl<'a> Left<'a> {
    /// How far apart rows of `depth` words are put: an odd number of cache lines, so that a strip's rows do not contend
    /// for the same places in the cache.
    pub fn stride(depth: usize) -> usize {
        (depth.div_ceil(16) | 1) * 16
    }

    /// All of `view`, put into `words` as rows `Left::stride` apart.
    pub fn fill(machine: Machine, view: RowView<'_>, words: &'a mut [u32]) -> Self {
        let depth = machine.format().words(view.width);
        let stride = Self::stride(depth);
        for (row, words) in words.chunks_exact_mut(stride).take(view.rows).enumerate() {
            machine.to_words(view.row(row), &mut words[..depth]);
        }
        Self {
            words: &words[..view.rows * stride],
            rows: view.rows,
            depth,
            stride,
        }
    }

    /// Some of the rows.
    pub fn slice(&self, rows: Range<usize>) -> Self {
        Self {
            words: &self.words[rows.start * self.stride..rows.end * self.stride],
            rows: rows.len(),
            ..*self
        }
    }

    /// Some of the words of each row.
    pub fn columns(&self, words: Range<usize>) -> Self {
        Self {
            words: &self.words[words.start..],
            depth: words.len(),
            ..*self
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

/// CpuRows as words, `stride` apart.
#[derive(Clone, Copy)]
pub(in super::super) struct Left<'a> {
    pub words: &'a [u32],
    pub rows: usize,
    /// Words of a row.
    pub depth: usize,
    pub stride: usize,
}

/// Panels, `stride` lines apart, of which `depth` words are used.
#[derive(Clone, Copy)]
pub(in super::super) struct Right<'a> {
    pub lines: &'a [CacheLine],
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
    /// The sum that is there already goes on: see [`SumStart::GoOn`].
    Sum,
}

/// Where a product goes: number `c` of row `r` is at `start + r · stride + c`.
#[derive(Clone, Copy)]
pub(in super::super) struct Out {
    pub start: *mut f32,
    pub stride: usize,
    pub columns: usize,
}

/// Rows times panels, and what that is added to.
#[derive(Clone, Copy)]
pub(in super::super) struct Product<'a> {
    pub machine: Machine,
    pub left: Left<'a>,
    pub right: Right<'a>,
    pub start: Start<'a>,
}

impl Product<'_> {
    /// Writes the product of all rows with the first panels into `out`, whose rows are `stride` apart and take
    /// `panels · 32` numbers.
    pub fn write(&self, panels: usize, out: &mut [f32], stride: usize) {
        let columns = panels * PANEL;
        assert!(columns <= stride && self.left.rows * stride <= out.len() + (stride - columns));
        let out = Out {
            start: out.as_mut_ptr(),
            stride,
            columns,
        };
        // SAFETY: `out` is borrowed mutably and was just checked to have all rows.
        unsafe { self.write_part(0..Strips::of(self.left.rows).count, 0..panels, out) };
    }

    /// Writes the product of some strips with some panels. Of the last panel only what lies below `out.columns` is
    /// written.
    ///
    /// # Safety
    /// `out` is good for writing its columns within `panels` at each of the strips' rows (and with [`Start::Out`]
    /// holds numbers there), and nobody else touches them meanwhile.
    pub unsafe fn write_part(&self, strips: Range<usize>, panels: Range<usize>, out: Out) {
        self.check(&strips, &panels, out);
        let depth = self.right.depth;
        // Even without an inner dimension the start has to be written.
        let block_words = depth.div_ceil(depth.div_ceil(BLOCK).max(1)).max(1);
        let format = self.machine.format();
        let mut wide = format
            .is_widened()
            .then(|| Spare::take(&WIDE, 2 * block_words, CacheLine::ZERO));
        for panel in panels {
            for block in (0..depth.max(1)).step_by(block_words) {
                let words = block..depth.min(block + block_words);
                let first = panel * self.right.stride;
                let held = first + words.start * format.step_lines()..first + words.end * format.step_lines();
                let mut block = &self.right.lines[held];
                if let Some(wide) = &mut wide {
                    let wide = &mut wide[..2 * words.len()];
                    self.machine.widen(block, wide);
                    block = wide;
                }
                for strip in strips.clone() {
                    // SAFETY: `check` has seen that strips, panels and the start are there; `out` is the caller's.
                    unsafe { self.write_tile(strip, panel, words.clone(), block, out) };
                }
            }
        }
    }

    /// That operands and start have what [`Product::write_part`] will read.
    fn check(&self, strips: &Range<usize>, panels: &Range<usize>, out: Out) {
        let Self { left, right, .. } = self;
        assert!(left.depth == right.depth && right.depth <= left.stride);
        let words = left.rows.saturating_sub(1) * left.stride + left.depth;
        assert!(strips.end <= Strips::of(left.rows).count && (left.rows == 0 || left.words.len() >= words));
        let lines = self.machine.format().step_lines() * right.depth;
        assert!(panels.is_empty() || (panels.end - 1) * right.stride + lines <= right.lines.len());
        match self.start {
            Start::Row(row) => assert!(row.len() >= out.columns.min(panels.end * PANEL)),
            Start::Matrix(matrix) => assert!(matrix.rows >= left.rows && matrix.width >= out.columns),
            Start::Zero | Start::Out => {}
            Start::Sum => assert!(right.depth <= RUN_F32 || self.machine.format() == HeldFormat::Bf16Pairs),
        }
    }

    /// Writes one strip's product with some words of one panel, which are `block`, added to the start or to what earlier
    /// words came to.
    ///
    /// # Safety
    /// As [`Product::write_part`], whose checks have been made.
    unsafe fn write_tile(&self, strip: usize, panel: usize, at: Range<usize>, block: &[CacheLine], out: Out) {
        const ZERO: [f32; PANEL] = [0.; PANEL];
        let left = &self.left;
        let rows = Strips::of(left.rows).range(strip);
        let column = panel * PANEL;
        let columns = PANEL.min(out.columns - column);
        let to = out.start.wrapping_add(rows.start * out.stride + column);
        let (start, start_stride) = match self.start {
            _ if at.start > 0 => (to.cast_const(), out.stride),
            Start::Out | Start::Sum => (to.cast_const(), out.stride),
            Start::Zero => (ZERO.as_ptr(), 0),
            Start::Row(row) => (row[column..].as_ptr(), 0),
            Start::Matrix(matrix) => (
                matrix.data[rows.start * matrix.stride + column..].as_ptr(),
                matrix.stride,
            ),
        };
        assert!(block.len() == 2 * at.len());
        let tile = Tile {
            strip: left.words[rows.start * left.stride + at.start..].as_ptr(),
            strip_stride: left.stride,
            panel: words(block).as_ptr(),
            words: at.len(),
            start,
            start_stride,
            out: to,
            out_stride: out.stride,
            sums: match self.start {
                Start::Sum => SumStart::GoOn,
                _ => SumStart::Apart,
            },
        };
        // SAFETY: the strip's words and the panel's lines were sliced within bounds, and there are as many as was said;
        // `start` has 32 numbers a row or, at the edge, `columns`; `out` is the caller's.
        unsafe {
            if columns == PANEL {
                self.machine.multiply(rows.len(), tile);
            } else {
                multiply_edge(self.machine, rows.len(), columns, tile);
            }
        }
    }
}

/// [`Machine::multiply`] where only `columns` of the panel's columns exist in `start` and `out`.
///
/// # Safety
/// As there, but for `columns` numbers a row.
unsafe fn multiply_edge(machine: Machine, rows: usize, columns: usize, tile: Tile) {
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
        machine.multiply(rows, whole);
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
