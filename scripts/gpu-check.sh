#!/usr/bin/env bash
# Checks and measures the engine on a GPU: its own kernels against f64 arithmetic, the golden logits in f32, then the work
# unit W in bf16 on a random checkpoint of Llama-3.1-8B's shape (made here, 16 GB), as a share of the matrix peak measured in
# the same run.
#
# usage: scripts/gpu-check.sh [FOLDER]          FOLDER (default target/gpu-check) receives the checkpoint and the table
#        scripts/gpu-check.sh --cpu [FOLDER]    the same parts with a tiny checkpoint on the CPU: does the script work?
#
# PREBUILT=FOLDER  takes the programs `lib` (the library's tests), `it`, `work_unit` and `random_checkpoint` from there
#                  instead of building them, for a machine with a GPU but no compiler (scripts/build-cuda.sh says how to build without a GPU).
# DEVICE=cuda:N    another GPU. ROWS=...  pass sizes to try.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_MANIFEST_DIR=$PWD
features=(--features cuda) device=${DEVICE:-cuda} shape=llama-3.1-8b dtype=bf16 rows=${ROWS:-512,1024,2048,4096}
if [ "${1:-}" = --cpu ]; then
  shift
  features=() device=cpu shape=tiny rows=${ROWS:-256,512}
fi
folder=${1:-target/gpu-check}
mkdir -p "$folder"
say() { printf '\n== %s\n' "$*"; }

if [ "$device" != cpu ]; then
  command -v nvidia-smi >/dev/null || { echo "no nvidia-smi: is this a machine with an NVIDIA GPU and its driver?" >&2; exit 1; }
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv
fi

# program KIND NAME: the path of a built test, bench or example.
program() {
  if [ -n "${PREBUILT:-}" ]; then
    echo "$PREBUILT/$2"
  else
    local command=(build "--$1" "$2")
    [ "$1" = lib ] && command=(test --lib --no-run)
    cargo "${command[@]}" "${profile[@]}" "${features[@]}" --message-format=json |
      grep -o '"executable":"[^"]*"' | tail -n 1 | cut -d'"' -f4
  fi
}
if [ -n "${PROFILE:-}" ]; then profile=(--profile "$PROFILE"); else profile=(--release); fi

say "programs"
lib=$(program lib lib)
it=$(program test it)
work_unit=$(program bench work_unit)
random_checkpoint=$(program example random_checkpoint)
ls -l "$lib" "$it" "$work_unit" "$random_checkpoint"

say "kernels on $device"
INDIEVAL_TEST_DEVICE=$device "$lib" checks::cuda --test-threads 1

say "golden logits on $device"
INDIEVAL_TEST_DEVICE=$device "$it" golden:: --test-threads 1

say "a random checkpoint of the shape $shape"
[ -e "$folder/$shape/tokenizer.json" ] || "$random_checkpoint" "$folder/$shape" "$shape"

say "the work unit in $dtype on $device"
"$work_unit" --model "$folder/$shape" --device "$device" --dtype "$dtype" --rows "$rows" | tee "$folder/work-unit.txt"
