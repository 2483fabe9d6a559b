// The Mandelbrot set on an n by n grid: a tight f64 loop without memory.

#include "kernel.h"

static u32 escape(f64 cx, f64 cy) {
  f64 x = 0, y = 0;
  for (u32 i = 0; i < 100; i++) {
    const f64 xx = x * x, yy = y * y;
    if (xx + yy > 4) return i;
    y = 2 * x * y + cy;
    x = xx - yy + cx;
  }
  return 100;
}

u32 EXPORT(run)(u32 n) {
  u32 hash = MIX_START;
  for (u32 row = 0; row < n; row++) {
    for (u32 column = 0; column < n; column++) {
      hash = mix(hash, escape(3.0 * column / n - 2.25, 2.5 * row / n - 1.25));
    }
  }
  return hash;
}
