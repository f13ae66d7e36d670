#!/usr/bin/env bash
# Does the engine compute what it should on this GPU, and how fast: one table (examples/gpu_check says what is in it).
# With 80 GB of memory it takes under 8 minutes, most of them to put weights in place.
#
# usage: scripts/gpu-check.sh [ARGS]          builds the check with CUDA and runs it
#        scripts/gpu-check.sh --cpu [ARGS]    the same parts with small models on the CPU: does the check work?
#
# PREBUILT=FILE  the check, built on another machine (scripts/build-cuda.sh, which needs neither a GPU nor a toolkit).
set -euo pipefail
cd "$(dirname "$0")/.."
# Where its test data are, on whatever machine it was built.
export CARGO_MANIFEST_DIR=$PWD
if [ -n "${PREBUILT:-}" ]; then
  exec "$PREBUILT" "$@"
fi
features=cuda,checks
for arg in "$@"; do
  if [ "$arg" = --cpu ]; then features=checks; fi
done
exec cargo run --release --locked --features "$features" --example gpu_check -- "$@"
