// Attacks that issue 11 does not list: messages and listings as long as the guest likes, promises
// that starve the event loop, strings that double, tail calls without end between instances.

import { Module } from "../../src/api/index.ts";
import { main } from "../../src/cli/main.ts";
import { EXTERNREF, FUNCREF, HEAP_EXTERN, I32, I64, refType } from "../../src/isa/types.ts";
import { createNamespace } from "../../src/js-api/index.ts";
import { build, type Code, type Parts } from "./build.ts";
import { type Attack, DEADLINE_MS, type Probe } from "./probe.ts";

const NOTHING = [[], []] as const;
/** Long enough for several turns of the event loop on a busy machine, in milliseconds. */
const TURNS_MS = 400;
const I32_TO_NOTHING = [[I32], []] as const;
const NOP = { code: (code: Code) => code.op("nop") };
/** No message needs to be longer, whatever it quotes. */
const LONGEST_MESSAGE = 4096;

/** Every error message of these actions is short. */
function messages(name: string, actions: (probe: Probe) => readonly (() => unknown)[]): Attack {
  return {
    name: `messages: ${name}`,
    item: 0,
    megabytes: 32,
    async run(probe) {
      for (const action of actions(probe)) {
        let length = 0;
        try {
          action();
          probe.check(false, "nothing was thrown");
        } catch (error) {
          ({ length } = String(error));
        }
        probe.check(length < LONGEST_MESSAGE, `a message of ${length} characters`);
      }
    },
  };
}

const MICROTASKS: Attack = {
  name: "promises that are settled already: the event loop turns",
  item: 0,
  async run(probe) {
    const bytes = build({
      types: [NOTHING],
      imports: [["h", 0]],
      functions: [{ export: "run", code: (code) => code.forever((c) => c.op("call", 0)) }],
    });
    const store = probe.store();
    const env = { h: () => Promise.resolve() };
    const run = store.instantiate(probe.module(bytes), { env } as never).func("run");
    let turns = 0;
    const tick = setInterval(() => turns++);
    const ended = await probe.timed(store, (options) => run.with(options).callAsync(), TURNS_MS);
    clearInterval(tick);
    probe.check(ended === "Exhaustion deadline", `ended with ${ended}`);
    probe.check(turns >= 3, `the event loop has turned ${turns} times`);
  },
};

const TAIL_CALLS: Attack = {
  name: "tail calls between two instances without end",
  item: 0,
  async run(probe) {
    const parts: Parts = {
      types: [NOTHING],
      imports: [["other", 0]],
      functions: [{ export: "run", code: (code) => code.op("return_call", 0) }],
    };
    const indirect: Parts = {
      types: [NOTHING],
      functions: [{ export: "run", code: (code) => code.i32(0).op("return_call_indirect", 0, 0) }],
      tables: [[FUNCREF, [1]]],
      exports: { table: [1, 0] },
    };
    const store = probe.store({ limits: { callDepth: 100 } });
    const first = store.instantiate(probe.module(build(indirect)));
    const second = store.instantiate(probe.module(build(parts)), {
      env: { other: first.func("run") },
    } as never);
    first.table("table").set(0, second.func("run"));
    const ended = await probe.call(first.func("run"));
    probe.check(ended === "Exhaustion deadline", `ended with ${ended}`);
  },
};

const DEEP_TRAP: Attack = {
  name: "a trap below 150,000 frames",
  item: 0,
  megabytes: 32,
  async run(probe) {
    const bytes = build({
      types: [NOTHING, I32_TO_NOTHING],
      functions: [
        {
          type: 1,
          code: (code) =>
            code
              .op("local.get", 0)
              .op("i32.eqz")
              .block("if", (c) => c.op("unreachable"))
              .op("local.get", 0)
              .i32(1)
              .op("i32.sub")
              .op("call", 0),
        },
        { export: "run", code: (code) => code.i32(150_000).op("call", 0) },
      ],
    });
    const store = probe.store();
    const run = store.instantiate(probe.module(bytes)).func("run");
    await probe.timed(store, (options) => {
      try {
        run.with({ signal: options.signal }).call();
      } catch (error) {
        probe.check(String(error).length < LONGEST_MESSAGE, "a long message");
        throw error;
      }
    });
  },
};

