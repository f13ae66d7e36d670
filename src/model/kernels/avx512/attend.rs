//! Attention over the blocks of the key-value store.
//!
//! A tile of some 96 rows (query tokens times the query heads of one key head) goes through what it sees in runs of
//! at most 512 keys: products with the keys, an online softmax in f32, products of its weights with the values.

use super::{
    super::{
        plan::AttentionPlan,
        rows::RowView,
        tiles::{BLOCK_SLOTS, RowTile, SlotRun},
    },
    blocks::KvBlocks,
    lanes::Soft,
    memory::{CacheLine, OutputMatrix, OutputWriter, Spare},
    multiply::{Left, Product, Right, Start, Strips},
    tile::{PANEL, STRIP},
};
use candle_core::{Result, bail};
use rayon::prelude::*;
use std::{cell::Cell, ops::Range};

/// Rows of a tile: keys and values come from memory once for so many.
const TILE_ROWS: usize = 96;
/// Tiles times key heads wanted for each thread.
const TASKS_PER_THREAD: usize = 4;

thread_local! {
    static QUERIES: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static SCORES: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static SUMS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static QUERY_WORDS: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
    static WEIGHT_WORDS: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
}

/// One call of attention.
struct AttentionPass<'a> {
    store: &'a KvBlocks,
    /// The layer's blocks.
    blocks: &'a [Vec<CacheLine>],
    queries: RowView<'a>,
    /// Query heads of one key head.
    group: usize,
    window: Option<usize>,
    /// What scores are multiplied by, in powers of two.
    scale: f32,
}

/// Attention of `queries`, `(rows, heads × head_dim)`, to what `plan` shows them of a layer of `store`: softmax of
/// `scale` times the products. Returns the same shape.
pub(in super::super) fn attend(
    store: &KvBlocks,
    layer: usize,
    queries: RowView<'_>,
    plan: &AttentionPlan,
    scale: f32,
) -> Result<Vec<f32>> {
    let kv_heads = store.sizes.kv_heads;
    let pass = AttentionPass {
        store,
        blocks: &store.layers[layer],
        queries,
        group: queries.width / (store.sizes.head_dim * kv_heads).max(1),
        window: plan.window,
        scale: scale * std::f32::consts::LOG2_E,
    };
    let wanted = (TASKS_PER_THREAD * rayon::current_num_threads()).div_ceil(kv_heads.max(1));
    let most = (TILE_ROWS / pass.group.max(1)).max(1);
    let least = STRIP.div_ceil(pass.group.max(1)).min(most);
    let tiles = plan.tiles(plan.rows.div_ceil(wanted).clamp(least, most));
    for run in tiles.iter().flat_map(|tile| &tile.runs) {
        if pass.blocks[run.block].is_empty() {
            bail!(
                "slots {:?} of block {} in layer {layer} were never written",
                run.slots,
                run.block
            );
        }
    }
    let mut matrix = OutputMatrix::new(queries.rows * queries.width);
    let writer = matrix.writer();
    let tasks = tiles.len() * kv_heads;
    (0..tasks).into_par_iter().with_max_len(1).for_each(|task| {
        // The last tiles of a chunk see most: they come first.
        let tile = &tiles[tiles.len() - 1 - task / kv_heads];
        pass.tile(tile, task % kv_heads, writer);
    });
    // SAFETY: the tiles cover all rows, and the query heads of all key heads cover all columns.
    Ok(unsafe { matrix.finish() })
}

/// The shortest range that has both.
fn join(a: Range<usize>, b: Range<usize>) -> Range<usize> {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b,
        (_, true) => a,
        _ => a.start.min(b.start)..a.end.max(b.end),
    }
}

/// Rows of a tile on their way through what they see, for the query heads of one key head.
struct TileAttention<'a> {
    pass: &'a AttentionPass<'a>,
    tile: &'a RowTile,
    kv_head: usize,
    queries: Left<'a>,
    /// Each row's softmax so far, and the values weighed by it, `(rows, value panels × 32)`.
    softs: Vec<Soft>,
    sums: &'a mut [f32],
    /// Of one strip at a time, so that they stay in the first-level cache.
    scores: &'a mut [f32],
    weights: &'a mut [u32],
}

impl AttentionPass<'_> {
    /// Attention of one tile's rows for the query heads of one key head.
    fn tile(&self, tile: &RowTile, kv_head: usize, out: OutputWriter<'_>) {
        let (machine, sizes) = (self.store.machine, self.store.sizes);
        let width = sizes.value_panels * PANEL;
        let rows = tile.rows.len() * self.group;
        let mut scaled = Spare::take(&QUERIES, rows * sizes.head_dim, 0.);
        let mut words = Spare::take(&QUERY_WORDS, rows * Left::stride(sizes.key_words), 0);
        let mut sums = Spare::take(&SUMS, rows * width, 0.);
        let sums = &mut sums[..rows * width];
        sums.fill(0.);
        let mut scores = Spare::take(&SCORES, STRIP * BLOCK_SLOTS, 0.);
        let mut weights = Spare::take(&WEIGHT_WORDS, STRIP * Left::stride(sizes.slot_words), 0);
        let mut state = TileAttention {
            pass: self,
            tile,
            kv_head,
            queries: Left::fill(machine, self.scaled_queries(tile, kv_head, &mut scaled), &mut words),
            softs: vec![Soft::NOTHING; rows],
            sums,
            scores: &mut scores,
            weights: &mut weights,
        };
        for run in &tile.runs {
            state.take(run);
        }
        state.finish(out);
    }

    /// A tile's queries times the scale: a row for each query head of the key head, of one token after the other.
    fn scaled_queries<'q>(&self, tile: &RowTile, kv_head: usize, to: &'q mut [f32]) -> RowView<'q> {
        let width = self.store.sizes.head_dim;
        let of_token = self.group * width;
        for (token, row) in tile.rows.clone().enumerate() {
            let heads = &self.queries.row(row)[kv_head * of_token..][..of_token];
            for (to, x) in to[token * of_token..].iter_mut().zip(heads) {
                *to = x * self.scale;
            }
        }
        let rows = tile.rows.len() * self.group;
        RowView {
            data: &to[..rows * width],
            rows,
            width,
            stride: width,
        }
    }
}

