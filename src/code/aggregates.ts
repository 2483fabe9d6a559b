// Translates what is done to structs, arrays and references (spec: 4.6.4 to 4.6.6). Objects
// themselves are in runtime/objects.ts, what executes outside of the loop in
// interpreter/aggregates.ts.

import {
  HEAP_ANY,
  HEAP_ARRAY,
  HEAP_NONE,
  HEAP_STRUCT,
  type HeapType,
  heapOf,
  I8,
  isReference,
  V128,
  type ValType,
} from "../isa/types.ts";
import type { ArrayType, FieldType, StructType } from "../module/module.ts";
import type { BodyFacts } from "../validation/sink.ts";
import { abstractMatches } from "../validation/type-context.ts";
import { depthOfId } from "../validation/type-ids.ts";
import {
  AGGREGATE_BYTES,
  isPacked,
  positionsOf,
  SHORT_WORDS,
  shortLength,
  wordsOf,
} from "./layout.ts";
import { OP } from "./opcodes.generated.ts";
import { IN_LOCAL } from "./operands.ts";
import { PlainEmitter } from "./plain.ts";
import { PREPARE } from "./registers.ts";

/** By the number of words that the object has. */
const NEW = [
  ...[OP.NEW_0, OP.NEW_1, OP.NEW_2, OP.NEW_3, OP.NEW_4],
  ...[OP.NEW_5, OP.NEW_6, OP.NEW_7, OP.NEW_8],
] as const;

/** How the loop handles a field or element. */
type Kind = "32" | "64" | "ref" | "packed";

function kindOf(storage: ValType): Kind {
  if (isReference(storage)) return "ref";
  if (isPacked(storage)) return "packed";
  return wordsOf(storage) === 1 ? "32" : "64";
}

const STRUCT_SETS: Readonly<Record<Kind, number>> = {
  32: OP.STRUCT_SET_32,
  64: OP.STRUCT_SET_64,
  ref: OP.STRUCT_SET_REF,
  packed: OP.STRUCT_SET_32,
};
const ARRAY_SETS: Readonly<Record<Kind, number>> = {
  32: OP.ARRAY_SET_32,
  64: OP.ARRAY_SET_64,
  ref: OP.ARRAY_SET_REF,
  packed: OP.ARRAY_SET_PACKED,
};
const ARRAY_NEWS: Readonly<Record<Kind, number>> = {
  32: OP.ARRAY_NEW_32,
  64: OP.ARRAY_NEW_64,
  ref: OP.ARRAY_NEW_REF,
  packed: OP.ARRAY_NEW_32,
};
/** Reading; packed values by whether they are signed. */
const STRUCT_GETS = { 32: OP.STRUCT_GET_32, 64: OP.STRUCT_GET_64, ref: OP.STRUCT_GET_REF } as const;
const STRUCT_PACKED = [OP.STRUCT_GET_UNSIGNED, OP.STRUCT_GET_SIGNED] as const;
const ARRAY_GETS = { 32: OP.ARRAY_GET_32, 64: OP.ARRAY_GET_64, ref: OP.ARRAY_GET_REF } as const;
const ARRAY_PACKED = [OP.ARRAY_GET_UNSIGNED, OP.ARRAY_GET_SIGNED] as const;

/** More elements than an array has that the loop makes. */
const MANY_ELEMENTS = 1 << 20;

/** What is asked of a reference, in the forms that there are, and the words of the question. */
interface Test {
  readonly test: number;
  readonly cast: number;
  readonly branchIf: number;
  readonly branchUnless: number;
  readonly words: readonly number[];
}

const OBJECT = {
  test: OP.REF_TEST_OBJECT,
  cast: OP.REF_CAST_OBJECT,
  branchIf: OP.BR_IF_OBJECT,
  branchUnless: OP.BR_UNLESS_OBJECT,
} as const;
const ANY = {
  test: OP.REF_TEST_ANY,
  cast: OP.REF_CAST_ANY,
  branchIf: OP.BR_IF_ANY,
  branchUnless: OP.BR_UNLESS_ANY,
} as const;
const HEAP = {
  test: OP.REF_TEST_HEAP,
  cast: OP.REF_CAST_HEAP,
  branchIf: OP.BR_IF_HEAP,
  branchUnless: OP.BR_UNLESS_HEAP,
} as const;

