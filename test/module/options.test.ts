// Options of every public entry point: a name that there is not, a value of another kind and a
// number out of range are refused, whatever the option stands for. The table has all ways in.

import { describe, expect, it } from "vitest";
import {
  Epoch,
  Global,
  hostFunc,
  Memory,
  Module,
  ModuleDecoder,
  PRICE_TABLE_2,
  Store,
  Table,
} from "../../src/api/index.ts";
import { controlsOf, createNamespace } from "../../src/js-api/index.ts";
import { nearestName } from "../../src/module/options.ts";
import { captureOutput, fixedClock, memoryFileSystem, wasi } from "../../src/wasi/index.ts";
import { hostDirectory } from "../../src/wasi/node.ts";
import { instanceOf, moduleOf, rejected, thrown } from "../api/support.ts";

const EMPTY = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);

async function* stream() {
  yield EMPTY;
}

const COMMAND = `(module (memory (export "memory") 1) (func (export "_start")))`;
const instance = instanceOf(COMMAND);
const func = instance.func("_start");
const foreign = { exports: { memory: { buffer: new ArrayBuffer(0) }, _start() {} } };

/** An options object of whatever shape. */
type Options = never;

/** An entry point: what it is called, the call, and options that are right. */
type Entry = readonly [name: string, call: (options: Options) => unknown, right: object];

const ENTRIES: readonly Entry[] = [
  [
    "Store",
    (options) => new Store(options),
    {
      fuel: 5,
      limits: { memoryBytes: 0, callDepth: Number.POSITIVE_INFINITY },
      epoch: new Epoch(),
      epochDeadline: -1,
      prices: PRICE_TABLE_2,
    },
  ],
  ["with", (options) => func.with(options), call()],
  ["instantiate", (options) => new Store().instantiate(moduleOf(COMMAND), {}, options), call()],
  [
    "instantiateAsync",
    (options) => new Store().instantiateAsync(moduleOf(COMMAND), {}, options),
    call(),
  ],
  ["run", (options) => func.start().run(options), { slice: 1, timeout: 0 }],
  ["Module", (options) => Module.from(EMPTY, options), decoding()],
  ["Module", (options) => new ModuleDecoder(options), decoding()],
  ["Module", (options) => Module.fromStream(stream(), options), decoding()],
  ["Memory", (options) => new Memory(new Store(), options), { min: 0, max: 1, shared: false }],
  ["Table", (options) => new Table(new Store(), options), { min: 0, max: 1, element: "funcref" }],
  ["Global", (options) => new Global(new Store(), options, 1), { type: "i32", mutable: true }],
  [
    "createNamespace",
    (options) => createNamespace(options),
    {
      fuel: 5,
      timeout: 50,
      deadline: 1e15,
      epoch: new Epoch(),
      epochDeadline: 1,
      limits: { memoryBytes: 0 },
      decodingLimits: { moduleBytes: 8 },
      features: { simd: false },
      prices: PRICE_TABLE_2,
    },
  ],
  [
    "wasi",
    (options) => wasi(options),
    {
      args: ["a"],
      env: { A: "1" },
      stdin: "",
      stdout: () => {},
      stderr: captureOutput(),
      preopens: { "/": memoryFileSystem() },
      clock: fixedClock(),
      random: () => {},
      outputLimit: 5,
      descriptorLimit: 5,
    },
  ],
  ["run", (options) => wasi().run(instance, options), call()],
  ["run", (options) => wasi().runAsync(instance, options), call()],
  [
    "memoryFileSystem",
    (options) => memoryFileSystem(options),
    { files: {}, bytes: 5, entries: 5, readOnly: true, clock: fixedClock() },
  ],
  [
    "hostDirectory",
    (options) => hostDirectory(".", options),
    { readOnly: true, bytes: 5, entries: 5 },
  ],
  ["captureOutput", (options) => captureOutput(options), { limit: 5 }],
  ["fixedClock", (options) => fixedClock(options), { start: 0n, step: 1n }],
];

function call() {
  return { timeout: 500, signal: new AbortController().signal, slice: 100 };
}

function decoding() {
  return { features: { simd: false }, limits: { moduleBytes: 8, functions: 1 } };
}

/** What an entry point throws for these options, also by a promise. */
async function refusal(entry: Entry, options: unknown): Promise<Error> {
  return rejected(Error, (async () => entry[1](options as Options))());
}

/** Whether a plain object of options can be in here. */
function isNested(value: unknown): value is Record<string, unknown> {
  return Object.getPrototypeOf(value) === Object.prototype;
}

const typo = (name: string) => `${name.slice(0, -1)}q${name.slice(-1)}`;

