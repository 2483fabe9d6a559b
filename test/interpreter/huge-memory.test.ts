// Memories of more than 4 GiB: every access around the borders of addresses, of windows (runtime/
// memory.ts) and of the memory reads or writes just the bytes that it should, or traps. Where the host
// has no arrays so long (Node 20), a memory of 3 GiB is looked at through windows like a longer one,
// and what is said of longer ones is checked. On a host that has them:
// npx -y node@26 node_modules/vitest/vitest.mjs run test/interpreter/huge-memory.test.ts

import { describe, expect, it } from "vitest";
import { Exhaustion, Module, Store, Trap } from "../../src/api/index.ts";
import type { Access } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { formatValType, V128 } from "../../src/isa/types.ts";
import { WebAssembly as Ours } from "../../src/js-api/index.ts";
import { inSlices, thrown } from "../api/support.ts";
import { Random } from "../fuzz/random.ts";
import { assemble } from "../validation/assemble.ts";

const PAGE = 65_536;
const STEP = 2 ** 31;
const LIMITS = { memoryBytes: 2 ** 34 };
/** A window and a half: 5 GiB where the host has that. */
const LONG = (5 * 2 ** 30) / PAGE;
const SHORT = (3 * 2 ** 30) / PAGE;

const isGiven = (() => {
  try {
    return new Uint8Array(LONG * PAGE).length > 0;
  } catch {
    return false;
  }
})();
const PAGES = isGiven ? LONG : SHORT;
const BYTES = PAGES * PAGE;

const ACCESSES = INSTRUCTIONS.filter(({ access, feature }) => {
  return (access?.kind === "load" || access?.kind === "store") && feature !== "threads";
});
/** The last two are not in reach of the loop's own check. */
const OFFSETS = [0, 5, STEP - 40, STEP + 3, 2 ** 32 + 9] as const;

/** The operand or result as bits, so that every one of them counts. */
const TO_BITS: Readonly<Record<string, string>> = {
  f32: "i32.reinterpret_f32",
  f64: "i64.reinterpret_f64",
};
const FROM_BITS: Readonly<Record<string, string>> = {
  f32: "f32.reinterpret_i32",
  f64: "f64.reinterpret_i64",
};
const BITS: Readonly<Record<string, string>> = { f32: "i32", f64: "i64" };

/** A function per access and offset, on the memory with this index. */
function functions(memory: number): string {
  return ACCESSES.flatMap(({ access, immediates, name, params, results }) => {
    const isLane = immediates === "memarg lane";
    const value = formatValType(access?.kind === "store" ? (params?.[1] ?? V128) : results[0]);
    const bits = BITS[value] ?? value;
    return OFFSETS.map((offset) => {
      const text = `${name} ${memory} offset=${offset}${isLane ? " 0" : ""}`;
      const export_ = `(export "${name} ${offset}")`;
      const given = `(local.get 1) ${FROM_BITS[value] ?? ""}`;
      if (access?.kind === "store") {
        return `(func ${export_} (param i64 ${bits}) (local.get 0) ${given} ${text})`;
      }
      const operands = `(local.get 0) ${isLane ? given : ""}`;
      const param = isLane ? bits : "";
      return `(func ${export_} (param i64 ${param}) (result ${bits})
        ${operands} ${text} ${TO_BITS[value] ?? ""})`;
    });
  }).join("\n");
}

/** An instance whose memory with this index is huge; the others have a page. */
function program(index: number, more = "") {
  const memories = [0, 1, 2].map((i) => {
    const type = i === index ? `i64 ${PAGES}` : i === 0 ? "1" : "i64 1";
    return `(memory (export "m${i}") ${type})`;
  });
  const store = new Store({ limits: LIMITS });
  const text = `(module ${memories.join(" ")} ${functions(index)} ${more})`;
  const instance = store.instantiate(Module.from(assemble(text)));
  const memory = instance.target.memories[index];
  if (!isGiven) memory.isHuge = true;
  return { instance, bytes: memory.bytes };
}

/** Effective addresses where something begins or ends. */
function* addresses(random: Random): Generator<number> {
  for (const border of [0, STEP, 2 ** 32, BYTES - STEP, BYTES]) {
    for (const distance of [-17, -16, -8, -7, -4, -3, -2, -1, 0, 1, 4]) {
      if (border + distance >= 0) yield border + distance;
    }
  }
  for (let i = 0; i < 20; i++) yield Math.floor((random.u32() / 2 ** 32) * BYTES);
}

