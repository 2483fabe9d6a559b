// A mix: an LZ77 compressor with a hash table, its decompressor, comparison and CRC-32 of what
// comes out, n rounds over 24 KiB of text-like data.

#include "kernel.h"

#define SIZE 24576
#define HASHES 4096
#define SHORTEST 4
#define LONGEST 131

static u8 input[SIZE], packed[SIZE * 2], output[SIZE + LONGEST];
static u16 heads[HASHES];
static u32 crc_table[256];

static void make_input(u32 seed) {
  for (u32 i = 0; i < SIZE;) {
    const u32 random = next_random(&seed);
    if (i > 64 && (random & 3) != 0) {
      const u32 distance = 1 + (random >> 8) % (i < 2000 ? i : 2000);
      for (u32 size = 3 + (random >> 2) % 20; size > 0 && i < SIZE; size--, i++) {
        input[i] = input[i - distance];
      }
    } else {
      input[i++] = (u8)('a' + (random >> 8) % 26);
    }
  }
}

static inline u32 hash4(const u8 *p) {
  const u32 word = p[0] | p[1] << 8 | p[2] << 16 | (u32)p[3] << 24;
  return (word * 2654435761u) >> 20;
}

/** Tokens: 0..127 that many literals + 1 follow; 128.. a match of length - 4, distance follows. */
static NOINLINE u32 pack(void) {
  u32 n = 0, literals = 0, i = 0;
  for (u32 h = 0; h < HASHES; h++) heads[h] = 0xffff;
  while (i < SIZE) {
    u32 size = 0, candidate = 0;
    if (i + SHORTEST <= SIZE) {
      const u32 h = hash4(input + i);
      candidate = heads[h];
      heads[h] = (u16)i;
      if (candidate < i) {
        const u32 most = SIZE - i < LONGEST ? SIZE - i : LONGEST;
        while (size < most && input[candidate + size] == input[i + size]) size++;
      }
    }
    if (size >= SHORTEST) {
      packed[n++] = (u8)(128 + size - SHORTEST);
      packed[n++] = (u8)(i - candidate);
      packed[n++] = (u8)((i - candidate) >> 8);
      literals = 0;
      i += size;
    } else {
      if (literals == 0 || packed[literals - 1] == 127) {
        literals = n + 1;
        packed[n++] = 0;
      } else {
        packed[literals - 1]++;
      }
      packed[n++] = input[i++];
    }
  }
  return n;
}

static NOINLINE u32 unpack(u32 size) {
  u32 n = 0;
  for (u32 i = 0; i < size;) {
    const u32 token = packed[i++];
    if (token < 128) {
      for (u32 left = token + 1; left > 0; left--) output[n++] = packed[i++];
    } else {
      const u32 distance = packed[i] | (u32)packed[i + 1] << 8;
      i += 2;
      for (u32 left = token - 128 + SHORTEST; left > 0; left--, n++) {
        output[n] = output[n - distance];
      }
    }
  }
  return n;
}

static NOINLINE u32 crc32(const u8 *bytes, u32 size) {
  u32 crc = 0xffffffff;
  for (u32 i = 0; i < size; i++) crc = crc_table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
  return ~crc;
}

u32 EXPORT(run)(u32 n) {
  u32 hash = MIX_START;
  for (u32 i = 0; i < 256; i++) {
    u32 c = i;
    for (u32 bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ c >> 1 : c >> 1;
    crc_table[i] = c;
  }
  for (u32 round = 0; round < n; round++) {
    make_input(round + 17);
    const u32 size = pack();
    if (unpack(size) != SIZE) __builtin_trap();
    for (u32 i = 0; i < SIZE; i++) {
      if (input[i] != output[i]) __builtin_trap();
    }
    hash = mix(mix(hash, size), crc32(output, SIZE));
  }
  return hash;
}
