// Quicksort and heapsort of n random numbers each: compare, swap, unpredictable branches.

#include "kernel.h"

#define MOST 200000

static i32 numbers[MOST];

static void swap(i32 *a, i32 *b) {
  const i32 t = *a;
  *a = *b;
  *b = t;
}

static NOINLINE void quicksort(i32 low, i32 high) {
  while (low < high) {
    const i32 pivot = numbers[low + (high - low) / 2];
    i32 i = low, j = high;
    while (i <= j) {
      while (numbers[i] < pivot) i++;
      while (numbers[j] > pivot) j--;
      if (i <= j) swap(&numbers[i++], &numbers[j--]);
    }
    quicksort(low, j);
    low = i;
  }
}

static NOINLINE void sift(u32 root, u32 size) {
  for (u32 child; (child = 2 * root + 1) < size; root = child) {
    if (child + 1 < size && numbers[child] < numbers[child + 1]) child++;
    if (numbers[root] >= numbers[child]) return;
    swap(&numbers[root], &numbers[child]);
  }
}

static void heapsort(u32 size) {
  for (u32 i = size / 2; i-- > 0;) sift(i, size);
  for (u32 i = size; i-- > 1;) {
    swap(&numbers[0], &numbers[i]);
    sift(0, i);
  }
}

static u32 fill(u32 n, u32 seed) {
  for (u32 i = 0; i < n; i++) numbers[i] = (i32)next_random(&seed);
  return seed;
}

static u32 check(u32 n) {
  u32 hash = MIX_START;
  for (u32 i = 0; i < n; i++) {
    if (i > 0 && numbers[i - 1] > numbers[i]) __builtin_trap();
    hash = mix(hash, (u32)numbers[i]);
  }
  return hash;
}

u32 EXPORT(run)(u32 n) {
  if (n > MOST) __builtin_trap();
  const u32 seed = fill(n, 4711);
  quicksort(0, (i32)n - 1);
  const u32 first = check(n);
  fill(n, seed);
  heapsort(n);
  return first ^ check(n);
}
