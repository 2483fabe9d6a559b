// Bulk memory: copies and fills of many sizes, by loops over bytes and words and by memory.copy and
// memory.fill, n rounds.

#include "kernel.h"

#define SIZE 16384

static u8 source[SIZE], target[SIZE];

static NOINLINE PLAIN_LOOPS void copy_bytes(u8 *to, const u8 *from, u32 size) {
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < size; i++) to[i] = from[i];
}

static NOINLINE PLAIN_LOOPS void copy_words(u64 *to, const u64 *from, u32 size) {
  for (u32 i = 0; i < size / 8; i++) to[i] = from[i];
}

static NOINLINE PLAIN_LOOPS void fill_bytes(u8 *to, u8 value, u32 size) {
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < size; i++) to[i] = value;
}

static u32 sum(const u8 *bytes, u32 size) {
  u32 hash = MIX_START;
  for (u32 i = 0; i < size; i += 37) hash = mix(hash, bytes[i]);
  return hash;
}

u32 EXPORT(run)(u32 n) {
  u32 hash = MIX_START, seed = 5;
  for (u32 i = 0; i < SIZE; i++) {
    source[i] = (u8)next_random(&seed);
    target[i] = 0;
  }
  for (u32 round = 0; round < n; round++) {
    const u32 at = next_random(&seed) % 4096, size = 1024 + next_random(&seed) % 4096;
    copy_bytes(target + at, source + at / 2, size);
    copy_words((u64 *)(target + 8192), (u64 *)(source + 512), size);
    fill_bytes(target + at / 4, (u8)round, size / 4);
    for (u32 i = 0; i < 16; i++) {
      __builtin_memcpy(target + 64 * i + at, source + 32 * i, 16 + (size >> (i / 2)));
      __builtin_memmove(target + i, target + 7 * i, size / 2);
      __builtin_memset(target + size + 8 * i, (i32)i, 8 + i * 4);
    }
    hash = mix(hash, sum(target, SIZE));
  }
  return hash;
}
