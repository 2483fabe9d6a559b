#!/bin/sh
# Compiles every kernel beside its source, for wasm32 with the MVP's instructions, sign extension and
# bulk memory: `apt-get install clang lld`, then `bench/kernels/build.sh [name…]`.
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- $(ls *.c | sed 's/\.c$//')
for name; do
  "${CLANG:-clang}" --target=wasm32 -std=c11 -O2 -Wall -Wextra -Werror -ffreestanding -nostdlib \
    -fno-math-errno -msign-ext -mbulk-memory -mno-simd128 -mno-multivalue -mno-reference-types \
    -Wl,--no-entry -Wl,--strip-all -Wl,--export=run -Wl,-z,stack-size=65536 \
    -o "$name.wasm" "$name.c"
done
