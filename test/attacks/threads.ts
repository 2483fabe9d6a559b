// Guests that wait, and others that wake them (issue 12, item 4).

import { I32, I64 } from "../../src/isa/types.ts";
import { build, type Code, type Parts } from "./build.ts";
import type { Attack } from "./probe.ts";

const MEMARG_32 = [2, 0] as const;

/** `run` does something for ever; `wait` waits until it is woken. */
function parts(write: (code: Code) => unknown): Parts {
  return {
    types: [
      [[], []],
      [[], [I32]],
    ],
    memories: [[1, 2]],
    shared: true,
    exports: { memory: [2, 0] },
    globals: [[I64, (code) => code.i64(0n)]],
    functions: [
      { export: "run", code: (code) => code.forever(write) },
      {
        export: "wait",
        type: 1,
        code: (code) =>
          code
            .i32(8)
            .i32(0)
            .i64(-1n)
            .op("memory.atomic.wait32", ...MEMARG_32),
      },
    ],
  };
}

/** Calls the export `run` until the deadline. */
function guest(name: string, write: (code: Code) => unknown): Attack {
  return {
    name,
    item: 0,
    async run(probe) {
      const store = probe.store();
      const instance = store.instantiate(probe.module(build(parts(write))));
      const ended = await probe.call(instance.func("run"));
      probe.check(ended === "Exhaustion deadline", `ended with ${ended}`);
      probe.check(instance.memory("memory").notify(8) === 0, "it still waits");
    },
  };
}

function waiting(nanoseconds: bigint): (code: Code) => unknown {
  return (code) =>
    code
      .i32(8)
      .i32(0)
      .i64(nanoseconds)
      .op("memory.atomic.wait32", ...MEMARG_32)
      .op("drop");
}

const CROWD: Attack = {
  name: "notifying beside 8,000 that wait",
  item: 0,
  async run(probe) {
    const notify = (code: Code) =>
      code
        .i32(4)
        .i32(1)
        .op("memory.atomic.notify", ...MEMARG_32)
        .op("drop");
    const store = probe.store();
    const instance = store.instantiate(probe.module(build(parts(notify))));
    const wait = instance.func("wait");
    const crowd = Array.from({ length: 8_000 }, () => wait.start());
    for (const execution of crowd) execution.run();
    const ended = await probe.call(instance.func("run"));
    probe.check(ended === "Exhaustion deadline", `ended with ${ended}`);
    for (const execution of crowd) execution.cancel();
    probe.check(instance.memory("memory").notify(8) === 0, "somebody still waits");
  },
};

export const THREAD_ATTACKS: readonly Attack[] = [
  guest("waiting for ever", waiting(-1n)),
  guest("waiting a nanosecond, again and again", waiting(1n)),
  guest("the size of a shared memory, again and again", (code) =>
    code.repeat(1_000, (c) => c.op("memory.size", 0).op("drop")),
  ),
  CROWD,
];
