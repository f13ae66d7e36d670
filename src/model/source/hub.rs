//! Fetching from the hub into the cache that its own tools use.
//!
//! Files of a checkpoint all come from one commit. A download that broke off is taken up where it stopped, size and
//! SHA-256 of what arrived are compared with what the hub announced, and a revision counts as cached only when all its
//! files are there. Whatever the hub sends that becomes a path is checked before it does: names of files, commits, tags.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::http::{Announced, Client, CopyError, HttpError};
use super::hub_cache::{self, CheckpointFiles};
use super::{Environment, Located, NamedModel, Origin, Progress};
use crate::base::files::{place_whole, read_up_to, write_bytes};
use crate::base::hex::sha256_hex;
use crate::model::LoadError;
use crate::model::mapped::MappedFile;
use crate::model::registry::is_commit;
use crate::model::tokenizer::LARGEST_SETTINGS;

/// A download that breaks off is taken up this often.
const RETRIES: u32 = 3;

/// Pause before the first retry; each further one takes twice as long.
const PAUSE: Duration = Duration::from_millis(300);

/// What the hub says of a repository.
#[derive(Debug, Deserialize)]
struct Listing {
    sha: String,
    siblings: Vec<Sibling>,
}

#[derive(Debug, Deserialize)]
struct Sibling {
    rfilename: String,
}

/// Fetches the files of a checkpoint that are not in the cache yet.
pub(super) fn fetch(
    wanted: &NamedModel,
    environment: &Environment,
    progress: &mut dyn Progress,
) -> Result<Located, LoadError> {
    let repository = &wanted.repository;
    let client = Client::new(
        &environment.endpoint,
        environment.token.as_deref(),
        environment.patience,
    )
    .map_err(|error| explain(&environment.endpoint, wanted, &error))?;
    // Which files there are, and which commit the revision stands for now: all files come from that one. A branch's
    // name may have slashes, and is one step of the address.
    let revision = wanted.revision.replace('/', "%2F");
    let asked = format!("{}/{revision}", client.url(&["api/models", repository, "revision"]));
    let listing: Listing = client
        .json(&asked)
        .map_err(|error| explain(repository, wanted, &error))?;
    if !is_commit(&listing.sha) {
        return Err(odd(repository, format!("{:?} is not a commit", listing.sha)));
    }
    let folder = hub_cache::folder(&environment.hub_cache, repository);
    let mut fetcher = Fetcher {
        snapshot: folder.join("snapshots").join(&listing.sha),
        blobs: folder.join("blobs"),
        client,
        wanted,
        commit: &listing.sha,
        progress,
    };
    let names = || listing.siblings.iter().map(|sibling| sibling.rfilename.as_str());
    let mut choice = hub_cache::choose(names(), None, wanted.holds).map_err(|why| odd(repository, why))?;
    if choice == CheckpointFiles::NeedsIndex {
        let path = fetcher.file(super::INDEX)?;
        let index = read_up_to(&path, LARGEST_SETTINGS).map_err(|source| LoadError::read(&path, source))?;
        choice = hub_cache::choose(names(), Some(&index), wanted.holds).map_err(|why| odd(repository, why))?;
    }
    let files = match choice {
        CheckpointFiles::Folder(files) => files,
        CheckpointFiles::Gguf(files) => files,
        CheckpointFiles::NeedsIndex => Vec::new(),
    };
    for file in &files {
        fetcher.file(file)?;
    }
    let snapshot = fetcher.snapshot;
    // Written last: a revision is only known to the cache when all its files are there.
    write_ref(&folder.join("refs").join(&wanted.revision), &listing.sha)?;
    let path = hub_cache::usable(&snapshot, wanted.holds).map_err(|why| odd(repository, why))?;
    let origin = Origin::Hub {
        repository: repository.clone(),
        commit: listing.sha,
    };
    Ok(Located { path, origin })
}

