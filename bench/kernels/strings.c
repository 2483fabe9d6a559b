// Strings: length, search with and without a skip table, UTF-8 to code points and back, n rounds
// over a text of 12 KiB.

#include "kernel.h"

#define SIZE 12288

static const char *const words[] = {
  "lorem ", "ipsum ", "d\xc3\xb6lor ", "sit ", "\xe6\x8f\x8f\xe7\x94\xbb ", "amet, ",
  "\xf0\x9f\xa6\x80 ", "consectetur ", "e", "na\xc3\xafve ",
};

static u8 text[SIZE + 1], copy[SIZE + 8];
static u32 points[SIZE];

static NOINLINE u32 length(const u8 *s) {
  u32 n = 0;
  while (s[n]) n++;
  return n;
}

static u32 compose(u32 seed) {
  u32 used = 0;
  while (used + 16 < SIZE) {
    for (const char *w = words[next_random(&seed) % 10]; *w; w++) text[used++] = (u8)*w;
  }
  text[used] = 0;
  return used;
}

static NOINLINE u32 count_plain(const u8 *in, u32 size, const u8 *what, u32 n) {
  u32 count = 0;
  for (u32 i = 0; i + n <= size; i++) {
    u32 j = 0;
    while (j < n && in[i + j] == what[j]) j++;
    if (j == n) count++;
  }
  return count;
}

/** Horspool's search. */
static NOINLINE u32 count_skipping(const u8 *in, u32 size, const u8 *what, u32 n) {
  u8 skip[256];
  for (u32 i = 0; i < 256; i++) skip[i] = (u8)n;
  for (u32 i = 0; i + 1 < n; i++) skip[what[i]] = (u8)(n - 1 - i);
  u32 count = 0;
  for (u32 i = 0; i + n <= size; i += skip[in[i + n - 1]]) {
    u32 j = n;
    while (j > 0 && in[i + j - 1] == what[j - 1]) j--;
    if (j == 0) count++;
  }
  return count;
}

static NOINLINE u32 decode(const u8 *in, u32 size) {
  u32 count = 0;
  for (u32 i = 0; i < size;) {
    const u32 b = in[i];
    u32 more = b < 0x80 ? 0 : b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
    u32 point = more == 0 ? b : b & (0x3f >> more);
    for (i++; more > 0; more--) point = point << 6 | (in[i++] & 0x3f);
    points[count++] = point;
  }
  return count;
}

static NOINLINE u32 encode(u8 *out, u32 count) {
  u32 n = 0;
  for (u32 i = 0; i < count; i++) {
    const u32 p = points[i];
    if (p < 0x80) {
      out[n++] = (u8)p;
      continue;
    }
    if (p < 0x800) {
      out[n++] = (u8)(0xc0 | p >> 6);
    } else {
      if (p < 0x10000) {
        out[n++] = (u8)(0xe0 | p >> 12);
      } else {
        out[n++] = (u8)(0xf0 | p >> 18);
        out[n++] = (u8)(0x80 | (p >> 12 & 0x3f));
      }
      out[n++] = (u8)(0x80 | (p >> 6 & 0x3f));
    }
    out[n++] = (u8)(0x80 | (p & 0x3f));
  }
  return n;
}

u32 EXPORT(run)(u32 n) {
  u32 hash = MIX_START;
  for (u32 round = 0; round < n; round++) {
    compose(round + 1);
    const u32 size = length(text);
    hash = mix(hash, count_plain(text, size, (const u8 *)"sit amet", 8));
    hash = mix(hash, count_skipping(text, size, (const u8 *)"consectetur na", 14));
    const u32 count = decode(text, size);
    for (u32 i = 0; i < count; i += 16) hash = mix(hash, points[i]);
    const u32 written = encode(copy, count);
    if (written != size) __builtin_trap();
    for (u32 i = 0; i < size; i++) {
      if (copy[i] != text[i]) __builtin_trap();
    }
    hash = mix(hash, count);
  }
  return hash;
}
