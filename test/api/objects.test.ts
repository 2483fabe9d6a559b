// Structs, arrays and i31 as the embedder sees them, and the limit on what of them is alive.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  Exhaustion,
  Module,
  type RuntimeLimits,
  Store,
  Trap,
  WasmException,
} from "../../src/api/index.ts";
import { collectGarbage } from "../garbage.ts";
import { inSlices, thrown } from "./support.ts";

const MIB = 1 << 20;
const module = Module.from(readFileSync(new URL("objects.wasm", import.meta.url)));

/** Host functions that give back what they get, and note it. */
function guest(limits: Partial<RuntimeLimits> = {}, fuel?: number) {
  const seen: unknown[] = [];
  const see = (value: unknown) => {
    seen.push(value);
    return value;
  };
  const store = new Store({ limits, ...(fuel !== undefined && { fuel }) });
  const instance = store.instantiate(module, { host: { see, extern: see } });
  return { exports: instance.exports, instance, seen, store };
}

const gcBytes = (store: Store) => store.runtime.usage("gcBytes");

describe("an object at the border", () => {
  it("is always the same for the same one, and opaque", () => {
    const { exports } = guest();
    const node = exports.node(5) as object;
    expect(exports.same(node)).toBe(node);
    expect(exports.toExtern(node)).toBe(node);
    expect(exports.toAny(node)).toBe(node);
    expect(exports.isSame(node, exports.same(node))).toBe(1);
    expect(exports.isSame(node, exports.node(5))).toBe(0);
    expect(exports.node(5)).not.toBe(node);
    expect(Object.getPrototypeOf(node)).toBe(null);
    expect(Reflect.ownKeys(node)).toEqual([]);
    expect(Object.isExtensible(node)).toBe(false);
    expect((node as { next?: unknown }).next).toBe(undefined);
    expect(() => Object.assign(node, { next: 1 })).toThrow(TypeError);
    expect(Reflect.defineProperty(node, "next", { value: 1 })).toBe(false);
    expect(Reflect.setPrototypeOf(node, {})).toBe(false);
    expect(() => structuredClone(node)).toThrow();
    expect(exports.value(node)).toBe(5);
  });

  it("has its type", () => {
    const { exports } = guest();
    const [node, leaf] = [exports.node(1), exports.leaf(2)];
    expect([node, leaf, 7, "text", null].map((value) => exports.isLeaf(value))).toEqual([
      0, 1, 0, 0, 0,
    ]);
    expect(exports.value(leaf)).toBe(2);
    expect([node, 7, "text", [1], exports.constant].map((v) => exports.kind(v))).toEqual([
      5, 3, 0, 0, 0,
    ]);
    expect(() => exports.value({})).toThrow(TypeError);
    expect(() => exports.value(7)).toThrow(TypeError);
    expect(thrown(Trap, () => exports.value(null)).code).toBe("nullStructureReference");
  });

  it("goes through host functions, globals, tables and exceptions", () => {
    const { exports, instance, seen } = guest();
    const node = exports.node(3);
    expect(exports.see(node)).toBe(node);
    expect(exports.extern(node)).toBe(node);
    expect(seen).toEqual([node, node]);
    instance.global("any").value = node;
    expect(instance.global("any").value).toBe(node);
    instance.table("table").set(2, node);
    expect(instance.table("table").get(2)).toBe(node);
    const error = thrown(WasmException, () => exports.throw());
    expect(exports.value(error.payload[0])).toBe(77);
  });

  it("of another store is nothing but a value of the host", () => {
    const [here, there] = [guest(), guest()];
    const node = there.exports.node(3);
    expect(here.exports.same(node)).toBe(node);
    expect(here.exports.kind(node)).toBe(0);
    expect(() => here.exports.value(node)).toThrow(TypeError);
  });
});

