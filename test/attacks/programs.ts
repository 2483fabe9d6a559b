// Ways in from outside: programs of WASI, the command line, the `WebAssembly` namespace (issue 11,
// items 5, 14, 17, 20, 21, 25).

import { main } from "../../src/cli/main.ts";
import { F32, F64, I32, I64, type ValType } from "../../src/isa/types.ts";
import { createNamespace } from "../../src/js-api/index.ts";
import { memoryFileSystem, type WasiOptions, wasi } from "../../src/wasi/index.ts";
import { opcodeByName } from "../fuzz/generate/body.ts";
import { build, type Code, carrying, type Parts } from "./build.ts";
import { type Attack, DEADLINE_MS, HostMistake, type Probe, type Watched } from "./probe.ts";

const WASI = "wasi_snapshot_preview1";
const NOTHING = [[], []] as const;
const MIB = 2 ** 20;

/** A program that calls one function of WASI, for ever or `times`. */
function program(name: string, params: readonly ValType[], call: (code: Code) => unknown): Parts {
  return {
    types: [NOTHING, [params, [I32]]],
    imports: [[name, 1, WASI]],
    memories: [[1024]],
    functions: [
      {
        export: "_start",
        code: (code) =>
          code.forever((c) => {
            call(c);
            c.op("call", 0).op("drop");
          }),
      },
    ],
    exports: { memory: [2, 0] },
  };
}

/** Runs a program under the deadline in both ways. */
function programAttack(name: string, parts: Parts, options: WasiOptions = {}, item = 5): Attack {
  return {
    name,
    item,
    async run(probe: Probe) {
      const module = probe.module(build(parts));
      for (const how of ["run", "runAsync"] as const) {
        const store = probe.store();
        const world = wasi(options);
        const instance = store.instantiate(module, world.imports as never);
        const ended = await probe.timed(store, (watched) => world[how](instance, watched));
        probe.check(ended === "Exhaustion deadline", `${how}: ${ended}`);
      }
    },
  };
}

const ABORTED: Attack = {
  name: "an AbortSignal while a program of WASI runs under runAsync",
  item: 5,
  async run(probe) {
    const module = probe.module(build(RANDOM));
    const store = probe.store({ fuel: 2_000 });
    const world = wasi({});
    const instance = store.instantiate(module, world.imports as never);
    const control = new AbortController();
    setTimeout(() => control.abort(new HostMistake("stop")), DEADLINE_MS);
    const began = performance.now();
    const ended = await probe.attempt(() => world.runAsync(instance, { signal: control.signal }));
    probe.check(ended === "what the host threw", `ended with ${ended}`);
    const late = performance.now() - began - DEADLINE_MS;
    probe.check(late < 40 * DEADLINE_MS, `${late.toFixed(0)} ms after the signal`);
  },
};

const RANDOM = program("random_get", [I32, I32], (c) => c.i32(0).i32(60 * MIB));
const SMALL_RANDOM = program("random_get", [I32, I32], (c) => c.i32(0).i32(60_000));
const CLOCK = program("clock_time_get", [I32, I64, I32], (c) => c.i32(0).i64(1n).i32(0));
const POLL = program("poll_oneoff", [I32, I32, I32, I32], (c) =>
  c.i32(0).i32(400_000).i32(4096).i32(300_000),
);
const ARGS = program("args_get", [I32, I32], (c) => c.i32(0).i32(16 * MIB));
const ENVIRON = program("environ_sizes_get", [I32, I32], (c) => c.i32(0).i32(8));
const SLEEP = program("poll_oneoff", [I32, I32, I32, I32], (c) => {
  // A clock subscription: tag 0, clock 1, a timeout of an hour.
  c.i32(16).i32(1).op("i32.store", 2, 0);
  c.i32(24).i64(3_600_000_000_000n).op("i64.store", 3, 0);
  c.i32(0).i32(1024).i32(1).i32(2048);
});

/** Writes all of memory to a file again and again, as one vector and as many. */
const WRITE = program("fd_write", [I32, I32, I32, I32], (c) => {
  c.i32(0).i32(4096).op("i32.store", 2, 0);
  c.i32(4)
    .i32(60 * MIB)
    .op("i32.store", 2, 0);
  c.i32(1).i32(0).i32(1).i32(16);
});
const VECTORS = program("fd_write", [I32, I32, I32, I32], (c) =>
  c
    .i32(1)
    .i32(0)
    .i32(1_000_000)
    .i32(60 * MIB),
);

