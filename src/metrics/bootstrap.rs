//! Standard errors and intervals by resampling people, and people together with questions.
//!
//! The probes of one person are not independent, so people are what is drawn (the cluster bootstrap; Davison and
//! Hinkley, *Bootstrap Methods and their Application*, 1997, section 3.8): n people with replacement, each with all of
//! their probes. Intervals are percentile intervals at 95 %, the standard error is the standard deviation of the
//! resamples. They say how much a figure would move with other people on the *same questions*.
//!
//! The crossed bootstrap also draws questions, independently of people, and weighs a probe by the product of both
//! counts (the pigeonhole bootstrap; Owen, *Annals of Applied Statistics* 1(2), 2007, which shows that it does not
//! understate the variance). Questions are drawn within their category, because the design fixes the categories; splits
//! are pooled, because a category has three questions a split and a draw may leave a split without any. Its interval
//! says how much a figure would move with other people and other questions of the same thirteen categories.
//!
//! Resample i uses stream i of one ChaCha8 generator, so results do not depend on the number of threads.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::average::{Scores, Sums};
use super::panel::{Credit, Panel};
use crate::base::random::Draws;

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

/// A figure with its uncertainty. All are shares between 0 and 1, differences between -1 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure itself.
    pub value: f64,
    /// Standard error and interval; absent where fewer than two people stand behind the figure.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
}

/// How far a figure may be off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Standard error.
    pub se: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

impl Estimate {
    /// Whether the interval lies on one side of `value`; false where there is no interval.
    pub fn excludes(&self, value: f64) -> bool {
        self.spread.is_some_and(|s| s.low > value || s.high < value)
    }
}

/// How often each of `n` is drawn in `n` draws with replacement.
fn counts(draws: &mut Draws, n: usize) -> Vec<f64> {
    let mut counts = vec![0.0; n];
    for _ in 0..n {
        counts[draws.below(n)] += 1.0;
    }
    counts
}

/// All of the paper's averages with intervals by resampling people.
pub fn clustered(sums: &Sums, how: &Resampling) -> Scores<Estimate> {
    let values = sums.totals(|_| 1.0).scores();
    let people = sums.people.len();
    let draws: Vec<Scores<f64>> = resample(people, how, |generator| {
        let counts = counts(generator, people);
        sums.totals(|position| counts[position]).scores()
    });
    summarise(&values, &draws)
}

/// The overall average alone with its interval, for groups of people where the rest is not wanted.
pub fn clustered_overall(sums: &Sums, how: &Resampling) -> Option<Estimate> {
    let value = sums.totals(|_| 1.0).overall()?;
    let people = sums.people.len();
    let draws: Vec<Option<f64>> = match sums.balanced() {
        Some(own) => resample(people, how, |generator| {
            super::average::mean((0..people).map(|_| own[generator.below(people)]))
        }),
        None => resample(people, how, |generator| {
            let counts = counts(generator, people);
            sums.totals(|position| counts[position]).overall()
        }),
    };
    Some(Estimate {
        value,
        spread: spread(draws.into_iter().flatten().collect()),
    })
}

