#!/usr/bin/env bash
# Fuzzes everything that reads bytes of other people's, one target after the other, and prints a line of figures for each.
#
# usage: scripts/fuzz.sh [TARGET=INPUTS...]     without any, the campaign of docs/benchmarks.md: 10 million inputs
#
# Needs a nightly compiler (rustup toolchain install nightly), a C++ compiler and Python. The first build takes some ten
# minutes. Begins with the inputs of scripts/make_fuzz_corpus.py and with what earlier runs found worth keeping
# (fuzz/corpus). An input that makes a target fail, take 10 seconds or 2 GiB, ends that target and lies in fuzz/artifacts;
# `fuzz/target/release/TARGET FILE` repeats it. Exit status 1 where there is one.
#
# PREBUILT=FOLDER  where the programs of all targets are, built already
# INDIEVAL=PROGRAM the indieval that makes the corpus (default target/release/indieval)
set -euo pipefail
cd "$(dirname "$0")/.."

# The dear ones first; by far the most are of what is cheap.
campaign=(
  records=15000 records-1=15000 graded=15000 generate=15000 score=15000 checkpoint=40000 survey=50000 labels=50000
  adapter=40000 packed=200000 chat=200000
  gguf=600000 safetensors=1000000 answer-paper=1000000 answer-single=1500000 metadata=1500000 template=2000000
  spec=2000000
)
[ $# -gt 0 ] || set -- "${campaign[@]}"
for job in "$@"; do
  [[ "$job" =~ ^[a-z0-9-]+=[0-9]+$ ]] || { echo "usage: scripts/fuzz.sh [TARGET=INPUTS...]" >&2; exit 2; }
done

programs=${PREBUILT:-}
if [ -z "$programs" ]; then
  target=${CARGO_TARGET_DIR:-$PWD/fuzz/target}
  (cd fuzz && CARGO_TARGET_DIR=$target cargo build --release --locked)
  programs=$target/release
fi
if [ ! -d fuzz/base ]; then
  program=${INDIEVAL:-target/release/indieval}
  [ -x "$program" ] || cargo build --release --locked
  scripts/make_fuzz_corpus.py "$program"
fi

# One thread: an input is a small thing, and the others have work of their own.
export RAYON_NUM_THREADS=1
failed=0 TIMEFORMAT='%U %S'
printf '%-14s %10s %8s %12s %9s %7s %11s %5s\n' target inputs seconds processor/s coverage corpus slowest/ms MiB
for job in "$@"; do
  name=${job%=*} inputs=${job#*=}
  mkdir -p "fuzz/corpus/$name" "fuzz/artifacts/$name"
  log=fuzz/artifacts/$name.log
  begun=$(date +%s)
  processor=$({ time "$programs/$name" "fuzz/corpus/$name" -runs="$inputs" -timeout=10 -rss_limit_mb=2048 \
    -max_len=65536 -artifact_prefix="fuzz/artifacts/$name/" -print_final_stats=1 >"$log" 2>&1; } 2>&1) || {
    failed=1
    echo "$name failed; $log ends with:"
    grep -vE '^#|^stat::|NEW|REDUCE' "$log" | tail -n 25
  }
  seconds=$(($(date +%s) - begun))
  figure() { sed -n "s/^stat::$1: *//p" "$log" | tail -n 1; }
  last=$(grep -oE 'cov: [0-9]+ ft: [0-9]+ corp: [0-9]+' "$log" | tail -n 1)
  ran=$(figure number_of_executed_units)
  printf '%-14s %10s %8s %12.0f %9s %7s %11s %5s\n' "$name" "${ran:--}" "$seconds" \
    "$(awk '{print $1 + $2}' <<<"$processor")" "$(awk '{print $2}' <<<"$last")" "$(awk '{print $6}' <<<"$last")" \
    "$(sed -n 's/^slowest so far: \([0-9]*\) ms$/\1/p' "$log" | tail -n 1)" "$(figure peak_rss_mb)"
done
exit $failed
