// ChaCha20 (RFC 8439), a row of the state in each vector: n times 16 blocks, the keystream mixed.

#include "vector.h"

#define BLOCKS 16

static inline v128_t rotate_16(v128_t x) {
  return wasm_i8x16_shuffle(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}
static inline v128_t rotate_8(v128_t x) {
  return wasm_i8x16_shuffle(x, x, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14);
}
static inline v128_t rotate(v128_t x, u32 by) {
  return wasm_v128_or(wasm_i32x4_shl(x, by), wasm_u32x4_shr(x, 32 - by));
}

typedef struct {
  v128_t a, b, c, d;
} rows;

static inline rows quarters(rows r) {
  r.a = wasm_i32x4_add(r.a, r.b), r.d = rotate_16(wasm_v128_xor(r.d, r.a));
  r.c = wasm_i32x4_add(r.c, r.d), r.b = rotate(wasm_v128_xor(r.b, r.c), 12);
  r.a = wasm_i32x4_add(r.a, r.b), r.d = rotate_8(wasm_v128_xor(r.d, r.a));
  r.c = wasm_i32x4_add(r.c, r.d), r.b = rotate(wasm_v128_xor(r.b, r.c), 7);
  return r;
}

static NOINLINE rows block(const rows *key, u32 counter) {
  rows start = *key;
  start.d = wasm_i32x4_replace_lane(start.d, 0, (i32)counter);
  rows r = start;
  for (u32 i = 0; i < 10; i++) {
    r = quarters(r);
    // Columns become diagonals.
    r.b = wasm_i32x4_shuffle(r.b, r.b, 1, 2, 3, 0);
    r.c = wasm_i32x4_shuffle(r.c, r.c, 2, 3, 0, 1);
    r.d = wasm_i32x4_shuffle(r.d, r.d, 3, 0, 1, 2);
    r = quarters(r);
    r.b = wasm_i32x4_shuffle(r.b, r.b, 3, 0, 1, 2);
    r.c = wasm_i32x4_shuffle(r.c, r.c, 2, 3, 0, 1);
    r.d = wasm_i32x4_shuffle(r.d, r.d, 1, 2, 3, 0);
  }
  r.a = wasm_i32x4_add(r.a, start.a), r.b = wasm_i32x4_add(r.b, start.b);
  r.c = wasm_i32x4_add(r.c, start.c), r.d = wasm_i32x4_add(r.d, start.d);
  return r;
}

u32 EXPORT(run)(u32 n) {
  const rows key = {
    wasm_i32x4_make(0x61707865, 0x3320646e, 0x79622d32, 0x6b206574),
    wasm_i32x4_make(0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c),
    wasm_i32x4_make(0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c),
    wasm_i32x4_make(0, 0x09000000, 0x4a000000, 0),
  };
  v128_t sum = wasm_i32x4_splat(0);
  for (u32 i = 0; i < n * BLOCKS; i++) {
    const rows r = block(&key, i + 1);
    sum = wasm_v128_xor(wasm_v128_xor(sum, r.a), wasm_v128_xor(r.b, wasm_v128_xor(r.c, r.d)));
  }
  return mix_vector(MIX_START, sum);
}
