// Modules with what the host cannot have, or we cannot follow: that costs the functions that use it.

import { describe, expect, it } from "vitest";
import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import type { ModuleInstance } from "../../src/runtime/instances.ts";
import { Store } from "../../src/runtime/store.ts";
import { localHost } from "../fuzz/hosts.ts";
import { assemble, load } from "../validation/assemble.ts";
import { compileInstance } from "./compiled.ts";
import { story } from "./nested.ts";

function instanceOf(bytes: Uint8Array, isCompiled: boolean): ModuleInstance {
  const instance = moduleInstantiate(new Store(), load(bytes), []);
  if (isCompiled) expect(compileInstance(instance, DEFAULT_FEATURES)).toBeNull();
  return instance;
}

function storyOf(instance: ModuleInstance): string[] {
  const world = { store: instance.store, instance, log: [] };
  return [...instance.exports].flatMap(([name, { kind }]) => {
    if (kind !== "func") return [];
    return [0, 1, 2, 3, 4].flatMap((at) => [
      ...story(world, name, [at]),
      ...story(world, name, [at], { fuel: 7 }),
    ]);
  });
}

/** The functions that are compiled do what the interpreter does, and these are left out. */
function compare(bytes: Uint8Array, leftOut: readonly number[]): void {
  const [plain, fast] = [false, true].map((isCompiled) => instanceOf(bytes, isCompiled));
  expect([...fast.leftOut.keys()]).toEqual(leftOut);
  expect(storyOf(fast)).toEqual(storyOf(plain));
}

describe.skipIf(localHost() === null)("a module that is compiled in part", () => {
  it("has functions that call elements that take references, or get globals of the host's", () => {
    compare(
      assemble(`(module (type $t (func (result i32)))
        (table $any 2 8 externref) (table $f 5 funcref) (global $g (mut externref) (ref.null extern))
        (elem (table $f) (i32.const 0) func $one $takes $two)
        (func $one (result i32) (i32.const 1))
        (func $two (result i32) (call $grow) (table.size $any))
        (func $takes (param externref))
        (func $grow (drop (table.grow $any (global.get $g) (i32.const 1))))
        (func (export "call") (param i32) (result i32)
          (i32.add (i32.const 5) (call_indirect $f (type $t) (local.get 0))))
        (func (export "takes") (param i32)
          (call_indirect $f (param externref) (ref.null extern) (local.get 0)))
        (func (export "set") (param i32) (result i32)
          (table.set $f (local.get 0) (ref.func $one))
          (i32.add (i32.const 5) (call_indirect $f (type $t) (local.get 0)))))`),
      [3, 5],
    );
  });

  it("has types that look the same and are not", () => {
    const bytes = assemble(`(module
      (type $t (func (result i32))) (type $a (func (result i32))) (type $b (func (result i32)))
      (table $f 3 funcref)
      (elem (table $f) (i32.const 0) func $one $two)
      (func $one (type $t) (i32.const 1))
      (func $two (type $b) (i32.const 2))
      (func (export "simple") (param i32) (result i32)
        (call_indirect $f (type $t) (local.get 0)))
      (func (export "grouped") (param i32) (result i32)
        (call_indirect $f (type $b) (local.get 0))))`);
    compare(withGroup(bytes), [3]);
  });
});

/** The module with its second and third types in a group, which wabt has no text for. */
function withGroup(bytes: Uint8Array): Uint8Array {
  const [header, size, count] = [9, bytes[9], bytes[10]];
  // Each of the types in front takes four bytes.
  const group = header + 2 + 4;
  return Uint8Array.of(
    ...bytes.subarray(0, header),
    size + 2,
    count - 1,
    ...bytes.subarray(header + 2, group),
    0x4e,
    2,
    ...bytes.subarray(group),
  );
}
