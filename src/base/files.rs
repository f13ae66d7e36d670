//! Files that are whole or not there.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;
use std::time::Duration;

/// Ending of files that are being written; what a kill left behind may be deleted.
pub(crate) const PART: &str = ".part";

/// Writes a file through a neighbour that takes its name when it is complete and on the disk: a kill at any moment
/// leaves the old content or the new, never a part of it. Missing folders are made. What a kill left of an earlier attempt
/// is removed.
///
/// # Errors
/// What the system or `fill` reports; nothing is left behind then.
pub(crate) fn write_whole<E>(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<(), E>) -> Result<(), E>
where
    E: From<io::Error>,
{
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut prefix = path.file_name().unwrap_or_default().to_owned();
    prefix.push(".");
    let mut part = tempfile::Builder::new();
    let part = part.prefix(&prefix).suffix(PART);
    sweep(folder, &prefix);
    let mut file = permissions(part).tempfile_in(folder)?;
    // Held as long as the file is written, so that nobody takes it for left behind. Where nothing can be locked, nothing is
    // swept.
    let _ = file.as_file().try_lock();
    {
        let mut output = BufWriter::new(file.as_file_mut());
        fill(&mut output)?;
        output.flush()?;
    }
    sync(file.as_file())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// As [`write_whole`] with bytes at hand.
///
/// # Errors
/// What the system reports.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_whole(path, |output| output.write_all(bytes))
}

/// Gives a file that was written under another name in the same file system its own, once it is on the disk: a crash at
/// any moment leaves a whole file there or none.
///
/// # Errors
/// What the system reports.
pub(crate) fn place_whole(part: &Path, path: &Path) -> io::Result<()> {
    sync(&OpenOptions::new().write(true).open(part)?)?;
    std::fs::rename(part, path)
}

/// All of a file that is no larger than `most` bytes, so that no file, and no device that never ends, fills the memory.
///
/// # Errors
/// What the system reports; a file that is larger.
pub(crate) fn read_up_to(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let what = format!("is larger than {most} bytes, more than any file of its kind needs");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(bytes)
}

/// Time within which a part may be one that is about to be locked.
const FRESH: Duration = Duration::from_secs(60);

/// Removes parts of one file that no process writes any more. What cannot be removed is left: it is in nobody's way.
fn sweep(folder: &Path, prefix: &OsStr) {
    let is_old = |path: &Path| {
        let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified());
        modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > FRESH))
    };
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (name, path) = (entry.file_name(), entry.path());
        let (bytes, prefix) = (name.as_encoded_bytes(), prefix.as_encoded_bytes());
        let random = bytes
            .strip_prefix(prefix)
            .and_then(|rest| rest.strip_suffix(PART.as_bytes()));
        if !random.is_some_and(|random| random.iter().all(u8::is_ascii_alphanumeric)) || !is_old(&path) {
            continue;
        }
        if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// What is made here is for whoever may read its folder, not for its owner alone as temporary files are.
fn permissions<'a, 'b, 'c>(builder: &'a mut tempfile::Builder<'b, 'c>) -> &'a mut tempfile::Builder<'b, 'c> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder
}

/// Hands a file to the disk; pipes and devices, which cannot be, are as good as handed over.
fn sync(file: &File) -> io::Result<()> {
    match file.sync_data() {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/file.txt");
        write_bytes(&path, b"one").unwrap();
        write_bytes(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn no_more_is_read_than_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_bytes(&path, b"12345").unwrap();
        assert_eq!(read_up_to(&path, 5).unwrap(), b"12345");
        let error = read_up_to(&path, 4).unwrap_err().to_string();
        assert!(error.contains("larger than 4 bytes"), "{error}");
        #[cfg(unix)]
        assert!(read_up_to(Path::new("/dev/zero"), 1 << 16).is_err());
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_no_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.txt");
        write_bytes(&path, b"old").unwrap();
        let failed = write_whole(&path, |output| {
            output.write_all(b"half")?;
            Err(io::Error::other("no more"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_kill_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let long_ago = std::time::SystemTime::now() - 2 * FRESH;
        let make = |name: &str| {
            let file = File::create(place(name)).unwrap();
            file.set_modified(long_ago).unwrap();
            file
        };
        for name in [
            "file.txt.Ab3xYz.part",
            "file.txt.12345.part",
            "other.txt.Ab3xYz.part",
            "file.txt.a.b.part",
        ] {
            make(name);
        }
        let written = make("file.txt.writes.part");
        written.lock().unwrap();
        File::create(place("file.txt.fresh1.part")).unwrap();
        write_bytes(&place("file.txt"), b"").unwrap();
        let mut left: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let kept = [
            "file.txt",
            "file.txt.a.b.part",
            "file.txt.fresh1.part",
            "file.txt.writes.part",
            "other.txt.Ab3xYz.part",
        ];
        assert_eq!(left, kept);
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_it_as_the_mask_says() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write_bytes(&ours, b"").unwrap();
        File::create(&plain).unwrap();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }
}