describe("values of the host", () => {
  it("are the same ones when they come back", () => {
    const { exports } = guest();
    const { proxy, revoke } = Proxy.revocable([], {});
    const values = [[1], { a: 1 }, "text", 2n, 1.5, 2 ** 30, Symbol.iterator, undefined, proxy];
    for (const value of values) {
      expect(exports.same(value)).toBe(value);
      expect(exports.sameExtern(value)).toBe(value);
      expect(exports.toAny(value)).toBe(value);
      expect(exports.toExtern(value)).toBe(value);
      expect(exports.kind(value)).toBe(0);
    }
    revoke();
    expect(exports.same(proxy)).toBe(proxy);
    expect(exports.sameExtern(proxy)).toBe(proxy);
    expect(exports.kind(proxy)).toBe(0);
  });

  it("that are small integers are i31", () => {
    const { exports } = guest();
    for (const value of [0, -1, 2 ** 30 - 1, -(2 ** 30)]) {
      expect(exports.same(value)).toBe(value);
      expect(exports.kind(value)).toBe(3);
    }
    expect(exports.isSame(7, 7)).toBe(1);
    expect(() => exports.isSame(2 ** 30, 7)).toThrow(TypeError);
  });
});

describe("vectors in objects", () => {
  it("are those that Node 26 finds there", () => {
    const { exports } = guest();
    expect(exports.vectorField(5, -7n)).toEqual([82, -7n, 9, 5]);
    for (const n of [5, 100, 70_000]) {
      expect(exports.vectors(n)).toEqual([9, 14, 0x1918_1716, n + 7, 0x2120_1f1e]);
    }
  });
});

describe("gcBytes", () => {
  it("does not count what nobody keeps", () => {
    const { exports, store } = guest({ gcBytes: MIB });
    exports.garbage(10_000);
    collectGarbage();
    const { heapUsed } = process.memoryUsage();
    expect(exports.garbage(500_000)).toBe(1);
    exports.arrays(3_000, 200);
    exports.arrays(300, 5_000);
    collectGarbage();
    expect(process.memoryUsage().heapUsed - heapUsed).toBeLessThan(8 * MIB);
    expect(gcBytes(store)).toBeLessThan(2 * MIB);
  });

  it.each([
    ["a global", (exports: Exports) => exports.keep(20_000)],
    ["frames", (exports: Exports) => exports.inFrame(20_000)],
    ["a table", (exports: Exports) => fillTable(exports, 20_000)],
  ])("ends a guest that keeps more in %s", (_, act) => {
    const { exports, store } = guest({ gcBytes: MIB });
    const error = thrown(Exhaustion, () => act(exports));
    expect([error.kind, error.phrase]).toEqual(["gcBytes", "object limit exceeded"]);
    expect(gcBytes(store)).toBeLessThan(2 * MIB);
    // What it forgets it has again.
    exports.forget();
    for (let i = 0; i < 10; i++) exports.inTable(i, 0);
    exports.keep(1_000);
    exports.garbage(50_000);
  });

  it("counts what the host has got", () => {
    const { exports, store } = guest({ gcBytes: MIB });
    const held: unknown[] = [];
    const hold = () => {
      for (let i = 0; i < 100_000; i++) held.push(exports.node(i));
    };
    expect(thrown(Exhaustion, hold).kind).toBe("gcBytes");
    expect(held.length).toBeGreaterThan(1_000);
    expect(gcBytes(store)).toBeLessThan(2 * MIB);
  });

  it("counts what suspended executions keep", () => {
    const { instance, store } = guest({ gcBytes: MIB });
    const execution = instance.func("inFrame").start(8_000);
    execution.run({ slice: 40_000 });
    const before = gcBytes(store);
    expect(before).toBeGreaterThan(MIB / 4);
    instance.func("garbage").call(50_000);
    store.runtime.objects.count();
    expect(gcBytes(store)).toBeGreaterThan(before * 0.9);
    expect(execution.run().kind).toBe("returned");
    store.runtime.objects.count();
    expect(gcBytes(store)).toBeLessThan(before * 0.1);
  });

  it("counts an array whose elements are still being set", () => {
    const { instance, store } = guest();
    const execution = instance.func("filled").start(3_000_000);
    execution.run({ slice: 250_000 });
    // Its frames move out for another call.
    for (const collect of [() => {}, () => instance.func("garbage").call(1)]) {
      collect();
      store.runtime.objects.count();
      expect(gcBytes(store)).toBeGreaterThan(12_000_000);
    }
    expect(execution.run()).toMatchObject({ kind: "returned", value: 7 });
  });

  it("is counted as often as need be where a count takes several slices", () => {
    const { exports, instance } = guest({ gcBytes: 4 * MIB });
    exports.keep(30_000);
    const execution = instance.func("garbage").start(300_000);
    expect(inSlices(execution, 1_000)).toMatchObject({ kind: "returned", value: 1 });
  });

  it("is the same in every slicing", () => {
    const run = (slice: number) => {
      const { instance } = guest({ gcBytes: MIB });
      const execution = instance.func("keep").start(50_000);
      const outcome = inSlices(execution, slice);
      const kind = outcome.kind === "threw" && (outcome.error as Exhaustion).kind;
      return { kind, fuel: execution.usage.fuel };
    };
    const whole = run(Number.POSITIVE_INFINITY);
    expect(whole.kind).toBe("gcBytes");
    expect(run(7)).toEqual(whole);
  });

  it.each([0, 1, 2, 3, 4, 5])("ends what makes an array that is too long, kind %i", (kind) => {
    const small = guest().exports;
    expect(thrown(Exhaustion, () => small.tooLong(kind)).kind).toBe("gcBytes");
    const { exports } = guest({ gcBytes: Number.POSITIVE_INFINITY });
    expect(thrown(Exhaustion, () => exports.tooLong(kind)).kind).toBe("gcBytes");
  });

  it("holds for constant expressions", () => {
    expect(guest().exports.constantAt(1_999)).toBe(7);
    const store = new Store({ limits: { gcBytes: 1_000 } });
    const host = { see: () => null, extern: () => null };
    expect(thrown(Exhaustion, () => store.instantiate(module, { host })).kind).toBe("gcBytes");
  });
});

