//! A product of two small matrices added to a large one.

use rayon::prelude::*;

/// Rows of the large matrix that one task changes: enough that handing them out costs nothing.
const ROWS: usize = 64;
/// Columns that are changed together: so many of each row of `A` stay in the fastest cache for all rows of a task.
const COLUMNS: usize = 64;

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

impl Factors<'_> {
    /// Adds `scaling · (left · right)` to `weight`, `(rows, columns)`.
    ///
    /// Sums go along the rank in its order, each product and sum rounded to f32, whatever the processor and the threads.
    pub(super) fn add_to(self, weight: &mut [f32], columns: usize) {
        if columns == 0 || self.rank == 0 {
            return;
        }
        weight
            .par_chunks_mut(ROWS * columns)
            .zip(self.left.par_chunks(ROWS * self.rank))
            .for_each(|(weight, left)| {
                let factors = Factors { left, ..self };
                pulp::Arch::new().dispatch(Adding {
                    factors,
                    weight,
                    columns,
                });
            });
    }
}

/// A task, compiled for each set of instructions that a machine may have.
struct Adding<'a> {
    factors: Factors<'a>,
    weight: &'a mut [f32],
    columns: usize,
}

impl pulp::WithSimd for Adding<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self {
            factors,
            weight,
            columns,
        } = self;
        for first in (0..columns).step_by(COLUMNS) {
            let width = COLUMNS.min(columns - first);
            let rows = weight
                .chunks_exact_mut(columns)
                .zip(factors.left.chunks_exact(factors.rank));
            for (row, left) in rows {
                let mut sums = [0f32; COLUMNS];
                for (&factor, right) in left.iter().zip(factors.right.chunks_exact(columns)) {
                    for (sum, &number) in sums.iter_mut().zip(&right[first..first + width]) {
                        *sum += factor * number;
                    }
                }
                for (number, sum) in row[first..first + width].iter_mut().zip(sums) {
                    *number += factors.scaling * sum;
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
        for (rows, rank, columns) in [(1, 1, 1), (130, 5, 67), (64, 16, 128), (3, 2, 200)] {
            let left: Vec<f32> = (0..rows * rank).map(|at| number(at, 7)).collect();
            let right: Vec<f32> = (0..rank * columns).map(|at| number(at, 11)).collect();
            let mut weight: Vec<f32> = (0..rows * columns).map(|at| number(at, 3)).collect();
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
            factors.add_to(&mut weight, columns);
            assert_eq!(weight, expected, "{rows} rows, rank {rank}, {columns} columns");
        }
    }
}
