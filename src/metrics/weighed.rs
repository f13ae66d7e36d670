//! Sums over people under many weightings at once: what resamples and sign flips are made of.
//!
//! Each sum adds its people one by one in their order, and each product and sum is rounded on its own: the bits are those
//! of one weighting alone, whatever the processor.

pub(super) use indieval_kernels::sums::LANES;
use indieval_kernels::sums::{WEIGHED as TILE, weighed};

/// Numbers by person and column, laid out for sums over people.
#[derive(Debug)]
pub(super) struct WeighedColumns {
    people: usize,
    /// [`TILE`] columns of everybody after each other; columns beyond the last are 0.
    tiles: Vec<[f64; TILE]>,
}

impl WeighedColumns {
    /// Takes everybody's numbers, person by person, `width` each.
    pub fn new(numbers: &[f64], width: usize) -> Self {
        let people = numbers.len() / width.max(1);
        let mut tiles = Vec::with_capacity(people * width.div_ceil(TILE));
        for first in (0..width).step_by(TILE) {
            let one = |own: &[f64]| {
                let mut tile = [0.0; TILE];
                tile.iter_mut().zip(&own[first..]).for_each(|(to, from)| *to = *from);
                tile
            };
            tiles.extend(numbers.chunks_exact(width).map(one));
        }
        Self { people, tiles }
    }

    /// Number of people.
    pub fn people(&self) -> usize {
        self.people
    }

    /// The sum of every column under each weighting, one weight a person and lane; as many columns as a multiple of
    /// [`TILE`] has.
    pub fn sums(&self, weights: &[[f64; LANES]]) -> Vec<[f64; LANES]> {
        let mut sums = vec![[0.0; LANES]; self.tiles.len() / self.people.max(1) * TILE];
        let tiles = self.tiles.chunks_exact(self.people.max(1));
        for (people, sums) in tiles.zip(sums.chunks_exact_mut(TILE)) {
            sums.copy_from_slice(&weighed(people, weights));
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Draws;

    /// One sum after the other, in the same order: not a bit differs, thirds and counts included.
    #[test]
    fn many_weightings_are_summed_as_one_is() {
        let mut draws = Draws::new(3, 0);
        for (people, width) in [(0, 3), (1, 1), (5, 8), (40, 78), (7, 17)] {
            let numbers: Vec<f64> = (0..people * width).map(|_| draws.below(4) as f64 / 3.0).collect();
            let weight = |draws: &mut Draws| std::array::from_fn(|_| draws.normal());
            let weights: Vec<[f64; LANES]> = (0..people).map(|_| weight(&mut draws)).collect();
            let found = WeighedColumns::new(&numbers, width).sums(&weights);
            for column in 0..width {
                for lane in 0..LANES {
                    let mut sum = 0.0;
                    for person in 0..people {
                        sum += weights[person][lane] * numbers[person * width + column];
                    }
                    let found = found.get(column).map_or(0.0, |sums| sums[lane]);
                    assert_eq!(found.to_bits(), f64::to_bits(sum), "{people} people, column {column}");
                }
            }
        }
    }
}
