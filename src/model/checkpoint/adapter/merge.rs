//! A product of two small matrices added to a large one.

use half::bf16;
use rayon::prelude::*;

/// Rows of the large matrix that one task changes: enough that handing them out costs nothing.
const ROWS: usize = 64;
/// Registers of sums at a time: enough that no sum waits for its last product, few enough that all stay registers.
const SUMS: usize = 8;
/// Numbers of the largest register.
const LANES: usize = 16;

/// The two matrices, and what their product is multiplied by.
#[derive(Clone, Copy)]
pub(super) struct Factors<'a> {
    /// `(rows, rank)`.
    pub(super) left: &'a [f32],
    /// `(rank, columns)`.
    pub(super) right: &'a [f32],
    pub(super) rank: usize,
    pub(super) scaling: f32,
}

/// What a weight becomes with something added to it.
pub(super) trait RoundedSum: Copy + Default + Send {
    /// The sum, rounded.
    fn of(sum: f32) -> Self;
}

impl RoundedSum for f32 {
    #[inline(always)]
    fn of(sum: f32) -> Self {
        sum
    }
}

impl RoundedSum for bf16 {
    /// As [`bf16::from_f32`], without its branches: several go through one instruction.
    #[inline(always)]
    fn of(sum: f32) -> Self {
        let bits = sum.to_bits();
        // To the nearest, of two as near to the even one.
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        let quiet = bits >> 16 | 0x40;
        Self::from_bits(if sum.is_nan() { quiet } else { rounded } as u16)
    }
}

impl Factors<'_> {
    /// `before + scaling · (left · right)`, `(rows, columns)` as `before` is.
    ///
    /// Sums go along the rank in its order, each product and sum rounded to f32, whatever the processor and the threads.
    pub(super) fn added_to<T: RoundedSum>(self, before: &[f32], columns: usize) -> Vec<T> {
        let mut merged = vec![T::default(); before.len()];
        if columns == 0 || self.rank == 0 {
            merged
                .iter_mut()
                .zip(before)
                .for_each(|(merged, &before)| *merged = T::of(before));
            return merged;
        }
        merged
            .par_chunks_mut(ROWS * columns)
            .zip(before.par_chunks(ROWS * columns))
            .zip(self.left.par_chunks(ROWS * self.rank))
            .for_each(|((merged, before), left)| {
                let factors = Factors { left, ..self };
                pulp::Arch::new().dispatch(Adding {
                    factors,
                    before,
                    merged,
                    columns,
                });
            });
        merged
    }
}

/// A task, compiled for each set of instructions that a machine may have.
struct Adding<'a, T> {
    factors: Factors<'a>,
    before: &'a [f32],
    merged: &'a mut [T],
    columns: usize,
}

impl<T: RoundedSum> pulp::WithSimd for Adding<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let Factors {
            left,
            right,
            rank,
            scaling,
        } = self.factors;
        let (columns, together) = (self.columns, SUMS * S::F32_LANES);
        let scaling = simd.splat_f32s(scaling);
        // The columns of `A` that are multiplied together, side by side: rows of it that lie some power of two apart would drive
        // each other out of the fastest cache.
        let mut block = vec![0f32; rank * together];
        let mut sums = [0f32; SUMS * LANES];
        for first in (0..columns).step_by(together) {
            let width = together.min(columns - first);
            for (block, right) in block.chunks_exact_mut(together).zip(right.chunks_exact(columns)) {
                block[..width].copy_from_slice(&right[first..first + width]);
            }
            let (block, _) = S::as_simd_f32s(&block);
            let (block, _) = block.as_chunks::<SUMS>();
            let rows = self
                .merged
                .chunks_exact_mut(columns)
                .zip(self.before.chunks_exact(columns));
            for ((merged, before), left) in rows.zip(left.chunks_exact(rank)) {
                let mut registers = [simd.splat_f32s(0.); SUMS];
                for (&factor, right) in left.iter().zip(block) {
                    let factor = simd.splat_f32s(factor);
                    for (sum, &number) in registers.iter_mut().zip(right) {
                        *sum = simd.add_f32s(*sum, simd.mul_f32s(factor, number));
                    }
                }
                for (sum, register) in S::as_mut_simd_f32s(&mut sums).0.iter_mut().zip(registers) {
                    *sum = simd.mul_f32s(scaling, register);
                }
                let numbers = merged[first..first + width]
                    .iter_mut()
                    .zip(&before[first..first + width]);
                for ((merged, before), sum) in numbers.zip(&sums) {
                    *merged = T::of(before + sum);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_the_weight_and_the_scaled_sum_along_the_rank() {
        let number = |at: usize, step: usize| ((at * step) % 31) as f32 / 7.3 - 2.;
        for (rows, rank, columns) in [(1, 1, 1), (130, 5, 67), (64, 16, 128), (3, 2, 200), (5, 3, 1024)] {
            let left: Vec<f32> = (0..rows * rank).map(|at| number(at, 7)).collect();
            let right: Vec<f32> = (0..rank * columns).map(|at| number(at, 11)).collect();
            let weight: Vec<f32> = (0..rows * columns).map(|at| number(at, 3)).collect();
            let expected: Vec<f32> = weight
                .iter()
                .enumerate()
                .map(|(at, weight)| {
                    let (row, column) = (at / columns, at % columns);
                    let product = |r: usize| left[row * rank + r] * right[r * columns + column];
                    weight + 1.7 * (0..rank).fold(0f32, |sum, r| sum + product(r))
                })
                .collect();
            let factors = Factors {
                left: &left,
                right: &right,
                rank,
                scaling: 1.7,
            };
            let merged: Vec<f32> = factors.added_to(&weight, columns);
            assert_eq!(merged, expected, "{rows} rows, rank {rank}, {columns} columns");
            let halves: Vec<bf16> = factors.added_to(&weight, columns);
            let expected: Vec<bf16> = expected.iter().map(|&sum| bf16::from_f32(sum)).collect();
            assert_eq!(halves, expected, "{rows} rows, rank {rank}, {columns} columns");
        }
    }

    #[test]
    fn every_sum_is_rounded_to_bf16_as_the_tensor_library_rounds_it() {
        for high in 0..=u16::MAX {
            for low in [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
                let sum = f32::from_bits(u32::from(high) << 16 | low);
                let (own, expected) = (<bf16 as RoundedSum>::of(sum), bf16::from_f32(sum));
                assert_eq!(own.to_bits(), expected.to_bits(), "{sum} {:08x}", sum.to_bits());
            }
        }
    }
}
