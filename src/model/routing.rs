//! Which experts of a mixture a token is sent to, and in which shares.

use super::{
    LoadError, Mixture,
    design::{RouterScore, Routing},
    kernels::Linear,
    placing::{LinearPart, Loader},
};
use candle_core::{DType, Tensor};

/// What transformers adds to a sum of sigmoids before it divides by it.
const NEVER_ZERO: f32 = 1e-20;

/// What scores experts and chooses among them.
#[derive(Debug)]
pub(super) struct Router {
    scores: Linear,
    /// What is added to each expert's score for the choice alone.
    correction: Option<Vec<f32>>,
    routing: Routing,
}

/// For each expert the rows sent to it, ascending, and its share in each.
pub(super) type Routed = Vec<Vec<(u32, f32)>>;

impl Router {
    /// Of the mixture whose tensors' names begin with `module`.
    pub fn load(mixture: Mixture, hidden: usize, module: &str, loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let part = LinearPart {
            name: format!("{module}.{}", mixture.naming.router()),
            outputs: mixture.experts,
            bias: mixture.bias.then_some("bias"),
        };
        let routing = mixture.routing;
        if routing.score != RouterScore::CorrectedSigmoid {
            let scores = loader.linear(hidden, &[part])?;
            return Ok(Self {
                scores,
                correction: None,
                routing,
            });
        }
        // Sigmoids of great scores are all nearly 1: transformers keeps these scores in f32, whatever the rest is in.
        let correction = format!("{}.e_score_correction_bias", part.name);
        let kernels = loader.kernels.in_f32();
        let mut wide = Loader::new(loader.source, &kernels);
        let scores = wide.linear(hidden, &[part])?;
        let correction = wide.numbers(&correction, mixture.experts)?;
        loader.size += wide.size;
        Ok(Self {
            scores,
            correction: Some(correction),
            routing,
        })
    }

    /// Whether experts are given shares of rows.
    pub fn shares_input(&self) -> bool {
        self.routing.shares_input
    }

    /// Where the rows of `x`, `(rows, hidden)`, go. Of equal scores the lower expert's counts as the greater one.
    pub fn route(&self, x: &Tensor) -> candle_core::Result<Routed> {
        let scores = self.scores.forward(x)?.to_dtype(DType::F32)?.to_vec2::<f32>()?;
        let mut routed = vec![Vec::new(); self.scores.outputs()];
        for (row, scores) in scores.iter().enumerate() {
            for (expert, share) in shares(self.routing, scores, self.correction.as_deref()) {
                routed[expert].push((row as u32, share));
            }
        }
        Ok(routed)
    }
}

/// The experts that a row of scores chooses, and their shares.
fn shares(routing: Routing, scores: &[f32], correction: Option<&[f32]>) -> Vec<(usize, f32)> {
    let (weights, by_choice) = match routing.score {
        RouterScore::Softmax => {
            let best = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weights: Vec<f32> = scores.iter().map(|score| (score - best).exp()).collect();
            (weights, scores.to_vec())
        }
        // By the scores themselves: of great ones the sigmoids are all 1.
        RouterScore::Sigmoid => (sigmoids(scores), scores.to_vec()),
        RouterScore::CorrectedSigmoid => {
            let weights = sigmoids(scores);
            let corrected = weights.iter().zip(correction.unwrap_or_default());
            let by_choice = corrected.map(|(weight, correction)| weight + correction).collect();
            (weights, by_choice)
        }
    };
    let mut order = candidates(routing.groups, &by_choice);
    order.sort_by(|&a, &b| by_choice[b].total_cmp(&by_choice[a]));
    let chosen = &order[..routing.used.min(order.len())];
    let sum = |experts: &[usize]| experts.iter().map(|&expert| weights[expert]).sum::<f32>();
    let total = match (routing.score, routing.renormalised) {
        (RouterScore::Softmax, true) => sum(chosen),
        (RouterScore::Softmax, false) => sum(&order),
        (RouterScore::Sigmoid | RouterScore::CorrectedSigmoid, true) => sum(chosen) + NEVER_ZERO,
        (RouterScore::Sigmoid | RouterScore::CorrectedSigmoid, false) => 1.0,
    };
    let share = |&expert: &usize| (expert, weights[expert] / total * routing.scale as f32);
    chosen.iter().map(share).collect()
}

fn sigmoids(scores: &[f32]) -> Vec<f32> {
    scores.iter().map(|score| 1.0 / (1.0 + (-score).exp())).collect()
}

