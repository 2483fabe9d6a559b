// JavaScript Promise Integration beyond the official tests: overlapping calls, calls inside calls,
// errors on their way, and what namespaces with limits make of it.

import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Epoch } from "../../src/api/index.ts";
import {
  controlsOf,
  createNamespace,
  type Instance,
  WebAssembly as Ours,
  type WebAssemblyNamespace,
} from "../../src/js-api/index.ts";
import { collectGarbage } from "../garbage.ts";
import { func, instanceOf, rejectionOf, thrownBy } from "./support.ts";

/** Adds what imports give to what they were asked with, in several ways. */
const MODULE = `(module
  (import "m" "ask" (func $ask (param i32) (result i32)))
  (import "m" "pair" (func $pair (result i32 i64)))
  (import "m" "tell" (func $tell (param externref) (result externref)))
  (import "m" "tag" (tag $tag (param i32)))
  (import "m" "js" (tag $js (param externref)))
  (type $asker (func (param i32) (result i32)))
  (table 1 funcref) (elem (i32.const 0) $ask)
  (func $deep (export "deep") (param i32 i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)) (local.get 1))))
      (else (call $ask (local.get 1)))))
  (func (export "indirect") (param i32) (result i32)
    (call_indirect (type $asker) (local.get 0) (i32.const 0)))
  (func (export "tail") (param i32) (result i32) (return_call $ask (local.get 0)))
  (func (export "pair") (result i64 i32) (local i32 i64)
    (call $pair) (local.set 1) (local.set 0)
    (i64.add (local.get 1) (i64.const 1)) (i32.add (local.get 0) (i32.const 7)))
  (func (export "tell") (param externref) (result externref) (call $tell (local.get 0)))
  (func (export "catch") (param i32) (result i32)
    (block $tagged (result i32)
      (block $thrown (result externref)
        (try_table (catch $tag $tagged) (catch $js $thrown) (return (call $ask (local.get 0))))
        (unreachable))
      (drop) (i32.const -1)))
  (func (export "trap") (param i32) (result i32) (drop (call $ask (local.get 0))) (unreachable))
  (func (export "count") (param i32) (result i32) (local i32)
    (loop $again
      (drop (call $ask (local.get 1)))
      (local.set 1 (i32.add (local.get 1) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get 1) (local.get 0))))
    (local.get 1))
  (func (export "spin") (param i32) (result i32) (local i32)
    (local.set 1 (local.get 0))
    (loop $again
      (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
      (br_if $again (local.get 1)))
    (call $ask (local.get 0)))
  (export "ask" (func $ask)))`;

type Asked = (value: number) => unknown;

/** An instance whose imports suspend; `ask` gives what it is asked with, later. */
function instance(
  namespace: WebAssemblyNamespace = Ours,
  ask: Asked = async (value) => value,
  others: object = {},
): Instance {
  const { JSTag, Suspending, Tag } = namespace;
  const imports = {
    ask: new Suspending(ask),
    pair: new Suspending(async () => [1, 2n]),
    tell: new Suspending(async (value: unknown) => value),
    tag: new Tag({ parameters: ["i32"] }),
    js: JSTag,
    ...others,
  };
  return instanceOf(MODULE, { m: imports }, namespace);
}

/** An export of it as a promising function. */
function promising(
  { exports }: Instance,
  name: string,
  namespace: WebAssemblyNamespace = Ours,
): (...args: unknown[]) => Promise<unknown> {
  return namespace.promising(exports[name] as (...args: unknown[]) => unknown);
}

