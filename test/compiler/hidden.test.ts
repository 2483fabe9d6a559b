// Glue code gets at nothing of the host's that runs a guest: neither through V8's call sites, nor by
// replacing what the host's classes have.

import { afterEach, describe, expect, it } from "vitest";
import { Module, Store } from "../../src/api/index.ts";
import { hostNamespace } from "../../src/runtime/host-memory.ts";
import { assemble } from "../validation/assemble.ts";

const TEXT = `(module
  (import "" "f" (func $f))
  (table (export "table") 1 2 funcref)
  (elem (i32.const 0) $h)
  (type $t (func))
  (func $h)
  (global $g (mut i32) (i32.const 0))
  (func (export "run") (loop (call $f) (global.set $g (i32.const 5))
    (call_indirect (type $t) (i32.const 0)))))`;

interface Site {
  getThis(): unknown;
  getFunction(): unknown;
}

interface Globals {
  readonly Error: { prepareStackTrace?: unknown };
  readonly WebAssembly: Record<string, { readonly prototype: object }>;
}

const host = globalThis as unknown as Globals;

function run(f: () => void): void {
  const store = new Store({ tier: "compiled" });
  const instance = store.instantiate(Module.from(assemble(TEXT)), { "": { f } });
  instance.table("table").grow(1);
  instance.func("run").call();
  expect(store.runtime.compiledFuel).toBeGreaterThan(0);
}

describe.skipIf(hostNamespace === undefined)("glue code", () => {
  const { prepareStackTrace } = host.Error;
  const replaced: (() => void)[] = [];

  afterEach(() => {
    host.Error.prepareStackTrace = prepareStackTrace;
    for (const undo of replaced.splice(0)) undo();
  });

  it("sees no exports of the instance whose frame is on the stack", () => {
    let seen: unknown[] = [];
    run(() => {
      host.Error.prepareStackTrace = (_: unknown, sites: readonly Site[]) => sites;
      const sites = new Error().stack as unknown as readonly Site[];
      seen = sites.flatMap((site) => [site.getThis(), site.getFunction()]);
      host.Error.prepareStackTrace = prepareStackTrace;
    });
    const objects = seen.filter((item) => typeof item === "object" && item !== null) as object[];
    const instances = objects.filter((item) => {
      return Object.prototype.toString.call(item) === "[object WebAssembly.Instance]";
    });
    expect(instances).toEqual([]);
    expect(objects.some((item) => "exports" in item && Object.getPrototypeOf(item) === null)).toBe(
      false,
    );
  });

  it("does not get them by replacing accessors and methods either", () => {
    const { WebAssembly } = host;
    const got: unknown[] = [];
    const spy = (name: string, property: string) => {
      const { prototype } = WebAssembly[name];
      const former = Object.getOwnPropertyDescriptor(prototype, property) as PropertyDescriptor;
      const spied: Record<string, unknown> = { ...former };
      for (const key of ["get", "set", "value"]) {
        const action = spied[key];
        if (typeof action !== "function") continue;
        spied[key] = function (this: unknown, ...args: unknown[]) {
          got.push(this);
          return Reflect.apply(action, this, args);
        };
      }
      Object.defineProperty(prototype, property, spied);
      replaced.push(() => Object.defineProperty(prototype, property, former));
    };
    spy("Instance", "exports");
    spy("Global", "value");
    spy("Table", "get");
    spy("Table", "set");
    spy("Table", "grow");
    spy("Table", "length");
    run(() => {});
    expect(got).toEqual([]);
  });
});
