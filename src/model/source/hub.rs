//! Fetching from the hub with the `hf-hub` crate, and checking what came.
//!
//! The crate writes the cache layout and follows the hub's redirects; this module decides which files are wanted, pins
//! them all to one commit, takes up a download where it stopped, and compares size and sha256 of what arrived with what
//! the hub announced, which the crate does not do.

use std::path::{Path, PathBuf};

use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo, Metadata};
use hf_hub::{Cache, CacheRepo, Repo, RepoType};

use super::hub_cache::{self, Choice};
use super::{Environment, Located, Origin, Progress, Wanted};
use crate::base::hex::sha256_hex;
use crate::model::LoadError;
use crate::model::checkpoint::mapped::MappedFile;
use crate::model::registry::is_commit;

/// A download that breaks off is taken up this often.
const RETRIES: usize = 3;

/// Fetches the files of a checkpoint that are not in the cache yet.
pub(super) fn fetch(
    wanted: &Wanted,
    environment: &Environment,
    progress: &mut dyn Progress,
) -> Result<Located, LoadError> {
    let cache = Cache::new(environment.hub_cache.clone());
    let api = ApiBuilder::from_cache(cache.clone())
        .with_endpoint(environment.endpoint.trim_end_matches('/').to_owned())
        .with_token(environment.token.clone())
        .with_retries(RETRIES)
        .build()
        .map_err(|error| explain(&environment.endpoint, wanted, &error))?;
    let at = |revision: &str| Repo::with_revision(wanted.repository.clone(), RepoType::Model, revision.to_owned());

    // Which files there are, and which commit the revision stands for now: all files come from that one.
    let asked = api.repo(at(&wanted.revision));
    let info = asked
        .info()
        .map_err(|error| explain(&wanted.repository, wanted, &error))?;
    let names: Vec<&str> = info.siblings.iter().map(|sibling| sibling.rfilename.as_str()).collect();
    if !is_commit(&info.sha) {
        return Err(odd(&wanted.repository, format!("{:?} is no commit", info.sha)));
    }
    let mut fetcher = Fetcher {
        api: &api,
        repo: api.repo(at(&info.sha)),
        cache: cache.repo(at(&info.sha)),
        wanted,
        commit: &info.sha,
        progress,
    };
    let mut choice = hub_cache::choose(names.iter().copied(), None).map_err(|why| odd(&wanted.repository, why))?;
    if choice == Choice::NeedsIndex {
        let path = fetcher.file(super::INDEX)?;
        let index = std::fs::read(&path).map_err(|source| LoadError::read(&path, source))?;
        choice = hub_cache::choose(names.into_iter(), Some(&index)).map_err(|why| odd(&wanted.repository, why))?;
    }
    let files = match choice {
        Choice::Folder(files) => files,
        Choice::Gguf(file) => vec![file],
        Choice::NeedsIndex => Vec::new(),
    };
    for file in &files {
        fetcher.file(file)?;
    }
    // Written last: a revision is only known to the cache when all its files are there.
    let revision = cache.repo(at(&wanted.revision));
    revision
        .create_ref(&info.sha)
        .map_err(|source| LoadError::read(&environment.hub_cache, source))?;
    let snapshot = hub_cache::folder(&environment.hub_cache, &wanted.repository)
        .join("snapshots")
        .join(&info.sha);
    let path = hub_cache::usable(&snapshot).map_err(|why| odd(&wanted.repository, why))?;
    let origin = Origin::Hub {
        repository: wanted.repository.clone(),
        commit: info.sha,
    };
    Ok(Located { path, origin })
}

struct Fetcher<'a> {
    api: &'a Api,
    repo: ApiRepo,
    cache: CacheRepo,
    wanted: &'a Wanted,
    commit: &'a str,
    progress: &'a mut dyn Progress,
}

