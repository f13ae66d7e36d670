//! A figure with its uncertainty, and what may be said of it.
//!
//! People are what is sampled, so every rule here counts people. Percentile intervals of a handful of people are far
//! too narrow (at 8 people they hold the truth 87 times in 100), so below [`FROM_PERCENTILE`] people an interval is
//! Student's, below [`FEWEST_FOR_INTERVAL`] there is none, and below [`FEWEST_FOR_WORDS`] nothing is called ahead or
//! behind: the sign-flip test of five people cannot reach p < 0.05 whatever they answer.

use serde::{Deserialize, Serialize};

use super::student::{normal, t_975, wilson};

/// Fewer people than this have no interval.
pub const FEWEST_FOR_INTERVAL: usize = 5;

/// Fewer people than this decide nothing: 2 / 2⁵ is above 0.05.
pub const FEWEST_FOR_WORDS: usize = 6;

/// From this many people on, intervals are percentiles of resamples; below it they are Student's.
pub const FROM_PERCENTILE: usize = 30;

/// Level of all tests.
pub const LEVEL: f64 = 0.05;

/// Leave-one-out figures that differ by less are equal: they are ratios of small whole numbers, rounded.
const ALIKE: f64 = 1e-12;

/// What kind of number a figure is, which decides its interval where all people are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Between 0 and 1.
    Share,
    /// Between -1 and 1.
    Difference,
    /// A share that is known without error, such as chance.
    Exact,
}

/// A figure with its uncertainty. All are shares between 0 and 1, differences between -1 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The figure itself.
    pub value: f64,
    /// Number of people behind it.
    pub people: usize,
    /// Standard error over people; absent for exact figures and with fewer than two people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub se: Option<f64>,
    /// Its 95 % interval, or why there is none.
    pub interval: Interval,
}

/// A 95 % interval over people, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Interval {
    /// Student's t over people: fewer than [`FROM_PERCENTILE`] of them.
    Student {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// Percentiles of resamples of people.
    Percentile {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// Wilson's interval of a share that is the same for every person, with n the number of people.
    Wilson {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// A difference that is the same for every person: nothing varies, so nothing can be estimated from variation.
    Alike,
    /// Fewer than [`FEWEST_FOR_INTERVAL`] people.
    TooFew,
    /// The figure is exact.
    Exact,
}

impl Interval {
    /// The word for how it was made, as it stands in tables for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Student { .. } => "student",
            Self::Percentile { .. } => "percentile",
            Self::Wilson { .. } => "wilson",
            Self::Alike => "alike",
            Self::TooFew => "too-few",
            Self::Exact => "exact",
        }
    }
}

/// How a figure varies over the people behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Variation {
    /// Number of people behind it.
    pub people: usize,
    /// Jackknife standard error; absent with fewer than two people.
    pub se: Option<f64>,
}

impl Variation {
    /// The jackknife: from the figure computed without each of the people in turn, se² = (n − 1)/n Σ (θ₍ᵢ₎ − θ₍·₎)².
    /// Where everybody answered equally much this is the standard deviation of people's own figures over √n.
    pub fn jackknife(people: usize, without: &[f64]) -> Self {
        let n = without.len() as f64;
        let mean = without.iter().sum::<f64>() / n;
        let squares: f64 = without.iter().map(|figure| (figure - mean).powi(2)).sum();
        Self {
            people,
            se: (without.len() > 1).then(|| ((n - 1.0) / n * squares).sqrt()),
        }
    }
}

impl Estimate {
    /// A figure that is known without error.
    pub fn exact(value: f64, people: usize) -> Self {
        Self {
            value,
            people,
            se: None,
            interval: Interval::Exact,
        }
    }

    /// A figure with the interval that its people allow; `draws` are resamples, asked for only where they are used.
    pub(super) fn new(value: f64, variation: Variation, quantity: Quantity, draws: impl FnOnce() -> Vec<f64>) -> Self {
        if quantity == Quantity::Exact {
            return Self::exact(value, variation.people);
        }
        let people = variation.people;
        let interval = match variation.se {
            Some(se) if people >= FEWEST_FOR_INTERVAL => match quantity {
                Quantity::Difference if se <= ALIKE => Interval::Alike,
                _ if se <= ALIKE => {
                    let (low, high) = wilson(value, people);
                    Interval::Wilson { low, high }
                }
                _ if people < FROM_PERCENTILE => student(value, se, people as f64 - 1.0, quantity),
                _ => percentile(draws(), people),
            },
            _ => Interval::TooFew,
        };
        Self {
            value,
            people,
            se: variation.se,
            interval,
        }
    }

    /// Both ends of the interval, where there is one.
    pub fn ends(&self) -> Option<(f64, f64)> {
        match self.interval {
            Interval::Student { low, high } | Interval::Percentile { low, high } | Interval::Wilson { low, high } => {
                Some((low, high))
            }
            Interval::Alike | Interval::TooFew | Interval::Exact => None,
        }
    }

    /// Whether `value` is ruled out: the interval lies on one side of it, or all people alike differ from it.
    pub fn excludes(&self, value: f64) -> bool {
        match self.interval {
            Interval::Alike => (self.value - value).abs() > ALIKE,
            _ => self.ends().is_some_and(|(low, high)| low > value || high < value),
        }
    }
}

