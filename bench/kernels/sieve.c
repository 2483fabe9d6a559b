// The sieve of Eratosthenes: byte stores with growing strides, then a count. Done n times.

#include "kernel.h"

#define SIZE 200000

static u8 composite[SIZE];

u32 EXPORT(run)(u32 n) {
  u32 hash = MIX_START;
  for (u32 round = 0; round < n; round++) {
    for (u32 i = 0; i < SIZE; i++) composite[i] = 0;
    for (u32 i = 2; i * i < SIZE; i++) {
      if (composite[i]) continue;
      for (u32 j = i * i; j < SIZE; j += i) composite[j] = 1;
    }
    u32 count = 0, sum = round;
    for (u32 i = 2; i < SIZE; i++) {
      if (composite[i]) continue;
      count++;
      sum += i;
    }
    hash = mix(mix(hash, count), sum);
  }
  return hash;
}
