// Promises and what passes for one, as hostile or careless host functions return them: each has one
// outcome, and a promise that nobody waits for any more ends no process when it is rejected.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Exhaustion, Store } from "../../src/api/index.ts";
import { instanceOf, moduleOf, rejected, sleep, thrown } from "./support.ts";

const CALLS = `(module (import "env" "f" (func $f (result i32)))
  (func (export "main") (result i32) (i32.add (call $f) (i32.const 1))))`;
const STARTS = `(module (import "env" "f" (func $f)) (start $f))`;

const unhandled: unknown[] = [];
const note = (reason: unknown) => {
  unhandled.push(reason);
};
let others: NodeJS.UnhandledRejectionListener[] = [];

beforeEach(() => {
  others = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", note);
  unhandled.length = 0;
});

afterEach(async () => {
  // Node tells after the microtasks of the task in which it was rejected.
  await sleep(5);
  process.removeAllListeners("unhandledRejection");
  for (const listener of others) process.on("unhandledRejection", listener);
  expect(unhandled).toEqual([]);
});

/** Only in tests is there a reason to give an object such a property. */
const THEN = "then";

type Then = (resolve: (value: unknown) => void, reject: (error?: unknown) => void) => void;

/** Not frozen, no class: what passes for a promise. */
function thenable(action: Then): object {
  return Object.fromEntries([[THEN, action]]);
}

/** What a call gives whose host function returns this. */
function resultOf(returned: () => unknown): Promise<unknown> {
  return instanceOf(CALLS, { env: { f: returned } })
    .func("main")
    .callAsync();
}

describe("a promise where nothing can wait", () => {
  const late = () => sleep(1).then(() => Promise.reject(new Error("too late")));

  it.each([
    ["that is rejected at once", () => Promise.reject(new Error("no"))],
    ["that is rejected later", late],
    [
      "whose then throws",
      () =>
        thenable(() => {
          throw new Error("no");
        }),
    ],
    ["that is rejected with nothing", () => thenable((_, reject) => reject())],
  ])("%s is an error of the call and of nothing else", async (_, f) => {
    const message =
      /^env\.f returned a promise, but the call is synchronous; use .*instantiateAsync/;
    const main = instanceOf(CALLS, { env: { f } }).func("main");
    expect(thrown(TypeError, () => main.call()).message).toMatch(message);
    const start = () => new Store().instantiate(moduleOf(STARTS), { env: { f } });
    expect(thrown(TypeError, start).message).toMatch(message);
  });

  it("is none, either, below a host function that cannot be suspended", async () => {
    const inner = instanceOf(CALLS, { env: { f: late } }).func("main");
    const outer = instanceOf(CALLS, { env: { f: () => inner.call() } }).func("main");
    expect((await rejected(TypeError, outer.callAsync())).message).toMatch(/cannot be suspended/);
  });

  it("is none, either, of a call that was stopped meanwhile", async () => {
    const main = instanceOf(CALLS, { env: { f: () => sleep(20).then(late) } }).func("main");
    const stopped = await rejected(Exhaustion, main.with({ timeout: 1 }).callAsync());
    expect(stopped.kind).toBe("deadline");
    const controller = new AbortController();
    const aborted = main.with({ signal: controller.signal }).callAsync();
    controller.abort(new RangeError("enough"));
    await rejected(RangeError, aborted);
    const execution = main.start();
    expect(execution.run()).toMatchObject({ kind: "suspended", reason: "host" });
    await sleep(30);
  });
});

describe("what passes for a promise", () => {
  it.each([
    ["calls back at once", (resolve) => resolve(1)],
    [
      "calls back twice",
      (resolve, reject) => {
        resolve(1);
        resolve(5);
        reject(new Error("no"));
      },
    ],
    [
      "calls back and throws",
      (resolve) => {
        resolve(1);
        throw new Error("no");
      },
    ],
    ["gives another one", (resolve) => resolve(thenable((again) => again(1)))],
  ] as readonly (readonly [string, Then])[])("and %s has one value", async (_, action) => {
    expect(await resultOf(() => thenable(action))).toBe(2);
  });

  it.each([
    [
      "throws",
      () => {
        throw new RangeError("mine");
      },
    ],
    [
      "is rejected and gives a value",
      (resolve, reject) => {
        reject(new RangeError("mine"));
        resolve(1);
      },
    ],
  ] as readonly (readonly [string, Then])[])("and %s has one error", async (_, action) => {
    await rejected(
      RangeError,
      resultOf(() => thenable(action)),
    );
  });

  it("may be rejected with undefined", async () => {
    await expect(resultOf(() => Promise.reject())).rejects.toBe(undefined);
  });

  it("has a value that is checked like any result", async () => {
    const error = await rejected(
      TypeError,
      resultOf(() => Promise.resolve("1")),
    );
    expect(error.message).toMatch(/the result of env\.f must be a number/);
  });

  it("and never calls back holds a call up to its deadline, and nobody else", async () => {
    const main = instanceOf(CALLS, { env: { f: () => thenable(() => {}) } }).func("main");
    const forever = main.with({ timeout: 20 }).callAsync();
    expect(await resultOf(() => Promise.resolve(1))).toBe(2);
    expect((await rejected(Exhaustion, forever)).kind).toBe("deadline");
  });

  it("may be a value whose property cannot be read", async () => {
    const f = () =>
      Object.defineProperty({}, THEN, {
        get() {
          throw new RangeError("mine");
        },
      });
    await rejected(RangeError, resultOf(f));
  });
});

describe("a result with a property of that name", () => {
  it("may call guests when it is asked for it", () => {
    const text = `(module (import "env" "f" (func $f (result externref)))
      (func (export "main") (param i32 i32) (result i32)
        (drop (call $f))
        (i32.sub (local.get 0) (local.get 1))))`;
    const store = new Store({ fuel: 1_000 });
    const instance = instanceOf(text, { env: { f: () => result } }, store);
    const other = instanceOf(CALLS, { env: { f: () => 5 } }).func("main");
    const result = Object.defineProperty({}, THEN, { get: () => void other.call() });
    expect(instance.func("main").call(50, 8)).toBe(42);
    expect(store.fuel).toBe(1_000 - 5);
  });
});
