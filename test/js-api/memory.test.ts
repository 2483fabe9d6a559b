// Memory.buffer: exact, the same until growth, detached by it wherever the growth comes from, and
// without price for who never looks (design: section 3.12).

import { describe, expect, it } from "vitest";
import { WebAssembly as Ours } from "../../src/js-api/index.ts";
import { MemoryInstance } from "../../src/runtime/memory.ts";
import { Store } from "../../src/runtime/store.ts";
import { collectGarbage } from "../garbage.ts";
import { func, instanceOf, onBoth, outcomeOf, thrownBy } from "./support.ts";

const PAGE = 65_536;
const GROWER = `(module (memory (export "m") 1 8)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "put") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "get") (param i32) (result i32) (i32.load8_u (local.get 0))))`;

interface Buffered {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

function growerIn(space = Ours) {
  const instance = instanceOf(GROWER, {}, space);
  const call = (name: string) => func(instance, name) as (...args: number[]) => number;
  const memory = instance.exports.m as unknown as Buffered;
  return { memory, grow: call("grow"), put: call("put"), get: call("get") };
}

describe("memory.buffer", () => {
  it("is the memory: what one writes the other reads, before and after growth", () => {
    onBoth((space) => {
      const { get, grow, memory, put } = growerIn(space);
      new Uint8Array(memory.buffer)[7] = 70;
      put(8, 80);
      const before = [get(7), new Uint8Array(memory.buffer)[8]];
      const sizes = [grow(1), memory.buffer.byteLength, memory.grow(2), memory.buffer.byteLength];
      put(4 * PAGE - 1, 9);
      const bytes = new Uint8Array(memory.buffer);
      bytes[9] = 90;
      return [before, sizes, bytes[7], bytes[8], bytes[4 * PAGE - 1], get(9)];
    });
  });

  it("is detached by growth in the guest and by growth outside, and by growth by nothing", () => {
    onBoth((space) => {
      const { grow, memory } = growerIn(space);
      const seen: ArrayBuffer[] = [memory.buffer];
      for (const action of [() => grow(1), () => memory.grow(1), () => grow(0), () => grow(1)]) {
        action();
        seen.push(memory.buffer);
      }
      const same = memory.buffer === seen[4];
      return [seen.map((buffer) => buffer.byteLength), new Set(seen).size, same];
    });
  });

  it("stays when growth fails", () => {
    onBoth((space) => {
      const { grow, memory } = growerIn(space);
      const { buffer } = memory;
      const answers = [grow(100), grow(-1), thrownBy(() => memory.grow(8)).name];
      return [answers, memory.buffer === buffer, buffer.byteLength];
    });
  });

  it("keeps its contents over many growths with and without a look in between", () => {
    onBoth((space) => {
      const { get, grow, memory, put } = growerIn(space);
      const lengths: number[] = [];
      for (let page = 0; page < 7; page++) {
        put(page * PAGE + page, page + 1);
        grow(1);
        if (page % 3 === 0) lengths.push(memory.buffer.byteLength);
      }
      const kept = [0, 1, 2, 3, 4, 5, 6].map((page) => get(page * PAGE + page));
      return [lengths, kept, memory.buffer.byteLength];
    });
  });

  it("cannot be detached by others once it has grown, where the host has memory of its own", () => {
    onBoth((space) => {
      const { grow, memory } = growerIn(space);
      const { buffer } = memory;
      grow(1);
      const error = thrownBy(() => structuredClone(null, { transfer: [memory.buffer] }));
      return [buffer.byteLength, error.constructor.name, memory.buffer.byteLength];
    });
  });

  it("is as empty as the memory, and another one for each memory", () => {
    onBoth((space) => {
      const memories = [0, 0].map(() => new space.Memory({ initial: 0 }));
      const [a, b] = memories.map(({ buffer }) => buffer);
      memories[0].grow(1);
      return [a === b, a.byteLength, b.byteLength, memories.map(({ buffer }) => buffer.byteLength)];
    });
  });

  it("of a shared memory is frozen, and lives on beside the longer one", () => {
    onBoth((space) => {
      const memory = new space.Memory({ initial: 1, maximum: 3, shared: true });
      const first = memory.buffer;
      memory.grow(1);
      const second = memory.buffer;
      new Uint8Array(second)[3] = 33;
      const tag = Object.prototype.toString.call(second);
      const frozen = [first, second].map((buffer) => Object.isFrozen(buffer));
      return [tag, frozen, first.byteLength, second.byteLength, new Uint8Array(first)[3]];
    });
  });

  it("is one object for two instances that share the memory", () => {
    onBoth((space) => {
      const memory = new space.Memory({ initial: 1 });
      const text = `(module (import "m" "m" (memory 1)) (export "m" (memory 0))
        (func (export "grow") (result i32) (memory.grow (i32.const 1))))`;
      const [a, b] = [0, 0].map(() => instanceOf(text, { m: { m: memory } }, space));
      const { buffer } = memory;
      func(a, "grow")();
      const same = [a.exports.m === memory, b.exports.m === memory];
      return [same, buffer.byteLength, memory.buffer.byteLength];
    });
  });
});

describe("a memory that nobody looks at", () => {
  it("grows in what it has in reserve, and its buffer is never detached", () => {
    const memory = new MemoryInstance(new Store(), {
      min: 0n,
      max: null,
      address64: false,
      shared: false,
      pageSizeLog2: 16,
    });
    memory.grow(4);
    memory.grow(1);
    const { buffer } = memory.bytes;
    memory.grow(1);
    expect(memory.bytes.buffer).toBe(buffer);
    expect(buffer.byteLength).toBeGreaterThan(memory.byteLength);
    const exposed = memory.expose();
    expect(exposed.byteLength).toBe(6 * PAGE);
    expect(memory.expose()).toBe(exposed);
  });
});

describe("resizable buffers", () => {
  // The host's memories may not have them yet: the specification's steps are the oracle.
  const resizable = (space = Ours) => new space.Memory({ initial: 1, maximum: 4 });
  type Resizable = ArrayBuffer & { resize(length: number): void; readonly resizable: boolean };

  it("grow with the memory, and the memory with them", () => {
    const memory = resizable();
    const fixed = memory.buffer;
    new Uint8Array(fixed)[1] = 11;
    const buffer = memory.toResizableBuffer() as Resizable;
    expect([fixed.byteLength, buffer.byteLength, buffer.resizable]).toEqual([0, PAGE, true]);
    expect(memory.buffer).toBe(buffer);
    memory.grow(1);
    expect(memory.buffer).toBe(buffer);
    expect(buffer.byteLength).toBe(2 * PAGE);
    buffer.resize(4 * PAGE);
    expect(memory.grow(0)).toBe(4);
    expect(new Uint8Array(buffer)[1]).toBe(11);
  });

  it("refuse to shrink, to grow by half pages, and beyond the maximum", () => {
    const buffer = resizable().toResizableBuffer() as Resizable;
    for (const length of [0, PAGE + 1, 5 * PAGE]) {
      expect(() => buffer.resize(length)).toThrow(RangeError);
    }
    expect(buffer.byteLength).toBe(PAGE);
  });

  it("become fixed again", () => {
    const memory = resizable();
    expect(memory.toFixedLengthBuffer()).toBe(memory.buffer);
    const buffer = memory.toResizableBuffer();
    new Uint8Array(buffer)[1] = 11;
    const fixed = memory.toFixedLengthBuffer();
    expect([buffer.byteLength, fixed.byteLength]).toEqual([0, PAGE]);
    expect(new Uint8Array(fixed)[1]).toBe(11);
    memory.grow(1);
    expect(fixed.byteLength).toBe(0);
  });

  it("need a maximum", () => {
    expect(() => new Ours.Memory({ initial: 1 }).toResizableBuffer()).toThrow(TypeError);
  });
});

describe("64-bit memories and tables", () => {
  it("have bigints for sizes and indices", () => {
    const memory = new Ours.Memory({ initial: 1n, maximum: 3n, address: "i64" });
    expect(memory.grow(1n)).toBe(1n);
    expect(memory.buffer.byteLength).toBe(2 * PAGE);
    expect(() => memory.grow(1)).toThrow(TypeError);
    expect(() => memory.grow(2n)).toThrow(RangeError);
    const table = new Ours.Table({ element: "externref", initial: 1n, address: "i64" }, "x");
    expect(table.length).toBe(1n);
    expect(table.get(0n)).toBe("x");
    expect(() => table.get(0)).toThrow(TypeError);
    expect(() => table.get(1n)).toThrow(RangeError);
  });

  it("show all elements of a long table", () => {
    const table = new Ours.Table({ element: "externref", initial: 300_000 }, "x");
    expect(table.length).toBe(300_000);
    table.set(299_999, "y");
    expect([table.get(299_998), table.get(299_999)]).toEqual(["x", "y"]);
    expect(() => table.set(300_000, "z")).toThrow(RangeError);
  });

  it("are linked with imports of the same address type only", () => {
    const text = `(module (import "m" "m" (memory i64 1)) (func (export "f") (param i64)
      (result i32) (i32.load8_u (local.get 0))))`;
    const memory = new Ours.Memory({ initial: 1n, address: "i64" });
    new Uint8Array(memory.buffer)[3] = 5;
    expect(func(instanceOf(text, { m: { m: memory } }), "f")(3n)).toBe(5);
    const narrow = new Ours.Memory({ initial: 1 });
    expect(() => instanceOf(text, { m: { m: narrow } })).toThrow(Ours.LinkError);
  });
});

describe("an instance that nobody has any more", () => {
  it("is collected, also if the last call was one of its functions", async () => {
    const text = `(module (import "m" "f" (func $f (param externref))) (memory (export "m") 1)
      (func (export "f") (param externref)
        (i32.store (i32.const 0) (i32.const 1)) (call $f (local.get 0))))`;
    const use = (): WeakRef<object>[] => {
      const object = {};
      const instance = instanceOf(text, { m: { f() {} } });
      func(instance, "f")(object);
      const { buffer } = instance.exports.m as unknown as Buffered;
      return [new WeakRef(object), new WeakRef(instance), new WeakRef(buffer)];
    };
    const references = use();
    // What a WeakRef has just given or been given lives until the next task.
    for (let i = 0; i < 10 && references.some((one) => one.deref() !== undefined); i++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      collectGarbage();
    }
    expect(references.map((one) => one.deref())).toEqual([undefined, undefined, undefined]);
  });
});

describe("a buffer that somebody wants to take away", () => {
  const text = `(module (memory (export "m") 1 9)
    (func (export "f") (result i32)
      (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
      (i32.load (i32.const 8)))
    (func (export "grow") (result i32) (memory.grow (i32.const 1)))
    (func (export "fill") (memory.fill (i32.const 0) (i32.const 1) (i32.const 9))))`;
  const takes: readonly (readonly [string, (buffer: ArrayBuffer) => unknown])[] = [
    ["structuredClone", (buffer) => structuredClone(buffer, { transfer: [buffer] })],
    ["postMessage", (buffer) => new MessageChannel().port1.postMessage(buffer, [buffer])],
    ["transfer", (buffer) => (buffer as ArrayBuffer & { transfer?(): unknown }).transfer?.()],
  ];

  it.each(takes)("stays where it is under %s, as the host's does", (_, take) => {
    const found = onBoth((namespace) => {
      const { exports } = instanceOf(text, {}, namespace);
      const memory = exports.m as unknown as Buffered;
      const call = exports.f as () => unknown;
      const before = call();
      const { buffer } = memory;
      const outcome = outcomeOf(() => take(buffer));
      const constructed = new namespace.Memory({ initial: 20 });
      const another = outcomeOf(() => take(constructed.buffer));
      // What `transfer` gives is as different as its classes are.
      const refused = [outcome, another].map((one) => Object.hasOwn(one as object, "error"));
      return [before, refused, buffer.byteLength, constructed.buffer.byteLength, call()];
    });
    expect(found).toMatchObject({ value: [1, expect.anything(), PAGE, 20 * PAGE, 2] });
  });

  it("is missed in words where the host cannot protect it, and others are not", () => {
    const { exports } = instanceOf(text);
    const memory = exports.m as unknown as Buffered & { toResizableBuffer(): ArrayBuffer };
    const call = exports.f as () => unknown;
    const buffer = memory.toResizableBuffer();
    call();
    structuredClone(buffer, { transfer: [buffer] });
    expect(memory.buffer.byteLength).toBe(0);
    for (const name of ["f", "grow"]) {
      const error = thrownBy(exports[name] as () => unknown);
      expect(error).toBeInstanceOf(Ours.RuntimeError);
      expect(error.message).toBe("the buffer of the memory has been detached");
    }
    // Nothing lies within the bounds of nothing.
    expect(thrownBy(exports.fill as () => unknown)).toBeInstanceOf(Ours.RuntimeError);
    expect(
      thrownBy(() => (memory as unknown as { grow(n: number): number }).grow(1)),
    ).toBeInstanceOf(RangeError);
    expect((instanceOf(text).exports.f as () => unknown)()).toBe(1);
  });
});
