//! Weights as panels.

use super::{
    Machine,
    format::HeldFormat,
    lines::HeldLines,
    memory::{CacheLine, halves, halves_mut, words, words_mut},
    tile::PANEL,
};
use candle_core::{CpuStorage, Result, Storage, Tensor, bail};
use half::{bf16, f16};
use rayon::prelude::*;

/// A weight `(columns, inputs)` as panels of 32 columns, each with its whole inner dimension: word (or half) `w` of column
/// `c` is number `c % 32` of step `w` of panel `c / 32`. Missing columns of the last panel are 0.
#[derive(Debug)]
pub(in super::super) struct Panels {
    pub lines: HeldLines,
    /// Words of a column.
    pub depth: usize,
    pub columns: usize,
    pub machine: Machine,
}

impl Panels {
    /// Panels of `columns` columns of `inputs` numbers, all 0.
    pub fn zero(machine: Machine, columns: usize, inputs: usize) -> Self {
        let depth = machine.format().words(inputs);
        let panel_lines = depth * machine.format().step_lines();
        Self {
            lines: HeldLines::zero(columns.div_ceil(PANEL) * panel_lines),
            depth,
            columns,
            machine,
        }
    }

    /// Packs a tensor `(columns, inputs)` on the CPU that is of the format's dtype into the columns from number `first` on.
    pub fn put(&mut self, first: usize, weight: &Tensor) -> Result<()> {
        let weight = weight.contiguous()?;
        let (columns, inputs) = weight.dims2()?;
        if self.machine.format().words(inputs) != self.depth || first + columns > self.columns {
            bail!(
                "{columns} columns of {inputs} numbers do not fit into {} from number {first} on",
                self.columns
            );
        }
        if columns == 0 || inputs == 0 {
            return Ok(());
        }
        let (storage, layout) = weight.storage_and_layout();
        let Some((from, to)) = layout.contiguous_offsets() else {
            bail!("a weight must be contiguous before it is packed");
        };
        match (self.machine.format(), &*storage) {
            (HeldFormat::F32, Storage::Cpu(CpuStorage::F32(data))) => {
                self.fill((first, inputs), &data[from..to], |panel, at, row| {
                    for (to, x) in words_mut(panel)[at..].iter_mut().step_by(PANEL).zip(row) {
                        *to = x.to_bits();
                    }
                });
            }
            (HeldFormat::Bf16Pairs, Storage::Cpu(CpuStorage::BF16(data))) => {
                self.fill((first, inputs), &data[from..to], |panel, at, row| {
                    for (to, pair) in words_mut(panel)[at..].iter_mut().step_by(PANEL).zip(row.chunks(2)) {
                        let high = pair.get(1).map_or(0, |x| u32::from(x.to_bits()) << 16);
                        *to = u32::from(pair[0].to_bits()) | high;
                    }
                });
            }
            (HeldFormat::Bf16, Storage::Cpu(CpuStorage::BF16(data))) => {
                self.fill((first, inputs), &data[from..to], |panel, at, row| {
                    for (to, x) in halves_mut(panel)[at..].iter_mut().step_by(PANEL).zip(row) {
                        *to = x.to_bits();
                    }
                });
            }
            (HeldFormat::F16, Storage::Cpu(CpuStorage::F16(data))) => {
                self.fill((first, inputs), &data[from..to], |panel, at, row| {
                    for (to, x) in halves_mut(panel)[at..].iter_mut().step_by(PANEL).zip(row) {
                        *to = x.to_bits();
                    }
                });
            }
            (format, _) => bail!("a weight of dtype {:?} cannot be packed as {format:?}", weight.dtype()),
        }
        Ok(())
    }

    /// Has columns put in place from number `first` on: `put` is given a panel, the column within it, and the column's numbers
    /// of `data`, which has one column of `inputs` numbers after the other.
    fn fill<T: Sync>(
        &mut self,
        (first, inputs): (usize, usize),
        data: &[T],
        put: impl Fn(&mut [CacheLine], usize, &[T]) + Sync,
    ) {
        let end = first + data.len() / inputs;
        let stride = self.depth * self.machine.format().step_lines();
        let panels = self.lines.par_chunks_mut(stride).enumerate();
        let (from, to) = (first / PANEL, end.div_ceil(PANEL));
        panels.skip(from).take(to - from).for_each(|(panel, lines)| {
            let columns = first.max(panel * PANEL)..end.min((panel + 1) * PANEL);
            for column in columns {
                put(lines, column % PANEL, &data[(column - first) * inputs..][..inputs]);
            }
        });
    }

    /// The numbers of one column, of which there are `out.len()`.
    pub fn column(&self, column: usize, out: &mut [f32]) {
        let right = self.panels_from(column / PANEL);
        let (words, halves) = (words(right.lines), halves(right.lines));
        for (i, out) in out.iter_mut().enumerate() {
            let at = |step: usize| step * PANEL + column % PANEL;
            *out = match self.machine.format() {
                HeldFormat::F32 => f32::from_bits(words[at(i)]),
                HeldFormat::Bf16Pairs => bf16::from_bits((words[at(i / 2)] >> (16 * (i % 2))) as u16).to_f32(),
                HeldFormat::Bf16 => bf16::from_bits(halves[at(i)]).to_f32(),
                HeldFormat::F16 => f16::from_bits(halves[at(i)]).to_f32(),
            };
        }
    }
}