/** Instantiation that is much work for few bytes. */
function instantiation(name: string, parts: Parts, megabytes = 0): Attack {
  return {
    name: `instantiation: ${name}`,
    item: 0,
    megabytes,
    async run(probe) {
      const module = probe.module(build(parts));
      const store = probe.store();
      const watcher = probe.watcher(store);
      const tick = setInterval(() => watcher.look());
      await probe.attempt(() => store.instantiateAsync(module));
      clearInterval(tick);
      watcher.look();
    },
  };
}

/** Strings of js-string that double until something says no. */
function doubling(name: string, last: (code: Code) => unknown): Attack {
  return {
    name: `js-string: ${name}`,
    item: 0,
    async run(probe) {
      const bytes = probe.uses(
        build({
          types: [
            [[EXTERNREF], [EXTERNREF]],
            [[EXTERNREF, EXTERNREF], [refType(HEAP_EXTERN, false)]],
            [[EXTERNREF, I32], [I32]],
            [[EXTERNREF, EXTERNREF], [I32]],
          ],
          imports: [
            ["concat", 1, "wasm:js-string"],
            ["charCodeAt", 2, "wasm:js-string"],
            ["equals", 3, "wasm:js-string"],
          ],
          functions: [
            {
              type: 0,
              export: "run",
              code(code) {
                code.repeat(27, (c) =>
                  c.op("local.get", 0).op("local.get", 0).op("call", 0).op("local.set", 0),
                );
                last(code);
                code.op("local.get", 0);
              },
            },
          ],
        }),
      );
      const watcher = probe.watcher();
      const epoch = {
        reached() {
          watcher.look();
          return false;
        },
      };
      const namespace = createNamespace({ timeout: DEADLINE_MS, epoch, epochDeadline: 1 });
      const module = new namespace.Module(bytes, { builtins: ["js-string"] });
      await probe.attempt(() => {
        watcher.look();
        try {
          const { exports } = new namespace.Instance(module, {});
          (exports.run as (text: string) => string)("ab");
          probe.end("returned");
        } catch (error) {
          if (!(error instanceof namespace.RuntimeError || error instanceof RangeError))
            throw error;
          probe.end("RuntimeError");
        }
        watcher.look();
      });
    },
  };
}

/** What the command line writes about a module, against the size of that. */
function listing(name: string, args: readonly string[], make: () => Uint8Array): Attack {
  return {
    name: `wasmeter ${args[0]}: ${name}`,
    item: 0,
    megabytes: 64,
    async run(probe) {
      const bytes = probe.uses(make());
      let written = 0;
      async function* stdin() {
        yield bytes;
      }
      const write = (text: string | Uint8Array) => {
        written += text.length;
      };
      await probe.attempt(() =>
        main([...args, "-"], { stdin: stdin(), out: write, err: write, color: false }),
      );
      const ratio = written / bytes.length;
      probe.check(ratio < 400, `${ratio.toFixed(0)} characters per byte`);
    },
  };
}

function nested(levels: number): Uint8Array<ArrayBuffer> {
  const code = (c: Code) => {
    c.repeat(levels, (open) => open.op("block").byte(0x40));
    c.repeat(levels, (close) => close.op("end"));
  };
  return build({ types: [NOTHING], functions: [{ code }] });
}

const LONG_NAME = "n".repeat(90_000);

