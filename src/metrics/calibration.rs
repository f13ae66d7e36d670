//! Whether a method that is 70 % sure is right 70 % of the time.

use serde::{Deserialize, Serialize};

use super::average::Sums;
use super::bootstrap::{Resampling, clustered_overall};
use super::estimate::{Estimate, Quantity};
use super::panel::Row;

/// One probe's probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// Number of the person.
    pub person: usize,
    /// Probability of each candidate.
    pub probabilities: Vec<f64>,
    /// Position of the person's own candidate.
    pub label: usize,
}

/// Calibration of candidate probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Number of probes with probabilities.
    pub probes: usize,
    /// Mean of Σₖ (pₖ − yₖ)² over candidates k, between 0 and 2 (Brier, *Monthly Weather Review* 78, 1950).
    pub brier: f64,
    /// The Brier score of equal probabilities on the same probes: the mean of 1 − 1/candidates.
    pub brier_of_chance: f64,
    /// Mean of −ln p(own candidate), nats.
    pub log_loss: f64,
    /// Expected calibration error: Σ over bins of (share of probes) · |accuracy − mean confidence|, where confidence is
    /// the highest probability of a probe (Guo et al., ICML 2017), with [`BINS`] bins of equal width on [0, 1].
    pub ece: f64,
    /// The bins that hold a probe.
    pub bins: Vec<Bin>,
}

/// Probes of like confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower end of the bin.
    pub low: f64,
    /// Upper end of the bin.
    pub high: f64,
    /// Number of probes.
    pub probes: usize,
    /// Their mean confidence.
    pub confidence: f64,
    /// The share of them that are right, with its interval over people: the probes of one person stray together.
    pub accuracy: Estimate,
}

/// Number of bins.
pub const BINS: usize = 10;

