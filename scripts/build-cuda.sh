#!/usr/bin/env bash
# Builds indieval with CUDA, also on a machine that has neither a GPU nor a CUDA toolkit.
#
# usage: scripts/build-cuda.sh [FOLDER]     FOLDER (default target/cuda) receives the compiler and the build: the program
#                                           and examples/gpu_check, which scripts/gpu-check.sh starts
#
# Where `nvcc` is on the PATH it is used. Otherwise the compiler comes from Python wheels, pinned to CUDA 13.0 (a newer
# one writes code that drivers of the 580 series refuse), and libcuda and its kin, which are missing at link time, are
# stood in for by stubs that load the real libraries when the program starts. The binary therefore starts anywhere; on
# a machine without a GPU it runs on the CPU, and `--device cuda` says that there is none.
#
# CUDA_COMPUTE_CAP chooses the architecture (default 90: H100 and H200).
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-target/cuda}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
export CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-90} CUDAFORGE_THREADS=${CUDAFORGE_THREADS:-$(nproc)}
export CARGO_TARGET_DIR=$folder/target

build() { # the program and the check of GPUs
  cargo build --release --locked --features cuda --bin indieval
  cargo build --release --locked --features cuda,checks --example gpu_check
  ls -l "$CARGO_TARGET_DIR"/release/indieval "$CARGO_TARGET_DIR"/release/examples/gpu_check
}
if command -v nvcc >/dev/null; then
  build
  exit
fi

if [ ! -x "$folder/venv/bin/python" ]; then
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --no-deps nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 \
    nvidia-nvvm==13.0.88 nvidia-cuda-cccl==13.0.85 nvidia-cuda-runtime==13.0.96
fi
CUDA_HOME=$(echo "$folder"/venv/lib/python3.*/site-packages/nvidia/cu13)
export CUDA_HOME PATH=$CUDA_HOME/bin:$PATH

# What only a driver or a whole toolkit brings is stood in for.
lazy=$folder/lazy
mkdir -p "$lazy"
cudarc=$(cargo metadata --format-version 1 --locked --features cuda |
  python3 -c 'import json, sys; print(*(p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "cudarc"))')
scripts/lazy-cuda-stubs.sh "$lazy" "$CUDA_HOME" "$(dirname "$cudarc")"
cp "$lazy"/lib*.so "$CUDA_HOME/lib/"
build
