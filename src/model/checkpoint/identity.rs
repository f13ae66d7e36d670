//! Which files a result was computed from.

use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::base::hex::sha256_hex;
use crate::model::LoadError;
use crate::model::mapped::MappedFile;

/// One file of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIdentity {
    /// Its name without the folder.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Lower-case hexadecimal sha256 of its content.
    pub sha256: String,
}

/// Identities of files that are mapped already, computed by all threads. What is read for it does not stay in memory.
pub(crate) fn of_maps(files: &[MappedFile]) -> Vec<FileIdentity> {
    files
        .par_iter()
        .map(|file| {
            let identity = identify(file.path(), file.bytes());
            file.give_back();
            identity
        })
        .collect()
}

/// Identity of a small file.
pub(crate) fn of_file(path: &Path) -> Result<FileIdentity, LoadError> {
    let bytes = std::fs::read(path).map_err(|source| LoadError::read(path, source))?;
    Ok(identify(path, &bytes))
}

fn identify(path: &Path, bytes: &[u8]) -> FileIdentity {
    let name = path.file_name().unwrap_or(path.as_os_str());
    FileIdentity {
        name: name.to_string_lossy().into_owned(),
        bytes: bytes.len() as u64,
        sha256: sha256_hex(bytes),
    }
}
