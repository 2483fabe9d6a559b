// Stores as bytes and back: everything in them, whatever the embedder has named, and what cannot be
// in a snapshot.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  Exhaustion,
  Global,
  LinkError,
  Memory,
  Module,
  priceTable,
  type RestoreOptions,
  type RuntimeLimits,
  SnapshotError,
  Store,
  Table,
  Tag,
  type Tier,
  WasmException,
} from "../../src/api/index.ts";
import { type Aggregate, ExportedObject } from "../../src/runtime/objects.ts";
import { crc32 } from "../../src/state/checksum.ts";
import { Writer } from "../../src/state/codec.ts";
import { instanceOf, moduleOf, thrown } from "./support.ts";

const TIERS: readonly Tier[] = ["interpreter", "compiled"];

const COUNTER = moduleOf(`(module
  (import "env" "log" (func $log (param i32)))
  (memory (export "memory") 3 10)
  (data (i32.const 65530) "0123456789abcdef")
  (data $passive "later")
  (global $g (export "g") (mut i64) (i64.const 5))
  (global $f (export "nan") (mut f32) (f32.const nan:0x200001))
  (global $v (export "v") (mut v128) (v128.const i32x4 1 2 3 4))
  (table $t (export "t") 3 8 funcref)
  (table $x (export "x") 2 externref)
  (elem (i32.const 1) $count $log)
  (elem $late func $count)
  (func $count (export "count") (param i32) (result i32) (local $s i32)
    (loop $again
      (local.set $s (i32.add (local.get $s) (local.get 0)))
      (global.set $g (i64.add (global.get $g) (i64.const 1)))
      (i32.store (i32.mul (local.get 0) (i32.const 64)) (local.get $s))
      (call_indirect (param i32) (local.get 0) (i32.const 2))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $s))
  (func (export "change")
    (memory.init $passive (i32.const 10) (i32.const 0) (i32.const 5))
    (data.drop $passive)
    (drop (memory.grow (i32.const 2)))
    (i32.store8 (i32.const 300000) (i32.const 1))
    (table.init $t $late (i32.const 0) (i32.const 0) (i32.const 1))
    (elem.drop $late)
    (drop (table.grow $t (ref.null func) (i32.const 2))))
  (func (export "init") (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 1)))
  (func (export "elem") (table.init $t $late (i32.const 0) (i32.const 0) (i32.const 1))))`);

/** A log, and imports that write to it. */
function logging() {
  const logs: number[] = [];
  return { logs, imports: { env: { log: (value: number) => void logs.push(value) } } };
}