impl TileAttention<'_> {
    /// Takes the slots of a run into the softmax of the rows that see them.
    fn take(&mut self, run: &SlotRun) {
        let (sizes, group) = (self.pass.store.sizes, self.pass.group);
        let first = run.rows.start * group;
        let strips = Strips::of(run.rows.len() * group);
        let lines = &self.pass.blocks[run.block][self.kv_head * sizes.head_lines()..][..sizes.head_lines()];
        let (keys, values) = lines.split_at(sizes.key_lines());
        for strip in 0..strips.count {
            let rows = strips.range(strip);
            let rows = first + rows.start..first + rows.end;
            let Some(seen) = rows.clone().map(|row| self.seen(run, row)).reduce(join) else {
                continue;
            };
            if !seen.is_empty() {
                let panels = (run.slots.start + seen.start) / PANEL..(run.slots.start + seen.end).div_ceil(PANEL);
                self.score(keys, rows.clone(), panels.clone());
                self.weigh(run, rows.clone(), panels.clone());
                self.add(values, rows, panels);
            }
        }
    }

    /// Products of a strip's queries with the keys of some panels.
    fn score(&mut self, keys: &[CacheLine], rows: Range<usize>, panels: Range<usize>) {
        let depth = self.pass.store.sizes.key_words;
        let panel_lines = depth * PANEL / 16;
        let product = Product {
            machine: self.pass.store.machine,
            left: self.queries.slice(rows),
            right: Right {
                lines: &keys[panels.start * panel_lines..],
                stride: panel_lines,
                depth,
            },
            start: Start::Zero,
        };
        product.write(panels.len(), self.scores, panels.len() * PANEL);
    }

    /// Turns a strip's scores into weights of each row's softmax so far: 0 where the row sees nothing. The rows' sums so
    /// far are brought to the new scale.
    fn weigh(&mut self, run: &SlotRun, rows: Range<usize>, panels: Range<usize>) {
        let machine = self.pass.store.machine;
        let width = self.pass.store.sizes.value_panels * PANEL;
        let stride = panels.len() * PANEL;
        for (i, row) in rows.enumerate() {
            let seen = self.seen(run, row);
            let scores = &mut self.scores[i * stride..][..stride];
            if seen.is_empty() {
                scores.fill(0.);
                continue;
            }
            let place = |seen: usize| run.slots.start + seen - panels.start * PANEL;
            let (from, to) = (place(seen.start), place(seen.end));
            scores[..from].fill(0.);
            scores[to..].fill(0.);
            let factor = machine.soften(&mut scores[from..to], &mut self.softs[row]);
            if factor != 1. {
                machine.scale(&mut self.sums[row * width..][..width], factor);
            }
        }
    }

    /// Adds the values of some panels of slots, weighed, to a strip's sums.
    fn add(&mut self, values: &[CacheLine], rows: Range<usize>, panels: Range<usize>) {
        let (machine, sizes) = (self.pass.store.machine, self.pass.store.sizes);
        let width = sizes.value_panels * PANEL;
        let stride = panels.len() * PANEL;
        let weights = RowView {
            data: &self.scores[..rows.len() * stride],
            rows: rows.len(),
            width: stride,
            stride,
        };
        let product = Product {
            machine,
            left: Left::fill(machine, weights, self.weights),
            right: Right {
                lines: &values[machine.format().words(panels.start * PANEL) * PANEL / 16..],
                stride: sizes.slot_words * PANEL / 16,
                depth: machine.format().words(stride),
            },
            start: Start::Out,
        };
        let sums = &mut self.sums[rows.start * width..rows.end * width];
        product.write(sizes.value_panels, sums, width);
    }

    /// Writes what each row came to.
    fn finish(self, out: OutputWriter<'_>) {
        let (machine, sizes, group) = (self.pass.store.machine, self.pass.store.sizes, self.pass.group);
        let width = sizes.value_panels * PANEL;
        for (i, soft) in self.softs.iter().enumerate() {
            let sums = &mut self.sums[i * width..][..sizes.head_dim];
            machine.scale(sums, 1. / soft.sum);
            let (row, head) = (self.tile.rows.start + i / group, self.kv_head * group + i % group);
            // SAFETY: a tile's rows and a key head's query heads are one task's.
            unsafe { out.copy(row * self.pass.queries.width + head * sizes.head_dim, sums) };
        }
    }

    /// Which of a run's slots a row of the tile (a token's query head) sees.
    fn seen(&self, run: &SlotRun, row: usize) -> Range<usize> {
        run.seen(self.tile.positions[row / self.pass.group], self.pass.window)
    }
}
