//! How much an overall accuracy would move with other people *and* other questions of the same categories.
//!
//! A probe's outcome is made of its person, its question and chance. Written as such, the variance of the overall figure
//! has three parts, and each is estimated on its own:
//!
//! ```text
//! V = V_people + V_questions − V_chance
//! ```
//!
//! V_people is the variance that n people whole would have, V_questions that of q questions of a category, each holds
//! the chance of single probes once, so it is taken off once (the two-way cluster variance: Owen, *Annals of Applied
//! Statistics* 1(2), 2007; Cameron, Gelbach and Miller, *Journal of Business & Economic Statistics* 29(2), 2011).
//! V_questions has q − 1 in its denominator and is exactly the variance of drawing q − 1 of the q questions of each
//! category with replacement. Drawing q of q would understate it by (q − 1)/q, a third of it where a category has three
//! questions, and drawing people and questions together would count chance three times. The interval is Student's, with
//! Satterthwaite's degrees of freedom for a sum of variances.

use std::collections::BTreeMap;

use super::average::mean;
use super::estimate::{Estimate, FEWEST_FOR_INTERVAL, Interval, Quantity, student};
use super::panel::{Credit, Panel};

/// One person on one question: numerator and denominator.
type Cells = BTreeMap<(usize, usize), [f64; 2]>;

/// A part of the variance and its degrees of freedom.
#[derive(Debug, Clone, Copy)]
struct Variance {
    variance: f64,
    degrees: f64,
}

/// The overall accuracy with its interval over people and questions; absent where there is nothing to average.
///
/// Splits are pooled within a category, so its value may differ from the paper's average where probes are missing. There
/// is no interval below five people, nor where a category has a single question.
pub fn crossed_overall(panel: &Panel, categories: usize, credit: Credit) -> Option<Estimate> {
    let mut cells = vec![Cells::new(); categories];
    for row in &panel.rows {
        let (numerator, denominator) = credit.of(row);
        if denominator > 0.0 {
            let place = (row.person as usize, row.question as usize);
            let cell = cells[usize::from(row.category)].entry(place).or_default();
            cell[0] += numerator;
            cell[1] += denominator;
        }
    }
    cells.retain(|category| !category.is_empty());
    let value = mean(cells.iter().map(share))?;
    let mut people: BTreeMap<usize, f64> = BTreeMap::new();
    let (mut questions, mut chance) = (Vec::new(), Vec::new());
    for category in &cells {
        let parts = Category::new(category);
        let weight = 1.0 / (cells.len() as f64 * parts.total);
        for (person, moved) in &parts.people {
            *people.entry(*person).or_default() += weight * moved;
        }
        questions.push(parts.questions(weight));
        chance.push(parts.chance(weight));
    }
    let n = people.len();
    let squares: f64 = people.values().map(|moved| moved * moved).sum();
    let of_people = Variance {
        variance: squares * n as f64 / (n as f64 - 1.0),
        degrees: n as f64 - 1.0,
    };
    let exact = credit == Credit::Chance;
    if exact || n < FEWEST_FOR_INTERVAL || questions.iter().any(|part| part.degrees < 1.0) {
        return Some(Estimate {
            value,
            people: n,
            se: None,
            interval: if exact { Interval::Exact } else { Interval::TooFew },
        });
    }
    let (variance, degrees) = combined(of_people, &questions, &chance);
    Some(Estimate {
        value,
        people: n,
        se: Some(variance.sqrt()),
        interval: student(value, variance.sqrt(), degrees, Quantity::Share),
    })
}

/// V and its degrees of freedom (Satterthwaite, *Biometrics Bulletin* 2, 1946). Varying the questions too never narrows.
fn combined(people: Variance, questions: &[Variance], chance: &[Variance]) -> (f64, f64) {
    let sum = |parts: &[Variance]| parts.iter().map(|part| part.variance).sum::<f64>();
    let (of_questions, of_chance) = (sum(questions), sum(chance));
    let variance = (people.variance + of_questions - of_chance)
        .max(people.variance)
        .max(of_questions);
    let spent: f64 = std::iter::once(&people)
        .chain(questions)
        .chain(chance)
        .map(|part| part.variance.powi(2) / part.degrees)
        .sum();
    let degrees = if spent > 0.0 {
        variance.powi(2) / spent
    } else {
        people.degrees
    };
    (variance, degrees.max(1.0))
}

fn share(cells: &Cells) -> f64 {
    let sum = |at: usize| cells.values().map(|cell| cell[at]).sum::<f64>();
    sum(0) / sum(1)
}

/// How people, questions and single probes of one category depart from its mean.
struct Category<'a> {
    cells: &'a Cells,
    share: f64,
    /// Sum of denominators.
    total: f64,
    /// Σ (numerator − share · denominator) by person.
    people: BTreeMap<usize, f64>,
    /// Mean by person and by question.
    means: (BTreeMap<usize, f64>, BTreeMap<usize, f64>),
    /// The same sums by question.
    of_questions: BTreeMap<usize, f64>,
}

