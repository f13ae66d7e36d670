//! What can go wrong while a checkpoint is found, read and put together.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use indieval_kernels::Unavailable;

use crate::base::text;

use super::family::Family;
use super::tensor_problem::{Listed, TensorProblem};

/// A checkpoint that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A tensor that could not be converted.
    #[error("tensor `{name}`: {source}")]
    Tensor {
        /// The tensor's canonical name.
        name: String,
        /// What the tensor library said.
        source: candle_core::Error,
    },
    /// A file that could not be read at all.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A folder without a file that every checkpoint has.
    #[error("{}: {what}", path.display())]
    Absent {
        /// The folder.
        path: PathBuf,
        /// What is not there.
        what: String,
    },
    /// A folder or file in a form that is not read, though it holds a model.
    #[error("{}: {what}", path.display())]
    Foreign {
        /// The folder or the file.
        path: PathBuf,
        /// What it holds.
        what: String,
        /// How to get something that is read from it.
        remedy: String,
    },
    /// A key of a configuration that may change what is computed, and is not understood.
    #[error("{}: `{field}`: {what}", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        field: String,
        /// Its value.
        what: String,
    },
    /// A file whose bytes are not what its format says: cut short, other magic, offsets outside it.
    #[error("{}: {what}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where it is broken and what was expected.
        what: String,
    },
    /// A value in a configuration or in metadata that does not fit.
    #[error("{}: `{field}`: {what}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The key.
        field: String,
        /// What is wrong with its value.
        what: String,
    },
    /// A model family that the decoder does not know.
    #[error("{}: the model family `{family}` is not supported{} (supported: {})", path.display(), reason_against(family), Family::ALL.map(Family::name).join(", "))]
    Family {
        /// The file that names it.
        path: PathBuf,
        /// The family as the file names it.
        family: String,
    },
    /// A known family with a feature that the decoder does not have.
    #[error("{}: {what} is not supported", path.display())]
    Unsupported {
        /// The file that asks for it.
        path: PathBuf,
        /// The feature.
        what: String,
    },
    /// Tensors that do not match the configuration.
    #[error("{}: {}", path.display(), Listed(problems, *more))]
    Tensors {
        /// The file or folder.
        path: PathBuf,
        /// One a tensor, the first few of them.
        problems: Vec<TensorProblem>,
        /// How many more there are.
        more: usize,
    },
    /// A tensor that the caller asked for and the checkpoint lacks.
    #[error("{}: tensor `{name}`: {what}", path.display())]
    Weight {
        /// The file it is, or should be, in.
        path: PathBuf,
        /// The tensor's canonical name.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// A pre-tokenizer that is not in the table.
    #[error("{}: the pre-tokenizer `{name}` is not known (known: {known})", path.display())]
    PreTokenizer {
        /// The file.
        path: PathBuf,
        /// Value of `tokenizer.ggml.pre`.
        name: String,
        /// The table's names.
        known: String,
    },
    /// A tokenizer that cannot be built or does not fit the model.
    #[error("{}: tokenizer: {what}", path.display())]
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A folder with a tokenizer in a format that is not read.
    #[error("{}: has no tokenizer.json, but {found}", path.display())]
    OtherTokenizer {
        /// The folder.
        path: PathBuf,
        /// The files there are instead.
        found: String,
        /// The line that writes a tokenizer.json beside them.
        remedy: String,
    },
    /// An adapter that cannot be merged into a base.
    #[error("{}: the adapter {}", path.display(), problems.join("; "))]
    Adapter {
        /// The adapter's folder.
        path: PathBuf,
        /// What stands in the way.
        problems: Vec<String>,
        /// What to do.
        remedy: String,
    },
    /// Several reasons at once.
    #[error("{}", Several(.0))]
    Many(Vec<LoadError>),
    /// A name that is neither a file, nor in the registry, nor a repository.
    #[error("`{name}` is not a file or folder, a name in the registry of models, or a repository id (ORG/NAME)")]
    UnknownModel {
        /// As given.
        name: String,
        /// Names in the registry that are close to it.
        near: Vec<String>,
    },
    /// `fake:` with something else than a number.
    #[error("`fake:{given}`: the seed must be a number, as in fake:1")]
    FakeSeed {
        /// What stands there.
        given: String,
    },
    /// An adapter for the stand-in, which has no weights.
    #[error("`fake:SEED` has no weights that an adapter could be merged into")]
    AdaptedFake,
    /// No source has the model.
    #[error("`{name}` could not be found or fetched: {}", tried.join("; "))]
    Unavailable {
        /// As given.
        name: String,
        /// What was tried, and why it failed.
        tried: Vec<String>,
        /// What to do, where that is known.
        remedy: Option<String>,
    },
    /// The hub answered, but not with the file.
    #[error("the hub: {url}: {what}")]
    Hub {
        /// What was asked for.
        url: String,
        /// What came back.
        what: String,
        /// What to do, where that is known.
        remedy: Option<String>,
    },
    /// Bytes that are not the ones asked for.
    #[error("{}: {what}: expected {expected}, found {found}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What was compared: its size, its sha256.
        what: &'static str,
        /// What it should have been.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A weight file that is not what it was when it was opened.
    #[error("{}: {how} since it was opened", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What became of it.
        how: &'static str,
    },
    /// Less memory than one layer at work and one on its way take.
    #[error("even layer by layer this model needs {} of memory, and {} may be taken", text::bytes(*needed), text::bytes(*given))]
    Memory {
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that may be taken.
        given: u64,
    },
    /// A device that is not there.
    #[error("device `{device}`: {what}")]
    Device {
        /// As given.
        device: String,
        /// Why it cannot be used.
        what: String,
        /// What to do.
        remedy: String,
    },
}

