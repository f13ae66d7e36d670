#!/usr/bin/env bash
# Everything that decides whether a change is good: format, lints, all tests, doc tests and documentation. Installs what
# a fresh machine lacks where it may (the small model and real people's answers from the package registry, Chromium on Debian); a test whose need
# is still missing says so and skips.
#
# usage: scripts/test.sh [STEP...]    steps: format lints tests files docs, all of them where none is given; and slurm
#
# Every step asks for tests or examples as well: development dependencies switch on features of what we depend on, and a
# step without them would compile half of the dependencies again (candle and gemm among them). The feature `checks` adds
# examples/gpu_check, `parquet` an export.
set -euo pipefail
cd "$(dirname "$0")/.."

# rustc's allocator takes huge pages where the kernel gives them to those who ask: a third less time on virtual machines,
# where a page fault is dear.
export MALLOC_CONF="${MALLOC_CONF:-thp:always}"

say() { printf '\n== %s (after %d s)\n' "$*" "$SECONDS"; }

format() {
  say "format"
  cargo fmt --all --check
  rustfmt --edition 2024 --check fuzz/src/lib.rs fuzz/src/bin/*.rs
}

lints() {
  say "lints"
  cargo clippy --locked --workspace --all-targets --features "$features" -- -D warnings || return
  say "lints without the hub"
  cargo clippy --locked --no-default-features --lib --bins --examples -- -D warnings
}

build() {
  say "build"
  cargo test --locked --workspace --features "$features" --no-run
}

# Lints and documentation beside the tests, which take cargo's folder first: cargo lets one command at a time into it, and holds
# it no longer than it compiles. In a folder of their own they could go beside the build, and would compile its scripts and
# macros once more.
tests_and_lints() {
  local log="$built/lints.log" linting
  build
  { sleep 5; lints && docs; } >"$log" 2>&1 & linting=$!
  tests
  wait "$linting" || { cat "$log"; return 1; }
  cat "$log"
}

tests() {
  wait_for "$browser" || echo "Chromium could not be installed; without one the test that opens the report skips."
  wait_for "$people" || echo "The answers of psych::bfi could not be fetched; the test on real people will skip."
  "$built/debug/indieval" models get SmolLM2-135M-Instruct ||
    echo "SmolLM2-135M could not be fetched; the tests on real weights will skip."
  say "tests"
  cargo test --locked --workspace --features "$features"
  say "the check of GPUs, on the CPU, but for what was just tested"
  "$built/debug/examples/gpu_check" --cpu --only half,bits,peak,work,streamed,experts,large
}

# The examples of docs/formats.md on a run's files, in the tools they are for.
files() {
  say "files of a run"
  cargo test --locked --workspace --features "$features" --no-run
  if ! command -v python3 >/dev/null; then
    echo "skipped: there is no python3"
    return
  fi
  local python="$built/formats-venv/bin/python"
  if ! wait_for "$tables"; then
    echo "pandas, polars, duckdb and jsonschema could not be installed; what is not here already is skipped."
    python=python3
  fi
  "$python" scripts/check_formats.py "$built/debug/indieval"
}

# What a fresh machine lacks is fetched while the compiler works; the step that needs it waits for it.
install_browser() {
  if command -v chromium; then return; fi
  [ "$(id -u)" = 0 ] && command -v apt-get && apt-get update -qq &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium
}

fetch_people() { [ -e "$built/tmp/bfi.csv" ] || scripts/fetch-bfi.sh "$built/tmp"; }

install_tables() {
  python3 -m venv "$built/formats-venv" &&
    "$built/formats-venv/bin/pip" install --quiet --disable-pip-version-check pandas polars duckdb jsonschema
}

wait_for() { [ -n "$1" ] && wait "$1"; }

# `indieval slurm` on a real Slurm of two nodes, some minutes; not part of what runs where no step is named.
slurm() {
  say "Slurm"
  cargo build --locked --release --bin indieval
  scripts/slurm-test.sh "$built/release/indieval"
}

docs() {
  say "documentation"
  RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --lib --examples \
    --features "$features"
}

built="${CARGO_TARGET_DIR:-target}"
features=checks,parquet
browser="" tables="" people=""
read -ra steps <<<"${*:-format lints tests files docs}"
for step in "${steps[@]}"; do
  case "$step" in
    tests)
      install_browser >/dev/null 2>&1 & browser=$!
      fetch_people >/dev/null 2>&1 & people=$!
      ;;
    files) install_tables >/dev/null 2>&1 & tables=$! ;;
    format | lints | docs | slurm) ;;
    *) echo "error: no step is called $step; there are format, lints, tests, files, docs and slurm" >&2; exit 2 ;;
  esac
done
case "${steps[*]}" in
  *lints*tests*docs*) together=1 ;;
  *) together="" ;;
esac
for step in "${steps[@]}"; do
  case "$together$step" in
    1lints | 1docs) ;;
    1tests) tests_and_lints ;;
    tests) build; tests ;;
    *) "$step" ;;
  esac
done
