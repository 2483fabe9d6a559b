// Traps of the host's are those of the interpreter: code, bill and calls in progress, wherever it
// happens. More programs: WASMETER_PROGRAMS=2000.

import { afterEach, describe, expect, it, vi } from "vitest";
import { tracesTraps } from "../../src/compiler/host-stack.ts";
import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import { Thread } from "../../src/interpreter/thread.ts";
import { DEFAULT_FEATURES } from "../../src/isa/features.ts";
import { PRICE_TABLE_2 } from "../../src/isa/prices.ts";
import type { FunctionInstance, ModuleInstance, Value } from "../../src/runtime/instances.ts";
import { Store } from "../../src/runtime/store.ts";
import { formatFrame } from "../../src/runtime/trap.ts";
import { localHost } from "../fuzz/hosts.ts";
import { Random } from "../fuzz/random.ts";
import { assemble, load } from "../validation/assemble.ts";
import { compileInstance } from "./compiled.ts";
import { trapProgram } from "./trap-programs.ts";

const COUNT = Number(process.env.WASMETER_PROGRAMS ?? 60);
const SEED = Number(process.env.WASMETER_SEED ?? 1);

/** How a call ends: the trap with its backtrace, the fuel used, globals and some of the memory. */
function ending(instance: ModuleInstance, name: string, args: readonly Value[], slice: number) {
  const func = instance.exports.get(name)?.value as FunctionInstance;
  const thread = new Thread(instance.store, func, args, false);
  for (;;) {
    const outcome = thread.run(slice);
    if (outcome.kind === "suspended") continue;
    const fuel = thread.fuelUsed;
    const globals = instance.globals.map(({ at, cells }) => cells[at]);
    const bytes = instance.memories.map((memory) => memory.bytes.slice(0, 16));
    if (outcome.kind !== "trapped") return { code: outcome.kind, fuel, globals, bytes };
    const { backtrace, code } = outcome.trap;
    return { code, fuel, globals, bytes, calls: backtrace.map(formatFrame) };
  }
}

/** The same module in either tier. */
function tiers(bytes: Uint8Array): readonly ModuleInstance[] {
  const record = load(bytes);
  const [plain, fast] = [0, 1].map(() => moduleInstantiate(new Store(), record, []));
  expect(compileInstance(fast, DEFAULT_FEATURES)).toBe(null);
  return [plain, fast];
}

const TEXT = `(module
  (memory 1)
  (type $none (func))
  (table 3 funcref)
  (elem (i32.const 1) $deeper $other)
  (func $other (param i32))
  (func $deeper (call $deepest (i32.const 3)) nop)
  (func $deepest (param i32)
    (if (i32.eqz (local.get 0)) (then (drop (i32.const 1)) unreachable))
    (call $deepest (i32.sub (local.get 0) (i32.const 1))))
  (func (export "recurse") (param i32) (call $deepest (local.get 0)))
  (func (export "indirect") (param i32) (call_indirect (type $none) (local.get 0)) nop)
  (func (export "load") (param i32) (drop (i32.load offset=8 (local.get 0))))
  (func (export "store") (param i32) (i64.store (local.get 0) (i64.const 1)) (nop))
  (func (export "div") (param i32 i32) (drop (i32.div_s (local.get 0) (local.get 1))))
  (func (export "rem") (param i64 i64) (drop (i64.rem_u (local.get 0) (local.get 1))))
  (func (export "trunc32") (param f32) (drop (i32.trunc_f32_u (local.get 0))))
  (func (export "trunc64") (param f64) (result i64)
    (i64.add (i64.const 1) (i64.trunc_f64_s (local.get 0)))))`;

const CASES: readonly (readonly [name: string, args: readonly Value[], code: string])[] = [
  ["recurse", [0], "unreachable"],
  ["recurse", [20], "unreachable"],
  ["recurse", [200], "unreachable"],
  ["indirect", [0], "uninitializedElement"],
  ["indirect", [1], "unreachable"],
  ["indirect", [2], "indirectCallTypeMismatch"],
  ["indirect", [3], "undefinedElement"],
  ["indirect", [-1], "undefinedElement"],
  ["load", [65525], "memoryOutOfBounds"],
  ["store", [-1], "memoryOutOfBounds"],
  ["div", [1, 0], "divideByZero"],
  ["div", [-(2 ** 31), -1], "integerOverflow"],
  ["rem", [1n, 0n], "divideByZero"],
  ["trunc32", [Number.NaN], "invalidConversion"],
  ["trunc32", [-1], "integerOverflow"],
  ["trunc32", [2 ** 32], "integerOverflow"],
  ["trunc64", [Number.NaN], "invalidConversion"],
  ["trunc64", [Number.POSITIVE_INFINITY], "integerOverflow"],
];

const host = Error as unknown as Record<string, unknown>;
const { prepareStackTrace, stackTraceLimit } = host;

function freezeStack(): void {
  Object.defineProperty(host, "stackTraceLimit", { value: 0, writable: false });
}

