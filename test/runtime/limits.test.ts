// The store's limits: N is allowed and N + 1 is refused, by a named error that leaves the accounts
// as they were. Without the check the test of N + 1 fails, and without rollback the test of usage.

import { describe, expect, it } from "vitest";
import type { RuntimeLimits } from "../../src/runtime/store.ts";
import { Exhaustion, Trap } from "../../src/runtime/trap.ts";
import { collectGarbage } from "../garbage.ts";
import {
  exported,
  func,
  global,
  instance,
  memory,
  moduleFrom,
  Store,
  table,
  thrown,
  usage,
} from "./support.ts";

const PAGE = 65536;
const NOTHING = { memoryBytes: 0, tableElements: 0, instances: 0, globals: 0, hostBytes: 0 };

/** Everything of which there is one: instance, global, table element, page. */
const ONE_OF_EACH = `(module (global i32 (i32.const 0)) (table 1 funcref) (memory 1))`;

function exhaustionOf(action: () => unknown): Exhaustion {
  const error = thrown(action);
  if (error instanceof Exhaustion) return error;
  throw error;
}

const LIMITS: readonly (readonly [keyof RuntimeLimits, unit: number, message: string])[] = [
  ["instances", 1, "instance limit exceeded: 1 more module instances asked for, 3 of at most 3"],
  ["globals", 1, "global limit exceeded: 1 more globals asked for, 3 of at most 3"],
  ["tableElements", 1, "table limit exceeded: 1 more table elements asked for, 3 of at most 3"],
  [
    "memoryBytes",
    PAGE,
    "memory limit exceeded: 65536 more bytes of linear memory asked for, 196608",
  ],
];

describe("limits", () => {
  it.each(LIMITS)("of %s: as many as allowed, and not one more", (what, unit, message) => {
    const store = new Store({ [what]: 3 * unit });
    const record = moduleFrom(ONE_OF_EACH);
    const made = [1, 2, 3].map(() => instance(store, record));
    const before = usage(store);
    expect(before[what]).toBe(3 * unit);
    const error = exhaustionOf(() => instance(store, record));
    expect(error.kind).toBe(what);
    expect(error.message.startsWith(message)).toBe(true);
    expect(usage(store)).toEqual(before);
    expect(made).toHaveLength(3);
    // Another limit would have allowed it.
    const wider = new Store({ [what]: 4 * unit });
    for (let i = 0; i < 4; i++) instance(wider, record);
    expect(wider.usage(what as "globals")).toBe(4 * unit);
  });

  it.each([
    ["memory", { memoryBytes: PAGE - 1 }, (store: Store) => memory(store, { min: 1n })],
    ["table", { tableElements: 9 }, (store: Store) => table(store, { min: 10n })],
    ["global", { globals: 0 }, (store: Store) => global(store)],
  ] as const)("hold for what the host makes: a %s", (_, limits, make) => {
    const store = new Store(limits);
    expect(exhaustionOf(() => make(store)).kind).toBe(Object.keys(limits)[0]);
    expect(usage(store)).toEqual(NOTHING);
    const open = new Store();
    make(open);
    expect(usage(open)).not.toEqual(NOTHING);
  });

  it("of more than the host can have are named errors as well", () => {
    const store = new Store({ tableElements: 2 ** 33 });
    expect(exhaustionOf(() => table(store, { min: 2n ** 32n - 1n })).kind).toBe("hostMemory");
    const wide = { min: 2n ** 48n, address64: true };
    expect(exhaustionOf(() => memory(store, wide)).kind).toBe("memoryBytes");
    expect(usage(store)).toEqual(NOTHING);
  });
});

describe("rollback", () => {
  it.each([
    ["the second table", { tableElements: 5 }, "(table 3 funcref) (table 3 funcref)"],
    ["the second memory", { memoryBytes: 3 * PAGE }, "(memory 2) (memory 2)"],
    ["a memory after tables", { memoryBytes: 0 }, "(table 3 funcref) (memory 1)"],
    ["the globals", { globals: 1 }, "(global i32 (i32.const 0)) (global i32 (i32.const 0))"],
  ])("leaves nothing behind when %s cannot be had", (_, limits, fields) => {
    const store = new Store(limits);
    exhaustionOf(() => instance(store, `(module ${fields})`));
    expect(usage(store)).toEqual(NOTHING);
  });

  it("leaves nothing behind when a link fails", () => {
    const store = new Store();
    const source = `(module (import "m" "f" (func (param i32))) (memory 1))`;
    expect(thrown(() => instance(store, source, [func()]))).toMatchObject({ name: "LinkError" });
    expect(usage(store)).toEqual(NOTHING);
  });

  it("gives all back when a segment traps and nobody can reach the instance", () => {
    const store = new Store();
    const source = `(module (memory 1) (table 3 funcref) (global i32 (i32.const 0)) (func $f)
      (elem (i32.const 0) $f) (data (i32.const 65536) "x"))`;
    expect(thrown(() => instance(store, source))).toBeInstanceOf(Trap);
    expect(usage(store)).toEqual(NOTHING);
  });

  it("gives nothing back when an imported table holds a function of the instance", () => {
    const store = new Store();
    const shared = table(store, { min: 1n });
    const source = `(module (import "m" "t" (table 1 funcref)) (memory 1) (func $f)
      (elem (i32.const 0) $f) (data (i32.const 65536) "x"))`;
    expect(thrown(() => instance(store, source, [shared]))).toBeInstanceOf(Trap);
    expect(usage(store)).toMatchObject({ instances: 1, memoryBytes: PAGE });
  });
});

describe("what dies", () => {
  /** Lets the collector run, and the callbacks that follow it. */
  async function settle(done: () => boolean): Promise<void> {
    for (let i = 0; i < 50 && !done(); i++) {
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  it("gives its part back", async () => {
    const store = new Store();
    const record = moduleFrom(ONE_OF_EACH);
    // In a function of its own, so that no frame keeps one.
    const makeMany = () => {
      for (let i = 0; i < 20; i++) instance(store, record).memories[0].grow(1);
    };
    makeMany();
    expect(usage(store)).toMatchObject({
      memoryBytes: 40 * PAGE,
      tableElements: 20,
      instances: 20,
      globals: 20,
    });
    await settle(() => store.usage("instances") === 0 && store.usage("memoryBytes") === 0);
    expect(usage(store)).toEqual(NOTHING);
    expect(store.peakMemoryBytes).toBe(40 * PAGE);
  });

  it("does not include what its exports keep alive", async () => {
    const store = new Store();
    const source = `(module (memory (export "m") 1) (global (export "g") i32 (i32.const 0))
      (table 2 funcref))`;
    const makeKept = () => {
      const made = instance(store, source);
      return [exported(made, "m").value, exported(made, "g").value];
    };
    const kept = makeKept();
    await settle(() => store.usage("instances") === 0 && store.usage("tableElements") === 0);
    expect(usage(store)).toEqual({ ...NOTHING, memoryBytes: PAGE, globals: 1 });
    expect(kept).toHaveLength(2);
  });
});
