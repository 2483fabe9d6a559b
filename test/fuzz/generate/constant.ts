// Random constant expressions of a wanted type (spec: 3.4, Constant Expressions). Some types have
// no constant, such as (ref extern) without gc; `possible` finds a type near by that has one.

import {
  HEAP_ANY,
  HEAP_EXTERN,
  HEAP_I31,
  type HeapType,
  heapOf,
  I32,
  I64,
  isNullable,
  isReference,
  refType,
  unpacked,
  type ValType,
} from "../../../src/isa/types.ts";
import { ByteWriter } from "../writer.ts";
import { writeConstant } from "./literals.ts";
import type { Plan } from "./plan.ts";

const END = 0x0b;
const MAX_DEPTH = 3;

/** Writes one way to make a constant. */
type Way = (w: ByteWriter, depth: number) => void;

/** Makes constant expressions over the functions and globals a plan has so far. */
export class ConstantGenerator {
  private readonly plan: Plan;

  constructor(plan: Plan) {
    this.plan = plan;
  }

  /** The type, or its nullable form if there is no constant of the type itself. */
  possible(type: ValType): ValType {
    if (!isReference(type) || isNullable(type)) return type;
    return this.waysNonNull(heapOf(type), 0).length > 0 ? type : refType(heapOf(type), true);
  }

  /** A constant expression of a `possible` type, `end` included. */
  expression(type: ValType): Uint8Array {
    const w = new ByteWriter();
    this.value(w, type, 0);
    return w.byte(END).finish();
  }

  /** An offset for an active segment. */
  address(address64: boolean): Uint8Array {
    return this.expression(address64 ? I64 : I32);
  }

  private value(w: ByteWriter, type: ValType, depth: number): void {
    const { random } = this.plan;
    const ways = this.ways(type, depth);
    if (ways.length === 0) throw new Error(`no constant of type ${type}`);
    random.pick(ways)(w, depth);
  }

  private ways(type: ValType, depth: number): Way[] {
    const ways = this.readableGlobals(type).map(
      (index): Way =>
        (w) =>
          w.opcode(0x23).u32(index),
    );
    if (!isReference(type)) {
      ways.push((w) => writeConstant(w, type, this.plan.random));
      if ((type === I32 || type === I64) && this.plan.has("extended-const") && depth < MAX_DEPTH) {
        ways.push((w) => this.arithmetic(w, type, depth));
      }
      return ways;
    }
    if (isNullable(type)) ways.push((w) => w.opcode(0xd0).heapType(heapOf(type)));
    return [...ways, ...this.waysNonNull(heapOf(type), depth)];
  }

  /** Immutable globals: only imported ones without gc. */
  private readableGlobals(type: ValType): number[] {
    const { globals, imported, types } = this.plan;
    const visible = this.plan.has("gc") ? globals.length : imported.global;
    return globals.slice(0, visible).flatMap(({ type: global }, index) => {
      return !global.mutable && types.matches(global.type, type) ? [index] : [];
    });
  }

  private arithmetic(w: ByteWriter, type: ValType, depth: number): void {
    this.value(w, type, depth + 1);
    this.value(w, type, depth + 1);
    w.opcode((type === I32 ? 0x6a : 0x7c) + this.plan.random.below(3)); // add, sub, mul
  }

  private waysNonNull(heap: HeapType, depth: number): Way[] {
    const { types } = this.plan;
    const ways: Way[] = [];
    this.plan.functions.forEach((type, index) => {
      if (types.heapMatches(type, heap)) ways.push((w) => w.opcode(0xd2).u32(index));
    });
    if (!this.plan.has("gc") || depth >= MAX_DEPTH) return ways;
    if (types.heapMatches(HEAP_I31, heap)) ways.push((w) => this.i31(w, depth));
    if (heap === HEAP_ANY) ways.push((w) => this.converted(w, HEAP_EXTERN, depth));
    if (heap === HEAP_EXTERN) ways.push((w) => this.converted(w, HEAP_ANY, depth));
    types.defs.forEach((def, index) => {
      if (def.kind !== "func" && types.heapMatches(index, heap)) {
        if (this.fieldsPossible(index, depth + 1))
          ways.push((w) => this.aggregate(w, index, depth));
      }
    });
    return ways;
  }

  private i31(w: ByteWriter, depth: number): void {
    this.value(w, I32, depth + 1);
    w.opcode(0x11c);
  }

  /** any.convert_extern or extern.convert_any of a value that is not null. */
  private converted(w: ByteWriter, from: HeapType, depth: number): void {
    if (from === HEAP_ANY) this.i31(w, depth);
    else {
      this.i31(w, depth);
      w.opcode(0x11b);
    }
    w.opcode(from === HEAP_ANY ? 0x11b : 0x11a);
  }

  private fieldsPossible(index: number, depth: number): boolean {
    return this.plan.types.defs[index].fields.every(({ type }) => {
      if (!isReference(type) || isNullable(type)) return true;
      return depth < MAX_DEPTH && this.waysNonNull(heapOf(type), depth).length > 0;
    });
  }

  /** struct.new, array.new or array.new_fixed. */
  private aggregate(w: ByteWriter, index: number, depth: number): void {
    const { kind, fields } = this.plan.types.defs[index];
    const element = (type: ValType) => this.value(w, unpacked(type), depth + 1);
    if (kind === "struct") {
      for (const { type } of fields) element(type);
      w.opcode(0x100).u32(index);
    } else if (this.plan.random.oneIn(2)) {
      element(fields[0].type);
      w.opcode(0x41).signed(this.plan.random.below(5)); // i32.const
      w.opcode(0x106).u32(index);
    } else {
      const count = this.plan.random.below(3);
      for (let i = 0; i < count; i++) element(fields[0].type);
      w.opcode(0x108).u32(index).u32(count);
    }
  }
}
