// The option `tier`: what it may be, and who executes what.

import { describe, expect, it } from "vitest";
import { Epoch, Memory, Module, Store, type StoreOptions } from "../../src/api/index.ts";
import { leftToInterpreter } from "../../src/embedding/tier.ts";
import { createNamespace } from "../../src/js-api/index.ts";
import { hostNamespace } from "../../src/runtime/host-memory.ts";
import { collectGarbage } from "../garbage.ts";
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
    const plain = summed({ tier: "interpreter" });
    const fast = summed({ tier: "compiled" });
    expect([fast.sum, fast.fuel]).toEqual([plain.sum, plain.fuel]);
    expect(fast.compiledFuel).toBe(fast.fuel);
    const reason = "it has 2000 locals";
    expect(leftToInterpreter(fast.instance.target)).toEqual([{ reason, functions: 1 }]);
  });

  it("interpreter: the host's compiler sees nothing of it", () => {
    const { compiledFuel, instance } = summed({ tier: "interpreter" });
    expect(compiledFuel).toBe(0);
    expect(leftToInterpreter(instance.target)).toEqual([]);
  });

  it.skipIf(!hasHost)("compiled: not with more globals than can be copied at each crossing", () => {
    const left = (count: number) => {
      const globals = "(global (mut i32) (i32.const 0))".repeat(count);
      const bytes = assemble(`(module ${globals} (func (export "f")))`);
      const { target } = new Store({ tier: "compiled" }).instantiate(Module.from(bytes));
      return leftToInterpreter(target);
    };
    expect(left(100)).toEqual([]);
    expect(left(101)).toEqual([{ reason: "it has 101 globals to copy", functions: 1 }]);
  });

  it.skipIf(!hasHost)("compiled: nobody's code is run between the tiers", () => {
    const { exports } = new Store({ tier: "compiled" }).instantiate(module);
    const before = Object.getOwnPropertyDescriptor(Error, "stackTraceLimit") ?? {};
    const touch = () => {
      throw new Error("somebody else's code");
    };
    Object.defineProperty(Error, "stackTraceLimit", { configurable: true, get: touch, set: touch });
    try {
      expect(exports.sum(100)).toBe(5050);
    } finally {
      Object.defineProperty(Error, "stackTraceLimit", before);
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

  it.skipIf(!hasHost)(
    "is looked at after a call of the host, even if nothing is left to pay",
    () => {
      const epoch = new Epoch();
      const { Instance, Module: Compiled } = createNamespace({
        tier: "compiled",
        epoch,
        epochDeadline: 1,
      });
      const text = '(module (import "" "f" (func $f)) (func (export "call") (call $f)))';
      const imports = { "": { f: () => epoch.advance() } };
      const { call } = new Instance(new Compiled(assemble(text)), imports).exports as never as {
        call(): void;
      };
      expect(() => call()).toThrow("epoch");
    },
  );

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

/** `run(n)` calls each of so many functions of 60 bytes, n times. */
function many(count: number): Module {
  const adds = "(local.set 0 (i32.add (local.get 0) (i32.const 3)))".repeat(8);
  const calls = Array.from({ length: 100 }, (_, i) => {
    return `(drop (call ${1 + ((i * 37) % count)} (i32.const 1)))`;
  });
  const functions = `(func (param i32) (result i32) ${adds} (local.get 0))`.repeat(count);
  return Module.from(
    assemble(`(module
      (func (export "run") (param $n i32)
        (loop $next ${calls.join(" ")}
          (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
      ${functions})`),
  );
}

describe.skipIf(!hasHost)("tier auto", () => {
  it("leaves what is short to the interpreter", () => {
    const { compiledFuel, instance } = summed({ tier: "auto" });
    expect(compiledFuel).toBe(0);
    expect(leftToInterpreter(instance.target)).toEqual([]);
  });

  it("compiles what is called again and again, for the same fuel", () => {
    const fuels = (["interpreter", "auto"] as const).map((tier) => {
      const store = new Store({ tier });
      const { exports } = store.instantiate(module);
      for (let i = 0; i < 50; i++) expect(exports.sum(1_000)).toBe(500_500);
      return [store.usage.fuel, store.runtime.compiledFuel];
    });
    const [[all, none], [fuel, compiled]] = fuels;
    expect([none, fuel]).toEqual([0, all]);
    expect(compiled).toBeGreaterThan(all / 2);
  });

  it("under a deadline too, and in slices", async () => {
    const work = many(20);
    const store = new Store({ tier: "auto" });
    const run = store.instantiate(work).func("run");
    run.with({ timeout: 10_000 }).call(200);
    run.call(200);
    const execution = run.start(200);
    while (execution.run({ slice: 1_000 }).kind === "suspended");
    await run.with({ timeout: 10_000 }).callAsync(200);
    expect(store.runtime.compiledFuel).toBeGreaterThan(store.usage.fuel / 2);
  });
});

describe.skipIf(!hasHost)("a module that the host takes long for", () => {
  const large = many(6_000);

  it("is compiled beside the guest where somebody watches", async () => {
    const store = new Store({ tier: "compiled" });
    const instance = store.instantiate(large, {}, { timeout: 10_000 });
    const run = instance.func("run").with({ timeout: 10_000 });
    run.call(100);
    expect(store.runtime.compiledFuel).toBe(0);
    for (let i = 0; i < 500 && store.runtime.compiledFuel === 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      run.call(100);
    }
    expect(store.runtime.compiledFuel).toBeGreaterThan(0);
  });

  it("at once where nobody does", () => {
    const store = new Store({ tier: "compiled" });
    store.instantiate(many(5_000)).func("run").call(100);
    expect(store.runtime.compiledFuel).toBe(store.usage.fuel);
  });
});

describe.skipIf(!hasHost)("what the host keeps", () => {
  const used = (store: Store) => store.runtime.usage("compiledBytes");

  it("is in the account, the code once for all instances", () => {
    const store = new Store({ tier: "compiled" });
    const work = many(500);
    const sizes = [0, 1, 2].map(() => {
      store.instantiate(work);
      return used(store);
    });
    expect(sizes[2] - sizes[1]).toBeLessThan(sizes[0] / 2);
    expect(sizes[1] - sizes[0]).toBe(sizes[2] - sizes[1]);
  });

  it("has a limit: what there is no room for is interpreted", () => {
    const store = new Store({ tier: "compiled", limits: { compiledBytes: 100_000 } });
    const instance = store.instantiate(many(500));
    instance.func("run").call(1);
    expect(leftToInterpreter(instance.target)).toEqual([
      { reason: "its store has no room for it", functions: 501 },
    ]);
    expect(store.runtime.compiledFuel).toBe(0);
  });

  it("counts while it is in the making, and is given back if there is no room", () => {
    const made = (compiledBytes: number) => {
      const store = new Store({ tier: "auto", limits: { compiledBytes } });
      const execution = store.instantiate(many(1_000)).func("run").start(1_000_000);
      let most = 0;
      for (let i = 0; i < 1_000 && store.runtime.compiledFuel === 0; i++) {
        execution.run({ slice: 10_000 });
        if (store.runtime.compiledFuel === 0) most = Math.max(most, used(store));
      }
      return { compiledFuel: store.runtime.compiledFuel, most, left: used(store) };
    };
    const { compiledFuel, most } = made(1 << 28);
    expect(compiledFuel).toBeGreaterThan(0);
    expect(most).toBeGreaterThan(50_000);
    expect(made(most / 2)).toEqual({ compiledFuel: 0, most: expect.any(Number), left: 0 });
  });

  it("is given back when instances go", async () => {
    const store = new Store({ tier: "compiled" });
    const work = many(500);
    for (let i = 0; i < 3; i++) store.instantiate(work).func("run").call(1);
    expect(used(store)).toBeGreaterThan(100_000);
    for (let i = 0; i < 100 && used(store) > 0; i++) {
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(used(store)).toBe(0);
  });
});