/// The overall average with its interval by resampling people and questions.
///
/// Splits are pooled within a category, so its value may differ from the paper's average where probes are missing;
/// the value returned is the pooled one.
pub fn crossed_overall(panel: &Panel, categories: usize, credit: Credit, how: &Resampling) -> Option<Estimate> {
    let people = positions(panel.rows.iter().map(|row| row.person));
    let questions = positions(panel.rows.iter().map(|row| row.question));
    let mut by_category: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for row in &panel.rows {
        let list = by_category.entry(row.category).or_default();
        if !list.contains(&questions[&row.question]) {
            list.push(questions[&row.question]);
        }
    }
    let cells: Vec<(usize, usize, usize, f64, f64)> = panel
        .rows
        .iter()
        .map(|row| {
            let (numerator, denominator) = credit.of(row);
            (
                people[&row.person],
                questions[&row.question],
                row.category,
                numerator,
                denominator,
            )
        })
        .collect();
    let overall = |person_weight: &[f64], question_weight: &[f64]| {
        let mut slots = vec![[0.0; 2]; categories];
        for &(person, question, category, numerator, denominator) in &cells {
            let weight = person_weight[person] * question_weight[question];
            slots[category][0] += weight * numerator;
            slots[category][1] += weight * denominator;
        }
        super::average::mean(slots.iter().filter(|s| s[1] > 0.0).map(|s| s[0] / s[1]))
    };
    let value = overall(&vec![1.0; people.len()], &vec![1.0; questions.len()])?;
    let how = Resampling {
        resamples: how.resamples.min(CROSSED_AT_MOST),
        ..*how
    };
    let draws: Vec<Option<f64>> = resample(people.len(), &how, |generator| {
        let person_weight = counts(generator, people.len());
        let mut question_weight = vec![0.0; questions.len()];
        for list in by_category.values() {
            for _ in 0..list.len() {
                question_weight[list[generator.below(list.len())]] += 1.0;
            }
        }
        overall(&person_weight, &question_weight)
    });
    Some(Estimate {
        value,
        spread: spread(draws.into_iter().flatten().collect()),
    })
}

/// Resamples of the crossed bootstrap at most: it goes through every probe each time, and this many know a standard error
/// to 2 %.
const CROSSED_AT_MOST: usize = 1000;

/// Consecutive numbers for whatever numbers there are.
fn positions(numbers: impl Iterator<Item = usize>) -> BTreeMap<usize, usize> {
    let mut found: BTreeMap<usize, usize> = numbers.map(|n| (n, 0)).collect();
    for (position, slot) in found.values_mut().enumerate() {
        *slot = position;
    }
    found
}

/// Runs the resamples in parallel; none with fewer than two people, because one person tells nothing of others.
fn resample<T: Send>(people: usize, how: &Resampling, one: impl Fn(&mut Draws) -> T + Sync) -> Vec<T> {
    if people < 2 {
        return Vec::new();
    }
    (0..how.resamples as u64)
        .into_par_iter()
        .map(|number| one(&mut Draws::new(how.seed, number)))
        .collect()
}

fn summarise(values: &Scores<f64>, draws: &[Scores<f64>]) -> Scores<Estimate> {
    let lists: Vec<Vec<Option<f64>>> = draws.iter().map(|draw| draw.iter().copied().collect()).collect();
    let estimates = values.iter().enumerate().map(|(at, value)| {
        value.map(|value| Estimate {
            value,
            spread: spread(lists.iter().filter_map(|list| list[at]).collect()),
        })
    });
    values.from_list(estimates)
}

/// Standard deviation and percentile interval of resamples; absent with fewer than two.
pub(super) fn spread(mut draws: Vec<f64>) -> Option<Spread> {
    if draws.len() < 2 {
        return None;
    }
    draws.sort_by(f64::total_cmp);
    let mean = draws.iter().sum::<f64>() / draws.len() as f64;
    let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (draws.len() - 1) as f64;
    Some(Spread {
        se: variance.sqrt(),
        low: quantile(&draws, 0.025),
        high: quantile(&draws, 0.975),
    })
}

