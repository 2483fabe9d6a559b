// The legacy proposal's `try`, `catch`, `catch_all`, `delegate` and `rethrow`: what the official
// scripts leave out. Operands around them, every kind of label that `delegate` may name, mixed with
// `try_table`, over instances and host functions, suspended, metered.

import { describe, expect, it } from "vitest";
import { type ImportMap, Module, Store, WasmException } from "../../src/api/index.ts";
import { inSlices, instanceOf, thrown } from "../api/support.ts";
import { ByteWriter, ModuleWriter, SECTION } from "../fuzz/writer.ts";

const TRY = 0x06;
const CATCH = 0x07;
const THROW = 0x08;
const END = 0x0b;
const DELEGATE = 0x18;

/** Calls the export `f` of a module with two tags. */
function call(fields: string, ...args: number[]): unknown {
  return instanceOf(`(module (tag $a (param i32)) (tag $b (param i64 i32)) ${fields})`).exports.f(
    ...args,
  );
}

describe("the parts of a try", () => {
  it("leave their results in one place, whatever lies beneath", () => {
    const text = `(func (export "f") (param i32) (result i32 i32 i32)
      (i32.const 1)
      try (result i32 i32)
        (if (i32.eqz (local.get 0)) (then (throw $a (i32.const 20))))
        (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $b (i64.const 5) (i32.const 30))))
        (if (i32.eq (local.get 0) (i32.const 2)) (then unreachable))
        (i32.const 2) (i32.const 3)
      catch $a
        (i32.const 4)
      catch $b
        (local.set 0) drop
        (local.get 0) (i32.const 9)
      end)`;
    expect(call(text, 0)).toEqual([1, 20, 4]);
    expect(call(text, 1)).toEqual([1, 30, 9]);
    expect(call(text, 3)).toEqual([1, 2, 3]);
    expect(() => call(text, 2)).toThrow("unreachable");
  });

  it("are left by branches, with operands that stay behind", () => {
    const text = `(func (export "f") (param i32) (result i32)
      try $t (result i32)
        (throw $b (i64.const 1) (i32.const 7))
      catch $b
        (br_if $t (local.get 0))
        (br_table $t $t (i32.const 0))
      end)`;
    expect(call(text, 1)).toBe(7);
    expect(call(text, 0)).toBe(7);
  });

  it("take parameters", () => {
    const text = `(type $t (func (param i32) (result i32))) (func (export "f") (param i32) (result i32)
      (i32.const 40)
      try (type $t)
        (if (local.get 0) (then (throw $a (i32.const 6))))
        (i32.add (i32.const 1))
      catch $a
      end)`;
    expect(call(text, 0)).toBe(41);
    expect(call(text, 1)).toBe(6);
  });

  it("do not protect each other", () => {
    const text = `(func (export "f") (result i32)
      try (result i32)
        try
          (throw $a (i32.const 1))
        catch $a
          (throw $a (i32.add (i32.const 10)))
        catch_all
          unreachable
        end
        (i32.const 0)
      catch $a
      end)`;
    expect(call(text)).toBe(11);
  });

  it("see locals as they were when it was thrown", () => {
    const text = `(func (export "f") (param i32) (result i32)
      (local.get 0)
      try
        (local.set 0 (i32.const 5))
        (throw $a (i32.const 0))
      catch $a
        drop
        (local.set 0 (i32.mul (local.get 0) (i32.const 10)))
      end
      (i32.add (local.get 0)))`;
    expect(call(text, 3)).toBe(53);
  });
});

