//! Who may write a run. The system frees a lock however its process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::run::RunError;

/// The file that is locked.
const LOCK: &str = ".lock";

/// How a folder is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum Access {
    /// By nobody else: its files are written.
    Alone,
    /// By others as well, each of whom writes a folder of its own within.
    Beside,
}

/// Locks a folder, which is made if need be, until the file is dropped.
///
/// # Errors
/// [`RunError::Locked`] where another process holds it otherwise; [`RunError::NoLocks`] where nothing can be locked.
pub(in crate::run) fn lock(folder: &Path, access: Access) -> Result<File, RunError> {
    let written = |path: &Path, source| RunError::Write {
        path: path.to_owned(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(|source| written(folder, source))?;
    let path = folder.join(LOCK);
    // Read too: NFS grants a lock beside others only to who may read.
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|source| written(&path, source))?;
    let locked = match access {
        Access::Alone => file.try_lock(),
        Access::Beside => file.try_lock_shared(),
    };
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RunError::Locked {
            folder: folder.to_owned(),
        }),
        Err(TryLockError::Error(source)) => Err(RunError::NoLocks { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_beside_each_other_keep_out_whoever_wants_to_be_alone() {
        let folder = tempfile::tempdir().unwrap();
        let one = lock(folder.path(), Access::Beside).unwrap();
        let other = lock(folder.path(), Access::Beside).unwrap();
        let alone = || lock(folder.path(), Access::Alone);
        assert!(matches!(alone(), Err(RunError::Locked { .. })));
        drop((one, other));
        let held = alone().unwrap();
        assert!(matches!(
            lock(folder.path(), Access::Beside),
            Err(RunError::Locked { .. })
        ));
        drop(held);
        alone().unwrap();
    }
}