export const INVENTED_ATTACKS: readonly Attack[] = [
  MICROTASKS,
  TAIL_CALLS,
  DEEP_TRAP,
  messages("imports with long names", (probe) => {
    const missing = probe.module(build({ types: [NOTHING], imports: [[LONG_NAME, 0, LONG_NAME]] }));
    return [
      () => probe.store().instantiate(missing),
      () => probe.store().instantiate(missing, { [LONG_NAME]: { [LONG_NAME]: 5 } } as never),
    ];
  }),
  messages("an import with 1,000 parameters", (probe) => {
    const many = Array.from({ length: 1000 }, () => EXTERNREF);
    const module = probe.module(build({ types: [[many, many]], imports: [["f", 0]] }));
    return [() => probe.store().instantiate(module)];
  }),
  messages("no such export among 100,000", (probe) => {
    const exports = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, i) => [`export${i}`, [0, 0] as const]),
    );
    const module = probe.module(build({ types: [NOTHING], functions: [NOP], exports }));
    const instance = probe.store().instantiate(module);
    return [() => instance.func("absent"), () => instance.memory("absent")];
  }),
  messages("a function with a long name", (probe) => {
    const types = [NOTHING, [[I32, I64], []]] as const;
    const unreachable = (code: Code) => code.op("unreachable");
    const bytes = build({
      types,
      functions: [
        { export: LONG_NAME, code: unreachable },
        { export: `${LONG_NAME}2`, type: 1, code: unreachable },
      ],
    });
    const instance = probe.store().instantiate(probe.module(bytes));
    return [
      () => instance.func(LONG_NAME).call(),
      () => instance.func(`${LONG_NAME}2`).call(1),
      () => instance.func(`${LONG_NAME}2`).call("x", 1n),
    ];
  }),
  messages("an exception of 1,000 values that nobody catches", (probe) => {
    const bytes = build({
      types: [NOTHING, [Array.from({ length: 1000 }, () => I64), []]],
      tags: [1],
      functions: [
        {
          export: "run",
          code: (code) => code.repeat(1000, (c) => c.i64(-(2n ** 62n))).op("throw", 0),
        },
      ],
    });
    const run = probe.store().instantiate(probe.module(bytes)).func("run");
    return [() => run.call()];
  }),
  messages("invalid modules with much to say", () => {
    const many = Array.from({ length: 1000 }, () => EXTERNREF);
    const called = { type: 1, code: (code: Code) => code.op("unreachable") };
    return [
      // Wrong operands for a call of 1,000 parameters.
      () =>
        Module.from(
          build({
            types: [NOTHING, [many, many]],
            functions: [called, { code: (c) => c.op("call", 0) }],
          }),
        ),
      // A duplicate export name of 90,000 bytes.
      () =>
        Module.from(
          build({
            types: [NOTHING],
            functions: [{ ...NOP, export: LONG_NAME }],
            exports: { [`${LONG_NAME} `]: [0, 7] },
          }),
        ),
      // A body without its result in a function with a long name.
      () =>
        Module.from(build({ types: [[[], [I32]]], functions: [{ ...NOP, export: LONG_NAME }] })),
    ];
  }),
  instantiation("a table of 9 million elements", { tables: [[EXTERNREF, [9_000_000]]] }, 96),
  instantiation(
    "90 tables of 100,000 elements",
    {
      tables: Array.from({ length: 90 }, () => [EXTERNREF, [100_000]] as const),
    },
    96,
  ),
  instantiation(
    "active segments over each other",
    {
      types: [NOTHING],
      functions: [NOP],
      tables: [[FUNCREF, [200_000]]],
      elements: Array.from({ length: 20 }, () => (w: Code) => {
        w.u32(0).i32(0).op("end").u32(100_000).bytes(new Uint8Array(100_000));
      }),
    },
    64,
  ),
  instantiation(
    "300,000 globals",
    {
      globals: Array.from({ length: 300_000 }, () => [I32, (code: Code) => code.i32(1)] as const),
    },
    64,
  ),
  instantiation("a start function without end", {
    types: [NOTHING],
    functions: [{ code: (code) => code.repeat(200_000, (c) => c.i32(0).op("drop")) }],
    start: 0,
  }),
  doubling("charCodeAt of a string of 2^28 characters", (code) => {
    code.op("local.get", 0).i32(0).op("call", 1).op("drop");
  }),
  doubling("equals of strings of 2^28 characters", (code) => {
    code.op("local.get", 0).op("local.get", 0).op("local.get", 0).op("call", 0);
    code.op("call", 2).op("drop");
  }),
  listing("20,000 nested blocks", ["print"], () => nested(20_000)),
  listing("20,000 nested blocks", ["dump", "-d"], () => nested(20_000)),
  listing("names that are all alike", ["print"], () => {
    const functions = Array.from({ length: 2_000 }, () => NOP);
    return build({ types: [NOTHING], functions });
  }),
];
