//! Weight files: their headers through a memory map, their tensors read by position.
//!
//! A tensor that was read leaves no page of the file in this process, and one whose file was cut short meanwhile is an error
//! where a memory map would end the process.

use std::fs::{File, Metadata};
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::model::LoadError;

/// A file's bytes, read by the operating system page by page.
#[derive(Debug)]
pub(crate) struct MappedFile {
    path: PathBuf,
    file: File,
    /// What it was when it was opened.
    opened: Metadata,
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
            file,
            opened: metadata,
            map,
        })
    }

    /// Reads the bytes from `start`, `length` of them.
    ///
    /// # Errors
    /// A file that is shorter than it was, was written to or replaced, or cannot be read.
    pub(crate) fn read(&self, start: usize, length: usize) -> Result<Vec<u8>, LoadError> {
        self.read_each(std::iter::once(start), length)
    }

    /// Reads `length` bytes from each of `starts`, one after the other.
    ///
    /// # Errors
    /// As [`MappedFile::read`].
    pub(crate) fn read_each(&self, starts: impl Iterator<Item = usize>, length: usize) -> Result<Vec<u8>, LoadError> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for start in starts {
            match runs.last_mut() {
                Some(run) if run.end == start => run.end += length,
                _ => runs.push(start..start + length),
            }
        }
        let mut bytes = vec![0; runs.iter().map(Range::len).sum()];
        let mut rest = bytes.as_mut_slice();
        for run in runs {
            let (here, after) = rest.split_at_mut(run.len());
            self.read_into(run.start, here)?;
            rest = after;
        }
        self.check_unchanged()?;
        Ok(bytes)
    }

    #[cfg(unix)]
    fn read_into(&self, start: usize, bytes: &mut [u8]) -> Result<(), LoadError> {
        use std::os::unix::fs::FileExt;
        self.file
            .read_exact_at(bytes, start as u64)
            .map_err(|source| match source.kind() {
                std::io::ErrorKind::UnexpectedEof => self.changed("is shorter than it was"),
                _ => LoadError::read(&self.path, source),
            })
    }

    #[cfg(not(unix))]
    fn read_into(&self, start: usize, bytes: &mut [u8]) -> Result<(), LoadError> {
        match self.slice(start, bytes.len()) {
            Some(found) => bytes.copy_from_slice(found),
            None => return Err(self.changed("is shorter than it was")),
        }
        Ok(())
    }

    /// Whether the file of that path still is the one that was opened.
    fn check_unchanged(&self) -> Result<(), LoadError> {
        let now = std::fs::metadata(&self.path).map_err(|_| self.changed("is no longer there"))?;
        let same = |a: &Metadata, b: &Metadata| {
            #[cfg(unix)]
            let place = {
                use std::os::unix::fs::MetadataExt;
                (a.dev(), a.ino()) == (b.dev(), b.ino())
            };
            #[cfg(not(unix))]
            let place = true;
            place && a.len() == b.len() && a.modified().ok() == b.modified().ok()
        };
        match same(&now, &self.opened) {
            true => Ok(()),
            false => Err(self.changed("is another file, or was written to")),
        }
    }

    fn changed(&self, how: &'static str) -> LoadError {
        LoadError::Changed {
            path: self.path.clone(),
            how,
        }
    }

    /// Gives back the memory of pages that were read through the map; they are read again where they are looked at again.
    pub(crate) fn give_back(&self) {
        #[cfg(unix)]
        if let Some(map) = &self.map {
            // SAFETY: the map is of a file and read only: a page that is given back is read from the file again, so no byte
            // changes for those who hold a slice of it. Where the advice fails, the pages stay.
            let _ = unsafe { map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_under_the_reader_is_an_error_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        let write = |bytes: &[u8]| std::fs::write(&path, bytes).unwrap();
        write(&[7; 100]);
        let file = MappedFile::open(&path).unwrap();
        assert_eq!(file.read(10, 3).unwrap(), [7; 3]);
        let said = |start| file.read(start, 20).unwrap_err().to_string();
        // A new file under the old name, which leaves the one that was opened as it was.
        let other = folder.path().join("other");
        std::fs::write(&other, [8; 100]).unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(said(0).contains("weights: is another file"), "{}", said(0));
        std::fs::remove_file(&path).unwrap();
        assert!(said(0).contains("is no longer there"), "{}", said(0));

        write(&[7; 100]);
        let file = MappedFile::open(&path).unwrap();
        std::fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(50)
            .unwrap();
        let said = file.read(40, 20).unwrap_err();
        assert!(said.to_string().contains("is shorter than it was"), "{said}");
        assert!(said.hint().is_some());
    }
}
