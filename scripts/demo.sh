#!/usr/bin/env bash
# Build, fetch SmolLM2-135M, evaluate synthetic respondents by likelihood and by generation, print the table, write the
# report and say where it is. Run again, it goes on where it was.
#
# usage: scripts/demo.sh [OPTION...]     options of `indieval run`, such as --device cpu
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked
indieval=target/release/indieval
"$indieval" models get SmolLM2-135M-Instruct
"$indieval" run experiments/demo.toml --model SmolLM2-135M-Instruct --survey data/synthetic-respondents.csv \
  --out runs/demo "$@"
