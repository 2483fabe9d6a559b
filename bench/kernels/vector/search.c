// Searches 64 KiB of text for words, n times: 16 positions at a time by the first and the last byte
// (after Muła 2016), what agrees there byte by byte.

#include "vector.h"

#define LENGTH 65536
#define WORD 7

static u8 text[LENGTH + 16 + WORD];

static NOINLINE u32 count(const u8 *word) {
  const v128_t first = wasm_i8x16_splat((signed char)word[0]);
  const v128_t last = wasm_i8x16_splat((signed char)word[WORD - 1]);
  u32 found = 0;
  for (u32 i = 0; i < LENGTH; i += 16) {
    const v128_t begins = wasm_i8x16_eq(wasm_v128_load(text + i), first);
    const v128_t ends = wasm_i8x16_eq(wasm_v128_load(text + i + WORD - 1), last);
    u32 candidates = wasm_i8x16_bitmask(wasm_v128_and(begins, ends));
    for (; candidates != 0; candidates &= candidates - 1) {
      const u8 *at = text + i + (u32)__builtin_ctz(candidates);
      u32 same = 1;
      while (same < WORD - 1 && at[same] == word[same]) same++;
      found += same == WORD - 1;
    }
  }
  return found;
}

u32 EXPORT(run)(u32 n) {
  u32 state = 6, hash = MIX_START;
  for (u32 i = 0; i < sizeof text; i++) text[i] = (u8)('a' + (next_random(&state) >> 8) % 26);
  for (u32 i = 0; i < n; i++) {
    // A word that is there at least once.
    u8 word[WORD];
    const u8 *from = text + next_random(&state) % (LENGTH - WORD);
    for (u32 j = 0; j < WORD; j++) word[j] = from[j];
    hash = mix(hash, count(word));
  }
  return hash;
}
