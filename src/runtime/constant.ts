// Values of constant expressions (spec: 3.4.12, 4.5.4 Instantiation): initialisers of globals and
// tables, elements, offsets of active segments. They have been validated, so that there is neither
// a check nor a trap in here. Aggregate instructions are not served yet.

import { InstructionReader } from "../binary/instructions.ts";
import { UnsupportedError } from "../code/errors.ts";
import { instructionAt } from "../isa/index.ts";
import { DEFAULT_LIMITS } from "../module/limits.ts";
import type { ConstExpr, ModuleRecord } from "../module/module.ts";
import type { ModuleInstance, RawValue } from "./instances.ts";

/** Null of any type; also the initial value of references. */
export const NULL_VALUE: RawValue = { low: 0, high: 0, reference: null };

/** One reader per module, which an evaluation has to itself: nothing in it calls back. */
const readers = new WeakMap<ModuleRecord, InstructionReader>();

function readerOf(module: ModuleRecord): InstructionReader {
  let reader = readers.get(module);
  if (reader === undefined) {
    reader = new InstructionReader(module.bytes, module.features, DEFAULT_LIMITS);
    readers.set(module, reader);
  }
  return reader;
}

function bits(low: number, high = 0): RawValue {
  return { low, high, reference: null };
}

function vector([low, high, low2, high2]: readonly number[]): RawValue {
  return { ...bits(low, high), upper: { low: low2, high: high2 } };
}

/** Instructions of an expression after which there is a pause: some 0.1 ms. */
const PIECE = 1_000;

/**
 * Evaluates a constant expression of the instance's module, in pieces: it may be as long as the
 * module. The globals it reads and the functions it mentions must be there already.
 */
export class ConstantEvaluation {
  private readonly instance: ModuleInstance;
  private readonly end: number;
  private position: number;
  private readonly stack: RawValue[] = [];

  constructor(instance: ModuleInstance, { start, end }: ConstExpr) {
    this.instance = instance;
    this.position = start;
    this.end = end;
  }

  /**
   * Goes on for a piece; null if that is not the end.
   * @throws UnsupportedError for aggregate instructions
   */
  advance(): RawValue | null {
    const { end, instance, position, stack } = this;
    const reader = readerOf(instance.module);
    reader.reset(instance.module.bytes, position, end);
    for (let i = 0; i < PIECE; i++) {
      reader.next();
      // `end` closes the expression: it has no blocks.
      if (reader.op === 0x0b) return stack[0];
      execute(reader, instance, stack);
    }
    this.position = reader.pos;
    return null;
  }
}

function execute(reader: InstructionReader, instance: ModuleInstance, stack: RawValue[]): void {
  switch (reader.op) {
    case 0x23: // global.get
      stack.push(instance.globals[reader.a].raw);
      break;
    case 0x41: // i32.const
    case 0x43: // f32.const
      stack.push(bits(reader.low));
      break;
    case 0x42: // i64.const
    case 0x44: // f64.const
      stack.push(bits(reader.low, reader.high));
      break;
    case 0x30c: // v128.const
      stack.push(vector(reader.vectorWords()));
      break;
    case 0xd0: // ref.null
      stack.push(NULL_VALUE);
      break;
    case 0xd2: // ref.func
      stack.push({ low: 0, high: 0, reference: instance.functionAt(reader.a) });
      break;
    default:
      stack.push(arithmetic(reader, stack));
  }
}

/** The instructions of extended constant expressions; takes two operands from the stack. */
function arithmetic(reader: InstructionReader, stack: RawValue[]): RawValue {
  const { op, start } = reader;
  const operate = ARITHMETIC.get(op);
  if (operate === undefined)
    throw new UnsupportedError(instructionAt(op)?.name ?? `opcode ${op}`, start);
  const b = stack.pop() as RawValue;
  const a = stack.pop() as RawValue;
  return operate(a, b);
}

/** Expressions of i64 are rare and short: exactness matters here, not speed. */
const i64 = ({ low, high }: RawValue) => (BigInt(high) << 32n) | BigInt(low >>> 0);
const halves = (value: bigint) => bits(Number(BigInt.asIntN(32, value)), high32(value));
const high32 = (value: bigint) => Number(BigInt.asIntN(32, value >> 32n));

const ARITHMETIC: ReadonlyMap<number, (a: RawValue, b: RawValue) => RawValue> = new Map([
  [0x6a, (a, b) => bits((a.low + b.low) | 0)], // i32.add
  [0x6b, (a, b) => bits((a.low - b.low) | 0)], // i32.sub
  [0x6c, (a, b) => bits(Math.imul(a.low, b.low))], // i32.mul
  [0x7c, (a, b) => halves(i64(a) + i64(b))], // i64.add
  [0x7d, (a, b) => halves(i64(a) - i64(b))], // i64.sub
  [0x7e, (a, b) => halves(i64(a) * i64(b))], // i64.mul
]);
