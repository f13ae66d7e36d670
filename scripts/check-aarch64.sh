#!/usr/bin/env bash
# Compiles everything for Linux on aarch64 and runs the tests of the kernels there, under emulation.
#
# usage: scripts/check-aarch64.sh [compile]     compile: without running anything
#
# Some dependencies compile C, so a cross compiler must be there, and qemu-user for what runs: on Debian and Ubuntu,
#   apt-get install gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user
# RUSTC=COMPILER  one that has aarch64's standard library already; otherwise rustup adds it.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 0 ] || [ "$*" = compile ] || { echo "usage: scripts/check-aarch64.sh [compile]" >&2; exit 2; }
target=aarch64-unknown-linux-gnu
need() { command -v "$1" >/dev/null || { echo "error: no $1; install $2" >&2; exit 1; }; }
need aarch64-linux-gnu-gcc "gcc-aarch64-linux-gnu and g++-aarch64-linux-gnu"
[ -n "${RUSTC:-}" ] || rustup target add "$target"
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc CXX_aarch64_unknown_linux_gnu=aarch64-linux-gnu-g++
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
RUSTFLAGS="-D warnings" cargo check --locked --workspace --all-targets --target "$target"
[ "$*" != compile ] || exit 0

need qemu-aarch64 qemu-user
# Tests of the CUDA kernels compile them for the processor they run on.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64 -E CXX=aarch64-linux-gnu-g++ -L /usr/aarch64-linux-gnu"
# The kernels are what is compiled otherwise for another processor: all else follows from them.
cargo test --locked --features checks --target "$target" --package indieval-kernels