type Exports = ReturnType<typeof guest>["exports"];

function fillTable(exports: Exports, elements: number): void {
  for (let i = 0; i < 10; i++) exports.inTable(i, elements);
}

describe("fuel", () => {
  it.each([
    ["garbage", [300]],
    ["arrays", [20, 30]],
    ["arrays", [4, 3_000]],
    ["filled", [100]],
    ["filled", [300_000]],
    ["keep", [200]],
  ])("of %s%j is the same in every slicing", (name, args) => {
    const run = (slice: number) => {
      const { instance } = guest();
      const execution = instance.func(name).start(...args);
      const outcome = inSlices(execution, slice);
      const values = outcome.kind === "returned" ? outcome.value : outcome;
      return { fuel: execution.usage.fuel, values };
    };
    const whole = run(Number.POSITIVE_INFINITY);
    expect(run(1)).toEqual(whole);
    expect(run(13)).toEqual(whole);
    const { fuel } = whole;
    expect(
      thrown(Exhaustion, () =>
        guest({}, fuel - 1)
          .instance.func(name)
          .call(...args),
      ).kind,
    ).toBe("fuel");
    guest({}, fuel)
      .instance.func(name)
      .call(...args);
  });

  it("pays for the length of an array", () => {
    const used = (length: number) => {
      const { instance, store } = guest({}, 1e9);
      instance.func("arrays").call(1, length);
      return 1e9 - store.fuel;
    };
    expect(used(160) - used(16)).toBe(9);
    expect(used(160_000) - used(16)).toBe(9_999);
  });
});