describe.each(TIERS)("a store, %s", (tier) => {
  it("at rest: memories, globals, tables, segments, functions", () => {
    const { imports, logs } = logging();
    const store = new Store({ fuel: 1e6, limits: { memoryBytes: 1 << 20 }, tier });
    const guest = store.instantiate(COUNTER, imports);
    guest.exports.count(3);
    guest.exports.change();
    guest.table("t").set(4, guest.func("change"));
    const host = { of: "the host" };
    guest.table("x").set(0, host);
    guest.table("x").set(1, "text");
    const bytes = store.snapshot({ instances: { guest }, refs: { host } });
    const back = Store.restore(bytes, { modules: [COUNTER], imports, refs: { host } });
    const found = back.instances.guest;
    expect([back.store.fuel, back.store.usage]).toEqual([store.fuel, store.usage]);
    expect(Buffer.compare(found.memory().bytes, guest.memory().bytes)).toBe(0);
    expect(found.memory().pages).toBe(5);
    expect(found.global("g").value).toBe(8n);
    const bits = (instance: typeof guest) => {
      return ["nan", "v"].map((name) => instance.global(name).target.raw);
    };
    expect(bits(found)).toEqual(bits(guest));
    const table = found.table("t");
    const functions = Array.from({ length: table.length }, (_, i) => table.get(i));
    expect(functions.map((func) => (func as { name: string } | null)?.name)).toEqual(
      Array.from(
        { length: 5 },
        (_, i) => (guest.table("t").get(i) as { name: string } | null)?.name,
      ),
    );
    expect(table.get(1)).toBe(found.func("count"));
    expect([found.table("x").get(0), found.table("x").get(1)]).toEqual([host, "text"]);
    expect(found.table("x").get(0)).toBe(host);
    // What was dropped is, and what a limit was, is.
    expect(() => found.exports.init()).toThrow("out of bounds memory access");
    expect(() => found.exports.elem()).toThrow("out of bounds table access");
    expect(back.store.limits).toEqual(store.limits);
    logs.length = 0;
    found.exports.count(2);
    expect(logs).toEqual([2, 1]);
    expect(back.refs).toEqual({ host });
  });

  it("whose segments go where a global says", () => {
    const module = moduleOf(`(module (import "e" "at" (global $at i32)) (memory (export "memory") 2)
      (data (global.get $at) "abc"))`);
    const store = new Store({ tier });
    const guest = store.instantiate(module, { e: { at: 70_000 } });
    const bytes = store.snapshot({ instances: { guest } });
    expect(bytes.length).toBeLessThan(1_000);
    const { instances } = Store.restore(bytes, { modules: [module], tier });
    expect(Buffer.compare(instances.guest.memory().bytes, guest.memory().bytes)).toBe(0);
  });

  it("with a suspended execution that goes on as if nothing had been", () => {
    const { imports, logs } = logging();
    const store = new Store({ fuel: 1e6, tier });
    const guest = store.instantiate(COUNTER, imports);
    const run = guest.func("count").start(1_000);
    run.run({ slice: 7_001 });
    const bytes = store.snapshot({ instances: { guest }, executions: { run } });
    const before = logs.splice(0);
    const outcome = run.run();
    const rest = logs.splice(0);
    const back = Store.restore(bytes, { modules: [COUNTER], imports, tier });
    expect(back.executions.run.status).toBe("suspended");
    expect(back.executions.run.run()).toEqual(outcome);
    expect(logs).toEqual(rest);
    expect(before.length + rest.length).toBe(1_000);
    expect(back.executions.run.usage).toEqual(run.usage);
    expect([back.store.fuel, back.store.usage]).toEqual([store.fuel, store.usage]);
    expect(Buffer.compare(back.instances.guest.memory().bytes, guest.memory().bytes)).toBe(0);
  });

  it("of a snapshot of what came of a snapshot has the same bytes", () => {
    const { imports } = logging();
    const store = new Store({ fuel: 1e6 });
    const guest = store.instantiate(COUNTER, imports);
    const run = guest.func("count").start(1_000);
    run.run({ slice: 7_001 });
    const bytes = store.snapshot({ instances: { guest }, executions: { run } });
    const {
      executions,
      instances,
      store: other,
    } = Store.restore(bytes, {
      modules: [COUNTER],
      imports,
      tier,
    });
    expect(Buffer.compare(other.snapshot({ executions, instances }), bytes)).toBe(0);
  });

  it("with several executions and instances that share what they have", () => {
    const library = moduleOf(`(module
      (memory (export "m") 1)
      (global (export "sum") (mut i32) (i32.const 0))
      (tag (export "e") (param i32))
      (table (export "t") 2 funcref)
      (func (export "add") (param i32) (i32.store (i32.const 0)
        (i32.add (i32.load (i32.const 0)) (local.get 0)))))`);
    const user = moduleOf(`(module
      (import "lib" "m" (memory 1)) (import "lib" "sum" (global $sum (mut i32)))
      (import "lib" "e" (tag $e (param i32))) (import "lib" "t" (table 2 funcref))
      (import "lib" "add" (func $add (param i32)))
      (import "host" "g" (global $loose (mut i32)))
      (func (export "f") (param i32) (result i32)
        (loop $l
          (block $done (result i32)
            (try_table (catch $e $done) (call $add (i32.const 1)) (throw $e (local.get 0)))
            (unreachable))
          (global.set $sum (i32.add (global.get $sum)))
          (global.set $loose (i32.load (i32.const 0)))
          (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
        (global.get $sum)))`);
    const store = new Store({ tier });
    const loose = new Global(store, { type: "i32", mutable: true }, 0);
    const lib = store.instantiate(library);
    const use = () => store.instantiate(user, { lib: lib.exports, host: { g: loose } });
    const [one, two] = [use(), use()];
    const runs = [one, two].map((instance) => instance.func("f").start(50));
    for (const run of runs) run.run({ slice: 100 });
    const bytes = store.snapshot({
      executions: { first: runs[0], second: runs[1] },
      refs: { loose, memory: lib.memory("m") },
    });
    const back = Store.restore(bytes, { modules: [user, library], tier });
    const other = [back.executions.first, back.executions.second];
    const end = (all: typeof runs) => all.map((run) => run.run());
    expect(end(other)).toEqual(end(runs));
    expect((back.refs.loose as Global).value).toBe(loose.value);
    expect((back.refs.memory as Memory).bytes[0]).toBe(100);
  });

  it("whose guest waits for the host, which is called again", async () => {
    const text = `(module (import "env" "read" (func $read (param i32 i64) (result f64)))
      (func (export "f") (param f64) (result f64)
        (f64.add (local.get 0) (call $read (i32.const 7) (i64.const -8)))))`;
    const calls: unknown[] = [];
    const read = (...args: unknown[]) => {
      calls.push(args);
      return Promise.resolve(0.25);
    };
    const module = moduleOf(text);
    const store = new Store({ tier });
    const run = store.instantiate(module, { env: { read } }).func("f").start(1);
    expect(run.run()).toMatchObject({ kind: "suspended", reason: "host" });
    const bytes = store.snapshot({ executions: { run } });
    const back = Store.restore(bytes, { modules: [module], imports: { env: { read } }, tier });
    const outcome = back.executions.run.run();
    if (outcome.kind !== "suspended" || outcome.reason !== "host") throw new Error(outcome.kind);
    await outcome.promise;
    expect(back.executions.run.run()).toMatchObject({ value: 1.25 });
    expect(calls).toEqual([
      [7, -8n],
      [7, -8n],
    ]);
  });
});

