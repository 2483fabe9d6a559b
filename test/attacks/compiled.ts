// Guests that the host's engine executes: what keeps its compiler busy, takes its memory, or runs
// where nobody looks.

import { I32, I64, type ValType } from "../../src/isa/types.ts";
import { build, type Code, type Parts } from "./build.ts";
import { type Attack, DEADLINE_MS, Watcher } from "./probe.ts";

const NOTHING = [[], []] as const;
/** Of guests that take about as long as they may. */
const ENDINGS = ["returned", "Exhaustion deadline"] as const;

/** Calls the export `run` of a compiled instance until the deadline, or its end. */
function compiled(name: string, parts: Parts, ...expected: readonly string[]): Attack {
  return {
    name: `compiled: ${name}`,
    item: 0,
    async run(probe) {
      const module = probe.module(build(parts));
      const endings = expected.length > 0 ? expected : ["Exhaustion deadline"];
      const store = probe.store({ tier: "compiled" });
      const instance = store.instantiate(module);
      const ended = await probe.call(instance.func("run"));
      probe.check(endings.includes(ended), `ended with ${ended}`);
      // On the way there somebody watches, too.
      const other = probe.module(build({ ...parts, customs: [["another", new Uint8Array(1)]] }));
      await probe.timed(store, (options) => {
        return store.instantiate(other, {}, options).func("run").with(options).call();
      });
    },
  };
}

/** What has no end is looked at every 10 ms, compiled for the first time: it ends that late. */
function soon(name: string, parts: Parts): Attack {
  return {
    name: `compiled: ${name}, stopped soon`,
    item: 0,
    async run(probe) {
      const longest: number[] = [];
      // Pauses of the host do not fall into all of them.
      for (let i = 0; i < 5; i++) {
        const module = probe.module(build({ ...parts, customs: [[`${i}`, new Uint8Array(1)]] }));
        const run = probe.store({ tier: "compiled" }).instantiate(module).func("run");
        let most = 0;
        const note = (_: number, work: number) => {
          most = Math.max(most, work);
        };
        const signal = new Watcher(note, null);
        const ended = await probe.attempt(() => run.with({ timeout: DEADLINE_MS, signal }).call());
        longest.push(most);
        probe.check(ended === "Exhaustion deadline", `ended with ${ended}`);
      }
      const least = Math.min(...longest);
      probe.check(least < 10, `${least.toFixed(1)} ms between two looks`);
    },
  };
}

/** One function that is called for ever. */
function again(
  locals: readonly (readonly [count: number, type: ValType])[],
  code: (code: Code) => unknown,
): Parts {
  return {
    types: [NOTHING],
    functions: [
      { locals, code },
      { export: "run", code: (c) => c.forever((loop) => loop.op("call", 0)) },
    ],
  };
}

function blocks(count: number): (code: Code) => unknown {
  return (code) =>
    code.repeat(count, (c) => c.block("block", (b) => b.op("local.get", 0).op("br_if", 0)));
}

function loops(count: number): (code: Code) => unknown {
  return (code) =>
    code.repeat(count, (c) => c.block("loop", (b) => b.op("local.get", 0).op("br_if", 0)));
}

function nested(depth: number): (code: Code) => unknown {
  return (code) => {
    code.repeat(depth, (c) => c.op("block").byte(0x40));
    code.repeat(depth, (c) => c.op("local.get", 0).op("br_if", 0).op("end"));
  };
}

function table(targets: number): (code: Code) => unknown {
  return (code) =>
    code.block("block", (b) => {
      b.op("local.get", 0).op("br_table", targets);
      b.repeat(targets + 1, (c) => c.u32(0));
    });
}

/** So many functions, each of which is as dear as it may be, called one after the other. */
function firstCalls(count: number, code: (code: Code) => unknown): Parts {
  const functions = Array.from({ length: count }, () => ({ locals: [[1, I32]] as const, code }));
  return {
    types: [NOTHING],
    functions: [
      ...functions,
      { export: "run", code: (c) => c.repeat(count, (each, i) => each.op("call", i)) },
    ],
  };
}

/** Functions with frames of ever other numbers of values. */
function signatures(side: number): Parts {
  const pairs = Array.from({ length: side * side }, (_, i) => [i % side, Math.floor(i / side)]);
  return {
    types: [NOTHING],
    functions: [
      ...pairs.map(([ints, longs]) => ({
        locals: [
          [ints + 1, I32],
          [longs + 1, I64],
        ] as const,
        code(code: Code) {
          code.block("loop", (c) => c.op("local.get", 0).op("br_if", 0));
          code.repeat(ints + longs + 2, (c, i) => c.op("local.get", i).op("drop"));
        },
      })),
      { export: "run", code: (c) => c.forever((loop) => loop.op("call", side * side - 1)) },
    ],
  };
}

/** Instances without end, each with a memory, until there is no room for more. */
function instances(count: number, parts: Parts): Attack {
  return {
    name: `compiled: ${count} instances`,
    item: 0,
    async run(probe) {
      const module = probe.module(build(parts));
      const store = probe.store({ tier: "compiled" });
      const kept = [];
      await probe.attempt(() => {
        for (let i = 0; i < count; i++) {
          const instance = store.instantiate(module);
          kept.push(instance);
          instance.func("run").call();
        }
      });
      probe.check(kept.length === count, `there are ${kept.length} instances`);
      const { compiledBytes } = store.limits;
      probe.check(store.runtime.usage("compiledBytes") <= compiledBytes, "over the limit");
      // Others have the host's engine even so.
      const other = probe.store({ tier: "compiled" });
      other.instantiate(module).func("run").call();
      probe.check(other.runtime.compiledFuel === other.usage.fuel, "others are interpreted");
    },
  };
}

export const COMPILED_ATTACKS: readonly Attack[] = [
  compiled(
    "an endless loop",
    again([], (c) => c.forever(() => {})),
  ),
  compiled(
    "endless recursion",
    { types: [NOTHING], functions: [{ export: "run", code: (c) => c.op("call", 0).op("nop") }] },
    "Exhaustion callDepth",
    "Exhaustion deadline",
  ),
  soon(
    "an endless loop",
    again([], (c) => c.forever(() => {})),
  ),
  soon("49,000 locals, 10,000 blocks", again([[49_000, I32]], blocks(10_000))),
  compiled("49,000 locals, 1,000 blocks", again([[49_000, I32]], blocks(1_000))),
  compiled("49,000 locals, 10,000 blocks", again([[49_000, I32]], blocks(10_000))),
  compiled("800 locals, 10,000 blocks", again([[800, I32]], blocks(10_000))),
  compiled("a megabyte of 100,000 loops", again([[1, I32]], loops(100_000))),
  compiled("nesting as deep as it may be", again([[10, I32]], nested(5_000))),
  compiled("a br_table of 60,000 targets", again([[1, I32]], table(60_000))),
  compiled(
    "1,000 br_tables of 60 targets",
    again([[1, I32]], (c) => c.repeat(1_000, table(60))),
  ),
  compiled("2,000 functions with loops", firstCalls(2_000, loops(100)), ...ENDINGS),
  compiled("50 functions with many loops", firstCalls(50, loops(3_000)), ...ENDINGS),
  compiled("frames of 2,500 shapes", signatures(50)),
  instances(5_000, {
    types: [NOTHING],
    memories: [[0, 1]],
    functions: [{ export: "run", code: (c) => c.i32(1).op("drop") }],
  }),
];
