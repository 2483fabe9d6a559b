// Types are forgotten when nobody uses them any more: neither a module, nor an instance that
// outlives it. Their ids are given again.

import { setImmediate as nextTask } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { FuncType } from "../../src/module/module.ts";
import { closeGlobalType, funcTypeOfId } from "../../src/runtime/types.ts";
import { typeIdsOf } from "../../src/validation/type-ids.ts";
import { typeCount } from "../../src/validation/type-table.ts";
import { moduleOf, section, vec } from "../binary/bytes.ts";
import { collectGarbage } from "../garbage.ts";
import { moduleFrom } from "./support.ts";

/** The digits of a number as value types, so that each number has its own function type. */
function typeOf(n: number): number[] {
  const digits = [...n.toString(4)].map((digit) => 0x7c + Number(digit));
  return [0x60, ...vec(...digits.map((digit) => [digit])), 0];
}

const TYPES = 200;
let made = 0;

/** A module of types that no other has: some alone, some that mention others, some in groups. */
function ids(): readonly number[] {
  const groups: number[][] = [];
  for (let i = 0; i < TYPES; i += 4) {
    groups.push(typeOf(1000 + made++), [0x60, 1, 0x63, ...leb(i), 0]);
    groups.push([0x4e, ...vec(typeOf(1000 + made++), [0x60, 1, 0x63, ...leb(i + 3), 0])]);
  }
  return typeIdsOf(moduleFrom(moduleOf(section(1, vec(...groups)))));
}

function leb(n: number): number[] {
  return n < 64 ? [n] : [(n & 0x7f) | 0x80, n >> 7];
}

/** Lets finalizers run, and what they leave to do be done. */
async function forget(): Promise<void> {
  for (let i = 0; i < 4; i++) {
    collectGarbage();
    await nextTask();
    ids();
  }
}

describe("types of modules", () => {
  it("are forgotten when the modules are", async () => {
    await forget();
    const before = typeCount();
    let highest = 0;
    for (let i = 0; i < 1000; i++) {
      highest = Math.max(highest, ...ids());
      if (i % 50 === 0) await forget();
    }
    await forget();
    expect(typeCount()).toBeLessThan(before + 20 * TYPES);
    expect(highest).toBeLessThan(before + 200 * TYPES);
  });

  it("stay while a function type of theirs, or a closed type, is held", async () => {
    const held: { type: FuncType; id: number }[] = [];
    const globals: { type: object; id: number }[] = [];
    for (let i = 0; i < 20; i++) {
      const [first, second] = ids();
      held.push({ type: funcTypeOfId(second), id: second });
      const list = ids();
      const type = closeGlobalType({ type: (1 << 5) | 16 | 8, mutable: false }, list);
      globals.push({ type, id: list[1] });
      expect(first).not.toBe(second);
    }
    await forget();
    const fresh = new Set<number>();
    for (let i = 0; i < 200; i++) for (const id of ids()) fresh.add(id);
    for (const { type, id } of held) {
      expect(funcTypeOfId(id)).toBe(type);
      expect(fresh.has(id)).toBe(false);
    }
    for (const { id } of globals) expect(fresh.has(id)).toBe(false);
  });
});
