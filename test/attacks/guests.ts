// Guests that make one step of theirs expensive: exceptions through many frames, large functions,
// many locals, deep stacks of references (issue 11, items 2 to 4 and 15).

import { EXNREF, EXTERNREF, FUNCREF, I32, I64 } from "../../src/isa/types.ts";
import { build, type Code, type Parts } from "./build.ts";
import type { Attack } from "./probe.ts";

const I32_TO_NOTHING = [[I32], []] as const;
const NOTHING = [[], []] as const;

/** Calls the export `run` of a module until the deadline, or its end. */
function guest(name: string, item: number, parts: Parts, expected?: string): Attack {
  return {
    name,
    item,
    async run(probe) {
      const bytes = build(parts);
      const store = probe.store();
      const instance = store.instantiate(probe.module(bytes));
      const ended = await probe.call(instance.func("run"));
      if (expected !== undefined) probe.check(ended === expected, `ended with ${ended}`);
    },
  };
}

/** Calls itself `local 0` times and then does what `last` writes. */
function recursion(index: number, last: (code: Code) => unknown): (code: Code) => unknown {
  return (code) =>
    code
      .op("local.get", 0)
      .block("if", (c) => c.op("local.get", 0).i32(1).op("i32.sub").op("call", index))
      .op("local.get", 0)
      .op("i32.eqz")
      .block("if", last);
}

/** A function with many try_tables around its call of itself. */
function nestedHandlers(code: Code, handlers: number, inner: (code: Code) => unknown): void {
  if (handlers === 0) inner(code);
  else code.tryTable([[0, 1, 0]], (c) => nestedHandlers(c, handlers - 1, inner));
}

/** Throws again and again at the bottom of a deep stack; caught at its top. */
function throwing(depth: number, handlers: number): Parts {
  return {
    types: [NOTHING, I32_TO_NOTHING],
    tags: [0, 0],
    functions: [
      {
        type: 1,
        code: (code) =>
          nestedHandlers(code, handlers, (c) => recursion(0, (last) => last.op("throw", 0))(c)),
      },
      {
        export: "run",
        code: (code) =>
          code.forever((c) =>
            c.block("block", (b) => b.tryTable([[2, 0]], (t) => t.i32(depth).op("call", 0))),
          ),
      },
    ],
  };
}

/** Many handlers side by side, all of which are passed over. */
function manyRanges(ranges: number, depth: number): Parts {
  return {
    types: [NOTHING, I32_TO_NOTHING],
    tags: [0, 0],
    functions: [
      {
        type: 1,
        code(code) {
          code.repeat(ranges, (c) => c.tryTable([[0, 1, 0]], (t) => t.i32(0).op("drop")));
          recursion(0, (last) => last.op("throw", 0))(code);
        },
      },
      {
        export: "run",
        code: (code) =>
          code.block("block", (b) => {
            b.tryTable([[2, 0]], (t) => t.i32(depth).op("call", 0));
          }),
      },
    ],
  };
}

/** One try_table of many clauses, of which the last one fits. */
function manyClauses(clauses: number): Parts {
  const list = Array.from({ length: clauses }, () => [0, 1, 0] as const);
  return {
    types: [NOTHING],
    tags: [0, 0],
    functions: [
      {
        export: "run",
        code: (code) =>
          code.forever((c) =>
            c.block("block", (b) => b.tryTable([...list, [2, 0]], (t) => t.op("throw", 0))),
          ),
      },
    ],
  };
}

/** A function of many instructions of one kind. */
function large(count: number, write: (code: Code, index: number) => unknown): Parts {
  return {
    types: [NOTHING],
    globals: [[I32, (code) => code.i32(0)]],
    functions: [
      { code: (code) => code.repeat(count, write) },
      { export: "run", code: (code) => code.op("call", 0) },
    ],
  };
}

/** Many functions that are called in turn for ever, together more than the code space keeps. */
function thrashing(functions: number, instructions: number): Parts {
  return {
    types: [NOTHING],
    globals: [[I32, (code) => code.i32(0)]],
    functions: [
      {
        export: "run",
        code: (code) => code.forever((c) => c.repeat(functions, (f, i) => f.op("call", i + 1))),
      },
      ...Array.from({ length: functions }, () => ({
        code: (code: Code) => code.op("return").repeat(instructions, increment),
      })),
    ],
  };
}

function increment(code: Code): void {
  code.op("global.get", 0).i32(1).op("i32.add").op("global.set", 0);
}

/** Calls a function with many locals for ever. */
function zeroing(locals: number, reference: boolean): Parts {
  return {
    types: [NOTHING],
    functions: [
      { locals: [[locals, reference ? EXTERNREF : I64]], code: (code) => code.op("nop") },
      { export: "run", code: (code) => code.forever((c) => c.op("call", 0)) },
    ],
  };
}

