//! Blocks of the key-value store as panels, and attention over them.
//!
//! A tile of some 96 rows (query tokens times the query heads of one key head) goes through what it sees in runs of
//! at most 512 keys: products with the keys, an online softmax in f32, products of its weights with the values.

use super::{
    super::{
        kv::KvShape,
        rows::RowView,
        segment::{AttentionPlan, Span},
    },
    Avx512, Format,
    lanes::Soft,
    memory::{Brush, Canvas, Line, Spare, words_mut},
    multiply::{Left, Right, Start, Strips, product},
    tile::{PANEL, STRIP},
    tiles::{BLOCK_SLOTS, RowTile, Run, tiles},
};
use candle_core::{Result, bail};
use half::bf16;
use rayon::prelude::*;
use std::{cell::Cell, ops::Range, sync::Arc};

/// Rows of a tile: keys and values come from memory once for so many.
const TILE_ROWS: usize = 96;
/// From so many rows on, threads share the work of writing them.
const ROWS_IN_PARALLEL: usize = 64;
/// Tiles times key heads wanted for each thread.
const TASKS_PER_THREAD: usize = 4;

thread_local! {
    static QUERIES: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static SCORES: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static SUMS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static QUERY_WORDS: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
    static WEIGHT_WORDS: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
}

/// Keys and values of all layers, in blocks of 512 slots that take memory once they are written to.
#[derive(Debug)]
pub(in super::super) struct Blocks {
    machine: Avx512,
    sizes: Sizes,
    /// For each layer its blocks; a block is empty, or for each head keys, then values.
    layers: Vec<Vec<Vec<Line>>>,
}

/// Rows that go to neighbouring slots of one block.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// The first slot within the block.
    slot: usize,
    row: usize,
    len: usize,
}

/// Sizes within a block, for one head.
///
/// Keys are panels of 32 slots over the head's words; values are panels of 32 of the head's numbers over the slots'
/// words.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    kv_heads: usize,
    head_dim: usize,
    /// Words of a key.
    key_words: usize,
    /// Panels of a value.
    value_panels: usize,
    /// Words of a value panel.
    slot_words: usize,
}

impl Sizes {
    fn key_lines(&self) -> usize {
        BLOCK_SLOTS * self.key_words / 16
    }

    fn value_lines(&self) -> usize {
        self.value_panels * self.slot_words * PANEL / 16
    }

    fn head_lines(&self) -> usize {
        self.key_lines() + self.value_lines()
    }
}

impl Blocks {
    pub fn new(machine: Avx512, shape: KvShape) -> Self {
        let format = machine.format();
        let blocks = shape.capacity.div_ceil(BLOCK_SLOTS);
        Self {
            machine,
            sizes: Sizes {
                kv_heads: shape.kv_heads,
                head_dim: shape.head_dim,
                key_words: format.words(shape.head_dim),
                value_panels: shape.head_dim.div_ceil(PANEL),
                slot_words: format.words(BLOCK_SLOTS),
            },
            layers: vec![vec![Vec::new(); blocks]; shape.layers],
        }
    }

    /// Memory of one slot over all layers, once its block was written to.
    pub fn bytes_per_slot(&self) -> usize {
        self.layers.len() * self.sizes.kv_heads * self.sizes.head_lines() * size_of::<Line>() / BLOCK_SLOTS
    }

    /// Writes rows of keys and values into slots.
    pub fn write(&mut self, layer: usize, slots: &[Span], keys: RowView<'_>, values: RowView<'_>) {
        let (sizes, format) = (self.sizes, self.machine.format());
        let blocks = &mut self.layers[layer];
        let mut pieces: Vec<Vec<Piece>> = vec![Vec::new(); blocks.len()];
        let mut row = 0;
        for span in slots {
            let mut slot = span.slot;
            while slot < span.end() {
                let len = (BLOCK_SLOTS - slot % BLOCK_SLOTS).min(span.end() - slot);
                pieces[slot / BLOCK_SLOTS].push(Piece {
                    slot: slot % BLOCK_SLOTS,
                    row,
                    len,
                });
                slot += len;
                row += len;
            }
        }
        let mut tasks = Vec::new();
        for (block, pieces) in blocks.iter_mut().zip(&pieces).filter(|(_, pieces)| !pieces.is_empty()) {
            if block.is_empty() {
                block.resize(sizes.kv_heads * sizes.head_lines(), Line::ZERO);
            }
            tasks.extend(
                block
                    .chunks_exact_mut(sizes.head_lines())
                    .enumerate()
                    .map(|(head, lines)| (head, lines, pieces)),
            );
        }
        let write = |(head, lines, pieces): (usize, &mut [Line], &Vec<Piece>)| {
            let (key_lines, value_lines) = lines.split_at_mut(sizes.key_lines());
            let (key_words, value_words) = (words_mut(key_lines), words_mut(value_lines));
            let columns = head * sizes.head_dim..(head + 1) * sizes.head_dim;
            for &Piece { slot, row, len } in pieces {
                for i in 0..len {
                    write_key(format, sizes, key_words, slot + i, &keys.row(row + i)[columns.clone()]);
                    write_value(
                        format,
                        sizes,
                        value_words,
                        slot + i,
                        &values.row(row + i)[columns.clone()],
                    );
                }
            }
        };
        if row < ROWS_IN_PARALLEL {
            tasks.into_iter().for_each(write);
        } else {
            tasks.into_par_iter().with_max_len(1).for_each(write);
        }
    }
}

