// Decodes base64 (RFC 4648), 16 characters to 12 bytes at a time, by lookups in registers (after
// Muła and Lemire 2018): 12 KiB of text, n times, with one character changed from one to the next.

#include "vector.h"

#define BYTES 9216
#define TEXT (BYTES / 3 * 4)

static u8 text[TEXT];
static u8 decoded[BYTES + 16];
static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The number of characters that were decoded: all of them, or those before the first wrong ones. */
static NOINLINE u32 decode(void) {
  // A character is wrong if the bits that its two halves have in these tables meet.
  const v128_t by_low = wasm_i8x16_const(0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11,
                                         0x13, 0x1a, 0x1b, 0x1b, 0x1b, 0x1a);
  const v128_t by_high = wasm_i8x16_const(0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10,
                                          0x10, 0x10, 0x10, 0x10, 0x10, 0x10);
  /** What is added to a character, by its upper half; that of '/' comes first. */
  const v128_t offsets = wasm_i8x16_const(0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0);
  const v128_t half = wasm_i8x16_splat(0x0f);
  u8 *to = decoded;
  for (u32 i = 0; i < TEXT; i += 16, to += 12) {
    const v128_t c = wasm_v128_load(text + i);
    const v128_t high = wasm_v128_and(wasm_u32x4_shr(c, 4), half);
    const v128_t low = wasm_v128_and(c, half);
    const v128_t wrong = wasm_v128_and(wasm_i8x16_swizzle(by_low, low),
                                       wasm_i8x16_swizzle(by_high, high));
    if (wasm_v128_any_true(wrong)) return i;
    const v128_t slash = wasm_i8x16_eq(c, wasm_i8x16_splat('/'));
    const v128_t six = wasm_i8x16_add(c, wasm_i8x16_swizzle(offsets, wasm_i8x16_add(slash, high)));
    // Four times 6 bits, lowest character first, to 24 bits, highest character first.
    const v128_t first = wasm_i32x4_shl(wasm_v128_and(six, wasm_i32x4_splat(0x3f)), 18);
    const v128_t second = wasm_i32x4_shl(wasm_v128_and(six, wasm_i32x4_splat(0x3f00)), 4);
    const v128_t third = wasm_u32x4_shr(wasm_v128_and(six, wasm_i32x4_splat(0x3f0000)), 10);
    const v128_t fourth = wasm_u32x4_shr(six, 24);
    const v128_t bits = wasm_v128_or(wasm_v128_or(first, second), wasm_v128_or(third, fourth));
    wasm_v128_store(
      to, wasm_i8x16_shuffle(bits, bits, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 3, 7, 11, 15));
  }
  return TEXT;
}

u32 EXPORT(run)(u32 n) {
  u32 state = 5, hash = MIX_START;
  for (u32 i = 0; i < TEXT; i++) text[i] = (u8)ALPHABET[next_random(&state) >> 26];
  for (u32 i = 0; i < n; i++) {
    const u32 changed = next_random(&state) % TEXT;
    text[changed] = (u8)ALPHABET[next_random(&state) >> 26];
    hash = mix(hash, decode());
    hash = mix(hash, decoded[next_random(&state) % BYTES]);
  }
  for (u32 i = 0; i < BYTES; i++) hash = mix(hash, decoded[i]);
  // A character that is none stops it.
  text[TEXT / 2] = '*';
  return mix(hash, decode());
}
