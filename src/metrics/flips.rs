//! The sign-flip test: could it be chance that one system is ahead of another?

use rayon::prelude::*;

use super::average::{Scores, Sums};
use super::bootstrap::Resampling;
use crate::base::random::Draws;

/// Averages that differ by this little are equal: they are of the same counts, added in another order.
const ROUNDING: f64 = 1e-12;

/// Keeps the flips' random numbers apart from the bootstrap's.
const FLIP: u64 = 0x5167_4e46_4c49_5000;

/// Which signs are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignFlips {
    /// All 2ⁿ.
    All(u64),
    /// So many at random.
    Drawn(u64),
}

impl SignFlips {
    fn of(people: usize, how: &Resampling) -> Self {
        let all = u32::try_from(people).ok().and_then(|n| 1u64.checked_shl(n));
        match all {
            Some(all) if all <= how.resamples as u64 => Self::All(all),
            _ => Self::Drawn(how.resamples as u64),
        }
    }

    fn count(self) -> u64 {
        match self {
            Self::All(count) | Self::Drawn(count) => count,
        }
    }

    /// The signs of everybody's differences in one of them.
    fn signs(self, number: u64, people: usize, how: &Resampling) -> Vec<f64> {
        let sign = |flipped: bool| if flipped { -1.0 } else { 1.0 };
        match self {
            Self::All(_) => (0..people).map(|person| sign(number >> person & 1 == 1)).collect(),
            Self::Drawn(_) => {
                let mut draws = Draws::new(how.seed ^ FLIP, number);
                (0..people).map(|_| sign(!draws.coin())).collect()
            }
        }
    }

    /// p from how many reach the observed average. All flips hold the observed one; drawn ones have it added.
    fn p(self, reached: u64) -> f64 {
        match self {
            Self::All(all) => reached as f64 / all as f64,
            Self::Drawn(drawn) => (1 + reached) as f64 / (1 + drawn) as f64,
        }
    }
}

/// A randomisation test of "no difference" that keeps people whole.
///
/// If both systems were alike, it would not matter which is called the first, person by person. So the sign of each
/// person's differences is flipped, together for all of their probes, and p is the share of flips whose average is at
/// least as far from 0. While 2ⁿ is at most the number of resamples all flips are tried and p is exact; beyond that they
/// are drawn, and p = (1 + #{|T*| ≥ |T|}) / (1 + resamples). Source: Fisher's randomisation applied to clusters; the added
/// 1 after Phipson and Smyth, *Statistical Applications in Genetics and Molecular Biology* 9(1), 2010. Absent with fewer
/// than two people.
pub fn sign_flip(sums: &Sums, how: &Resampling) -> Scores<f64> {
    let observed = sums.signed(|_| 1.0).scores();
    let people = sums.people.len();
    if people < 2 {
        return observed.of_list(std::iter::empty());
    }
    let flips = SignFlips::of(people, how);
    let reaches = |number: u64| -> Vec<u64> {
        let signs = flips.signs(number, people, how);
        let flipped = sums.signed(|position| signs[position]).scores();
        let both = observed.iter().zip(flipped.iter());
        both.map(|both| match both {
            (Some(o), Some(f)) => u64::from(f.abs() >= o.abs() - ROUNDING),
            _ => 0,
        })
        .collect()
    };
    let none = || vec![0; observed.iter().count()];
    let reached: Vec<u64> = (0..flips.count())
        .into_par_iter()
        .map(reaches)
        .reduce(none, |mut a, b| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        });
    let p = observed.iter().zip(reached).map(|(o, count)| o.map(|_| flips.p(count)));
    observed.of_list(p)
}

/// The sign-flip test of the overall average alone, for groups of people where the rest is not wanted.
pub fn sign_flip_overall(sums: &Sums, how: &Resampling) -> Option<f64> {
    let Some(own) = sums.balanced().filter(|own| own.len() > 1) else {
        return sign_flip(sums, how).overall;
    };
    let flips = SignFlips::of(own.len(), how);
    let observed = own.iter().sum::<f64>().abs();
    let reached = (0..flips.count())
        .into_par_iter()
        .filter(|&number| {
            let signs = flips.signs(number, own.len(), how);
            let flipped: f64 = own.iter().zip(signs).map(|(own, sign)| own * sign).sum();
            flipped.abs() >= observed - ROUNDING * own.len() as f64
        })
        .count();
    Some(flips.p(reached as u64))
}

/// Whether all ways of flipping this many people are tried, so that more resamples would change nothing.
pub fn tries_all(people: usize, how: &Resampling) -> bool {
    matches!(SignFlips::of(people, how), SignFlips::All(_))
}

/// The smallest p that this many people can reach: if all of them differ alike, only that and its mirror image do.
pub fn smallest_p(people: usize, how: &Resampling) -> f64 {
    match SignFlips::of(people, how) {
        SignFlips::All(all) => 2.0 / all as f64,
        SignFlips::Drawn(drawn) => 1.0 / (1 + drawn) as f64,
    }
}