const REF_TEST = 0x114;
const REF_TEST_NULL = 0x115;

/** Emission of these instructions, and of `ref.func`. */
export class AggregateEmitter extends PlainEmitter {
  /** Translates an instruction that can be reached; false if it is none of them. */
  protected aggregate(op: number, facts: BodyFacts): boolean {
    switch (op) {
      case 0xd2: // ref.func
        this.refFunc(op, facts);
        return true;
      case 0x100: // struct.new
      case 0x101: // struct.new_default
        return this.structNew(op, facts);
      case 0x102: // struct.get
      case 0x103: // struct.get_s
      case 0x104: // struct.get_u
        return this.structGet(op, facts);
      case 0x105: // struct.set
        return this.structSet(op, facts);
      case 0x106: // array.new
      case 0x107: // array.new_default
        return this.arrayNew(op, facts);
      case 0x108: // array.new_fixed
        return this.arrayNewFixed(op, facts);
      case 0x10b: // array.get
      case 0x10c: // array.get_s
      case 0x10d: // array.get_u
        return this.arrayGet(op, facts);
      case 0x10e: // array.set
        return this.arraySet(op, facts);
      case 0x10f: // array.len
        return this.produce(op, OP.ARRAY_LEN, facts, 1, []);
      case 0x114: // ref.test
      case 0x115: // ref.test null
        return this.refTest(op, facts);
      case 0x116: // ref.cast
      case 0x117: // ref.cast null
        return this.refCast(op, facts);
      case 0x118: // br_on_cast
        this.branchOnCast(facts, true);
        return true;
      case 0x119: // br_on_cast_fail
        this.branchOnCast(facts, false);
        return true;
      case 0x11c: // ref.i31
        return this.produce(op, OP.REF_I31, facts, 1, []);
      case 0x11d: // i31.get_s
        return this.produce(op, OP.I31_GET_S, facts, 1, []);
      case 0x11e: // i31.get_u
        return this.produce(op, OP.I31_GET_U, facts, 1, []);
      default:
        return false;
    }
  }

  /** Emits an instruction of one or two operands and a result. */
  private produce(
    op: number,
    registerOp: number,
    facts: BodyFacts,
    operands: number,
    words: readonly number[],
  ): true {
    const height = facts.heightBefore - operands;
    const registers = [this.slotHolding(height)];
    if (operands === 2) registers.push(this.slotHolding(height + 1));
    this.operate(op, registerOp, height, facts.operandType(height), registers, words);
    return true;
  }

  private refFunc(op: number, facts: BodyFacts): void {
    const height = facts.heightBefore;
    const words = [facts.instruction.a, 0, 0, 0];
    const start = this.emitLeaving(OP.REF_FUNC, op, this.slotOf(height), words);
    this.inSlot(height, facts.operandType(height));
    this.resultOf(start, height);
  }

  private fieldsAt(typeIndex: number): readonly FieldType[] {
    return (this.compiled.module.types[typeIndex].composite as StructType).fields;
  }

  private elementOf(typeIndex: number): ValType {
    return (this.compiled.module.types[typeIndex].composite as ArrayType).field.type;
  }

  // New objects

  /**
   * Where the words of operands are, from `base` up, as an instruction that makes an object has
   * them: words of the frame, or the complement of a reference's slot.
   */
  private sources(base: number, storages: readonly ValType[]): number[] {
    this.handled += storages.length;
    return storages.flatMap((storage, i) => {
      const slot = this.slotHolding(base + i);
      if (isReference(storage)) return [~slot];
      return Array.from({ length: wordsOf(storage) }, (_, k) => 2 * slot + k);
    });
  }

