// Values of constant expressions (spec: 3.4.12, 4.5.4 Instantiation): initialisers of globals and
// tables, elements, offsets of active segments. They have been validated, so that there is neither
// a check nor a trap in here.

import { InstructionReader } from "../binary/instructions.ts";
import { wordsOf as wordCount } from "../code/layout.ts";
import { isReference, type ValType } from "../isa/types.ts";
import { DEFAULT_LIMITS } from "../module/limits.ts";
import type { ConstExpr, ModuleRecord } from "../module/module.ts";
import type { ModuleInstance, RawValue, Value } from "./instances.ts";
import { isInitial, Making } from "./making.ts";
import {
  type Aggregate,
  externalize,
  fillArray,
  internalize,
  newStruct,
  type ObjectType,
} from "./objects.ts";
import type { Root } from "./roots.ts";

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

/** What is done of an expression before there is a pause, in units of about 0.1 µs. */
const PIECE = 1_000;
/** Bytes of a new object that take one more unit. */
const BYTES_PER_UNIT = 64;

/**
 * Evaluates a constant expression of the instance's module, in pieces: it may be as long as the
 * module. The globals it reads and the functions it mentions must be there already.
 */
export class ConstantEvaluation {
  private readonly instance: ModuleInstance;
  private readonly end: number;
  private position: number;
  private readonly stack: RawValue[] = [];
  /** Makes what is on the stack count as alive, once it may be objects. */
  private root: Root | null = null;
  /** A long array that is being made. */
  private making: Making | null = null;
  /** Units that were done at the last `advance`. */
  private used = 0;

  constructor(instance: ModuleInstance, { start, end }: ConstExpr) {
    this.instance = instance;
    this.position = start;
    this.end = end;
  }

  /** The references on the stack and what is being made, for a census. */
  get length(): number {
    return this.stack.length + 1;
  }

  get(index: number): Value {
    const { making, stack } = this;
    return index < stack.length ? stack[index].reference : (making?.object ?? null);
  }

  /** Microseconds that the last `advance` has taken, by formulas. */
  get work(): number {
    return this.used / 10;
  }

  /**
   * Goes on for a piece; null if that is not the end.
   * @throws Exhaustion of the store's `gcBytes`
   */
  advance(): RawValue | null {
    const { end, instance, position, stack } = this;
    const reader = readerOf(instance.module);
    reader.reset(instance.module.bytes, position, end);
    for (this.used = 0; this.used < PIECE; this.used++) {
      reader.next();
      // `end` closes the expression: it has no blocks.
      if (reader.op === 0x0b) {
        if (this.root !== null) instance.store.objects.drop(this.root);
        return stack[0];
      }
      if (!this.execute(reader)) {
        this.position = reader.start;
        return null;
      }
    }
    this.position = reader.pos;
    return null;
  }

  /** Executes an instruction; false if it is to be executed again. */
  private execute(reader: InstructionReader): boolean {
    const { instance, stack } = this;
    switch (reader.op) {
      case 0x23: // global.get
        stack.push(instance.globals[reader.a].raw);
        return true;
      case 0x41: // i32.const
      case 0x43: // f32.const
        stack.push(bits(reader.low));
        return true;
      case 0x42: // i64.const
      case 0x44: // f64.const
        stack.push(bits(reader.low, reader.high));
        return true;
      case 0x30c: // v128.const
        stack.push(vector(reader.vectorWords()));
        return true;
      case 0xd0: // ref.null
        stack.push(NULL_VALUE);
        return true;
      case 0xd2: // ref.func
        stack.push(referenceTo(instance.functionAt(reader.a)));
        return true;
      case 0x100: // struct.new
        return this.structNew(instance.objectTypeAt(reader.a), false);
      case 0x101: // struct.new_default
        return this.structNew(instance.objectTypeAt(reader.a), true);
      case 0x106: // array.new
        return this.arrayNew(instance.objectTypeAt(reader.a), 1);
      case 0x107: // array.new_default
        return this.arrayNew(instance.objectTypeAt(reader.a), 0);
      case 0x108: // array.new_fixed
        return this.arrayNewFixed(instance.objectTypeAt(reader.a), reader.b);
      case 0x11a: // any.convert_extern
        stack.push(referenceTo(internalize(this.popReference(), instance.store.objects)));
        return true;
      case 0x11b: // extern.convert_any
        stack.push(referenceTo(externalize(this.popReference())));
        return true;
      case 0x11c: // ref.i31
        stack.push(referenceTo(((stack.pop() as RawValue).low << 1) >> 1));
        return true;
      default:
        stack.push(arithmetic(reader, stack));
        return true;
    }
  }