/** Opens the directory it was given until it may not any more. */
const OPEN = program("path_open", [I32, I32, I32, I32, I32, I64, I64, I32, I32], (c) => {
  c.i32(100).i32(0x61).op("i32.store8", 0, 0);
  c.i32(3).i32(0).i32(100).i32(1).i32(1).i64(-1n).i64(-1n).i32(0).i32(200);
});

/** Lists a directory of many entries. */
const LIST = program("fd_readdir", [I32, I32, I32, I64, I32], (c) =>
  c
    .i32(3)
    .i32(1024)
    .i32(60 * MIB)
    .i64(0n)
    .i32(0),
);

function manyFiles(count: number) {
  const files = Object.fromEntries(Array.from({ length: count }, (_, i) => [`file${i}`, ""]));
  return memoryFileSystem({ files });
}

/** Paths of many names, each of which is looked up. */
const LONG_PATH = program("path_filestat_get", [I32, I32, I32, I32, I32], (c) => {
  c.i32(0).i32(0x2f61).op("i32.store16", 1, 0);
  // "a/a/a/…", copied over itself.
  c.i32(2).i32(0).i32(60_000).op("memory.copy", 0, 0);
  c.i32(3).i32(1).i32(0).i32(60_000).i32(100_000);
});

const SPARSE: Attack = {
  name: "one byte at the end of four tebibytes",
  item: 14,
  async run(probe) {
    const parts: Parts = {
      types: [
        NOTHING,
        [[I32, I32, I32, I32, I32, I64, I64, I32, I32], [I32]],
        [[I32, I32, I32, I64, I32], [I32]],
        [[], [I32]],
      ],
      imports: [
        ["path_open", 1, WASI],
        ["fd_pwrite", 2, WASI],
      ],
      memories: [[1]],
      exports: { memory: [2, 0] },
      functions: [
        { export: "_start", code: (code) => code.op("nop") },
        {
          type: 3,
          export: "write",
          code(c) {
            c.i32(100).i32(0x61).op("i32.store8", 0, 0);
            c.i32(3).i32(0).i32(100).i32(1).i32(1).i64(-1n).i64(-1n).i32(0).i32(200);
            c.op("call", 0).op("drop");
            c.i32(0).i32(100).op("i32.store", 2, 0);
            c.i32(4).i32(1).op("i32.store", 2, 0);
            c.i32(200)
              .op("i32.load", 2, 0)
              .i32(0)
              .i32(1)
              .i64(2n ** 42n)
              .i32(16)
              .op("call", 1);
          },
        },
      ],
    };
    const store = probe.store();
    const world = wasi({ preopens: { "/": memoryFileSystem() } });
    const instance = store.instantiate(probe.module(build(parts)), world.imports as never);
    let code: unknown;
    await probe.timed(store, (options) => {
      code = instance.func("write").with(options).call();
    });
    probe.check(code !== 0, "the write succeeded");
  },
};

/** Runs the command line with a module on standard input; all that it writes. */
async function commandLine(args: readonly string[], bytes: Uint8Array) {
  let out = "";
  async function* stdin() {
    yield bytes;
  }
  const write = (text: string | Uint8Array) => {
    out += Buffer.from(text).toString();
  };
  const code = await main(args, { stdin: stdin(), out: write, err: write, color: false });
  return { code, out };
}

const COMMAND_AND_REACTOR: Attack = {
  name: "wasmeter run of a module with _start and _initialize",
  item: 20,
  async run(probe) {
    const nop = (code: Code) => code.op("nop");
    const bytes = probe.uses(
      build({
        types: [NOTHING],
        memories: [[1]],
        functions: [
          { export: "_start", code: nop },
          { export: "_initialize", code: nop },
        ],
        exports: { memory: [2, 0] },
      }),
    );
    await probe.attempt(async () => {
      const { out } = await commandLine(["run", "-"], bytes);
      probe.check(out.length < 1000, `${out.length} characters of output`);
      probe.check(!/at .*:\d+:\d+/.test(out), "a stack trace reaches the user");
    });
  },
};

