// A 3x3 binomial blur (1 2 1) of a grey image of 256x256 bytes, n times, to and fro.

#include "vector.h"

#define WIDTH 256
#define HEIGHT 256
/** So that the neighbours of the first and of the last pixel can be read. */
#define MARGIN 16

static u8 images[2][MARGIN + WIDTH * HEIGHT + MARGIN];

/** Eight pixels of a row, weighed horizontally: at most 4 * 255. */
static inline v128_t across(const u8 *at) {
  const v128_t left = wasm_u16x8_load8x8(at - 1), right = wasm_u16x8_load8x8(at + 1);
  const v128_t middle = wasm_u16x8_load8x8(at);
  return wasm_i16x8_add(wasm_i16x8_add(left, right), wasm_i16x8_shl(middle, 1));
}

/** Eight pixels, weighed both ways, rounded. */
static inline v128_t weighed(const u8 *at) {
  const v128_t outer = wasm_i16x8_add(across(at - WIDTH), across(at + WIDTH));
  const v128_t sum = wasm_i16x8_add(outer, wasm_i16x8_shl(across(at), 1));
  return wasm_u16x8_shr(wasm_i16x8_add(sum, wasm_i16x8_splat(8)), 4);
}

static NOINLINE void blur(u8 *to, const u8 *from) {
  for (u32 i = WIDTH; i < WIDTH * (HEIGHT - 1); i += 16) {
    wasm_v128_store(to + i, wasm_u8x16_narrow_i16x8(weighed(from + i), weighed(from + i + 8)));
  }
}

u32 EXPORT(run)(u32 n) {
  u32 state = 4, hash = MIX_START;
  for (u32 i = 0; i < sizeof images[0]; i++) images[0][i] = images[1][i] = (u8)next_random(&state);
  for (u32 i = 0; i < n; i++) {
    blur(images[~i & 1] + MARGIN, images[i & 1] + MARGIN);
    hash = mix(hash, images[~i & 1][MARGIN + WIDTH * (1 + i % (HEIGHT - 2)) + i % WIDTH]);
  }
  for (u32 i = 0; i < sizeof images[0]; i++) hash = mix(hash, images[n & 1][i]);
  return hash;
}
