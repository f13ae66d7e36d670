#!/usr/bin/env bash
# Fuzzes everything that reads bytes of other people's, one target after the other, and prints a line of figures for each.
#
# usage: scripts/fuzz.sh [TARGET=INPUTS...]     without any, the campaign of docs/benchmarks.md: 10 million inputs
#
# Needs a nightly compiler (rustup toolchain install nightly), a C++ compiler and Python. The first build takes some ten
# minutes. Begins with the inputs of scripts/make_fuzz_corpus.py and with what earlier runs found worth keeping
# (fuzz/corpus). An input that makes a target fail, take 10 seconds or 2 GiB, ends that target and lies in fuzz/artifacts;
# `INDIEVAL_FUZZ=TARGET PROGRAM FILE` repeats it, with PROGRAM as printed at the start. Exit status 1 where there is one.
#
# FUZZER=PROGRAM   a fuzzer that is built already, as printed at the start of an earlier run
# INDIEVAL=PROGRAM the indieval that makes the corpus (default target/release/indieval)
set -euo pipefail
cd "$(dirname "$0")/.."

campaign=(
  answer-single=2500000 answer-paper=1500000 template=1000000 spec=500000 metadata=500000 chat=500000 gguf=1000000
  safetensors=1000000 checkpoint=300000 survey=200000 labels=200000 records=200000 records-1=200000 score=200000
  generate=200000
)
[ $# -gt 0 ] || set -- "${campaign[@]}"
for job in "$@"; do
  [[ "$job" =~ ^[a-z0-9-]+=[0-9]+$ ]] || { echo "usage: scripts/fuzz.sh [TARGET=INPUTS...]" >&2; exit 2; }
done

fuzzer=${FUZZER:-}
if [ -z "$fuzzer" ]; then
  target=${CARGO_TARGET_DIR:-$PWD/fuzz/target}
  (cd fuzz && CARGO_TARGET_DIR=$target cargo build --release --locked)
  fuzzer=$target/release/indieval-fuzz
fi
echo "program: $fuzzer"
if [ ! -d fuzz/base ]; then
  program=${INDIEVAL:-target/release/indieval}
  [ -x "$program" ] || cargo build --release --locked
  scripts/make_fuzz_corpus.py "$program"
fi

# One thread: an input is a small thing, and the others have work of their own.
export RAYON_NUM_THREADS=1
failed=0
printf '%-14s %10s %8s %9s %9s %8s %11s %7s\n' target inputs seconds inputs/s coverage corpus slowest/ms MiB
for job in "$@"; do
  name=${job%=*} inputs=${job#*=}
  mkdir -p "fuzz/corpus/$name" "fuzz/artifacts/$name"
  log=fuzz/artifacts/$name.log
  begun=$(date +%s)
  INDIEVAL_FUZZ=$name "$fuzzer" "fuzz/corpus/$name" -runs="$inputs" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
    -artifact_prefix="fuzz/artifacts/$name/" -print_final_stats=1 >"$log" 2>&1 || {
    failed=1
    echo "$name failed; $log ends with:"
    grep -vE '^#|^stat::|NEW|REDUCE' "$log" | tail -n 25
  }
  seconds=$(($(date +%s) - begun))
  figure() { sed -n "s/^stat::$1: *//p" "$log" | tail -n 1; }
  last=$(grep -oE 'cov: [0-9]+ ft: [0-9]+ corp: [0-9]+' "$log" | tail -n 1)
  ran=$(figure number_of_executed_units)
  printf '%-14s %10s %8s %9s %9s %8s %11s %7s\n' "$name" "${ran:--}" "$seconds" \
    "$((${ran:-0} / (seconds > 0 ? seconds : 1)))" "$(awk '{print $2}' <<<"$last")" "$(awk '{print $6}' <<<"$last")" \
    "$(sed -n 's/^slowest so far: \([0-9]*\) ms$/\1/p' "$log" | tail -n 1)" "$(figure peak_rss_mb)"
done
exit $failed
