//! Files as memory maps, so that nothing is read that is not needed and nothing is copied twice.

use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::model::LoadError;

/// A file's bytes, read by the operating system page by page.
#[derive(Debug)]
pub(crate) struct MappedFile {
    path: PathBuf,
    // An empty file cannot be mapped.
    map: Option<Mmap>,
}

impl MappedFile {
    pub(crate) fn open(path: &Path) -> Result<Self, LoadError> {
        let failed = |source| LoadError::read(path, source);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(LoadError::malformed(path, "is not a file"));
        }
        let map = match metadata.len() {
            0 => None,
            // SAFETY: the map is read only and private to this process. As with every memory map, another process
            // that cuts the file short while it is in use ends this one with a bus error; checkpoints are written
            // under another name and renamed when complete, here and by the hub's own tools.
            _ => Some(unsafe { Mmap::map(&file) }.map_err(failed)?),
        };
        Ok(Self {
            path: path.to_owned(),
            map,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }

    /// The bytes from `start`, `length` of them, if they lie in the file.
    pub(crate) fn slice(&self, start: usize, length: usize) -> Option<&[u8]> {
        self.bytes().get(start..start.checked_add(length)?)
    }
}
