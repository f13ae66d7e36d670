//! A paired difference under every rule for answers that could not be read.
//!
//! A model that answers unreadably in one condition and readably in another seems to gain by it wherever unread counts as
//! wrong. So a difference is always told three times: unread wrong, unread worth a guess, and on the probes alone that
//! both sides could read. Only what holds under all three may be called ahead or behind.

use serde::{Deserialize, Serialize};

use super::average::{Scores, Sums};
use super::bootstrap::{Resampling, clustered, clustered_overall};
use super::estimate::{Tested, Verdict};
use super::flips::{sign_flip, sign_flip_overall};
use super::panel::Unread;
use super::tail::holm;

/// One paired difference.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// With unread answers wrong: what tables show.
    pub wrong: Tested,
    /// Probes that one of the sides left unread.
    pub unread: usize,
    /// The same difference under the other rules; absent where everything was read, since all rules agree then.
    #[serde(default)]
    pub otherwise: Option<Otherwise>,
    /// Which of the sides is a model that answers alike whoever is asked.
    #[serde(default)]
    pub constant: Constant,
}

/// Which sides of a difference are models that answer alike whoever is asked. Such a one is never called ahead: what its
/// accuracy says is how common its answers are among people. Only against always answering as it nearly always does may
/// it be judged, since what is between them is what it does beyond that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Constant {
    /// The first.
    pub first: bool,
    /// The second.
    pub second: bool,
    /// The other side always answers as the constant one nearly always does.
    #[serde(default)]
    pub own_rule: bool,
}

impl Constant {
    /// Whether who has this verdict is not to be praised for it.
    fn withholds(self, verdict: Verdict) -> bool {
        let praised = (verdict == Verdict::Ahead && self.first) || (verdict == Verdict::Behind && self.second);
        praised && !self.own_rule
    }
}

/// A difference under the other rules for unread answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Otherwise {
    /// An unread answer is worth 1 / number of candidates.
    pub chance: Tested,
    /// Only probes count that both sides could read; absent where there is none.
    pub shared: Option<Tested>,
}

impl Contrast {
    /// What may be said of it.
    pub fn verdict(&self) -> Verdict {
        self.verdict_at(self.wrong.p)
    }

    /// What may be said of it where p was adjusted for other comparisons.
    pub fn verdict_at(&self, adjusted: Option<f64>) -> Verdict {
        let main = Tested {
            p: adjusted,
            ..self.wrong
        };
        let verdict = main.verdict();
        if self.constant.withholds(verdict) {
            return Verdict::Constant;
        }
        match (&self.otherwise, verdict) {
            (Some(otherwise), Verdict::Ahead | Verdict::Behind) => {
                let alike = otherwise.chance.verdict() == verdict
                    && otherwise.shared.is_some_and(|shared| shared.verdict() == verdict);
                if alike { verdict } else { Verdict::Depends }
            }
            _ => verdict,
        }
    }
}

/// Differences overall, by split and by category; `sums` gives them under a rule, `unread` counts what was not read.
pub fn contrasts(
    unread: &Scores<usize>,
    constant: Constant,
    sums: impl Fn(Unread) -> Sums,
    how: &Resampling,
) -> Scores<Contrast> {
    let tested = |rule: Unread| {
        let sums = sums(rule);
        let (estimates, p) = (clustered(&sums, how), sign_flip(&sums, how));
        let both = estimates.iter().zip(p.iter());
        let all = both.map(|(estimate, p)| estimate.map(|estimate| Tested { estimate, p: *p }));
        estimates.of_list(all)
    };
    let wrong = tested(Unread::Wrong);
    let others = (unread.overall.unwrap_or(0) > 0).then(|| (tested(Unread::Chance), tested(Unread::Dropped)));
    let all = wrong
        .iter()
        .zip(unread.iter())
        .enumerate()
        .map(|(at, (wrong, unread))| {
            let unread = unread.unwrap_or(0);
            let under = |scores: &Scores<Tested>| scores.iter().nth(at).copied().flatten();
            let otherwise = others.as_ref().filter(|_| unread > 0).and_then(|(chance, shared)| {
                Some(Otherwise {
                    chance: under(chance)?,
                    shared: under(shared),
                })
            });
            Some(Contrast {
                wrong: (*wrong)?,
                unread,
                otherwise,
                constant,
            })
        });
    wrong.of_list(all)
}