/** A body that ends with a condition which is made of many instructions. */
function conditions(count: number, write: (code: Code) => unknown): Parts {
  return {
    types: [NOTHING],
    functions: [
      {
        export: "run",
        code: (code) => code.block("block", (b) => b.i32(1).repeat(count, write).op("br_if", 0)),
      },
    ],
  };
}

/** Goes down `depth` calls, each with references in its frame, then round for ever. */
function deepLoop(depth: number): Parts {
  return {
    types: [NOTHING, I32_TO_NOTHING],
    functions: [
      {
        type: 1,
        locals: [[8, EXTERNREF]],
        code: recursion(0, (last) => last.forever((c) => c.op("nop"))),
      },
      { export: "run", code: (code) => code.i32(depth).op("call", 0) },
    ],
  };
}

/** Two executions with deep stacks, taking turns of 1,000 units: each turn moves the stacks. */
const ALTERNATING: Attack = {
  name: "deep stacks of references that take turns",
  item: 4,
  megabytes: 32,
  async run(probe) {
    const module = probe.module(build(deepLoop(20_000)));
    const store = probe.store();
    const instances = [store.instantiate(module), store.instantiate(module)];
    const executions = instances.map((instance) => instance.func("run").start());
    await probe.attempt(() => {
      for (let i = 0; i < 400; i++) {
        const watcher = probe.watcher(store);
        executions[i & 1].run({ slice: 1000 });
        watcher.look();
      }
    });
  },
};

/** Suspends ever more executions with large stacks: the host keeps their frames. */
const SUSPENDED: Attack = {
  name: "many suspended executions with deep stacks",
  item: 4,
  async run(probe) {
    const store = probe.store();
    const instance = store.instantiate(probe.module(build(deepLoop(30_000))));
    const kept: unknown[] = [];
    const ended = await probe.attempt(() => {
      for (let i = 0; i < 60; i++) {
        const execution = instance.func("run").start();
        let outcome = execution.run({ slice: 600_000 });
        if (outcome.kind === "threw") throw outcome.error;
        outcome = execution.run({ slice: 1000 });
        kept.push(execution);
      }
    });
    probe.check(ended === "Exhaustion hostBytes", `ended with ${ended}`);
  },
};

/** Throws from one instance through many others. */
const THROUGH_INSTANCES: Attack = {
  name: "throw through calls between instances",
  item: 2,
  async run(probe) {
    const store = probe.store();
    const parts = (last: boolean): Parts => ({
      types: [NOTHING, I32_TO_NOTHING],
      imports: last ? [] : [["f", 1]],
      tags: [0],
      functions: [
        {
          type: 1,
          export: "f",
          code: (code) => (last ? code.op("throw", 0) : code.op("local.get", 0).op("call", 0)),
        },
      ],
    });
    let f: unknown = store.instantiate(probe.module(build(parts(true)))).exports.f;
    const middle = probe.module(build(parts(false)));
    for (let i = 0; i < 5_000; i++) {
      f = store.instantiate(middle, { env: { f } } as never).exports.f;
    }
    const top = probe.module(
      build({
        types: [NOTHING, I32_TO_NOTHING],
        imports: [["f", 1]],
        functions: [
          {
            export: "run",
            code: (code) =>
              code.forever((c) =>
                c.block("block", (b) => b.tryTable([[2, 0]], (t) => t.i32(0).op("call", 0))),
              ),
          },
        ],
      }),
    );
    const run = store.instantiate(top, { env: { f } } as never).func("run");
    const ended = await probe.call(run);
    probe.check(ended === "Exhaustion deadline", `ended with ${ended}`);
  },
};

/** Keeps every exception that it catches alive by throwing it on in the next one. */
function exceptionChain(): Parts {
  return {
    types: [NOTHING, [[EXNREF, ...Array.from({ length: 400 }, () => I64)], []], [[], [EXNREF]]],
    tags: [1],
    globals: [[EXNREF, (code) => code.op("ref.null").heapType(-23)]],
    functions: [
      {
        export: "run",
        code: (code) =>
          code.forever((c) => {
            // The block's result is the exception that was caught.
            c.op("block").signed(2);
            c.op("try_table").signed(2).u32(1).byte(3).u32(0);
            c.op("global.get", 0)
              .repeat(400, (v) => v.i64(1n))
              .op("throw", 0);
            c.op("end").op("end").op("global.set", 0);
          }),
      },
    ],
  };
}

const EXCEPTIONS: Attack = {
  name: "exceptions that hold each other",
  item: 10,
  async run(probe) {
    const store = probe.store({ fuel: 40_000_000 });
    const instance = store.instantiate(probe.module(build(exceptionChain())));
    const ended = await probe.attempt(() => instance.func("run").call());
    probe.check(ended === "Exhaustion hostBytes", `ended with ${ended}`);
  },
};

