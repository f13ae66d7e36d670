//! The systems of several runs in order, and which of their differences are more than chance.

use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::system_scores::SystemScores;
use crate::metrics::{Contrast, MetricsError, Verdict, holm};

/// One system among those of several runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// Position in `Results::systems`.
    pub system: usize,
    /// What it is called among them.
    pub label: String,
    /// It minus the next one, on the probes that both have; absent for the last one and where they share none.
    pub ahead_of_next: Option<Contrast>,
    /// p of that difference, adjusted after Holm for all pairs of ranked systems.
    pub p_adjusted: Option<f64>,
}

/// Two ranked systems on the probes that both have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RankedPair {
    /// Place of the one with the higher accuracy, from 0.
    pub first: usize,
    /// Place of the other.
    pub second: usize,
    /// First minus second, overall.
    pub difference: Contrast,
    /// p of it, adjusted after Holm for all pairs of ranked systems; absent where one person has no sign to flip.
    pub p_adjusted: Option<f64>,
}

impl RankedPair {
    /// What it shows among all pairs.
    pub(super) fn verdict(&self) -> Verdict {
        self.difference.verdict_at(self.p_adjusted)
    }
}

/// Systems in order, and every two of them that share a probe.
pub(super) type Ranking = (Vec<Ranked>, Vec<RankedPair>);

/// Main conditions from the highest overall accuracy down. With one run there is nothing to rank: its headline is the
/// first method of its spec, decided before any result was known.
///
/// Whoever ranks has looked at every pair, so p-values are adjusted for all of them.
pub(super) fn ranking(bench: &Bench<'_>, systems: &[SystemScores]) -> Result<Ranking, MetricsError> {
    if bench.runs.len() < 2 || bench.headline.len() < 2 {
        return Ok(Ranking::default());
    }
    let value = |at: &usize| systems[*at].rank();
    let mut order = bench.headline.clone();
    order.sort_by(|a, b| value(b).total_cmp(&value(a)));
    let mut pairs: Vec<RankedPair> = Vec::new();
    for (rank, &first) in order.iter().enumerate() {
        for (behind, &second) in order.iter().enumerate().skip(rank + 1) {
            let contrast = match bench.pair(first, second) {
                Ok(paired) => paired.and_then(|paired| paired.overall(bench.categories(), &bench.options.resampling)),
                // Runs on different people can stand in one table, but not against each other.
                Err(MetricsError::Disagree { .. }) => None,
                Err(error) => return Err(error),
            };
            pairs.extend(contrast.map(|difference| RankedPair {
                first: rank,
                second: behind,
                difference,
                p_adjusted: difference.wrong.p,
            }));
        }
    }
    adjust(&mut pairs);
    let labels = bench.labels(&order);
    let ranked = order.iter().zip(labels).enumerate().map(|(rank, (&system, label))| {
        let next = pairs.iter().find(|pair| (pair.first, pair.second) == (rank, rank + 1));
        Ranked {
            system,
            label,
            ahead_of_next: next.map(|pair| pair.difference),
            p_adjusted: next.and_then(|pair| pair.p_adjusted),
        }
    });
    Ok((ranked.collect(), pairs))
}

/// Adjusts p for all pairs that have one.
fn adjust(pairs: &mut [RankedPair]) {
    let p: Vec<f64> = pairs.iter().filter_map(|pair| pair.p_adjusted).collect();
    let tested = pairs.iter_mut().filter(|pair| pair.p_adjusted.is_some());
    tested.zip(holm(&p)).for_each(|(pair, p)| pair.p_adjusted = Some(p));
}
