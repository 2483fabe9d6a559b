// Every attack in list.ts, each in a process of its own with a small heap: it ends with a documented
// error, the guest is looked at often enough, the host's memory stays within the store's limits.

import { afterAll, describe, expect, it } from "vitest";
import { ATTACKS } from "./list.ts";
import { PENDING } from "./pending.ts";
import { attackRunner } from "./run.ts";

const runner = await attackRunner();
// A collection of the host's, or its compiler, may fall between two looks: not twice.
const results = ATTACKS.map(async (attack) => {
  const result = await runner.run(attack);
  return result.failures.length === 0 ? result : runner.run(attack);
});

afterAll(() => runner.close());

describe("attacks", () => {
  it.each(ATTACKS.map(({ name, item }, index) => [item, name, index] as const))(
    "item %i: %s",
    async (_, name, index) => {
      const { failures } = await results[index];
      if (!PENDING.has(name)) expect(failures).toEqual([]);
      else expect(failures, "it is withstood: remove it from pending.ts").not.toEqual([]);
    },
  );

  it("that are pending exist", () => {
    const names = new Set(ATTACKS.map(({ name }) => name));
    expect(names.size).toBe(ATTACKS.length);
    expect([...PENDING].filter((name) => !names.has(name))).toEqual([]);
  });
});