/// Fetches files of one commit.
struct Fetcher<'a> {
    client: Client,
    wanted: &'a NamedModel,
    commit: &'a str,
    /// Names of files, each a link to what it holds.
    snapshot: PathBuf,
    /// What files hold, by tag.
    blobs: PathBuf,
    progress: &'a mut dyn Progress,
}

impl Fetcher<'_> {
    /// The file in the snapshot, fetched unless it is there.
    fn file(&mut self, name: &str) -> Result<PathBuf, LoadError> {
        // The choice was made among safe names; a path is not made of anything else.
        if !super::is_safe_path(name) {
            return Err(odd(&self.wanted.repository, format!("lists a file named {name:?}")));
        }
        let pointer = self.snapshot.join(name);
        if pointer.is_file() {
            return Ok(pointer);
        }
        let url = self
            .client
            .url(&[&self.wanted.repository, "resolve", self.commit, name]);
        let announced = self
            .client
            .announced(&url)
            .map_err(|error| explain(&url, self.wanted, &error))?;
        if announced.commit != self.commit {
            return Err(odd(
                &url,
                format!("comes from {:?}, expected {}", announced.commit, self.commit),
            ));
        }
        make_folder(&self.blobs)?;
        let blob = self.blobs.join(&announced.tag);
        let _lock = lock(&blob)?;
        if !blob.is_file() {
            self.download(name, &url, &announced, &blob)?;
        }
        link(&blob, &pointer, name)?;
        Ok(pointer)
    }

    /// Fetches what is missing of a blob, checks it, and gives it its name.
    fn download(&mut self, name: &str, url: &str, announced: &Announced, blob: &Path) -> Result<(), LoadError> {
        let part = blob.with_extension("part");
        let failed = |source| LoadError::read(&part, source);
        remove_link(&part).map_err(failed)?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&part)
            .map_err(failed)?;
        self.progress.begin(name, announced.size);
        let mut left = file.metadata().map_err(failed)?.len();
        // What an earlier download left is too long only if it is not of this file.
        if left > announced.size {
            file.set_len(0).map_err(failed)?;
            left = 0;
        }
        self.progress.advance(left);
        self.copy(url, announced.size, &mut file, left)
            .map_err(|error| match error {
                CopyError::Http(error) => explain(url, self.wanted, &error),
                CopyError::Write(source) => failed(source),
            })?;
        drop(file);
        if let Err(error) = verify(&part, announced) {
            // It is of no use, and would be gone on with the next time.
            let _ = std::fs::remove_file(&part);
            return Err(error);
        }
        place_whole(&part, blob).map_err(failed)?;
        self.progress.end();
        Ok(())
    }

    /// Copies a file from byte `from` on, taken up where it breaks off.
    fn copy(&mut self, url: &str, size: u64, file: &mut File, from: u64) -> Result<(), CopyError> {
        let mut told = from;
        let mut tries = 0;
        loop {
            let at = file.seek(SeekFrom::End(0)).map_err(CopyError::Write)?;
            if at >= size {
                return Ok(());
            }
            let (sink, again) = (&*file, &*file);
            let mut here = at;
            let restart = || {
                let mut file = again;
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0)).map(|_| ())
            };
            let progress = &mut *self.progress;
            let write = |bytes: &[u8]| {
                let mut file = sink;
                file.write_all(bytes)?;
                here = file.stream_position()?;
                // A server that began anew sends again what was told already.
                if here > told {
                    progress.advance(here - told);
                    told = here;
                }
                Ok(())
            };
            match self.client.copy(url, at..size, restart, write) {
                Ok(()) => return Ok(()),
                Err(CopyError::Http(error)) if tries < RETRIES && is_passing(&error) => {
                    std::thread::sleep(PAUSE * 2u32.pow(tries));
                    tries += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether it may go better the next time.
fn is_passing(error: &HttpError) -> bool {
    match error {
        HttpError::Silent(_) | HttpError::Slow(_) | HttpError::Broken(_) | HttpError::Failed(_) => true,
        HttpError::Status(status) => matches!(status, 429 | 500..=599),
        HttpError::Redirect(_) | HttpError::Odd(_) => false,
    }
}

/// Compares a file with its announced size and, where the tag is a SHA-256 (large files), with that.
fn verify(path: &Path, announced: &Announced) -> Result<(), LoadError> {
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
    if bytes.len() as u64 != announced.size {
        return mismatch("size in bytes", announced.size.to_string(), bytes.len().to_string());
    }
    if announced.tag.len() == 64 {
        let found = sha256_hex(bytes);
        if found != announced.tag {
            return mismatch("sha256", announced.tag.clone(), found);
        }
    }
    Ok(())
}

/// Keeps other programs from fetching the same file; the system frees it however the process ends.
fn lock(blob: &Path) -> Result<File, LoadError> {
    let path = blob.with_extension("lock");
    remove_link(&path).map_err(|source| LoadError::read(&path, source))?;
    let file = File::create(&path).map_err(|source| LoadError::read(&path, source))?;
    match file.try_lock() {
        // What cannot be locked (some network file systems) is written without.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let busy = io::Error::new(io::ErrorKind::WouldBlock, "another program is fetching this file");
            Err(LoadError::read(&path, busy))
        }
    }
}

/// Removes a link where a file is to be written: nothing is written to where somebody else's link leads.
fn remove_link(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => std::fs::remove_file(path),
        _ => Ok(()),
    }
}