describe("rethrow", () => {
  it("names the catch that it stands in, or one further out", () => {
    const text = `(func (export "f") (param i32) (result i32)
      try (result i32)
        try
          (throw $a (i32.const 1))
        catch $a
          drop
          try
            (throw $a (i32.const 2))
          catch_all
            (if (local.get 0) (then (rethrow 1)))
            rethrow 1
          end
        end
        (i32.const 0)
      catch $a
      end)`;
    expect(call(text, 1)).toBe(2);
    expect(call(text, 0)).toBe(1);
  });

  it("throws what the loop's last round has caught", () => {
    const text = `(func (export "f") (param i32) (result i32) (local $i i32)
      try (result i32)
        loop $next
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          try
            (throw $a (local.get $i))
          catch_all
            (br_if $next (i32.lt_u (local.get $i) (local.get 0)))
            rethrow 0
          end
        end
        (i32.const 0)
      catch $a
      end)`;
    expect(call(text, 5)).toBe(5);
  });

  it("keeps what the callees in between leave alone", () => {
    const text = `(func $inner (param i32) (result i32)
        try (result i32)
          (throw $b (i64.const -1) (local.get 0))
        catch $b
          (i32.add (i32.const 1)) (local.set 0) drop (local.get 0)
        end)
      (func (export "f") (result i32)
        try (result i32)
          try
            (throw $a (i32.const 3))
          catch_all
            (drop (i32.add (call $inner (i32.const 8)) (call $inner (i32.const 9))))
            rethrow 0
          end
          (i32.const 0)
        catch $a
        end)`;
    expect(call(text)).toBe(3);
  });
});

describe("delegate", () => {
  const within = (inner: string) => `(func (export "f") (result i32)
    try $outer (result i32)
      try $middle (result i32)
        block $block (result i32)
          ${inner}
        end
      catch $a
        (i32.add (i32.const 100))
      end
    catch $a
      (i32.add (i32.const 200))
    end)`;
  const fails = (label: string) => `try (result i32)
    (throw $a (i32.const 1)) delegate ${label}`;

  it("goes to the try that it names, or the one around the block", () => {
    expect(call(within(fails("$block")))).toBe(101);
    expect(call(within(fails("$middle")))).toBe(101);
    expect(call(within(fails("$outer")))).toBe(201);
  });

  it("leaves the function if it names that", () => {
    expect(thrown(WasmException, () => call(within(fails("3")))).payload).toEqual([1]);
  });

  it("passes the try whose catch it stands in", () => {
    const text = `(func (export "f") (result i32)
      try (result i32)
        try $named (result i32)
          (throw $a (i32.const 1))
        catch $a
          drop
          try (result i32) (throw $a (i32.const 2)) delegate $named
        end
      catch $a
        (i32.add (i32.const 10))
      end)`;
    expect(call(text)).toBe(12);
  });

  it("goes on from handlers that it has within", () => {
    const text = `(func (export "f") (result i32)
      try $outer (result i32)
        try (result i32)
          try (result i32)
            try (result i32)
              (throw $a (i32.const 1))
            catch $b
              (local.set 0) drop (i32.const 0)
            end
          delegate $outer
        catch_all
          (i32.const 7)
        end
      catch $a
        (i32.add (i32.const 30))
      end)`.replace("(result i32)", "(result i32) (local i32)");
    expect(call(text)).toBe(31);
  });

  it("goes to a try_table, too", () => {
    const text = `(func (export "f") (result i32)
      (block $caught (result i32)
        try_table $named (result i32) (catch $a $caught)
          try (result i32)
            ${fails("$named")}
          catch_all
            (i32.const 9)
          end
        end
        (return)))`;
    expect(call(text)).toBe(1);
  });
});

describe("legacy and new instructions together", () => {
  it("throw each other's exceptions on", () => {
    const text = `(func $new (param exnref) (throw_ref (local.get 0)))
      (func (export "f") (result i64 i32)
        (block $b (result i64 i32)
          (try_table (catch $b $b)
            try
              (call $new (block $all (result exnref)
                (try_table (catch_all_ref $all) (throw $b (i64.const 5) (i32.const 6)))
                unreachable))
            catch_all
              rethrow 0
            end)
          unreachable))`;
    expect(call(text)).toEqual([5n, 6]);
  });
});