/// Probabilities of candidates from scores on a log scale: exp(sₖ) / Σ exp(sⱼ). Absent for an empty list or where a
/// score is not a number.
pub fn softmax(scores: &[f64]) -> Option<Vec<f64>> {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !highest.is_finite() || scores.iter().any(|s| s.is_nan()) {
        return None;
    }
    let powers: Vec<f64> = scores.iter().map(|s| (s - highest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    Some(powers.into_iter().map(|p| p / sum).collect())
}

/// Calibration of forecasts. Absent without any.
pub fn calibration(forecasts: impl Iterator<Item = Forecast>, how: &Resampling) -> Option<Calibration> {
    /// A probability of 0 would make the log loss infinite; this is the smallest one told apart from it.
    const SMALLEST: f64 = 1e-12;
    let (mut count, mut brier, mut chance, mut log_loss) = (0usize, 0.0, 0.0, 0.0);
    let mut sums: [(f64, Vec<(usize, bool)>); BINS] = Default::default();
    for forecast in forecasts {
        let probabilities = &forecast.probabilities;
        let own = probabilities.get(forecast.label).copied().unwrap_or(0.0);
        let Some((best, confidence)) = first_highest(probabilities) else {
            continue;
        };
        count += 1;
        brier += probabilities.iter().map(|p| p * p).sum::<f64>() - 2.0 * own + 1.0;
        chance += 1.0 - 1.0 / probabilities.len() as f64;
        log_loss -= own.max(SMALLEST).ln();
        let (sum, probes) = &mut sums[((confidence * BINS as f64) as usize).min(BINS - 1)];
        *sum += confidence;
        probes.push((forecast.person, best == forecast.label));
    }
    if count == 0 {
        return None;
    }
    let bins = sums.into_iter().enumerate();
    let bins: Vec<Bin> = bins
        .filter_map(|(at, (sum, probes))| bin(at, sum, probes, how))
        .collect();
    let n = count as f64;
    let ece = bins
        .iter()
        .map(|b| b.probes as f64 / n * (b.accuracy.value - b.confidence).abs())
        .sum();
    Some(Calibration {
        probes: count,
        brier: brier / n,
        brier_of_chance: chance / n,
        log_loss: log_loss / n,
        ece,
        bins,
    })
}

/// One bin from its probes: whose they are and whether the most probable candidate is right.
fn bin(at: usize, confidence: f64, mut probes: Vec<(usize, bool)>, how: &Resampling) -> Option<Bin> {
    probes.sort_unstable();
    let rows: Vec<Row> = probes
        .iter()
        .map(|&(person, right)| Row {
            person: person as u32,
            split: 0,
            question: 0,
            category: 0,
            candidates: 2,
            label: 0,
            choice: Some(u8::from(!right)),
        })
        .collect();
    let sums = Sums::of_rows(&rows, 1, Quantity::Share, |row| {
        (f64::from(u8::from(row.correct())), 1.0)
    });
    Some(Bin {
        low: at as f64 / BINS as f64,
        high: (at + 1) as f64 / BINS as f64,
        probes: probes.len(),
        confidence: confidence / probes.len().max(1) as f64,
        accuracy: clustered_overall(&sums, how)?,
    })
}

fn first_highest(list: &[f64]) -> Option<(usize, f64)> {
    list.iter()
        .copied()
        .enumerate()
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_numpy_and_scikit_learn() {
        // Five probes of two or three candidates. scipy 1.17.1 for the softmax, the rest by numpy 2.4.6 from the formulas above.
        let probes = [
            (vec![-1.0, -1.2], 1),
            (vec![-3.0, -1.0], 1),
            (vec![-2.0, -2.5, -4.0], 0),
            (vec![0.0, -3.0, -3.5], 2),
            (vec![-1.0, -1.5], 0),
        ];
        let forecasts = probes.iter().enumerate().filter_map(|(person, (scores, label))| {
            let probabilities = softmax(scores)?;
            Some(Forecast {
                person,
                probabilities,
                label: *label,
            })
        });
        let ours = calibration(forecasts, &Resampling::default());
        let ours = ours.expect("five probes");
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} against {b}");
        close(ours.brier, 0.606_230_889_908_889_2);
        close(ours.brier_of_chance, 0.566_666_666_666_666_7);
        close(ours.log_loss, 1.106_209_485_757_717_6);
        close(ours.ece, 0.309_322_767_460_426_75);
        let bins: Vec<(usize, f64)> = ours.bins.iter().map(|bin| (bin.probes, bin.accuracy.value)).collect();
        assert_eq!(bins, [(2, 0.5), (1, 1.0), (1, 1.0), (1, 0.0)]);
    }

    #[test]
    fn sure_and_right_is_perfect() {
        let sure = |person, probabilities, label| Forecast {
            person,
            probabilities,
            label,
        };
        let how = Resampling::default();
        let both = [sure(0, vec![1.0, 0.0], 0), sure(0, vec![0.0, 1.0], 1)];
        let perfect = calibration(both.into_iter(), &how).expect("two probes");
        assert_eq!((perfect.brier, perfect.ece, perfect.log_loss), (0.0, 0.0, 0.0));
        assert!(calibration(std::iter::empty(), &how).is_none());
        assert_eq!(softmax(&[f64::NAN, 0.0]), None);
        assert_eq!(softmax(&[-5000.0, -5000.0]), Some(vec![0.5, 0.5]));
    }

    #[test]
    fn bars_are_over_people_not_over_probes() {
        // Ten people, each sure of six probes: five of them always right, five always wrong. As 60 independent probes the
        // share would be known to +-13 points; ten people who are all or nothing know it to +-38 (scipy: t interval).
        let forecasts = (0..60).map(|probe| Forecast {
            person: probe / 6,
            probabilities: vec![0.95, 0.05],
            label: usize::from(probe / 6 % 2 == 1),
        });
        let found = calibration(forecasts, &Resampling::default()).expect("sixty probes");
        let (low, high) = found.bins[0].accuracy.ends().expect("ten people");
        // scipy 1.17.1: stats.t.interval(.95, 9, .5, stats.sem([0, 1] * 5))
        assert!(
            (low - 0.122_973_806_2).abs() < 1e-9 && (high - 0.877_026_193_8).abs() < 1e-6,
            "{low} {high}"
        );
        assert_eq!(found.bins[0].accuracy.people, 10);
    }
}
