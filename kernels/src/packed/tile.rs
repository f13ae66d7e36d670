//! The innermost loop's job: a strip of rows times a panel of columns.

/// Most rows of a strip: with AVX-512, 12 rows × 2 registers of sums, and 3 registers left for the operands.
pub(in super::super) const STRIP: usize = 12;
/// Columns of a panel.
pub(in super::super) const PANEL: usize = 32;
/// Steps that one running sum of f32 takes before it is added to the total. Each step rounds the sum to its last place, so
/// short sums, whose numbers are smaller, are closer to the exact one: see "How exact it is" in docs/benchmarks.md.
pub(in super::super) const RUN_F32: usize = 96;
/// How far ahead a panel is fetched, in words: six steps of at least a dozen cycles hide the second-level cache.
#[cfg(target_arch = "x86_64")]
pub(super) const AHEAD: usize = 6 * PANEL;
/// Most rows of a part of a strip, where the processor has 16 registers or shorter ones: see [`in_parts`].
pub(super) const PART_ROWS: usize = 6;

/// Where a tile's sums begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum SumStart {
    /// At nothing; the start is added at the end: a residual stream has numbers of some thousands, and every step of a sum
    /// that began with one would be rounded to its last place.
    Apart,
    /// At the start: the sum goes on, to the bit, as if its earlier words had been multiplied in the same call. At most
    /// [`RUN_F32`] words of f32.
    GoOn,
}

/// One tile to be computed: `out[r][c] = start[r][c] + Σ rows[r][w] · panel[w][c]` over `words` words.
#[derive(Clone, Copy)]
pub(in super::super) struct Tile {
    /// The strip: `words` words of each row, `strip_stride` apart.
    pub strip: *const u32,
    pub strip_stride: usize,
    /// The panel: `words` times 32 words, the first aligned to 64 bytes.
    pub panel: *const u32,
    pub words: usize,
    /// 32 numbers for each row, `start_stride` apart; may be `out` itself.
    pub start: *const f32,
    pub start_stride: usize,
    /// Likewise, `out_stride` apart.
    pub out: *mut f32,
    pub out_stride: usize,
    pub sums: SumStart,
}

/// Calls `each` with parts of a tile of `rows` rows: some columns, with at most [`PART_ROWS`] rows at a time.
#[inline(always)]
pub(super) fn in_parts(rows: usize, columns: usize, tile: Tile, each: impl Fn(usize, Tile)) {
    let parts = rows.div_ceil(PART_ROWS);
    for column in (0..PANEL).step_by(columns) {
        let mut first = 0;
        for part in 0..parts {
            let count = rows / parts + usize::from(part < rows % parts);
            let part = Tile {
                strip: tile.strip.wrapping_add(first * tile.strip_stride),
                panel: tile.panel.wrapping_add(column),
                start: tile.start.wrapping_add(first * tile.start_stride + column),
                out: tile.out.wrapping_add(first * tile.out_stride + column),
                ..tile
            };
            each(count, part);
            first += count;
        }
    }
}

/// Multiplies a tile part by part: `$part::<ROWS, ON>`, one function for each number of rows up to [`PART_ROWS`] and each
/// [`SumStart`], takes a part of that many rows and `$columns` columns. Needs an unsafe block where the parts do.
macro_rules! by_parts {
    ($part:ident, $rows:expr, $columns:expr, $tile:expr) => {{
        macro_rules! by_rows {
            ($rows_of:ident, $tile_of:ident, $on:literal) => {
                match $rows_of {
                    1 => $part::<1, $on>($tile_of),
                    2 => $part::<2, $on>($tile_of),
                    3 => $part::<3, $on>($tile_of),
                    4 => $part::<4, $on>($tile_of),
                    5 => $part::<5, $on>($tile_of),
                    _ => $part::<6, $on>($tile_of),
                }
            };
        }
        $crate::packed::tile::in_parts($rows, $columns, $tile, |rows, tile| match tile.sums {
            $crate::packed::tile::SumStart::Apart => by_rows!(rows, tile, false),
            $crate::packed::tile::SumStart::GoOn => by_rows!(rows, tile, true),
        })
    }};
}
pub(super) use by_parts;
