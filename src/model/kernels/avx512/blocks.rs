//! Blocks of the key-value store as panels.

use super::{
    super::{rows::RowView, segment::SlotSpan, shape::KvShape, tiles::BLOCK_SLOTS},
    Avx512, WordFormat,
    memory::{CacheLine, words_mut},
    tile::PANEL,
};
use half::bf16;
use rayon::prelude::*;

/// From so many rows on, threads share the work of writing them.
const ROWS_IN_PARALLEL: usize = 64;

/// Keys and values of all layers, in blocks of 512 slots that take memory once they are written to.
#[derive(Debug)]
pub(in super::super) struct KvBlocks {
    pub machine: Avx512,
    pub sizes: BlockSizes,
    /// For each layer its blocks; a block is empty, or for each head keys, then values.
    pub layers: Vec<Vec<Vec<CacheLine>>>,
}

/// CpuRows that go to neighbouring slots of one block.
#[derive(Debug, Clone, Copy)]
struct SlotPiece {
    /// The first slot within the block.
    slot: usize,
    row: usize,
    len: usize,
}

/// BlockSizes within a block, for one head.
///
/// Keys are panels of 32 slots over the head's words; values are panels of 32 of the head's numbers over the slots'
/// words.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct BlockSizes {
    pub kv_heads: usize,
    pub head_dim: usize,
    /// Words of a key.
    pub key_words: usize,
    /// Panels of a value.
    pub value_panels: usize,
    /// Words of a value panel.
    pub slot_words: usize,
}

impl BlockSizes {
    pub fn key_lines(&self) -> usize {
        BLOCK_SLOTS * self.key_words / 16
    }

    pub fn value_lines(&self) -> usize {
        self.value_panels * self.slot_words * PANEL / 16
    }

    pub fn head_lines(&self) -> usize {
        self.key_lines() + self.value_lines()
    }
}

impl KvBlocks {
    pub fn new(machine: Avx512, shape: KvShape) -> Self {
        let format = machine.format();
        let blocks = shape.capacity.div_ceil(BLOCK_SLOTS);
        Self {
            machine,
            sizes: BlockSizes {
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
        self.layers.len() * self.sizes.kv_heads * self.sizes.head_lines() * size_of::<CacheLine>() / BLOCK_SLOTS
    }

    /// Writes rows of keys and values into slots.
    pub fn write(&mut self, layer: usize, slots: &[SlotSpan], keys: RowView<'_>, values: RowView<'_>) {
        let (sizes, format) = (self.sizes, self.machine.format());
        let blocks = &mut self.layers[layer];
        let mut pieces: Vec<Vec<SlotPiece>> = vec![Vec::new(); blocks.len()];
        let mut row = 0;
        for span in slots {
            let mut slot = span.slot;
            while slot < span.end() {
                let len = (BLOCK_SLOTS - slot % BLOCK_SLOTS).min(span.end() - slot);
                pieces[slot / BLOCK_SLOTS].push(SlotPiece {
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
                block.resize(sizes.kv_heads * sizes.head_lines(), CacheLine::ZERO);
            }
            tasks.extend(
                block
                    .chunks_exact_mut(sizes.head_lines())
                    .enumerate()
                    .map(|(head, lines)| (head, lines, pieces)),
            );
        }
        let write = |(head, lines, pieces): (usize, &mut [CacheLine], &Vec<SlotPiece>)| {
            let (key_lines, value_lines) = lines.split_at_mut(sizes.key_lines());
            let (key_words, value_words) = (words_mut(key_lines), words_mut(value_lines));
            let columns = head * sizes.head_dim..(head + 1) * sizes.head_dim;
            for &SlotPiece { slot, row, len } in pieces {
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

fn write_key(format: WordFormat, sizes: BlockSizes, words: &mut [u32], slot: usize, key: &[f32]) {
    let panel = &mut words[slot / PANEL * sizes.key_words * PANEL..][..sizes.key_words * PANEL];
    let column = panel.iter_mut().skip(slot % PANEL).step_by(PANEL);
    match format {
        WordFormat::F32 => column.zip(key).for_each(|(word, x)| *word = x.to_bits()),
        WordFormat::Bf16 => column.zip(key.chunks(2)).for_each(|(word, pair)| {
            let half = |x: f32| u32::from(bf16::from_f32(x).to_bits());
            *word = half(pair[0]) | pair.get(1).map_or(0, |&x| half(x)) << 16;
        }),
    }
}

fn write_value(format: WordFormat, sizes: BlockSizes, words: &mut [u32], slot: usize, value: &[f32]) {
    let step = slot / format.per_word() * PANEL;
    for (panel, numbers) in words
        .chunks_exact_mut(sizes.slot_words * PANEL)
        .zip(value.chunks(PANEL))
    {
        for (word, &x) in panel[step..].iter_mut().zip(numbers) {
            match format {
                WordFormat::F32 => *word = x.to_bits(),
                WordFormat::Bf16 => {
                    let shift = 16 * (slot % 2);
                    *word = *word & !(0xffff << shift) | u32::from(bf16::from_f32(x).to_bits()) << shift;
                }
            }
        }
    }
}