impl From<Unavailable> for LoadError {
    fn from(error: Unavailable) -> Self {
        let Unavailable { device, what, remedy } = error;
        Self::Device { device, what, remedy }
    }
}

/// What to do where a file cannot be read, or what is fetched cannot be written.
fn read_hint(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "check the path; a run that was begun with this model goes on once it is back",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "allow reading it; what is fetched needs a place that may be written, which INDIEVAL_CACHE and HF_HOME name"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room there, or name another place with INDIEVAL_CACHE and HF_HOME; what is fetched already is kept"
        }
        ErrorKind::WouldBlock => "wait until the other program is done, then give the same command again",
        ErrorKind::InvalidData => "it is no file of a checkpoint: put that of the model's own repository in its place",
        _ => {
            "give the same command again; where the same happens, copy the checkpoint to another disk and name its folder"
        }
    }
}

fn is_gguf(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"))
}

struct Several<'a>(&'a [LoadError]);

impl fmt::Display for Several<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the checkpoint has {} faults:", self.0.len())?;
        self.0.iter().try_for_each(|error| write!(out, "\n  - {error}"))
    }
}

impl LoadError {
    /// Gives what the tensor library says the name of the tensor that it is about.
    pub(crate) fn tensor(name: &str) -> impl Fn(candle_core::Error) -> Self {
        move |source| Self::Tensor {
            name: name.to_owned(),
            source,
        }
    }

    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn malformed(path: &Path, what: impl Into<String>) -> Self {
        Self::Malformed {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    pub(crate) fn field(path: &Path, field: &str, what: impl Into<String>) -> Self {
        Self::Field {
            path: path.to_owned(),
            field: field.to_owned(),
            what: what.into(),
        }
    }

    pub(crate) fn unsupported(path: &Path, what: impl Into<String>) -> Self {
        Self::Unsupported {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    pub(crate) fn tokenizer(path: &Path, what: impl fmt::Display) -> Self {
        Self::Tokenizer {
            path: path.to_owned(),
            what: what.to_string(),
        }
    }

    pub(crate) fn weight(path: &Path, name: &str, what: impl Into<String>) -> Self {
        Self::Weight {
            path: path.to_owned(),
            name: name.to_owned(),
            what: what.into(),
        }
    }

    /// One error from one or more; `None` from none.
    pub(crate) fn gather(mut errors: Vec<LoadError>) -> Option<Self> {
        match errors.len() {
            0 => None,
            1 => errors.pop(),
            _ => Some(Self::Many(errors)),
        }
    }

    /// Every single reason: one a tensor (of many, the first few and how many more), one a fault.
    pub fn reasons(&self) -> Vec<String> {
        match self {
            Self::Many(errors) => errors.iter().flat_map(Self::reasons).collect(),
            Self::Tensors { problems, more, .. } => {
                let named = problems.iter().map(|problem| match problem {
                    TensorProblem::TooFew { .. } => problem.to_string(),
                    _ => format!("tensor {problem}"),
                });
                let more = (*more > 0).then(|| format!("and {more} more tensors that do not match"));
                named.chain(more).collect()
            }
            Self::Adapter { path, problems, .. } => {
                let named = |problem: &String| format!("{}: the adapter {problem}", path.display());
                problems.iter().map(named).collect()
            }
            other => vec![other.to_string()],
        }
    }

    /// What the user can do about each of the reasons, each thing once.
    pub(crate) fn remedies(&self) -> Vec<String> {
        let mut remedies: Vec<String> = match self {
            Self::Many(errors) => errors.iter().flat_map(Self::remedies).collect(),
            // That every tensor is named is what it says.
            Self::Tensors { .. } | Self::Weight { .. } => Vec::new(),
            other => other.hint().into_iter().collect(),
        };
        let mut seen = std::collections::HashSet::new();
        remedies.retain(|remedy| seen.insert(remedy.clone()));
        remedies
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Family { .. } | Self::Unsupported { .. } => {
                "`indieval models list` names checkpoints that are known to work"
            }
            Self::Absent { .. } => {
                "a checkpoint folder has config.json, tokenizer.json and model.safetensors (or its shards and index)"
            }
            Self::Foreign { remedy, .. } | Self::Adapter { remedy, .. } => return Some(remedy.clone()),
            Self::UnknownKey { path, field, .. } => {
                return Some(format!(
                    "where it is a note of some tool and no part of the model, remove `{field}` from {}",
                    path.display()
                ));
            }
            Self::Malformed { .. } => "the file may be cut short: fetch it again and compare its size and sha256",
            Self::Tensors { .. } | Self::Weight { .. } => {
                "`indieval models check MODEL` lists everything that is wrong"
            }
            Self::OtherTokenizer { remedy, .. } => return Some(remedy.clone()),
            Self::PreTokenizer { .. } => {
                "use the safetensors checkpoint with its tokenizer.json, or a GGUF made by a newer converter"
            }
            Self::UnknownModel { near, .. } if !near.is_empty() => {
                return Some(format!("did you mean {}?", near.join(" or ")));
            }
            Self::UnknownModel { .. } => "`indieval models list` shows the registry",
            Self::Unavailable { remedy, .. } | Self::Hub { remedy, .. } => {
                let copied = || "try again later, or copy the checkpoint here and name its folder".to_owned();
                return Some(remedy.clone().unwrap_or_else(copied));
            }
            Self::Device { remedy, .. } => return Some(remedy.clone()),
            Self::Memory { .. } => "allow more (`--memory`), compute in `--dtype bf16`, or take a smaller model",
            Self::Changed { .. } => "put the file back and give the command again: what was computed is kept",
            Self::Mismatch { .. } => "remove the file and fetch it again",
            Self::Many(errors) => return errors.iter().find_map(Self::hint),
            Self::Read { source, .. } => read_hint(source.kind()),
            Self::AdaptedFake => "leave `--adapter` out, or name a model",
            Self::FakeSeed { .. } => "take a whole number of at least 0, such as fake:1",
            Self::Tensor { .. } => {
                "where memory ran out: allow less of it (`--memory`), or take another dtype (`--dtype bf16`) or \
                 `--device cpu`"
            }
            Self::Field { path, .. } | Self::Tokenizer { path, .. } if is_gguf(path) => {
                "use another GGUF file of the model, or its safetensors checkpoint with a tokenizer.json"
            }
            Self::Field { .. } => {
                "put the file of the model's own repository in its place; where it has the same value, the model needs what \
                 this program does not have: `indieval models list` names checkpoints that are known to work"
            }
            Self::Tokenizer { .. } => {
                "put the tokenizer.json and tokenizer_config.json of the model's own repository in their place; where \
                 these have the same fault, a GGUF file of the model brings a tokenizer of its own"
            }
        };
        Some(text.to_owned())
    }
}

/// Why a family is not one of those that are supported, as far as it is known.
fn reason_against(family: &str) -> String {
    Family::reason_against(family).map_or_else(String::new, |why| format!(": {why}"))
}
