// Modules that are expensive to decode, to validate or to keep (issue 11, items 6, 7, 11 to 13, 26).

import { Module, Store, type StoreOptions } from "../../src/api/index.ts";
import { EXTERNREF, FUNCREF, I32, I64 } from "../../src/isa/types.ts";
import { ByteWriter, ModuleWriter, SECTION } from "../fuzz/writer.ts";
import {
  build,
  type Code,
  carrying,
  inLargeBlock,
  type Parts,
  passiveData,
  passiveElements,
} from "./build.ts";
import type { Attack, Probe } from "./probe.ts";

const NOTHING = [[], []] as const;
const MIB = 2 ** 20;
const NOP_FUNCTION = { code: (code: Code) => code.op("nop") };

/** Heap that is in use, after collection, in MiB. */
export async function heapInUse(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    // Finalisers, which give back, run as tasks.
    await new Promise((resolve) => setTimeout(resolve, 5));
    globalThis.gc?.();
  }
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return (heapUsed + Math.max(external, arrayBuffers)) / MIB;
}

/** Decodes a module in the asynchronous way, which has to let others look. */
function decoding(name: string, item: number, make: () => Uint8Array, megabytes = 0): Attack {
  return {
    name,
    item,
    megabytes,
    async run(probe) {
      const bytes = probe.uses(make());
      await probe.decode(bytes);
    },
  };
}

/** A body of so many instructions, in a function that nobody calls. */
function body(count: number, write: (code: Code, index: number) => unknown, parts: Parts = {}) {
  const functions = [{ code: (code: Code) => code.repeat(count, write) }];
  return () => build({ types: [NOTHING], ...parts, functions });
}

/** One import name with many types. */
function manyTypesOfOneImport(count: number): Uint8Array<ArrayBuffer> {
  const types = distinctTypes(count, 0);
  return build({
    types,
    imports: types.map((_, index) => ["f", index] as const),
  });
}

/** Function types that all differ: the bits of a number as parameters. */
function distinctTypes(count: number, from: number) {
  return Array.from({ length: count }, (_, i) => {
    const bits = (from + i).toString(2).padStart(24, "0");
    return [[...bits].map((bit) => (bit === "1" ? I32 : I64)), []] as const;
  });
}

/** A module of many small functions and a name section with a name for each. */
function named(functions: number, nameBytes: number): Uint8Array<ArrayBuffer> {
  const names = new ByteWriter();
  names.byte(1).sized((w) => {
    w.u32(functions);
    for (let i = 0; i < functions; i++) w.u32(i).name("n".repeat(nameBytes));
  });
  return build({
    types: [NOTHING],
    functions: [
      { export: "run", code: (code) => code.op("unreachable") },
      ...Array.from({ length: functions - 1 }, () => ({ code: (code: Code) => code.op("nop") })),
    ],
    customs: [["name", names.view()]],
  });
}

function trapNames(name: string, functions: number, nameBytes: number): Attack {
  return {
    name,
    item: 7,
    megabytes: 16,
    async run(probe) {
      const store = probe.store();
      const instance = store.instantiate(probe.module(named(functions, nameBytes)));
      let message = "";
      await probe.timed(store, (options) => {
        try {
          instance.func("run").with(options).call();
        } catch (error) {
          ({ message } = error as Error);
          throw error;
        }
      });
      probe.check(message.length < 4096, `a message of ${message.length} characters`);
    },
  };
}

/** Loads many modules, one after the other: what they leave behind is what counts. */
function flat(
  name: string,
  item: number,
  rounds: number,
  step: (round: number, probe: Probe) => unknown,
  spare = 4,
): Attack {
  return {
    name,
    item,
    megabytes: 64,
    async run(probe) {
      await probe.attempt(async () => {
        const quarter = Math.ceil(rounds / 4);
        for (let i = 0; i < quarter; i++) await turn(step(i, probe), i);
        const before = await heapInUse();
        for (let i = quarter; i < rounds; i++) await turn(step(i, probe), i);
        const more = (await heapInUse()) - before;
        probe.left = more;
        probe.check(more < spare, `${more.toFixed(1)} MiB are left behind`);
      });
    },
  };
}

/** Lets the event loop turn after some rounds: what is dropped is noticed by tasks. */
async function turn(done: unknown, round: number): Promise<void> {
  await done;
  if (round % 20 === 0) await new Promise((resolve) => setTimeout(resolve));
}

/** A plugin of some 15 KB; no two are alike. */
function pluginBytes(seed: number): Uint8Array<ArrayBuffer> {
  return build({
    types: [NOTHING, [[], [I32]]],
    globals: [[I32, (code) => code.i32(seed)]],
    functions: [
      {
        type: 1,
        export: "run",
        code: (code) =>
          code
            .repeat(1_500, (c, i) => c.op("global.get", 0).i32(i).op("i32.add").op("global.set", 0))
            .i32(seed),
      },
      { export: "wait", code: (code) => code.forever((c) => c.op("nop")) },
    ],
  });
}

