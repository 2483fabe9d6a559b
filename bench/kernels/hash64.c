// A 64-bit hash in the manner of xxHash: four lanes of multiply and rotate, n passes over 32 KiB.

#include "kernel.h"

#define WORDS 4096
#define P1 0x9e3779b185ebca87ull
#define P2 0xc2b2ae3d27d4eb4full
#define P3 0x165667b19e3779f9ull

static u64 data[WORDS];

static inline u64 rotate(u64 x, u32 by) { return (x << by) | (x >> (64 - by)); }

static inline u64 lane(u64 state, u64 word) { return rotate(state + word * P2, 31) * P1; }

static NOINLINE u64 hash(u64 seed) {
  u64 a = seed + P1 + P2, b = seed + P2, c = seed, d = seed - P1;
  for (u32 i = 0; i < WORDS; i += 4) {
    a = lane(a, data[i]);
    b = lane(b, data[i + 1]);
    c = lane(c, data[i + 2]);
    d = lane(d, data[i + 3]);
  }
  u64 h = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  h = (h ^ lane(0, a)) * P1 + P3;
  h = (h ^ lane(0, c)) * P1 + P3;
  h ^= h >> 33;
  h *= P2;
  h ^= h >> 29;
  return h * P3;
}

u64 EXPORT(run)(u32 n) {
  u32 seed = 99;
  u64 result = 0;
  for (u32 i = 0; i < WORDS; i++) data[i] = (u64)next_random(&seed) << 32 | next_random(&seed);
  for (u32 i = 0; i < n; i++) result = hash(result + i);
  return result;
}
