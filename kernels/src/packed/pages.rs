//! Pages of keys and values as panels.

use super::{
    super::{
        rows::RowView,
        segment::{PAGE, Segment},
        shape::KvShape,
        tiles::BLOCK_PAGES,
    },
    Machine,
    format::HeldFormat,
    lines::HeldLines,
    memory::{CacheLine, halves_mut, words_mut},
    tile::PANEL,
};
use half::{bf16, f16};
use rayon::prelude::*;

/// From so many rows on, threads share the work of writing them.
const ROWS_IN_PARALLEL: usize = 64;

/// Keys and values of one layer.
#[derive(Debug)]
pub(in super::super) struct KvPages {
    pub machine: Machine,
    pub sizes: PageSizes,
    /// For each head its keys and values.
    pub heads: Vec<HeadPages>,
}

/// Keys and values of one head. Keys are a panel a page, over the head's words. Values are, for each block of
/// [`BLOCK_PAGES`] pages, panels of 32 of the head's numbers over the words of the block's lanes: so the pages of a block,
/// where they are a path's neighbours, are one long inner dimension.
#[derive(Debug)]
pub(in super::super) struct HeadPages {
    pub keys: HeldLines,
    pub values: HeldLines,
}

/// Sizes of a head's pages.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct PageSizes {
    pub head_dim: usize,
    /// Words of a key.
    pub key_words: usize,
    /// Panels of a value.
    pub value_panels: usize,
    /// Words of the lanes of a page.
    pub page_words: usize,
    /// Cache lines that a panel takes for each word.
    step_lines: usize,
}

impl PageSizes {
    fn new(machine: Machine, head_dim: usize) -> Self {
        Self {
            head_dim,
            key_words: machine.format().words(head_dim),
            value_panels: head_dim.div_ceil(PANEL),
            page_words: machine.format().words(PAGE),
            step_lines: machine.format().step_lines(),
        }
    }

    /// Cache lines of a page's keys.
    pub fn key_lines(&self) -> usize {
        self.key_words * self.step_lines
    }

    /// Cache lines of a page's part of a value panel.
    pub fn page_lines(&self) -> usize {
        self.page_words * self.step_lines
    }

    /// Cache lines of a value panel of a block.
    pub fn panel_lines(&self) -> usize {
        BLOCK_PAGES * self.page_lines()
    }

    /// Cache lines of a block's values.
    pub fn block_lines(&self) -> usize {
        self.value_panels * self.panel_lines()
    }

    /// The first cache line of a page's part of a value panel.
    pub fn value_line(&self, page: usize, panel: usize) -> usize {
        page / BLOCK_PAGES * self.block_lines() + panel * self.panel_lines() + page % BLOCK_PAGES * self.page_lines()
    }
}

/// Memory of a page of one layer, in bytes.
pub(in super::super) fn page_bytes(machine: Machine, kv_heads: usize, head_dim: usize) -> usize {
    let sizes = PageSizes::new(machine, head_dim);
    kv_heads * (sizes.key_lines() + sizes.block_lines() / BLOCK_PAGES) * size_of::<CacheLine>()
}

impl KvPages {
    pub fn new(machine: Machine, shape: KvShape) -> Self {
        let sizes = PageSizes::new(machine, shape.head_dim);
        let blocks = shape.pages.div_ceil(BLOCK_PAGES);
        let head = |_| HeadPages {
            keys: HeldLines::zero(shape.pages * sizes.key_lines()),
            values: HeldLines::zero(blocks * sizes.block_lines()),
        };
        Self {
            machine,
            sizes,
            heads: (0..shape.kv_heads).map(head).collect(),
        }
    }