impl<'a> Category<'a> {
    fn new(cells: &'a Cells) -> Self {
        let share = share(cells);
        let by = |key: fn(&(usize, usize)) -> usize| {
            let mut sums: BTreeMap<usize, [f64; 2]> = BTreeMap::new();
            for (place, cell) in cells {
                let sum = sums.entry(key(place)).or_default();
                sum[0] += cell[0];
                sum[1] += cell[1];
            }
            sums
        };
        let (people, questions) = (by(|place| place.0), by(|place| place.1));
        let moved = |sums: &BTreeMap<usize, [f64; 2]>| {
            let moved = sums.iter().map(|(at, sum)| (*at, sum[0] - share * sum[1]));
            moved.collect::<BTreeMap<_, _>>()
        };
        let means = |sums: &BTreeMap<usize, [f64; 2]>| {
            let means = sums.iter().map(|(at, sum)| (*at, sum[0] / sum[1]));
            means.collect::<BTreeMap<_, _>>()
        };
        Self {
            cells,
            share,
            total: cells.values().map(|cell| cell[1]).sum(),
            people: moved(&people),
            of_questions: moved(&questions),
            means: (means(&people), means(&questions)),
        }
    }

    /// Variance of the category's mean over questions, with `weight` the mean's share of the overall figure.
    fn questions(&self, weight: f64) -> Variance {
        let q = self.of_questions.len() as f64;
        let squares: f64 = self.of_questions.values().map(|moved| (weight * moved).powi(2)).sum();
        Variance {
            variance: if q > 1.0 { squares * q / (q - 1.0) } else { 0.0 },
            degrees: q - 1.0,
        }
    }

    /// The part of it that is chance of single probes: what neither person nor question explains.
    fn chance(&self, weight: f64) -> Variance {
        let (n, q) = (self.people.len() as f64, self.of_questions.len() as f64);
        let squares: f64 = self
            .cells
            .iter()
            .map(|((person, question), cell)| {
                let expected = self.means.0[person] + self.means.1[question] - self.share;
                (weight * (cell[0] - expected * cell[1])).powi(2)
            })
            .sum();
        let degrees = ((n - 1.0) * (q - 1.0)).max(1.0);
        Variance {
            variance: squares * n * q / degrees,
            degrees,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::panel::{Chooser, Row, Unread};

    /// Outcomes of `y[person][question]` in one category.
    fn panel(y: &[[usize; 4]]) -> Panel {
        let mut rows = Vec::new();
        for (person, own) in y.iter().enumerate() {
            for (question, right) in own.iter().enumerate() {
                rows.push(Row {
                    person: person as u32,
                    split: 0,
                    question: question as u32,
                    category: 0,
                    candidates: 2,
                    label: 0,
                    choice: Some(1 - *right as u8),
                });
            }
        }
        Panel::of(rows, Chooser::Model)
    }

    #[test]
    fn the_parts_are_those_of_a_two_way_analysis_of_variance() {
        // statsmodels 0.15.0, anova_lm of y ~ C(person) + C(question): mean squares of people 0.275, of questions 0.708333,
        // of the rest 0.141667; V = (0.275 + 0.708333 - 0.141667) / 24; degrees 3.856128 by Satterthwaite's formula;
        // scipy 1.17.1 for t.
        let y = [
            [1, 1, 0, 1],
            [1, 0, 0, 0],
            [1, 1, 0, 1],
            [1, 1, 1, 1],
            [1, 1, 0, 0],
            [1, 0, 0, 1],
        ];
        let estimate = crossed_overall(&panel(&y), 1, Credit::Choice(Unread::Wrong)).expect("data");
        assert!((estimate.value - 15.0 / 24.0).abs() < 1e-12);
        assert!(
            (estimate.se.expect("six people") - 0.187_268_375_452).abs() < 1e-10,
            "{estimate:?}"
        );
        let (low, _) = estimate.ends().expect("an interval");
        assert!((low - 0.097_318_962_292).abs() < 1e-9, "{low}");
    }

    #[test]
    fn few_people_and_single_questions_have_none() {
        let y = [[1, 0, 0, 1]; 4];
        let estimate = crossed_overall(&panel(&y), 1, Credit::Choice(Unread::Wrong)).expect("data");
        assert_eq!(estimate.interval, Interval::TooFew);
        let mut single = panel(&[[1, 0, 0, 1], [1, 1, 0, 1], [0; 4], [1; 4], [0, 1, 1, 0], [1, 0, 1, 0]]);
        single.rows.retain(|row| row.question == 0);
        let estimate = crossed_overall(&single, 1, Credit::Choice(Unread::Wrong)).expect("data");
        assert_eq!(estimate.interval, Interval::TooFew);
    }
}
