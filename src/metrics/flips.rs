//! The sign-flip test: could it be chance that one system is ahead of another?

use rayon::prelude::*;

use super::average::{Scores, Sums, Totals};
use super::bootstrap::Resampling;
use super::counted::{BLOCK, CountedRows};
use super::weighed::{LANES, WeighedColumns};
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

    /// Hands on the signs of everybody's differences in one of them, person by person.
    fn signs(self, number: u64, people: usize, how: &Resampling, mut take: impl FnMut(usize, f64)) {
        let sign = |flipped: bool| if flipped { -1.0 } else { 1.0 };
        match self {
            Self::All(_) => (0..people).for_each(|person| take(person, sign(number >> person & 1 == 1))),
            Self::Drawn(_) => {
                let mut person = 0;
                Draws::new(how.seed ^ FLIP, number).coins(people, |coin| {
                    take(person, sign(!coin));
                    person += 1;
                });
            }
        }
    }

    /// Whose differences one of them turns round, ascending.
    fn turned(self, number: u64, people: usize, how: &Resampling) -> Vec<u32> {
        // Every person is put down where the next one who is turned belongs: half of all branches would be guessed wrong.
        let (mut all, mut count) = (vec![0; people], 0);
        self.signs(number, people, how, |person, sign| {
            all[count] = person as u32;
            count += usize::from(sign < 0.0);
        });
        all.truncate(count);
        all
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
    let observed = sums.totals().scores();
    let list: Vec<Option<f64>> = observed.iter().copied().collect();
    let p = flipped(sums, how, &list, |totals, found| found.extend(totals.scores().iter()));
    observed.of_list(p.into_iter())
}

/// The sign-flip test of the overall average alone, for groups of people where the rest is not wanted.
pub fn sign_flip_overall(sums: &Sums, how: &Resampling) -> Option<f64> {
    let Some(own) = sums.balanced().filter(|own| own.len() > 1) else {
        let observed = [sums.totals().overall()];
        let p = flipped(sums, how, &observed, |totals, found| found.push(totals.overall()));
        return p.into_iter().next().flatten();
    };
    let flips = SignFlips::of(own.len(), how);
    let observed = own.iter().sum::<f64>().abs();
    let reached = (0..flips.count())
        .into_par_iter()
        .filter(|&number| {
            let mut flipped = 0.0;
            flips.signs(number, own.len(), how, |at, sign| flipped += own[at] * sign);
            flipped.abs() >= observed - ROUNDING * own.len() as f64
        })
        .count();
    Some(flips.p(reached as u64))
}

/// p of every observed average, given what `averages` tells of totals; nothing with fewer than two people.
fn flipped(
    sums: &Sums,
    how: &Resampling,
    observed: &[Option<f64>],
    averages: impl Fn(&Totals, &mut Vec<Option<f64>>) + Sync,
) -> Vec<Option<f64>> {
    let people = sums.people.len();
    if people < 2 {
        return Vec::new();
    }
    let (flips, whole) = (SignFlips::of(people, how), sums.totals());
    let numerators = Numerators::of(sums);
    let together = |batch: u64| -> Vec<u64> {
        let first = batch * LANES as u64;
        let count = (flips.count() - first).min(LANES as u64);
        let (mut reached, mut found) = (vec![0; observed.len()], Vec::new());
        numerators.flipped(&whole, (flips, how), first..first + count, |totals| {
            found.clear();
            averages(totals, &mut found);
            for (reached, both) in reached.iter_mut().zip(observed.iter().zip(&found)) {
                if let (Some(observed), Some(found)) = both {
                    *reached += u64::from(found.abs() >= observed.abs() - ROUNDING);
                }
            }
        });
        reached
    };
    let reached = (0..flips.count().div_ceil(LANES as u64))
        .into_par_iter()
        .map(together)
        .reduce(
            || vec![0; observed.len()],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        );
    let both = observed.iter().zip(reached);
    both.map(|(observed, count)| observed.map(|_| flips.p(count))).collect()
}

/// Everybody's numerators.
enum Numerators {
    /// Counts, most of which are right answers of one system less those of another.
    Counts(CountedRows),
    /// Any numbers.
    Numbers(WeighedColumns),
}

impl Numerators {
    fn of(sums: &Sums) -> Self {
        let (numbers, width) = (sums.numerators(), sums.width());
        let counts = CountedRows::new(&numbers, width);
        counts.map_or_else(|| Self::Numbers(WeighedColumns::new(&numbers, width)), Self::Counts)
    }

    /// Hands on the totals under each of at most [`LANES`] flips, in order; `whole` are those of none.
    fn flipped(
        &self,
        whole: &Totals,
        (flips, how): (SignFlips, &Resampling),
        numbers: std::ops::Range<u64>,
        mut take: impl FnMut(&Totals),
    ) {
        match self {
            Self::Counts(rows) => {
                for number in numbers {
                    let mut sums = rows.nothing();
                    let turned = flips.turned(number, rows.people(), how);
                    turned.chunks(BLOCK).for_each(|block| rows.add_block(block, &mut sums));
                    let both = whole.numerators().zip(sums);
                    take(&whole.with_numerators(both.map(|(all, flipped)| all - 2.0 * flipped as f64)));
                }
            }
            Self::Numbers(columns) => {
                let mut weights = vec![[0.0; LANES]; columns.people()];
                for (lane, number) in numbers.clone().enumerate() {
                    flips.signs(number, columns.people(), how, |person, sign| {
                        weights[person][lane] = sign
                    });
                }
                let sums = columns.sums(&weights);
                for (lane, _) in numbers.enumerate() {
                    take(&whole.with_numerators(sums.iter().map(|sums| sums[lane])));
                }
            }
        }
    }
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
