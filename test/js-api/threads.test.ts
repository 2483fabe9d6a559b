// Shared memories of the JavaScript API: sent to workers and namespaces, waited at and notified by
// scripts, as the host's are.

import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, it } from "vitest";
import { plainScript } from "../../bench/plain.ts";
import { Epoch } from "../../src/api/index.ts";
import { createNamespace, WebAssembly as Ours } from "../../src/js-api/index.ts";
import { assemble, func, Host, instanceOf, onBoth } from "./support.ts";

const script = await plainScript(new URL("threads-worker.ts", import.meta.url));
afterAll(() => script.remove());

const PAGE = 65_536;
const SHARED = { initial: 1, maximum: 3, shared: true };
const GUEST = `(module (import "m" "m" (memory 1 3 shared)) (export "m" (memory 0))
  (func (export "wait") (param i32 i32 i64) (result i32)
    (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "notify") (param i32 i32) (result i32)
    (memory.atomic.notify (local.get 0) (local.get 1)))
  (func (export "add") (param i32 i32) (result i32)
    (i32.atomic.rmw.add (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`;

type Namespace = typeof Ours;
type SharedMemory = InstanceType<Namespace["Memory"]>;

function guestOf(memory: unknown, space: Namespace = Ours) {
  const instance = instanceOf(GUEST, { m: { m: memory } }, space);
  const call = (name: string, ...args: unknown[]) => func(instance, name)(...args);
  return { instance, call };
}

describe("a shared memory", () => {
  it("is cloned, and the clone has the same bytes and size", () => {
    onBoth((space) => {
      const memory = new space.Memory(SHARED);
      const clone = structuredClone({ in: [memory] }).in[0] as SharedMemory;
      const { call } = guestOf(memory, space);
      new Uint8Array(clone.buffer)[8] = 5;
      const grown = [call("grow", 1), clone.grow(1), memory.grow(0), call("grow", 1)];
      new Uint8Array(clone.buffer)[2 * PAGE] = 6;
      const lengths = [clone.buffer.byteLength, memory.buffer.byteLength];
      return [call("load", 8), call("load", 2 * PAGE), grown, lengths];
    });
  });

  it("is imported by other namespaces as the object that it is", () => {
    onBoth((space) => {
      const memory = new space.Memory(SHARED);
      const clone = structuredClone(memory);
      const [a, b] = [guestOf(memory, space), guestOf(clone, space)];
      const again = guestOf(clone, space);
      const sums = [a.call("add", 8, 5), b.call("add", 8, 5), again.call("add", 8, 5)];
      const same = [b, again].map(({ instance }) => instance.exports.m === clone);
      return [sums, same, a.instance.exports.m === memory];
    });
    const other = createNamespace();
    const memory = new Ours.Memory(SHARED);
    expect(guestOf(memory, other).call("add", 8, 1)).toBe(0);
    expect(guestOf(memory).call("add", 8, 1)).toBe(1);
  });

  it("keeps its maximum when it is sent", () => {
    onBoth((space) => {
      const clone = structuredClone(new space.Memory(SHARED));
      return [2, 3, 4].map((most) => {
        const text = `(module (import "m" "m" (memory 1 ${most} shared)))`;
        try {
          instanceOf(text, { m: { m: clone } }, space);
          return true;
        } catch (error) {
          return (error as Error).name;
        }
      });
    });
  });

  it("is no other memory", () => {
    const memory = new Ours.Memory(SHARED);
    expect(Object.getPrototypeOf(memory)).toBe(Ours.Memory.prototype);
    expect([memory instanceof Ours.Memory, memory instanceof Host.Memory]).toEqual([true, false]);
    expect(Reflect.ownKeys(memory)).toEqual([]);
    const unshared = new Host.Memory({ initial: 1, maximum: 3 });
    for (const value of [unshared, {}, new SharedArrayBuffer(PAGE), Object.create(memory)]) {
      expect(() => guestOf(value)).toThrow(Ours.LinkError);
    }
    expect(() => structuredClone(new Ours.Memory({ initial: 1 }))).toThrow("could not be cloned");
  });

  it("counts in the namespace that it has arrived in", () => {
    const space = createNamespace({ limits: { memoryBytes: PAGE } });
    const memory = new Ours.Memory({ ...SHARED, initial: 2 });
    expect(() => guestOf(structuredClone(memory), space)).toThrow(RangeError);
  });
});

describe("guests wait", () => {
  const inWorker = (memory: SharedMemory, action: string) => {
    const worker = new Worker(script.path, { workerData: { memory, action } });
    return new Promise((resolve, reject) => {
      worker.on("message", resolve);
      worker.on("error", reject);
    });
  };

  it("for scripts of other workers, and scripts for guests", async () => {
    const memory = new Ours.Memory(SHARED);
    const { call } = guestOf(memory);
    const result = inWorker(memory, "script notifies, then waits");
    expect(call("wait", 8, 0, -1n)).toBe(0);
    while (call("notify", 16, 1) === 0);
    expect(await result).toBe("ok");
  });

  it("for guests of other workers, ours and the host's", async () => {
    for (const action of ["guest notifies", "the host's guest notifies"]) {
      const memory = new Ours.Memory(SHARED);
      const result = inWorker(memory, action);
      expect(guestOf(memory).call("wait", 8, 0, -1n)).toBe(0);
      expect(await result).toBe(1);
    }
  });

  it("until their time is up, or that of the namespace", () => {
    onBoth((space) => {
      const { call } = guestOf(new space.Memory(SHARED), space);
      return [call("wait", 8, 1, -1n), call("wait", 8, 0, 0n), call("wait", 8, 0, 1_000_000n)];
    });
    const epoch = new Epoch();
    for (const options of [{ timeout: 20 }, { deadline: Date.now() + 20 }]) {
      const space = createNamespace(options);
      const memory = new space.Memory(SHARED);
      expect(() => guestOf(memory, space).call("wait", 8, 0, -1n)).toThrow("deadline exceeded");
    }
    const space = createNamespace({ epoch, epochDeadline: 1 });
    const { call } = guestOf(new space.Memory(SHARED), space);
    expect(call("wait", 8, 0, 12_000_000n)).toBe(2);
    epoch.advance();
    expect(() => call("wait", 8, 0, -1n)).toThrow("epoch deadline exceeded");
  });

  it("and trap with the host's words", () => {
    onBoth((space) => {
      const { call } = guestOf(new space.Memory(SHARED), space);
      const text = `(module (memory 1) (func (export "wait") (result i32)
        (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0))))`;
      const actions = [
        () => call("wait", 2, 0, 0n),
        () => call("notify", PAGE, 0),
        () => call("notify", 1, 0),
        () => func(instanceOf(text, {}, space), "wait")(),
      ];
      return actions.map((action) => {
        try {
          return action();
        } catch (error) {
          return (error as Error).message;
        }
      });
    });
  });
});

it("modules may say that a memory is shared", () => {
  const bytes = assemble(GUEST);
  expect(Ours.validate(bytes)).toBe(Host.validate(bytes));
});
