//! Rows of small whole numbers, summed over people: right answers and probes are counts, and sums of counts are exact in whatever
//! order and number format they are added. So resamples of most figures need two bytes a number, and no product.

/// Columns that are summed at once: what a line of a processor's cache holds.
const TILE: usize = 32;

/// Rows that are added before sums outgrow 16 bits.
pub(super) const BLOCK: usize = 256;

/// The largest number, either way: `BLOCK` of them fit into 16 bits.
const MOST: f64 = 127.0;

/// [`TILE`] columns of one person, which lie in one line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct CountedTile([i16; TILE]);

/// Whole numbers by person and column.
#[derive(Debug)]
pub(super) struct CountedRows {
    people: usize,
    /// Tiles of everybody after each other, columns beyond the last being 0.
    tiles: Vec<CountedTile>,
}

impl CountedRows {
    /// Takes everybody's numbers, person by person, `width` each; `None` where one is no whole number of at most 127, either way.
    pub fn new(numbers: &[f64], width: usize) -> Option<Self> {
        let whole = |number: &f64| number.abs() <= MOST && number.trunc() == *number;
        if width == 0 || !numbers.iter().all(whole) {
            return None;
        }
        let people = numbers.len() / width;
        let mut tiles = Vec::with_capacity(people * width.div_ceil(TILE));
        for first in (0..width).step_by(TILE) {
            let one = |own: &[f64]| {
                let at = |column: usize| own.get(first + column).map_or(0, |number| *number as i16);
                CountedTile(std::array::from_fn(at))
            };
            tiles.extend(numbers.chunks_exact(width).map(one));
        }
        Some(Self { people, tiles })
    }

    /// Number of people.
    pub fn people(&self) -> usize {
        self.people
    }

    /// Sums of no rows.
    pub fn nothing(&self) -> Vec<i64> {
        vec![0; self.tiles.len() / self.people.max(1) * TILE]
    }

    /// Adds the rows of people, each as often as they stand there. `sums` has as many columns as [`nothing`](Self::nothing).
    pub fn add(&self, people: impl IntoIterator<Item = u32>, sums: &mut [i64]) {
        let mut people = people.into_iter();
        let mut block = [0; BLOCK];
        loop {
            let mut count = 0;
            for (to, person) in block.iter_mut().zip(people.by_ref()) {
                *to = person;
                count += 1;
            }
            self.add_block(&block[..count], sums);
            if count < BLOCK {
                return;
            }
        }
    }

    /// The same of at most [`BLOCK`] people.
    pub fn add_block(&self, people: &[u32], sums: &mut [i64]) {
        pulp::Arch::new().dispatch(Counting {
            rows: self,
            people,
            sums,
        });
    }
}

/// A task, compiled for each set of instructions that a machine may have.
struct Counting<'a> {
    rows: &'a CountedRows,
    people: &'a [u32],
    sums: &'a mut [i64],
}

impl pulp::WithSimd for Counting<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let tiles = self.rows.tiles.chunks_exact(self.rows.people.max(1));
        for (rows, sums) in tiles.zip(self.sums.chunks_exact_mut(TILE)) {
            // As many registers as there are columns will do for any width of them.
            let mut found = [simd.splat_i16s(0); TILE];
            for &person in self.people {
                let row = S::as_simd_i16s(&rows[person as usize].0).0;
                for (found, numbers) in found.iter_mut().zip(row) {
                    *found = simd.add_i16s(*found, *numbers);
                }
            }
            let mut all = CountedTile([0; TILE]);
            let into = S::as_mut_simd_i16s(&mut all.0).0;
            into.iter_mut().zip(found).for_each(|(into, found)| *into = found);
            sums.iter_mut()
                .zip(all.0)
                .for_each(|(sum, found)| *sum += i64::from(found));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Draws;

    /// As plain sums, the largest numbers and more rows than 16 bits hold included.
    #[test]
    fn counts_are_summed_as_numbers_are() {
        let mut draws = Draws::new(5, 0);
        for (people, width, times) in [(1, 1, 0), (3, 2, 700), (40, 78, 256), (9, 33, 257)] {
            let numbers: Vec<f64> = (0..people * width)
                .map(|at| {
                    if at == 0 {
                        127.0
                    } else {
                        draws.below(255) as f64 - 127.0
                    }
                })
                .collect();
            let rows = CountedRows::new(&numbers, width).expect("whole numbers");
            let drawn: Vec<u32> = (0..times)
                .map(|_| if width < 3 { 0 } else { draws.below(people) as u32 })
                .collect();
            let mut sums = rows.nothing();
            rows.add(drawn.iter().copied(), &mut sums);
            for column in 0..width {
                let expected: f64 = drawn
                    .iter()
                    .map(|person| numbers[*person as usize * width + column])
                    .sum();
                assert_eq!(sums[column] as f64, expected, "column {column} of {width}");
            }
        }
        for other in [0.5, 128.0, -128.0, f64::NAN, f64::INFINITY] {
            assert!(CountedRows::new(&[1.0, other], 2).is_none(), "{other}");
        }
    }
}
