//! Compiles the kernels for NVIDIA GPUs.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=src/cuda");
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
            .arg(format!("src/cuda/{name}.cu"))
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