afterEach(() => {
  host.prepareStackTrace = prepareStackTrace;
  Object.defineProperty(host, "stackTraceLimit", { value: stackTraceLimit, writable: true });
});

describe.skipIf(localHost() === null)("a trap in the host's code", () => {
  it.each(CASES)("%s(%s) is the interpreter's", (name, args, code) => {
    const [expected, found] = tiers(assemble(TEXT)).map((one) => {
      return ending(one, name, args, Number.POSITIVE_INFINITY);
    });
    expect(expected.code).toBe(code);
    expect(found).toEqual(expected);
  });

  it("is found whatever the program has done to errors, which stays as it was", () => {
    const [plain, fast] = tiers(assemble(TEXT));
    const expected = ending(plain, "recurse", [30], 1000);
    const prepare = () => "nothing";
    host.prepareStackTrace = prepare;
    for (const limit of [0, 3, "none"]) {
      host.stackTraceLimit = limit;
      expect(ending(fast, "recurse", [30], 1000)).toEqual(expected);
      expect(host.stackTraceLimit).toBe(limit);
      expect(host.prepareStackTrace).toBe(prepare);
    }
  });

  it("has no backtrace where errors do not know the stack any more", () => {
    const [plain, fast] = tiers(assemble(TEXT));
    const { code } = ending(plain, "load", [-1], 1000);
    freezeStack();
    expect(ending(fast, "load", [-1], 1000)).toMatchObject({ code, calls: [] });
  });

  it("is not risked where they never did", async () => {
    expect(tracesTraps()).toBe(true);
    freezeStack();
    vi.resetModules();
    const again = await import("../../src/compiler/host-stack.ts");
    expect(again.tracesTraps()).toBe(false);
    const { HostCode } = await import("../../src/compiler/host-code.ts");
    const binary = await import("../validation/assemble.ts");
    const record = binary.load(assemble(TEXT));
    const code = new HostCode(record, PRICE_TABLE_2, DEFAULT_FEATURES);
    while (!code.isComplete) code.advance(true);
    expect(() => code.result).toThrow("the host does not say where it traps");
  });

  it("is the interpreter's when functions of either tier have called each other", () => {
    const text = `(module
      (import "m" "recurse" (func $recurse (param i32)))
      (func (export "over") (call $recurse (i32.const 5)))
      (func (export "instead") (return_call $recurse (i32.const 5)))
      (func $last (return_call $recurse (i32.const 5)))
      (func (export "after") (call $last)))`;
    const record = load(assemble(text));
    for (const name of ["over", "instead", "after"]) {
      const [expected, found] = tiers(assemble(TEXT)).map((inner) => {
        const { store } = inner;
        const recurse = inner.exports.get("recurse");
        if (recurse === undefined) throw new Error("there is no such export");
        return ending(moduleInstantiate(store, record, [recurse]), name, [], 1);
      });
      expect(expected.code).toBe("unreachable");
      expect(found).toEqual(expected);
    }
  });

  it(`is the interpreter's at any point of ${COUNT} programs`, () => {
    const codes = new Map<string, number>();
    for (let i = 0; i < COUNT; i++) {
      const random = Random.of(SEED, i);
      const instances = tiers(assemble(trapProgram(random)));
      let isOver = false;
      for (let point = 1; point < 200 && !isOver; point++) {
        const slice = random.pick([1, 50, Number.POSITIVE_INFINITY]);
        const [expected, found] = instances.map((one) => ending(one, "run", [point], slice));
        expect([i, point, found]).toEqual([i, point, expected]);
        codes.set(expected.code, (codes.get(expected.code) ?? 0) + 1);
        isOver = expected.code === "returned";
      }
    }
    expect([...codes.keys()].sort()).toEqual([
      "divideByZero",
      "indirectCallTypeMismatch",
      "integerOverflow",
      "invalidConversion",
      "memoryOutOfBounds",
      "returned",
      "undefinedElement",
      "uninitializedElement",
      "unreachable",
    ]);
  });

  it("takes no longer between two looks when its function is long", () => {
    const many = "(drop (i32.load (local.get 0)))".repeat(3_000);
    const record = load(assemble(`(module (memory 1) (func (export "f") (param i32) ${many}))`));
    const instance = moduleInstantiate(new Store(), record, []);
    expect(compileInstance(instance, DEFAULT_FEATURES)).toBe(null);
    const { store } = instance;
    const thread = new Thread(store, instance.functionAt(0), [-1], true);
    // What has trapped is found out in pieces, where others may run, and what it takes is counted.
    const before = store.usage("hostBytes");
    let most = 0;
    let pieces = 0;
    let outcome = thread.run(20_000);
    for (; outcome.kind === "suspended"; pieces++) {
      most = Math.max(most, store.usage("hostBytes") - before);
      outcome = thread.run(1);
    }
    expect(outcome.kind).toBe("trapped");
    expect(pieces).toBeGreaterThan(8);
    expect(most).toBeGreaterThan(100_000);
    expect(store.usage("hostBytes")).toBe(before);
  });
});
