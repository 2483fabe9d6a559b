// What may go from one store to another, and what may not: nothing through which a guest could call
// functions of another store, which would run on its own fuel and under its own limits.

import { describe, expect, it } from "vitest";
import { Global, hostFunc, LinkError, Store, Tag, WasmException } from "../../src/api/index.ts";
import { instanceOf, moduleOf, thrown } from "./support.ts";

/** Everything that an instance can export, all of which lead to its own function. */
const OWNER = `(module (tag $t (export "tag") (param funcref)) (memory (export "memory") 1)
  (table (export "table") 1 funcref) (func $f (export "func"))
  (global (export "global") funcref (ref.func $f))
  (global (export "number") (mut i32) (i32.const 1))
  (elem (i32.const 0) $f) (elem declare func $f)
  (func (export "throws") (throw $t (ref.func $f)))
  (func (export "exception") (result exnref)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (throw $t (ref.func $f))) (unreachable))))`;

const owner = instanceOf(OWNER);

describe("another store", () => {
  it.each([
    ["memory", "(memory 1)"],
    ["table", "(table 1 funcref)"],
    ["global", "(global funcref)"],
    ["number", "(global (mut i32))"],
    ["func", "(func)"],
    ["tag", "(tag (param funcref))"],
  ])("cannot import a %s", (name, type) => {
    const module = moduleOf(`(module (import "a" "${name}" ${type}))`);
    const { message } = thrown(LinkError, () => {
      new Store().instantiate(module, { a: owner.exports });
    });
    expect(message).toMatch(/of another store/);
    owner.store.instantiate(module, { a: owner.exports });
  });

  it("has globals of its own, also those that the host has made", () => {
    const store = new Store();
    const g = new Global(store, { type: "i32", mutable: true }, 1);
    const module = moduleOf(`(module (import "a" "g" (global (mut i32))))`);
    store.instantiate(module, { a: { g } });
    thrown(LinkError, () => new Store().instantiate(module, { a: { g } }));
  });

  it("is handed no function: by arguments, results, elements, globals and exceptions", () => {
    const store = new Store();
    const stranger = owner.exports.func;
    const text = `(module (import "env" "f" (func $f (result funcref)))
      (table (export "table") 1 funcref)
      (global (export "global") (mut funcref) (ref.null func))
      (tag (export "tag") (param funcref))
      (func (export "take") (param funcref)) (func (export "takeException") (param exnref))
      (func (export "main") (drop (call $f))))`;
    const guest = instanceOf(text, { env: { f: () => stranger } }, store);
    const other = /another store/;
    const exception = owner.exports.exception();
    expect(thrown(TypeError, () => guest.exports.take(stranger)).message).toMatch(other);
    expect(thrown(TypeError, () => guest.exports.takeException(exception)).message).toMatch(other);
    expect(thrown(TypeError, () => guest.exports.main()).message).toMatch(other);
    expect(thrown(TypeError, () => guest.table("table").set(0, stranger)).message).toMatch(other);
    expect(thrown(TypeError, () => guest.tag("tag").exception(stranger)).message).toMatch(other);
    const assigned = thrown(TypeError, () => {
      guest.global("global").value = stranger;
    });
    expect(assigned.message).toMatch(other);
  });

  it("catches no exception that carries one", () => {
    const shared = new Tag("(funcref)");
    const text = `(module (import "env" "f" (func $f)) (import "env" "tag" (tag $tag (param funcref)))
      (func (export "main") (result i32)
        (block $all (block $caught (result funcref)
          (try_table (catch $tag $caught) (catch_all $all) (call $f)) (return (i32.const 0)))
          (return (i32.const 1)) ) (i32.const 2)))`;
    const calls = [
      () => owner.exports.throws(),
      () => {
        throw shared.exception(owner.exports.func);
      },
    ];
    for (const f of calls) {
      const guest = instanceOf(text, { env: { f, tag: shared } });
      thrown(WasmException, () => guest.exports.main());
    }
    const own = instanceOf(text, {
      env: {
        f: () => {
          throw shared.exception(null);
        },
        tag: shared,
      },
    });
    expect(own.exports.main()).toBe(1);
  });

  it("may share host functions, tags that the host has made, and exceptions of numbers", () => {
    const tag = new Tag("(i32)");
    const fail = hostFunc("() -> ()", () => {
      throw tag.exception(42);
    });
    const text = `(module (import "env" "fail" (func $fail)) (import "env" "tag" (tag $t (param i32)))
      (func (export "main") (result i32)
        (block $caught (result i32)
          (try_table (catch $t $caught) (call $fail)) (i32.const 0))))`;
    const guests = [1, 2].map(() => instanceOf(text, { env: { fail, tag } }));
    expect(guests.map(({ exports }) => exports.main())).toEqual([42, 42]);
  });
});
