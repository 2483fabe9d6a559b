// NaNs that come from JavaScript: which one a guest gets must not depend on the host, on how hot
// the code is that they went through, or on who executes the guest.

import { describe, expect, it } from "vitest";
import { Global, Store, Tag, type Tier } from "../../src/api/index.ts";
import { instanceOf } from "./support.ts";

/** Functions that give the bits of what JavaScript makes of a signalling NaN. */
const TEXT = `(module
  (import "h" "one" (func $one (param f64) (result f64)))
  (import "h" "two" (func $two (param f32 f64) (result f32 f64)))
  (import "h" "fail" (func $fail (param f64)))
  (import "h" "tag" (tag $tag (param f64)))
  (import "h" "g" (global $g (mut f64)))
  (func (export "result") (result i64)
    (i64.reinterpret_f64 (call $one (f64.reinterpret_i64 (i64.const 0x7ff4000000000001)))))
  (func (export "results") (result i64) (local $d f64)
    (call $two
      (f32.reinterpret_i32 (i32.const 0xffa00001))
      (f64.reinterpret_i64 (i64.const 0x7ff4000000000001)))
    (local.set $d)
    (i64.xor (i64.extend_i32_u (i32.reinterpret_f32)) (i64.reinterpret_f64 (local.get $d))))
  (func (export "thrown") (result i64)
    (block $caught (result f64)
      (try_table (catch $tag $caught)
        (call $fail (f64.reinterpret_i64 (i64.const 0x7ff4000000000001))))
      (f64.const 0))
    (i64.reinterpret_f64))
  (func (export "global") (result i64) (i64.reinterpret_f64 (global.get $g)))
  (func (export "argument") (param f64) (result i64) (i64.reinterpret_f64 (local.get 0))))`;

const CANONICAL = 0x7ff8000000000000n;
const ROUNDS = 3_000;

describe("a signalling NaN", () => {
  it.each<Tier>(["interpreter", "compiled"])("becomes the canonical one, %s", (tier) => {
    const store = new Store({ tier });
    const tag = new Tag("(f64)");
    const g = new Global(store, { type: "f64", mutable: true }, 0);
    const { exports } = instanceOf(
      TEXT,
      {
        h: {
          g,
          tag,
          one: (x: number) => x,
          two: (x: number, y: number) => [x, y],
          fail(x: number) {
            throw tag.exception(x);
          },
        },
      },
      store,
    );
    const [signalling] = new Float64Array(BigInt64Array.of(0x7ff4000000000001n).buffer);
    for (const name of ["result", "results", "thrown", "global", "argument"]) {
      const found = new Set<bigint>();
      for (let i = 0; i < ROUNDS; i++) {
        g.value = signalling;
        found.add(exports[name](...(name === "argument" ? [signalling] : [])) as bigint);
      }
      const expected = name === "results" ? CANONICAL ^ 0x7fc00000n : CANONICAL;
      expect([name, ...found]).toEqual([name, expected]);
    }
  });
});