const THROWER = `(module (tag $t (export "tag") (param i32 externref))
  (func (export "throw") (param i32 externref) (throw $t (local.get 0) (local.get 1))))`;
const CATCHER = `(module
  (import "m" "tag" (tag $t (param i32 externref)))
  (import "m" "throw" (func $throw (param i32 externref)))
  (func (export "f") (param i32 externref) (result i32 externref) (local $n i32)
    try (result i32 externref)
      try
        (call $throw (local.get 0) (local.get 1))
      catch_all
        loop $next
          (br_if $next (i32.lt_u
            (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20)))
        end
        rethrow 0
      end
      unreachable
    catch $t
    end))`;

describe("over instances and host functions", () => {
  const object = { an: "object" };

  it("exceptions of one are caught in another", () => {
    const store = new Store();
    const { exports } = instanceOf(THROWER, {}, store);
    const f = instanceOf(CATCHER, { m: exports as ImportMap[string] }, store).func("f");
    expect(f.call(4, object)).toEqual([4, object]);
  });

  it("also if they pass JavaScript in between, at once or later", async () => {
    const store = new Store();
    const { exports } = instanceOf(THROWER, {}, store);
    const { tag } = exports;
    const now = (...args: unknown[]) => exports.throw(...args);
    const later = async (...args: unknown[]) => {
      await null;
      exports.throw(...args);
    };
    const imports = (f: unknown) => ({ m: { tag, throw: f } }) as ImportMap;
    expect(instanceOf(CATCHER, imports(now), store).exports.f(4, object)).toEqual([4, object]);
    const f = instanceOf(CATCHER, imports(later), store).func("f");
    expect(await f.callAsync(4, object)).toEqual([4, object]);
  });

  it("what the host throws passes", () => {
    const store = new Store();
    const { tag } = instanceOf(THROWER, {}, store).exports;
    const error = new Error("mine");
    const imports = {
      m: {
        tag,
        throw() {
          throw error;
        },
      },
    } as unknown as ImportMap;
    const { exports } = instanceOf(CATCHER, imports, store);
    expect(thrown(Error, () => exports.f(1, null))).toBe(error);
  });

  it("cost the same fuel and come to the same in every slicing", () => {
    const used = [1, 2, 5, 1_000].map((slice) => {
      const store = new Store();
      const { exports } = instanceOf(THROWER, {}, store);
      const f = instanceOf(CATCHER, { m: exports as ImportMap[string] }, store).func("f");
      const outcome = inSlices(f.start(4, object), slice);
      expect(outcome).toMatchObject({ kind: "returned", values: [4, object] });
      return store.usage.fuel;
    });
    expect(new Set(used).size).toBe(1);
  });
});

describe("many handlers", () => {
  it("that delegate to the outermost one are translated and searched", () => {
    // In the text format it would be wabt that never ends.
    const depth = 50_000;
    const body = new ByteWriter().byte(0).opcode(TRY).byte(0x40);
    for (let i = 0; i < depth; i++) body.opcode(TRY).byte(0x40);
    body.opcode(THROW).u32(0);
    for (let i = depth - 1; i >= 0; i--) body.opcode(DELEGATE).u32(i);
    body.opcode(CATCH).u32(0).opcode(END).opcode(END);
    const module = new ModuleWriter()
      .vectorSection(SECTION.type, [0], (w) => w.byte(0x60).u32(0).u32(0))
      .vectorSection(SECTION.function, [0], (w) => w.u32(0))
      .vectorSection(SECTION.tag, [0], (w) => w.byte(0).u32(0))
      .vectorSection(SECTION.export, ["f"], (w, name) => w.name(name).byte(0).u32(0))
      .code([body.finish()])
      .finish();
    const { exports } = new Store().instantiate(Module.from(module));
    expect(exports.f()).toBeUndefined();
  });
});
