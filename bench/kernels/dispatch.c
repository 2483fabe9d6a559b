// Dynamic dispatch: objects of eight classes with a table of methods each, called through it
// (call_indirect), n rounds over 256 objects.

#include "kernel.h"

#define OBJECTS 256

typedef struct Object Object;

typedef struct {
  u32 (*step)(Object *self, u32 input);
  u32 (*weigh)(const Object *self);
} Methods;

struct Object {
  const Methods *methods;
  u32 state, weight;
};

static u32 weigh_light(const Object *o) { return o->weight; }
static u32 weigh_heavy(const Object *o) { return o->weight * 3 + (o->state & 1); }

static u32 add(Object *o, u32 x) { return o->state += x; }
static u32 subtract(Object *o, u32 x) { return o->state -= x; }
static u32 exclude(Object *o, u32 x) { return o->state ^= x; }
static u32 multiply(Object *o, u32 x) { return o->state = o->state * 5 + x; }
static u32 rotate(Object *o, u32 x) { return o->state = (o->state << 5 | o->state >> 27) + x; }
static u32 maximum(Object *o, u32 x) { return o->state = o->state > x ? o->state : x; }
static u32 swap(Object *o, u32 x) {
  const u32 old = o->state;
  o->state = x;
  return old;
}
static u32 count(Object *o, u32 x) {
  o->state++;
  return x;
}

static const Methods classes[8] = {
  {add, weigh_light},    {subtract, weigh_heavy}, {exclude, weigh_light}, {multiply, weigh_heavy},
  {rotate, weigh_light}, {maximum, weigh_heavy},  {swap, weigh_light},    {count, weigh_heavy},
};

static Object objects[OBJECTS];

u32 EXPORT(run)(u32 n) {
  u32 seed = 77, value = 1, total = 0;
  for (u32 i = 0; i < OBJECTS; i++) {
    const u32 random = next_random(&seed);
    objects[i] = (Object){&classes[random % 8], random, random >> 24};
  }
  for (u32 round = 0; round < n; round++) {
    for (u32 i = 0; i < OBJECTS; i++) {
      Object *o = &objects[i];
      value = o->methods->step(o, value + i);
      total += o->methods->weigh(o);
    }
  }
  return mix(value, total);
}
