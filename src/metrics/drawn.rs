//! Who is drawn in each resample.
//!
//! Figures of equally many people are resampled with the same draws, and a report has a hundred of such figures. So what was
//! drawn for the most people is kept for the next figure: drawing it takes longer than summing what was drawn.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::counted::BLOCK;
use crate::base::random::Draws;

/// Most numbers of two bytes that are kept; those of resamples beyond are drawn each time.
const MOST_KEPT: usize = 1 << 25;

/// What was drawn for the most people so far.
static KEPT: Mutex<Option<Arc<KeptDraws>>> = Mutex::new(None);

/// Numbers of people, resample by resample.
#[derive(Debug)]
struct KeptDraws {
    seed: u64,
    people: usize,
    numbers: Vec<u16>,
}

/// The resamples of so many people.
#[derive(Debug)]
pub(super) struct PeopleDraws {
    seed: u64,
    people: usize,
    kept: Option<Arc<KeptDraws>>,
}

impl PeopleDraws {
    /// As many people as there are, drawn with replacement, in each resample.
    pub fn new(people: usize, resamples: usize, seed: u64) -> Self {
        Self::keeping(people, (resamples, seed), MOST_KEPT)
    }

    /// The same; at most so many numbers are kept.
    fn keeping(people: usize, (resamples, seed): (usize, u64), most: usize) -> Self {
        Self {
            seed,
            people,
            kept: kept(people, (resamples, seed), most),
        }
    }

    /// Hands on who is drawn in one resample, at most [`BLOCK`] at once, in the order of the draws.
    pub fn each_block(&self, resample: usize, mut take: impl FnMut(&[u32])) {
        let mut block = [0_u32; BLOCK];
        let (from, to) = (resample * self.people, (resample + 1) * self.people);
        if let Some(numbers) = self.kept.as_ref().and_then(|kept| kept.numbers.get(from..to)) {
            for part in numbers.chunks(BLOCK) {
                let both = block.iter_mut().zip(part);
                both.for_each(|(to, from)| *to = u32::from(*from));
                take(&block[..part.len()]);
            }
            return;
        }
        let mut count = 0;
        Draws::new(self.seed, resample as u64).each_below(self.people, self.people, |at| {
            block[count] = at as u32;
            count += 1;
            if count == BLOCK {
                take(&block);
                count = 0;
            }
        });
        take(&block[..count]);
    }

    /// The same one by one.
    pub fn each(&self, resample: usize, mut take: impl FnMut(usize)) {
        self.each_block(resample, |block| block.iter().for_each(|at| take(*at as usize)));
    }
}

/// What is kept for these people: what was before, or what is drawn now, unless more is kept for more people.
fn kept(people: usize, (resamples, seed): (usize, u64), most: usize) -> Option<Arc<KeptDraws>> {
    let lock = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    // Numbers of two bytes.
    if people == 0 || people > usize::from(u16::MAX) + 1 {
        return None;
    }
    let count = people * resamples.min(most / people);
    if let Some(known) = lock().as_ref() {
        if known.seed == seed && known.people == people && known.numbers.len() >= count {
            return Some(Arc::clone(known));
        }
        if known.people > people {
            return None;
        }
    }
    // Not while others wait for the lock: who draws in parallel may be asked to draw something else meanwhile.
    let mut numbers = vec![0; count];
    numbers
        .par_chunks_exact_mut(people)
        .enumerate()
        .for_each(|(resample, own)| {
            let mut own = own.iter_mut();
            Draws::new(seed, resample as u64).each_below(people, people, |at| {
                if let Some(to) = own.next() {
                    *to = at as u16;
                }
            });
        });
    let drawn = Arc::new(KeptDraws { seed, people, numbers });
    *lock() = Some(Arc::clone(&drawn));
    Some(drawn)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is kept of other people, seeds and numbers of resamples, and where only a part can be kept.
    #[test]
    fn kept_draws_are_those_that_are_drawn() {
        let most = usize::from(u16::MAX) + 1;
        let all = [
            (300, 1, 3, MOST_KEPT),
            (300, 1, 5, MOST_KEPT),
            (300, 2, 5, 900),
            (257, 2, 5, MOST_KEPT),
            (most, 2, 2, MOST_KEPT),
            (most + 1, 2, 2, MOST_KEPT),
        ];
        for (people, seed, resamples, kept) in all {
            let draws = PeopleDraws::keeping(people, (resamples, seed), kept);
            for resample in [0, resamples - 1] {
                let (mut found, mut expected) = (Vec::new(), Vec::new());
                draws.each(resample, |at| found.push(at));
                let mut blocks = 0;
                draws.each_block(resample, |block| blocks += block.len());
                Draws::new(seed, resample as u64).each_below(people, people, |at| expected.push(at));
                assert_eq!(found, expected, "{people} people, seed {seed}, resample {resample}");
                assert_eq!(blocks, people);
            }
        }
    }
}
