// Guests that make structs and arrays: many, long ones, and such as others hold. The module is that
// of test/api/objects.test.ts (issue 12, item 2).

import { readFileSync } from "node:fs";
import type { Attack, Probe } from "./probe.ts";

const MIB = 2 ** 20;
const bytes = readFileSync(new URL("../api/objects.wasm", import.meta.url));

/** An instance with 64 MiB of objects, whose host functions give back what they get. */
function guest(probe: Probe) {
  const store = probe.store({ limits: { gcBytes: 64 * MIB } });
  const same = (value: unknown) => value;
  return store.instantiate(probe.module(bytes), { host: { see: same, extern: same } });
}

function calling(name: string, func: string, args: readonly number[], expected?: string): Attack {
  return {
    name,
    item: 2,
    async run(probe) {
      const ended = await probe.call(guest(probe).func(func), ...args);
      if (expected !== undefined) probe.check(ended === expected, `ended with ${ended}`);
    },
  };
}

const ENDLESS = 2 ** 31 - 1;

/** As much of something as `gcBytes` allow, however long that takes. */
function keeping(name: string, func: string): Attack {
  return {
    name,
    item: 2,
    async run(probe) {
      const instance = guest(probe);
      const ended = await probe.attempt(() => instance.func(func).call(ENDLESS));
      probe.check(ended === "Exhaustion gcBytes", `ended with ${ended}`);
    },
  };
}

/** The host gets an object with each call, and drops it. */
const HANDED_OUT: Attack = {
  name: "objects that the host gets and drops",
  item: 2,
  async run(probe) {
    const { exports } = guest(probe);
    const ended = await probe.attempt(() => {
      for (let i = 0; i < 20_000; i++) exports.node(i);
    });
    probe.check(ended === "returned", `ended with ${ended}`);
  },
};

export const OBJECT_ATTACKS: readonly Attack[] = [
  calling("objects that nobody keeps", "garbage", [ENDLESS], "Exhaustion deadline"),
  calling("arrays that nobody keeps", "arrays", [ENDLESS, 2_000], "Exhaustion deadline"),
  keeping("a list of objects without end", "keep"),
  keeping("objects in a frame without end", "inFrame"),
  calling("an array of 2^32 - 1 elements", "tooLong", [5], "Exhaustion gcBytes"),
  calling("a long array filled and copied", "filled", [8_000_000]),
  HANDED_OUT,
];
