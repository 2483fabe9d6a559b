// Objects of the namespace under structuredClone and postMessage: the host sends its Modules, which
// JavaScript cannot, and shared Memories (see threads.test.ts); everything else it refuses, and so
// do we, Modules included.

import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { WebAssembly as Ours } from "../../src/js-api/index.ts";
import { assemble, Host } from "./support.ts";

const KINDS = [
  "Module",
  "Instance",
  "Memory",
  "shared Memory",
  "Table",
  "Global",
  "Tag",
  "Exception",
];

function objectOf(kind: string, namespace: typeof Ours): object {
  const { Exception, Global, Instance, Memory, Module, Table, Tag } = namespace;
  const bytes = assemble("(module)");
  switch (kind) {
    case "Module":
      return new Module(bytes);
    case "Instance":
      return new Instance(new Module(bytes));
    case "Memory":
      return new Memory({ initial: 1 });
    case "shared Memory":
      return new Memory({ initial: 1, maximum: 1, shared: true });
    case "Table":
      return new Table({ element: "externref", initial: 1 });
    case "Global":
      return new Global({ value: "i32" });
    case "Tag":
      return new Tag({ parameters: [] });
    default:
      return new Exception(new Tag({ parameters: [] }), []);
  }
}

describe.each(KINDS)("a %s", (kind) => {
  it.runIf(kind !== "shared Memory")("is not cloned to an empty object", () => {
    const object = objectOf(kind, Ours);
    const isRefused = expect.objectContaining({ name: "DataCloneError" });
    expect(() => structuredClone(object)).toThrow(isRefused);
    expect(() => structuredClone({ in: [object] })).toThrow(isRefused);
    expect(() => new MessageChannel().port1.postMessage(object)).toThrow(isRefused);
  });

  it("shows nothing of how that is done", () => {
    const object = objectOf(kind, Ours);
    expect(Reflect.ownKeys(object)).toEqual([]);
    expect(inspect(object)).toBe(inspect(objectOf(kind, Host)));
    const { prototype } = object.constructor;
    expect(Object.getPrototypeOf(object)).toBe(prototype);
    expect(Object.getPrototypeOf(prototype)).toBe(Object.prototype);
    expect(Object.getPrototypeOf(object.constructor)).toBe(Function.prototype);
  });
});

it("classes can be extended, and not be called", () => {
  class Mine extends Ours.Memory {
    extra = 5;
  }
  const mine = new Mine({ initial: 2 });
  expect([mine.extra, mine.buffer.byteLength, mine instanceof Ours.Memory]).toEqual([
    5,
    131_072,
    true,
  ]);
  const call = Ours.Memory as unknown as (descriptor: object) => void;
  expect(() => call({ initial: 1 })).toThrow("WebAssembly.Memory must be invoked with 'new'");
});