/** A promise and the function that fulfils it. */
function door(): { readonly opened: Promise<number>; open(value: number): void } {
  let open: (value: number) => void = () => {};
  const opened = new Promise<number>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const codeOf = (error: Error) => (error as { readonly code?: string }).code;

describe("a promising function", () => {
  it("is as the specification says, whatever it was made of", () => {
    const one = promising(instance(), "deep");
    expect([one.length, one.name, "prototype" in one]).toEqual([1, "", false]);
    expect(thrownBy(() => Ours.promising(one)).message).toBe(
      "WebAssembly.promising(): Argument 0 must be a WebAssembly exported function",
    );
  });

  it("rejects what cannot be an argument, before anything runs", async () => {
    const text = `(module (func (export "f") (param i64)))`;
    const f = promising(instanceOf(text), "f");
    expect((await rejectionOf(f(1))).name).toBe("TypeError");
    expect(await f(1n)).toBe(undefined);
  });

  it("gives all results, references among them, and adopts a promise that is one", async () => {
    const given = instance();
    expect(await promising(given, "pair")()).toEqual([3n, 8]);
    const key = {};
    expect(await promising(given, "tell")(key)).toBe(key);
    expect(await promising(given, "tell")(Promise.resolve(key))).toBe(key);
  });

  it.each(["indirect", "tail", "ask"])("waits for what it calls by %s", async (name) => {
    expect(await promising(instance(), name)(5)).toBe(5);
  });

  it("settles in the microtask that the specification wants", async () => {
    const log: unknown[] = [];
    const ask = promising(
      instance(Ours, (value) => value),
      "tail",
    );
    ask(1).then(() => log.push("done"));
    let ticks = Promise.resolve();
    for (let i = 0; i < 4; i++) {
      ticks = ticks.then(() => {
        log.push(i);
      });
    }
    await ticks;
    expect(log).toEqual([0, "done", 1, 2, 3]);
  });
});

describe("a Suspending object", () => {
  it("cannot be cloned, nor made of what is no function", () => {
    const object = new Ours.Suspending(() => 1);
    expect(thrownBy(() => structuredClone(object)).name).toBe("DataCloneError");
    expect(Object.prototype.toString.call(object)).toBe("[object WebAssembly.Suspending]");
    expect(thrownBy(() => new Ours.Suspending({} as () => void)).message).toBe(
      "WebAssembly.Suspending(): Argument 0 must be a function",
    );
  });

  it("of another namespace is none, and no function", () => {
    const other = createNamespace();
    const error = thrownBy(() => instance(Ours, () => 0, { ask: new other.Suspending(() => 0) }));
    expect(error.message).toContain("function import requires a callable");
  });

  it("holds Exported Functions as well, which are called and not entered", async () => {
    const inner = instance();
    const tail = promising(inner, "tail");
    const outer = instance(Ours, tail);
    expect(await promising(outer, "deep")(3, 4)).toBe(7);
    const direct = instance(Ours, func(inner, "tail"));
    expect((await rejectionOf(promising(direct, "tail")(1))).message).toBe(
      "trying to suspend JS frames",
    );
  });

  it("is not called where nothing can wait", () => {
    let calls = 0;
    const given = instance(Ours, () => calls++);
    for (const name of ["tail", "ask"]) {
      const error = thrownBy(() => func(given, name)(1));
      expect(error).toBeInstanceOf(Ours.SuspendError);
      expect(error.message).toBe("trying to suspend without WebAssembly.promising");
    }
    expect(calls).toBe(0);
    // Which is an error of JavaScript's, and no trap.
    expect(func(given, "catch")(1)).toBe(-1);
  });
});

describe("calls that wait", () => {
  it("overlap, and end in the order in which their promises do", async () => {
    const doors = Array.from({ length: 20 }, door);
    const deep = promising(
      instance(Ours, (i) => doors[i].opened),
      "deep",
    );
    const ended: number[] = [];
    const calls = doors.map(async (_, i) => {
      // Deeper and deeper, so that their frames overlap where they were.
      const value = await deep(200 * i, i);
      ended.push(i);
      return value;
    });
    const order = doors.map((_, i) => (7 * i) % doors.length);
    for (const i of order) {
      doors[i].open(i);
      await calls[i];
    }
    expect(ended).toEqual(order);
    expect(await Promise.all(calls)).toEqual(doors.map((_, i) => 201 * i));
  });

  it("let others in, from outside and from within the functions that they wait for", async () => {
    const { opened, open } = door();
    const given: Instance = instance(Ours, async (value) => {
      if (value === 0) return opened;
      // Between the two a call that cannot wait, of the same instance.
      expect(thrownBy(() => func(given, "tail")(1)).name).toBe("SuspendError");
      return (await promising(given, "deep")(10, value - 1)) as number;
    });
    const outer = promising(given, "deep")(100, 5);
    expect(await promising(given, "pair")()).toEqual([3n, 8]);
    open(1_000);
    expect(await outer).toBe(1_150);
  });

  it("are not disturbed by conversions that run code of guests", async () => {
    const nested = instanceOf(`(module (func $f (export "f") (param i32) (result i32)
      (if (result i32) (local.get 0)
        (then (i32.add (i32.const 2) (call $f (i32.sub (local.get 0) (i32.const 1)))))
        (else (i32.const 0)))))`);
    const converted = instance(Ours, async () => ({ valueOf: () => func(nested, "f")(50) }));
    expect(await promising(converted, "deep")(30, 0)).toBe(130);
  });

  it("keep references, also those that only they hold", async () => {
    const { opened, open } = door();
    const tell = instance(Ours, undefined, {
      tell: new Ours.Suspending(async (value: unknown) => {
        await opened;
        return value;
      }),
    });
    const calls = Array.from({ length: 50 }, (_, i) => promising(tell, "tell")({ i }));
    open(0);
    expect(await Promise.all(calls)).toEqual(calls.map((_, i) => ({ i })));
  });

  it("come back into the instance that has called", async () => {
    const inner = instance();
    const outer = instanceOf(
      `(module (import "m" "f" (func $f (param i32 i32) (result i32)))
        (global (export "g") (mut i32) (i32.const 5))
        (func (export "main") (result i32)
          (i32.add (call $f (i32.const 10) (i32.const 3)) (global.get 0))))`,
      { m: { f: inner.exports.deep } },
    );
    const calls = [promising(outer, "main")(), promising(outer, "main")()];
    expect(await Promise.all(calls)).toEqual([18, 18]);
  });
});

describe("a guest that waits at a memory", () => {
  it("blocks its agent also where it could be suspended", async () => {
    const { exports } = instanceOf(`(module (memory 1 1 shared)
      (func (export "wait") (result i32)
        (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 20000000))))`);
    const log: unknown[] = [];
    const call = Ours.promising(exports.wait as () => unknown)();
    Promise.resolve().then(() => log.push("others"));
    log.push("called");
    const began = performance.now();
    log.push(await call);
    // It had ended before its promise was there.
    expect(performance.now() - began).toBeLessThan(15);
    expect(log).toEqual(["called", "others", 2]);
  });
});

describe("errors", () => {
  it("of an import, thrown or promised, can be caught by the guest", async () => {
    const tag = new Ours.Tag({ parameters: ["i32"] });
    const outcomes: readonly Asked[] = [
      () => {
        throw new Ours.Exception(tag, [7]);
      },
      () => Promise.reject(new Ours.Exception(tag, [8])),
      () => Promise.reject(new RangeError()),
      () => ({
        get constructor() {
          throw new RangeError();
        },
      }),
      () => Symbol.iterator,
      () => 9,
    ];
    const found = outcomes.map((ask) => promising(instance(Ours, ask, { tag }), "catch")(0));
    expect(await Promise.all(found)).toEqual([7, 8, -1, 0, -1, 9]);
  });

  it("that nobody catches reject the call as they are", async () => {
    const thrown = new RangeError("mine");
    const fails = instance(Ours, () => Promise.reject(thrown));
    expect(await rejectionOf(promising(fails, "deep")(10, 0))).toBe(thrown);
    expect(await rejectionOf(promising(fails, "ask")(0))).toBe(thrown);
    expect(await promising(instance(), "deep")(10, 0)).toBe(10);
  });

  it("are traps after a wait as before one, with the guest's frames", async () => {
    const error = await rejectionOf(promising(instance(), "trap")(1));
    expect(error).toBeInstanceOf(Ours.RuntimeError);
    expect(error.message).toBe("unreachable");
    expect(error.stack).toMatch(/^RuntimeError: unreachable\n {4}at .*wasm-function\[\d+\]:0x/);
  });

  it("are thrown by the guest that has no room for its calls, and by no other", async () => {
    const deep = promising(instance(), "deep");
    const error = await rejectionOf(deep(1_000_000, 1));
    expect([error.name, error.message]).toEqual(["RangeError", "Maximum call stack size exceeded"]);
    expect(await deep(100_000, 1)).toBe(100_001);
  });
});

describe("a recursion through both ends", () => {
  it("without end is a RangeError for all of its calls, and harms nobody", async () => {
    let started = 0;
    const given: Instance = instance(Ours, async () => {
      started++;
      return promising(given, "deep")(1, 0);
    });
    const error = await rejectionOf(promising(given, "catch")(0));
    expect([error.name, error.message]).toEqual(["RangeError", "Maximum call stack size exceeded"]);
    expect(started).toBeGreaterThan(50);
    expect(await promising(instance(), "deep")(10, 0)).toBe(10);
  });

  it("ends where it does, however many calls wait for each other", async () => {
    const given: Instance = instance(Ours, async (value) => {
      await null;
      return value === 0 ? 0 : promising(given, "deep")(3, value - 1);
    });
    expect(await promising(given, "deep")(3, 5_000)).toBe(15_003);
  });
});

describe("in a namespace with limits", () => {
  it("fuel is exact, and that of all calls", async () => {
    const namespace = createNamespace({ fuel: 10_000 });
    const controls = controlsOf(namespace);
    const given = instance(namespace);
    const before = controls.fuel;
    await promising(given, "count", namespace)(100);
    const { fuel } = controls;
    expect(before - fuel).toBe(11 * 100 + 1);
    const both = [1, 2].map(() => promising(given, "count", namespace)(100));
    await Promise.all(both);
    expect(fuel - controls.fuel).toBe(2 * (11 * 100 + 1));
  });

  it("fuel that runs out after a wait is the error of that call", async () => {
    const namespace = createNamespace({ fuel: 500 });
    const given = instance(namespace);
    const error = await rejectionOf(promising(given, "count", namespace)(1_000_000));
    expect(error).toBeInstanceOf(namespace.RuntimeError);
    expect(codeOf(error)).toBe("fuel");
    controlsOf(namespace).fuel = 1_000;
    expect(await promising(given, "count", namespace)(10)).toBe(10);
  });

  it("a timeout counts what the call runs, and not what it waits", async () => {
    const namespace = createNamespace({ timeout: 60 });
    const later = (value: number) => setTimeout(100, value);
    const waits = promising(instance(namespace, later), "deep", namespace);
    expect(await waits(3, 4)).toBe(7);
    const busy = promising(instance(namespace), "count", namespace);
    const began = Date.now();
    expect(codeOf(await rejectionOf(busy(0xffff_ffff)))).toBe("deadline");
    expect(Date.now() - began).toBeLessThan(20_000);
    const spin = promising(instance(namespace), "spin", namespace);
    expect(codeOf(await rejectionOf(spin(0xffff_ffff)))).toBe("deadline");
  });

  it("an epoch that has come while it waited stops it before it goes on", async () => {
    const epoch = new Epoch();
    const namespace = createNamespace({ epoch, epochDeadline: 1 });
    const { opened, open } = door();
    const call = promising(
      instance(namespace, () => opened),
      "tail",
      namespace,
    )(1);
    epoch.advance();
    open(1);
    expect(codeOf(await rejectionOf(call))).toBe("epoch");
  });

  it("frames of calls that wait are counted, and given back", async () => {
    const namespace = createNamespace({ limits: { hostBytes: 200_000 } });
    const doors = Array.from({ length: 100 }, door);
    const deep = promising(
      instance(namespace, (i) => doors[i].opened),
      "deep",
      namespace,
    );
    const calls = doors.map((_, i) => deep(100, i).catch((error: Error) => error));
    const outcomes = await Promise.all(
      calls.map((call, i) => {
        doors[i].open(i);
        return call;
      }),
    );
    const refused = outcomes.filter((outcome) => outcome instanceof RangeError);
    expect(refused.length).toBeGreaterThan(10);
    expect(refused.length).toBeLessThan(90);
    expect(await deep(100, 0)).toBe(100);
  });

  it("calls that wait for what never comes are garbage, if nobody else refers to them", async () => {
    const namespace = createNamespace({ limits: { hostBytes: 500_000 } });
    const given = instance(namespace, () => new Promise(() => {}));
    const deep = promising(given, "deep", namespace);
    let refused = 0;
    for (let i = 0; i < 1_000; i++) {
      deep(20, 0).catch(() => refused++);
      if (i % 50 === 49) {
        await setTimeout(1);
        collectGarbage();
        // Then the finalizers run.
        await setTimeout(1);
      }
    }
    expect(refused).toBe(0);
  });
});