impl Fetcher<'_> {
    /// The file in the snapshot, fetched unless it is there.
    fn file(&mut self, name: &str) -> Result<PathBuf, LoadError> {
        let pointer = self.cache.pointer_path(self.commit).join(name);
        if pointer.is_file() {
            return Ok(pointer);
        }
        let url = self.repo.url(name);
        let announced = self
            .api
            .metadata(&url)
            .map_err(|error| explain(&url, self.wanted, &error))?;
        // The tag becomes a file's name.
        if announced.etag().is_empty()
            || !announced
                .etag()
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
        {
            return Err(odd(&url, format!("the etag {:?} is no hash", announced.etag())));
        }
        if announced.commit_hash() != self.commit {
            return Err(odd(
                &url,
                format!("comes from {}, expected {}", announced.commit_hash(), self.commit),
            ));
        }
        let blob = self.cache.blob_path(announced.etag());
        // What an earlier download left is too long only if it is not of this file.
        let part = blob.with_extension("part");
        let left = std::fs::metadata(&part).map_or(0, |metadata| metadata.len());
        if left >= announced.size() as u64 && left > 0 {
            std::fs::remove_file(&part).map_err(|source| LoadError::read(&part, source))?;
        }
        let told = Told {
            progress: self.progress,
            begun: false,
            at: 0,
            told: 0,
        };
        let downloaded = self.repo.download_with_progress(name, told);
        let path = downloaded.map_err(|error| explain(&url, self.wanted, &error))?;
        if let Err(error) = verify(&path, &announced) {
            // Neither is of any use, and the blob would be taken for the file the next time.
            let _ = std::fs::remove_file(&path);
            let _ = std::fs::remove_file(&blob);
            return Err(error);
        }
        Ok(path)
    }
}

/// Compares a file with its announced size and, where the tag is a sha256 (large files), with that.
fn verify(path: &Path, announced: &Metadata) -> Result<(), LoadError> {
    let file = MappedFile::open(path)?;
    let mismatch = |what, expected: String, found: String| {
        Err(LoadError::Mismatch {
            path: path.to_owned(),
            what,
            expected,
            found,
        })
    };
    let bytes = file.bytes();
    if bytes.len() != announced.size() {
        return mismatch("size in bytes", announced.size().to_string(), bytes.len().to_string());
    }
    if announced.etag().len() == 64 {
        let found = sha256_hex(bytes);
        if found != announced.etag().to_ascii_lowercase() {
            return mismatch("sha256", announced.etag().to_owned(), found);
        }
    }
    Ok(())
}

/// The crate's progress as this module's. The crate begins anew at every retry, and counts what was here as having come.
struct Told<'a> {
    progress: &'a mut dyn Progress,
    begun: bool,
    /// Bytes of the file by the crate's count.
    at: u64,
    /// Bytes that were told already.
    told: u64,
}

impl hf_hub::api::Progress for Told<'_> {
    fn init(&mut self, size: usize, file: &str) {
        if !self.begun {
            self.progress.begin(file, size as u64);
        }
        self.begun = true;
        self.at = 0;
    }

    fn update(&mut self, bytes: usize) {
        self.at += bytes as u64;
        if self.at > self.told {
            self.progress.advance(self.at - self.told);
            self.told = self.at;
        }
    }

    fn finish(&mut self) {
        self.progress.end();
    }
}

fn odd(url: &str, what: String) -> LoadError {
    LoadError::Hub {
        url: url.to_owned(),
        what,
        remedy: None,
    }
}

fn explain(url: &str, wanted: &Wanted, error: &ApiError) -> LoadError {
    let status = match error {
        ApiError::RequestError(error) => match error.as_ref() {
            ureq::Error::StatusCode(status) => Some(*status),
            _ => None,
        },
        ApiError::TooManyRetries(inner) => return explain(url, wanted, inner),
        _ => None,
    };
    let (what, remedy) = match status {
        Some(status @ (401 | 403)) => (
            format!("access to {} is refused ({status})", wanted.repository),
            Some(format!(
                "if {} is gated, accept its licence on the hub; then set HF_TOKEN to a token that may read it",
                wanted.repository
            )),
        ),
        Some(404) => (
            format!(
                "not found (404): {}@{} does not exist, or has no such file",
                wanted.repository, wanted.revision
            ),
            None,
        ),
        Some(status) => (format!("answered with the status {status}"), None),
        None => (
            error.to_string(),
            Some(
                "without a network: copy the checkpoint here and name its folder, or fill the hub's cache elsewhere"
                    .to_owned(),
            ),
        ),
    };
    LoadError::Hub {
        url: url.to_owned(),
        what,
        remedy,
    }
}
