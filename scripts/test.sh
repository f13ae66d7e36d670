#!/usr/bin/env bash
# Format, lints, all tests, doc tests and documentation. Installs what a fresh machine lacks where it may
# (the small model from the package registry, Chromium on Debian); a test whose need is still missing says so and skips.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "what the tests need"
if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 ||
    echo "Chromium could not be installed; the test that opens the report will skip."
fi

step "format"
cargo fmt --check

step "build"
cargo build --locked

step "the small model"
target/debug/indieval models get SmolLM2-135M-Instruct ||
  echo "SmolLM2-135M could not be fetched; the tests on real weights will skip."

step "lints"
cargo clippy --locked --all-targets -- -D warnings
cargo clippy --locked --no-default-features -- -D warnings

step "tests"
cargo test --locked

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
