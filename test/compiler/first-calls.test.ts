// The host compiles functions at their first calls: a guest that makes many of them is looked at in
// between, though they cost hardly any fuel.

import { describe, expect, it } from "vitest";
import { hostCode } from "../../src/compiler/host-code.ts";
import { beginCall } from "../../src/embedding/call.ts";
import { moduleInstantiate } from "../../src/embedding/invoke.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import { hostNamespace } from "../../src/runtime/host-memory.ts";
import type { FunctionInstance } from "../../src/runtime/instances.ts";
import { Store } from "../../src/runtime/store.ts";
import { assemble, load } from "../validation/assemble.ts";
import { moveAtOnce } from "./compiled.ts";

/** `run` calls so many functions of 180 bytes each, which do nothing that takes long. */
function calling(count: number): ModuleRecord {
  const adds = "(local.set 0 (i32.add (local.get 0) (i32.const 3)))".repeat(25);
  const functions = `(func (param i32) ${adds})`.repeat(count);
  const calls = Array.from({ length: count }, (_, i) => `(call ${i} (i32.const 1))`).join(" ");
  return load(assemble(`(module ${functions} (func (export "run") ${calls}))`));
}

/** Compiles an instance, and runs it in one slice that would last: how often it pauses. */
function pauses(record: ModuleRecord): number {
  const store = new Store();
  const instance = moduleInstantiate(store, record, []);
  const code = hostCode(record, store.prices);
  while (!code.isComplete) code.advance(true);
  expect(moveAtOnce(instance, code)).toBeNull();
  const { value } = instance.exports.get("run") as { value: FunctionInstance };
  const call = beginCall(store, value, [], false);
  let count = 0;
  while (call.run(200_000).kind === "suspended") count++;
  return count;
}

describe.skipIf(hostNamespace === undefined)("many first calls", () => {
  it("are looked at in between, once for all instances of a module", () => {
    const record = calling(1_000);
    const groups = (1_000 * 180) / 8_192;
    expect(pauses(record)).toBeGreaterThan(groups - 2);
    expect(pauses(record)).toBe(0);
  });

  it("are not where there are few of them", () => {
    expect(pauses(calling(100))).toBe(0);
  });
});
