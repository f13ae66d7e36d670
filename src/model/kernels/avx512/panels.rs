//! Weights as panels.

use super::{
    Avx512, WordFormat,
    memory::{CacheLine, words, words_mut},
    tile::PANEL,
};
use candle_core::{CpuStorage, Result, Storage, Tensor, bail};
use half::bf16;
use rayon::prelude::*;

/// A weight `(columns, inputs)` as panels of 32 columns, each with its whole inner dimension: word `w` of column `c`
/// is word `c % 32` of step `w` of panel `c / 32`. Missing columns of the last panel are 0.
#[derive(Debug)]
pub(in super::super) struct Panels {
    pub lines: Vec<CacheLine>,
    /// Words of a column.
    pub depth: usize,
    pub columns: usize,
    pub machine: Avx512,
}

impl Panels {
    /// Packs a contiguous tensor `(columns, inputs)` on the CPU that is of the format's dtype.
    pub fn pack(machine: Avx512, weight: &Tensor) -> Result<Self> {
        let (columns, inputs) = weight.dims2()?;
        let depth = machine.format().words(inputs);
        let mut lines = vec![CacheLine::ZERO; columns.div_ceil(PANEL) * depth * PANEL / 16];
        if lines.is_empty() {
            return Ok(Self {
                lines,
                depth,
                columns,
                machine,
            });
        }
        let (storage, layout) = weight.storage_and_layout();
        let Some((from, to)) = layout.contiguous_offsets() else {
            bail!("a weight must be contiguous before it is packed");
        };
        let panels = words_mut(&mut lines).par_chunks_mut(depth * PANEL).enumerate();
        match (machine.format(), &*storage) {
            (WordFormat::F32, Storage::Cpu(CpuStorage::F32(data))) => {
                let data = &data[from..to];
                panels.for_each(|(panel, out)| {
                    for (column, row) in data.chunks_exact(inputs).skip(panel * PANEL).take(PANEL).enumerate() {
                        for (word, x) in row.iter().enumerate() {
                            out[word * PANEL + column] = x.to_bits();
                        }
                    }
                });
            }
            (WordFormat::Bf16, Storage::Cpu(CpuStorage::BF16(data))) => {
                let data = &data[from..to];
                panels.for_each(|(panel, out)| {
                    for (column, row) in data.chunks_exact(inputs).skip(panel * PANEL).take(PANEL).enumerate() {
                        for (word, pair) in row.chunks(2).enumerate() {
                            let high = pair.get(1).map_or(0, |x| u32::from(x.to_bits()) << 16);
                            out[word * PANEL + column] = u32::from(pair[0].to_bits()) | high;
                        }
                    }
                });
            }
            (format, _) => bail!("a weight of dtype {:?} cannot be packed as {format:?}", weight.dtype()),
        }
        drop(storage);
        Ok(Self {
            lines,
            depth,
            columns,
            machine,
        })
    }

    /// The numbers of one column, of which there are `out.len()`.
    pub fn column(&self, column: usize, out: &mut [f32]) {
        let panel = &words(&self.lines)[column / PANEL * self.depth * PANEL..];
        let per_word = self.machine.format().per_word();
        for (i, out) in out.iter_mut().enumerate() {
            let word = panel[i / per_word * PANEL + column % PANEL];
            *out = match self.machine.format() {
                WordFormat::F32 => f32::from_bits(word),
                WordFormat::Bf16 => bf16::from_bits((word >> (16 * (i % 2))) as u16).to_f32(),
            };
        }
    }
}
