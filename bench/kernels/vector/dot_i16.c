// Dot products of vectors of 8,192 i16, n times, in pairs of lanes that are added as i32.

#include "vector.h"

#define LENGTH 8192

static short a[LENGTH], b[2 * LENGTH];

static NOINLINE v128_t dot(const short *x, const short *y) {
  v128_t sum = wasm_i32x4_splat(0);
  for (u32 i = 0; i < LENGTH; i += 16) {
    const v128_t low = wasm_i32x4_dot_i16x8(wasm_v128_load(x + i), wasm_v128_load(y + i));
    const v128_t high = wasm_i32x4_dot_i16x8(wasm_v128_load(x + i + 8), wasm_v128_load(y + i + 8));
    sum = wasm_i32x4_add(sum, wasm_i32x4_add(low, high));
  }
  return sum;
}

u32 EXPORT(run)(u32 n) {
  u32 state = 2, hash = MIX_START;
  for (u32 i = 0; i < LENGTH; i++) a[i] = (short)next_random(&state);
  for (u32 i = 0; i < 2 * LENGTH; i++) b[i] = (short)next_random(&state);
  for (u32 i = 0; i < n; i++) hash = mix_vector(hash, dot(a, b + i % LENGTH));
  return hash;
}
