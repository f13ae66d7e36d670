//! The shards of a run become the run, byte for byte as if it had been computed in one piece.
//!
//! Everything is read and checked before anything of the run is touched: the merged files are written into a folder of their
//! own and take the place of the run's when all of them are whole. A merge that is killed at any moment can be given again.

mod people;
mod place;
mod source;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::people::MergedPeople;
use self::place::{MergedFiles, finish_placing};
use self::source::{Merging, Source};
use super::records::{Access, JournalCopy, lock};
use super::session::join_notes;
use super::shards::{begun, count, missing, states};
use super::{Header, MixedEntry, RECORDS, RunError, ShardError};
use crate::metrics::BaselineTable;
use crate::scoring::Outcome;

/// A shard that has just become complete may be held for a moment by the process that computed it.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// Records of the run.
    pub records: usize,
    /// People of the run.
    pub people: usize,
    /// People whom the run had in one piece.
    pub kept: usize,
    /// In how many shards the others were.
    pub shards: usize,
    /// What computed the records, where that was more than one program or kind of kernel.
    pub mixed: Vec<MixedEntry>,
    /// Whether the run was complete already, so that nothing was done.
    pub already: bool,
}

/// Merges the shards of the run in `folder`. What different programs or kernels computed is merged only where `mixed` allows
/// it, and `run.json` then says so.
///
/// # Errors
/// [`ShardError::Missing`] where shards are not complete; what is wrong with the first shard that is not as it was written,
/// belongs to another run or has people of another shard. The run's files are then as they were.
pub fn merge(folder: &Path, mixed: bool) -> Result<Merged, RunError> {
    merge_showing(folder, mixed, &mut |_| {})
}

/// The same; `take` is shown every record that is merged, in order.
///
/// # Errors
/// As [`merge`].
pub(crate) fn merge_showing(folder: &Path, mixed: bool, take: &mut dyn FnMut(&Outcome)) -> Result<Merged, RunError> {
    finish_placing(folder)?;
    if let Some(done) = finished(folder)? {
        return Ok(done);
    }
    let of = count(folder)?.ok_or_else(|| ShardError::NoShards {
        folder: folder.to_owned(),
    })?;
    let states = states(folder, of)?;
    let missing = missing(&states);
    if !missing.is_empty() {
        let folder = folder.to_owned();
        return Err(ShardError::Missing { folder, of, missing }.into());
    }
    let _held = alone(folder)?;
    let sources = states
        .into_iter()
        .map(|state| Source::open(&state.folder, Some(state.shard), of));
    let mut merge = ShardMerge {
        run: has_records(folder).then(|| Source::open(folder, None, 1)).transpose()?,
        shards: sources.collect::<Result<_, _>>()?,
        folder: folder.to_owned(),
    };
    merge.write(mixed, take)
}

/// What a merge of a run that is complete already says.
///
/// # Errors
/// Where the folder has the files of a shard, or those of another run than its shards are of.
fn finished(folder: &Path) -> Result<Option<Merged>, RunError> {
    if super::shards::complete(folder)? != Some(true) {
        return Ok(None);
    }
    let Some(header) = Header::read(folder)? else {
        return Ok(None);
    };
    let apart = |folder: PathBuf, problem: String| ShardError::Apart { folder, problem }.into();
    if let Some(shard) = header.shard() {
        return Err(apart(
            folder.to_owned(),
            format!("it holds shard {shard}, not the whole run"),
        ));
    }
    for shard in begun(folder)? {
        let shard = super::shards::folder(folder, shard);
        let Some(of_shard) = Header::read(&shard)? else {
            continue;
        };
        if let Some(what) = header.other_experiment(&of_shard) {
            return Err(apart(
                shard,
                format!("it belongs to another run than the complete one: {what}"),
            ));
        }
    }
    Ok(Some(Merged {
        records: header.outcomes,
        people: header.respondents,
        kept: header.respondents,
        shards: 0,
        mixed: header.mixed,
        already: true,
    }))
}

/// Whether the run in one piece holds anything; one without a record binds to nothing.
fn has_records(folder: &Path) -> bool {
    std::fs::metadata(folder.join(RECORDS)).is_ok_and(|file| file.len() > 0)
}

fn alone(folder: &Path) -> Result<std::fs::File, RunError> {
    let begun = Instant::now();
    loop {
        match lock(folder, Access::Alone) {
            Err(RunError::Locked { .. }) if begun.elapsed() < PATIENCE => std::thread::sleep(PATIENCE / 50),
            done => return done,
        }
    }
}

struct ShardMerge {
    folder: PathBuf,
    /// The run as far as it was computed in one piece.
    run: Option<Source>,
    /// All shards in order.
    shards: Vec<Source>,
}

