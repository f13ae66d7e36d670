//! Two systems on the same probes: difference, agreement, and how sure one may be.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::average::{Scores, Sums};
use super::bootstrap::{Estimate, Resampling, clustered};
use super::panel::{Credit, Panel, Row, Unread};
use super::roster::{MetricsError, Roster};
use super::tail::{mcnemar, minimum_detectable};
use crate::base::random::Draws;

/// The probes that two panels share, in the order of the first.
#[derive(Debug, Clone)]
pub struct Paired {
    /// Rows of both systems on one probe each.
    pub pairs: Vec<(Row, Row)>,
    credit: (Credit, Credit),
}

/// How often two systems are right together and apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outcomes2x2 {
    /// Both chose the person's own candidate.
    pub both_right: usize,
    /// Only the first did.
    pub only_first: usize,
    /// Only the second did.
    pub only_second: usize,
    /// Neither, and both chose the same candidate (or both left no readable choice).
    pub both_wrong_alike: usize,
    /// Neither, and they chose differently.
    pub both_wrong_apart: usize,
}

impl Outcomes2x2 {
    /// Number of probes.
    pub fn probes(&self) -> usize {
        self.both_right + self.only_first + self.only_second + self.both_wrong_alike + self.both_wrong_apart
    }
}

/// Agreement of two systems' choices on a set of probes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Number of probes.
    pub probes: usize,
    /// Share of probes with the same choice.
    pub agreement: f64,
    /// Cohen's kappa pooled over questions; absent where chance agreement is complete.
    pub kappa: Option<f64>,
}

/// Everything that is told of two systems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// First minus second, on the same averages as accuracies, with intervals by resampling people.
    pub difference: Scores<Estimate>,
    /// p-values of the sign-flip test, in the same places.
    pub p: Scores<f64>,
    /// Both systems' accuracies on the shared probes.
    pub accuracy: (Scores<f64>, Scores<f64>),
    /// Right and wrong together.
    pub table: Outcomes2x2,
    /// McNemar's test over all probes.
    pub mcnemar: f64,
    /// Agreement over all probes.
    pub agreement: Option<Agreement>,
    /// Agreement by category.
    pub agreement_by_category: Vec<Option<Agreement>>,
    /// The smallest true overall difference found with a power of 80 % at 5 %; absent without a standard error.
    pub minimum_detectable: Option<f64>,
    /// Number of people with a shared probe.
    pub people: usize,
}

impl Paired {
    /// Matches two panels probe by probe; `names` are for the error.
    ///
    /// # Errors
    /// Where they share no probe, or where a shared probe has another label or other candidates.
    pub fn new(
        first: &Panel,
        second: &Panel,
        unread: Unread,
        roster: &Roster,
        names: (&str, &str),
    ) -> Result<Self, MetricsError> {
        let mut pairs = Vec::new();
        let mut others = second.rows.iter().peekable();
        for row in &first.rows {
            while others.next_if(|other| other.key() < row.key()).is_some() {}
            if let Some(other) = others.next_if(|other| other.key() == row.key()) {
                if (other.label, other.candidates) != (row.label, row.candidates) {
                    return Err(MetricsError::Disagree {
                        first: names.0.to_owned(),
                        second: names.1.to_owned(),
                        person: roster.people[row.person].id.clone(),
                        question: roster.questions[row.question].0,
                    });
                }
                pairs.push((*row, *other));
            }
        }
        if pairs.is_empty() {
            return Err(MetricsError::NothingShared {
                first: names.0.to_owned(),
                second: names.1.to_owned(),
            });
        }
        Ok(Self {
            pairs,
            credit: (first.credit(unread), second.credit(unread)),
        })
    }

