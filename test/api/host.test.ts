// Host functions and imports: what a guest reaches, what the host gets, nested and waiting calls.

import { describe, expect, it } from "vitest";
import {
  Exhaustion,
  Global,
  hostFunc,
  type ImportMap,
  type Instance,
  LinkError,
  Memory,
  Store,
  Table,
  Tag,
} from "../../src/api/index.ts";
import { instanceOf, moduleOf, rejected, sleep, thrown } from "./support.ts";

const NEEDS_F = `(module (import "env" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "main") (param i32) (result i32)
    (i32.add (call $f (local.get 0)) (i32.const 1))))`;

describe("imports", () => {
  it.each<[string, ImportMap, RegExp]>([
    ["nothing", {}, /^unknown import: "env"."f" must be \(func \(param i32\) \(result i32\)\)$/],
    ["no such item", { env: {} }, /^unknown import: "env"."f"/],
    ["a number", { env: { f: 1 } }, /^incompatible import type: "env"."f".*found the number 1$/],
    ["null", { env: { f: null } }, /found null$/],
    ["a memory", { env: { f: new Memory(new Store(), { min: 1 }) } }, /found \(memory 1\)/],
    ["another type", { env: { f: hostFunc("() -> ()", () => 0) } }, /found \(func\)$/],
  ])("%s is a LinkError", (_, imports, message) => {
    const error = thrown(LinkError, () => instanceOf(NEEDS_F, imports));
    expect(error.message).toMatch(message);
    expect([error.importModule, error.importName]).toEqual(["env", "f"]);
  });

  it("what every object inherits is not granted", () => {
    const text = (module: string, name: string) => {
      return `(module (import "${module}" "${name}" (func (result externref))))`;
    };
    const env = {};
    thrown(LinkError, () => instanceOf(text("env", "toString"), { env }));
    thrown(LinkError, () => instanceOf(text("constructor", "name"), { env }));
    thrown(LinkError, () => instanceOf(text("toString", "call"), { env }));
    // What its own class gives it is.
    class Env {
      toString() {
        return "granted";
      }
    }
    const granted = instanceOf(
      `(module (import "env" "toString" (func $f (result externref)))
        (func (export "f") (result externref) (call $f)))`,
      { env: new Env() },
    );
    expect(granted.exports.f()).toBe("granted");
    thrown(LinkError, () => instanceOf(text("env", "constructor"), { env: new Env() }));
  });

  it("exports of one instance are imports of another, and keep identity", () => {
    const store = new Store();
    const shared = `(memory (export "memory") 1) (table (export "table") 2 funcref)
      (global (export "global") (mut i32) (i32.const 1)) (tag (export "tag") (param i32))
      (func (export "func") (result i32) (i32.const 42))`;
    const a = instanceOf(`(module ${shared})`, {}, store);
    const b = instanceOf(
      `(module (import "a" "memory" (memory 1)) (import "a" "table" (table 2 funcref))
        (import "a" "global" (global $g (mut i32))) (import "a" "tag" (tag (param i32)))
        (import "a" "func" (func $f (result i32)))
        (elem declare func $f)
        (export "memory" (memory 0)) (export "table" (table 0)) (export "global" (global 0))
        (export "tag" (tag 0)) (export "func" (func $f))
        (func (export "main") (result i32)
          (global.set $g (call $f)) (table.set (i32.const 1) (ref.func $f))
          (i32.store (i32.const 8) (i32.const 7)) (call_indirect (result i32) (i32.const 1))))`,
      { a: a.exports },
      store,
    );
    expect(b.exports.main()).toBe(42);
    expect(b.memory()).toBe(a.memory());
    expect(b.table("table")).toBe(a.table("table"));
    expect(b.global("global")).toBe(a.global("global"));
    expect(b.tag("tag")).toBe(a.tag("tag"));
    expect(b.func("func")).toBe(a.func("func"));
    expect(a.table("table").get(1)).toBe(a.func("func"));
    expect([a.global("global").value, a.memory().bytes[8]]).toEqual([42, 7]);
  });

  it("values stand for immutable globals", () => {
    const text = `(module (import "env" "g" (global i64))
      (func (export "g") (result i64) (global.get 0)))`;
    expect(instanceOf(text, { env: { g: 5n } }).exports.g()).toBe(5n);
    thrown(LinkError, () => instanceOf(text, { env: { g: 5 } }));
    const mutable = text.replace("(global i64)", "(global (mut i64))");
    thrown(LinkError, () => instanceOf(mutable, { env: { g: 5n } }));
  });

  it("things of another store are refused", () => {
    const other = instanceOf(`(module (func (export "f") (param i32) (result i32) (i32.const 1)))`);
    const { message } = thrown(LinkError, () => instanceOf(NEEDS_F, { env: other.exports }));
    expect(message).toMatch(/of another store/);
  });
});

