#!/usr/bin/env bash
# Stand-ins for libcuda, libcublas, libcublasLt, libcurand and libnvrtc, so that a program using CUDA links and starts
# without them. Every function that the bindings (the crate cudarc) declare jumps through a slot. At start-up each real
# library is looked for as usual (LD_LIBRARY_PATH, the system's own list), then where toolkits and drivers put it, and the
# slots are pointed at it. Where it is nowhere, its first call says so, and every call returns that library's "not
# available" error.
#
# usage: scripts/lazy-cuda-stubs.sh OUT CUDA_HOME CUDARC     CUDARC is the folder of cudarc's sources
set -euo pipefail
[ $# = 3 ] || { echo "usage: scripts/lazy-cuda-stubs.sh OUT CUDA_HOME CUDARC" >&2; exit 2; }
out=$1 cuda_home=$2 cudarc=$3

stub() { # NAME SONAME ERROR BINDINGS PATTERN
  local name=$1 soname=$2 error=$3
  grep -ohE "fn $5[A-Za-z0-9_]*\(" "$cudarc/src/$4/sys/mod.rs" | sed 's/^fn //; s/($//' | sort -u >"$out/$name.symbols"
  [ -s "$out/$name.symbols" ] || { echo "no functions of $soname in $cudarc" >&2; exit 1; }
  {
    printf '#include <dlfcn.h>\n#include <stdio.h>\n#include <stdlib.h>\n'
    printf 'static int missing(void) {\n'
    # Of a machine without a driver the program itself tells.
    if [ "$name" != cuda ]; then
      printf '  static int said;\n  if (!said++) fputs("%s is in none of the folders of libraries; LD_LIBRARY_PATH can name more\\n", stderr);\n' \
        "$soname"
    fi
    printf '  return %s;\n}\n' "$error"
    while read -r symbol; do
      printf 'void *slot_%s = (void *)missing;\n' "$symbol"
      printf '__asm__(".text\\n.globl %s\\n.type %s,@function\\n%s:\\n jmp *slot_%s(%%rip)\\n");\n' \
        "$symbol" "$symbol" "$symbol" "$symbol"
    done <"$out/$name.symbols"
    printf 'static const struct { const char *name; void **slot; } table[] = {\n'
    while read -r symbol; do printf '  {"%s", &slot_%s},\n' "$symbol" "$symbol"; done <"$out/$name.symbols"
    cat <<C
  {0, 0}};
static void *in_folder(const char *folder, const char *below) {
  char path[4096];
  if (!folder || snprintf(path, sizeof path, "%s%s/$soname", folder, below) >= (int)sizeof path) return 0;
  return dlopen(path, RTLD_NOW | RTLD_GLOBAL);
}
__attribute__((constructor)) static void load(void) {
  void *library = dlopen("$soname", RTLD_NOW | RTLD_GLOBAL);
  if (!library) library = in_folder(getenv("CUDA_HOME"), "/lib64");
  if (!library) library = in_folder(getenv("CUDA_PATH"), "/lib64");
  if (!library) library = in_folder("/usr/local/cuda", "/lib64");
  if (!library) library = in_folder("/usr/local/nvidia", "/lib64");
  if (!library) return;
  for (int i = 0; table[i].name; i++) {
    void *found = dlsym(library, table[i].name);
    if (found) *table[i].slot = found;
  }
}
C
  } >"$out/$name.c"
  gcc -O1 -w -fPIC -c -o "$out/$name.o" "$out/$name.c"
  echo "INPUT($out/$name.o)" >"$out/lib$name.so"
  echo "lib$name.so: $(wc -l <"$out/$name.symbols") functions of $soname"
}

stub cuda libcuda.so.1 100 driver 'cu[A-Z]'
stub cublasLt libcublasLt.so.13 1 cublaslt cublas
stub cublas libcublas.so.13 1 cublas cublas
stub curand libcurand.so.10 101 curand curand
stub nvrtc libnvrtc.so.13 1 nvrtc nvrtc
echo "INPUT($cuda_home/lib/libcudart_static.a)" >"$out/libcudart.so"
