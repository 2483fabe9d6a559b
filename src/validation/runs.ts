// Plain instructions of a body that has been validated before, many at once: whoever writes such
// bodies again mostly copies them, and wants no more than what they do to operands and locals.
// Nothing is checked here, so that it takes a third of the time.

import { instructionAt } from "../isa/index.ts";
import { type Instruction, OPCODE_SPACE, opcodeOf } from "../isa/instruction.ts";
import { I32, I64, V128 } from "../isa/types.ts";
import { MemoryRules } from "./memory-rules.ts";

// A rule says what follows the opcode, with how many operands are popped, whether one is pushed, of
// which type where that is always the same, and whether the instruction may trap.
const FORM = 15;
const POPPED = 4;
const MOST_POPPED = 3;
const PUSHES = 1 << 6;
const TRAPS = 1 << 7;
const RESULT = 8;
const MOST_RESULT = 7;
const PRICE = 16;

/** Forms of what follows; `OTHER` comes in no run. */
const OTHER = 1;
const NONE = 2;
const BYTE = 3;
const BYTES_4 = 4;
const BYTES_8 = 5;
const BYTES_16 = 6;
const INTEGER = 7;
const MEMARG = 8;
const MEMARG_LANE = 9;
const LOCAL_READ = 10;
const LOCAL_WRITTEN = 11;
const GLOBAL = 12;
const SELECT = 13;

/** By immediates. */
const FORMS: ReadonlyMap<string, number> = new Map([
  ["none", NONE],
  ["lane", BYTE],
  ["f32", BYTES_4],
  ["f64", BYTES_8],
  ["v128", BYTES_16],
  ["lanes", BYTES_16],
  ["i32", INTEGER],
  ["i64", INTEGER],
  ["memarg", MEMARG],
  ["memarg lane", MEMARG_LANE],
]);

/** Rules by opcode, where rows do not say enough. */
const SPECIAL: ReadonlyMap<number, number> = new Map([
  [0x1a, NONE | (1 << POPPED)], // drop
  [0x1b, SELECT | (3 << POPPED) | PUSHES],
  [0x20, LOCAL_READ | PUSHES], // local.get
  [0x21, LOCAL_WRITTEN | (1 << POPPED)], // local.set
  [0x22, LOCAL_WRITTEN | (1 << POPPED) | PUSHES], // local.tee
  [0x23, GLOBAL | PUSHES], // global.get
  [0x24, GLOBAL | (1 << POPPED)], // global.set
]);

/** Opcodes from here on are prefixes; and memory accesses with an index have such flags. */
const FIRST_PREFIX = 0xfb;
const MEMORY_INDEX = 0x40;

function ruleOf({ immediates, opcode, params, results }: Instruction): number {
  const special = SPECIAL.get(opcode);
  if (special !== undefined) return special;
  const form = FORMS.get(immediates);
  if (form === undefined || params === null || params.length > MOST_POPPED) return OTHER;
  const rule = form | (params.length << POPPED);
  if (results.length === 0) return rule;
  const [result] = results;
  if (results.length > 1 || result < I32 || result > V128) return OTHER;
  return rule | PUSHES | (result << RESULT);
}

/** How somebody takes an instruction: not in a run, or in one, where it may also trap. */
export type Taken = "alone" | "in runs" | "trapping";

/** Which instructions come in runs. */
export class RunRules {
  /** What has been learnt, by opcode: a rule, and the price above it. */
  readonly known = new Int32Array(OPCODE_SPACE);
  private readonly prices: Uint16Array;
  private readonly taken: (op: number) => Taken;

  /**
   * @param prices by opcode
   * @param taken asked once for each opcode; what handles globals, locals or operands of any type
   * is always taken
   */
  constructor(prices: Uint16Array, taken: (op: number) => Taken) {
    this.prices = prices;
    this.taken = taken;
  }

  /** The rule and the price of an instruction that has not been met before. */
  learn(op: number): number {
    const rule = ruleOf(instructionAt(op) as Instruction);
    const taken = rule === OTHER || SPECIAL.has(op) ? "in runs" : this.taken(op);
    const learnt = taken === "alone" ? OTHER : taken === "trapping" ? rule | TRAPS : rule;
    this.known[op] = learnt | (this.prices[op] << PRICE);
    return this.known[op];
  }
}

