//! Measures of ordered answers: how far off a wrong choice is, and how like people's the choices of a model are
//! distributed.
//!
//! All are of one question: positions among its candidates, and where each candidate stands on its scale. A figure of
//! several questions is the mean of theirs, as benchmarks of simulated respondents take it.

use super::average::mean;
use super::groups::sample_deviation;

/// A choice beside the person's own answer, as positions among the candidates.
pub type ChoicePair = (usize, usize);

/// Mean distance of choices from answers, on the scale of `values`; absent where there is no pair.
pub fn mean_absolute_error(pairs: &[ChoicePair], values: &[f64]) -> Option<f64> {
    let distances = pairs.iter().map(|&(p, t)| (values[p] - values[t]).abs());
    mean(distances)
}

/// 1 minus the mean distance as a share of the scale's range (not of the range of the data): Twin-2K-500's accuracy.
pub fn mad_accuracy(pairs: &[ChoicePair], values: &[f64]) -> Option<f64> {
    let range = range(values)?;
    mean_absolute_error(pairs, values).map(|error| 1.0 - error / range)
}

/// Pearson's r of choices with answers; absent where either is the same for everybody.
pub fn pearson(pairs: &[ChoicePair], values: &[f64]) -> Option<f64> {
    let (p, t) = (
        on_scale(pairs, values, |pair| pair.0),
        on_scale(pairs, values, |pair| pair.1),
    );
    let (mean_p, mean_t) = (mean(p.iter().copied())?, mean(t.iter().copied())?);
    let cross: f64 = p.iter().zip(&t).map(|(p, t)| (p - mean_p) * (t - mean_t)).sum();
    let square = |list: &[f64], mean: f64| list.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    let product = square(&p, mean_p) * square(&t, mean_t);
    (product > 0.0).then(|| cross / product.sqrt())
}

/// The mean of correlations over questions by Fisher's z; one of ±1 is taken as ±0.9999, whose z is finite.
pub fn fisher_mean(correlations: impl IntoIterator<Item = f64>) -> Option<f64> {
    /// Beyond it the z of a handful of people would drown all others.
    const MOST: f64 = 0.9999;
    mean(correlations.into_iter().map(|r| r.clamp(-MOST, MOST).atanh())).map(f64::tanh)
}

/// Cohen's kappa with quadratic weights over the places 1 to `candidates`: 1 − Σ w O / Σ w E, w = (i − j)² / (K − 1)², E
/// the product of the margins. Absent where everybody's choice and answer are one and the same.
pub fn quadratic_kappa(pairs: &[ChoicePair], candidates: usize) -> Option<f64> {
    let n = pairs.len() as f64;
    let (mut chosen, mut answered) = (vec![0.0; candidates], vec![0.0; candidates]);
    let weight = |i: usize, j: usize| (i as f64 - j as f64).powi(2);
    let mut observed = 0.0;
    for &(p, t) in pairs {
        observed += weight(p, t);
        chosen[p] += 1.0;
        answered[t] += 1.0;
    }
    let mut expected = 0.0;
    for (i, p) in chosen.iter().enumerate() {
        for (j, t) in answered.iter().enumerate() {
            expected += weight(i, j) * p * t / n;
        }
    }
    (expected > 0.0).then(|| 1.0 - observed / expected)
}

/// Standard deviation of choices over that of answers: below 1 where a model's people are more alike than people are.
pub fn spread_ratio(pairs: &[ChoicePair], values: &[f64]) -> Option<f64> {
    let deviation = |of: fn(&ChoicePair) -> usize| sample_deviation(on_scale(pairs, values, of).into_iter());
    let (choices, answers) = (deviation(|pair| pair.0)?, deviation(|pair| pair.1)?);
    (answers > 0.0).then(|| choices / answers)
}

/// Shares of the candidates among some positions.
pub fn shares(positions: impl IntoIterator<Item = usize>, candidates: usize) -> Vec<f64> {
    let mut counts = vec![0.0; candidates];
    let mut all = 0.0;
    for position in positions {
        counts[position] += 1.0;
        all += 1.0;
    }
    counts.iter_mut().for_each(|count| *count /= f64::max(all, 1.0));
    counts
}

/// Wasserstein-1 distance of two distributions over the candidates, as a share of the scale's range: 0 is the same, 1 is
/// everybody at the other end. 1 minus it is OpinionQA's alignment.
pub fn wasserstein(first: &[f64], second: &[f64], values: &[f64]) -> Option<f64> {
    let range = range(values)?;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let (mut apart, mut sum) = (0.0, 0.0);
    for pair in order.windows(2) {
        apart += first[pair[0]] - second[pair[0]];
        sum += f64::abs(apart) * (values[pair[1]] - values[pair[0]]);
    }
    Some(sum / range)
}

/// Jensen–Shannon divergence of two distributions in bits; its root is a distance between 0 and 1, and 1 minus that
/// GlobalOpinionQA's similarity. Needs no order.
pub fn jensen_shannon(first: &[f64], second: &[f64]) -> f64 {
    let half = |one: f64, other: f64| match one > 0.0 {
        true => one * (one / f64::midpoint(one, other)).log2(),
        false => 0.0,
    };
    let sum: f64 = first.iter().zip(second).map(|(&p, &q)| half(p, q) + half(q, p)).sum();
    (sum / 2.0).max(0.0)
}

/// Accuracy of people who count by their weights, Σ w [right] / Σ w; absent where all weights are 0.
pub fn weighted_accuracy(rows: impl IntoIterator<Item = (f64, bool)>) -> Option<f64> {
    let (mut right, mut all) = (0.0, 0.0);
    for (weight, correct) in rows {
        right += if correct { weight } else { 0.0 };
        all += weight;
    }
    (all > 0.0).then(|| right / all)
}

