// Recursion: Fibonacci numbers and Ackermann's function, that is, direct calls and little else.

#include "kernel.h"

static NOINLINE u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

static NOINLINE u32 ackermann(u32 m, u32 n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}

u32 EXPORT(run)(u32 n) { return mix(fib(n), ackermann(2, 8 * n)); }
