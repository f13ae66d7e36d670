#!/bin/sh
# Compiles as cargo says, and where the fuzzer is to see which ways an input takes, with coverage. Cargo alone cannot say
# it of a package without saying it of the package's build script, which has no fuzzer to report to.
#
# usage: coverage.sh RUSTC ARGUMENTS...     as cargo's `rustc-wrapper`
rustc=$1
shift
case " $* " in
  *" --crate-name indieval "* | *" --crate-name indieval_fuzz "* | *" --crate-name serde_json "* | *" --crate-name minijinja "*)
    exec "$rustc" "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
      -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
      -Cllvm-args=-sanitizer-coverage-trace-compares
    ;;
esac
exec "$rustc" "$@"
