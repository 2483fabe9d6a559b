// Dot products of vectors of 4,096 f32, n times; the second moves by one element from one to the next.

#include "vector.h"

#define LENGTH 4096

static float a[LENGTH], b[2 * LENGTH];

static NOINLINE v128_t dot(const float *x, const float *y) {
  v128_t sum = wasm_f32x4_splat(0), other = sum;
  for (u32 i = 0; i < LENGTH; i += 8) {
    sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_v128_load(x + i), wasm_v128_load(y + i)));
    other = wasm_f32x4_add(
      other, wasm_f32x4_mul(wasm_v128_load(x + i + 4), wasm_v128_load(y + i + 4)));
  }
  return wasm_f32x4_add(sum, other);
}

u32 EXPORT(run)(u32 n) {
  u32 state = 1, hash = MIX_START;
  for (u32 i = 0; i < LENGTH; i++) a[i] = (float)(i32)next_random(&state) / 2147483648.0f;
  for (u32 i = 0; i < 2 * LENGTH; i++) b[i] = (float)(i32)next_random(&state) / 2147483648.0f;
  for (u32 i = 0; i < n; i++) hash = mix_vector(hash, dot(a, b + i % LENGTH));
  return hash;
}
