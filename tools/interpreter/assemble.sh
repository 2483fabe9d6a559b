#!/bin/sh
# Assembles training-objects.wat with wasm-tools, which npm has in jco: wabt does not know objects.
set -eu
cd "$(dirname "$0")"
npx --yes @bytecodealliance/jco@1.35.0 parse training-objects.wat --output training-objects.wasm