const CONTROL_CHARACTERS: Attack = {
  name: "control characters in names reach the terminal",
  item: 20,
  async run(probe) {
    const evil = "\x1b]0;owned\x07\x9b31m\u202e\r\n";
    const bytes = probe.uses(
      build({
        types: [NOTHING],
        imports: [[evil, 0, evil]],
        functions: [{ export: evil, code: (code) => code.op("unreachable") }],
        customs: [[evil, new Uint8Array(4)]],
      }),
    );
    const alone = probe.uses(
      build({
        types: [NOTHING],
        functions: [{ export: evil, code: (code) => code.op("unreachable") }],
      }),
    );
    const commands = [
      ["run", "-"],
      ["run", "--invoke", evil, "-"],
      ["run", "--invoke", "absent", "-"],
      ["print", "-"],
      ["dump", "-h", "-x", "-d", "-"],
      ["validate", "-"],
    ];
    await probe.attempt(async () => {
      for (const args of commands) {
        for (const module of [bytes, alone]) {
          const { out } = await commandLine(args, module);
          // Control and format characters, but for tabs and line feeds.
          const found = /[^\P{C}\t\n]/u.exec(out);
          probe.check(found === null, `${args[0]} ${args[1]}: ${JSON.stringify(found?.[0])}`);
        }
      }
    });
  },
};

const TIMEOUT_WHILE_VALIDATING: Attack = {
  name: "wasmeter run --timeout while a module is validated",
  item: 6,
  megabytes: 64,
  async run(probe) {
    const bytes = probe.uses(build(carrying(400_000)));
    await probe.attempt(async () => {
      const began = performance.now();
      const { code } = await commandLine(["run", "--timeout", "50ms", "-"], bytes);
      const late = performance.now() - began - DEADLINE_MS;
      probe.check(late < 10 * DEADLINE_MS, `${late.toFixed(0)} ms past the deadline`);
      probe.check(code !== 0, `exit code ${code}`);
    });
  },
};

const HUGE_ARGUMENTS: Attack = {
  name: "numbers and options of the command line",
  item: 20,
  async run(probe) {
    const bytes = build({
      types: [[[I32, I64, F32, F64], []]],
      functions: [{ export: "f", code: (code) => code.op("nop") }],
    });
    const digits = "9".repeat(300_000);
    const lines = [
      ["run", "--invoke", "f", "-", digits, digits, digits, digits],
      ["run", "--invoke", "f", "-", "0x", "-", "nan:", "inf"],
      ["run", "--fuel", digits, "-"],
      ["run", "--timeout", digits, "-"],
      ["run", "--max-memory", `${digits}GiB`, "-"],
      ["run", "--max-stack", "-1", "-"],
      ["run", "--dir", `${"a".repeat(9000)}::/`, "-"],
      ["run", "--env", "=", "-"],
    ];
    for (const line of lines) {
      await probe.attempt(async () => {
        const { out } = await commandLine(line, bytes);
        probe.check(!/at .*:\d+:\d+/.test(out), `${line[1]}: a stack trace`);
      });
    }
  },
};

/** Takes the bytes of a memory away from the guest. */
const TRANSFER: Attack = {
  name: "memory.buffer is transferred",
  item: 21,
  async run(probe) {
    const namespace = createNamespace();
    const memory = new namespace.Memory({ initial: 1, maximum: 4 });
    await probe.attempt(() => {
      try {
        structuredClone(memory.buffer, { transfer: [memory.buffer as ArrayBuffer] });
      } catch (error) {
        if (!(error instanceof DOMException || error instanceof TypeError)) throw error;
      }
      probe.check(memory.buffer.byteLength === 65_536, "the memory has lost its bytes");
      memory.grow(1);
      probe.check(memory.buffer.byteLength === 131_072, "the memory cannot grow any more");
    });
  },
};

/** A guest of a namespace under a time limit, looks counted by the epoch. */
function namespaceAttack(name: string, parts: Parts): Attack {
  return {
    name: `namespace: ${name}`,
    item: 1,
    async run(probe) {
      const bytes = probe.uses(build(parts));
      const watcher = probe.watcher();
      const epoch = {
        reached() {
          watcher.look();
          return false;
        },
      };
      const namespace = createNamespace({
        fuel: 2 ** 50,
        timeout: DEADLINE_MS,
        epoch,
        epochDeadline: 1,
        limits: { memoryBytes: 64 * MIB },
      });
      const { RuntimeError } = namespace;
      const module = new namespace.Module(bytes);
      await probe.attempt(() => {
        watcher.look();
        try {
          const { exports } = new namespace.Instance(module);
          (exports.run as () => void)();
        } catch (error) {
          if (!(error instanceof RuntimeError || error instanceof RangeError)) throw error;
          probe.end((error as unknown as { code?: string }).code ?? "RuntimeError");
        }
        watcher.look();
      });
    },
  };
}

