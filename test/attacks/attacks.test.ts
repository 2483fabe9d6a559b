// Every attack in list.ts, each in a process of its own with a small heap, in both tiers: it ends
// with a documented error, the guest is looked at often enough, the host's memory stays within the
// store's limits.

import { afterAll, describe, expect, it } from "vitest";
import type { Tier } from "../../src/runtime/tier.ts";
import { ATTACKS } from "./list.ts";
import { PENDING } from "./pending.ts";
import type { Attack, Result } from "./probe.ts";
import { attackRunner } from "./run.ts";

const TIERS = ["interpreter", "compiled"] as const;
const runner = await attackRunner(...TIERS);

async function resultOf(attack: Attack, tier: Tier): Promise<Result> {
  // A collection of the host's, or its compiler, may fall between two looks: not twice.
  const result = await runner.run(attack, tier);
  return result.failures.length === 0 ? result : runner.run(attack, tier);
}

const cases = TIERS.flatMap((tier) => {
  return ATTACKS.map((attack) => {
    return [attack.item, attack.name, tier, resultOf(attack, tier)] as const;
  });
});

afterAll(() => runner.close());

describe("attacks", () => {
  it.each(cases)("item %i: %s, %s", async (_, name, __, result) => {
    const { failures } = await result;
    if (!PENDING.has(name)) expect(failures).toEqual([]);
    else expect(failures, "it is withstood: remove it from pending.ts").not.toEqual([]);
  });

  it("that are pending exist", () => {
    const names = new Set(ATTACKS.map(({ name }) => name));
    expect(names.size).toBe(ATTACKS.length);
    expect([...PENDING].filter((name) => !names.has(name))).toEqual([]);
  });
});
