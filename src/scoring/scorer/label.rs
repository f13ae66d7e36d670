//! Outcomes of labels, averaged over orders of the options.

use super::contexts::Shown;
use super::{Ask, Scorer};
use crate::model::TokenScore;
use crate::scoring::norm::highest;
use crate::scoring::{Evidence, Outcome, Permutation};

/// The first `count` orders of `options` options: rotations of the catalogue's order, each option first once, then
/// rotations of its reverse. There are no more than all of these (2, for two options).
pub fn orders(options: usize, count: usize) -> Vec<Vec<usize>> {
    let rotated = |order: &[usize], by: usize| [&order[by..], &order[..by]].concat();
    let forth: Vec<usize> = (0..options).collect();
    let back: Vec<usize> = (0..options).rev().collect();
    let mut orders: Vec<Vec<usize>> = Vec::new();
    let all = [&forth, &back]
        .into_iter()
        .flat_map(|order| (0..options).map(move |by| rotated(order, by)));
    for order in all {
        if orders.len() < count.max(1) && !orders.contains(&order) {
            orders.push(order);
        }
    }
    orders
}

/// Means over the orders: log-probability of each candidate's label, and the mass that fell on no label.
pub(super) fn average(permutations: &[Permutation], candidates: usize) -> (Vec<f64>, f64) {
    let count = permutations.len().max(1) as f64;
    let mut logprobs = vec![0.0; candidates];
    let mut invalid_mass = 0.0;
    for permutation in permutations {
        let mut on_labels = 0.0;
        for (&candidate, &logprob) in permutation.order.iter().zip(&permutation.logprobs) {
            logprobs[candidate] += logprob / count;
            on_labels += libm::exp(logprob);
        }
        invalid_mass += (1.0 - on_labels).max(0.0) / count;
    }
    (logprobs, invalid_mass)
}

impl Scorer<'_> {
    /// One outcome a probe, from the rows of the labels in each order.
    pub(super) fn label_outcomes(
        &self,
        ask: &Ask<'_>,
        shown: &Shown,
        scored: Vec<Vec<Vec<TokenScore>>>,
    ) -> Vec<Outcome> {
        let mut asked: Vec<(usize, usize, Vec<Permutation>)> = Vec::new();
        for (item, rows) in shown.items.iter().zip(scored) {
            let sum = |row: Vec<TokenScore>| row.iter().map(|score| f64::from(score.logprob)).sum();
            let permutation = Permutation {
                order: item.order.clone(),
                logprobs: rows.into_iter().map(sum).collect(),
            };
            match asked.last_mut() {
                Some((probe, _, permutations)) if *probe == item.probe => permutations.push(permutation),
                _ => asked.push((item.probe, item.context, vec![permutation])),
            }
        }
        let outcome = |(probe, context, permutations): (usize, usize, Vec<Permutation>)| {
            let (logprobs, invalid_mass) = average(&permutations, self.size(&ask.case.probes[probe]));
            let prediction = highest(&logprobs);
            let evidence = Evidence::Label {
                logprobs,
                invalid_mass,
                permutations,
            };
            self.outcome_of(ask, shown, probe, context, prediction, evidence)
        };
        asked.into_iter().map(outcome).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_put_every_option_first_and_then_turn_round() {
        assert_eq!(orders(2, 5), [[0, 1], [1, 0]]);
        assert_eq!(orders(3, 2), [[0, 1, 2], [1, 2, 0]]);
        assert_eq!(orders(3, 9).len(), 6);
        assert_eq!(orders(3, 0), [[0, 1, 2]]);
        assert_eq!(orders(1, 3), [[0]]);
    }

    /// Two orders of three options. By hand: candidate 0 is A then B, candidate 1 is C then A, candidate 2 is B then C.
    #[test]
    fn an_average_follows_candidates_and_not_places() {
        let ln = |p: f64| libm::log(p);
        let permutations = [
            Permutation {
                order: vec![0, 2, 1],
                logprobs: vec![ln(0.5), ln(0.2), ln(0.1)],
            },
            Permutation {
                order: vec![1, 0, 2],
                logprobs: vec![ln(0.4), ln(0.3), ln(0.2)],
            },
        ];
        let (logprobs, invalid_mass) = average(&permutations, 3);
        for (mean, product) in logprobs.iter().zip([0.5 * 0.3, 0.1 * 0.4, 0.2 * 0.2]) {
            assert!((mean - ln(product) / 2.0).abs() < 1e-12);
        }
        assert!((invalid_mass - (0.2 + 0.1) / 2.0).abs() < 1e-12);
        assert_eq!(highest(&logprobs), Some(0));
    }
}
