#!/bin/sh
# Compiles every kernel beside its source: `apt-get install clang lld`, then
# `bench/kernels/build.sh [name…]`. For wasm32 with the MVP's instructions, sign extension and bulk
# memory; what is in vector/ with vectors, too. Those in gc/ are text: see gc/build.sh.
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- $(ls *.c vector/*.c | sed 's/\.c$//')
for name; do
  case $name in
    vector/*) vectors=-msimd128 ;;
    *) vectors=-mno-simd128 ;;
  esac
  "${CLANG:-clang}" --target=wasm32 -std=c11 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib \
    -fno-math-errno -msign-ext -mbulk-memory $vectors -mno-multivalue -mno-reference-types \
    -Wl,--no-entry -Wl,--strip-all -Wl,--export=run -Wl,-z,stack-size=65536 \
    -o "$name.wasm" "$name.c"
done