  /** Makes an object of `count` words, or of more: then their number stands in front of `rest`. */
  private make(op: number, facts: BodyFacts, base: number, count: number, rest: readonly number[]) {
    const words = [facts.instruction.a, AGGREGATE_BYTES + 8 * count, ...rest];
    const start = this.emitLeaving(op, PREPARE, this.slotOf(base), words);
    this.inSlot(base, facts.operandType(base));
    this.resultOf(start, base);
  }

  private structNew(op: number, facts: BodyFacts): boolean {
    const isDefault = op === 0x101;
    const fields = this.fieldsAt(facts.instruction.a);
    this.costs.add(Math.floor(fields.length / this.compiled.prices.valuesPerUnit));
    const storages = isDefault ? [] : fields.map(({ type }) => type);
    const count = positionsOf(fields)[fields.length] - 1;
    // Large ones take the host so long that there is a look in front of each.
    if (count > SHORT_WORDS) return this.outside(op, facts, storages.length);
    const base = facts.heightBefore - storages.length;
    const sources = this.sources(base, storages);
    if (isDefault) this.make(OP.NEW_DEFAULT, facts, base, count, []);
    else if (count < NEW.length) this.make(NEW[count], facts, base, count, sources);
    else this.make(OP.NEW_MANY, facts, base, count, [count, ...sources]);
    return true;
  }

  private arrayNewFixed(op: number, facts: BodyFacts): boolean {
    const { a: typeIndex, b: length } = facts.instruction;
    const storage = this.elementOf(typeIndex);
    const count = length * wordsOf(storage);
    this.costs.add(Math.ceil(length / this.compiled.prices.elementsPerUnit));
    if (count >= NEW.length) return this.outside(op, facts, length);
    const base = facts.heightBefore - length;
    const storages = new Array<ValType>(length).fill(storage);
    this.make(NEW[count], facts, base, count, this.sources(base, storages));
    return true;
  }

  private arrayNew(op: number, facts: BodyFacts): boolean {
    const { a: typeIndex } = facts.instruction;
    const storage = this.elementOf(typeIndex);
    const isDefault = op === 0x107;
    if (storage === V128 && !isDefault) return this.outside(op, facts);
    const base = facts.heightBefore - (isDefault ? 1 : 2);
    this.settleRange(base, facts.heightBefore);
    const defaults = isReference(storage) ? OP.ARRAY_NEW_DEFAULT_REF : OP.ARRAY_NEW_DEFAULT_NUMBERS;
    const registerOp = isDefault ? defaults : ARRAY_NEWS[kindOf(storage)];
    const unit = Math.min(this.compiled.prices.elementsPerUnit, MANY_ELEMENTS);
    const words = [typeIndex, wordsOf(storage), shortLength(storage), unit];
    this.emitLeaving(registerOp, op, this.slotOf(base), words);
    // Its result has to be where its operands are: outside of the loop they are looked for there.
    this.inSlot(base, facts.operandType(base));
    return true;
  }

  // Fields and elements

  private structGet(op: number, facts: BodyFacts): boolean {
    const { a: typeIndex, b: field } = facts.instruction;
    const fields = this.fieldsAt(typeIndex);
    const { type: storage } = fields[field];
    if (storage === V128) return this.outside(op, facts);
    const kind = kindOf(storage);
    const position = positionsOf(fields)[field];
    if (kind !== "packed") return this.produce(op, STRUCT_GETS[kind], facts, 1, [position]);
    const words = [position, storage === I8 ? 24 : 16];
    return this.produce(op, STRUCT_PACKED[op === 0x103 ? 1 : 0], facts, 1, words);
  }

  private structSet(op: number, facts: BodyFacts): boolean {
    const { a: typeIndex, b: field } = facts.instruction;
    const fields = this.fieldsAt(typeIndex);
    const { type: storage } = fields[field];
    if (storage === V128) return this.outside(op, facts);
    const height = facts.heightBefore - 2;
    const registers = [this.slotHolding(height), this.slotHolding(height + 1)];
    const words = [positionsOf(fields)[field]];
    this.operate(op, STRUCT_SETS[kindOf(storage)], height, null, registers, words);
    return true;
  }

