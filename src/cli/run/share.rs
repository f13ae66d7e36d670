//! What one shard of a run takes, and when all of them are done: for `--dry-run`.

use crate::base::text::{bytes, count, counted, duration};
use crate::run::Plan;
use crate::scoring::EvidenceKind;

/// In how many shards a run is to be computed, and by how many processes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// Shards.
    pub shards: usize,
    /// Processes at a time; as many as shards where it is not known.
    pub workers: usize,
}

/// What a whole run takes on one device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WholeCost {
    /// Seconds of computing, generated answers among it.
    pub seconds: f64,
    /// Seconds to open the model.
    pub opening: f64,
    /// Bytes of memory that one process needs at most.
    pub memory: u64,
}

/// Bytes of a record.
const RECORD: u64 = 380;

/// Part of its time that a shard may take longer than planned before it meets the time limit asked for.
const SLACK: f64 = 1.5;

/// Shortest time limit that is worth asking for, seconds.
const LEAST: f64 = 600.0;

/// Bytes, about, of the evidence of a record: eight candidates of ten tokens, an order of letters, a short text.
fn evidence(kind: EvidenceKind) -> u64 {
    match kind {
        EvidenceKind::Likelihood => 2000,
        EvidenceKind::Label => 350,
        EvidenceKind::Generation => 1200,
    }
}

/// Bytes, about, of a run's records and evidence.
fn disk(plan: &Plan) -> u64 {
    let kinds = plan
        .conditions
        .iter()
        .map(|condition| condition.method.definition().evidence());
    let each: u64 = kinds.map(|kind| RECORD + evidence(kind)).sum();
    each * plan.outcomes as u64 / plan.conditions.len().max(1) as u64
}

impl Shares {
    /// Lines about a shard and about all of them.
    pub fn lines(self, plan: &Plan, cost: WholeCost) -> Vec<String> {
        let people = plan.people.len();
        // The largest shard.
        let largest = people.div_ceil(self.shards);
        let part = largest as f64 / people.max(1) as f64;
        let seconds = cost.seconds * part + cost.opening;
        let limit = (seconds * SLACK).max(LEAST);
        let rounds = self.shards.div_ceil(self.workers);
        let on_disk = disk(plan);
        vec![
            format!(
                "shards       {} of at most {} ({}): {} each, {} of memory, about {} of disk",
                count(self.shards as u64),
                counted(largest, "respondent", "respondents"),
                counted((plan.outcomes as f64 * part).round() as usize, "record", "records"),
                duration(seconds),
                bytes(cost.memory),
                bytes((on_disk as f64 * part) as u64)
            ),
            format!(
                "             ask a queue for {} ({} times as long); about {} of disk for all, twice that while they are merged",
                minutes(limit),
                SLACK,
                bytes(on_disk)
            ),
            format!(
                "             {} at a time: done in {}",
                count(self.workers as u64),
                duration(rounds as f64 * seconds)
            ),
        ]
    }
}

/// A time limit as Slurm and others read it: `--time=2:10:00`, in whole ten minutes.
fn minutes(seconds: f64) -> String {
    let minutes = (seconds / 600.0).ceil() as u64 * 10;
    format!("--time={}:{:02}:00", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_limits_are_whole_ten_minutes() {
        assert_eq!(minutes(600.0), "--time=0:10:00");
        assert_eq!(minutes(3601.0), "--time=1:10:00");
        assert_eq!(minutes(36_000.0), "--time=10:00:00");
    }
}
