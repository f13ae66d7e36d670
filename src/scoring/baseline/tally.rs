//! Right answers counted, and the accuracies they make.

use rayon::prelude::*;
use serde::Serialize;

use super::{Prediction, ReferencePeople, Rule, Target};
use crate::probe::Split;
use crate::survey::{Catalogue, CategoryId};

crate::choices! {
    /// How a prediction is made without a model.
    pub enum BaselineMethod {
        /// The exact chance level.
        Random = "random",
        /// The most common answer of the others.
        Majority = "majority",
        /// The most common answer among the k most similar others.
        Resemblance = "resemblance",
        /// The most probable answer given the person's others, learnt from everyone else as if answers had nothing to do with each
        /// other.
        NaiveBayes = "naive-bayes",
    }
}

/// One accuracy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Accuracy {
    /// How predictions were made.
    pub method: BaselineMethod,
    /// Number of similar others, for resemblance.
    pub k: Option<usize>,
    /// The split; absent for the mean of the splits.
    pub split: Option<Split>,
    /// The category; absent for the mean of the categories.
    pub category: Option<CategoryId>,
    /// Share of right choices, 0 to 1.
    pub accuracy: f64,
}

/// Counts by split and question, from which every accuracy follows. Counts of parts add up to counts of the whole, in
/// any order, weights or none: a weight counts in billionths of the people's mean weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    splits: Vec<Split>,
    neighbours: usize,
    questions: usize,
    counts: Vec<AnswerCounts>,
}

/// What a person of mean weight counts for.
const WHOLE: f64 = 1e9;

/// People who are predicted together: enough to share what is read of the reference people, few enough for progress to move.
const TOGETHER: usize = 32;

/// One question in one split.
#[derive(Debug, Clone, PartialEq, Eq)]
struct AnswerCounts {
    /// People.
    people: u64,
    /// Their weight, and that of those for whom each prediction is right.
    asked: u64,
    majority: u64,
    naive_bayes: u64,
    /// At position k - 1.
    resemblance: Vec<u64>,
}

impl Tally {
    /// Predicts and counts the probes of all `targets` in parallel. `weights` are theirs, none where all count alike.
    /// `done` is told how many people were finished, time and again, on any thread.
    pub fn of(
        catalogue: &Catalogue,
        reference: &ReferencePeople,
        targets: &[Target<'_>],
        weights: &[f64],
        rule: &Rule<'_>,
        done: &(dyn Fn(usize) + Sync),
    ) -> Self {
        let empty = || Self::empty(catalogue.questions.len(), rule.splits, rule.neighbours);
        let mean = weights.iter().sum::<f64>() / weights.len().max(1) as f64;
        let weight = |at: usize| match weights.get(at) {
            Some(weight) => (weight / mean * WHOLE).round() as u64,
            None => WHOLE as u64,
        };
        targets
            .par_chunks(TOGETHER)
            .enumerate()
            .fold(empty, |mut tally, (chunk, targets)| {
                for (at, predictions) in reference.predict(targets, rule).iter().enumerate() {
                    let weight = weight(chunk * TOGETHER + at);
                    predictions
                        .iter()
                        .for_each(|prediction| tally.count(prediction, weight));
                }
                done(targets.len());
                tally
            })
            .reduce(empty, Self::plus)
    }

    fn empty(questions: usize, splits: &[Split], neighbours: usize) -> Self {
        let nothing = AnswerCounts {
            people: 0,
            asked: 0,
            majority: 0,
            naive_bayes: 0,
            resemblance: vec![0; neighbours],
        };
        Self {
            splits: splits.to_owned(),
            neighbours,
            questions,
            counts: vec![nothing; splits.len() * questions],
        }
    }

    fn count(&mut self, prediction: &Prediction, weight: u64) {
        let Some(split) = self.splits.iter().position(|&split| split == prediction.split) else {
            return;
        };
        let right = |choice: Option<usize>| if choice == Some(prediction.label) { weight } else { 0 };
        let counts = &mut self.counts[split * self.questions + prediction.question];
        counts.people += 1;
        counts.asked += weight;
        counts.majority += right(prediction.majority);
        counts.naive_bayes += right(prediction.naive_bayes);
        for (count, &choice) in counts.resemblance.iter_mut().zip(&prediction.resemblance) {
            *count += right(choice);
        }
    }

    fn plus(mut self, other: Self) -> Self {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            mine.people += theirs.people;
            mine.asked += theirs.asked;
            mine.majority += theirs.majority;
            mine.naive_bayes += theirs.naive_bayes;
            for (mine, theirs) in mine.resemblance.iter_mut().zip(theirs.resemblance) {
                *mine += theirs;
            }
        }
        self
    }

