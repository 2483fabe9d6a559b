// Dot products of vectors of 8,192 i8, n times, as in quantised neural networks: products of 16 bits,
// neighbours added as i32.

#include "vector.h"

#define LENGTH 8192

static signed char a[LENGTH], b[2 * LENGTH];

static NOINLINE v128_t dot(const signed char *x, const signed char *y) {
  v128_t sum = wasm_i32x4_splat(0);
  for (u32 i = 0; i < LENGTH; i += 16) {
    const v128_t p = wasm_v128_load(x + i), q = wasm_v128_load(y + i);
    sum = wasm_i32x4_add(sum, wasm_i32x4_extadd_pairwise_i16x8(wasm_i16x8_extmul_low_i8x16(p, q)));
    sum = wasm_i32x4_add(sum, wasm_i32x4_extadd_pairwise_i16x8(wasm_i16x8_extmul_high_i8x16(p, q)));
  }
  return sum;
}

u32 EXPORT(run)(u32 n) {
  u32 state = 3, hash = MIX_START;
  for (u32 i = 0; i < LENGTH; i++) a[i] = (signed char)next_random(&state);
  for (u32 i = 0; i < 2 * LENGTH; i++) b[i] = (signed char)next_random(&state);
  for (u32 i = 0; i < n; i++) hash = mix_vector(hash, dot(a, b + i % LENGTH));
  return hash;
}