    /// Writes the rows of segments, in order: see [`KvLayer::write`](super::super::KvLayer::write).
    pub fn write(&mut self, segments: &[Segment], keys: RowView<'_>, values: RowView<'_>) {
        let (sizes, format) = (self.sizes, self.machine.format());
        let write = |(head, pages): (usize, &mut HeadPages)| {
            let columns = head * sizes.head_dim..(head + 1) * sizes.head_dim;
            for segment in segments {
                if let Some((from, to)) = segment.copy() {
                    pages.copy_within(sizes, from, to);
                }
                for (row, position) in segment.rows.clone().zip(segment.position..) {
                    let page = segment.pages[position / PAGE] as usize;
                    let lane = position % PAGE;
                    let key = &keys.row(row)[columns.clone()];
                    let value = &values.row(row)[columns.clone()];
                    write_key(
                        format,
                        &mut pages.keys[page * sizes.key_lines()..][..sizes.key_lines()],
                        lane,
                        key,
                    );
                    write_value(format, sizes, &mut pages.values, (page, lane), value);
                }
            }
        };
        let heads = self.heads.iter_mut().enumerate();
        if segments
            .last()
            .is_none_or(|segment| segment.rows.end < ROWS_IN_PARALLEL)
        {
            heads.for_each(write);
        } else {
            self.heads.par_iter_mut().enumerate().with_max_len(1).for_each(write);
        }
    }

    /// Copies pages of another store of the same sizes.
    pub fn copy_from(&mut self, other: &Self, pages: &[(usize, usize)]) {
        let sizes = self.sizes;
        for (head, from_head) in self.heads.iter_mut().zip(&other.heads) {
            for &(from, to) in pages {
                let (lines, from_line) = (sizes.key_lines(), from * sizes.key_lines());
                head.keys[to * lines..][..lines].copy_from_slice(&from_head.keys[from_line..][..lines]);
                let lines = sizes.page_lines();
                for panel in 0..sizes.value_panels {
                    let from_line = sizes.value_line(from, panel);
                    head.values[sizes.value_line(to, panel)..][..lines]
                        .copy_from_slice(&from_head.values[from_line..][..lines]);
                }
            }
        }
    }
}

impl HeadPages {
    /// Makes page `to` a copy of page `from`.
    fn copy_within(&mut self, sizes: PageSizes, from: usize, to: usize) {
        let lines = sizes.key_lines();
        self.keys.copy_within(from * lines..(from + 1) * lines, to * lines);
        let lines = sizes.page_lines();
        for panel in 0..sizes.value_panels {
            let from = sizes.value_line(from, panel);
            self.values.copy_within(from..from + lines, sizes.value_line(to, panel));
        }
    }
}

fn write_key(format: HeldFormat, page: &mut [CacheLine], lane: usize, key: &[f32]) {
    match format {
        HeldFormat::F32 => {
            let column = words_mut(page)[lane..].iter_mut().step_by(PANEL);
            column.zip(key).for_each(|(word, x)| *word = x.to_bits());
        }
        HeldFormat::Bf16Pairs => {
            let column = words_mut(page)[lane..].iter_mut().step_by(PANEL);
            column.zip(key.chunks(2)).for_each(|(word, pair)| {
                let half = |x: f32| u32::from(bf16::from_f32(x).to_bits());
                *word = half(pair[0]) | pair.get(1).map_or(0, |&x| half(x)) << 16;
            });
        }
        HeldFormat::Bf16 | HeldFormat::F16 => {
            let column = halves_mut(page)[lane..].iter_mut().step_by(PANEL);
            column.zip(key).for_each(|(to, &x)| *to = half(format, x));
        }
    }
}

/// A number as one of the formats' halves.
fn half(format: HeldFormat, x: f32) -> u16 {
    match format {
        HeldFormat::F16 => f16::from_f32(x).to_bits(),
        _ => bf16::from_f32(x).to_bits(),
    }
}

fn write_value(
    format: HeldFormat,
    sizes: PageSizes,
    values: &mut [CacheLine],
    (page, lane): (usize, usize),
    value: &[f32],
) {
    for (panel, numbers) in value.chunks(PANEL).enumerate() {
        let first = sizes.value_line(page, panel) + lane / format.per_word() * sizes.step_lines;
        let step = &mut values[first..first + sizes.step_lines];
        match format {
            HeldFormat::F32 => {
                let words = words_mut(step).iter_mut();
                words.zip(numbers).for_each(|(word, x)| *word = x.to_bits());
            }
            HeldFormat::Bf16Pairs => {
                let shift = 16 * (lane % 2);
                for (word, &x) in words_mut(step).iter_mut().zip(numbers) {
                    *word = *word & !(0xffff << shift) | u32::from(half(format, x)) << shift;
                }
            }
            HeldFormat::Bf16 | HeldFormat::F16 => {
                let halves = halves_mut(step).iter_mut();
                halves.zip(numbers).for_each(|(to, &x)| *to = half(format, x));
            }
        }
    }
}