describe("function instances of host functions", () => {
  const named = (name: string) => `(module (import "env" "${name}" (func $f (result i32)))
    (func (export "main") (result i32) (call $f)) (export "f" (func $f)))`;

  it("are shared by the instances of a module in a store, and by nobody else", () => {
    for (const f of [() => 1, hostFunc("() -> (i32)", () => 1)]) {
      const module = moduleOf(named("f"));
      const store = new Store();
      const [a, b] = [1, 2].map(() => store.instantiate(module, { env: { f } }).func("f").target);
      expect(b).toBe(a);
      expect(store.instantiate(moduleOf(named("f")), { env: { f } }).func("f").target).not.toBe(a);
      const other = new Store().instantiate(module, { env: { f } });
      expect(other.func("f").target).not.toBe(a);
    }
  });

  it("have the name of the import, whoever imported the function before", () => {
    const wrong = hostFunc("() -> (i32)", () => "no");
    for (const f of [() => "no", wrong]) {
      const [first, second] = ["first", "second"].map((name) => {
        const instance = instanceOf(named(name), { env: { [name]: f } });
        return thrown(TypeError, () => instance.exports.main()).message;
      });
      expect([first, second]).toEqual([
        expect.stringContaining("env.first"),
        expect.stringContaining("env.second"),
      ]);
    }
  });

  it("are those of what was given last, if it changes", () => {
    const module = moduleOf(named("f"));
    const store = new Store();
    const results = [1, 2, 1].map((n) => {
      return store.instantiate(module, { env: { f: () => n } }).exports.main();
    });
    expect(results).toEqual([1, 2, 1]);
  });
});

describe("host functions", () => {
  it("get the arguments alone, typed by the import", () => {
    const calls: unknown[][] = [];
    const f = (...args: unknown[]) => {
      calls.push(args);
      return 10;
    };
    expect(instanceOf(NEEDS_F, { env: { f } }).exports.main(5)).toBe(11);
    expect(calls).toEqual([[5]]);
  });

  it("made by hostFunc learn who calls", () => {
    const callers: [Instance, number][] = [];
    const f = hostFunc("(i32) -> (i32)", (caller, address: number) => {
      callers.push([caller.instance, caller.memory.pages]);
      caller.memory.write(address, Uint8Array.of(9));
      expect(caller.store).toBe(store);
      return address;
    });
    const store = new Store();
    const [a, b] = [1, 2].map(() => instanceOf(NEEDS_F, { env: { f } }, store));
    a.exports.main(3);
    b.exports.main(4);
    expect(callers.map(([instance]) => instance)).toEqual([a, b]);
    expect([...a.memory().read(3, 2), ...b.memory().read(3, 2)]).toEqual([9, 0, 0, 9]);
  });

  it("signatures are read strictly", () => {
    for (const text of ["i32", "(i33) -> ()", "(i32) -> i32", "(i32 -> ()"]) {
      thrown(SyntaxError, () => hostFunc(text, () => undefined));
    }
    const spaced = hostFunc(" (i32,  i64)->( ) ", () => undefined);
    const text = `(module (import "e" "f" (func (param i32 i64))))`;
    expect(instanceOf(text, { e: { f: spaced } }).exports).toEqual(Object.create(null));
  });

  it.each([
    ["(result i32)", undefined, /the result of env\.f must be a number \(i32\), found undefined/],
    ["(result i64)", 1, /must be a bigint/],
    ["(result i32 i32)", 1, /env\.f must return an array of 2 values, found the number 1/],
    ["(result i32 i32)", [1], /found one of 1/],
    ["(result i32 i32)", [1, 2n], /result 2 of env\.f must be a number/],
  ])("with %s must not return %s", (results, value, message) => {
    const text = `(module (import "env" "f" (func $f ${results}))
      (func (export "main") ${results} (call $f)))`;
    const { exports } = instanceOf(text, { env: { f: () => value } });
    expect(thrown(TypeError, () => exports.main()).message).toMatch(message);
  });

  it("what they throw passes through unchanged, and the instance goes on", () => {
    const error = new Error("mine");
    let broken = true;
    const f = () => {
      if (broken) throw error;
      return 1;
    };
    const instance = instanceOf(NEEDS_F, { env: { f } });
    expect(thrown(Error, () => instance.exports.main(0))).toBe(error);
    expect(instance.func("main").start(0).run()).toEqual({ kind: "threw", error });
    broken = false;
    expect(instance.exports.main(0)).toBe(2);
  });

  it("throw exceptions that the guest catches", () => {
    const failure = new Tag("(i32 i64)");
    const text = `(module (import "env" "failure" (tag $e (param i32 i64)))
      (import "env" "f" (func $f))
      (func (export "main") (result i32 i64)
        (block $caught (result i32 i64)
          (try_table (catch $e $caught) (call $f))
          (i32.const 0) (i64.const 0)))
      (func (export "uncaught") (throw $e (i32.const 1) (i64.const 2))))`;
    const f = () => {
      throw failure.exception(7, 8n);
    };
    const { exports } = instanceOf(text, { env: { failure, f } });
    expect(exports.main()).toEqual([7, 8n]);
    const error = thrown(Error, () => exports.uncaught());
    expect([failure.is(error), new Tag("(i32 i64)").is(error)]).toEqual([true, false]);
    thrown(TypeError, () => failure.exception(7));
  });
});

