#!/usr/bin/env bash
# Builds indieval with CUDA, also on a machine that has neither a GPU nor a CUDA toolkit.
#
# usage: scripts/build-cuda.sh [FOLDER]     FOLDER (default target/cuda) receives the compiler and the build
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

if command -v nvcc >/dev/null; then
  exec cargo build --release --locked --features cuda
fi

if [ ! -x "$folder/venv/bin/python" ]; then
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --no-deps nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 \
    nvidia-nvvm==13.0.88 nvidia-cuda-cccl==13.0.85 nvidia-cuda-runtime==13.0.96
fi
CUDA_HOME=$(echo "$folder"/venv/lib/python3.*/site-packages/nvidia/cu13)
export CUDA_HOME PATH=$CUDA_HOME/bin:$PATH

# Where there is no libcuda, a link with empty stand-ins names every function that is missing; the stand-ins then get
# those, and the real build links.
lazy=$folder/lazy
if [ ! -e "$lazy/complete" ]; then
  mkdir -p "$lazy" && : >"$lazy/undefined"
  scripts/lazy-cuda-stubs.sh "$lazy" "$CUDA_HOME"
  cp "$lazy"/lib*.so "$CUDA_HOME/lib/"
  if ! cargo rustc --release --locked --features cuda --bin indieval -- -C link-arg=-Wl,--error-limit=0 \
    2>"$folder/first-link.log"; then
    sed -n 's/.*undefined symbol: \([A-Za-z0-9_]*\).*/\1/p; s/.*undefined reference to `\([A-Za-z0-9_]*\).*/\1/p' \
      "$folder/first-link.log" | sort -u >"$lazy/undefined"
    [ -s "$lazy/undefined" ] || { cat "$folder/first-link.log" >&2; exit 1; }
    scripts/lazy-cuda-stubs.sh "$lazy" "$CUDA_HOME"
    cp "$lazy"/lib*.so "$CUDA_HOME/lib/"
  fi
  touch "$lazy/complete"
fi
cargo build --release --locked --features cuda
ls -l "$CARGO_TARGET_DIR/release/indieval"
