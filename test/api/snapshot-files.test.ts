// Snapshots that earlier releases have written, in fixtures/snapshots with their modules: this one
// restores them, and they come to the same end. `WRITE_SNAPSHOTS=1` writes those that are missing.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Module, type Restored, Store, Tag } from "../../src/api/index.ts";
import { FORMAT_VERSION } from "../../src/state/snapshot-file.ts";

const DIRECTORY = new URL("../../fixtures/snapshots/", import.meta.url);

/** A store that was written down, and what it comes to. */
interface Story {
  readonly name: string;
  readonly imports: Readonly<Record<string, object>>;
  readonly refs?: Readonly<Record<string, unknown>>;
  write(store: Store, module: Module): Uint8Array;
  end(restored: Restored): unknown;
}

const see = (value: unknown) => value;
const host = { of: "the host" };
const tag = new Tag("(i32)");
let promises = 0;

const STORIES: readonly Story[] = [
  {
    name: "collatz",
    imports: { env: { progress() {} } },
    write(store, module) {
      const guest = store.instantiate(module, this.imports);
      const run = guest.func("longest").start(1_000);
      run.run({ slice: 300_000 });
      return store.snapshot({ instances: { guest }, executions: { run } });
    },
    end: ({ executions, store }) => [executions.run.run(), executions.run.usage, store.fuel],
  },
  {
    name: "objects",
    imports: { host: { see, extern: see } },
    refs: { host },
    write(store, module) {
      const guest = store.instantiate(module, this.imports);
      const [node, leaf] = [guest.exports.node(5), guest.exports.leaf(6)];
      for (const [i, value] of [node, leaf, host, -7, "text", 0.5].entries()) {
        guest.table("table").set(i, value);
      }
      guest.exports.keep(100);
      guest.exports.inTable(6, 50);
      const inFrame = guest.func("inFrame").start(100);
      inFrame.run({ slice: 600 });
      const vectors = guest.func("vectors").start(20);
      vectors.run({ slice: 1 });
      const executions = { inFrame, vectors };
      return store.snapshot({ instances: { guest }, executions, refs: { host, leaf } });
    },
    end({ executions, instances, refs, store }) {
      const { exports } = instances.guest;
      const table = instances.guest.table("table");
      const values = [0, 1].map((i) => [exports.value(table.get(i)), exports.isLeaf(table.get(i))]);
      const others = [2, 3, 4, 5].map((i) => table.get(i));
      const ends = Object.values(executions).map((run) => run.run());
      return [values, others, table.get(1) === refs.leaf, ends, store.fuel];
    },
  },
  {
    name: "waits",
    imports: {
      env: {
        tag,
        read: (length: number) => (promises++ === 0 ? Promise.resolve(0) : 100 + length),
        fail() {
          throw tag.exception(9);
        },
      },
    },
    write(store, module) {
      const guest = store.instantiate(module, this.imports);
      const reads = guest.func("reads").start(5);
      reads.run();
      const begins = guest.func("throws").start(3);
      const whole = guest.func("throws").start(6_000);
      whole.run();
      const { fuel } = whole.usage;
      // The search for the handler costs 375.
      const throws = guest.func("throws").start(6_000);
      throws.run({ slice: fuel - 500 });
      while (throws.usage.fuel < fuel - 260) throws.run({ slice: 1 });
      return store.snapshot({ instances: { guest }, executions: { reads, begins, throws } });
    },
    end({ executions, instances, store }) {
      const ends = Object.values(executions).map((run) => run.run());
      return [ends, instances.guest.global("g").value, store.fuel];
    },
  },
];

const file = (name: string) => new URL(name, DIRECTORY);

/** What a snapshot comes to, as text. */
function endOf(story: Story, module: Module, bytes: Uint8Array): string {
  const { imports, refs = {} } = story;
  promises = 1;
  const end = story.end(Store.restore(bytes, { modules: [module], imports, refs }));
  const text = (_: string, value: unknown) => (typeof value === "bigint" ? `${value}n` : value);
  return `${JSON.stringify(end, text, 1)}\n`;
}

describe.each(STORIES)("$name", (story) => {
  const module = Module.from(readFileSync(file(`${story.name}.wasm`)));
  const path = file(`${story.name}-${FORMAT_VERSION}.snapshot`);
  if (process.env.WRITE_SNAPSHOTS !== undefined && !existsSync(path)) {
    promises = 0;
    const bytes = story.write(new Store({ fuel: 1e9 }), module);
    writeFileSync(path, bytes);
    writeFileSync(file(`${story.name}.json`), endOf(story, module, bytes));
  }

  it.each([1])("of version %d comes to its end", (version) => {
    const bytes = readFileSync(file(`${story.name}-${version}.snapshot`));
    expect(endOf(story, module, bytes)).toBe(readFileSync(file(`${story.name}.json`), "utf8"));
  });
});