/// Gives a blob the name of a file in a snapshot: a link that holds wherever the cache is moved to.
fn link(blob: &Path, pointer: &Path, name: &str) -> Result<(), LoadError> {
    let failed = |source| LoadError::read(pointer, source);
    if let Some(folder) = pointer.parent() {
        make_folder(folder)?;
    }
    // A link whose target is gone.
    if pointer.symlink_metadata().is_ok() {
        std::fs::remove_file(pointer).map_err(failed)?;
    }
    #[cfg(unix)]
    {
        // Out of the file's own folders, the commit's and that of the snapshots.
        let up = "../".repeat(2 + name.matches('/').count());
        let tag = blob.file_name().unwrap_or_default().to_string_lossy();
        std::os::unix::fs::symlink(format!("{up}blobs/{tag}"), pointer).map_err(failed)
    }
    #[cfg(not(unix))]
    {
        let _ = name;
        std::fs::copy(blob, pointer).map(|_| ()).map_err(failed)
    }
}

fn write_ref(path: &Path, commit: &str) -> Result<(), LoadError> {
    write_bytes(path, commit.as_bytes()).map_err(|source| LoadError::read(path, source))
}

fn make_folder(path: &Path) -> Result<(), LoadError> {
    std::fs::create_dir_all(path).map_err(|source| LoadError::read(path, source))
}

fn odd(url: &str, what: String) -> LoadError {
    LoadError::Hub {
        url: url.to_owned(),
        what,
        remedy: None,
    }
}

fn explain(url: &str, wanted: &NamedModel, error: &HttpError) -> LoadError {
    let (what, remedy) = match error {
        HttpError::Status(status @ (401 | 403)) => (
            format!("access to {} is refused ({status})", wanted.repository),
            Some(format!(
                "if {} is gated, accept its licence on the hub; then set HF_TOKEN to a token that may read it",
                wanted.repository
            )),
        ),
        HttpError::Status(404) => (
            format!(
                "not found (404): {}@{} does not exist, or has no such file",
                wanted.repository, wanted.revision
            ),
            Some("check the name and the revision; `indieval models list` shows the registry".to_owned()),
        ),
        HttpError::Status(_) | HttpError::Odd(_) | HttpError::Redirect(_) => (error.to_string(), None),
        HttpError::Silent(_) | HttpError::Slow(_) => (
            error.to_string(),
            Some("try again later, or wait longer: HF_HUB_DOWNLOAD_TIMEOUT is in seconds".to_owned()),
        ),
        HttpError::Failed(_) | HttpError::Broken(_) => (
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