  private popReference(): Value {
    return (this.stack.pop() as RawValue).reference;
  }

  /** Counts bytes of a new object; false if that needs a census, which has come further. */
  private reserve(bytes: number): boolean {
    const { objects } = this.instance.store;
    this.root ??= objects.hold(this);
    if (!objects.reserve(bytes, this)) return false;
    this.used += bytes / BYTES_PER_UNIT;
    return true;
  }

  private structNew(type: ObjectType, isDefault: boolean): boolean {
    if (!this.reserve(type.structBytes)) return false;
    const { fields, positions } = type;
    const made = newStruct(type);
    const values = isDefault ? [] : this.stack.splice(this.stack.length - fields.length);
    for (const [i, value] of values.entries()) {
      for (const [k, word] of wordsOf(value, fields[i].type).entries()) {
        made[positions[i] + k] = word;
      }
    }
    this.stack.push(referenceTo(made));
    return true;
  }

  /** A new array whose elements are the operand, if there is `operands`, or have their default. */
  private arrayNew(type: ObjectType, operands: number): boolean {
    const { stack } = this;
    const [{ type: storage }] = type.fields;
    const length = stack[stack.length - 1].low >>> 0;
    const value = operands === 0 ? NULL_VALUE : stack[stack.length - 2];
    const words = wordsOf(value, storage);
    if (this.making === null) {
      const made = this.newArray(type, length, value.reference);
      if (made === null) return false;
      this.making = new Making(made, isInitial(storage, words), (array, at, count) => {
        fillArray(array, at, words, count);
      });
    }
    const { making } = this;
    making.advance();
    if (!making.isDone) return false;
    this.making = null;
    stack.length -= 1 + operands;
    stack.push(referenceTo(making.object));
    return true;
  }

  private newArray(type: ObjectType, length: number, value: Value): Aggregate | null {
    if (!this.reserve(type.arrayBytes(length))) return null;
    return type.newArray(length, value);
  }

  private arrayNewFixed(type: ObjectType, count: number): boolean {
    const made = this.newArray(type, count, null);
    if (made === null) return false;
    const values = this.stack.splice(this.stack.length - count);
    for (const [i, value] of values.entries()) {
      fillArray(made, i, wordsOf(value, type.fields[0].type), 1);
    }
    this.stack.push(referenceTo(made));
    return true;
  }
}

function referenceTo(reference: Value): RawValue {
  return { low: 0, high: 0, reference };
}

/** A value as the words of a field or element of this type. */
function wordsOf({ low, high, reference, upper }: RawValue, storage: ValType): readonly unknown[] {
  if (isReference(storage)) return [reference];
  return [low, high, upper?.low ?? 0, upper?.high ?? 0].slice(0, wordCount(storage));
}

/** The instructions of extended constant expressions; takes two operands from the stack. */
function arithmetic({ op }: InstructionReader, stack: RawValue[]): RawValue {
  const b = stack.pop() as RawValue;
  const a = stack.pop() as RawValue;
  return (ARITHMETIC.get(op) as Arithmetic)(a, b);
}

/** Expressions of i64 are rare and short: exactness matters here, not speed. */
const i64 = ({ low, high }: RawValue) => (BigInt(high) << 32n) | BigInt(low >>> 0);
const halves = (value: bigint) => bits(Number(BigInt.asIntN(32, value)), high32(value));
const high32 = (value: bigint) => Number(BigInt.asIntN(32, value >> 32n));

type Arithmetic = (a: RawValue, b: RawValue) => RawValue;

const ARITHMETIC: ReadonlyMap<number, Arithmetic> = new Map([
  [0x6a, (a, b) => bits((a.low + b.low) | 0)], // i32.add
  [0x6b, (a, b) => bits((a.low - b.low) | 0)], // i32.sub
  [0x6c, (a, b) => bits(Math.imul(a.low, b.low))], // i32.mul
  [0x7c, (a, b) => halves(i64(a) + i64(b))], // i64.add
  [0x7d, (a, b) => halves(i64(a) - i64(b))], // i64.sub
  [0x7e, (a, b) => halves(i64(a) * i64(b))], // i64.mul
]);