function runPlugin(seed: number): void {
  const instance = new Store().instantiate(Module.from(pluginBytes(seed)));
  if (instance.func("run").call() !== seed) throw new Error("the plugin is wrong");
}

/** Keeps an execution suspended while others come and go. */
const waiting: unknown[] = [];

function suspend(seed: number, options: StoreOptions = {}) {
  const execution = new Store(options).instantiate(Module.from(pluginBytes(seed))).func("wait");
  const started = execution.start();
  started.run({ slice: 10 });
  return started;
}

/** Many data segments of one byte, or none. */
function segments(count: number): Uint8Array<ArrayBuffer> {
  return build({
    memories: [[1]],
    data: Array.from({ length: count }, () => passiveData(0)),
  });
}

/** Exports of the same function under many names. */
function exportsOf(count: number): Uint8Array<ArrayBuffer> {
  const exports = Object.fromEntries(
    Array.from({ length: count }, (_, i) => [i.toString(36), [0, 0] as const]),
  );
  return build({ types: [NOTHING], functions: [{ code: (code) => code.op("nop") }], exports });
}

/** Element segments of constant expressions. */
function expressions(count: number): Uint8Array<ArrayBuffer> {
  return build({
    types: [NOTHING],
    functions: [{ code: (code) => code.op("nop") }],
    tables: [[FUNCREF, [1]]],
    elements: [
      (w) => {
        w.u32(5).byte(0x70).u32(count);
        for (let i = 0; i < count; i++) w.op("ref.func", 0).op("end");
      },
    ],
  });
}

/** How much the record of a module takes, against its bytes. */
function record(name: string, make: () => Uint8Array, most: number): Attack {
  return {
    name,
    item: 13,
    megabytes: 96,
    async run(probe) {
      const bytes = probe.uses(make());
      const before = await heapInUse();
      let module: Module | null = null;
      await probe.attempt(() => {
        module = Module.from(bytes);
      });
      const used = (await heapInUse()) - before;
      const ratio = (used * MIB) / bytes.length;
      probe.check(module === null || ratio < most, `${ratio.toFixed(1)} bytes kept per byte`);
    },
  };
}

/** Instances of a module with much in passive segments. */
const PASSIVE: Attack = {
  name: "passive segments of many instances",
  item: 13,
  async run(probe) {
    const module = probe.module(
      build({
        types: [NOTHING],
        memories: [[1]],
        functions: [NOP_FUNCTION],
        data: [passiveData(4 * MIB)],
        elements: [passiveElements(500_000)],
      }),
    );
    const store = probe.store();
    const kept: unknown[] = [];
    await probe.attempt(() => {
      for (let i = 0; i < 400; i++) kept.push(store.instantiate(module));
    });
  },
};

/** Instances that declare much and are kept. */
function instances(name: string, parts: Parts, count: number): Attack {
  return {
    name,
    item: 13,
    async run(probe) {
      const module = probe.module(build(parts));
      const store = probe.store();
      const kept: unknown[] = [];
      const before = await heapInUse();
      const ended = await probe.attempt(() => {
        for (let i = 0; i < count; i++) kept.push(store.instantiate(module));
      });
      const used = (await heapInUse()) - before;
      probe.check(used < 80, `${used.toFixed(0)} MiB for ${kept.length} instances`);
      // Some of what is declared takes nothing before it is used.
      probe.check(/^(Exhaustion|returned)/.test(ended), `ended with ${ended}`);
    },
  };
}

/** A recursion group of many function types that mention each other. */
function recursionGroup(size: number): Uint8Array<ArrayBuffer> {
  return new ModuleWriter()
    .section(SECTION.type, (w) => {
      w.u32(1).byte(0x4e).u32(size);
      for (let i = 0; i < size; i++) {
        w.byte(0x60).u32(4);
        for (let k = 1; k <= 4; k++) w.byte(0x63).signed((i * k) % size);
        w.u32(0);
      }
    })
    .finish();
}

/** Types whose parameters mention the one before: keys that grow? */
function typeChain(count: number): Uint8Array<ArrayBuffer> {
  return new ModuleWriter()
    .section(SECTION.type, (w) => {
      w.u32(count);
      for (let i = 0; i < count; i++) {
        w.byte(0x60).u32(100);
        for (let k = 0; k < 100; k++) w.byte(0x63).signed(Math.max(0, i - 1 - k) % Math.max(1, i));
        w.u32(0);
      }
    })
    .finish();
}

/** Bodies whose locals are declared in many runs. */
function localRuns(functions: number, runs: number): Uint8Array<ArrayBuffer> {
  const locals = Array.from({ length: runs }, (_, i) => [1, i % 2 === 0 ? I32 : I64] as const);
  return build({
    types: [NOTHING],
    functions: Array.from({ length: functions }, () => ({
      locals,
      code: (code: Code) =>
        code.repeat(50, (c, i) => c.op("local.get", (i * 997) % runs).op("drop")),
    })),
  });
}

