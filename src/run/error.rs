//! What can go wrong around a run.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::shard::Shard;

/// A run that cannot start, go on or be read, and why.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file that cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that cannot be written.
    #[error("{}: cannot write: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A spec that is no valid TOML or has a key or value that means nothing.
    #[error("{}: {source}", path.display())]
    Spec {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A key of a spec that has another name now.
    #[error("{}: `{old}` of [scoring] is called `{new}` now", path.display())]
    RenamedKey {
        /// The file.
        path: PathBuf,
        /// The name it had.
        old: &'static str,
        /// The name it has.
        new: &'static str,
    },
    /// Something that cannot be written as TOML or JSON.
    #[error("cannot encode: {0}")]
    Encode(String),
    /// An axis of the grid without a value.
    #[error("`{0}` of the grid is empty")]
    EmptyAxis(&'static str),
    /// A control that draws within groups that stand for countries, in a survey that names none.
    #[error(
        "the control `same-country` draws within the groups of a survey's `person.group`, and its definition names none"
    )]
    NoCountries,
    /// A category that the catalogue does not have.
    #[error(transparent)]
    UnknownCategory(#[from] crate::survey::UnknownCategory),
    /// Something the run rests on is not what it was when the run began.
    #[error("{}: this run was begun with another {what}", folder.display())]
    Changed {
        /// The run's folder.
        folder: PathBuf,
        /// `weights`, `tokenizer`, `prompt likelihood`, `catalogue`, `survey`, or a key of the spec with both values.
        what: String,
    },
    /// A second writer.
    #[error("{}: another process is writing this run", folder.display())]
    Locked {
        /// The run's folder.
        folder: PathBuf,
    },
    /// A line of a run's file that is no record.
    #[error("{}:{line}: {problem}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of a run that is not as it was written.
    #[error("{}: {problem}", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// How that shows.
        problem: String,
    },
    /// A run of an earlier format that is to be gone on with.
    #[error("{}: this run was begun by indieval 0.1, in record format 1", folder.display())]
    OldFormat {
        /// The run's folder.
        folder: PathBuf,
    },
    /// A run of a later format.
    #[error("{}: this run is in format {format}; this program knows formats 1 and 2", path.display())]
    NewFormat {
        /// The file that says so.
        path: PathBuf,
        /// The format.
        format: u64,
    },
    /// An outcome that no record can hold.
    #[error("respondent {respondent}, split {split}, {question}: cannot be recorded: {problem}")]
    Unrecordable {
        /// Whom it is about.
        respondent: String,
        /// In which split.
        split: u8,
        /// About which question.
        question: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something without which a run means nothing.
    #[error("{0} is not given")]
    NotGiven(&'static str, &'static str),
    /// The survey file or the catalogue cannot be used.
    #[error(transparent)]
    Survey(#[from] crate::survey::SurveyError),
    /// A prompt or a chat template cannot be used.
    #[error(transparent)]
    Prompt(#[from] crate::prompt::PromptError),
    /// The model's chat template cannot be used.
    #[error(transparent)]
    Chat(#[from] crate::prompt::ChatError),
    /// Something is said to a chat template, and none is used.
    #[error("the spec has {what}, which nobody would hear: {why}")]
    Unheard {
        /// What is said.
        what: &'static str,
        /// Why none is used.
        why: &'static str,
    },
    /// Nobody is left to evaluate.
    #[error("{}: nobody to evaluate", survey.display())]
    Nobody {
        /// The survey file.
        survey: PathBuf,
    },
    /// A file system on which nothing can be locked.
    #[error("{}: this file system cannot lock files: {source}", path.display())]
    NoLocks {
        /// The lock.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Shards that cannot be computed beside each other, or not be merged.
    #[error(transparent)]
    Shard(#[from] super::ShardError),
    /// A method whose prompts make no sense elsewhere.
    #[error(
        "the method {0} needs probabilities, which are computed here: only generation and generation-paper can be answered elsewhere"
    )]
    NotWritten(&'static str),
    /// A folder that has an export already.
    #[error("{} holds an export already", folder.display())]
    Exported {
        /// The folder.
        folder: PathBuf,
    },
    /// Answers that were made elsewhere cannot be graded.
    #[error(transparent)]
    Answers(#[from] super::answer_error::AnswerError),
    /// A folder without a run.
    #[error("{}: no run here (no run.json)", folder.display())]
    NoRun {
        /// The folder.
        folder: PathBuf,
    },
}

impl RunError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read { path, source } if path.ends_with(super::names::PEOPLE) && source.kind() == ErrorKind::NotFound => {
                format!("give {} to have it rewritten, or restore it from a copy", command_for(path))
            }
            Self::Read { .. } => "check the path and that the file may be read".into(),
            Self::Write { .. } => {
                "make room or allow writing there, then give the same command again: what is recorded is kept".into()
            }
            Self::Spec { .. } => "GUIDE.md lists every key of a spec; experiments/ has complete ones".into(),
            Self::RenamedKey { .. } => {
                "write `orders = \"all\"` to list the options in as many orders as there are options, or a number for at most \
                 so many; it counts for label and generation"
                    .into()
            }
            Self::Encode(_) => return None,
            Self::EmptyAxis(axis) => format!("give at least one value, for example `{axis} = [...]` in [grid]"),
            Self::NoCountries => "name a [[demographic]] by `group` of [person], or leave this control out".into(),
            Self::UnknownCategory(error) => format!("{} (`each` takes all of them, one at a time)", error.hint()),
            Self::Changed { .. } => {
                "put the old one back to resume this run, or start a new one with another --out".into()
            }
            Self::Locked { .. } => "wait for it to end or stop it; if none runs, the lock is free at once".into(),
            Self::Record { path, .. } | Self::Altered { path, .. } if path.ends_with(super::names::PEOPLE) => format!(
                "restore the file from a copy; or remove it, and give {} to have it rewritten",
                command_for(path)
            ),
            Self::Record { path, .. } if !path.ends_with(super::names::RUN) => format!(
                "restore the file from a copy; or remove this line and all after it, and give {} to compute them anew",
                command_for(path)
            ),
            Self::Record { path, .. } | Self::Altered { path, .. } => without_run(path),
            Self::OldFormat { .. } => {
                "finish it with indieval 0.1, or start over with another --out; report, compare and verify read it as it is"
                    .into()
            }
            Self::NewFormat { .. } => "read it with the version of indieval that wrote it, or a later one".into(),
            Self::Unrecordable { .. } => {
                "a model that computes no numbers is broken, or its numbers overflow: try --dtype f32 or bf16".into()
            }
            Self::NotGiven(_, how) => format!("give {how}"),
            Self::Survey(error) => return error.hint(),
            Self::Prompt(error) => return error.hint(),
            Self::Chat(error) => return error.hint(),
            Self::Unheard { what, .. } => format!("leave out {what}, or ask in a chat template that is told of it"),
            Self::Nobody { .. } => {
                "check --limit, --draw and the sample; `indieval survey stats` counts the file".into()
            }
            Self::NoLocks { .. } => {
                "two writers of one run could not see each other there: mount it with locks (Lustre: `-o flock`; NFS 3: \
                 without `nolock`, with lockd running), or put the run on another file system with --out"
                    .into()
            }
            Self::Shard(error) => error.hint(),
            Self::NotWritten(_) => "give --methods generation".into(),
            Self::Exported { .. } => "give another --out, or remove that folder".into(),
            Self::Answers(error) => error.hint().into(),
            Self::NoRun { .. } => "give the folder that `indieval run` printed (runs/NAME)".into(),
        })
    }
}

/// The shard whose file this is; `None` where it is that of a run.
fn shard_of(file: &Path) -> Option<Shard> {
    let folder = file.parent()?;
    let within = folder.parent()?.ends_with(super::names::SHARDS);
    Shard::of_folder(folder.file_name()?.to_str()?).filter(|_| within)
}

/// The command that computes what a run or a shard with this file lacks.
fn command_for(file: &Path) -> String {
    match shard_of(file) {
        Some(shard) => format!("the command of the run with --shard {shard}"),
        None => "the command of the run again".to_owned(),
    }
}

/// What to do without a file that a run cannot be read without.
fn without_run(file: &Path) -> String {
    match shard_of(file) {
        Some(shard) => format!(
            "restore the file from a copy; without one the shard can no longer be trusted: remove its folder, and give the \
             command of the run with --shard {shard} to compute it anew"
        ),
        None => {
            "restore the file from a copy; without one the run can no longer be trusted: start over with another --out"
                .to_owned()
        }
    }
}
