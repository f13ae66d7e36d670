//! The values of packed weights, a few rows at a time.

use std::ops::Range;

use candle_core::{DType, Device, Result, Tensor, WithDType, bail};
use half::{bf16, f16, slice::HalfFloatSliceExt};
use rayon::prelude::*;
use safetensors::Dtype;

use super::layout::{ByteKind, CodeKind, Layout, PackedTensor, PartKind};
use super::numbers::{E2M1, FP4, NF4, byte_table, floats, words};
use crate::model::kernels::{RowChoice, WeightRows};

/// Rows that one task computes: of what is packed by inputs, so many share a line of the cache.
const ROWS: usize = 16;
/// Which of AWQ's four bits in a word an output's are.
const AWQ_PLACES: [u32; 8] = [0, 4, 1, 5, 2, 6, 3, 7];

/// A tensor's bytes, or some of them.
pub(in super::super) type ReadBytes<'a, E> =
    dyn Fn(&str, Option<Range<usize>>) -> std::result::Result<(Dtype, Vec<u8>), E> + 'a;

/// Of rows of so many bytes one of `step`, from number `first` on.
fn kept_rows(part: &ReadPart, width: usize, (first, step): (usize, usize)) -> ReadPart {
    part.as_ref().map(|(dtype, bytes)| {
        let mut kept = Vec::with_capacity(bytes.len() / step);
        for row in bytes.chunks(width.max(1)).skip(first).step_by(step) {
            kept.extend_from_slice(row);
        }
        (*dtype, kept)
    })
}

/// A packed weight in memory.
pub(in super::super) struct PackedRows {
    shape: (usize, usize),
    /// What values are rounded to.
    rounded: DType,
    values: Vec<u8>,
    scales: Vec<f32>,
    zeros: Vec<i32>,
    /// The group of each input; empty where groups follow each other.
    groups: Vec<u32>,
    layout: Layout,
}

impl PackedRows {
    /// Reads the parts of a packed matrix: those of several whose rows alternate in one tensor, in their order, where it is one
    /// of these.
    ///
    /// # Errors
    /// What `read` says; why parts do not fit.
    pub(in super::super) fn read<E>(
        packed: &PackedTensor,
        read: &ReadBytes<'_, E>,
    ) -> std::result::Result<std::result::Result<Vec<Self>, String>, E> {
        let part = |kind, range| match packed.parts.get(&kind) {
            Some(name) => read(name, range).map(Some),
            None => Ok(None),
        };
        let &[rows, columns] = packed.shape.as_slice() else {
            return Ok(Err("is no matrix".to_owned()));
        };
        let (own_values, own_scales) = match packed.layout {
            Layout::Mxfp4 { expert, step, .. } => {
                let (values, scales) = (step * rows * columns / 2, step * rows * columns / 32);
                (
                    Some(expert * values..(expert + 1) * values),
                    Some(expert * scales..(expert + 1) * scales),
                )
            }
            _ => (None, None),
        };
        let (values, scales) = (part(PartKind::Values, own_values)?, part(PartKind::Scales, own_scales)?);
        if packed.alternating() > 1 {
            let of = |which: PackedTensor| {
                let place = (which.place(), which.alternating());
                let values = kept_rows(&values, columns / 2, place);
                let scales = kept_rows(&scales, columns / 32, place);
                Self::new(&which, (rows, columns), values, scales, (None, None), (None, None))
            };
            return Ok((0..packed.alternating()).map(|place| of(packed.at(place))).collect());
        }
        let zeros = part(PartKind::Zeros, None)?;
        let groups = part(PartKind::Groups, None)?;
        let nested = (part(PartKind::NestedScales, None)?, part(PartKind::NestedMap, None)?);
        let whole = Self::new(packed, (rows, columns), values, scales, (zeros, groups), nested);
        Ok(whole.map(|whole| vec![whole]))
    }

