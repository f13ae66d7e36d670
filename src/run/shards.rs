//! The shards of a run on disk: `RUN/shards/I-of-N`, each a journal of its own, and how far each is.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::names::{RECORDS, SHARDS};
use super::records::{Access, lock};
use super::{Experiment, Header, RunError, Shard, ShardError};
use crate::model::OpenModel;

/// Where a shard is computed, and the right to do so beside other shards: nobody computes the run in one piece meanwhile,
/// and nobody merges it.
#[derive(Debug)]
pub struct ShardPlace {
    /// The shard's folder, for [`evaluate`](super::evaluate).
    pub folder: PathBuf,
    _run: File,
}

impl ShardPlace {
    /// Makes the experiment of a whole run that of one of its shards. People of whom the run in `run` has all records in one
    /// piece are left to it; which these are is settled when the shard is begun.
    ///
    /// # Errors
    /// A run that is another one, or is computed in one piece at this moment; shards of another count.
    pub fn enter(
        run: &Path,
        shard: Shard,
        experiment: Experiment,
        opened: &OpenModel,
    ) -> Result<(Self, Experiment), RunError> {
        let held = lock(run, Access::Beside)?;
        same_count(run, shard.of())?;
        let folder = folder(run, shard);
        let whole = LineCount::of(&run.join(RECORDS))?;
        let header = experiment.header(opened)?;
        let begun = Header::read(run)?.filter(|_| whole > 0);
        if let Some(what) = begun.and_then(|begun| begun.other_experiment(&header)) {
            let folder = run.to_owned();
            return Err(RunError::Changed { folder, what });
        }
        let entry = Header::read(&folder)?.and_then(|header| header.shard);
        let skipped = entry.map_or_else(|| experiment.plan.whole_people(whole), |entry| entry.skipped);
        let plan = experiment.plan.of_shard(shard, skipped);
        let place = Self { folder, _run: held };
        Ok((place, Experiment { plan, ..experiment }))
    }
}

/// The folder of a shard.
pub(crate) fn folder(run: &Path, shard: Shard) -> PathBuf {
    run.join(SHARDS).join(shard.folder_name())
}

/// The shards that have a folder.
pub(super) fn begun(run: &Path) -> Result<BTreeSet<Shard>, RunError> {
    let path = run.join(SHARDS);
    let failed = |source| RunError::Read {
        path: path.clone(),
        source,
    };
    let entries = match std::fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(source) => return Err(failed(source)),
    };
    let mut found = BTreeSet::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        found.extend(name.to_str().and_then(Shard::of_folder));
    }
    Ok(found)
}

/// In how many shards the run is: one number, unless counts were mixed up.
fn counts(run: &Path) -> Result<BTreeSet<usize>, RunError> {
    Ok(begun(run)?.into_iter().map(Shard::of).collect())
}

/// In how many shards the run is; `None` where no shard was begun.
///
/// # Errors
/// Shards of several counts; a folder that cannot be read.
pub(crate) fn count(run: &Path) -> Result<Option<usize>, RunError> {
    let found: Vec<usize> = counts(run)?.into_iter().collect();
    match found.as_slice() {
        [] => Ok(None),
        &[of] => Ok(Some(of)),
        _ => Err(ShardError::OtherCounts {
            folder: run.join(SHARDS),
            found,
        }
        .into()),
    }
}

/// Makes sure that the run is in no other number of shards than `of`.
///
/// # Errors
/// [`ShardError::OtherCounts`] where it is.
pub(crate) fn same_count(run: &Path, of: usize) -> Result<(), RunError> {
    let mut found = counts(run)?;
    found.insert(of);
    match found.len() {
        1 => Ok(()),
        _ => Err(ShardError::OtherCounts {
            folder: run.join(SHARDS),
            found: found.into_iter().collect(),
        }
        .into()),
    }
}

/// Makes sure that no shard of the run was begun.
///
/// # Errors
/// [`ShardError::InShards`] where one was.
pub(super) fn none_begun(run: &Path) -> Result<(), RunError> {
    match counts(run)?.first() {
        None => Ok(()),
        Some(&of) => Err(ShardError::InShards {
            folder: run.to_owned(),
            of,
        }
        .into()),
    }
}

