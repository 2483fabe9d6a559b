;; What src/interpreter/training.ts runs besides single register instructions: calls and returns of
;; every kind, br_table, and what they need. `npm run generate` assembles it.
(module
  (type $unary (func (param i32) (result i32)))
  (memory 1)
  ;; The third is a function of no instance, as host functions are.
  (table 3 funcref)
  (elem (i32.const 0) $leaf $leaf)
  (global (mut i32) (i32.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i32) (i32.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i32) (i32.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i32) (i32.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i32) (i32.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i32) (i32.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i32) (i32.const 0)) (global (mut i64) (i64.const 0))
  (global (mut i32) (i32.const 0)) (global (mut i64) (i64.const 0))
  (func $leaf (param i32) (result i32) (local i32 i64) (local.get 0))
  (func $nothing (local i32))
  (func $long (param i64) (result i64) (local.get 0))
  (func $reference (param externref) (result externref) (local.get 0))
  (func $tail (param i32) (result i32) (local i64) (return_call $leaf (local.get 0)))
  (func $choose (param i32) (result i32)
    (block $two (block $one (block $zero (br_table $zero $one $two (local.get 0)))
      (return (i32.const 10)))
      (return (i32.const 11)))
    (i32.const 12))
  ;; Slots that want the wide form of instructions.
  (func $many
    (local
      i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
      i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
      i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
      i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
      i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
      i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32
      i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (local.set 139 (i32.const 1)))
  (func (export "train") (param i32) (result i32)
    (local i32)
    (call $nothing)
    (drop (call $long (i64.const 1)))
    (drop (call $reference (ref.null extern)))
    (drop (call $tail (local.get 0)))
    (drop (call $choose (local.get 0)))
    (drop (call $choose (i32.const -1)))
    (local.set 1 (call_indirect (type $unary)
      (call_indirect (type $unary) (call $leaf (local.get 0)) (i32.const 1))
      (i32.const 2)))
    ;; Last: the loop for narrow instructions is left here.
    (call $many)
    (local.get 1)))