describe.each(ENTRIES.map((entry) => [entry[0], entry] as const))("%s", (owner, entry) => {
  const right = entry[2] as Record<string, unknown>;

  it("takes what is right, and what is not given", async () => {
    await entry[1](right as Options);
    const [first] = Object.keys(right).filter((name) => !["min", "type"].includes(name));
    await entry[1]({ ...right, [first]: undefined } as Options);
  });

  it.each(Object.keys(right))(
    "refuses %s with another name, and says the right one",
    async (name) => {
      const error = await refusal(entry, { ...right, [typo(name)]: right[name] });
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe(
        `unknown option "${typo(name)}" of ${owner}; did you mean "${name}"?`,
      );
    },
  );

  it.each(Object.keys(right))("refuses %s of another kind", async (name) => {
    for (const wrong of [Symbol("no"), null]) {
      const error = await refusal(entry, { ...right, [name]: wrong });
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(`option "${name}" of ${owner} must be `);
    }
  });

  const numbers = Object.keys(right).filter((name) => typeof right[name] === "number");
  it.each(numbers)("refuses %s that is a text, NaN or negative", async (name) => {
    expect(await refusal(entry, { ...right, [name]: "5" })).toBeInstanceOf(TypeError);
    expect(await refusal(entry, { ...right, [name]: Number.NaN })).toBeInstanceOf(RangeError);
    if (name === "epochDeadline") return;
    expect(await refusal(entry, { ...right, [name]: -1 })).toBeInstanceOf(RangeError);
  });

  const inner = Object.keys(right).filter((name) => {
    return isNested(right[name]) && ["limits", "decodingLimits", "features"].includes(name);
  });
  it.each(inner)("refuses the same inside of %s", async (name) => {
    const options = right[name] as Record<string, unknown>;
    const [known] = Object.keys(options);
    const unknown = await refusal(entry, { ...right, [name]: { [typo(known)]: options[known] } });
    expect(unknown).toBeInstanceOf(TypeError);
    expect(unknown.message).toMatch(`did you mean "${name}.${known}"?`);
    const wrong = await refusal(entry, { ...right, [name]: { [known]: "5" } });
    expect(wrong).toBeInstanceOf(TypeError);
    expect(wrong.message).toMatch(`option "${name}.${known}" of ${owner} must be `);
  });

  it("refuses what are no options", async () => {
    for (const wrong of [null, 5, "fuel", [5]]) {
      expect(await refusal(entry, wrong)).toBeInstanceOf(TypeError);
    }
  });
});

describe("options", () => {
  it("are found in prototypes, too", () => {
    const inherited = Object.create({ fuel: 5 });
    expect(new Store(inherited).fuel).toBe(5);
    expect(() => new Store(Object.create({ fule: 5 }))).toThrow(/did you mean "fuel"/);
    expect(() => new Store(Object.create({ fuel: "5" }))).toThrow(TypeError);
  });

  it("are looked at once", () => {
    let looks = 0;
    const store = new Store({
      get fuel() {
        return looks++ === 0 ? 5 : Number.POSITIVE_INFINITY;
      },
    });
    expect([store.fuel, looks]).toEqual([5, 1]);
  });

  it("that are assigned later are checked, and there are no others", () => {
    const namespace = createNamespace({ epoch: new Epoch() });
    const controls = controlsOf(namespace);
    for (const name of ["fuel", "timeout", "deadline", "epochDeadline"] as const) {
      expect(() => Object.assign(controls, { [name]: "5" })).toThrow(TypeError);
      expect(() => Object.assign(controls, { [name]: Number.NaN })).toThrow(RangeError);
      expect(() => Object.assign(controls, { [typo(name)]: 5 })).toThrow(TypeError);
    }
    const store = new Store({ epoch: new Epoch() });
    for (const name of ["fuel", "epochDeadline"] as const) {
      expect(() => Object.assign(store, { [name]: "5" })).toThrow(TypeError);
      expect(() => Object.assign(store, { [name]: Number.NaN })).toThrow(RangeError);
      expect(() => Object.assign(store, { [typo(name)]: 5 })).toThrow(TypeError);
    }
  });

  it("of price tables are complete", () => {
    const { perPage, ...rest } = PRICE_TABLE_2;
    expect(perPage).toBe(1);
    expect(() => new Store({ prices: rest as typeof PRICE_TABLE_2 })).toThrow(/perPage/);
    expect(() => new Store({ prices: { ...PRICE_TABLE_2, bytesPerUnit: 0 } })).toThrow(RangeError);
  });

  it("of a call cannot be given to an instance that they would not stop", async () => {
    thrown(TypeError, () => wasi().run(foreign, { timeout: 5 }));
    await rejected(TypeError, wasi().runAsync(foreign, { timeout: 5 }));
    expect(wasi().run(foreign)).toBe(0);
  });

  it("that are no options but arguments are checked, too", () => {
    expect(() => new Epoch().advance("1" as unknown as number)).toThrow(TypeError);
    expect(() => new Epoch().advance(Number.NaN)).toThrow(RangeError);
    expect(() => hostFunc("() -> ()", 5 as unknown as () => void)).toThrow(TypeError);
    expect(() => hostFunc(5 as unknown as string, () => {})).toThrow(TypeError);
    const controller = new AbortController() as unknown as AbortSignal;
    expect(() => func.with({ signal: controller })).toThrow(/must be an AbortSignal/);
  });
});

describe("the nearest name", () => {
  it.each([
    ["fule", "fuel"],
    ["memorybytes", "memoryBytes"],
    ["timout", "timeout"],
    ["timeoutMs", "timeout"],
    ["xyz", null],
    ["q".repeat(100_000), null],
  ])("to %.12s is %s", (name, expected) => {
    expect(nearestName(name, ["fuel", "timeout", "memoryBytes", "limits"])).toBe(expected);
  });
});
