;; Arrays of i32: n times, one of 4,096 random numbers is filled, summed up from its front, copied
;; in part and sorted as a heap.

(module
  (type $words (array (mut i32)))

  (global $state (mut i32) (i32.const 1))

  (func $random (result i32)
    (global.set $state
      (i32.xor (global.get $state) (i32.shl (global.get $state) (i32.const 13))))
    (global.set $state
      (i32.xor (global.get $state) (i32.shr_u (global.get $state) (i32.const 17))))
    (global.set $state
      (i32.xor (global.get $state) (i32.shl (global.get $state) (i32.const 5))))
    (global.get $state))

  (func $fill (param $words (ref $words))
    (local $i i32)
    (loop $again
      (array.set $words (local.get $words) (local.get $i) (call $random))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (array.len (local.get $words))))))

  ;; Each element becomes the sum of those up to it.
  (func $sums (param $words (ref $words))
    (local $i i32)
    (local $sum i32)
    (loop $again
      (local.set $sum
        (i32.add (local.get $sum) (array.get $words (local.get $words) (local.get $i))))
      (array.set $words (local.get $words) (local.get $i) (local.get $sum))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (array.len (local.get $words))))))

  ;; Lets the element at $i sink to its place in the heap of the first $length.
  (func $sink (param $words (ref $words)) (param $i i32) (param $length i32)
    (local $value i32)
    (local $child i32)
    (local.set $value (array.get $words (local.get $words) (local.get $i)))
    (block $done
      (loop $again
        (local.set $child
          (i32.add (i32.shl (local.get $i) (i32.const 1)) (i32.const 1)))
        (br_if $done (i32.ge_u (local.get $child) (local.get $length)))
        (if (i32.lt_u
              (i32.add (local.get $child) (i32.const 1))
              (local.get $length))
          (then
            (local.set $child
              (i32.add
                (local.get $child)
                (i32.lt_s
                  (array.get $words (local.get $words) (local.get $child))
                  (array.get $words
                    (local.get $words)
                    (i32.add (local.get $child) (i32.const 1))))))))
        (br_if $done
          (i32.ge_s
            (local.get $value)
            (array.get $words (local.get $words) (local.get $child))))
        (array.set $words
          (local.get $words)
          (local.get $i)
          (array.get $words (local.get $words) (local.get $child)))
        (local.set $i (local.get $child))
        (br $again)))
    (array.set $words (local.get $words) (local.get $i) (local.get $value)))

  (func $sort (param $words (ref $words))
    (local $i i32)
    (local $last i32)
    (local.set $i (i32.shr_u (array.len (local.get $words)) (i32.const 1)))
    (loop $heap
      (local.set $i (i32.sub (local.get $i) (i32.const 1)))
      (call $sink (local.get $words) (local.get $i) (array.len (local.get $words)))
      (br_if $heap (local.get $i)))
    (local.set $i (i32.sub (array.len (local.get $words)) (i32.const 1)))
    (loop $again
      (local.set $last (array.get $words (local.get $words) (local.get $i)))
      (array.set $words
        (local.get $words)
        (local.get $i)
        (array.get $words (local.get $words) (i32.const 0)))
      (array.set $words (local.get $words) (i32.const 0) (local.get $last))
      (call $sink (local.get $words) (i32.const 0) (local.get $i))
      (local.set $i (i32.sub (local.get $i) (i32.const 1)))
      (br_if $again (local.get $i))))

  ;; The elements in their order, mixed; 0 if the order is wrong.
  (func $check (param $words (ref $words)) (result i32)
    (local $i i32)
    (local $hash i32)
    (local $before i32)
    (local.set $hash (i32.const 0x811c9dc5))
    (local.set $before (i32.const 0x80000000))
    (loop $again
      (if (i32.lt_s
            (array.get $words (local.get $words) (local.get $i))
            (local.get $before))
        (then (return (i32.const 0))))
      (local.set $before (array.get $words (local.get $words) (local.get $i)))
      (local.set $hash
        (i32.mul
          (i32.xor (local.get $hash) (local.get $before))
          (i32.const 16777619)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (array.len (local.get $words)))))
    (local.get $hash))

  (func (export "run") (param $n i32) (result i32)
    (local $words (ref $words))
    (local $half (ref $words))
    (local $sum i32)
    (global.set $state (i32.const 3))
    (local.set $words (array.new_default $words (i32.const 4096)))
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        (call $fill (local.get $words))
        (call $sums (local.get $words))
        (local.set $half (array.new $words (i32.const -1) (i32.const 2048)))
        (array.copy $words $words
          (local.get $words) (i32.const 1024) (local.get $half) (i32.const 0) (i32.const 512))
        (array.copy $words $words
          (local.get $half) (i32.const 0) (local.get $words) (i32.const 512) (i32.const 1024))
        (call $sort (local.get $words))
        (call $sort (local.get $half))
        (local.set $sum
          (i32.add
            (i32.mul (local.get $sum) (i32.const 17))
            (i32.xor (call $check (local.get $words)) (call $check (local.get $half)))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (local.get $sum)))