/// How far one shard is, by its files.
#[derive(Debug)]
pub struct ShardState {
    /// Which.
    pub shard: Shard,
    /// Its folder, which may not be there yet.
    pub folder: PathBuf,
    /// Records of the complete shard; `None` where it was not begun.
    pub outcomes: Option<usize>,
    lines: LineCount,
}

impl ShardState {
    /// Looks at a shard.
    ///
    /// # Errors
    /// A `run.json` that cannot be read.
    pub fn of(run: &Path, shard: Shard) -> Result<Self, RunError> {
        let mut state = Self {
            shard,
            folder: folder(run, shard),
            outcomes: None,
            lines: LineCount::default(),
        };
        state.look()?;
        Ok(state)
    }

    /// Looks again.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn look(&mut self) -> Result<(), RunError> {
        if self.outcomes.is_none()
            && let Some(header) = Header::read(&self.folder)?
        {
            ShardError::is_of(&self.folder, header.shard(), Some(self.shard))?;
            self.outcomes = Some(header.outcomes);
        }
        self.lines.look(&self.folder.join(RECORDS))
    }

    /// Records that are there.
    pub fn recorded(&self) -> usize {
        self.lines.lines
    }

    /// Whether nothing is missing.
    pub fn complete(&self) -> bool {
        self.outcomes.is_some_and(|outcomes| self.recorded() >= outcomes)
    }
}

/// How far all shards are.
///
/// # Errors
/// A `run.json` that cannot be read.
pub(crate) fn states(run: &Path, of: usize) -> Result<Vec<ShardState>, RunError> {
    Shard::all(of).map(|shard| ShardState::of(run, shard)).collect()
}

/// Records that are there, of all shards.
pub(crate) fn recorded(states: &[ShardState]) -> usize {
    states.iter().map(ShardState::recorded).sum()
}

/// About how many records all shards together have when complete: those that were not begun are taken to be as large as
/// those that were. `None` where none was.
pub(crate) fn expected(states: &[ShardState]) -> Option<usize> {
    let known: Vec<usize> = states.iter().filter_map(|state| state.outcomes).collect();
    (!known.is_empty()).then(|| known.iter().sum::<usize>() * states.len() / known.len())
}

/// Numbers of the shards that are not complete, ascending.
pub(crate) fn missing(states: &[ShardState]) -> Vec<usize> {
    let missing = states.iter().filter(|state| !state.complete());
    missing.map(|state| state.shard.number()).collect()
}

/// Whether all records of the run in a folder are there; `None` where there is no run.
///
/// # Errors
/// A `run.json` that cannot be read.
pub(crate) fn complete(run: &Path) -> Result<Option<bool>, RunError> {
    let Some(header) = Header::read(run)? else {
        return Ok(None);
    };
    Ok(Some(LineCount::of(&run.join(RECORDS))? >= header.outcomes))
}

/// Whole lines of a file that grows; what was counted is not read again.
#[derive(Debug, Default)]
struct LineCount {
    lines: usize,
    /// Bytes up to the end of the last whole line.
    end: u64,
}

impl LineCount {
    fn of(path: &Path) -> Result<usize, RunError> {
        let mut count = Self::default();
        count.look(path)?;
        Ok(count.lines)
    }

    fn look(&mut self, path: &Path) -> Result<(), RunError> {
        self.count(path).map_err(|source| RunError::Read {
            path: path.to_owned(),
            source,
        })
    }

    fn count(&mut self, path: &Path) -> std::io::Result<()> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                *self = Self::default();
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() < self.end {
            *self = Self::default();
        }
        file.seek(SeekFrom::Start(self.end))?;
        let mut buffer = vec![0; 1 << 16];
        let mut at = self.end;
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            for (place, _) in buffer[..read].iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
                self.lines += 1;
                self.end = at + place as u64 + 1;
            }
            at += read as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_once_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut count = LineCount::default();
        for (text, lines) in [("one\ntw", 1), ("one\ntwo\n", 2), ("one\n", 1), ("one\ntwo\nthree", 2)] {
            std::fs::write(&path, text).unwrap();
            count.look(&path).unwrap();
            assert_eq!(count.lines, lines, "{text:?}");
        }
    }
}
