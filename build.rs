//! Tells the program which commit it was built from.

use std::path::Path;
use std::process::Command;

/// What the program is made of. Where none of it changed since the last build nothing is built again, so a commit alone
/// costs nothing; where something did, the crate is compiled anyway and the commit is looked up with it.
const SOURCES: [&str; 9] = [
    "src",
    "kernels",
    "data",
    "models",
    "prompts",
    "build.rs",
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
];

fn main() {
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
    }
    let release = env!("CARGO_PKG_VERSION");
    let version = match commit() {
        Some(commit) => format!("{release} ({commit})"),
        None => release.to_owned(),
    };
    println!("cargo:rustc-env=INDIEVAL_VERSION={version}");
}

/// The last commit that touched the sources; none without git, or where the sources are not a checkout of their own.
fn commit() -> Option<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != here.canonicalize().ok()? {
        return None;
    }
    let about = |command: &[&str]| git(&[command, &["--"], &SOURCES].concat());
    let commit = about(&["log", "-1", "--format=%h", "--abbrev=10"]).filter(|commit| !commit.is_empty())?;
    let changed = about(&["status", "--porcelain"]).is_none_or(|files| !files.is_empty());
    Some(commit + if changed { " + changes" } else { "" })
}

/// What git says on one command, where it succeeds.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(env!("CARGO_MANIFEST_DIR"))
        .args(arguments)
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
