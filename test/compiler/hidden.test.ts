// Glue code gets at nothing of the host's that runs a guest: neither through V8's call sites, with
// whatever methods it has kept from before our package was there, nor by replacing what the host's
// classes have.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { assemble } from "../validation/assemble.ts";

interface CallSite {
  getThis(): unknown;
  getFunction(): unknown;
}

type Class = (new (...args: never[]) => object) & { readonly prototype: object };

interface Globals {
  readonly Error: { prepareStackTrace?: unknown };
  readonly WebAssembly: Record<string, Class>;
}

const host = globalThis as unknown as Globals;
const CLASSES = ["Instance", "Global", "Table", "Memory"].filter((name) => {
  return host.WebAssembly?.[name] !== undefined;
});

/** What the host's classes have, kept before our package is loaded. */
const kept = CLASSES.flatMap((name) => {
  const descriptors = Object.getOwnPropertyDescriptors(host.WebAssembly[name].prototype);
  return Object.values(descriptors).flatMap(({ get, value }) => {
    return [get, value].filter((method) => typeof method === "function");
  });
}) as ((this: unknown, ...args: unknown[]) => unknown)[];

const { Module, Store } = await import("../../src/api/index.ts");
const { patience } = await import("../../src/compiler/continuations.ts");
const { ascent } = await import("../../src/interpreter/ascent.ts");

/** A loop that is left and gone on with, around all that needs objects of the host's. */
const TEXT = `(module
  (import "" "f" (func $f))
  (table (export "table") 1 2 funcref)
  (elem (i32.const 0) $h)
  (type $t (func))
  (func $h)
  (global $g (mut i32) (i32.const 0))
  (global $v (mut v128) (v128.const i64x2 0 0))
  (func (export "run") (local i32)
    (loop $l
      (call $f)
      (global.set $g (i32.const 5))
      (global.set $v (i32x4.splat (global.get $g)))
      (call_indirect (type $t) (i32.const 0))
      (br_if $l (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 50))))))`;

/** What can be had of the frames on the stack: what V8 says of them, what has that, and so on. */
function reachable(): Set<object> {
  const { prepareStackTrace } = host.Error;
  host.Error.prepareStackTrace = (_: unknown, sites: readonly CallSite[]) => sites;
  const sites = new Error().stack as unknown as readonly CallSite[];
  host.Error.prepareStackTrace = prepareStackTrace;
  const found = new Set<object>();
  const add = (item: unknown, depth: number) => {
    const isObject = (typeof item === "object" && item !== null) || typeof item === "function";
    if (!isObject || found.has(item)) return;
    found.add(item);
    if (depth === 0) return;
    const descriptors = Object.values(Object.getOwnPropertyDescriptors(item));
    for (const { value } of descriptors) add(value, depth - 1);
    for (const method of kept) {
      try {
        add(Reflect.apply(method, item, [0]), depth - 1);
      } catch {
        // It is for objects of another class.
      }
    }
  };
  for (const site of sites) {
    add(site.getThis(), 3);
    add(site.getFunction(), 3);
  }
  return found;
}

function run(f: () => void): void {
  const store = new Store({ tier: "compiled" });
  const instance = store.instantiate(Module.from(assemble(TEXT)), { "": { f } });
  instance.table("table").grow(1);
  const execution = instance.func("run").start();
  while (execution.run({ slice: 100 }).kind === "suspended");
  expect(execution.status).toBe("returned");
  expect(store.runtime.compiledFuel).toBeGreaterThan(0);
}

describe.skipIf(host.WebAssembly === undefined)("glue code", () => {
  const { prepareStackTrace } = host.Error;
  const before = [{ ...patience }, { ...ascent }] as const;
  const replaced: (() => void)[] = [];

  beforeEach(() => {
    // So that there are continuations.
    Object.assign(patience, { units: 0, unitsPerByte: 0 });
    Object.assign(ascent, { units: 0, steps: Number.POSITIVE_INFINITY, stay: 0 });
  });

  afterEach(() => {
    host.Error.prepareStackTrace = prepareStackTrace;
    Object.assign(patience, before[0]);
    Object.assign(ascent, before[1]);
    for (const undo of replaced.splice(0)) undo();
  });

  /** Puts something else in the place of a property until the test is over. */
  function replace(object: object, name: string, descriptor: PropertyDescriptor): void {
    const former = Object.getOwnPropertyDescriptor(object, name) as PropertyDescriptor;
    Object.defineProperty(object, name, { ...former, ...descriptor });
    replaced.push(() => Object.defineProperty(object, name, former));
  }

  it("has nothing of the instances whose frames are on the stack", () => {
    const seen = new Set<object>();
    run(() => {
      for (const item of reachable()) seen.add(item);
    });
    const isOf = (name: string) => (item: object) => item instanceof host.WebAssembly[name];
    const instances = [...seen].filter(isOf("Instance")) as { readonly exports: object }[];
    // The module's and continuations'.
    expect(instances.length).toBeGreaterThan(1);
    expect(instances.flatMap(({ exports }) => Reflect.ownKeys(exports))).toEqual([]);
    for (const name of ["Global", "Table", "Memory"]) {
      expect([...seen].filter(isOf(name))).toEqual([]);
    }
    // V8 names functions of Wasm modules by their indices.
    const functions = [...seen].filter((item) => typeof item === "function");
    expect(functions.filter(({ name }) => /^\d+$/.test(name))).toEqual([]);
  });

  it("gets nothing by a class of its own that was there before our package", async () => {
    const got: unknown[] = [];
    const construct = (target: Class, args: never[]) => {
      got.push(args);
      return new target(...args);
    };
    replace(host.WebAssembly, "Instance", {
      value: new Proxy(host.WebAssembly.Instance, { construct }),
    });
    vi.resetModules();
    const fresh = await import("../../src/api/index.ts");
    const store = new fresh.Store({ tier: "compiled" });
    const module = fresh.Module.from(assemble(TEXT));
    const instance = store.instantiate(module, { "": { f: () => {} } });
    instance.func("run").call();
    expect(instance.target.interpretedBecause).toBe("the host's WebAssembly is not its own");
    expect(got).toEqual([]);
  });

  it("gets nothing by replacing accessors, methods and classes", () => {
    const got: unknown[] = [];
    for (const name of CLASSES) {
      const Class = host.WebAssembly[name];
      const { constructor: _, ...members } = Object.getOwnPropertyDescriptors(Class.prototype);
      for (const [property, former] of Object.entries(members)) {
        const spied: Record<string, unknown> = {};
        for (const key of ["get", "set", "value"] as const) {
          const action = former[key];
          if (typeof action !== "function") continue;
          spied[key] = function (this: unknown, ...args: unknown[]) {
            got.push(this);
            return Reflect.apply(action, this, args);
          };
        }
        if (Object.keys(spied).length > 0) replace(Class.prototype, property, spied);
      }
      const construct = (target: Class, args: never[]) => {
        got.push(args);
        return new target(...args);
      };
      replace(host.WebAssembly, name, { value: new Proxy(Class, { construct }) });
    }
    run(() => {});
    expect(got).toEqual([]);
  });
});