    /// Probes that were asked, all people and splits together.
    pub fn asked(&self) -> u64 {
        self.counts.iter().map(|counts| counts.people).sum()
    }

    /// All accuracies of some methods: each category in each split, each split, each category, overall.
    ///
    /// Averaged as the paper does: a category's accuracy in a split is the share of right choices among its probes; a
    /// category's is the mean of its splits, a split's is the mean of its categories, and the overall one is the mean of
    /// the categories. What nobody was asked is left out. Chance is a property of questions, so each question of a split
    /// counts once there, however many people left it out.
    pub fn accuracies(&self, catalogue: &Catalogue, methods: &[BaselineMethod]) -> Vec<Accuracy> {
        let mut all = Vec::new();
        for &method in methods {
            match method {
                BaselineMethod::Random | BaselineMethod::Majority | BaselineMethod::NaiveBayes => {
                    self.method(catalogue, method, None, &mut all);
                }
                BaselineMethod::Resemblance => {
                    for k in 1..=self.neighbours {
                        self.method(catalogue, method, Some(k), &mut all);
                    }
                }
            }
        }
        all
    }

    fn method(&self, catalogue: &Catalogue, method: BaselineMethod, k: Option<usize>, all: &mut Vec<Accuracy>) {
        let categories = catalogue.categories.len();
        // One row a split, one column a category.
        let shares: Vec<Vec<Option<f64>>> = (0..self.splits.len())
            .map(|split| {
                (0..categories)
                    .map(|category| self.share(catalogue, method, k, split, category))
                    .collect()
            })
            .collect();
        let of_category = |category: usize| mean(shares.iter().map(|row| row[category]));
        let mut add = |split, category, accuracy: Option<f64>| {
            all.extend(accuracy.map(|accuracy| Accuracy {
                method,
                k,
                split,
                category,
                accuracy,
            }));
        };
        for (&split, row) in self.splits.iter().zip(&shares) {
            for (category, &share) in row.iter().enumerate() {
                add(Some(split), Some(category), share);
            }
            add(Some(split), None, mean(row.iter().copied()));
        }
        for category in 0..categories {
            add(None, Some(category), of_category(category));
        }
        add(None, None, mean((0..categories).map(of_category)));
    }

    /// Share of right choices in one split and category.
    fn share(
        &self,
        catalogue: &Catalogue,
        method: BaselineMethod,
        k: Option<usize>,
        split: usize,
        category: CategoryId,
    ) -> Option<f64> {
        let counted = catalogue
            .questions
            .iter()
            .zip(&self.counts[split * self.questions..])
            .filter(|(question, counts)| question.category == category && counts.people > 0);
        if method == BaselineMethod::Random {
            return mean(counted.map(|(question, _)| Some(1.0 / question.polar.len().max(1) as f64)));
        }
        let (mut asked, mut right) = (0, 0);
        for (_, counts) in counted {
            asked += counts.asked;
            right += match (method, k) {
                (BaselineMethod::NaiveBayes, _) => counts.naive_bayes,
                (_, Some(k)) => counts.resemblance.get(k.wrapping_sub(1)).copied().unwrap_or(0),
                (_, None) => counts.majority,
            };
        }
        (asked > 0).then(|| right as f64 / asked as f64)
    }
}

/// Mean of what is there.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let (sum, n) = values
        .flatten()
        .fold((0.0, 0u32), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}