/// The experts of the groups that a row may choose from, ascending.
fn candidates((groups, used): (usize, usize), scores: &[f32]) -> Vec<usize> {
    if groups <= 1 {
        return (0..scores.len()).collect();
    }
    let each = (scores.len() / groups).max(1);
    let two_best = |group: &[f32]| {
        let mut group = group.to_vec();
        group.sort_by(|a, b| b.total_cmp(a));
        group.iter().take(2).sum::<f32>()
    };
    let sums: Vec<f32> = scores.chunks(each).map(two_best).collect();
    let mut order: Vec<usize> = (0..sums.len()).collect();
    order.sort_by(|&a, &b| sums[b].total_cmp(&sums[a]));
    order.truncate(used);
    order.sort_unstable();
    let experts = order.into_iter().flat_map(|group| group * each..(group + 1) * each);
    experts.filter(|&expert| expert < scores.len()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Routing = Routing {
        used: 2,
        score: RouterScore::Softmax,
        renormalised: true,
        scale: 1.0,
        shares_input: false,
        groups: (1, 1),
    };

    #[track_caller]
    fn assert_shares(found: &[(usize, f32)], expected: &[(usize, f64)]) {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((expert, share), (which, exact)) in found.iter().zip(expected) {
            assert!(
                expert == which && (f64::from(*share) - exact).abs() < 1e-6,
                "{found:?} {expected:?}"
            );
        }
    }

    #[test]
    fn rows_go_to_their_best_experts_in_shares_of_one() {
        let share = 1.0 / (1.0 + (-1f64).exp());
        assert_shares(&shares(PLAIN, &[1.0, 3.0, 2.0], None), &[(1, share), (2, 1.0 - share)]);
        assert_shares(&shares(PLAIN, &[5.0, 5.0, 5.0], None), &[(0, 0.5), (1, 0.5)]);
        // Not renormalised, the expert that is left out keeps its share.
        let all = Routing {
            renormalised: false,
            ..PLAIN
        };
        let total = 1.0 + (-1f64).exp() + (-2f64).exp();
        let expected = [(1, 1.0 / total), (2, (-1f64).exp() / total)];
        assert_shares(&shares(all, &[1.0, 3.0, 2.0], None), &expected);
    }

    #[test]
    fn a_correction_changes_the_choice_and_no_share() {
        let routing = Routing {
            score: RouterScore::CorrectedSigmoid,
            scale: 3.0,
            ..PLAIN
        };
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let (scores, correction) = ([2.0, 1.0, 0.0], [-0.5, 0.0, 0.5]);
        // Corrected: 0.38, 0.73, 1.0.
        let total = sigmoid(1.0) + sigmoid(0.0);
        let expected = [(2, 3.0 * sigmoid(0.0) / total), (1, 3.0 * sigmoid(1.0) / total)];
        assert_shares(&shares(routing, &scores, Some(&correction)), &expected);
        let all = Routing {
            renormalised: false,
            ..routing
        };
        let expected = [(2, 3.0 * sigmoid(0.0)), (1, 3.0 * sigmoid(1.0))];
        assert_shares(&shares(all, &scores, Some(&correction)), &expected);
    }

    #[test]
    fn sigmoids_alone_are_the_shares_and_scores_the_choice() {
        let routing = Routing {
            score: RouterScore::Sigmoid,
            renormalised: false,
            ..PLAIN
        };
        let share = |score: f64| 1.0 / (1.0 + (-score).exp());
        let expected = [(1, share(1.0)), (2, share(-1.0))];
        assert_shares(&shares(routing, &[-2.0, 1.0, -1.0], None), &expected);
        // Beyond f32's sigmoids, which are the same.
        assert_eq!(shares(routing, &[30.0, 40.0, 50.0], None), [(2, 1.0), (1, 1.0)]);
    }

    #[test]
    fn groups_are_chosen_by_their_two_best() {
        // The best expert of all is in the group of the smallest sum of two.
        let scores = [9.0, 0.0, 0.0, 5.0, 5.0, 0.0, 6.0, 6.0, 1.0];
        assert_eq!(candidates((3, 2), &scores), [3, 4, 5, 6, 7, 8]);
        assert_eq!(candidates((3, 1), &scores), [6, 7, 8]);
        assert_eq!(candidates((1, 1), &scores).len(), 9);
    }
}
