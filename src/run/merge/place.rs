//! Merged files take the place of the run's, all of them or none.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::base::files::write_bytes;
use crate::run::names::{MERGED, PEOPLE, RUN, SESSIONS, SPEC};
use crate::run::records::evidence_file;
use crate::run::{Header, RECORDS, RunError};
use crate::scoring::EvidenceKind;

/// Says that everything beside it is whole: from then on a merge that was killed is finished, not begun anew.
const WHOLE: &str = "whole";

/// A folder for what is merged. It goes where the merge fails, since it may be as large as the run.
pub(super) struct MergedFiles {
    /// Where it is.
    pub folder: PathBuf,
    /// Whether all of it is there, so that it stays until it is in its place.
    whole: bool,
}

impl MergedFiles {
    /// An empty one.
    ///
    /// # Errors
    /// [`RunError::Write`].
    pub fn prepare(run: &Path) -> Result<Self, RunError> {
        let folder = run.join(MERGED);
        remove(&folder)?;
        std::fs::create_dir_all(&folder).map_err(|source| written(&folder, source))?;
        Ok(Self { folder, whole: false })
    }

    /// Puts merged files, which are complete, in the place of the run's.
    ///
    /// # Errors
    /// [`RunError::Write`].
    pub fn place(mut self, run: &Path, header: &Header) -> Result<(), RunError> {
        let spec = self.folder.join(SPEC);
        write_bytes(&spec, header.spec.to_toml()?.as_bytes()).map_err(|source| written(&spec, source))?;
        let mark = self.folder.join(WHOLE);
        write_bytes(&mark, b"").map_err(|source| written(&mark, source))?;
        self.whole = true;
        finish_placing(run)
    }
}

impl Drop for MergedFiles {
    fn drop(&mut self) {
        if !self.whole {
            // What cannot be removed now is by the next merge.
            let _ = remove(&self.folder);
        }
    }
}

/// Finishes what a merge that was killed had begun to put in place.
///
/// # Errors
/// [`RunError::Write`].
pub(super) fn finish_placing(run: &Path) -> Result<(), RunError> {
    let part = run.join(MERGED);
    if !part.join(WHOLE).exists() {
        return Ok(());
    }
    let evidence = EvidenceKind::ALL.map(evidence_file);
    // Records last: evidence of records that are not there is what a kill leaves at any time.
    let names = [PEOPLE, RUN, SPEC, SESSIONS]
        .into_iter()
        .chain(evidence)
        .chain([RECORDS]);
    for name in names {
        let (from, to) = (part.join(name), run.join(name));
        match std::fs::rename(&from, &to) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(written(&to, error)),
            _ => {}
        }
    }
    // The names are on the disk before what says that there is something to be done goes.
    #[cfg(unix)]
    File::open(run)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| written(run, source))?;
    remove(&part)
}

fn remove(part: &Path) -> Result<(), RunError> {
    match std::fs::remove_dir_all(part) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(written(part, error)),
        _ => Ok(()),
    }
}

fn written(path: &Path, source: std::io::Error) -> RunError {
    RunError::Write {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_that_is_killed_while_it_takes_place_is_finished_by_the_next() {
        let names = [PEOPLE, RUN, SPEC, SESSIONS, evidence_file(EvidenceKind::Label), RECORDS];
        for placed in 0..=names.len() {
            let folder = tempfile::tempdir().unwrap();
            let part = folder.path().join(MERGED);
            std::fs::create_dir(&part).unwrap();
            for (at, name) in names.iter().enumerate() {
                std::fs::write(folder.path().join(name), "old").unwrap();
                let place = if at < placed { folder.path() } else { &part };
                std::fs::write(place.join(name), "new").unwrap();
            }
            // Before it is said that all of it is whole, nothing is touched.
            finish_placing(folder.path()).unwrap();
            let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
            assert_eq!(names.iter().filter(|name| read(name) == "new").count(), placed);
            std::fs::write(part.join(WHOLE), "").unwrap();
            finish_placing(folder.path()).unwrap();
            assert!(names.iter().all(|name| read(name) == "new") && !part.exists());
        }
    }
}