impl ShardMerge {
    fn write(&mut self, mixed: bool, take: &mut dyn FnMut(&Outcome)) -> Result<Merged, RunError> {
        let mut header = self.header(mixed)?;
        let mut people = MergedPeople::gather(&mut self.run, &mut self.shards, &header)?;
        let part = MergedFiles::prepare(&self.folder)?;
        header.mixed = self.mixed(&people.from);
        header.people = people.file.write(&part.folder)?;
        people.file.baselines = BaselineTable::default();
        let mut merging = Merging {
            copy: JournalCopy::begin(&part.folder, &header)?,
            take,
        };
        let records = self.copy(&people, &mut merging, mixed)?;
        merging.copy.finish()?;
        if records != header.outcomes {
            let problem = format!(
                "the shards have {records} records where the run has {}",
                header.outcomes
            );
            let folder = self.folder.clone();
            return Err(ShardError::Foreign { folder, problem }.into());
        }
        let kept = people.from.iter().filter(|from| from.is_none()).count();
        self.notes(&part.folder)?;
        part.place(&self.folder, &header)?;
        Ok(Merged {
            records,
            people: header.respondents,
            kept,
            shards: self.shards.len(),
            mixed: header.mixed,
            already: false,
        })
    }

    /// What the whole run is, by what all of its parts say.
    fn header(&self, mixed: bool) -> Result<Header, RunError> {
        let all = || self.run.iter().chain(&self.shards);
        let Some(first) = all().next().map(|source| source.reader.header().clone()) else {
            let folder = self.folder.clone();
            return Err(ShardError::NoShards { folder }.into());
        };
        let entry = self.shards.first().and_then(|shard| shard.reader.header().shard);
        let Some(entry) = entry else {
            let folder = self.folder.clone();
            return Err(ShardError::NoShards { folder }.into());
        };
        let whole = (entry.respondents, entry.outcomes);
        for source in all() {
            let header = source.reader.header();
            let folder = source.folder.clone();
            if let Some(what) = first.other_experiment(header) {
                let problem = format!("it belongs to another run: {what}");
                return Err(ShardError::Foreign { folder, problem }.into());
            }
            let says = header.shard.map_or((header.respondents, header.outcomes), |entry| {
                (entry.respondents, entry.outcomes)
            });
            if says != whole {
                let problem = format!("the run has {} records here, {} elsewhere", says.1, whole.1);
                return Err(ShardError::Foreign { folder, problem }.into());
            }
            let (there, here) = (first.computed_by(0), header.computed_by(0));
            if !mixed && there != here {
                let what = format!("computed by another program or other kernels ({here}; elsewhere {there})");
                return Err(ShardError::Mixed { folder, what }.into());
            }
        }
        Ok(Header {
            shard: None,
            mixed: Vec::new(),
            respondents: whole.0,
            outcomes: whole.1,
            people: String::new(),
            ..first
        })
    }

    /// What computed the records of how many people; empty where that is one program with one kind of kernel.
    fn mixed(&self, from: &[Option<usize>]) -> Vec<MixedEntry> {
        let mut found: Vec<MixedEntry> = Vec::new();
        for source in from {
            let source = source.map_or(self.run.as_ref(), |shard| self.shards.get(shard));
            let Some(source) = source else { continue };
            let one = source.reader.header().computed_by(1);
            match found.iter_mut().find(|entry| entry.computer() == one.computer()) {
                Some(entry) => entry.respondents += 1,
                None => found.push(one),
            }
        }
        match found.len() {
            1 => Vec::new(),
            _ => found,
        }
    }

    /// Copies the records of everyone in the order of the plan; returns how many.
    fn copy(&mut self, people: &MergedPeople, copy: &mut Merging<'_>, mixed: bool) -> Result<usize, RunError> {
        // So many files may be open in any case.
        let few = self.shards.len() <= 32;
        let mut records = 0;
        for (person, from) in people.file.people.iter().zip(&people.from) {
            records += match (from, &mut self.run) {
                (Some(shard), run) => {
                    let shard = &mut self.shards[*shard];
                    let beside = run.as_mut().filter(|_| !mixed);
                    let copied = shard.copy(&person.id, beside, copy)?;
                    if !few {
                        shard.reader.close();
                    }
                    copied
                }
                (None, Some(run)) => run.copy(&person.id, None, copy)?,
                (None, None) => 0,
            };
        }
        let rest = self.run.iter_mut().filter(|_| !mixed).chain(&mut self.shards);
        rest.into_iter().try_for_each(|source| source.end(&people.file))?;
        Ok(records)
    }

    /// The notes of all starts of the program, on the run and on its shards.
    fn notes(&self, part: &Path) -> Result<(), RunError> {
        let all = self.run.iter().chain(&self.shards);
        let all: Vec<(&Path, usize)> = all.map(|source| (source.folder.as_path(), source.copied)).collect();
        join_notes(&all, part)
    }
}