/// The q-quantile of an ascending list, linear between neighbours (type 7 of Hyndman and Fan, 1996: numpy's default).
pub(super) fn quantile(ascending: &[f64], q: f64) -> f64 {
    let last = ascending.len().saturating_sub(1);
    let place = q * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    ascending[below] + (place - below as f64) * (ascending[above] - ascending[below])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::panel::{Row, Unread};

    /// 40 people, 6 probes each in two categories; person p is right on probe q where (7p + 5q) mod 11 < 6 + p mod 3.
    fn panel() -> Panel {
        let mut rows = Vec::new();
        for person in 0..40 {
            for split in 0..3 {
                for category in 0..2 {
                    let question = split * 2 + category;
                    let correct = (7 * person + 5 * question) % 11 < 6 + person % 3;
                    let choice = Some(usize::from(!correct));
                    rows.push(Row {
                        person,
                        split,
                        question,
                        category,
                        candidates: 2,
                        label: 0,
                        choice,
                    });
                }
            }
        }
        rows.sort_unstable();
        Panel { rows, chance: false }
    }

    #[test]
    fn cluster_interval_agrees_with_the_standard_error_of_the_mean() {
        // Every person has all six probes, so the overall accuracy is the mean of 40 people's shares; numpy 2.4 gives
        // their mean and, with ddof=0 as resampling has it, std(shares) / sqrt(40).
        let (mean, se) = (0.645_833_333_333, 0.022_963_966_339);
        let sums = Sums::of_panel(&panel(), 2, Credit::Choice(Unread::Wrong));
        let overall = clustered(
            &sums,
            &Resampling {
                resamples: 4000,
                seed: 3,
            },
        )
        .overall
        .expect("there is data");
        let spread = overall.spread.expect("there are people");
        assert!((overall.value - mean).abs() < 1e-9);
        // 4000 resamples know a standard error to about 1 / sqrt(2 * 4000) = 1.1 %; 5 % is four and a half of that.
        assert!((spread.se / se - 1.0).abs() < 0.05, "{} against {se}", spread.se);
        assert!((spread.low - (mean - 1.96 * se)).abs() < 0.2 * se, "{spread:?}");
        assert!((spread.high - (mean + 1.96 * se)).abs() < 0.2 * se, "{spread:?}");
    }

    #[test]
    fn crossing_with_questions_never_narrows() {
        let panel = panel();
        let how = Resampling {
            resamples: 1000,
            seed: 3,
        };
        let credit = Credit::Choice(Unread::Wrong);
        let people = clustered(&Sums::of_panel(&panel, 2, credit), &how)
            .overall
            .and_then(|e| e.spread);
        let crossed = crossed_overall(&panel, 2, credit, &how).and_then(|e| e.spread);
        assert!(crossed.expect("data").se > people.expect("data").se);
    }

    #[test]
    fn one_seed_one_result_and_one_person_no_interval() {
        let sums = Sums::of_panel(&panel(), 2, Credit::Choice(Unread::Wrong));
        let how = Resampling { resamples: 50, seed: 9 };
        assert_eq!(clustered(&sums, &how), clustered(&sums, &how));
        assert_ne!(
            clustered(&sums, &how),
            clustered(&sums, &Resampling { seed: 10, ..how })
        );
        // People with equally many probes take a shortcut, others do not; both are what the long way gives.
        let uneven = Sums::of_rows(&panel().rows[1..], 2, |row| (f64::from(u8::from(row.correct())), 1.0));
        assert!(sums.balanced().is_some() && uneven.balanced().is_none());
        for sums in [&sums, &uneven] {
            let (short, long) = (clustered_overall(sums, &how), clustered(sums, &how).overall);
            let figures =
                |e: Option<Estimate>| e.and_then(|e| Some([e.value, e.spread?.se, e.spread?.low, e.spread?.high]));
            let (short, long) = (figures(short).expect("data"), figures(long).expect("data"));
            assert!(
                short.iter().zip(long).all(|(a, b)| (a - b).abs() < 1e-12),
                "{short:?} {long:?}"
            );
        }
        assert_eq!(
            clustered_overall(&sums.restricted(&[4]), &how).and_then(|e| e.spread),
            None
        );
    }

    #[test]
    fn quantiles_are_numpys() {
        // numpy.quantile([1, 2, 4, 8, 16], [0.025, 0.5, 0.975]) = [1.1, 4.0, 15.2]
        let list = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (q, expected) in [(0.025, 1.1), (0.5, 4.0), (0.975, 15.2)] {
            assert!((quantile(&list, q) - expected).abs() < 1e-12);
        }
    }
}
