// Time limits cross between stores and namespaces: whoever called first is looked at as well.

import { describe, expect, it } from "vitest";
import { Exhaustion, Store } from "../../src/api/index.ts";
import { createNamespace, WebAssembly as Ours } from "../../src/js-api/index.ts";
import { moduleOf, thrown } from "../api/support.ts";
import { assemble } from "../validation/assemble.ts";

const LOOP = `(module (func (export "loop") (loop (br 0))))`;
const RELAY = `(module (import "env" "relay" (func $relay)) (func (export "main") (call $relay)))`;

/** The endless loop of a namespace without limits. */
function endless(): () => void {
  const { Instance, Module } = createNamespace();
  return new Instance(new Module(assemble(LOOP))).exports.loop as () => void;
}

describe("a guest that the host function of another one calls", () => {
  it("in a namespace without limits ends with the timeout of the store's call", () => {
    const instance = new Store().instantiate(moduleOf(RELAY), { env: { relay: endless() } });
    const main = instance.func("main").with({ timeout: 30 });
    expect(() => main.call()).toThrow(/deadline exceeded/);
  });

  it("in another namespace ends with the timeout of the first", () => {
    const { Instance, Module } = createNamespace({ timeout: 30 });
    const module = new Module(assemble(RELAY));
    const { main } = new Instance(module, { env: { relay: endless() } }).exports;
    expect(main as () => void).toThrow(/deadline exceeded/);
  });

  it("by a promising function ends with the timeout of the first as well", async () => {
    let call: Promise<unknown> = Promise.resolve();
    const relay = () => {
      const { exports } = new Ours.Instance(new Ours.Module(assemble(LOOP)));
      call = Ours.promising(exports.loop as () => void)();
      call.catch(() => {});
    };
    const instance = new Store().instantiate(moduleOf(RELAY), { env: { relay } });
    expect(() => instance.func("main").with({ timeout: 30 }).call()).toThrow(/deadline exceeded/);
    await expect(call).rejects.toThrow(/deadline exceeded/);
  });

  it("in a store without limits ends with the timeout of the namespace", () => {
    const { Instance, Module } = createNamespace({ timeout: 30 });
    const loop = new Store().instantiate(moduleOf(LOOP)).func("loop");
    let error: unknown;
    const relay = () => {
      error = thrown(Exhaustion, () => loop.call());
      throw error;
    };
    const { main } = new Instance(new Module(assemble(RELAY)), { env: { relay } }).exports;
    expect(main as () => void).toThrow(/deadline exceeded/);
    expect((error as Exhaustion).kind).toBe("deadline");
  });
});