describe("nested calls", () => {
  /** Two functions that call each other through the host, n deep. */
  function pair(store: Store): Instance {
    const instance: Instance = instanceOf(
      NEEDS_F,
      { env: { f: (n: number) => (n === 0 ? 0 : instance.exports.main(n - 1)) } },
      store,
    );
    return instance;
  }

  it("go through guests and host, and are all paid from one account", () => {
    const store = new Store({ fuel: 1000 });
    expect(pair(store).exports.main(20)).toBe(21);
    // local.get, call, const, add: 21 times.
    expect(1000 - store.fuel).toBe(84);
    expect(store.lastUsage).toMatchObject({ fuel: 84, hostCalls: 21 });
  });

  it("a host function may call in a loop", () => {
    const inner = instanceOf(`(module (func (export "twice") (param i32) (result i32)
      (i32.mul (local.get 0) (i32.const 2))))`);
    const f = (n: number) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += inner.exports.twice(i) as number;
      return sum;
    };
    expect(instanceOf(NEEDS_F, { env: { f } }).exports.main(1000)).toBe(999_000 + 1);
  });

  it("without end are a named error, and the host goes on", () => {
    const instance: Instance = instanceOf(NEEDS_F, {
      env: { f: (n: number) => instance.exports.main(n) },
    });
    for (const _ of [1, 2]) {
      expect(thrown(Exhaustion, () => instance.exports.main(0)).kind).toBe("callDepth");
    }
    expect(pair(new Store()).exports.main(100)).toBe(101);
  });

  it("that run out of fuel name the host function beneath", () => {
    const store = new Store({ fuel: 40 });
    const { message } = thrown(Exhaustion, () => pair(store).exports.main(20));
    expect(message).toMatch(/^out of fuel: the host function env\.f made the call and cannot be/);
  });

  it("an execution inside a host function can be suspended all the same", () => {
    const store = new Store();
    const inner = instanceOf(`(module (func (export "spin") (loop (br 0))))`, {}, store).func(
      "spin",
    );
    const execution = inner.start();
    const f = (n: number) => (execution.run({ slice: n }).kind === "suspended" ? 1 : 0);
    expect(instanceOf(NEEDS_F, { env: { f } }, store).exports.main(100)).toBe(2);
    expect(execution.usage.fuel).toBe(100);
    expect(execution.run({ slice: 50 })).toEqual({ kind: "suspended", reason: "slice" });
    expect(execution.usage.fuel).toBe(150);
  });
});