export const MODULE_ATTACKS: readonly Attack[] = [
  decoding(
    "a body of 2 million drops",
    6,
    body(1_000_000, (c) => c.i32(1).op("drop")),
  ),
  decoding("br_table of 60,000 targets validated against 1,000 results", 6, () => {
    const table = (code: Code) => {
      code.i32(0).op("br_table").u32(65_000);
      code.repeat(65_001, (t) => t.u32(0));
      code.repeat(1000, (v) => v.i32(0));
    };
    return build(inLargeBlock((code) => code.repeat(20, table)));
  }),
  decoding("100,000 br_if that carry 1,000 results", 6, () => build(carrying(100_000))),
  decoding("100,000 calls with 1,000 arguments that are not there", 6, () => {
    const thousand = Array.from({ length: 1000 }, () => I32);
    const code = (c: Code) => c.op("unreachable").repeat(100_000, (call) => call.op("call", 0));
    return build({ types: [[thousand, []]], functions: [{ code }] });
  }),
  decoding("a type section of 200,000 types with 24 parameters", 6, () =>
    build({ types: distinctTypes(200_000, 0) }),
  ),
  decoding("a recursion group of 100,000 types", 6, () => recursionGroup(100_000)),
  decoding("types that mention a hundred others", 6, () => typeChain(20_000)),
  decoding("20,000 types of one import", 6, () => manyTypesOfOneImport(20_000)),
  decoding("an element segment of 2 million expressions", 6, () => expressions(1_000_000), 32),
  decoding("locals in 20,000 runs, 40 functions", 6, () => localRuns(40, 20_000)),
  decoding("a custom section of 20 MB", 6, () =>
    build({ customs: [["x", new Uint8Array(20 * MIB)]] }),
  ),
  decoding("50,000 custom sections", 6, () =>
    build({ customs: Array.from({ length: 50_000 }, () => ["", new Uint8Array(0)] as const) }),
  ),
  decoding("a million functions without code of note", 6, () =>
    build({ types: [NOTHING], functions: Array.from({ length: 300_000 }, () => NOP_FUNCTION) }),
  ),
  trapNames("200,000 names of 20 bytes", 200_000, 20),
  trapNames("100 names of 90,000 bytes", 100, 90_000),
  flat("a thousand modules of different types", 12, 1000, (round) =>
    Module.from(build({ types: distinctTypes(200, round * 200) })),
  ),
  flat("a thousand modules of different types, instantiated", 12, 1000, (round) => {
    const types = distinctTypes(20, round * 20);
    const functions = types.map((_, type) => ({ type, code: (code: Code) => code.op("nop") }));
    new Store().instantiate(Module.from(build({ types, functions })));
  }),
  flat(
    "a thousand reloads while a tenant waits",
    11,
    1000,
    (round) => {
      if (waiting.length === 0) waiting.push(suspend(-1));
      runPlugin(round);
    },
    24,
  ),
  flat("ten thousand dropped executions", 11, 10_000, async (round) => {
    suspendSmall();
    if (round % 500 === 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      runPlugin(round);
    }
  }),
  record("100,000 empty data segments", () => segments(100_000), 60),
  record("200,000 exports", () => exportsOf(200_000), 40),
  record(
    "a million functions",
    () =>
      build({ types: [NOTHING], functions: Array.from({ length: 300_000 }, () => NOP_FUNCTION) }),
    40,
  ),
  record("a million element expressions", () => expressions(1_000_000), 10),
  record(
    "100,000 one-element segments",
    () =>
      build({
        types: [NOTHING],
        functions: [NOP_FUNCTION],
        tables: [[FUNCREF, [1]]],
        elements: Array.from({ length: 100_000 }, () => (w: Code) => w.u32(1).byte(0).u32(0)),
      }),
    40,
  ),
  PASSIVE,
  instances(
    "instances of 50,000 functions",
    { types: [NOTHING], functions: Array.from({ length: 50_000 }, () => NOP_FUNCTION) },
    2_000,
  ),
  instances(
    "instances of 20,000 tags",
    { types: [NOTHING], tags: Array.from({ length: 20_000 }, () => 0) },
    2_000,
  ),
  instances(
    "instances of 5,000 empty tables",
    { tables: Array.from({ length: 5_000 }, () => [EXTERNREF, [0]] as const) },
    2_000,
  ),
  instances(
    "instances of 90 empty memories",
    { memories: Array.from({ length: 90 }, () => [0] as const) },
    20_000,
  ),
  instances(
    "instances of 20,000 exports",
    {
      types: [NOTHING],
      functions: [NOP_FUNCTION],
      exports: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`e${i}`, [0, 0]])),
    },
    1_000,
  ),
];

const tiny = Module.from(
  build({
    types: [NOTHING],
    functions: [{ export: "wait", code: (code) => code.forever((c) => c.op("nop")) }],
  }),
);

function suspendSmall(): void {
  new Store().instantiate(tiny).func("wait").start().run({ slice: 10 });
}
