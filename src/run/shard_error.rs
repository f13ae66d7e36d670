//! What can go wrong with the shards of a run.

use std::path::{Path, PathBuf};

use super::shard::{Shard, ranges};

/// Shards that cannot be computed beside each other, or not be merged.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    /// A run that is in shards is to be gone on with in one piece.
    #[error("{}: this run is in {of} shards", folder.display())]
    InShards {
        /// The run's folder.
        folder: PathBuf,
        /// How many.
        of: usize,
    },
    /// Shards of several counts.
    #[error("{}: there are shards of {}", folder.display(), counts(found))]
    OtherCounts {
        /// The folder of the shards.
        folder: PathBuf,
        /// The counts, the one that was asked for among them.
        found: Vec<usize>,
    },
    /// No shards.
    #[error("{}: no shards here", folder.display())]
    NoShards {
        /// The run's folder.
        folder: PathBuf,
    },
    /// Shards that are not complete.
    #[error("{}: {} of {of} shards {}: {}", folder.display(), missing.len(), is_or_are(missing.len()), ranges(missing))]
    Missing {
        /// The run's folder.
        folder: PathBuf,
        /// How many shards there are.
        of: usize,
        /// The numbers of those that are not complete.
        missing: Vec<usize>,
    },
    /// A folder that holds something else than its name says, or a shard of another run.
    #[error("{}: {problem}", folder.display())]
    Foreign {
        /// The shard's folder.
        folder: PathBuf,
        /// How that shows.
        problem: String,
    },
    /// A shard whose files do not all end with its last record.
    #[error("{}: {problem}", folder.display())]
    Torn {
        /// The shard's folder.
        folder: PathBuf,
        /// Which shard.
        shard: Shard,
        /// Which file ends too early or too late.
        problem: String,
    },
    /// A complete run whose shards are another's, or a shard's files in the place of the run's.
    #[error("{}: {problem}", folder.display())]
    Apart {
        /// The folder that does not belong there.
        folder: PathBuf,
        /// How that shows.
        problem: String,
    },
    /// Shards that different programs or kernels computed.
    #[error("{}: {what}", folder.display())]
    Mixed {
        /// The shard's folder.
        folder: PathBuf,
        /// What is another than elsewhere, with both values.
        what: String,
    },
    /// A person who stands in two places with different records.
    #[error("{}: respondent {respondent} is in {} too{how}", folder.display(), other.display())]
    Twice {
        /// The folder where the person does not belong, or belongs as well.
        folder: PathBuf,
        /// The person.
        respondent: String,
        /// Where else.
        other: PathBuf,
        /// What the records have to do with each other: empty, or after a comma.
        how: &'static str,
    },
    /// The run in one piece no longer has the people whom its shards leave to it.
    #[error("{}: records of {have} people where the shards leave the first {need} to it", folder.display())]
    Shrunk {
        /// The run's folder.
        folder: PathBuf,
        /// People of whom it has everything.
        have: usize,
        /// People whom no shard has.
        need: usize,
    },
}

fn is_or_are(count: usize) -> &'static str {
    match count {
        1 => "is not complete",
        _ => "are not complete",
    }
}

fn counts(found: &[usize]) -> String {
    let counts: Vec<String> = found.iter().map(ToString::to_string).collect();
    counts.join(" and of ")
}

impl ShardError {
    /// Makes sure that a folder holds what it should: a shard, or a run in one piece.
    ///
    /// # Errors
    /// [`Foreign`](Self::Foreign) where its `run.json` says otherwise.
    pub(super) fn is_of(folder: &Path, says: Option<Shard>, expected: Option<Shard>) -> Result<(), Self> {
        if says == expected {
            return Ok(());
        }
        let word = |shard: Option<Shard>| shard.map_or("the whole run".to_owned(), |shard| format!("shard {shard}"));
        Err(Self::Foreign {
            folder: folder.to_owned(),
            problem: format!("it holds {}, not {}", word(says), word(expected)),
        })
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::InShards { of, .. } => format!(
                "finish them (`--shard I/{of}`, --workers or `indieval slurm submit`), then `indieval merge` the folder; or \
                 remove its folder `shards` to compute what they have anew"
            ),
            Self::OtherCounts { .. } => {
                "go on with the count that was begun; or remove the folders of one count, whose work is then lost".into()
            }
            Self::NoShards { .. } => "`indieval run ... --shard I/N` computes one; give the folder of the whole run".into(),
            Self::Missing { folder, of, missing } => {
                let first = missing.first().copied().unwrap_or(1);
                format!(
                    "compute them and merge again: the command of the run with --shard {first}/{of}{}, with --workers, or \
                     `indieval slurm submit` where it was submitted; `indieval slurm status {}` says how far each is",
                    if missing.len() > 1 { " and so on" } else { "" },
                    crate::base::shell::word(&folder.display().to_string())
                )
            }
            Self::Foreign { .. } | Self::Twice { .. } => {
                "put the shard's own folder back; or remove this folder, and compute the shard anew with --shard".into()
            }
            Self::Torn { shard, .. } => format!(
                "give the command of the run with --shard {shard}: it drops what belongs to no record, computes what is \
                 missing and keeps the rest; then merge again"
            ),
            Self::Apart { .. } => {
                "move the run's own files, or its folder `shards`, to another folder: they are two runs".into()
            }
            Self::Mixed { .. } => {
                "merge with --mixed, and the report says so; or remove this folder and compute the shard anew where the \
                 others were computed (INDIEVAL_BACKEND names kernels)"
                    .into()
            }
            Self::Shrunk { .. } => {
                "put the run's records back; or remove its folder `shards` and compute the shards anew".into()
            }
        }
    }
}