    fn new(
        packed: &PackedTensor,
        shape: (usize, usize),
        values: ReadPart,
        scales: ReadPart,
        (zeros, groups): (ReadPart, ReadPart),
        nested: (ReadPart, ReadPart),
    ) -> std::result::Result<Self, String> {
        let (Some((_, values)), Some((kind, scale_bytes))) = (values, scales) else {
            return Err("has no values or no scales".to_owned());
        };
        let scales = match (&packed.layout, nested) {
            (Layout::Codes { nested: Some(own), .. }, (Some((of, scales)), Some((_, map)))) => {
                let (outer, map) = (floats(of, &scales)?, floats(Dtype::F32, &map)?);
                if kind != Dtype::U8 || map.len() != 256 || scale_bytes.len().div_ceil(own.block) > outer.len() {
                    return Err("has nested scales that are no bytes, or too few numbers for them".to_owned());
                }
                let scale = |(at, &byte): (usize, &u8)| map[usize::from(byte)] * outer[at / own.block] + own.offset;
                scale_bytes.iter().enumerate().map(scale).collect()
            }
            _ => floats(kind, &scale_bytes)?,
        };
        if let Some(at) = scales.iter().position(|scale| !scale.is_finite()) {
            return Err(format!("scale {at} is not a finite number"));
        }
        let rounded = match packed.layout {
            Layout::Bytes { rounded, .. } | Layout::Codes { rounded, .. } => rounded,
            Layout::Mxfp4 { .. } => DType::BF16,
            _ => match kind {
                Dtype::F16 => DType::F16,
                Dtype::BF16 => DType::BF16,
                _ => DType::F32,
            },
        };
        let mut groups: Vec<u32> = groups.map(|(_, bytes)| words(&bytes)).unwrap_or_default();
        // Most files say of every input that groups follow each other.
        if let Layout::Gptq { group, .. } | Layout::Stream { group, .. } = packed.layout
            && (0..)
                .zip(&groups)
                .all(|(input, &own): (usize, _)| own as usize == input / group.max(1))
        {
            groups.clear();
        }
        let packed = Self {
            shape,
            rounded,
            values,
            zeros: zeros
                .map(|(_, bytes)| unpack_zeros(&packed.layout, &words(&bytes), shape.0))
                .unwrap_or_default(),
            scales,
            groups,
            layout: packed.layout.clone(),
        };
        packed.check_groups()?;
        Ok(packed)
    }

    /// An input of a group that there is not would read beside the scales.
    fn check_groups(&self) -> std::result::Result<(), String> {
        let there = self.scales.len() / self.shape.0.max(1);
        match self.groups.iter().position(|&group| group as usize >= there) {
            None => Ok(()),
            Some(at) => Err(format!(
                "input {at} is of group {}, and there are {there}",
                self.groups[at]
            )),
        }
    }

    fn group(&self, input: usize, group: usize) -> usize {
        match self.groups.get(input) {
            Some(&group) => group as usize,
            None => input / group,
        }
    }

    fn word(&self, at: usize) -> u32 {
        let (words, _) = self.values.as_chunks::<4>();
        words.get(at).map_or(0, |word| u32::from_le_bytes(*word))
    }

    /// The values of some rows, `(rows, columns)`, before they are rounded.
    fn fill(&self, rows: &[usize], values: &mut [f32]) {
        match self.layout {
            Layout::Bytes { kind, block, .. } => self.fill_bytes(rows, values, (kind, block)),
            Layout::Gptq { bits, group, .. } => self.fill_gptq(rows, values, (bits, group)),
            Layout::Awq { group } => self.fill_awq(rows, values, group),
            Layout::Stream { bits, group } => self.fill_stream(rows, values, (bits, group)),
            Layout::Codes { kind, block, .. } => self.fill_codes(rows, values, (kind, block)),
            Layout::Mxfp4 { .. } => self.fill_mxfp4(rows, values),
        }
    }

    fn fill_bytes(&self, rows: &[usize], values: &mut [f32], (kind, block): (ByteKind, (usize, usize))) {
        let columns = self.shape.1;
        let table = byte_table(kind);
        let wide = columns.div_ceil(block.1);
        for (&row, values) in rows.iter().zip(values.chunks_exact_mut(columns)) {
            let scales = &self.scales[row / block.0 * wide..][..wide];
            let bytes = &self.values[row * columns..][..columns];
            for ((bytes, values), scale) in bytes.chunks(block.1).zip(values.chunks_mut(block.1)).zip(scales) {
                for (&byte, value) in bytes.iter().zip(values) {
                    *value = table[usize::from(byte)] * scale;
                }
            }
        }
    }

    /// What each of 16 numbers stands for with the zero point and the scale at that place.
    fn codes(&self, scaled: usize) -> [f32; 16] {
        let (zero, scale) = (self.zeros[scaled], self.scales[scaled]);
        std::array::from_fn(|number| (number as i32 - zero) as f32 * scale)
    }

    fn fill_gptq(&self, rows: &[usize], values: &mut [f32], (bits, group): (usize, usize)) {
        let (outputs, columns) = self.shape;
        let (count, mask) = (32 / bits, (1u32 << bits) - 1);
        if bits <= 4 && self.groups.is_empty() && group.is_multiple_of(count) {
            return self.fill_grouped_gptq(rows, values, (bits, group));
        }
        for first in (0..columns).step_by(count) {
            for (at, &row) in rows.iter().enumerate() {
                let word = self.word(first / count * outputs + row);
                let values = &mut values[at * columns + first..][..count];
                for (place, value) in values.iter_mut().enumerate() {
                    let scaled = self.group(first + place, group) * outputs + row;
                    let number = (word >> (place * bits) & mask) as i32;
                    *value = (number - self.zeros[scaled]) as f32 * self.scales[scaled];
                }
            }
        }
    }

