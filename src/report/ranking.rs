//! The systems of several runs in order, and which of their differences are more than chance.

use serde::{Deserialize, Serialize};

use super::bench::Bench;
use super::system_scores::SystemScores;
use crate::metrics::{Contrast, MetricsError, holm};

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

/// Main conditions from the highest overall accuracy down. With one run there is nothing to rank: its headline is the
/// first method of its spec, decided before any result was known.
///
/// Whoever ranks has looked at every pair, so p-values are adjusted for all of them.
pub(super) fn ranking(bench: &Bench<'_>, systems: &[SystemScores]) -> Result<Vec<Ranked>, MetricsError> {
    if bench.runs.len() < 2 || bench.headline.len() < 2 {
        return Ok(Vec::new());
    }
    let value = |at: &usize| systems[*at].rank();
    let mut order = bench.headline.clone();
    order.sort_by(|a, b| value(b).total_cmp(&value(a)));
    let mut pairs: Vec<(usize, usize, Contrast)> = Vec::new();
    for (rank, &first) in order.iter().enumerate() {
        for (behind, &second) in order.iter().enumerate().skip(rank + 1) {
            let contrast = match bench.pair(first, second) {
                Ok(paired) => paired.and_then(|paired| paired.overall(bench.categories(), &bench.options.resampling)),
                // Runs on different people can stand in one table, but not against each other.
                Err(MetricsError::Disagree { .. }) => None,
                Err(error) => return Err(error),
            };
            pairs.extend(contrast.map(|contrast| (rank, behind, contrast)));
        }
    }
    let p: Vec<f64> = pairs
        .iter()
        .map(|(_, _, contrast)| contrast.wrong.p.unwrap_or(1.0))
        .collect();
    let adjusted = holm(&p);
    let labels = bench.labels(&order);
    let ranked = order.iter().zip(labels).enumerate().map(|(rank, (&system, label))| {
        let next = pairs
            .iter()
            .position(|(first, second, _)| (*first, *second) == (rank, rank + 1));
        Ranked {
            system,
            label,
            ahead_of_next: next.map(|at| pairs[at].2),
            p_adjusted: next.map(|at| adjusted[at]),
        }
    });
    Ok(ranked.collect())
}
