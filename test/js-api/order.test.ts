// What can be seen of the order of steps: properties that are read, conversions that run, and what
// is left of operations that a stack overflow has cut off. The host runs the same scenarios.

import { describe, expect, it } from "vitest";
import {
  controlsOf,
  createNamespace,
  WebAssembly as Ours,
  type WebAssemblyNamespace,
} from "../../src/js-api/index.ts";
import { func, instanceOf, onBoth } from "./support.ts";

/** An object that notes what is asked of it. */
function observed(log: string[], target: object): object {
  return new Proxy(target, {
    get(object, key) {
      log.push(`get ${String(key)}`);
      return Reflect.get(object, key);
    },
    getPrototypeOf(object) {
      log.push("prototype");
      return Reflect.getPrototypeOf(object);
    },
  });
}

/** A number that notes its conversion. */
function noting(log: string[], name: string, value: number): object {
  return {
    valueOf() {
      log.push(name);
      return value;
    },
  };
}

/** Runs an action that may throw: what it has noted, and the class of its error. */
function noted(action: (log: string[]) => unknown): unknown {
  const log: string[] = [];
  try {
    action(log);
  } catch (error) {
    log.push((error as Error).constructor.name);
  }
  // Node 20 has no 64-bit memories, and so asks for no address type.
  return log.filter((line) => line !== "get address");
}

describe("descriptors", () => {
  it.each([
    { initial: 1, maximum: 2 },
    { maximum: 2 },
    { initial: 3, maximum: 2 },
    { initial: -1, maximum: 2 },
  ])("of memories and tables are read as by the host: %j", (members) => {
    onBoth((space) => [
      noted((log) => new space.Memory(observed(log, members) as never)),
      noted((log) => new space.Table(observed(log, { element: "externref", ...members }) as never)),
    ]);
  });

  it("of globals are read as by the host", () => {
    onBoth((space) => noted((log) => new space.Global(observed(log, { value: "i32" }) as never)));
  });
});

describe("types", () => {
  const NAMES = ["i32", "externref", "anyfunc", "funcref", "func", "I32", "", "__proto__"];

  it.each(NAMES)("are named by the specification's names alone: %j", (name) => {
    const value = name as never;
    onBoth((space) => [
      noted(() => new space.Table({ element: value, initial: 1 })),
      noted(() => new space.Global({ value })),
      noted(() => new space.Tag({ parameters: [value] })),
    ]);
  });
});

describe("sequences", () => {
  // Web IDL: 3.2.21, where V8 looks at the elements of arrays only.
  it("ask for their iterator once", () => {
    const log: string[] = [];
    const parameters = {
      get [Symbol.iterator]() {
        log.push("iterator");
        return () => ["i32" as const].values();
      },
    };
    const tag = new Ours.Tag({ parameters: parameters as never });
    expect(log).toEqual(["iterator"]);
    expect(new Ours.Exception(tag, [5]).getArg(tag, 0)).toBe(5);
  });
});

describe("tables", () => {
  it("convert an index once", () => {
    onBoth((space) => {
      const table = new space.Table({ element: "externref", initial: 2 } as never);
      return [
        noted((log) => table.set(noting(log, "index", 1) as never, "x")),
        noted((log) => table.set(noting(log, "index", 2) as never, "x")),
        noted((log) => table.get(noting(log, "index", 1) as never)),
        table.get(1),
      ];
    });
  });
});

describe("references", () => {
  it("to objects of the host are never looked into", () => {
    onBoth((space) => {
      const text = `(module (table (export "t") 1 externref)
        (func (export "f") (param externref) (result externref)
          (table.set (i32.const 0) (local.get 0)) (local.get 0)))`;
      const instance = instanceOf(text, {}, space);
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      const table = instance.exports.t as InstanceType<WebAssemblyNamespace["Table"]>;
      return [func(instance, "f")(proxy) === proxy, table.get(0) === proxy];
    });
  });
});

describe("a stack overflow of JavaScript", () => {
  const text = `(module (memory (export "m") 1 400)
    (func (export "grow") (result i32) (memory.grow (i32.const 1)))
    (func (export "size") (result i32) memory.size))`;

  /** Calls an action on the last frames that the host's stack has room for. */
  function atTheEdge(padding: number, action: () => void): void {
    let left = 100;
    const attempt = (inner: () => void) => {
      try {
        inner();
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    };
    // Frames of another size put the edge elsewhere in the action.
    const recur = (...args: readonly number[]): void => {
      attempt(() => recur(...args));
      if (left-- > 0) attempt(action);
    };
    recur(...new Array<number>(padding).fill(0));
  }

  it("leaves no memory half grown", () => {
    for (let padding = 0; padding < 64; padding++) {
      const instance = instanceOf(text);
      const memory = instance.exports.m as InstanceType<WebAssemblyNamespace["Memory"]>;
      const [grow, size] = [func(instance, "grow"), func(instance, "size")];
      // From the second growth after a look on, the bytes lie in memory of the host.
      for (let pages = 1; pages < 4; pages++) {
        expect(memory.buffer.byteLength).toBe(pages * 65_536);
        expect(grow()).toBe(pages);
      }
      for (const action of [grow, () => memory.grow(1), () => memory.buffer.byteLength, grow]) {
        atTheEdge(padding, () => {
          action();
        });
        expect(memory.buffer.byteLength).toBe((size() as number) * 65_536);
        const pages = size();
        expect(grow()).toBe(pages);
      }
    }
  });

  it("leaves nothing uncounted", () => {
    for (let padding = 0; padding < 64; padding++) {
      const space = createNamespace({ limits: { memoryBytes: 64 << 20 } });
      const instance = instanceOf(text, {}, space);
      atTheEdge(padding, () => void func(instance, "grow")());
      const bytes = (func(instance, "size")() as number) * 65_536;
      expect(controlsOf(space).peakMemoryBytes).toBe(bytes);
    }
  });
});