/// p-values by category, adjusted after Holm for the number of categories that have one.
pub fn p_by_category(differences: &Scores<Contrast>) -> Vec<Option<f64>> {
    let p = || {
        let categories = differences.categories.iter();
        categories.map(|category| category.and_then(|contrast| contrast.wrong.p))
    };
    let known: Vec<f64> = p().flatten().collect();
    let mut adjusted = holm(&known).into_iter();
    p().map(|p| p.and_then(|_| adjusted.next())).collect()
}

/// The overall difference alone, which is quicker.
pub(super) struct Overall<'a> {
    /// Probes that one of the sides left unread.
    pub unread: usize,
    /// Which sides answer alike whoever is asked.
    pub constant: Constant,
    /// Resamples.
    pub how: &'a Resampling,
}

impl Overall<'_> {
    /// The contrast of sums under each rule.
    pub fn contrast(&self, sums: impl Fn(Unread) -> Sums) -> Option<Contrast> {
        let tested = |rule: Unread| {
            let sums = sums(rule);
            let estimate = clustered_overall(&sums, self.how)?;
            let p = sign_flip_overall(&sums, self.how);
            Some(Tested { estimate, p })
        };
        let wrong = tested(Unread::Wrong)?;
        let otherwise = match self.unread {
            0 => None,
            _ => tested(Unread::Chance).map(|chance| Otherwise {
                chance,
                shared: tested(Unread::Dropped),
            }),
        };
        Some(Contrast {
            wrong,
            unread: self.unread,
            otherwise,
            constant: self.constant,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::estimate::{Estimate, Interval};

    fn tested(low: f64, high: f64, p: f64) -> Tested {
        Tested {
            estimate: Estimate {
                value: (low + high) / 2.0,
                people: 8,
                se: Some(0.01),
                interval: Interval::Student { low, high },
            },
            p: Some(p),
        }
    }

    #[test]
    fn a_gain_that_unread_answers_make_is_no_gain() {
        let contrast = |chance, shared| Contrast {
            wrong: tested(0.02, 0.08, 0.008),
            unread: 58,
            otherwise: Some(Otherwise { chance, shared }),
            constant: Constant::default(),
        };
        let ahead = tested(0.01, 0.05, 0.02);
        assert_eq!(contrast(ahead, Some(ahead)).verdict(), Verdict::Ahead);
        assert_eq!(
            contrast(ahead, Some(tested(-0.05, 0.02, 0.3))).verdict(),
            Verdict::Depends
        );
        assert_eq!(
            contrast(tested(-0.01, 0.04, 0.2), Some(ahead)).verdict(),
            Verdict::Depends
        );
        assert_eq!(contrast(ahead, None).verdict(), Verdict::Depends);
        assert_eq!(contrast(ahead, Some(ahead)).verdict_at(Some(0.1)), Verdict::Open);
    }

    #[test]
    fn a_constant_answerer_is_never_ahead_though_it_may_be_behind() {
        let contrast = |low, high| Contrast {
            wrong: tested(low, high, 0.01),
            unread: 0,
            otherwise: None,
            constant: Constant {
                first: true,
                ..Constant::default()
            },
        };
        assert_eq!(contrast(0.01, 0.05).verdict(), Verdict::Constant);
        assert_eq!(contrast(-0.05, -0.01).verdict(), Verdict::Behind);
        // Beside always answering like that it may be judged: the rule's own part is on both sides.
        let mut beyond = contrast(0.01, 0.05);
        beyond.constant.own_rule = true;
        assert_eq!(beyond.verdict(), Verdict::Ahead);
    }
}