/** The longest run, in instructions. */
const LONGEST = 1024;

/** Plain instructions in a row, which are executed if the first one is. */
export class Run {
  /** They are `bytes[start, end)`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  instructions = 0;
  price = 0;
  /** Where the first one is that may trap; -1: none does. */
  trap = -1;
  /** The least operands that there were in between, results aside, and the most. */
  lowest = 0;
  highest = 0;
  /** What is done to locals, twice the index, odd if it is written; so many times. */
  readonly accesses = new Int32Array(LONGEST);
  accessCount = 0;
}

/** Who hears of runs. */
export interface RunSink {
  readonly rules: RunRules;
  /** How many instructions it takes at the moment. */
  readonly mostInRun: number;
  /** Whether it takes what reads or sets a global of type i32 or i64. */
  takesGlobal(index: number): boolean;
  run(run: Run): void;
}

/** Goes over runs. */
export class PlainRuns extends MemoryRules {
  private readonly current = new Run();

  /** The index or number at a position; the reader stands behind it. */
  private indexAt(pos: number): number {
    this.reader.pos = pos;
    return this.reader.u32();
  }

  /** Goes over so many instructions at most, and tells the sink of them; how many there were. */
  protected readRun(sink: RunSink, most: number): number {
    const { known } = sink.rules;
    const { bytes, pos: start } = this.reader;
    // Most often the next one is no plain instruction: that must not take long.
    if ((known[bytes[start]] & FORM) === OTHER) return 0;
    const { current, directCount, directLocals, reader, stack } = this;
    const { globals } = this.context.module;
    const { accesses } = current;
    const limit = Math.min(most, sink.mostInRun, LONGEST, stack.length - this.sp);
    let { sp } = this;
    let lowest = sp;
    let highest = sp;
    let trap = -1;
    let price = 0;
    let count = 0;
    let accessCount = 0;
    let pos = start;
    for (; count < limit; count++) {
      let op = bytes[pos];
      let at = pos + 1;
      if (op >= FIRST_PREFIX) {
        op = opcodeOf(op, this.indexAt(at));
        at = reader.pos;
      }
      const rule = known[op] || sink.rules.learn(op);
      const form = rule & FORM;
      let type = (rule >> RESULT) & MOST_RESULT;
      if (form >= LOCAL_READ && form <= GLOBAL) {
        let index = bytes[at++];
        if (index >= 0x80) {
          index = this.indexAt(at - 1);
          at = reader.pos;
        }
        if (form === GLOBAL) {
          ({ type } = globals[index].type);
          if ((type !== I32 && type !== I64) || !sink.takesGlobal(index)) break;
        } else {
          type = index < directCount ? directLocals[index] : this.localType(index);
          // (ref …) without null: whether it has a value is for others.
          if ((type & 24) === 8) break;
          accesses[accessCount++] = 2 * index + (form === LOCAL_READ ? 0 : 1);
        }
      } else if (form === INTEGER) {
        while (bytes[at++] >= 0x80);
      } else if (form === MEMARG || form === MEMARG_LANE) {
        if (bytes[at++] >= MEMORY_INDEX) break;
        while (bytes[at++] >= 0x80);
        if (form === MEMARG_LANE) at++;
      } else if (form === SELECT) type = stack[sp - 2];
      else if (form === OTHER) break;
      else if (form !== NONE)
        at += form === BYTE ? 1 : form === BYTES_4 ? 4 : form === BYTES_8 ? 8 : 16;
      if (trap < 0 && (rule & TRAPS) !== 0) trap = pos;
      sp -= (rule >> POPPED) & MOST_POPPED;
      if (sp < lowest) lowest = sp;
      if ((rule & PUSHES) !== 0) {
        stack[sp++] = type;
        if (sp > highest) highest = sp;
      }
      price += rule >>> PRICE;
      pos = at;
    }
    reader.pos = pos;
    if (count === 0) return 0;
    this.sp = sp;
    current.bytes = bytes;
    current.start = start;
    current.end = pos;
    current.instructions = count;
    current.price = price;
    current.trap = trap;
    current.lowest = lowest;
    current.highest = highest;
    current.accessCount = accessCount;
    sink.run(current);
    return count;
  }
}
