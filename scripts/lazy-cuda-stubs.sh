#!/usr/bin/env bash
# Stand-ins for libcuda, libcublas, libcublasLt, libcurand and libnvrtc, so that a program using CUDA links and starts
# without them: every function they lack jumps through a slot; at start-up each real library is opened if it is there
# and the slots are pointed at it, otherwise every call returns that library's "not available" error.
#
# usage: scripts/lazy-cuda-stubs.sh OUT CUDA_HOME     OUT/undefined names the functions, one a line
set -euo pipefail
[ $# = 2 ] || { echo "usage: scripts/lazy-cuda-stubs.sh OUT CUDA_HOME" >&2; exit 2; }
out=$1 cuda_home=$2

stub() { # NAME SONAME ERROR WANTED [UNWANTED]
  local name=$1 soname=$2 error=$3
  { grep -E "$4" "$out/undefined" || true; } | { if [ -n "${5:-}" ]; then grep -vE "$5" || true; else cat; fi; } \
    >"$out/$name.symbols"
  {
    printf '#include <dlfcn.h>\nstatic int missing(void) { return %s; }\n' "$error"
    while read -r symbol; do
      printf 'void *slot_%s = (void *)missing;\n' "$symbol"
      printf '__asm__(".text\\n.globl %s\\n.type %s,@function\\n%s:\\n jmp *slot_%s(%%rip)\\n");\n' \
        "$symbol" "$symbol" "$symbol" "$symbol"
    done <"$out/$name.symbols"
    printf 'static const struct { const char *name; void **slot; } table[] = {\n'
    while read -r symbol; do printf '  {"%s", &slot_%s},\n' "$symbol" "$symbol"; done <"$out/$name.symbols"
    printf '  {0, 0}};\n__attribute__((constructor)) static void load(void) {\n'
    printf '  void *library = dlopen("%s", RTLD_NOW | RTLD_GLOBAL);\n  if (!library) return;\n' "$soname"
    printf '  for (int i = 0; table[i].name; i++) {\n    void *found = dlsym(library, table[i].name);\n'
    printf '    if (found) *table[i].slot = found;\n  }\n}\n'
  } >"$out/$name.c"
  gcc -O1 -w -fPIC -c -o "$out/$name.o" "$out/$name.c"
  echo "INPUT($out/$name.o)" >"$out/lib$name.so"
  echo "lib$name.so: $(wc -l <"$out/$name.symbols") functions of $soname"
}

stub cuda libcuda.so.1 100 '^cu[A-Z]'
stub cublasLt libcublasLt.so.13 1 '^cublasLt'
stub cublas libcublas.so.13 1 '^cublas' '^cublasLt'
stub curand libcurand.so.10 101 '^curand'
stub nvrtc libnvrtc.so.13 1 '^nvrtc'
echo "INPUT($cuda_home/lib/libcudart_static.a)" >"$out/libcudart.so"