fn write_key(format: Format, sizes: Sizes, words: &mut [u32], slot: usize, key: &[f32]) {
    let panel = &mut words[slot / PANEL * sizes.key_words * PANEL..][..sizes.key_words * PANEL];
    let column = panel.iter_mut().skip(slot % PANEL).step_by(PANEL);
    match format {
        Format::F32 => column.zip(key).for_each(|(word, x)| *word = x.to_bits()),
        Format::Bf16 => column.zip(key.chunks(2)).for_each(|(word, pair)| {
            let half = |x: f32| u32::from(bf16::from_f32(x).to_bits());
            *word = half(pair[0]) | pair.get(1).map_or(0, |&x| half(x)) << 16;
        }),
    }
}

fn write_value(format: Format, sizes: Sizes, words: &mut [u32], slot: usize, value: &[f32]) {
    let step = slot / format.per_word() * PANEL;
    for (panel, numbers) in words
        .chunks_exact_mut(sizes.slot_words * PANEL)
        .zip(value.chunks(PANEL))
    {
        for (word, &x) in panel[step..].iter_mut().zip(numbers) {
            match format {
                Format::F32 => *word = x.to_bits(),
                Format::Bf16 => {
                    let shift = 16 * (slot % 2);
                    *word = *word & !(0xffff << shift) | u32::from(bf16::from_f32(x).to_bits()) << shift;
                }
            }
        }
    }
}

/// One call of attention.
struct Pass<'a> {
    machine: Avx512,
    sizes: Sizes,
    blocks: &'a [Vec<Line>],
    queries: RowView<'a>,
    /// Query heads of one key head.
    group: usize,
    window: Option<usize>,
    /// What scores are multiplied by, in powers of two.
    scale: f32,
}

impl Blocks {
    /// Attention of `queries`, `(rows, heads × head_dim)`, as `plan` says. Returns the same shape.
    pub fn attend(&self, layer: usize, queries: RowView<'_>, plan: &AttentionPlan, scale: f32) -> Result<Vec<f32>> {
        let pass = Pass {
            machine: self.machine,
            sizes: self.sizes,
            blocks: &self.layers[layer],
            queries,
            group: queries.width / (self.sizes.head_dim * self.sizes.kv_heads).max(1),
            window: plan.window,
            scale: scale * std::f32::consts::LOG2_E,
        };
        let wanted = (TASKS_PER_THREAD * rayon::current_num_threads()).div_ceil(self.sizes.kv_heads.max(1));
        let most = (TILE_ROWS / pass.group.max(1)).max(1);
        let least = STRIP.div_ceil(pass.group.max(1)).min(most);
        let tiles = planned(plan, plan.rows.div_ceil(wanted).clamp(least, most));
        for run in tiles.iter().flat_map(|tile| &tile.runs) {
            if pass.blocks[run.block].is_empty() {
                bail!(
                    "slots {:?} of block {} in layer {layer} were never written",
                    run.slots,
                    run.block
                );
            }
        }
        let mut canvas = Canvas::new(queries.rows * queries.width);
        let brush = canvas.brush();
        let tasks = tiles.len() * self.sizes.kv_heads;
        (0..tasks).into_par_iter().with_max_len(1).for_each(|task| {
            // The last tiles of a chunk see most: they come first.
            let tile = &tiles[tiles.len() - 1 - task / self.sizes.kv_heads];
            pass.tile(tile, task % self.sizes.kv_heads, brush);
        });
        // SAFETY: the tiles cover all rows, and the query heads of all key heads cover all columns.
        Ok(unsafe { canvas.finish() })
    }
}

/// The shortest range that has both.
fn join(a: Range<usize>, b: Range<usize>) -> Range<usize> {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b,
        (_, true) => a,
        _ => a.start.min(b.start)..a.end.max(b.end),
    }
}

/// The plan's tiles of so many rows, made at the first call.
fn planned(plan: &AttentionPlan, rows: usize) -> Arc<Vec<RowTile>> {
    let mut held = match plan.tiles.lock() {
        Ok(held) => held,
        Err(poisoned) => poisoned.into_inner(),
    };
    match held.as_ref() {
        Some((of, made)) if *of == rows => made.clone(),
        _ => {
            let made = Arc::new(tiles(plan, rows));
            *held = Some((rows, made.clone()));
            made
        }
    }
}

