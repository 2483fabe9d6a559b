;; A linked list of 10,000 random numbers is made and sorted by merging its halves, n times.

(module
  (rec (type $node (struct (field $value i32) (field $next (mut (ref null $node))))))

  (global $state (mut i32) (i32.const 1))

  (func $random (result i32)
    (global.set $state
      (i32.xor (global.get $state) (i32.shl (global.get $state) (i32.const 13))))
    (global.set $state
      (i32.xor (global.get $state) (i32.shr_u (global.get $state) (i32.const 17))))
    (global.set $state
      (i32.xor (global.get $state) (i32.shl (global.get $state) (i32.const 5))))
    (global.get $state))

  (func $make (param $length i32) (result (ref null $node))
    (local $list (ref null $node))
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $length)))
        (local.set $list (struct.new $node (call $random) (local.get $list)))
        (local.set $length (i32.sub (local.get $length) (i32.const 1)))
        (br $again)))
    (local.get $list))

  (func $merge (param $a (ref null $node)) (param $b (ref null $node)) (result (ref null $node))
    (local $head (ref $node))
    (local $last (ref $node))
    (local.set $head (struct.new $node (i32.const 0) (ref.null $node)))
    (local.set $last (local.get $head))
    (block $done
      (loop $again
        (br_if $done (ref.is_null (local.get $a)))
        (br_if $done (ref.is_null (local.get $b)))
        (if (i32.le_s (struct.get $node $value (local.get $a))
                      (struct.get $node $value (local.get $b)))
          (then
            (struct.set $node $next (local.get $last) (local.get $a))
            (local.set $last (ref.as_non_null (local.get $a)))
            (local.set $a (struct.get $node $next (local.get $a))))
          (else
            (struct.set $node $next (local.get $last) (local.get $b))
            (local.set $last (ref.as_non_null (local.get $b)))
            (local.set $b (struct.get $node $next (local.get $b)))))
        (br $again)))
    (struct.set $node $next (local.get $last)
      (select (result (ref null $node))
        (local.get $b) (local.get $a) (ref.is_null (local.get $a))))
    (struct.get $node $next (local.get $head)))

  ;; Sorts the first $length nodes, which end there afterwards.
  (func $sort (param $list (ref null $node)) (param $length i32) (result (ref null $node))
    (local $half i32)
    (local $i i32)
    (local $last (ref null $node))
    (local $rest (ref null $node))
    (if (i32.le_u (local.get $length) (i32.const 1))
      (then (return (local.get $list))))
    (local.set $half (i32.shr_u (local.get $length) (i32.const 1)))
    (local.set $last (local.get $list))
    (local.set $i (i32.sub (local.get $half) (i32.const 1)))
    (block $cut
      (loop $again
        (br_if $cut (i32.eqz (local.get $i)))
        (local.set $last (struct.get $node $next (local.get $last)))
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (br $again)))
    (local.set $rest (struct.get $node $next (local.get $last)))
    (struct.set $node $next (local.get $last) (ref.null $node))
    (call $merge
      (call $sort (local.get $list) (local.get $half))
      (call $sort (local.get $rest) (i32.sub (local.get $length) (local.get $half)))))

  ;; The values in their order, mixed; 0 if the order is wrong.
  (func $check (param $list (ref null $node)) (result i32)
    (local $hash i32)
    (local $before i32)
    (local.set $hash (i32.const 0x811c9dc5))
    (local.set $before (i32.const 0x80000000))
    (block $done
      (loop $again
        (br_if $done (ref.is_null (local.get $list)))
        (if (i32.lt_s (struct.get $node $value (local.get $list)) (local.get $before))
          (then (return (i32.const 0))))
        (local.set $before (struct.get $node $value (local.get $list)))
        (local.set $hash
          (i32.mul (i32.xor (local.get $hash) (local.get $before)) (i32.const 16777619)))
        (local.set $list (struct.get $node $next (local.get $list)))
        (br $again)))
    (local.get $hash))

  (func (export "run") (param $n i32) (result i32)
    (local $sum i32)
    (global.set $state (i32.const 1))
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $sum
          (i32.add
            (i32.mul (local.get $sum) (i32.const 17))
            (call $check (call $sort (call $make (i32.const 10000)) (i32.const 10000)))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (local.get $sum)))