describe("host functions that return promises", () => {
  const later = async (n: number) => {
    await sleep(1);
    return n * 2;
  };

  it("make the guest wait under callAsync", async () => {
    const main = instanceOf(NEEDS_F, { env: { f: later } }).func("main");
    expect(await Promise.all([1, 2, 3].map((n) => main.callAsync(n)))).toEqual([3, 5, 7]);
  });

  it("suspend an execution, which goes on when they are settled", async () => {
    const execution = instanceOf(NEEDS_F, { env: { f: later } })
      .func("main")
      .start(5);
    const outcome = execution.run();
    if (outcome.kind !== "suspended" || outcome.reason !== "host") throw new Error(outcome.kind);
    // Before that there is nothing to run.
    expect(execution.run()).toEqual({ ...outcome });
    await outcome.promise;
    expect(execution.run()).toMatchObject({ kind: "returned", value: 11 });
  });

  it("that are rejected throw at the call", async () => {
    const error = new Error("mine");
    const f = () => Promise.reject(error);
    const main = instanceOf(NEEDS_F, { env: { f } }).func("main");
    expect(await rejected(Error, main.callAsync(1))).toBe(error);
  });

  it("are checked like other results", async () => {
    const main = instanceOf(NEEDS_F, { env: { f: async () => "x" } }).func("main");
    expect((await rejected(TypeError, main.callAsync(1))).message).toMatch(/the result of env\.f/);
  });

  it("are refused under call, by name", () => {
    const { exports } = instanceOf(NEEDS_F, { env: { f: later } });
    expect(thrown(TypeError, () => exports.main(1)).message).toBe(
      "env.f returned a promise, but the call is synchronous; use callAsync, start or instantiateAsync",
    );
  });

  it("name the host function beneath that keeps them from waiting", async () => {
    const inner = instanceOf(NEEDS_F, { env: { f: later } });
    const outer = instanceOf(NEEDS_F.replaceAll(`"f"`, `"relay"`), {
      env: { relay: (n: number) => inner.exports.main(n) },
    });
    const { message } = await rejected(TypeError, outer.func("main").callAsync(1));
    expect(message).toMatch(/^env\.f returned a promise, but the host function env\.relay made/);
  });

  it("may themselves call guests that wait", async () => {
    const inner = instanceOf(NEEDS_F, { env: { f: later } });
    const outer = instanceOf(NEEDS_F, {
      env: { f: (n: number) => inner.func("main").callAsync(n) },
    });
    expect(await outer.func("main").callAsync(4)).toBe(10);
  });

  it("work in start functions under instantiateAsync", async () => {
    const module = moduleOf(`(module (import "env" "f" (func $f (result i32)))
      (global $g (export "g") (mut i32) (i32.const 0))
      (func $start (global.set $g (call $f))) (start $start))`);
    const f = () => later(21);
    const instance = await new Store().instantiateAsync(module, { env: { f } });
    expect(instance.global("g").value).toBe(42);
    thrown(TypeError, () => new Store().instantiate(module, { env: { f } }));
  });
});

describe("what the host makes", () => {
  const store = new Store({ limits: { memoryBytes: 4 * 65536, tableElements: 10, globals: 2 } });

  it("memories", () => {
    const memory = new Memory(store, { min: 1, max: 3 });
    expect([memory.pages, memory.byteLength, memory.grow(1)]).toEqual([2 - 1, 65536, 1]);
    memory.write(2 * 65536 - 2, Uint8Array.of(1, 2));
    expect([...memory.read(2 * 65536 - 2, 2)]).toEqual([1, 2]);
    thrown(RangeError, () => memory.write(2 * 65536 - 1, Uint8Array.of(1, 2)));
    thrown(RangeError, () => memory.read(-1, 1));
    // Its type allows one more, the store two.
    thrown(RangeError, () => memory.grow(2));
    expect(thrown(Exhaustion, () => new Memory(store, { min: 3 })).kind).toBe("memoryBytes");
  });

  it("tables", () => {
    const { f } = instanceOf(`(module (func (export "f")))`, {}, store).exports;
    const table = new Table(store, { min: 2 });
    table.set(1, f);
    expect([table.get(0), table.length, table.element]).toEqual([null, 2, "funcref"]);
    expect(table.grow(2, f)).toBe(2);
    expect(table.get(3)).toBe(table.get(1));
    thrown(RangeError, () => table.get(4));
    thrown(TypeError, () => table.set(0, 5));
    expect(thrown(Exhaustion, () => table.grow(100)).kind).toBe("tableElements");
  });

  it("globals", () => {
    const global = new Global(store, { type: "i64", mutable: true }, 5n);
    global.value = -1n;
    expect([global.value, global.type, global.mutable]).toEqual([-1n, "i64", true]);
    thrown(TypeError, () => {
      global.value = 1;
    });
    const constant = new Global(store, { type: "externref" }, "x");
    thrown(TypeError, () => {
      constant.value = "y";
    });
    expect(constant.value).toBe("x");
    expect(thrown(Exhaustion, () => new Global(store, { type: "i32" }, 1)).kind).toBe("globals");
  });
});
