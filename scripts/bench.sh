#!/usr/bin/env bash
# All benchmarks, one after the other; docs/benchmarks.md holds recorded results with machine and versions.
#
# usage: scripts/bench.sh [BENCH...]     benches: kernels work_unit survey baseline; all of them where none is given
set -euo pipefail
cd "$(dirname "$0")/.."
for bench in "${@:-kernels work_unit survey baseline}"; do
  for one in $bench; do
    case "$one" in
      kernels | work_unit | survey | baseline) ;;
      *) echo "error: no bench is called $one; there are kernels, work_unit, survey and baseline" >&2; exit 2 ;;
    esac
    printf '\n== %s\n' "$one"
    cargo bench --locked --bench "$one"
  done
done