    /// As [`fill_gptq`](Self::fill_gptq), where groups follow each other and begin with a word: what numbers stand for is looked up.
    fn fill_grouped_gptq(&self, rows: &[usize], values: &mut [f32], (bits, group): (usize, usize)) {
        let (outputs, columns) = self.shape;
        let (count, mask) = (32 / bits, (1u32 << bits) - 1);
        let (words, _) = self.values.as_chunks::<4>();
        for first in (0..columns).step_by(group) {
            for (&row, values) in rows.iter().zip(values.chunks_exact_mut(columns)) {
                let codes = self.codes(first / group * outputs + row);
                let of_row = words.get(first / count * outputs + row..).unwrap_or_default();
                let values = values[first..].chunks_exact_mut(count).take(group / count);
                for (values, word) in values.zip(of_row.iter().step_by(outputs)) {
                    let word = u32::from_le_bytes(*word);
                    for (place, value) in values.iter_mut().enumerate() {
                        *value = codes[(word >> (place * bits) & mask) as usize];
                    }
                }
            }
        }
    }

    fn fill_awq(&self, rows: &[usize], values: &mut [f32], group: usize) {
        let (outputs, columns) = self.shape;
        let (words, _) = self.values.as_chunks::<4>();
        // Eight rows are in the same words, which lie far apart: they are put side by side once for all of these rows.
        let mut of_rows = vec![0u32; columns];
        let mut left = values;
        for rows in rows.chunk_by(|one, other| one / 8 == other / 8) {
            let (values, rest) = left.split_at_mut(rows.len() * columns);
            left = rest;
            let column = words.get(rows[0] / 8..).unwrap_or_default();
            for (word, bytes) in of_rows.iter_mut().zip(column.iter().step_by(outputs / 8)) {
                *word = u32::from_le_bytes(*bytes);
            }
            for (&row, values) in rows.iter().zip(values.chunks_exact_mut(columns)) {
                let shift = 4 * AWQ_PLACES[row % 8];
                for (at, (values, words)) in values.chunks_mut(group).zip(of_rows.chunks(group)).enumerate() {
                    let codes = self.codes(at * outputs + row);
                    for (value, word) in values.iter_mut().zip(words) {
                        *value = codes[(word >> shift & 15) as usize];
                    }
                }
            }
        }
    }

    fn fill_stream(&self, rows: &[usize], values: &mut [f32], (bits, group): (usize, usize)) {
        let columns = self.shape.1;
        let (words, groups) = ((columns * bits).div_ceil(32), columns / group);
        for (&row, values) in rows.iter().zip(values.chunks_exact_mut(columns)) {
            let word = |at: usize| u64::from(if at < words { self.word(row * words + at) } else { 0 });
            for (input, value) in values.iter_mut().enumerate() {
                let bit = input * bits;
                let two = word(bit / 32) | word(bit / 32 + 1) << 32;
                // Stored from 0 on; half of their range is taken off again.
                let number = (two >> (bit % 32) & ((1 << bits) - 1)) as i32 - (1 << (bits - 1));
                let scaled = row * groups + self.group(input, group);
                let zero = self.zeros.get(scaled).copied().unwrap_or(0);
                *value = (number - zero) as f32 * self.scales[scaled];
            }
        }
    }

    fn fill_codes(&self, rows: &[usize], values: &mut [f32], (kind, block): (CodeKind, usize)) {
        let columns = self.shape.1;
        let codes = match kind {
            CodeKind::Nf4 => &NF4,
            CodeKind::Fp4 => &FP4,
        };
        for (&row, values) in rows.iter().zip(values.chunks_exact_mut(columns)) {
            for (column, value) in values.iter_mut().enumerate() {
                let at = row * columns + column;
                // The first of two is in the upper half.
                let code = self.values[at / 2] >> (4 * (1 - at % 2)) & 15;
                *value = codes[usize::from(code)] * self.scales[at / block];
            }
        }
    }

    fn fill_mxfp4(&self, rows: &[usize], values: &mut [f32]) {
        let columns = self.shape.1;
        for (&row, values) in rows.iter().zip(values.chunks_exact_mut(columns)) {
            let scales = &self.scales[row * columns / 32..][..columns / 32];
            let bytes = &self.values[row * columns / 2..][..columns / 2];
            for ((bytes, values), scale) in bytes.chunks_exact(16).zip(values.chunks_exact_mut(32)).zip(scales) {
                for (&byte, pair) in bytes.iter().zip(values.chunks_exact_mut(2)) {
                    pair[0] = E2M1[usize::from(byte & 15)] * scale;
                    pair[1] = E2M1[usize::from(byte >> 4)] * scale;
                }
            }
        }
    }

