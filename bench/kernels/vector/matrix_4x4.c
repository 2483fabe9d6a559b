// Products of 4x4 matrices of f32, as graphics make them: 256 turned by one another, n times.

#include "vector.h"

#define MATRICES 256

/** By columns. */
typedef struct {
  v128_t columns[4];
} matrix;

static matrix matrices[MATRICES];

static inline v128_t column(const matrix *a, v128_t b) {
  const v128_t x = wasm_f32x4_mul(a->columns[0], wasm_i32x4_shuffle(b, b, 0, 0, 0, 0));
  const v128_t y = wasm_f32x4_mul(a->columns[1], wasm_i32x4_shuffle(b, b, 1, 1, 1, 1));
  const v128_t z = wasm_f32x4_mul(a->columns[2], wasm_i32x4_shuffle(b, b, 2, 2, 2, 2));
  const v128_t w = wasm_f32x4_mul(a->columns[3], wasm_i32x4_shuffle(b, b, 3, 3, 3, 3));
  return wasm_f32x4_add(wasm_f32x4_add(x, y), wasm_f32x4_add(z, w));
}

static NOINLINE void multiply(matrix *to, const matrix *a, const matrix *b) {
  for (u32 i = 0; i < 4; i++) to->columns[i] = column(a, b->columns[i]);
}

u32 EXPORT(run)(u32 n) {
  // A turn by the angle whose tangent is 3/4, and something to turn.
  const matrix turn = {{
    wasm_f32x4_make(0.8f, 0.6f, 0, 0),
    wasm_f32x4_make(-0.6f, 0.8f, 0, 0),
    wasm_f32x4_make(0, 0, 0.6f, 0.8f),
    wasm_f32x4_make(0, 0, -0.8f, 0.6f),
  }};
  u32 state = 7, hash = MIX_START;
  for (u32 i = 0; i < MATRICES; i++) {
    for (u32 j = 0; j < 4; j++) {
      float lanes[4];
      for (u32 k = 0; k < 4; k++) lanes[k] = (float)(i32)next_random(&state) / 2147483648.0f;
      matrices[i].columns[j] = wasm_v128_load(lanes);
    }
  }
  for (u32 i = 0; i < n; i++) {
    for (u32 j = 0; j < MATRICES; j++) {
      matrix product;
      multiply(&product, &turn, &matrices[j]);
      matrices[j] = product;
    }
  }
  for (u32 i = 0; i < MATRICES; i++) {
    for (u32 j = 0; j < 4; j++) hash = mix_vector(hash, matrices[i].columns[j]);
  }
  return hash;
}
