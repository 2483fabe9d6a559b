// Every atomic instruction against the host's own, bit for bit: results, memory, traps, on memories
// that are shared and others, within the loop's reach and beyond it. Of several reasons to trap the
// specification names the alignment first, then the memory that is not shared, then the bounds; V8
// looks at the bounds first.

import { describe, expect, it } from "vitest";
import type { Instruction } from "../../src/isa/instruction.ts";
import { ADDRESS } from "../../src/isa/instruction.ts";
import { INSTRUCTIONS } from "../../src/isa/instructions.ts";
import { I64, type ValType } from "../../src/isa/types.ts";
import { WebAssembly as Ours } from "../../src/js-api/index.ts";
import { randomU32 } from "../isa/operands.ts";
import { assemble, func, Host } from "../js-api/support.ts";

const ROWS = INSTRUCTIONS.filter(({ feature }) => feature === "threads");

/** Values of which narrow accesses take a part, and patterns that show which. */
const VALUES = [0n, 1n, 0x7fn, 0x80n, 0x80000000n, -1n, 0x0123456789abcdefn, -(2n ** 63n)];
const ADDRESSES = [0, 8, 16, 1, 2, 4, 6, 65_528, 65_535, 65_536, -8, -1];
const OFFSETS = [0, 1, 4, 8, 65_528, 0x7fffffff, 0x80000000, 0xfffffff8];

const nameOf = (type: ValType) => (type === I64 ? "i64" : "i32");

function textOf(rows: readonly Instruction[], shared: boolean): string {
  const functions = rows.flatMap((row) => {
    const params = row.params ?? [];
    const types = params.map(nameOf).join(" ");
    const results = row.results.map((type) => `(result ${nameOf(type)})`).join("");
    const operands = params.map((_, i) => `(local.get ${i})`).join(" ");
    const offsets = row.access === null ? [0] : OFFSETS;
    return offsets.map((offset) => {
      const memarg = row.access === null ? "" : `offset=${offset}`;
      const name = `${row.name} ${offset}`;
      return `(func (export "${name}") (param ${types}) ${results} (${row.name} ${memarg} ${operands}))`;
    });
  });
  return `(module (memory (export "memory") 1 1 ${shared ? "shared" : ""}) ${functions.join("\n")})`;
}

/** An instance that shows what calls do. */
class Side {
  private readonly instance: InstanceType<(typeof Ours)["Instance"]>;
  /** What can be written: the begin of the memory and its end. */
  private readonly parts: readonly BigInt64Array[];

  constructor(space: typeof Ours, bytes: Uint8Array) {
    this.instance = new space.Instance(new space.Module(new Uint8Array(bytes)));
    const memory = this.instance.exports.memory as InstanceType<(typeof Ours)["Memory"]>;
    const words = new BigInt64Array(memory.buffer);
    this.parts = [words.subarray(0, 16), words.subarray(-16)];
  }

  call(name: string, args: readonly (number | bigint)[], before: bigint): string {
    for (const words of this.parts) words.fill(before);
    let result: unknown;
    try {
      result = func(this.instance, name)(...args);
    } catch (error) {
      result = (error as Error).message;
    }
    const changed = this.parts.map((words) =>
      Array.from(words, (word, i) => (word === before ? "" : `${i}: ${word}`)).filter(Boolean),
    );
    return `${result}, then ${changed.join("; ")}`;
  }
}

/** Whether ours traps for a reason that comes before the host's. */
function isOtherReason(ours: string, theirs: string): boolean {
  if (!theirs.startsWith("memory access out of bounds")) return false;
  return /^(operation does not support unaligned|Atomics.wait cannot be called)/.test(ours);
}

describe.each([true, false])("on memories that are shared: %s", (shared) => {
  it.each(ROWS.map((row) => [row.name, row] as const))("%s", (_, row) => {
    const bytes = assemble(textOf([row], shared));
    const [ours, theirs] = [Ours, Host].map((space) => new Side(space, bytes));
    const random = randomU32(row.opcode);
    const values = [...VALUES, BigInt(random()) | (BigInt(random()) << 32n)];
    const pick = <T>(from: readonly T[]): T => from[random() % from.length];
    const params = row.params ?? [];
    const offsets = row.access === null ? [0] : OFFSETS;
    const differences: string[] = [];
    const count = row.access?.kind === "wait" ? 100 : 400;
    for (let i = 0; i < count; i++) {
      const before = pick(values);
      const args = params.map((type, at) => {
        if (type === ADDRESS) return random() % 2 === 0 ? pick(ADDRESSES) : 8 * (random() % 4);
        // What is compared is often equal; a wait is short.
        const wait = row.access?.kind === "wait";
        const value =
          wait && at === 2 ? BigInt(random() % 1_000) : random() % 2 ? before : pick(values);
        return type === I64 ? BigInt.asIntN(64, value) : Number(BigInt.asIntN(32, value));
      });
      const name = `${row.name} ${random() % 2 === 0 ? 0 : pick(offsets)}`;
      const [mine, host] = [ours, theirs].map((side) => side.call(name, args, before));
      if (mine !== host && !isOtherReason(mine, host))
        differences.push(`${name}(${args}) on ${before}: ${mine}, host: ${host}`);
    }
    expect(differences).toEqual([]);
  });
});
