//! Sums over people, many columns at once: what resamples and sign flips of a report are made of.

/// Columns of counts that are summed at once: what a line of a processor's cache holds.
pub const COUNTED: usize = 32;

/// Columns of other numbers that are summed at once: with all lanes as many sums as fit into the registers of most processors.
pub const WEIGHED: usize = 4;

/// Weightings that are summed side by side.
pub const LANES: usize = 8;

/// Counts of one row, which lie in one line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct CountedTile(pub [i16; COUNTED]);

/// The sums of some rows, each as often as its number stands there. They wrap around where they do not fit into 16 bits.
pub fn counted(rows: &[CountedTile], numbers: &[u32]) -> [i16; COUNTED] {
    pulp::Arch::new().dispatch(Counting { rows, numbers })
}

/// The sums of all rows under each weighting, row by row: products and sums are rounded one by one, in the order of rows, so
/// that the bits are those of one weighting alone, whatever the processor.
pub fn weighed(rows: &[[f64; WEIGHED]], weights: &[[f64; LANES]]) -> [[f64; LANES]; WEIGHED] {
    pulp::Arch::new().dispatch(Weighing { rows, weights })
}

/// A task, compiled for each set of instructions that a machine may have.
struct Counting<'a> {
    rows: &'a [CountedTile],
    numbers: &'a [u32],
}

impl pulp::WithSimd for Counting<'_> {
    type Output = [i16; COUNTED];

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> Self::Output {
        // As many registers as there are columns will do for any width of them. Without types that are registers the compiler
        // takes quarters of them.
        let mut found = [simd.splat_i16s(0); COUNTED];
        for &number in self.numbers {
            let row = S::as_simd_i16s(&self.rows[number as usize].0).0;
            for (found, numbers) in found.iter_mut().zip(row) {
                *found = simd.add_i16s(*found, *numbers);
            }
        }
        let mut all = [0; COUNTED];
        let into = S::as_mut_simd_i16s(&mut all).0;
        into.iter_mut().zip(found).for_each(|(into, found)| *into = found);
        all
    }
}

/// The same for weighed sums.
struct Weighing<'a> {
    rows: &'a [[f64; WEIGHED]],
    weights: &'a [[f64; LANES]],
}

impl pulp::WithSimd for Weighing<'_> {
    type Output = [[f64; LANES]; WEIGHED];

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) -> Self::Output {
        // As many registers as there are lanes will do for any width of them.
        let mut found = [[simd.splat_f64s(0.0); LANES]; WEIGHED];
        for (row, weights) in self.rows.iter().zip(self.weights) {
            let weights = S::as_simd_f64s(weights).0;
            for (found, number) in found.iter_mut().zip(row) {
                let number = simd.splat_f64s(*number);
                for (sum, weight) in found.iter_mut().zip(weights) {
                    *sum = simd.add_f64s(*sum, simd.mul_f64s(*weight, number));
                }
            }
        }
        let mut all = [[0.0; LANES]; WEIGHED];
        for (all, found) in all.iter_mut().zip(found) {
            let into = S::as_mut_simd_f64s(all).0;
            into.iter_mut().zip(found).for_each(|(into, found)| *into = found);
        }
        all
    }
}