describe("structs, arrays and exceptions", () => {
  const module = Module.from(readFileSync(new URL("./objects.wasm", import.meta.url)));
  const see = (value: unknown) => value;
  const imports = { host: { see, extern: see } };

  it("are the same graph, shared and in circles", () => {
    const store = new Store();
    const guest = store.instantiate(module, imports);
    const table = guest.table("table");
    const [node, leaf] = [guest.exports.node(5), guest.exports.leaf(6)];
    const circle = ExportedObject.objectOf(node) as Aggregate;
    circle[1] = ExportedObject.objectOf(leaf) as Aggregate;
    (circle[1] as Aggregate)[1] = circle;
    guest.exports.keep(1_000);
    guest.exports.inTable(4, 10);
    guest.exports.inTable(5, 100_000);
    const host = [1, 2];
    for (const [i, value] of [node, leaf, leaf, -7].entries()) table.set(i, value);
    for (const [i, value] of [host, 0.5, "text", undefined].entries()) table.set(6 + i, value);
    const before = store.runtime;
    before.objects.count();
    const bytes = store.snapshot({ instances: { guest }, refs: { leaf, host } });
    const back = Store.restore(bytes, { modules: [module], imports, refs: { host } });
    const found = back.instances.guest.table("table");
    const { exports } = back.instances.guest;
    expect(found.get(2)).toBe(found.get(1));
    expect(found.get(1)).toBe(back.refs.leaf);
    expect([found.get(3), exports.kind(-7)]).toEqual([-7, 3]);
    expect([6, 7, 8, 9].map((i) => found.get(i))).toEqual([host, 0.5, "text", undefined]);
    expect(found.get(6)).toBe(host);
    expect([0, 1].map((i) => exports.value(found.get(i)))).toEqual([5, 6]);
    expect([0, 1].map((i) => exports.isLeaf(found.get(i)))).toEqual([0, 1]);
    const copy = ExportedObject.objectOf(found.get(0)) as Aggregate;
    expect(copy[1]).toBe(ExportedObject.objectOf(found.get(1)));
    expect((copy[1] as Aggregate)[1]).toBe(copy);
    expect(exports.constantAt(1_999)).toBe(7);
    back.store.runtime.objects.count();
    expect(back.store.runtime.usage("gcBytes")).toBe(before.usage("gcBytes"));
  });

  it("are there in frames, and on the way to a handler", () => {
    const store = new Store();
    const guest = store.instantiate(module, imports);
    const run = guest.func("inFrame").start(500);
    run.run({ slice: 3_000 });
    const thrower = guest.func("throw").start();
    const bytes = store.snapshot({ executions: { run, thrower } });
    const back = Store.restore(bytes, { modules: [module], imports });
    expect(back.executions.run.run()).toMatchObject({ value: 1 });
    const outcome = back.executions.thrower.run();
    if (outcome.kind !== "threw") throw new Error(outcome.kind);
    expect(outcome.error).toBeInstanceOf(WasmException);
  });

  it("count for the limit of the store that they come to", () => {
    const guest = new Store().instantiate(module, imports);
    guest.exports.keep(10_000);
    const bytes = guest.store.snapshot({ instances: { guest } });
    const options = { modules: [module], imports, limits: { gcBytes: 100_000 } };
    expect(thrown(Exhaustion, () => Store.restore(bytes, options)).kind).toBe("gcBytes");
  });
});