/** A canonical NaN through f32.min and the like, in code that gets hot. */
const NAN: Attack = {
  name: "canonical NaNs through min and max in hot code",
  item: 25,
  async run(probe) {
    const names = ["f32.min", "f32.max", "f64.min", "f64.max"];
    const bytes = build({
      types: [
        [[], [I32]],
        [[], [I64]],
        [[F32], [I32]],
        [[F64], [I64]],
      ],
      functions: names.map((name) => {
        const single = name.startsWith("f32");
        return {
          type: single ? 2 : 3,
          export: name,
          locals: [[1, I32] as const, [1, single ? F32 : F64] as const],
          code: (code: Code) =>
            code
              .block("loop", (c) => {
                c.op("local.get", 0).op("local.get", 0).opcode(opcodeByName(name));
                c.op("local.set", 2);
                c.op("local.get", 1).i32(1).op("i32.add").op("local.tee", 1);
                c.i32(40_000).op("i32.lt_u").op("br_if", 0);
              })
              .op("local.get", 2)
              .op(single ? "i32.reinterpret_f32" : "i64.reinterpret_f64"),
        };
      }),
    });
    const store = probe.store();
    const instance = store.instantiate(probe.module(bytes));
    await probe.attempt(() => {
      for (let i = 0; i < 60; i++) {
        for (const name of names) {
          // The sign of a canonical NaN may be either.
          const bits = BigInt(instance.func(name).call(Number.NaN) as number | bigint);
          const single = name.startsWith("f32");
          const nan = single ? 0x7fc00000n : 0x7ff8000000000000n;
          if (BigInt.asUintN(single ? 31 : 63, bits) !== nan)
            return probe.check(false, `${name}: ${bits} in round ${i}`);
        }
      }
    });
  },
};

export const PROGRAM_ATTACKS: readonly Attack[] = [
  programAttack("random_get of 60 MiB", RANDOM),
  programAttack("random_get of 60 kB", SMALL_RANDOM),
  programAttack("clock_time_get", CLOCK),
  programAttack("poll_oneoff with 4,096 subscriptions", POLL),
  programAttack("args_get of 100,000 arguments", ARGS, {
    args: Array.from({ length: 100_000 }, () => "argument"),
  }),
  programAttack("environ_sizes_get of 100,000 variables", ENVIRON, {
    env: Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`V${i}`, "x"])),
  }),
  programAttack("fd_write of 60 MiB", WRITE),
  programAttack("fd_write of a million vectors", VECTORS),
  programAttack("path_open until no descriptor is left", OPEN, {
    preopens: { "/": memoryFileSystem() },
  }),
  programAttack("fd_readdir of 9,900 files", LIST, { preopens: { "/": manyFiles(9_900) } }),
  programAttack("a path of 30,000 names", LONG_PATH, { preopens: { "/": memoryFileSystem() } }),
  {
    name: "poll_oneoff for an hour",
    item: 5,
    async run(probe) {
      const module = probe.module(build(SLEEP));
      const { systemClock } = await import("../../src/wasi/index.ts");
      for (const how of ["run", "runAsync"] as const) {
        const store = probe.store();
        const world = wasi({ clock: systemClock() });
        const instance = store.instantiate(module, world.imports as never);
        const ended = await probe.attempt(() =>
          world[how](instance, { timeout: DEADLINE_MS } as Watched),
        );
        probe.check(ended === "Exhaustion deadline", `${how}: ${ended}`);
      }
    },
  },
  ABORTED,
  SPARSE,
  COMMAND_AND_REACTOR,
  CONTROL_CHARACTERS,
  TIMEOUT_WHILE_VALIDATING,
  HUGE_ARGUMENTS,
  TRANSFER,
  NAN,
  namespaceAttack("3,000 memory.fill in a row", {
    types: [NOTHING],
    memories: [[1024]],
    functions: [
      {
        export: "run",
        code: (code) =>
          code.repeat(3000, (c) =>
            c
              .i32(0)
              .i32(1)
              .i32(64 * MIB)
              .op("memory.fill", 0),
          ),
      },
    ],
  }),
  namespaceAttack("an endless loop", {
    types: [NOTHING],
    functions: [{ export: "run", code: (code) => code.forever((c) => c.op("nop")) }],
  }),
  namespaceAttack("a function of a million instructions", {
    types: [NOTHING],
    functions: [
      { export: "run", code: (code) => code.repeat(500_000, (c) => c.i32(1).op("drop")) },
    ],
  }),
];