/** A table of exceptions: references that a guest keeps in many places. */
const EXCEPTION_TABLE: Attack = {
  name: "exceptions in a table",
  item: 10,
  async run(probe) {
    const parts: Parts = {
      types: [NOTHING, [Array.from({ length: 1000 }, () => I64), []], [[], [EXNREF]]],
      tags: [1],
      globals: [[I32, (code) => code.i32(0)]],
      tables: [[EXNREF, [100_000]]],
      functions: [
        {
          export: "run",
          code: (code) =>
            code.forever((c) => {
              c.op("global.get", 0);
              c.op("block").signed(2);
              c.op("try_table").signed(2).u32(1).byte(3).u32(0);
              c.repeat(1000, (v) => v.i64(1n)).op("throw", 0);
              c.op("end").op("end").op("table.set", 0);
              increment(c);
            }),
        },
      ],
    };
    const store = probe.store();
    const instance = store.instantiate(probe.module(build(parts)));
    const ended = await probe.attempt(() => instance.func("run").call());
    probe.check(ended === "Exhaustion hostBytes", `ended with ${ended}`);
  },
};

export const GUEST_ATTACKS: readonly Attack[] = [
  guest("throw through 150,000 frames", 2, throwing(150_000, 0), "Exhaustion deadline"),
  guest("throw through 1,000 frames with 500 handlers", 2, throwing(1_000, 500)),
  guest("throw past 20,000 handlers in 100 frames", 2, manyRanges(20_000, 100)),
  guest("try_table of 1,000 clauses", 2, manyClauses(999), "Exhaustion deadline"),
  THROUGH_INSTANCES,
  guest("a function of a million instructions", 3, large(250_000, increment)),
  guest(
    "a function of 200,000 drops",
    3,
    large(200_000, (c) => c.i32(1).op("drop")),
  ),
  guest("functions that push each other out", 3, thrashing(400, 4_000), "Exhaustion deadline"),
  guest("50,000 locals zeroed again and again", 4, zeroing(50_000, false), "Exhaustion deadline"),
  guest("50,000 references zeroed", 4, zeroing(50_000, true), "Exhaustion deadline"),
  ALTERNATING,
  SUSPENDED,
  EXCEPTIONS,
  EXCEPTION_TABLE,
  guest(
    "8,000 i32.eqz and br_if",
    15,
    conditions(8_000, (c) => c.op("i32.eqz")),
  ),
  guest(
    "200,000 i32.eqz and br_if",
    15,
    conditions(200_000, (c) => c.op("i32.eqz")),
  ),
  guest(
    "100,000 extensions and br_if",
    15,
    conditions(100_000, (c) => c.op("i32.extend8_s")),
  ),
  guest(
    "20,000 selects of comparisons",
    15,
    conditions(20_000, (c) => c.i32(1).op("i32.eq").i32(3).i32(4).byte(0x1b)),
  ),
  guest("straight-line code of 300,000 instructions", 3, {
    types: [NOTHING],
    globals: [[I32, (code) => code.i32(0)]],
    functions: [
      { export: "run", code: (code) => code.forever((c) => c.repeat(75_000, increment)) },
    ],
  }),
  guest("br_table of 60,000 targets, many times", 0, {
    types: [NOTHING],
    functions: [
      {
        export: "run",
        code: (code) =>
          code.repeat(20, (c) =>
            c.block("block", (b) => {
              b.i32(5).op("br_table").u32(60_000);
              b.repeat(60_001, (t) => t.u32(0));
            }),
          ),
      },
    ],
  }),
  guest("100,000 nested blocks", 0, {
    types: [NOTHING],
    functions: [
      {
        export: "run",
        code(code) {
          code.repeat(99_000, (c) => c.op("block").byte(0x40));
          code.i32(1).op("br_if", 98_000);
          code.repeat(99_000, (c) => c.op("end"));
        },
      },
    ],
  }),
  guest("1,000 results carried through nested blocks", 0, {
    types: [NOTHING, [[], Array.from({ length: 1000 }, () => I32)]],
    functions: [
      {
        export: "run",
        code(code) {
          const levels = 1500;
          code.repeat(levels, (c) => c.op("block").signed(1));
          code.repeat(1000, (c) => c.i32(1));
          // Each branch carries all results to another label.
          code.repeat(levels - 1, (c, i) => c.i32(0).op("br_if", i % levels));
          code.repeat(levels, (c) => c.op("end"));
          code.repeat(1000, (c) => c.op("drop"));
        },
      },
    ],
  }),
  guest("a call with 1,000 arguments again and again", 0, {
    types: [NOTHING, [Array.from({ length: 1000 }, () => FUNCREF), []]],
    functions: [
      { type: 1, code: (code) => code.op("nop") },
      {
        export: "run",
        code: (code) =>
          code.forever((c) => c.repeat(1000, (v) => v.op("ref.null").byte(0x70)).op("call", 0)),
      },
    ],
  }),
];
