// Bulk operations: one instruction, much work (issue 11, item 1).

import { EXTERNREF, FUNCREF, I32 } from "../../src/isa/types.ts";
import { build, type Code, passiveData, passiveElements } from "./build.ts";
import type { Attack, Probe } from "./probe.ts";

const MEMORY_PAGES = 1024;
const ELEMENTS = 1_000_000;

const PARTS = {
  memories: [[MEMORY_PAGES]],
  tables: [
    [FUNCREF, [ELEMENTS]],
    [EXTERNREF, [ELEMENTS]],
  ],
  data: [passiveData(1 << 20)],
  elements: [passiveElements(100_000)],
} as const;

/** Writes the same instruction again and again, without a branch between. */
function straight(name: string, count: number, write: (code: Code) => unknown): Attack {
  return {
    name: `${count} ${name} in a row`,
    item: 1,
    // Two tables of pointers.
    megabytes: (2 * 8 * ELEMENTS) / 2 ** 20,
    async run(probe: Probe) {
      const bytes = build({
        ...PARTS,
        functions: [{ export: "run", code: (code) => code.repeat(count, write) }],
      });
      const store = probe.store();
      const instance = store.instantiate(probe.module(bytes));
      const ended = await probe.call(instance.func("run"));
      probe.check(ended === "Exhaustion deadline", `ended with ${ended}`);
    },
  };
}

/** One operation that is long by itself. */
function single(name: string, pages: number, write: (code: Code) => unknown): Attack {
  return {
    name,
    item: 1,
    async run(probe) {
      const bytes = build({
        types: [
          [[], []],
          [[I32], [I32]],
        ],
        memories: [[pages]],
        functions: [{ export: "run", code: write }],
      });
      const store = probe.store({ limits: { memoryBytes: 2 ** 30 } });
      await probe.call(store.instantiate(probe.module(bytes)).func("run"));
    },
  };
}

const MEMORY_BYTES = MEMORY_PAGES << 16;

export const BULK_ATTACKS: readonly Attack[] = [
  straight("memory.fill", 3000, (c) => c.i32(0).i32(7).i32(MEMORY_BYTES).op("memory.fill", 0)),
  straight("memory.copy", 2000, (c) =>
    c
      .i32(0)
      .i32(1)
      .i32(MEMORY_BYTES - 1)
      .op("memory.copy", 0, 0),
  ),
  straight("memory.init", 3000, (c) =>
    c
      .i32(0)
      .i32(0)
      .i32(1 << 20)
      .op("memory.init", 0, 0),
  ),
  straight("table.fill", 1000, (c) =>
    c.i32(0).op("ref.null").byte(0x6f).i32(ELEMENTS).op("table.fill", 1),
  ),
  straight("table.copy", 1000, (c) =>
    c
      .i32(0)
      .i32(1)
      .i32(ELEMENTS - 1)
      .op("table.copy", 0, 0),
  ),
  straight("table.init", 3000, (c) => c.i32(0).i32(0).i32(100_000).op("table.init", 0, 0)),
  straight("memory.grow 0", 20_000, (c) => c.i32(0).op("memory.grow", 0).op("drop")),
  straight("table.grow by one", 20_000, (c) =>
    c.op("ref.null").byte(0x6f).i32(1).op("table.grow", 1).op("drop"),
  ),
  single("one memory.fill of 512 MiB", 8192, (c) =>
    c
      .i32(0)
      .i32(1)
      .i32(2 ** 29)
      .op("memory.fill", 0),
  ),
  single("growth of 256 MiB page by page", 4096, (c) =>
    c.forever((code) => code.i32(1).op("memory.grow", 0).op("drop")),
  ),
];