    /// Some rows: each tile of values goes through `round`, and comes out as numbers of which all are `finite`.
    fn rounded<T: WithDType + Default + Send>(
        &self,
        choice: &RowChoice<'_>,
        round: impl Fn(&[f32], &mut [T]) + Sync,
        finite: impl Fn(&T) -> bool + Sync,
    ) -> Result<Tensor> {
        let columns = self.shape.1;
        let shape = (choice.count(), columns);
        let mut out = vec![T::default(); shape.0 * columns];
        let tiles = out.par_chunks_mut((ROWS * columns).max(1)).enumerate();
        let all_finite = tiles.map(|(tile, out)| {
            let rows: Vec<usize> = (0..out.len() / columns)
                .map(|at| choice.row(tile * ROWS + at))
                .collect();
            let mut values = vec![0.; out.len()];
            self.fill(&rows, &mut values);
            round(&values, out);
            out.iter().all(&finite)
        });
        if !all_finite.reduce(|| true, |one, other| one && other) {
            bail!("a value is not a finite number");
        }
        Tensor::from_vec(out, shape, &Device::Cpu)
    }
}

/// Rounds to f16, whose values are f32 again: half goes eight at a time through slices, and one by one takes several times as
/// long, here and in whatever takes such a tensor.
fn through_f16(values: &[f32], out: &mut [f32]) {
    let mut rounded = [f16::ZERO; 1024];
    for (values, out) in values.chunks(rounded.len()).zip(out.chunks_mut(rounded.len())) {
        let rounded = &mut rounded[..values.len()];
        rounded.convert_from_f32_slice(values);
        rounded.convert_to_f32_slice(out);
    }
}

fn to_bf16(values: &[f32], out: &mut [bf16]) {
    let rounded = values.iter().map(|&value| bf16::from_f32(value));
    out.iter_mut().zip(rounded).for_each(|(out, value)| *out = value);
}

impl WeightRows for PackedRows {
    fn shape(&self) -> (usize, usize) {
        self.shape
    }

    fn some(&self, rows: RowChoice<'_>) -> Result<Tensor> {
        match self.rounded {
            DType::F16 => self.rounded(&rows, through_f16, |value| value.is_finite()),
            DType::BF16 => self.rounded(&rows, to_bf16, |value| value.is_finite()),
            _ => self.rounded(
                &rows,
                |values, out: &mut [f32]| out.copy_from_slice(values),
                |value| value.is_finite(),
            ),
        }
    }

    fn bytes(&self) -> u64 {
        (self.values.len() + 4 * (self.scales.len() + self.zeros.len() + self.groups.len())) as u64
    }

    fn is_compact(&self) -> bool {
        true
    }
}

/// A tensor that was read, where there is one.
type ReadPart = Option<(Dtype, Vec<u8>)>;

/// Zero points by group and output, or, of rows, by output and group: as the scales lie.
fn unpack_zeros(layout: &Layout, words: &[u32], outputs: usize) -> Vec<i32> {
    match *layout {
        Layout::Gptq { bits, zero_offset, .. } => {
            let mask = (1u32 << bits) - 1;
            let zero = |word: &u32, place: usize| (word >> (place * bits) & mask) as i32;
            let each = words
                .iter()
                .flat_map(|word| (0..32 / bits).map(move |place| zero(word, place)));
            // What AutoGPTQ takes off as it writes comes back within the bits.
            each.map(|zero| (zero + zero_offset) & mask as i32).collect()
        }
        Layout::Awq { .. } => {
            let each = words
                .iter()
                .flat_map(|word| AWQ_PLACES.map(|place| (word >> (4 * place) & 15) as i32));
            each.collect()
        }
        Layout::Stream { bits, .. } => {
            // Packed along the outputs, a column a group.
            let rows = (outputs * bits).div_ceil(32);
            let groups = words.len().checked_div(rows).unwrap_or(0);
            let word = |row: usize, group: usize| u64::from(words.get(row * groups + group).copied().unwrap_or(0));
            let zero = |output: usize, group: usize| {
                let bit = output * bits;
                let above = if bit / 32 + 1 < rows {
                    word(bit / 32 + 1, group)
                } else {
                    0
                };
                let two = word(bit / 32, group) | above << 32;
                (two >> (bit % 32) & ((1 << bits) - 1)) as i32 - (1 << (bits - 1))
            };
            (0..outputs)
                .flat_map(|output| (0..groups).map(move |group| zero(output, group)))
                .collect()
        }
        _ => Vec::new(),
    }
}
