// What the benchmark kernels share: names of types, a seeded generator, a checksum.
// Freestanding: no libc, no imports. Each kernel exports `run(n)`, where n scales the work, and
// returns a checksum that depends on all of it.

#ifndef KERNEL_H
#define KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int i32;
typedef long long i64;
typedef double f64;

#define EXPORT(name) __attribute__((export_name(#name))) name
#define NOINLINE __attribute__((noinline))
/** Keeps clang from making a bulk memory instruction out of a loop. */
#define PLAIN_LOOPS __attribute__((no_builtin("memcpy", "memmove", "memset")))

/** xorshift32 (Marsaglia 2003): the same numbers on every machine. */
static inline u32 next_random(u32 *state) {
  u32 x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

/** One step of FNV-1a over a word. */
static inline u32 mix(u32 hash, u32 value) { return (hash ^ value) * 16777619u; }

#define MIX_START 2166136261u

#endif