    /// Sums of first minus second. A probe that does not count in one (a dropped unread choice) counts in neither.
    fn differences(&self, categories: usize) -> Sums {
        let rows: Vec<Row> = self.pairs.iter().map(|(row, _)| *row).collect();
        let mut at = 0;
        let worth: Vec<(f64, f64)> = self
            .pairs
            .iter()
            .map(|(a, b)| match (self.credit.0.of(a), self.credit.1.of(b)) {
                ((x, dx), (y, dy)) if dx > 0.0 && dy > 0.0 => (x - y, 1.0),
                _ => (0.0, 0.0),
            })
            .collect();
        Sums::of_rows(&rows, categories, |_| {
            at += 1;
            worth[at - 1]
        })
    }

    fn side(&self, categories: usize, pick: impl Fn(&(Row, Row)) -> Row, credit: Credit) -> Scores<f64> {
        let rows: Vec<Row> = self.pairs.iter().map(pick).collect();
        Sums::of_rows(&rows, categories, |row| credit.of(row))
            .totals(|_| 1.0)
            .scores()
    }

    /// Both systems' accuracies on the shared probes.
    pub fn accuracies(&self, categories: usize) -> (Scores<f64>, Scores<f64>) {
        (
            self.side(categories, |pair| pair.0, self.credit.0),
            self.side(categories, |pair| pair.1, self.credit.1),
        )
    }

    /// Only the differences with their intervals: what the individual lift needs.
    pub fn difference(&self, categories: usize, how: &Resampling) -> Scores<Estimate> {
        clustered(&self.differences(categories), how)
    }

    /// The whole comparison.
    pub fn compare(&self, categories: usize, how: &Resampling) -> Comparison {
        let sums = self.differences(categories);
        let difference = clustered(&sums, how);
        let table = self.table();
        Comparison {
            p: sign_flip(&sums, how),
            accuracy: self.accuracies(categories),
            mcnemar: mcnemar(table.only_first, table.only_second),
            table,
            agreement: agreement(&self.pairs, |_| true),
            agreement_by_category: (0..categories)
                .map(|c| agreement(&self.pairs, |row| row.category == c))
                .collect(),
            minimum_detectable: difference
                .overall
                .and_then(|e| e.spread)
                .map(|spread| minimum_detectable(spread.se)),
            people: sums.people.len(),
            difference,
        }
    }

    /// Difference and p-value among some of the people (`members` ascending); absent where none has a shared probe.
    pub fn among(&self, members: &[usize], categories: usize, how: &Resampling) -> Option<(Estimate, f64, usize)> {
        let sums = self.differences(categories).restricted(members);
        let estimate = super::bootstrap::clustered_overall(&sums, how)?;
        let p = sign_flip_overall(&sums, how)?;
        Some((estimate, p, sums.people.len()))
    }

    fn table(&self) -> Outcomes2x2 {
        let mut table = Outcomes2x2::default();
        for (a, b) in &self.pairs {
            let cell = match (a.correct(), b.correct()) {
                (true, true) => &mut table.both_right,
                (true, false) => &mut table.only_first,
                (false, true) => &mut table.only_second,
                (false, false) if a.choice == b.choice => &mut table.both_wrong_alike,
                (false, false) => &mut table.both_wrong_apart,
            };
            *cell += 1;
        }
        table
    }
}

/// A randomisation test of "no difference" that keeps people whole.
///
/// If both systems were alike, it would not matter which is called the first, person by person. So the sign of each
/// person's differences is flipped at random, together for all of their probes, and p is the share of flips (the
/// observed one included) whose average is at least as far from 0: p = (1 + #{|T*| ≥ |T|}) / (1 + resamples). Source:
/// Fisher's randomisation applied to clusters; the added 1 after Phipson and Smyth, *Statistical Applications in
/// Genetics and Molecular Biology* 9(1), 2010. Absent with fewer than two people.
pub fn sign_flip(sums: &Sums, how: &Resampling) -> Scores<f64> {
    let observed = sums.signed(|_| 1.0).scores();
    let people = sums.people.len();
    if people < 2 {
        return observed.from_list(std::iter::empty());
    }
    let reached: Vec<u64> = (0..how.resamples as u64)
        .into_par_iter()
        .map(|number| {
            let mut generator = Draws::new(how.seed ^ FLIP, number);
            let signs: Vec<f64> = (0..people).map(|_| sign(&mut generator)).collect();
            let flipped = sums.signed(|position| signs[position]).scores();
            observed
                .iter()
                .zip(flipped.iter())
                .map(|(o, f)| match (o, f) {
                    (Some(o), Some(f)) => u64::from(f.abs() >= o.abs() - ROUNDING),
                    _ => 0,
                })
                .collect::<Vec<u64>>()
        })
        .reduce(
            || vec![0; observed.iter().count()],
            |mut a, b| {
                a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
                a
            },
        );
    let p = observed
        .iter()
        .zip(reached)
        .map(|(o, count)| o.map(|_| (1 + count) as f64 / (1 + how.resamples) as f64));
    observed.from_list(p)
}

