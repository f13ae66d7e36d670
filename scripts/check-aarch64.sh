#!/usr/bin/env bash
# Compiles everything for Linux on aarch64, without linking or running it.
#
# usage: scripts/check-aarch64.sh
#
# Some dependencies compile C, so a cross compiler must be there: on Debian and Ubuntu,
#   apt-get install gcc-aarch64-linux-gnu g++-aarch64-linux-gnu
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# = 0 ] || { echo "usage: scripts/check-aarch64.sh    (takes no arguments)" >&2; exit 2; }
target=aarch64-unknown-linux-gnu
command -v aarch64-linux-gnu-gcc >/dev/null || {
  echo "error: no aarch64-linux-gnu-gcc; install gcc-aarch64-linux-gnu and g++-aarch64-linux-gnu" >&2
  exit 1
}
rustup target add "$target"
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc CXX_aarch64_unknown_linux_gnu=aarch64-linux-gnu-g++
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
RUSTFLAGS="-D warnings" cargo check --locked --workspace --all-targets --target "$target"
