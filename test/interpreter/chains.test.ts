// Every chain of tools/interpreter/chains.ts against the two instructions it is made of: the same
// register code, once as written and once joined, from the same random frame; afterwards the frame,
// memory, globals and the machine's registers must be the same.

import { describe, expect, it } from "vitest";
import loadWabt from "wabt";
import { Module, Store } from "../../src/api/index.ts";
import { joinChains } from "../../src/code/chains.ts";
import { REGISTER_NAMES } from "../../src/code/opcodes.generated.ts";
import { OPCODE_BITS, OPCODE_MASK, SLOT_BITS } from "../../src/code/registers.ts";
import { CODE, CONTROL, machine, SLOTS } from "../../src/interpreter/loop.generated.ts";
import { LOOPS, loopHere } from "../../src/interpreter/loops.ts";
import { EXIT_PC, room } from "../../src/interpreter/registers.ts";
import { CHAINS, FORMS } from "../../tools/interpreter/forms.ts";
import { Random } from "../fuzz/random.ts";

const ROUNDS = 100;
const FRAME_SLOTS = 32;
/** Vectors, and slots that words name, lie beyond the slots of the heads. */
const FRAME_WORDS = 2 * FRAME_SLOTS + 64;
/** Far above what anything else uses in this process. */
const AT = room.words.length - 1000;
const FRAME = 200_000;
const KSP = 1000;
const BUDGET = 1 << 30;
const WORDS = 12;
const BRANCHES = /br_|jump|^test|^count/;

const wabt = await loadWabt();
const globals = "(global (mut i32) (i32.const 7))".repeat(200);
const { buffer } = wabt.parseWat("m.wat", `(module (memory 1) ${globals})`).toBinary({});
const { target } = new Store().instantiate(Module.from(buffer));
const memory = target.memories[0].bytes;

const opcodeOf = (name: string) => REGISTER_NAMES.indexOf(name);

/** Words of a plain instruction, as its case says. */
function lengthOf(name: string): number {
  const source = FORMS.find((form) => form.name === name)?.source ?? "";
  const [, more] = /pc = \(pc \+ (\d+)\) \| 0; continue;$/.exec(source) ?? [];
  if (more !== undefined) return Number(more) + 1;
  return source.endsWith("pc = pc; continue;") ? 2 : 1;
}

function head(name: string, random: Random): number {
  let word = opcodeOf(name);
  for (let i = 0; i < 3; i++) {
    word |= random.below(FRAME_SLOTS) << (OPCODE_BITS + i * SLOT_BITS);
  }
  return word;
}

/** Writes an instruction at `at`; wherever it branches to, the machine finishes. */
function write(name: string, at: number, finish: number, random: Random): void {
  CODE[at] = head(name, random);
  // Offsets of accesses and what lies beyond them, indices of globals, immediates.
  for (let i = 1; i <= WORDS; i++) CODE[at + i] = 8 * i;
  if (BRANCHES.test(name)) CODE.fill(finish, at + 1, at + 1 + WORDS);
  if (name === "br_table") CODE[at + 1] = 2;
}

/** Values of all kinds: addresses near and far, zeros and ones, anything. */
function randomWord(random: Random): number {
  const kinds = [() => random.below(65536), () => random.below(2), () => random.below(2 ** 32) | 0];
  return kinds[random.below(kinds.length)]();
}

interface State {
  readonly slots: Int32Array;
  readonly memory: Uint8Array;
  readonly cells: Int32Array;
}

/** Runs from the code at AT; gives the machine's registers, and everything that may have changed. */
function outcome({ cells, memory: bytes, slots }: State): [registers: object, contents: Buffer] {
  SLOTS.set(slots, FRAME);
  memory.set(bytes);
  target.globalCells.set(cells);
  CONTROL[KSP - 2] = EXIT_PC - 2;
  CONTROL[KSP - 1] = 0;
  machine.instance = target;
  Object.assign(machine, { pc: AT, fp: FRAME, ksp: KSP, budget: BUDGET, trap: 0 });
  const status = LOOPS[loopHere()].run();
  const { budget, fp, ksp, pc, trap } = machine;
  const frame = Buffer.from(SLOTS.slice(FRAME, FRAME + slots.length).buffer);
  const contents = Buffer.concat([frame, Buffer.from(target.globalCells.slice().buffer), memory]);
  return [{ status, budget, fp, ksp, pc, trap }, contents];
}

describe("chains", () => {
  it("there are some", () => {
    expect(CHAINS.length).toBeGreaterThan(20);
  });

  it.each(CHAINS.map(({ name, first, second }) => [name, first, second]))(
    "%s",
    (name, first, second) => {
      const random = new Random(opcodeOf(name));
      const finish = AT + 100;
      expect(room.at(AT)).toBeUndefined();
      const bytes = Uint8Array.from(memory, () => random.below(256));
      for (let round = 0; round < ROUNDS; round++) {
        const next = AT + lengthOf(first);
        write(first, AT, finish, random);
        write(second, next, finish, random);
        if (!BRANCHES.test(second)) CODE[next + lengthOf(second)] = opcodeOf("finish");
        CODE[finish] = opcodeOf("finish");
        const state = {
          slots: Int32Array.from({ length: FRAME_WORDS }, () => randomWord(random)),
          memory: bytes,
          cells: Int32Array.from(target.globalCells, () => random.below(2 ** 32) | 0),
        };
        const [registers, contents] = outcome(state);
        joinChains(CODE, [AT, next], 2);
        expect(CODE[AT] & OPCODE_MASK).toBe(opcodeOf(name));
        const joined = outcome(state);
        expect(joined[0]).toEqual(registers);
        expect(joined[1].equals(contents)).toBe(true);
      }
    },
  );
});
