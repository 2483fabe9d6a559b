#!/bin/sh
# Assembles every kernel beside its source with wasm-tools, which npm has in jco:
# `bench/kernels/gc/build.sh [name…]`.
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- $(ls *.wat | sed 's/\.wat$//')
for name; do
  npx --yes @bytecodealliance/jco@1.35.0 parse "$name.wat" --output "$name.wasm"
done
