//! Attention over pages of keys and values.
//!
//! A tile of some 96 query rows (rows times the query heads of one key head) goes through what it sees in blocks of 384
//! positions: products with the keys, an online softmax in f32, products of its weights with the values. What is summed in
//! which order follows from a row's path alone: a softmax step is a block counted from position 0, and the values of each
//! [`SUM_PAGES`] are summed by themselves, one position after the other wherever their pages lie.

use super::{
    super::{
        plan::AttentionPlan,
        rows::RowView,
        rule::ScoreRule,
        segment::PAGE,
        tiles::{BLOCK_PAGES, RowTile, SharedPages, TileSizes, TileStep},
        window::{AttentionWindow, seen},
    },
    format::HeldFormat,
    lanes::Soft,
    memory::{OutputMatrix, OutputWriter, Spare},
    multiply::{Left, Product, Right, Start},
    pages::{HeadPages, KvPages},
    tile::{PANEL, RUN_F32, STRIP},
};
use rayon::prelude::*;
use std::{cell::Cell, ops::Range};

/// Query rows of a tile: keys and values come from memory once for so many.
const TILE_ROWS: usize = 96;
/// Tiles times key heads wanted for each thread.
const TASKS_PER_THREAD: usize = 4;

impl HeldFormat {
    /// Pages whose values make one sum, which is added to what the pages before came to: where f32 is multiplied, as many positions as any
    /// sum of products has steps.
    const fn sum_pages(self) -> usize {
        match self {
            HeldFormat::Bf16Pairs => BLOCK_PAGES,
            HeldFormat::F32 | HeldFormat::Bf16 | HeldFormat::F16 => RUN_F32 / PAGE,
        }
    }
}

thread_local! {
    static QUERIES: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static SCORES: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static SUMS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static PART_SUMS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
    static QUERY_WORDS: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
    static WEIGHT_WORDS: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
}

/// One call of attention.
struct AttentionPass<'a> {
    store: &'a KvPages,
    queries: RowView<'a>,
    /// Query heads of one key head.
    group: usize,
    window: Option<AttentionWindow>,
    /// How scores come from products, in powers of two.
    rule: ScoreRule<'a>,
}

/// Attention of `queries`, `(rows, heads × head_dim)`, to what `plan` shows them of `store`, whose pages it has checked:
/// softmax of the products by `rule`. Returns the same shape.
pub(in super::super) fn attend(
    store: &KvPages,
    queries: RowView<'_>,
    plan: &AttentionPlan,
    rule: ScoreRule<'_>,
) -> Vec<f32> {
    let kv_heads = store.heads.len();
    let pass = AttentionPass {
        store,
        queries,
        group: queries.width / (store.sizes.head_dim * kv_heads).max(1),
        window: plan.window,
        rule: ScoreRule {
            scale: rule.scale * std::f32::consts::LOG2_E,
            cap: rule.cap.map(|cap| cap * std::f32::consts::LOG2_E),
            sinks: rule.sinks,
        },
    };
    let wanted = (TASKS_PER_THREAD * rayon::current_num_threads()).div_ceil(kv_heads.max(1));
    let most = (TILE_ROWS / pass.group.max(1)).max(1);
    let least = STRIP.div_ceil(pass.group.max(1)).min(most);
    let tiles = plan.tiles(TileSizes {
        rows: plan.rows.div_ceil(wanted).clamp(least, most),
        group: pass.group,
        strip: STRIP,
    });
    let mut matrix = OutputMatrix::new(queries.rows * queries.width);
    let writer = matrix.writer();
    let tasks = tiles.len() * kv_heads;
    (0..tasks).into_par_iter().with_max_len(1).for_each(|task| {
        // The last tiles of a chunk see most: they come first.
        let tile = &tiles[tiles.len() - 1 - task / kv_heads];
        pass.tile(tile, task % kv_heads, writer);
    });
    // SAFETY: the tiles cover all rows, and the query heads of all key heads cover all columns.
    unsafe { matrix.finish() }
}

