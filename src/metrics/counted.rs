//! Rows of small whole numbers, summed over people: right answers and probes are counts, and sums of counts are exact in whatever
//! order and number format they are added. So resamples of most figures need two bytes a number, and no product.

use indieval_kernels::sums::{COUNTED as TILE, CountedTile, counted};

/// Rows that are added before sums outgrow 16 bits.
pub(super) const BLOCK: usize = 256;

/// The largest number, either way: `BLOCK` of them fit into 16 bits.
const MOST: f64 = 127.0;

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
        let tiles = self.tiles.chunks_exact(self.people.max(1));
        for (rows, sums) in tiles.zip(sums.chunks_exact_mut(TILE)) {
            let found = counted(rows, people);
            sums.iter_mut()
                .zip(found)
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
