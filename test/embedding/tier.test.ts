// The option `tier`: what it may be, and who executes what.

import { describe, expect, it } from "vitest";
import { Memory, Module, Store, type StoreOptions } from "../../src/api/index.ts";
import { leftToInterpreter } from "../../src/embedding/tier.ts";
import { createNamespace } from "../../src/js-api/index.ts";
import { hostNamespace } from "../../src/runtime/host-memory.ts";
import { assemble } from "../validation/assemble.ts";

/** `sum(n)`, and a function with more locals than the host is given. */
const SUM = `(module
  (func (export "sum") (param $n i32) (result i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (local.get $n)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "far") ${"(local i32)".repeat(2_000)}))`;

const module = Module.from(assemble(SUM));
const hasHost = hostNamespace !== undefined;

function summed(options: StoreOptions) {
  const store = new Store(options);
  const instance = store.instantiate(module);
  const sum = instance.exports.sum(1_000);
  return { sum, fuel: store.usage.fuel, compiledFuel: store.runtime.compiledFuel, instance };
}

describe("the option tier", () => {
  it("is one of three", () => {
    const message = 'of Store must be one of "auto", "interpreter", "compiled", found';
    for (const tier of ["fast", "", null, 1, {}]) {
      expect(() => new Store({ tier } as never)).toThrow(TypeError);
      expect(() => new Store({ tier } as never)).toThrow(message);
      expect(() => createNamespace({ tier } as never)).toThrow(TypeError);
    }
  });

  it.skipIf(!hasHost)("compiled: the host executes what it takes, for the same fuel", () => {
    const plain = summed({});
    const fast = summed({ tier: "compiled" });
    expect([fast.sum, fast.fuel]).toEqual([plain.sum, plain.fuel]);
    expect(fast.compiledFuel).toBe(fast.fuel);
    const reason = "it has 2000 locals";
    expect(leftToInterpreter(fast.instance.target)).toEqual([{ reason, functions: 1 }]);
  });

  it("interpreter, and the default: the host's compiler sees nothing of it", () => {
    for (const options of [{}, { tier: "interpreter" }] as const) {
      const { compiledFuel, instance } = summed(options);
      expect(compiledFuel).toBe(0);
      expect(leftToInterpreter(instance.target)).toEqual([]);
    }
  });

  it.skipIf(!hasHost)("of a namespace, too", () => {
    const { Instance, Module: Compiled } = createNamespace({ tier: "compiled", fuel: 10_000 });
    const { sum } = new Instance(new Compiled(assemble(SUM))).exports as never as {
      sum(n: number): number;
    };
    expect(sum(1_000)).toBe(500_500);
    expect(() => sum(1_000)).toThrow("fuel");
  });

  it.skipIf(!hasHost)("compiled before the start function runs", () => {
    const text = "(module (func $f (loop)) (start $f))";
    const store = new Store({ tier: "compiled" });
    store.instantiate(Module.from(assemble(text)));
    expect(store.runtime.compiledFuel).toBe(store.usage.fuel);
  });

  it("an instance that the host has no memory for is interpreted, and there is a reason", () => {
    const store = new Store({ tier: "compiled" });
    const memory = new Memory(store, { min: 1, max: 2 });
    memory.target.exposeResizable();
    const text =
      '(module (import "" "m" (memory 1 2)) (func (export "f") (result i32) (i32.const 5)))';
    const instance = store.instantiate(Module.from(assemble(text)), { "": { m: memory } });
    expect(instance.exports.f()).toBe(5);
    const [{ functions, reason }] = leftToInterpreter(instance.target);
    expect([functions, reason]).toEqual([1, expect.stringContaining("memory")]);
  });
});
