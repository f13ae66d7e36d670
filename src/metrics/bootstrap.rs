//! Standard errors and intervals over people.
//!
//! The probes of one person are not independent, so people are what varies. The standard error of every average is its
//! jackknife over people. Below [`FROM_PERCENTILE`](super::estimate::FROM_PERCENTILE) people the interval is Student's
//! with n − 1 degrees of freedom; from there on people are drawn with replacement, each with all of their probes (the
//! cluster bootstrap; Davison and Hinkley, *Bootstrap Methods and their Application*, 1997, section 3.8), and the
//! interval is the expanded percentile interval of the resamples. They say how much a figure would move with other
//! people on the *same questions*; [`crossed_overall`](super::crossed::crossed_overall) also varies the questions.
//!
//! Resample i uses stream i of one ChaCha8 generator, so results do not depend on the number of threads; people stand in
//! the order of their ids, so they do not depend on which other runs are looked at.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::average::{Scores, Sums, Totals};
use super::drawn::PeopleDraws;
use super::estimate::{Estimate, FROM_PERCENTILE, Quantity, Variation};
use super::weighed::LANES;

/// How many resamples, from which seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resampling {
    /// Number of resamples.
    pub resamples: usize,
    /// Seed of all of them.
    pub seed: u64,
}

impl Default for Resampling {
    fn default() -> Self {
        Self {
            resamples: 4000,
            seed: 1,
        }
    }
}

/// All of the paper's averages with their intervals over people.
pub fn clustered(sums: &Sums, how: &Resampling) -> Scores<Estimate> {
    let values = sums.totals().scores();
    let variations = sums.variation();
    let draws: Vec<Vec<Option<f64>>> = resample(sums, how, |totals| totals.scores().iter().copied().collect());
    let figures = values.iter().zip(variations.iter()).enumerate();
    let estimates = figures.map(|(at, (value, variation))| {
        let drawn = || draws.iter().filter_map(|list| list[at]).collect();
        Some(Estimate::new((*value)?, (*variation)?, sums.quantity, drawn))
    });
    values.of_list(estimates)
}

/// The overall average alone with its interval, for groups of people where the rest is not wanted.
pub fn clustered_overall(sums: &Sums, how: &Resampling) -> Option<Estimate> {
    let value = sums.totals().overall()?;
    let people = sums.people.len();
    let Some(own) = sums.balanced() else {
        let variation = sums.variation().overall?;
        let draws = || {
            let drawn = resample(sums, how, |totals| totals.overall());
            drawn.into_iter().flatten().collect()
        };
        return Some(Estimate::new(value, variation, sums.quantity, draws));
    };
    let without: Vec<f64> = match people {
        1 => Vec::new(),
        n => own
            .iter()
            .map(|own| (n as f64 * value - own) / (n - 1) as f64)
            .collect(),
    };
    let variation = Variation::jackknife(people, &without);
    Some(Estimate::new(value, variation, sums.quantity, || means(&own, how)))
}

/// The mean of as many as there are, drawn with replacement, in each resample.
fn means(own: &[f64], how: &Resampling) -> Vec<f64> {
    let draws = PeopleDraws::new(own.len(), how.resamples, how.seed);
    let one = |number| {
        let mut sum = 0.0;
        draws.each(number, |at| sum += own[at]);
        sum / own.len() as f64
    };
    (0..how.resamples).into_par_iter().map(one).collect()
}

/// What is told of the totals of every resample, in their order; nothing where no figure needs them.
fn resample<T: Send>(sums: &Sums, how: &Resampling, one: impl Fn(&Totals) -> T + Sync) -> Vec<T> {
    let people = sums.people.len();
    if people < FROM_PERCENTILE || sums.quantity == Quantity::Exact {
        return Vec::new();
    }
    let draws = PeopleDraws::new(people, how.resamples, how.seed);
    if let Some(rows) = sums.counts() {
        let numbers = (0..how.resamples).into_par_iter();
        let totals = |number| {
            let mut found = rows.nothing();
            draws.each_block(number, |drawn| rows.add_block(drawn, &mut found));
            one(&Totals::of_counts(&found, sums.width()))
        };
        return numbers.map(totals).collect();
    }
    let columns = sums.columns();
    let together = |batch: usize| {
        let numbers = batch * LANES..how.resamples.min((batch + 1) * LANES);
        let (mut weights, mut counts) = (vec![[0.0; LANES]; people], vec![0_u32; people]);
        for (lane, number) in numbers.clone().enumerate() {
            counts.fill(0);
            draws.each(number, |at| counts[at] += 1);
            let both = weights.iter_mut().zip(&counts);
            both.for_each(|(weights, count)| weights[lane] = f64::from(*count));
        }
        let drawn = columns.sums(&weights);
        let totals = (0..numbers.len()).map(|lane| Totals::of_lane(&drawn, lane, sums.width()));
        totals.map(|totals| one(&totals)).collect::<Vec<T>>()
    };
    let batches = (0..how.resamples.div_ceil(LANES)).into_par_iter();
    batches.flat_map_iter(together).collect()
}

#[cfg(test)]
#[path = "bootstrap_tests.rs"]
mod tests;
