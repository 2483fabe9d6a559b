// Modules whose calls go as deep as one likes, directly, through another instance, and with handlers
// around.

import { moduleOf } from "../api/support.ts";

export const TABLE = moduleOf(`(module (table (export "t") 1 funcref))`);

/** Calls back, with a tail call of its own beneath. */
export const OTHER = moduleOf(`(module
  (type $walk (func (param i32 i32 externref) (result i64 externref i32)))
  (import "table" "t" (table 1 funcref))
  (func $again (type $walk)
    (return_call_indirect (type $walk)
      (local.get 0) (local.get 1) (local.get 2) (i32.const 0)))
  (func (export "bounce") (type $walk)
    (call $again (local.get 0) (local.get 1) (local.get 2))))`);

/**
 * `walk` calls itself so many levels deep, directly, through another instance, and with handlers
 * around; each level keeps a number and a reference and hands three results up. At the bottom it
 * returns, throws what the handlers from level \`$mode\` on catch, traps (-1), or never stops: there (-2), or in a handler some hundred levels below (-3).
 */
export const GUEST = moduleOf(`(module
  (type $walk (func (param i32 i32 externref) (result i64 externref i32)))
  (import "table" "t" (table 1 funcref))
  (import "other" "bounce" (func $bounce (type $walk)))
  (import "env" "visit" (func $visit (param i32) (result i32)))
  (tag $e (param i64 externref))
  (elem (i32.const 0) func $walk)
  (func $end (param $mode i32) (param $r externref) (result i64 externref i32)
    (if (i32.or
      (i32.gt_s (local.get $mode) (i32.const 0)) (i32.eq (local.get $mode) (i32.const -3)))
      (then (throw $e (i64.const 77) (local.get $r))))
    (if (i32.eq (local.get $mode) (i32.const -1)) (then unreachable))
    (if (i32.eq (local.get $mode) (i32.const -2)) (then
      (return (call $walk (i32.const 1000000) (i32.const 0) (local.get $r)))))
    (i64.const 1) (local.get $r) (call $visit (i32.const 0)))
  (func $guarded (param $n i32) (param $mode i32) (param $r externref)
    (result i64 externref i32)
    (local $x i64) (local $s externref)
    (block $caught (result i64 externref)
      (try_table (catch $e $caught)
        (return (call $walk (local.get $n) (local.get $mode) (local.get $r))))
      unreachable)
    (local.set $s) (local.set $x)
    (if (i32.eq (local.get $mode) (i32.const -3)) (then
      (if (i32.gt_u (local.get $n) (i32.const 100)) (then
        (return (call $walk (i32.const 1000000) (i32.const 0) (local.get $s)))))))
    (if (i32.lt_u (local.get $n) (local.get $mode)) (then
      (throw $e (i64.add (local.get $x) (i64.const 1)) (local.get $s))))
    (local.get $x) (local.get $s) (i32.const 5))
  (func $walk (export "walk") (type $walk)
    (local $x i64) (local $s externref) (local $count i32) (local $maybe externref)
    (if (i32.and (local.get 0) (i32.const 2)) (then (local.set $maybe (local.get 2))))
    (local.set $x (i64.mul (i64.extend_i32_u (local.get 0)) (i64.const 2654435761)))
    (local.set $s (local.get 2))
    (if (i32.eqz (local.get 0)) (then (return_call $end (local.get 1) (local.get 2))))
    (if (i32.eqz (i32.rem_u (local.get 0) (i32.const 31))) (then
      (drop (call $visit (local.get 0)))))
    (local.get 0) (i64.const 3)
    (i32.sub (local.get 0) (i32.const 1)) (local.get 1) (local.get $s)
    (if (param i32 i32 externref) (result i64 externref i32)
      (i32.eq (i32.rem_u (local.get 0) (i32.const 7)) (i32.const 3))
      (then (call $bounce))
      (else (if (param i32 i32 externref) (result i64 externref i32)
        (i32.eq (i32.rem_u (local.get 0) (i32.const 97)) (i32.const 5))
        (then (call $guarded))
        (else (call $walk)))))
    (local.set $count) (local.set $s)
    (i64.add) (i64.xor (local.get $x)) (local.set $x)
    (i32.add (local.get $count)) (i32.add (ref.is_null (local.get $maybe))) (local.set $count)
    (local.get $x)
    (if (result externref) (i32.and (local.get 0) (i32.const 1))
      (then (local.get 2)) (else (local.get $s)))
    (local.get $count)))`);

/** Numbers only. */
export const PLAIN = moduleOf(`(module
  (func $walk (export "walk") (param i32 i32 externref) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (local.get 0)
        (call $plain (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 3))))
  (func $plain (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (local.get 0)
        (call $plain (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 3)))))`);
