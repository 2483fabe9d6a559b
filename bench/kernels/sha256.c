// SHA-256 (FIPS 180-4) of n messages of 1 KiB, each beginning with the digest of the one before.

#include "kernel.h"

static const u32 K[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define MESSAGE 1024

static u8 message[MESSAGE + 64];
static u32 state[8];

static inline u32 rotate(u32 x, u32 by) { return (x >> by) | (x << (32 - by)); }

static NOINLINE void block(const u8 *bytes) {
  u32 w[64];
  for (u32 i = 0; i < 16; i++) {
    const u8 *p = bytes + 4 * i;
    w[i] = (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
  }
  for (u32 i = 16; i < 64; i++) {
    const u32 s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
    const u32 s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  u32 a = state[0], b = state[1], c = state[2], d = state[3];
  u32 e = state[4], f = state[5], g = state[6], h = state[7];
  for (u32 i = 0; i < 64; i++) {
    const u32 s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const u32 t1 = h + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i];
    const u32 s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const u32 t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

static void digest(void) {
  static const u32 start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                               0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  for (u32 i = 0; i < 8; i++) state[i] = start[i];
  for (u32 i = 0; i < MESSAGE + 64; i += 64) block(message + i);
}

u32 EXPORT(run)(u32 n) {
  for (u32 i = 0; i < MESSAGE; i++) message[i] = (u8)(i * 7);
  message[MESSAGE] = 0x80;
  message[MESSAGE + 62] = (MESSAGE * 8) >> 8;
  for (u32 i = 0; i < n; i++) {
    digest();
    for (u32 j = 0; j < 32; j++) message[j] = (u8)(state[j / 4] >> (24 - 8 * (j % 4)));
  }
  return state[0] ^ state[7];
}
