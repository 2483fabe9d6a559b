// What the vector kernels share beyond kernel.h: a vector as a word of the checksum.

#ifndef VECTOR_H
#define VECTOR_H

#include "../kernel.h"
#include <wasm_simd128.h>

/** Mixes the four words of a vector into a checksum. */
static inline u32 mix_vector(u32 hash, v128_t v) {
  hash = mix(hash, (u32)wasm_i32x4_extract_lane(v, 0));
  hash = mix(hash, (u32)wasm_i32x4_extract_lane(v, 1));
  hash = mix(hash, (u32)wasm_i32x4_extract_lane(v, 2));
  return mix(hash, (u32)wasm_i32x4_extract_lane(v, 3));
}

#endif
