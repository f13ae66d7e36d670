//! What was submitted (`RUN/slurm/jobs.json`), and what of it Slurm still has in its queue.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::cli::output::write_whole;

/// The folder of what is written for Slurm.
pub fn folder(run: &Path) -> PathBuf {
    run.join("slurm")
}

/// Everything that was submitted for a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// In how many shards the run is.
    pub of: usize,
    /// The job arrays, in the order in which they were submitted.
    pub arrays: Vec<SubmittedArray>,
    /// The merges.
    pub merges: Vec<String>,
}

/// A job array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedArray {
    /// Its job id.
    pub job: String,
    /// Task I computes shard I + `offset`.
    pub offset: usize,
    /// The shards, as a list of numbers and ranges.
    pub shards: String,
}

/// What Slurm says of a task that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Queued {
    /// It waits for its turn.
    Waiting,
    /// It computes.
    Running,
}

impl Submitted {
    /// What was submitted for the run; nothing where there is no such file.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(run: &Path) -> anyhow::Result<Self> {
        let path = folder(run).join("jobs.json");
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("{} cannot be read", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes it down.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, run: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        write_whole(&folder(run).join("jobs.json"), |file| file.write_all(text.as_bytes()))
    }

    /// The shards that Slurm has, by number. `listed` is what [`squeue`] printed.
    pub fn queued(&self, listed: &str) -> BTreeMap<usize, Queued> {
        let mut found = BTreeMap::new();
        for line in listed.lines() {
            let mut fields = line.trim().split('|');
            let (Some(job), Some(task), Some(state)) = (fields.next(), fields.next(), fields.next()) else {
                continue;
            };
            let array = self.arrays.iter().find(|array| array.job == job);
            let (Some(array), Ok(task)) = (array, task.parse::<usize>()) else {
                continue;
            };
            let state = match state {
                "RUNNING" | "COMPLETING" | "CONFIGURING" | "STAGE_OUT" | "SUSPENDED" | "STOPPED" => Queued::Running,
                _ => Queued::Waiting,
            };
            let entry = found.entry(task + array.offset).or_insert(state);
            *entry = state.max(*entry);
        }
        found
    }

    /// The shards that were ever submitted.
    pub fn shards(&self) -> BTreeSet<usize> {
        let parts = self.arrays.iter().flat_map(|array| parts(&array.shards));
        parts.flat_map(|(first, last)| first..=last.min(self.of)).collect()
    }

    /// The log of a shard: the latest array that has it.
    pub fn log(&self, run: &Path, shard: usize) -> Option<PathBuf> {
        let array = self.arrays.iter().rev().find(|array| has(&array.shards, shard))?;
        Some(log(run, array.offset, &(shard - array.offset).to_string()))
    }
}

/// The log of a task.
pub fn log(run: &Path, offset: usize, task: &str) -> PathBuf {
    folder(run).join("logs").join(format!("{offset}+{task}.log"))
}

/// Whether a list of numbers and ranges has a number.
fn has(list: &str, number: usize) -> bool {
    parts(list).any(|(first, last)| (first..=last).contains(&number))
}

/// The ends of each part of a list of numbers and ranges.
fn parts(list: &str) -> impl Iterator<Item = (usize, usize)> {
    list.split(',').filter_map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        first.parse().ok().zip(last.parse().ok())
    })
}

/// One's own jobs as Slurm lists them, a task a line: `ARRAY-JOB|TASK|STATE`.
///
/// # Errors
/// Where there is no Slurm, or it does not answer.
pub fn squeue() -> anyhow::Result<String> {
    let mut command = Command::new("squeue");
    command.args(["--me", "--noheader", "--array", "--format=%F|%K|%T"]);
    answer(command)
}

/// What a program prints, without white space around it.
///
/// # Errors
/// Where it is not there, or fails.
pub fn answer(mut command: Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| {
        format!("`{name}` cannot be started; is this a machine of the cluster, with Slurm's commands?")
    })?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    anyhow::ensure!(output.status.success(), "`{name}` failed: {said}");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_shards_by_the_offset_of_their_array() {
        let array = |job: &str, offset, shards: &str| SubmittedArray {
            job: job.to_owned(),
            offset,
            shards: shards.to_owned(),
        };
        let submitted = Submitted {
            of: 1500,
            arrays: vec![
                array("7", 0, "1-1000"),
                array("8", 1000, "1001-1500"),
                array("12", 0, "3,5-6"),
            ],
            merges: vec!["9".into()],
        };
        let listed = "7|4|COMPLETING\n8|2|PENDING\n12|3|RUNNING\n9|N/A|PENDING\n99|1|RUNNING\n12|3|PENDING\n";
        let queued = submitted.queued(listed);
        assert_eq!(
            queued.into_iter().collect::<Vec<_>>(),
            [(3, Queued::Running), (4, Queued::Running), (1002, Queued::Waiting)]
        );
        let run = Path::new("run");
        let log = |shard| submitted.log(run, shard).map(|path| path.display().to_string());
        assert_eq!(log(1002).as_deref(), Some("run/slurm/logs/1000+2.log"));
        assert_eq!(log(6).as_deref(), Some("run/slurm/logs/0+6.log"));
        assert_eq!(log(1501), None);
        assert!(submitted.shards().into_iter().eq(1..=1500));
        let few = Submitted {
            of: 4,
            arrays: vec![array("7", 0, "2"), array("8", 0, "4-99999999999")],
            merges: Vec::new(),
        };
        assert!(few.shards().into_iter().eq([2, 4]));
    }
}