describe("what is the host's", () => {
  it("is found by the names of imports, for each instance where these differ", () => {
    const module = moduleOf(`(module (import "e" "f" (func $f (result i32)))
      (import "e" "t" (tag $t)) (export "f" (func $f)) (export "t" (tag $t)))`);
    const store = new Store();
    const tag = new Tag();
    const given = (value: number) => ({ e: { f: () => value, t: tag } });
    const one = store.instantiate(module, given(1));
    const two = store.instantiate(module, given(2));
    const bytes = store.snapshot({ instances: { one, two } });
    const { instances } = Store.restore(bytes, {
      modules: [module],
      imports: (name) => given(name === "one" ? 1 : 2),
    });
    expect([instances.one.exports.f(), instances.two.exports.f()]).toEqual([1, 2]);
    expect(instances.one.tag("t")).toBe(tag);
    const error = thrown(LinkError, () => Store.restore(bytes, { modules: [module] }));
    expect(error.message).toBe('unknown import: "e"."t" must be (tag)');
    const wrong = { e: { f: new Table(new Store(), { min: 1 }), t: tag } };
    expect(() => Store.restore(bytes, { modules: [module], imports: wrong })).toThrow(
      SnapshotError,
    );
  });

  it("has to have a name, and to be given again", () => {
    const guest = instanceOf(`(module (table (export "t") 1 externref))`);
    const { store } = guest;
    const host = { of: "the host" };
    guest.table("t").set(0, host);
    const unnamed = thrown(SnapshotError, () => store.snapshot({ instances: { guest } }));
    expect(unnamed.message).toBe("a guest refers to an object of the host's without a name");
  });
});

describe("no snapshot", () => {
  it.each<[string, (store: Store) => unknown, string]>([
    [
      "of a shared memory",
      (store) => {
        const memory = new Memory(store, { min: 1, max: 2, shared: true });
        return store.snapshot({ refs: { memory } });
      },
      "a shared memory is in no snapshot",
    ],
    [
      "of an execution that has ended",
      (store) => {
        const guest = instanceOf(`(module (func (export "f")))`, {}, store);
        const run = guest.func("f").start();
        run.run();
        return store.snapshot({ executions: { run } });
      },
      'execution "run" is returned, not suspended',
    ],
    [
      "of what another store has",
      (store) => store.snapshot({ instances: { other: instanceOf("(module)") } }),
      "an instance is of another store",
    ],
    [
      "of an execution of another store",
      (store) => {
        const run = instanceOf(`(module (func (export "f")))`).func("f").start();
        return store.snapshot({ executions: { run } });
      },
      'execution "run" is of another store',
    ],
    [
      "while a guest runs",
      (store) => {
        const text = `(module (import "e" "h" (func $h)) (func (export "f") (call $h)))`;
        return instanceOf(text, { e: { h: () => store.snapshot({}) } }, store).exports.f();
      },
      "a guest of the store is running",
    ],
  ])("%s", (_, take, message) => {
    expect(thrown(SnapshotError, () => take(new Store())).message).toBe(message);
  });
});

