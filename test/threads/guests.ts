// Guests with shared memories, and what they do to them.

import { Memory, type MemoryOptions, Store } from "../../src/api/index.ts";
import type { StoreOptions } from "../../src/api/store.ts";
import { instanceOf } from "../api/support.ts";

/** Everything that a guest does to the memory it imports. */
export const GUEST = `(module
  (import "env" "memory" (memory 0 65536 shared))
  (func (export "wait32") (param i32 i32 i64) (result i32)
    (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "wait64") (param i32 i64 i64) (result i32)
    (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "notify") (param i32 i32) (result i32)
    (memory.atomic.notify (local.get 0) (local.get 1)))
  (func (export "wake") (param i32)
    (loop (br_if 0 (i32.eqz (memory.atomic.notify (local.get 0) (i32.const 1))))))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "add") (param i32 i32) (result i32)
    (i32.atomic.rmw.add (local.get 0) (local.get 1)))
  (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 7) (local.get 1)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  ;; Counts to the second parameter under a mutex at 0; the count is at 4.
  (func $lock
    (local $seen i32)
    (block $done
      (br_if $done (i32.eqz (local.tee $seen
        (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 1)))))
      (loop $again
        (if (i32.or (i32.eq (local.get $seen) (i32.const 2))
            (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 1) (i32.const 2)))
          (then (drop (memory.atomic.wait32 (i32.const 0) (i32.const 2) (i64.const -1)))))
        (br_if $again (local.tee $seen
          (i32.atomic.rmw.cmpxchg (i32.const 0) (i32.const 0) (i32.const 2)))))))
  (func $unlock
    (if (i32.ne (i32.atomic.rmw.sub (i32.const 0) (i32.const 1)) (i32.const 1)) (then
      (i32.atomic.store (i32.const 0) (i32.const 0))
      (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))))
  (func (export "count") (param $times i32)
    (loop $next
      (call $lock)
      (i32.store (i32.const 4) (i32.add (i32.load (i32.const 4)) (i32.const 1)))
      (call $unlock)
      (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
      (br_if $next (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))))`;

export const NOT_EQUAL = 1;
export const TIMED_OUT = 2;
export const FOREVER = -1n;

/** An instance of GUEST, and its memory: a new one, unless it is given. */
export function guest(
  options: StoreOptions = {},
  memory: Partial<MemoryOptions> | ReturnType<Memory["share"]> = {},
) {
  const store = new Store(options);
  const isShared = "parts" in memory && "type" in memory;
  const own = isShared
    ? Memory.from(store, memory)
    : new Memory(store, { min: 1, max: 10, shared: true, ...memory });
  const instance = instanceOf(GUEST, { env: { memory: own } }, store);
  return { store, memory: own, instance, exports: instance.exports };
}

/** Two guests in stores of their own on one memory. */
export function pair(options: StoreOptions = {}) {
  const first = guest(options);
  return [first, guest({}, first.memory.share())] as const;
}
