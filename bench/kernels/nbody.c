// Planets under gravitation, symplectic Euler steps: f64 arithmetic on a small array of records.

#include "kernel.h"

#define BODIES 5

typedef struct {
  f64 x, y, z, vx, vy, vz, mass;
} Body;

static Body bodies[BODIES];

static void arrange(void) {
  for (i32 i = 0; i < BODIES; i++) {
    const f64 r = 1.0 + 1.7 * i, v = 1.0 / __builtin_sqrt(r);
    bodies[i] = (Body){r, 0.1 * i, -0.05 * i, -0.1 * v, v, 0.02 * i, 1e-3 / (1 + i)};
  }
  bodies[0] = (Body){0, 0, 0, 0, 0, 0, 1.0};
}

static NOINLINE void advance(f64 dt) {
  for (i32 i = 0; i < BODIES; i++) {
    Body *a = &bodies[i];
    for (i32 j = i + 1; j < BODIES; j++) {
      Body *b = &bodies[j];
      const f64 dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
      const f64 square = dx * dx + dy * dy + dz * dz;
      const f64 factor = dt / (square * __builtin_sqrt(square));
      a->vx -= dx * b->mass * factor;
      a->vy -= dy * b->mass * factor;
      a->vz -= dz * b->mass * factor;
      b->vx += dx * a->mass * factor;
      b->vy += dy * a->mass * factor;
      b->vz += dz * a->mass * factor;
    }
  }
  for (i32 i = 0; i < BODIES; i++) {
    Body *a = &bodies[i];
    a->x += dt * a->vx;
    a->y += dt * a->vy;
    a->z += dt * a->vz;
  }
}

u64 EXPORT(run)(u32 n) {
  arrange();
  for (u32 i = 0; i < n; i++) advance(0.001);
  f64 sum = 0;
  for (i32 i = 0; i < BODIES; i++) sum += bodies[i].x + 3 * bodies[i].vy - 7 * bodies[i].z;
  union {
    f64 value;
    u64 bits;
  } result = {sum};
  return result.bits;
}