describe("bytes that are refused", () => {
  const { imports } = logging();
  const store = new Store({ fuel: 1e6 });
  const guest = store.instantiate(COUNTER, imports);
  const run = guest.func("count").start(1_000);
  run.run({ slice: 7_001 });
  const bytes = store.snapshot({ instances: { guest }, executions: { run } });
  const given: RestoreOptions = { modules: [COUNTER], imports };
  const refusal = (file: Uint8Array, options: RestoreOptions = given) => {
    return thrown(SnapshotError, () => Store.restore(file, options)).message;
  };

  /** The same with a chunk more behind the head, and the right checksum. */
  const withChunk = (name: string) => {
    const chunk = new Writer();
    for (const letter of name) chunk.u8(letter.charCodeAt(0));
    chunk.f64(3);
    chunk.bytes(Uint8Array.of(1, 2, 3));
    const body = [bytes.subarray(0, 8), chunk.written, bytes.subarray(8, -4)];
    const file = new Writer();
    for (const part of body) file.bytes(part);
    file.u32(crc32(file.written));
    return file.written;
  };

  it("no snapshot, part of one, a damaged one", () => {
    expect(refusal(new Uint8Array(100))).toBe("these bytes are no snapshot");
    expect(refusal(new Uint8Array(0))).toBe("these bytes are no snapshot");
    for (const length of [3, 11, 12, 100, bytes.length - 1]) {
      expect(refusal(bytes.subarray(0, length))).toMatch(/no snapshot|damaged/);
    }
    const damaged = bytes.slice();
    damaged[500] ^= 1;
    expect(refusal(damaged)).toBe("the snapshot is damaged: its checksum is another");
  });

  it("from a newer version; but what need not be known is passed", () => {
    const newer = bytes.slice();
    newer[4] = 2;
    expect(refusal(newer)).toBe("the snapshot has version 2, known is 1");
    expect(refusal(withChunk("NEWS"))).toBe("chunk NEWS is from a newer version");
    expect(Store.restore(withChunk("news"), given).executions.run.status).toBe("suspended");
    expect(refusal(withChunk("INST"))).toContain("there are two chunks INST");
  });

  it("without their modules, or with other prices", () => {
    expect(refusal(bytes, { modules: [moduleOf("(module)")], imports })).toMatch(
      /^the snapshot needs a module with the SHA-256 [0-9a-f]{64}$/,
    );
    const prices = priceTable("mine", { nop: 1 });
    expect(refusal(bytes, { ...given, prices })).toBe(
      'the snapshot has the price table "2", not "mine"',
    );
  });

  it("beyond a limit", () => {
    const small = (limits: Partial<RuntimeLimits>) =>
      thrown(Exhaustion, () => Store.restore(bytes, { ...given, limits })).kind;
    expect(small({ memoryBytes: 65_536 })).toBe("memoryBytes");
    expect(small({ tableElements: 2 })).toBe("tableElements");
    expect(small({ instances: 0 })).toBe("instances");
    expect(small({ stackBytes: 8 })).toBe("stackBytes");
  });

  it("with options that are wrong", () => {
    const restore = (options: object) => () => Store.restore(bytes, { ...given, ...options });
    expect(restore({ fule: 1 })).toThrow(TypeError);
    expect(restore({ fuel: -1 })).toThrow(RangeError);
    expect(restore({ modules: [{}] })).toThrow(TypeError);
    expect(() => store.snapshot({ instances: { guest: {} as typeof guest } })).toThrow(TypeError);
  });
});
