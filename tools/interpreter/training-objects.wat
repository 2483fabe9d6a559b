;; What src/interpreter/training.ts runs for the loop that knows objects: every instruction on them,
;; with short and long arrays, casts that hold and that fail, and one trap for each argument.
;; tools/interpreter/assemble.sh makes the .wasm of it.
(module
  (rec
    (type $s0 (sub (struct)))
    (type $s1 (sub $s0 (struct (field (mut i32)))))
    (type $s2 (sub $s1 (struct (field (mut i32)) (field (mut (ref null any))))))
    (type $s3 (sub $s2 (struct
      (field (mut i32)) (field (mut (ref null any))) (field (mut i8)))))
    (type $s4 (struct (field (mut i64)) (field (mut i64))))
    (type $s5 (struct (field (mut i64)) (field (mut i64)) (field (mut i16))))
    (type $s6 (struct (field (mut i64)) (field (mut f64)) (field (mut f32)) (field (ref null eq))))
    (type $s7 (struct
      (field i64) (field i64) (field i64) (field (mut i32))))
    (type $s8 (struct (field i64) (field i64) (field i64) (field (mut f64))))
    (type $many (struct
      (field i64) (field i64) (field i64) (field (mut f64)) (field (ref null any)))))
  (type $bytes (array (mut i8)))
  (type $shorts (array (mut i16)))
  (type $ints (array (mut i32)))
  (type $longs (array (mut i64)))
  (type $refs (array (mut (ref null any))))

  (type $unary (func (param i32) (result i32)))
  (elem declare func $leaf)

  (global $any (mut (ref null any)) (ref.null any))
  ;; Long arrays are made outside of the loop.
  (global $longBytes (ref $bytes) (array.new_default $bytes (i32.const 1100)))
  (global $longShorts (ref $shorts) (array.new_default $shorts (i32.const 1100)))
  (global $longInts (ref $ints) (array.new_default $ints (i32.const 1100)))
  (global $longLongs (ref $longs) (array.new_default $longs (i32.const 1100)))
  (global $longRefs (ref $refs) (array.new_default $refs (i32.const 1100)))
  (global $ints (mut (ref null $ints)) (ref.null $ints))

  (func $leaf (type $unary) (local i64 (ref null any)) (local.get 0))

  (func $new (param i32) (result (ref null any))
    (local $i64 i64)
    (local $any (ref null any))
    (local.set $i64 (i64.extend_i32_s (local.get 0)))
    (drop (struct.new $s0))
    (drop (struct.new $s1 (local.get 0)))
    (drop (struct.new $s4 (local.get $i64) (i64.const 1)))
    (drop (struct.new $s5 (local.get $i64) (i64.const 1) (local.get 0)))
    (drop (struct.new $s6 (local.get $i64) (f64.const 1) (f32.const 2) (ref.i31 (i32.const 1))))
    (drop (struct.new $s7 (local.get $i64) (local.get $i64) (i64.const 1) (local.get 0)))
    (drop (struct.new $s8 (local.get $i64) (local.get $i64) (i64.const 1) (f64.const 3)))
    (drop (struct.new $many
      (local.get $i64) (local.get $i64) (i64.const 1) (f64.const 3) (local.get $any)))
    (drop (struct.new_default $many))
    (drop (array.new_fixed $refs 2 (local.get $any) (ref.i31 (local.get 0))))
    (local.set $any (struct.new $s2 (local.get 0) (local.get $any)))
    (struct.new $s3 (local.get 0) (local.get $any) (i32.const -1)))

  (func $fields (param $s3 (ref null $s3)) (param $s6 (ref null $s6)) (result i32)
    (struct.set $s3 0 (local.get $s3) (i32.const 300))
    (struct.set $s3 1 (local.get $s3) (local.get $s6))
    (struct.set $s3 2 (local.get $s3) (i32.const 300))
    (struct.set $s6 0 (local.get $s6) (i64.const -2))
    (drop (struct.get $s6 3 (local.get $s6)))
    (i32.add
      (i32.add
        (i32.wrap_i64 (struct.get $s6 0 (local.get $s6)))
        (struct.get $s3 0 (local.get $s3)))
      (i32.add
        (struct.get_s $s3 2 (local.get $s3))
        (struct.get_u $s3 2 (local.get $s3)))))

  ;; Short arrays of every kind.
  (func $short (param $n i32) (param $any (ref null any)) (result i32)
    (drop (array.new $ints (i32.const 0) (local.get $n)))
    (drop (array.new $refs (ref.null any) (local.get $n)))
    (drop (array.new_default $refs (local.get $n)))
    (call $elements (local.get $n)
      (array.new_default $bytes (local.get $n))
      (array.new $shorts (i32.const -7) (local.get $n))
      (array.new $ints (local.get $n) (local.get $n))
      (array.new $longs (i64.const 9) (local.get $n))
      (array.new $refs (local.get $any) (local.get $n))))

  ;; Reads and writes elements.
  (func $elements (param $n i32)
    (param $bytes (ref $bytes))
    (param $shorts (ref $shorts))
    (param $ints (ref $ints))
    (param $longs (ref $longs))
    (param $refs (ref $refs))
    (result i32)
    (local $i i32)
    (local $sum i32)
    (local.set $i (i32.sub (local.get $n) (i32.const 1)))
    (array.set $bytes (local.get $bytes) (local.get $i) (local.get $i))
    (array.set $shorts (local.get $shorts) (local.get $i) (local.get $i))
    (array.set $ints (local.get $ints) (local.get $i) (local.get $i))
    (array.set $longs (local.get $longs) (local.get $i) (i64.const -3))
    (array.set $refs (local.get $refs) (local.get $i) (array.get $refs (local.get $refs) (i32.const 0)))
    (local.set $sum (i32.add
      (i32.add
        (array.get_s $bytes (local.get $bytes) (local.get $i))
        (array.get_u $bytes (local.get $bytes) (local.get $i)))
      (i32.add
        (array.get_s $shorts (local.get $shorts) (local.get $i))
        (array.get_u $shorts (local.get $shorts) (local.get $i)))))
    (local.set $sum (i32.add (local.get $sum) (i32.add
      (array.get $ints (local.get $ints) (local.get $i))
      (i32.wrap_i64 (array.get $longs (local.get $longs) (local.get $i))))))
    (i32.add (local.get $sum) (i32.add
      (i32.add (array.len (local.get $bytes)) (array.len (local.get $longs)))
      (i32.add (array.len (local.get $refs)) (array.len (local.get $ints))))))

  (func $tests (param $any (ref null any)) (param $s0 (ref null $s0)) (result i32)
    (i32.add
      (i32.add
        (i32.add (ref.test (ref $s2) (local.get $any)) (ref.test (ref null $s2) (local.get $any)))
        (i32.add (ref.test (ref $s2) (local.get $s0)) (ref.test (ref null $s2) (local.get $s0))))
      (i32.add
        (ref.eq (ref.cast eqref (local.get $any)) (local.get $s0))
        (i32.add
          (ref.test (ref i31) (local.get $any))
          (ref.test (ref struct) (local.get $any))))))

  (func $branches (param $any (ref null any)) (param $s0 (ref null $s0)) (result i32)
    (block $a (result (ref $s2))
      (drop (br_on_cast $a (ref null any) (ref $s2) (local.get $any)))
      (drop (br_on_cast $a (ref null $s0) (ref $s2) (local.get $s0)))
      (drop
        (block $b (result (ref null any))
          (drop (br_on_cast_fail $b (ref null any) (ref $s1) (local.get $any)))
          (drop (br_on_cast_fail $b (ref null $s0) (ref $s1) (local.get $s0)))
          (drop (br_on_cast $b (ref null any) (ref i31) (local.get $any)))
          (br_on_cast_fail $b (ref null any) (ref struct) (local.get $any))))
      (return (i32.const 1)))
    (struct.get $s2 0))

  ;; Traps, if the argument is the number of one; the last ones do not.
  (func $traps (param $case i32)
    (local $none (ref null $s3))
    (local $nothing (ref null $ints))
    (local $i31 (ref null i31))
    (block $10 (block $9 (block $8 (block $7 (block $6
    (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
      (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 $9 $10 (local.get $case)))
      (drop (struct.get $s3 0 (local.get $none))))
      (struct.set $s3 0 (local.get $none) (i32.const 1)))
      (drop (array.get $ints (local.get $nothing) (i32.const 1))))
      (array.set $ints (local.get $nothing) (i32.const 1) (i32.const 1)))
      (drop (array.len (local.get $nothing))))
      (drop (array.get $ints (array.new_default $ints (i32.const 3)) (i32.const 3))))
      (drop (array.get $ints (global.get $longInts) (i32.const -1))))
      (drop (i31.get_s (local.get $i31))))
      (drop (ref.cast (ref $s3) (global.get $any))))
      (drop (ref.cast (ref i31) (struct.new_default $s3)))))

  (func (export "train") (param $n i32) (result i32)
    (local $any (ref null any))
    (local $s3 (ref null $s3))
    (local $sum i32)
    (drop (call $leaf (local.get $n)))
    (drop (call_ref $unary (local.get $n) (ref.func $leaf)))
    (global.set $any (call $new (local.get $n)))
    (local.set $any (global.get $any))
    (local.set $s3 (ref.cast (ref null $s3) (local.get $any)))
    (global.set $ints (array.new_fixed $ints 2 (local.get $n) (local.get $n)))
    (local.set $sum (call $fields (local.get $s3)
      (struct.new $s6 (i64.const 1) (f64.const 1) (f32.const 2) (ref.null eq))))
    (local.set $sum (i32.add (local.get $sum) (call $short (i32.const 5) (local.get $any))))
    (local.set $sum (i32.add (local.get $sum) (call $elements (i32.const 1100)
      (global.get $longBytes) (global.get $longShorts) (global.get $longInts)
      (global.get $longLongs) (global.get $longRefs))))
    (local.set $sum (i32.add (local.get $sum) (call $tests (local.get $any) (local.get $s3))))
    (drop (call $tests (ref.null any) (ref.null $s0)))
    (drop (call $tests (ref.i31 (local.get $n)) (struct.new $s0)))
    (drop (call $tests (global.get $ints) (struct.new_default $s1)))
    (local.set $sum (i32.add (local.get $sum) (call $branches (local.get $any) (local.get $s3))))
    (drop (call $branches (ref.null any) (ref.null $s0)))
    (drop (call $branches (ref.i31 (local.get $n)) (struct.new $s0)))
    (drop (call $branches (global.get $ints) (struct.new_default $s1)))
    (drop (ref.cast (ref $s1) (ref.cast (ref null $s0) (local.get $s3))))
    (drop (i31.get_u (ref.i31 (local.get $sum))))
    (drop (i31.get_s (ref.i31 (local.get $sum))))
    (drop (ref.is_null (global.get $ints)))
    (global.set $any (ref.i31 (i32.const 3)))
    (call $traps (local.get $n))
    (local.get $sum)))