/// As many people of equal weight would be as certain (Kish): (Σ w)² / Σ w².
pub fn effective_people(weights: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, squares) = weights.into_iter().fold((0.0, 0.0), |(sum, squares), weight: f64| {
        (sum + weight, squares + weight * weight)
    });
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}

/// How far an accuracy is from chance to what people reach when asked again: (accuracy − chance) / (retest − chance).
/// Absent where people do no better than chance.
pub fn skill_over_chance(accuracy: f64, retest: f64, chance: f64) -> Option<f64> {
    (retest > chance).then(|| (accuracy - chance) / (retest - chance))
}

fn on_scale(pairs: &[ChoicePair], values: &[f64], of: fn(&ChoicePair) -> usize) -> Vec<f64> {
    pairs.iter().map(|pair| values[of(pair)]).collect()
}

/// From the lowest to the highest place of a scale; absent where there is no scale.
fn range(values: &[f64]) -> Option<f64> {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (most > least).then_some(most - least)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures worked out by hand are exact to rounding.
    const ROUNDING: f64 = 1e-12;
    /// Figures that are given with four digits.
    const DIGITS: f64 = 5e-5;

    /// Five people and a scale of 1 to 4: choices 2 3 1 4 3, answers 1 3 2 4 1, answers when asked again 1 4 2 4 3, weights
    /// 2 1 1 1 0.5.
    const VALUES: [f64; 4] = [1.0, 2.0, 3.0, 4.0];
    const CHOSEN: [usize; 5] = [1, 2, 0, 3, 2];
    const ANSWERED: [usize; 5] = [0, 2, 1, 3, 0];
    const AGAIN: [usize; 5] = [0, 3, 1, 3, 2];
    const WEIGHTS: [f64; 5] = [2.0, 1.0, 1.0, 1.0, 0.5];

    fn pairs(first: [usize; 5]) -> Vec<ChoicePair> {
        first.into_iter().zip(ANSWERED).collect()
    }

    fn near(found: Option<f64>, expected: f64, tolerance: f64) {
        let found = found.expect("a figure");
        assert!((found - expected).abs() <= tolerance, "{found} for {expected}");
    }

    #[test]
    fn the_worked_example_comes_out_to_the_last_digit() {
        let (model, retest) = (pairs(CHOSEN), pairs(AGAIN));
        let right = |pairs: &[ChoicePair]| mean(pairs.iter().map(|(p, t)| f64::from(u8::from(p == t))));
        near(right(&model), 0.4, ROUNDING);
        near(mean_absolute_error(&model, &VALUES), 0.8, ROUNDING);
        near(mad_accuracy(&model, &VALUES), 1.0 - 4.0 / 3.0 / 5.0, ROUNDING);
        near(right(&retest), 0.6, ROUNDING);
        near(mad_accuracy(&retest, &VALUES), 0.8, ROUNDING);
        near(skill_over_chance(0.4, 0.6, 0.25), 0.15 / 0.35, ROUNDING);
        near(pearson(&model, &VALUES), 0.5718, DIGITS);
        near(quadratic_kappa(&model, 4), 0.5312, DIGITS);
        let (p, t) = (shares(CHOSEN, 4), shares(ANSWERED, 4));
        near(wasserstein(&p, &t, &VALUES), 0.4 / 3.0, ROUNDING);
        let divergence = jensen_shannon(&p, &t);
        near(Some(divergence), 0.04902, 5e-6);
        near(Some(divergence.sqrt()), 0.2214, DIGITS);
        near(Some(1.0 - divergence.sqrt()), 0.7786, DIGITS);
        let rows = WEIGHTS.into_iter().zip(&model).map(|(weight, (p, t))| (weight, p == t));
        near(weighted_accuracy(rows), 2.0 / 5.5, ROUNDING);
        near(Some(effective_people(WEIGHTS)), 4.172, 5e-4);
    }

    #[test]
    fn what_has_no_figure_has_none() {
        assert_eq!(mean_absolute_error(&[], &VALUES), None);
        assert_eq!(mad_accuracy(&[(0, 0)], &[1.0, 1.0]), None);
        assert_eq!(mad_accuracy(&[(0, 0)], &[]), None);
        assert_eq!(pearson(&[(0, 1), (0, 2)], &VALUES), None);
        assert_eq!(quadratic_kappa(&[(1, 1), (1, 1)], 4), None);
        assert_eq!(spread_ratio(&[(0, 1), (3, 1)], &VALUES), None);
        assert_eq!(skill_over_chance(0.4, 0.25, 0.25), None);
        assert_eq!(weighted_accuracy([(0.0, true)]), None);
    }

    #[test]
    fn order_is_data_and_not_position() {
        // "Safer" 1, "less safe" 2, "no difference" 1.5: all of the first against all of the third is half the range.
        let values = [1.0, 2.0, 1.5];
        near(wasserstein(&[1.0, 0.0, 0.0], &[0.0, 0.0, 1.0], &values), 0.5, ROUNDING);
        near(mad_accuracy(&[(0, 2)], &values), 0.5, ROUNDING);
        near(jensen_shannon(&[1.0, 0.0], &[0.0, 1.0]).into(), 1.0, ROUNDING);
        near(spread_ratio(&pairs(ANSWERED), &VALUES), 1.0, ROUNDING);
        near(fisher_mean([0.5, 0.5]), 0.5, ROUNDING);
        assert!(fisher_mean([1.0, 0.0]).is_some_and(|mean| mean < 1.0));
    }
}
