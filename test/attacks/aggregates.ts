// Guests that make structs and arrays of odd sizes and in odd places.

import { EXTERNREF, HEAP_ANY, I32, refType, V128 } from "../../src/isa/types.ts";
import { arrayType, build, type Code, type FunctionPart, type Parts, structType } from "./build.ts";
import type { Attack } from "./probe.ts";

const MIB = 2 ** 20;
const NOTHING = [[], []] as const;
const ANYREF = refType(HEAP_ANY, true);
const WIDEST = structType(10_000, V128);

interface Expectation {
  readonly ended?: string;
  readonly megabytes?: number;
  readonly env?: object;
  readonly timeout?: number;
}

/** Calls the export `run` until the deadline. */
function guest(
  name: string,
  parts: Parts,
  {
    ended: expected = "Exhaustion deadline",
    megabytes = 64,
    env = {},
    timeout: given,
  }: Expectation = {},
): Attack {
  return {
    name,
    item: 0,
    megabytes: 64 + megabytes,
    async run(probe) {
      const store = probe.store({ limits: { gcBytes: 24 * MIB } });
      const instance = store.instantiate(probe.module(build(parts)), { env } as never);
      const run = instance.func("run");
      const timeout = given ?? (expected === "Exhaustion deadline" ? 50 : 30_000);
      const ended = await probe.timed(store, (options) => run.with(options).call(), timeout);
      probe.check(ended === expected, `ended with ${ended}`);
    },
  };
}

/** Instantiates a module under observation. */
function instantiation(name: string, parts: Parts, expected = "Exhaustion gcBytes"): Attack {
  return {
    name: `instantiation: ${name}`,
    item: 0,
    megabytes: 128,
    async run(probe) {
      const module = probe.module(build({ types: [NOTHING], ...parts }));
      const store = probe.store({ limits: { gcBytes: 64 * MIB } });
      const ended = await probe.timed(store, (o) => store.instantiate(module, {}, o), 30_000);
      probe.check(ended === expected, `ended with ${ended}`);
    },
  };
}

function running(code: (code: Code) => unknown): readonly FunctionPart[] {
  return [{ export: "run", code: (c) => c.forever(code) }];
}

/** Sets each of so many elements of an array to what is done with it first, then uses each. */
function each(make: (code: Code) => unknown, use: (code: Code) => unknown, count = 300_000): Parts {
  const loop = (code: Code, write: (code: Code) => unknown) => {
    code.i32(0).op("global.set", 0);
    code.block("loop", (c) => {
      write(c);
      c.op("global.get", 0).i32(1).op("i32.add").op("global.set", 0);
      c.op("global.get", 0).i32(count).op("i32.lt_u").op("br_if", 0);
    });
  };
  return {
    types: [NOTHING, [[ANYREF], []], [[], [EXTERNREF]]],
    imports: [
      ["see", 1],
      ["get", 2],
    ],
    moreTypes: [arrayType(ANYREF), structType(0, I32), arrayType(EXTERNREF)],
    globals: [
      [I32, (code) => code.i32(0)],
      [refType(3, true), (code) => code.i32(count).op("array.new_default", 3)],
      [refType(5, true), (code) => code.i32(count).op("array.new_default", 5)],
    ],
    functions: [
      {
        export: "run",
        code: (code) => {
          loop(code, make);
          loop(code, use);
        },
      },
    ],
  };
}

const KEEP = (code: Code) =>
  code.op("global.get", 1).op("global.get", 0).op("struct.new_default", 4).op("array.set", 3);
const KEPT = (code: Code) => code.op("global.get", 1).op("global.get", 0).op("array.get", 3);
const ARRAY: unknown[] = [];
const ENV = { see: () => {}, get: (): unknown => ARRAY };
const FULL = { ended: "Exhaustion gcBytes", env: ENV };

export const AGGREGATE_ATTACKS: readonly Attack[] = [
  guest("structs of 10,000 vectors in a row", {
    types: [NOTHING],
    moreTypes: [WIDEST],
    functions: running((code) =>
      code.repeat(2_000, (c) => c.op("struct.new_default", 1).op("drop")),
    ),
  }),
  guest("3,000 types of structs in a row", {
    types: [NOTHING],
    moreTypes: Array.from({ length: 3_000 }, () => structType(250, I32)),
    functions: running((code) =>
      code.repeat(3_000, (c, i) => c.op("struct.new_default", 1 + i).op("drop")),
    ),
  }),
  guest("arrays of 10 MB in a loop", {
    types: [NOTHING],
    moreTypes: [arrayType(I32)],
    functions: running((code) => code.i32(2_500_000).op("array.new_default", 1).op("drop")),
  }),
  guest(
    "objects kept, then converted",
    each(KEEP, (code) => KEPT(code).op("extern.convert_any").op("drop")),
    FULL,
  ),
  guest(
    "objects kept, then given to the host",
    each(KEEP, (code) => KEPT(code).op("call", 0)),
    FULL,
  ),
  guest(
    "arrays of the host kept",
    each(
      (code) => {
        code.op("global.get", 2).op("global.get", 0).op("call", 1).op("array.set", 5);
      },
      () => {},
      500_000,
    ),
    FULL,
  ),
  guest(
    "objects counted below deep frames",
    {
      types: [NOTHING, [[I32], []]],
      moreTypes: [structType(0, I32)],
      functions: [
        {
          type: 1,
          locals: [[1_000, refType(2, true)]],
          code: (code) => {
            code.repeat(1_000, (c, i) => c.op("struct.new_default", 2).op("local.set", 1 + i));
            code.op("local.get", 0).op("i32.eqz");
            code.block("if", (c) => c.forever((d) => d.op("struct.new_default", 2).op("drop")));
            code.op("local.get", 0).i32(1).op("i32.sub").op("call", 0);
          },
        },
        { export: "run", code: (code) => code.i32(300).op("call", 0) },
      ],
    },
    { timeout: 1_000 },
  ),
  instantiation("2,000 structs of 10,000 vectors", {
    moreTypes: [WIDEST],
    globals: Array.from({ length: 2_000 }, () => {
      return [refType(1, true), (code: Code) => code.op("struct.new_default", 1)] as const;
    }),
  }),
  instantiation(
    "an array of 3 million vectors",
    {
      moreTypes: [arrayType(V128)],
      globals: [
        [
          refType(1, true),
          (code: Code) =>
            code
              .op("v128.const")
              .bytes(new Uint8Array(16).fill(1))
              .i32(3_000_000)
              .op("array.new", 1),
        ],
      ],
    },
    "returned",
  ),
  instantiation(
    "3,000 types of structs",
    {
      moreTypes: Array.from({ length: 3_000 }, () => structType(250, I32)),
      globals: Array.from({ length: 3_000 }, (_, i) => {
        return [
          refType(1 + i, true),
          (code: Code) => code.op("struct.new_default", 1 + i),
        ] as const;
      }),
    },
    "returned",
  ),
];