describe.each([0, 1])("memory %d of 3, with more than 32-bit addresses reach", (index) => {
  const { bytes, instance } = program(index);
  const view = new DataView(bytes.buffer);
  const random = new Random(7);
  for (const ea of addresses(random)) {
    for (let i = -20; i < 20; i++) {
      if (ea + i >= 0 && ea + i < BYTES) bytes[ea + i] = random.u32();
    }
  }
  const hex = (data: Uint8Array) => Buffer.from(data).toString("hex");
  const bytesOf = (value: unknown) => {
    if (value instanceof Uint8Array) return value;
    const cell = new DataView(new ArrayBuffer(16));
    cell.setBigUint64(0, BigInt.asUintN(64, BigInt(value as number | bigint)), true);
    return new Uint8Array(cell.buffer);
  };

  /** Calls an access; null if it is out of bounds. */
  function ended(name: string, ...args: unknown[]): unknown {
    try {
      return instance.exports[name](...args);
    } catch (error) {
      if (error instanceof Trap && error.code === "memoryOutOfBounds") return null;
      throw error;
    }
  }

  /** What a store of this value writes wrong, around `ea`; it is undone. */
  function storeError(name: string, address: bigint, ea: number, count: number): string {
    const lane = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
    const value = name.startsWith("v128") ? lane : /^[if]64/.test(name) ? -2n : -2;
    const isInside = ea + count <= BYTES;
    const from = Math.max(0, ea - 8);
    const around = bytes.slice(from, ea + count + 8);
    const wanted = around.slice();
    if (isInside) wanted.set(bytesOf(value).subarray(0, count), ea - from);
    const result = ended(name, address, value);
    const found = bytes.slice(from, ea + count + 8);
    if (isInside) bytes.set(around, from);
    if ((result === undefined) !== isInside) return isInside ? "a trap" : "no trap";
    return hex(found) === hex(wanted) ? "" : `${hex(found)}, not ${hex(wanted)}`;
  }

  /** What a load reads wrong: its first byte, or all where it takes them as they are. */
  function loadError(name: string, address: bigint, ea: number, { bytes: count }: Access): string {
    const given = name.includes("_lane") ? [new Uint8Array(16)] : [];
    const result = ended(name, address, ...given);
    const isInside = ea + count <= BYTES;
    if ((result !== null) !== isInside) return isInside ? "a trap" : "no trap";
    const length = /^(i32|i64|f32|f64|v128)\.load /.test(name) ? count : 1;
    if (!isInside) return "";
    const found = hex(bytesOf(result).subarray(0, length));
    const wanted = hex(bytes.slice(ea, ea + length));
    return found === wanted ? "" : `${found}, not ${wanted}`;
  }

  it.each(ACCESSES.map((row) => [row.name, row] as const))("%s", (name, { access }) => {
    const wrong: string[] = [];
    for (const offset of OFFSETS) {
      for (const ea of addresses(new Random(offset))) {
        if (ea < offset) continue;
        const [called, address] = [`${name} ${offset}`, BigInt(ea - offset)];
        const isStore = access?.kind === "store";
        const error = isStore
          ? storeError(called, address, ea, access.bytes)
          : loadError(called, address, ea, access as Access);
        if (error !== "") wrong.push(`${address} + ${offset}: ${error}`);
      }
    }
    expect(wrong.slice(0, 4)).toEqual([]);
  });

  it("is out of bounds for addresses beyond all memories", () => {
    for (const address of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 8n]) {
      for (const name of ["i32.load 0", "v128.load 5", `i64.load ${STEP + 3}`]) {
        expect(() => instance.exports[name](BigInt.asIntN(64, address))).toThrow(Trap);
      }
    }
    expect(instance.exports["i32.load 0"](0n)).toBe(view.getInt32(0, true));
  });
});

describe("a loop that goes to and fro", () => {
  const walk = `(func (export "walk") (param i32) (result i64) (local i64 i64)
    loop
      (local.set 1 (i64.rem_u (i64.add (local.get 1) (i64.const 1500000077)) (i64.const ${BYTES - 8})))
      (i64.store (local.get 1) (i64.add (i64.load (local.get 1)) (local.get 1)))
      (local.set 2 (i64.rotl (i64.xor (local.get 2) (i64.load (local.get 1))) (i64.const 5)))
      (drop (i32.load 2 (i64.const 4)))
      (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))
    end
    local.get 2)`;

  function expected(rounds: number): bigint {
    const cells = new Map<bigint, bigint>();
    let at = 0n;
    let sum = 0n;
    for (let i = 0; i < rounds; i++) {
      at = (at + 1500000077n) % BigInt(BYTES - 8);
      const value = BigInt.asUintN(64, (cells.get(at) ?? 0n) + at);
      cells.set(at, value);
      const mixed = sum ^ value;
      sum = BigInt.asUintN(64, (mixed << 5n) | (mixed >> 59n));
    }
    return BigInt.asIntN(64, sum);
  }

  it("finds in every window what it has left there, in slices as at one go", () => {
    const rounds = 2_000;
    const whole = program(0, walk).instance;
    expect(whole.exports.walk(rounds)).toBe(expected(rounds));
    const run = program(0, walk).instance.func("walk").start(rounds);
    expect(inSlices(run, 1)).toMatchObject({ kind: "returned", value: expected(rounds) });
  });
});

