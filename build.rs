//! Tells the program which commit it was built from.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program is made of. Where none of it changed since the last build nothing is built again, so a commit alone
/// costs nothing; where something did, the crate is compiled anyway and the commit is looked up with it.
const SOURCES: [&str; 8] = [
    "src",
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
    if std::env::var_os("CARGO_FEATURE_CUDA").is_some() {
        for name in ["tree", "rows"] {
            ptx(name);
        }
    }
}

/// Has nvcc make PTX of a file of kernels, for all cards from compute capability 8.0 on. nvcc is looked for where candle's
/// own build looks for it.
fn ptx(name: &str) {
    for variable in ["NVCC", "PATH", "CUDA_HOME", "NVCC_CCBIN"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let named = std::env::var_os("NVCC").map(PathBuf::from);
    let home = std::env::var_os("CUDA_HOME").unwrap_or_else(|| "/usr/local/cuda".into());
    let nvccs = named
        .into_iter()
        .chain(["nvcc".into(), Path::new(&home).join("bin/nvcc")]);
    let out = std::env::var_os("OUT_DIR").unwrap_or_default();
    for nvcc in nvccs {
        let status = Command::new(&nvcc)
            .args(["-ptx", "-arch=compute_80", "-std=c++17", "-O3", "-o"])
            .arg(Path::new(&out).join(format!("{name}.ptx")))
            .arg(format!("src/model/kernels/cuda/{name}.cu"))
            .status();
        match status {
            Ok(status) => {
                assert!(status.success(), "{} failed on {name}.cu: {status}", nvcc.display());
                return;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => panic!("{}: {error}", nvcc.display()),
        }
    }
    panic!("there is no nvcc: put it on the PATH, or set NVCC or CUDA_HOME");
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
