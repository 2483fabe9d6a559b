;; Binary trees: n perfect trees of 2^12 - 1 nodes are made, counted and dropped, while one of
;; 2^14 - 1 lives all the time (after the benchmark of that name by Hans Boehm).

(module
  (rec (type $tree (struct
    (field $left (ref null $tree))
    (field $right (ref null $tree))
    (field $value i32))))

  (func $make (param $depth i32) (param $value i32) (result (ref $tree))
    (if (result (ref $tree)) (i32.eqz (local.get $depth))
      (then (struct.new $tree (ref.null $tree) (ref.null $tree) (local.get $value)))
      (else
        (struct.new $tree
          (call $make
            (i32.sub (local.get $depth) (i32.const 1))
            (i32.shl (local.get $value) (i32.const 1)))
          (call $make
            (i32.sub (local.get $depth) (i32.const 1))
            (i32.or (i32.shl (local.get $value) (i32.const 1)) (i32.const 1)))
          (local.get $value)))))

  ;; The values of the tree below, and including, a node, mixed.
  (func $check (param $tree (ref null $tree)) (result i32)
    (if (result i32) (ref.is_null (local.get $tree))
      (then (i32.const 1))
      (else
        (i32.add
          (i32.xor
            (struct.get $tree $value (local.get $tree))
            (i32.mul
              (call $check (struct.get $tree $left (local.get $tree)))
              (i32.const 31)))
          (call $check (struct.get $tree $right (local.get $tree)))))))

  (func (export "run") (param $n i32) (result i32)
    (local $long (ref null $tree))
    (local $sum i32)
    (local.set $long (call $make (i32.const 13) (i32.const 1)))
    (block $done
      (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $sum
          (i32.add
            (i32.mul (local.get $sum) (i32.const 17))
            (call $check (call $make (i32.const 11) (local.get $n)))))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
    (i32.xor (local.get $sum) (call $check (local.get $long)))))