/// value ± t · se, cut off at what the quantity can be.
pub(super) fn student(value: f64, se: f64, degrees: f64, quantity: Quantity) -> Interval {
    let half = t_975(degrees) * se;
    let least = if quantity == Quantity::Difference { -1.0 } else { 0.0 };
    Interval::Student {
        low: (value - half).max(least),
        high: (value + half).min(1.0),
    }
}

/// The expanded percentile interval (Hesterberg, *The American Statistician* 69(4), 2015, section 5.3): resamples of n
/// people vary by (n − 1)/n too little and their quantiles are the normal distribution's, so the quantiles are taken at
/// Φ(∓√(n/(n − 1)) t₀.₉₇₅) in place of 2.5 and 97.5 %. With many people that is the same.
fn percentile(mut draws: Vec<f64>, people: usize) -> Interval {
    draws.sort_by(f64::total_cmp);
    let n = people as f64;
    let tail = normal(-(n / (n - 1.0)).sqrt() * t_975(n - 1.0));
    if draws.is_empty() {
        return Interval::TooFew;
    }
    Interval::Percentile {
        low: quantile(&draws, tail),
        high: quantile(&draws, 1.0 - tail),
    }
}

/// The q-quantile of an ascending list, linear between neighbours (type 7 of Hyndman and Fan, 1996: numpy's default).
pub(super) fn quantile(ascending: &[f64], q: f64) -> f64 {
    let last = ascending.len().saturating_sub(1);
    let place = q * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    ascending[below] + (place - below as f64) * (ascending[above] - ascending[below])
}

/// A difference with its test.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// The difference.
    #[serde(flatten)]
    pub estimate: Estimate,
    /// p of the sign-flip test; absent with fewer than two people.
    #[serde(default)]
    pub p: Option<f64>,
}

/// What may be said of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The first is ahead.
    Ahead,
    /// The first is behind.
    Behind,
    /// p and interval do not both tell them apart.
    Open,
    /// They are told apart only under some of the rules for unread answers.
    Depends,
    /// Who would be ahead answers alike whoever is asked.
    Constant,
    /// Fewer than `FEWEST_FOR_WORDS` people.
    TooFew,
}

impl Verdict {
    /// The word for it in tables for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::Behind => "behind",
            Self::Open => "open",
            Self::Depends => "depends",
            Self::Constant => "constant",
            Self::TooFew => "too-few",
        }
    }
}

impl Tested {
    /// What may be said: a direction only where p and interval agree on it.
    pub fn verdict(&self) -> Verdict {
        if self.estimate.people < FEWEST_FOR_WORDS {
            return Verdict::TooFew;
        }
        let told = self.p.is_some_and(|p| p < LEVEL) && self.estimate.excludes(0.0);
        match (told, self.estimate.value > 0.0) {
            (false, _) => Verdict::Open,
            (true, true) => Verdict::Ahead,
            (true, false) => Verdict::Behind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(shares: &[f64], quantity: Quantity) -> Estimate {
        let (n, sum) = (shares.len() as f64, shares.iter().sum::<f64>());
        let without: Vec<f64> = shares.iter().map(|own| (sum - own) / (n - 1.0)).collect();
        Estimate::new(
            sum / n,
            Variation::jackknife(shares.len(), &without),
            quantity,
            Vec::new,
        )
    }

    #[test]
    fn the_interval_of_few_people_is_scipys() {
        // scipy 1.17.1: x = [.5, .6, .4, .7, .55, .45, .65, .5]; stats.t.interval(.95, 7, np.mean(x), stats.sem(x))
        let estimate = of(&[0.5, 0.6, 0.4, 0.7, 0.55, 0.45, 0.65, 0.5], Quantity::Share);
        let (low, high) = estimate.ends().expect("eight people have an interval");
        assert!((low - 0.458_851_674_070_013_4).abs() < 1e-9, "{low}");
        assert!((high - 0.628_648_325_929_986_5).abs() < 1e-9, "{high}");
        assert!((estimate.se.expect("a standard error") - 0.035_903_516_540_862_51).abs() < 1e-12);
    }

    #[test]
    fn alike_few_and_exact_figures_say_so_in_place_of_an_interval_of_no_width() {
        assert!(matches!(of(&[1.0; 8], Quantity::Share).interval, Interval::Wilson { low, .. } if low < 0.7));
        assert_eq!(of(&[0.25; 8], Quantity::Difference).interval, Interval::Alike);
        assert_eq!(of(&[0.0, 0.5, 1.0, 0.5], Quantity::Share).interval, Interval::TooFew);
        assert_eq!(of(&[0.5; 8], Quantity::Exact).interval, Interval::Exact);
        // The ends of an interval are what the quantity can be.
        let (_, high) = of(&[1.0, 1.0, 1.0, 1.0, 0.0], Quantity::Share)
            .ends()
            .expect("an interval");
        assert_eq!(high, 1.0);
    }

    #[test]
    fn words_need_six_people_and_p_and_interval_that_agree() {
        let tested = |people, low, p| Tested {
            estimate: Estimate {
                value: 0.1,
                people,
                se: Some(0.05),
                interval: Interval::Student { low, high: 0.2 },
            },
            p: Some(p),
        };
        assert_eq!(tested(5, 0.01, 0.03).verdict(), Verdict::TooFew);
        assert_eq!(tested(6, 0.01, 0.03).verdict(), Verdict::Ahead);
        assert_eq!(tested(8, -0.01, 0.03).verdict(), Verdict::Open);
        assert_eq!(tested(8, 0.01, 0.06).verdict(), Verdict::Open);
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