  private arrayGet(op: number, facts: BodyFacts): boolean {
    const storage = this.elementOf(facts.instruction.a);
    if (storage === V128) return this.outside(op, facts);
    const kind = kindOf(storage);
    if (kind !== "packed") return this.produce(op, ARRAY_GETS[kind], facts, 2, []);
    const words = [storage === I8 ? 24 : 16];
    return this.produce(op, ARRAY_PACKED[op === 0x10c ? 1 : 0], facts, 2, words);
  }

  private arraySet(op: number, facts: BodyFacts): boolean {
    const storage = this.elementOf(facts.instruction.a);
    if (storage === V128) return this.outside(op, facts);
    const height = facts.heightBefore - 3;
    const registers = [this.slotHolding(height), this.slotHolding(height + 1)];
    const words = [2 * this.slotHolding(height + 2)];
    this.operate(op, ARRAY_SETS[kindOf(storage)], height, null, registers, words);
    return true;
  }

  // Casts

  /** How a reference of type `from` is asked for `heap`; null: that is done outside of the loop. */
  private testOf(from: ValType, heap: HeapType, nullable: boolean): Test | null {
    const last = nullable ? 1 : 0;
    if (heap < 0) {
      return abstractMatches(heap, HEAP_ANY) ? { ...HEAP, words: [heap, last] } : null;
    }
    if (this.compiled.module.types[heap].composite.kind === "func") return null;
    const id = this.compiled.typeIds[heap];
    const words = [depthOfId(id), id, last];
    const source = heapOf(from);
    const isObject = source >= 0 || [HEAP_STRUCT, HEAP_ARRAY, HEAP_NONE].includes(source);
    return { ...(isObject ? OBJECT : ANY), words };
  }

  private refTest(op: number, facts: BodyFacts): boolean {
    const test = this.testOf(facts.operand, facts.instruction.a, op === REF_TEST_NULL);
    if (test === null) return this.outside(op, facts);
    return this.produce(op, test.test, facts, 1, test.words);
  }

  private refCast(op: number, facts: BodyFacts): boolean {
    const height = facts.heightBefore - 1;
    const test = this.testOf(facts.operand, facts.instruction.a, op === 0x117);
    if (test === null) return this.outside(op, facts);
    this.operate(op, test.cast, height, null, [this.slotHolding(height)], test.words);
    this.retype(height, facts.operandType(height));
    return true;
  }

  /** The operand at `height` stays where it is, as one of another type. */
  private retype(height: number, type: ValType): void {
    if (this.kindAt(height) === IN_LOCAL) this.aliasOf(height, this.lowAt(height), type);
    else this.inSlot(height, type);
  }

  private branchOnCast(facts: BodyFacts, sense: boolean): void {
    const { a: flags, b: label, d: heap } = facts.instruction;
    const height = facts.heightBefore - 1;
    const nullable = (flags & 2) !== 0;
    this.costs.transfer();
    const test = this.testOf(facts.operand, heap, nullable);
    const [ifTrue, ifFalse] = this.branchesOf(test, height, heap, nullable);
    const condition = {
      ifTrue: sense ? ifTrue : ifFalse,
      ifFalse: sense ? ifFalse : ifTrue,
      registers: [this.slotHolding(height)],
      words: test?.words ?? [],
      producer: null,
    };
    this.branchToIf(condition, this.labelAt(label), facts.heightBefore);
    this.retype(height, facts.operandType(height));
  }

  /** The branches on a test, which is made beforehand if the loop does not know it. */
  private branchesOf(
    test: Test | null,
    height: number,
    heap: HeapType,
    nullable: boolean,
  ): readonly [ifTrue: number, ifFalse: number] {
    if (test !== null) return [test.branchIf, test.branchUnless];
    // The outcome is a number, and the reference stays beside it.
    this.settle(height);
    const op = nullable ? REF_TEST_NULL : REF_TEST;
    this.emitLeaving(OP.SLOW, op, this.slotOf(height), [heap, 0, 0, 0]);
    return [OP.BR_IF, OP.BR_UNLESS];
  }
}
