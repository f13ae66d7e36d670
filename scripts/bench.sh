#!/usr/bin/env bash
# All benchmarks, one after the other; docs/benchmarks.md holds recorded results with machine and versions.
set -euo pipefail
cd "$(dirname "$0")/.."
for bench in kernels work_unit survey baseline; do
  printf '\n== %s\n' "$bench"
  cargo bench --locked --bench "$bench"
done
