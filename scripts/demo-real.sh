#!/usr/bin/env bash
# Build, fetch SmolLM2-135M and the answers of real people to 25 items of personality (psych::bfi), evaluate 20 of them,
# print the table and write the report. Run again, it goes on where it was.
#
# usage: scripts/demo-real.sh [OPTION...]     options of `indieval run`, such as --device cpu
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked
indieval=target/release/indieval
[ -e runs/bfi.csv ] || scripts/fetch-bfi.sh runs
"$indieval" models get SmolLM2-135M-Instruct
"$indieval" run --model SmolLM2-135M-Instruct --survey runs/bfi.csv --definition surveys/bfi.toml --draw 20 \
  --demonstrations 0,10,20 --out runs/demo-real "$@"