impl Pass<'_> {
    /// Attention of one tile's rows for the query heads of one key head.
    fn tile(&self, tile: &RowTile, kv_head: usize, out: Brush<'_>) {
        let Pass {
            machine, sizes, group, ..
        } = *self;
        let (head_dim, width) = (sizes.head_dim, sizes.value_panels * PANEL);
        let rows = tile.rows.len() * group;
        let mut queries = Spare::take(&QUERIES, rows * head_dim, 0.);
        for (token, row) in tile.rows.clone().enumerate() {
            let heads = &self.queries.row(row)[kv_head * group * head_dim..][..group * head_dim];
            for (to, x) in queries[token * group * head_dim..].iter_mut().zip(heads) {
                *to = x * self.scale;
            }
        }
        let queries = RowView {
            data: &queries[..rows * head_dim],
            rows,
            width: head_dim,
            stride: head_dim,
        };
        let mut words = Spare::take(&QUERY_WORDS, rows * Left::stride(sizes.key_words), 0);
        let queries = Left::fill(machine, queries, &mut words);
        let mut sums = Spare::take(&SUMS, rows * width, 0.);
        sums[..rows * width].fill(0.);
        let mut softs = vec![Soft::NOTHING; rows];
        // One strip at a time: its scores and weights stay in the first-level cache.
        let mut scores = Spare::take(&SCORES, STRIP * BLOCK_SLOTS, 0.);
        let mut weights = Spare::take(&WEIGHT_WORDS, STRIP * Left::stride(sizes.slot_words), 0);
        for run in &tile.runs {
            let mine = run.rows.start * group..run.rows.end * group;
            let lines = &self.blocks[run.block][kv_head * sizes.head_lines()..][..sizes.head_lines()];
            let (keys, values) = lines.split_at(sizes.key_lines());
            let strips = Strips::of(mine.len());
            for strip in 0..strips.count {
                let rows = strips.range(strip);
                let rows = mine.start + rows.start..mine.start + rows.end;
                let Some(seen) = rows.clone().map(|row| self.seen(run, tile, row)).reduce(join) else {
                    continue;
                };
                if seen.is_empty() {
                    continue;
                }
                let panels = (run.slots.start + seen.start) / PANEL..(run.slots.start + seen.end).div_ceil(PANEL);
                let stride = panels.len() * PANEL;
                let panel_lines = sizes.key_words * PANEL / 16;
                let right = Right {
                    lines: &keys[panels.start * panel_lines..],
                    stride: panel_lines,
                    depth: sizes.key_words,
                };
                product(
                    machine,
                    queries.slice(rows.clone()),
                    right,
                    panels.len(),
                    Start::Zero,
                    &mut scores,
                    stride,
                );

                let sums = &mut sums[rows.start * width..rows.end * width];
                let scores = &mut scores[..rows.len() * stride];
                for (i, (scores, row)) in scores.chunks_exact_mut(stride).zip(rows.clone()).enumerate() {
                    let seen = self.seen(run, tile, row);
                    let place = |seen: usize| run.slots.start + seen - panels.start * PANEL;
                    let sums = &mut sums[i * width..][..width];
                    self.weigh(scores, place(seen.start)..place(seen.end), &mut softs[row], sums);
                }

                let view = RowView {
                    data: scores,
                    rows: rows.len(),
                    width: stride,
                    stride,
                };
                let right = Right {
                    lines: &values[machine.format().words(panels.start * PANEL) * PANEL / 16..],
                    stride: sizes.slot_words * PANEL / 16,
                    depth: machine.format().words(stride),
                };
                let weights = Left::fill(machine, view, &mut weights);
                product(machine, weights, right, sizes.value_panels, Start::Out, sums, width);
            }
        }
        for (i, soft) in softs.iter().enumerate() {
            let sums = &mut sums[i * width..][..head_dim];
            machine.scale(sums, 1. / soft.sum);
            let (row, head) = (tile.rows.start + i / group, kv_head * group + i % group);
            // SAFETY: a tile's rows and a key head's query heads are one task's.
            unsafe { out.copy(row * self.queries.width + head * head_dim, sums) };
        }
    }

    /// Which of a run's slots a row of the tile (a token's query head) sees.
    fn seen(&self, run: &Run, tile: &RowTile, row: usize) -> Range<usize> {
        run.seen(tile.positions[row / self.group], self.window)
    }

    /// Turns a row's scores into weights of its softmax so far: 0 outside of `seen`. The row's sums so far are brought
    /// to the new scale.
    fn weigh(&self, scores: &mut [f32], seen: Range<usize>, soft: &mut Soft, sums: &mut [f32]) {
        if seen.is_empty() {
            scores.fill(0.);
            return;
        }
        scores[..seen.start].fill(0.);
        scores[seen.end..].fill(0.);
        let factor = self.machine.soften(&mut scores[seen], soft);
        if factor != 1. {
            self.machine.scale(sums, factor);
        }
    }
}
