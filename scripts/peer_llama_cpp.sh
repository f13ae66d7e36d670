#!/usr/bin/env bash
# The work unit W in llama.cpp, built natively from the source package of llama-cpp-python, turn by turn with this engine
# on the same weights in bf16: shared prefix as llama.cpp's batched-bench does it, and an estimate of all continuations
# packed into one prompt behind the prefix (without logits). Takes a quarter of an hour to build on two cores.
# usage: scripts/peer_llama_cpp.sh [FOLDER for the build]
#
# GGUF=FILE   another model in bf16, such as scripts/random_gguf.py writes, in place of SmolLM2
# THREADS=N   as many as there are processors, unless told otherwise; `taskset` beside it keeps both to the same ones
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(realpath -m "${1:-target/peer-llama-cpp}")
version=0.3.36
threads="${THREADS:-$(nproc)}"
export RAYON_NUM_THREADS="$threads"
mkdir -p "$work"
[ -x "$work/venv/bin/pip" ] || python3 -m venv "$work/venv"
export PATH="$work/venv/bin:$PATH"
pip install --quiet cmake ninja scikit-build-core
if [ ! -d "$work/llama_cpp_python-$version" ]; then
  pip download --quiet --no-deps --no-binary :all: --no-build-isolation --dest "$work" "llama-cpp-python==$version"
  tar -C "$work" -xzf "$work/llama_cpp_python-$version.tar.gz"
fi
cmake -S "$work/llama_cpp_python-$version/vendor/llama.cpp" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DGGML_NATIVE=ON -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF \
  -DLLAMA_BUILD_SERVER=OFF >"$work/configure.log"
ninja -C "$work/build" llama-batched-bench llama-bench llama-quantize >"$work/build.log"

cargo build --release --locked
model="${GGUF:-$work/bf16.gguf}"
if [ -z "${GGUF:-}" ]; then
  gguf=$(target/release/indieval models get SmolLM2-135M-Instruct 2>/dev/null)
  "$work/build/bin/llama-quantize" --allow-requantize "$gguf" "$model" BF16 >/dev/null 2>&1
fi
cargo bench --locked --bench work_unit --no-run
for turn in 1 2 3; do
  printf '\n== turn %s: llama.cpp, shared prefix\n' "$turn"
  "$work/build/bin/llama-batched-bench" -m "$model" -t "$threads" -tb "$threads" -c 8192 -b 2048 -ub 512 \
    -npp 3500 -ntg 15 -npl 87 -pps -kvu 2>/dev/null | tail -4
  printf '\n== turn %s: this engine\n' "$turn"
  cargo bench --locked --bench work_unit -- --dtype bf16 ${GGUF:+--model "$(realpath "$GGUF")"}
done
printf '\n== llama.cpp, 1,305 tokens packed behind 3,500, no logits\n'
for shape in "3500 0" "1305 3500"; do
  read -r tokens depth <<<"$shape"
  "$work/build/bin/llama-bench" -m "$model" -t "$threads" -p "$tokens" -d "$depth" -n 0 -r 3 2>/dev/null | tail -3
done