describe("what does not go through the loops", () => {
  const border = isGiven ? 2 ** 32 : STEP;
  const more = `(data $d "0123456789")
    (func (export "fill") (param i64) (memory.fill (local.get 0) (i32.const 7) (i64.const 8)))
    (func (export "init") (param i64)
      (memory.init $d (local.get 0) (i32.const 0) (i32.const 10)))
    (func (export "copy") (param i64 i64) (memory.copy (local.get 0) (local.get 1) (i64.const 8)))
    (func (export "add") (param i64 i32) (result i32)
      (i32.atomic.rmw.add (local.get 0) (local.get 1)))
    (func (export "load") (param i64) (result i64) (i64.atomic.load (local.get 0)))
    (func (export "size") (result i64) (memory.size))`;

  it("has addresses of more than 32 bits, too", () => {
    const { bytes, instance } = program(0, more);
    const { exports } = instance;
    const at = (address: number, count: number) => [...bytes.slice(address, address + count)];
    exports.fill(BigInt(border - 4));
    expect(at(border - 5, 10)).toEqual([0, ...new Array(8).fill(7), 0]);
    exports.init(BigInt(border - 4));
    expect(at(border - 5, 12)).toEqual([0, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 0]);
    exports.copy(BigInt(BYTES - 8), BigInt(border - 4));
    exports.copy(0n, BigInt(BYTES - 8));
    expect(at(0, 9)).toEqual([48, 49, 50, 51, 52, 53, 54, 55, 0]);
    expect(exports.add(BigInt(border), 1)).toBe(0x37363534);
    expect(at(border, 4)).toEqual([53, 53, 54, 55]);
    expect(exports.load(BigInt(BYTES - 8))).toBe(0x3736353433323130n);
    expect(exports.size()).toBe(BigInt(PAGES));
    for (const name of ["fill", "init"]) {
      expect(() => exports[name](BigInt(BYTES - 7))).toThrow(Trap);
      expect(() => exports[name](2n ** 63n - 1n)).toThrow(Trap);
    }
    expect(at(BYTES - 8, 8)).toEqual([48, 49, 50, 51, 52, 53, 54, 55]);
  });

  it.skipIf(!isGiven)("shows a buffer as long as the memory, before and after growth", () => {
    const descriptor = { address: "i64", initial: 65_537n, maximum: 65_600n };
    const memory = new Ours.Memory(descriptor as never);
    const { buffer } = memory;
    expect(buffer.byteLength).toBe(65_537 * PAGE);
    new Uint8Array(buffer)[2 ** 32 + 5] = 9;
    expect(memory.grow(1n as never)).toBe(65_537n);
    expect(buffer.byteLength).toBe(0);
    expect(memory.buffer.byteLength).toBe(65_538 * PAGE);
    expect(new Uint8Array(memory.buffer)[2 ** 32 + 5]).toBe(9);
  });
});

describe("a memory that the host does not give, or may not", () => {
  const text = (least: number) => `(module (memory (export "m") i64 ${least})
    (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0))))`;
  const make = (least: number, limits: object) =>
    new Store({ limits }).instantiate(Module.from(assemble(text(least))));

  it("is refused by what is in the way, in its name", () => {
    const limit = thrown(Exhaustion, () => make(65_537, {}));
    expect([limit.kind, limit.message]).toEqual([
      "memoryBytes",
      expect.stringContaining("4295032832"),
    ]);
    const tooLong = thrown(Exhaustion, () => make(2 ** 20, { memoryBytes: 2 ** 40 }));
    expect(tooLong.kind).toBe("hostMemory");
    expect(tooLong.message).toContain(`${2 ** 36} bytes`);
    if (isGiven) return;
    const host = thrown(Exhaustion, () => make(65_537, LIMITS));
    expect(host.kind).toBe("hostMemory");
    expect(host.message).toContain("4295032832 bytes");
    expect(() => new Ours.Memory({ address: "i64", initial: 65_537n } as never)).toThrow(
      RangeError,
    );
  });

  it("does not grow, at the same price everywhere, and stays what it was", () => {
    const { exports, store } = make(1, LIMITS);
    const { fuel } = store.usage;
    const grown = exports.grow(65_536n);
    expect(grown).toBe(isGiven ? 1n : -1n);
    const perPage = store.usage.fuel - fuel;
    expect(perPage).toBeGreaterThanOrEqual(65_536);
    expect(exports.grow(2n ** 40n)).toBe(-1n);
    expect(store.usage.fuel - fuel - perPage).toBeLessThan(10);
  });
});