/// The sign-flip test of the overall average alone, for groups of people where the rest is not wanted.
fn sign_flip_overall(sums: &Sums, how: &Resampling) -> Option<f64> {
    let Some(own) = sums.balanced().filter(|own| own.len() > 1) else {
        return sign_flip(sums, how).overall;
    };
    let observed = own.iter().sum::<f64>().abs();
    let reached = (0..how.resamples as u64)
        .into_par_iter()
        .filter(|&number| {
            let mut generator = Draws::new(how.seed ^ FLIP, number);
            let flipped: f64 = own.iter().map(|d| d * sign(&mut generator)).sum();
            flipped.abs() >= observed - ROUNDING * own.len() as f64
        })
        .count();
    Some((1 + reached) as f64 / (1 + how.resamples) as f64)
}

/// Heads or tails.
fn sign(draws: &mut Draws) -> f64 {
    if draws.coin() { 1.0 } else { -1.0 }
}

/// Averages that differ by this little are equal: they are of the same counts, added in another order.
const ROUNDING: f64 = 1e-12;

/// Keeps the flips' random numbers apart from the bootstrap's.
const FLIP: u64 = 0x5167_4e46_4c49_5000;

/// Agreement of choices on the pairs that `wanted` picks.
///
/// Candidate 1 of one question has nothing to do with candidate 1 of another, so chance agreement is computed question
/// by question from both systems' choices there and pooled: κ = (P̄ₒ − P̄ₑ) / (1 − P̄ₑ) with both means over all
/// probes (pooled kappa; De Vries et al., *Field Methods* 20(3), 2008; within one question it is Cohen's kappa, 1960).
/// A choice that could not be read is a choice of its own. Absent where nothing is picked.
pub fn agreement(pairs: &[(Row, Row)], wanted: impl Fn(&Row) -> bool) -> Option<Agreement> {
    #[derive(Default)]
    struct Question {
        probes: usize,
        same: usize,
        first: BTreeMap<Option<usize>, usize>,
        second: BTreeMap<Option<usize>, usize>,
    }
    let mut questions: BTreeMap<usize, Question> = BTreeMap::new();
    for (a, b) in pairs.iter().filter(|(a, _)| wanted(a)) {
        let question = questions.entry(a.question).or_default();
        question.probes += 1;
        question.same += usize::from(a.choice == b.choice);
        *question.first.entry(a.choice).or_default() += 1;
        *question.second.entry(b.choice).or_default() += 1;
    }
    let probes: usize = questions.values().map(|q| q.probes).sum();
    if probes == 0 {
        return None;
    }
    let observed = questions.values().map(|q| q.same).sum::<usize>() as f64 / probes as f64;
    let expected = questions
        .values()
        .map(|q| {
            let together: f64 = q
                .first
                .iter()
                .map(|(choice, n)| (n * q.second.get(choice).copied().unwrap_or(0)) as f64)
                .sum();
            together / q.probes as f64
        })
        .sum::<f64>()
        / probes as f64;
    let kappa = (expected < 1.0).then(|| (observed - expected) / (1.0 - expected));
    Some(Agreement {
        probes,
        agreement: observed,
        kappa,
    })
}

#[cfg(test)]
#[path = "paired_tests.rs"]
mod tests;
