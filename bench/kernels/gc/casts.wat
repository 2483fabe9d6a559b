;; A graph of 4,096 objects of seven types, three deep, whose edges are of type `anyref` or i31: a
;; walk of 16,384 steps, n times, that asks each object for its type and changes it.

(module
  (type $edges (array (mut anyref)))
  (rec
    (type $object (sub (struct (field $edges (ref $edges)) (field $count (mut i32)))))
    (type $number (sub $object
      (struct (field (ref $edges)) (field (mut i32)) (field $value (mut f64)))))
    (type $whole (sub final $number
      (struct (field (ref $edges)) (field (mut i32)) (field (mut f64)) (field $whole (mut i64)))))
    (type $text (sub $object
      (struct (field (ref $edges)) (field (mut i32)) (field $letters (ref $letters)))))
    (type $name (sub final $text
      (struct (field (ref $edges)) (field (mut i32)) (field (ref $letters)) (field $owner anyref))))
    (type $letters (array (mut i8)))
    (type $pair (sub final $object
      (struct (field (ref $edges)) (field (mut i32))
        (field $first (mut anyref)) (field $second (mut anyref))))))

  (global $state (mut i32) (i32.const 1))

  (func $random (result i32)
    (global.set $state
      (i32.xor (global.get $state) (i32.shl (global.get $state) (i32.const 13))))
    (global.set $state
      (i32.xor (global.get $state) (i32.shr_u (global.get $state) (i32.const 17))))
    (global.set $state
      (i32.xor (global.get $state) (i32.shl (global.get $state) (i32.const 5))))
    (global.get $state))

  ;; An object of a random type, without edges.
  (func $make (param $i i32) (result (ref $object))
    (local $edges (ref $edges))
    (local.set $edges (array.new $edges (ref.null any) (i32.const 4)))
    (block $pair
      (block $name
        (block $text
          (block $whole
            (block $number
              (block $object
                (br_table $object $number $whole $text $name $pair
                  (i32.rem_u (call $random) (i32.const 6))))
              (return (struct.new $object (local.get $edges) (local.get $i))))
            (return
              (struct.new $number
                (local.get $edges) (local.get $i) (f64.convert_i32_s (local.get $i)))))
          (return
            (struct.new $whole
              (local.get $edges) (local.get $i)
              (f64.const 0.5) (i64.extend_i32_u (local.get $i)))))
        (return
          (struct.new $text
            (local.get $edges) (local.get $i)
            (array.new $letters (local.get $i) (i32.const 8)))))
      (return
        (struct.new $name
          (local.get $edges) (local.get $i)
          (array.new_fixed $letters 3 (i32.const 97) (local.get $i) (i32.const 99))
          (ref.i31 (local.get $i)))))
    (struct.new $pair
      (local.get $edges) (local.get $i) (ref.i31 (local.get $i)) (ref.null any)))

  ;; Changes the object according to its type; what is mixed into the checksum.
  (func $visit (param $object (ref $object)) (result i32)
    (local $number (ref null $number))
    (local $text (ref null $text))
    (struct.set $object $count (local.get $object)
      (i32.add (struct.get $object $count (local.get $object)) (i32.const 1)))
    (block $other
      (local.set $number
        (block $is_number (result (ref $number))
          (local.set $text
            (block $is_text (result (ref $text))
              (br_on_cast $is_number (ref $object) (ref $number) (local.get $object))
              (br_on_cast $is_text (ref $object) (ref $text))
              (br_if $other (i32.eqz (ref.test (ref $pair))))
              (struct.set $pair $second
                (ref.cast (ref $pair) (local.get $object))
                (struct.get $pair $first (ref.cast (ref $pair) (local.get $object))))
              (struct.set $pair $first
                (ref.cast (ref $pair) (local.get $object))
                (ref.i31 (struct.get $object $count (local.get $object))))
              (return
                (i31.get_s
                  (ref.cast (ref null i31)
                    (struct.get $pair $second (ref.cast (ref $pair) (local.get $object))))))))
          (array.set $letters
            (struct.get $text $letters (local.get $text))
            (i32.const 1)
            (struct.get $object $count (local.get $object)))
          (return
            (i32.add
              (array.get_u $letters (struct.get $text $letters (local.get $text)) (i32.const 1))
              (ref.test (ref $name) (local.get $text))))))
      (struct.set $number $value (local.get $number)
        (f64.add (struct.get $number $value (local.get $number)) (f64.const 1)))
      (if (ref.test (ref $whole) (local.get $number))
        (then
          (struct.set $whole $whole
            (ref.cast (ref $whole) (local.get $number))
            (i64.add
              (struct.get $whole $whole (ref.cast (ref $whole) (local.get $number)))
              (i64.const 0x100000001)))
          (return
            (i32.wrap_i64
              (i64.shr_u
                (struct.get $whole $whole (ref.cast (ref $whole) (local.get $number)))
                (i64.const 16))))))
      (return (i32.trunc_sat_f64_s (struct.get $number $value (local.get $number)))))
    (struct.get $object $count (local.get $object)))

  (func $graph (result (ref $edges))
    (local $all (ref $edges))
    (local $i i32)
    (local $j i32)
    (local.set $all (array.new $edges (ref.null any) (i32.const 4096)))
    (loop $again
      (array.set $edges (local.get $all) (local.get $i) (call $make (local.get $i)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 4096))))
    (local.set $i (i32.const 0))
    (loop $again
      (local.set $j (i32.const 0))
      (loop $edge
        ;; One edge in eight is the number of an object.
        (local.set $j (i32.add (local.get $j) (i32.const 1)))
        (array.set $edges
          (struct.get $object $edges
            (ref.cast (ref $object) (array.get $edges (local.get $all) (local.get $i))))
          (i32.sub (local.get $j) (i32.const 1))
          (if (result anyref) (i32.and (call $random) (i32.const 7))
            (then
              (array.get $edges (local.get $all)
                (i32.and (call $random) (i32.const 4095))))
            (else (ref.i31 (i32.and (call $random) (i32.const 4095))))))
        (br_if $edge (i32.lt_u (local.get $j) (i32.const 4))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 4096))))
    (local.get $all))

  (func (export "run") (param $n i32) (result i32)
    (local $all (ref $edges))
    (local $at (ref $object))
    (local $edge anyref)
    (local $steps i32)
    (local $hash i32)
    (global.set $state (i32.const 2))
    (local.set $all (call $graph))
    (local.set $at (ref.cast (ref $object) (array.get $edges (local.get $all) (i32.const 0))))
    (local.set $steps (i32.shl (local.get $n) (i32.const 14)))
    (loop $again
      (local.set $hash
        (i32.mul
          (i32.xor (local.get $hash) (call $visit (local.get $at)))
          (i32.const 16777619)))
      (local.set $edge
        (array.get $edges
          (struct.get $object $edges (local.get $at))
          (i32.and
            (i32.add
              (i32.shr_u (local.get $hash) (i32.const 9))
              (struct.get $object $count (local.get $at)))
            (i32.const 3))))
      (local.set $at
        (block $object (result (ref $object))
          (br_on_cast $object anyref (ref $object) (local.get $edge))
          (drop)
          (ref.cast (ref $object)
            (array.get $edges (local.get $all)
              (i31.get_u (ref.cast (ref i31) (local.get $edge)))))))
      (local.set $steps (i32.sub (local.get $steps) (i32.const 1)))
      (br_if $again (local.get $steps)))
    (local.get $hash)))