/// Rows of a tile on their way through what they see, for the query heads of one key head.
struct TileAttention<'a> {
    pass: &'a AttentionPass<'a>,
    tile: &'a RowTile,
    held: &'a HeadPages,
    queries: Left<'a>,
    /// Each row's softmax so far, and the values weighed by it, `(rows, value panels × 32)`.
    softs: Vec<Soft>,
    sums: &'a mut [f32],
    /// Of one strip at a time, so that they stay in the first-level cache.
    scores: &'a mut [f32],
    weights: &'a mut [u32],
    /// A strip's values of some pages, where they lie in several places.
    part_sums: &'a mut [f32],
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
        let mut scores = Spare::take(&SCORES, STRIP * BLOCK_PAGES * PAGE, 0.);
        let mut part_sums = Spare::take(&PART_SUMS, STRIP * width, 0.);
        let block_words = machine.format().words(BLOCK_PAGES * PAGE);
        let mut weights = Spare::take(&WEIGHT_WORDS, STRIP * Left::stride(block_words), 0);
        let mut state = TileAttention {
            pass: self,
            tile,
            held: &self.store.heads[kv_head],
            queries: Left::fill(machine, self.scaled_queries(tile, kv_head, &mut scaled), &mut words),
            softs: (0..rows)
                .map(|row| self.unseen(kv_head * self.group + row % self.group))
                .collect(),
            sums,
            scores: &mut scores,
            weights: &mut weights,
            part_sums: &mut part_sums,
        };
        for step in &tile.steps {
            state.score(step);
            state.weigh(step);
            state.add(step);
        }
        state.finish(kv_head, out);
    }

    /// A query head's softmax before it has seen anything: nothing, or its sink.
    fn unseen(&self, head: usize) -> Soft {
        match self.rule.sinks.and_then(|sinks| sinks.get(head)) {
            Some(sink) => Soft {
                max: sink * std::f32::consts::LOG2_E,
                sum: 1.,
            },
            None => Soft::NOTHING,
        }
    }

    /// A tile's queries times the scale: a row for each query head of the key head, of one token after the other.
    fn scaled_queries<'q>(&self, tile: &RowTile, kv_head: usize, to: &'q mut [f32]) -> RowView<'q> {
        let width = self.store.sizes.head_dim;
        let of_token = self.group * width;
        for (token, row) in tile.rows.clone().enumerate() {
            let heads = &self.queries.row(row)[kv_head * of_token..][..of_token];
            for (to, x) in to[token * of_token..].iter_mut().zip(heads) {
                *to = x * self.rule.scale;
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
    /// Products of a strip's queries with the keys that they see of a block.
    fn score(&mut self, step: &TileStep) {
        let sizes = self.pass.store.sizes;
        let stride = step.pages.len() * PAGE;
        for part in &step.parts {
            let product = Product {
                machine: self.pass.store.machine,
                left: self.queries.slice(part.rows.clone()),
                right: Right {
                    lines: &self.held.keys[part.page * sizes.key_lines()..],
                    stride: sizes.key_lines(),
                    depth: sizes.key_words,
                },
                start: Start::Zero,
            };
            let first = (part.rows.start - step.strip.start) * stride + (part.path.start - step.pages.start) * PAGE;
            product.write(part.path.len(), &mut self.scores[first..], stride);
        }
    }

    /// Turns a strip's scores into weights of each row's softmax so far: 0 where the row sees nothing. The rows' sums so
    /// far are brought to the new scale.
    fn weigh(&mut self, step: &TileStep) {
        let machine = self.pass.store.machine;
        let width = self.pass.store.sizes.value_panels * PANEL;
        let stride = step.pages.len() * PAGE;
        for (i, row) in step.strip.clone().enumerate() {
            let seen = self.seen(step, row);
            let scores = &mut self.scores[i * stride..][..stride];
            if seen.is_empty() {
                scores.fill(0.);
                continue;
            }
            scores[..seen.start].fill(0.);
            scores[seen.end..].fill(0.);
            let scores = &mut scores[seen];
            if let Some(cap) = self.pass.rule.cap {
                machine.soft_cap(scores, cap);
            }
            let factor = machine.soften(scores, &mut self.softs[row]);
            if factor != 1. {
                machine.scale(&mut self.sums[row * width..][..width], factor);
            }
        }
    }

    /// Adds the values that a strip's rows see of a block, weighed, to their sums.
    fn add(&mut self, step: &TileStep) {
        let machine = self.pass.store.machine;
        let stride = step.pages.len() * PAGE;
        let weights = RowView {
            data: &self.scores[..step.strip.len() * stride],
            rows: step.strip.len(),
            width: stride,
            stride,
        };
        let weights = Left::fill(machine, weights, self.weights);
        let width = self.pass.store.sizes.value_panels * PANEL;
        let sums = &mut self.sums[step.strip.start * width..step.strip.end * width];
        let each = machine.format().sum_pages();
        let mut from = step.pages.start;
        while from < step.pages.end {
            let pages = from..((from / each + 1) * each).min(step.pages.end);
            from = pages.end;
            let here = |part: &&SharedPages| part.path.start < pages.end && part.path.end > pages.start;
            let mut parts = step.parts.iter().filter(here);
            let values = WeighedPages {
                store: self.pass.store,
                held: self.held,
                step,
                weights,
            };
            match (parts.next(), parts.next()) {
                (None, _) => {}
                (Some(one), None) if one.rows == step.strip => values.add(one, &pages, Start::Out, sums),
                _ => {
                    let part_sums = &mut self.part_sums[..sums.len()];
                    part_sums.fill(0.);
                    for part in step.parts.iter().filter(here) {
                        let first = (part.rows.start - step.strip.start) * width;
                        values.add(part, &pages, Start::Sum, &mut part_sums[first..]);
                    }
                    for (sum, part) in sums.iter_mut().zip(part_sums) {
                        *sum += *part;
                    }
                }
            }
        }
    }

    /// Writes what each row came to.
    fn finish(self, kv_head: usize, out: OutputWriter<'_>) {
        let (machine, sizes, group) = (self.pass.store.machine, self.pass.store.sizes, self.pass.group);
        let width = sizes.value_panels * PANEL;
        for (i, soft) in self.softs.iter().enumerate() {
            let sums = &mut self.sums[i * width..][..sizes.head_dim];
            machine.scale(sums, 1. / soft.sum);
            let (row, head) = (self.tile.rows.start + i / group, kv_head * group + i % group);
            // SAFETY: a tile's rows and a key head's query heads are one task's.
            unsafe { out.copy(row * self.pass.queries.width + head * sizes.head_dim, sums) };
        }
    }

    /// Which of a step's positions, counted from its first, a query row of the tile sees.
    fn seen(&self, step: &TileStep, row: usize) -> Range<usize> {
        let seen = seen(self.tile.positions[row / self.pass.group], self.pass.window);
        let within = |position: usize| {
            position
                .saturating_sub(step.pages.start * PAGE)
                .min(step.pages.len() * PAGE)
        };
        within(seen.start)..within(seen.end)
    }
}

/// A strip's weights of one block, and the values that they belong to.
struct WeighedPages<'a> {
    store: &'a KvPages,
    held: &'a HeadPages,
    step: &'a TileStep,
    /// `(rows of the strip, positions of the step)`.
    weights: Left<'a>,
}

impl WeighedPages<'_> {
    /// Adds the weighed values of those of a part's pages that are among `pages` to the sums of its rows, which begin
    /// where `sums` does.
    fn add(&self, part: &SharedPages, pages: &Range<usize>, start: Start<'_>, sums: &mut [f32]) {
        let sizes = self.store.sizes;
        let path = part.path.start.max(pages.start)..part.path.end.min(pages.end);
        let page = part.page + path.start - part.path.start;
        let rows = part.rows.start - self.step.strip.start..part.rows.end - self.step.strip.start;
        let words = |page: usize| (page - self.step.pages.start) * sizes.page_words;
        let product = Product {
            machine: self.store.machine,
            left: self.weights.slice(rows).columns(words(path.start)..words(path.end)),
            right: Right {
                lines: &self.held.values[sizes.value_line(page, 0)..],
                stride: sizes.panel_lines(),
                depth: path.len() * sizes.page_words,
            },
            start,
        };
        product.write(sizes.value_panels, sums, sizes.value_panels * PANEL);
    }
}
