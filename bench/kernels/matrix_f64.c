// Products of two matrices of f64 by the textbook's three loops, n times: loads with two strides.

#include "kernel.h"

#define SIZE 120

static f64 a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

static NOINLINE void multiply(void) {
  for (u32 i = 0; i < SIZE; i++) {
    for (u32 j = 0; j < SIZE; j++) {
      f64 sum = 0;
      for (u32 k = 0; k < SIZE; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
}

u32 EXPORT(run)(u32 n) {
  u32 seed = 12345, hash = MIX_START;
  for (u32 i = 0; i < SIZE; i++) {
    for (u32 j = 0; j < SIZE; j++) {
      a[i][j] = (f64)(next_random(&seed) >> 20);
      b[i][j] = (f64)(next_random(&seed) >> 20);
    }
  }
  for (u32 round = 0; round < n; round++) {
    a[round % SIZE][round / SIZE % SIZE] += 1;
    multiply();
    hash = mix(hash, (u32)c[round % SIZE][0]);
  }
  for (u32 i = 0; i < SIZE; i++) {
    for (u32 j = 0; j < SIZE; j++) hash = mix(hash, (u32)c[i][j]);
  }
  return hash;
}
