// Typing rules of references, structs, arrays and tables (spec: 3.4.5, 3.4.7, 3.4.8, 3.4.9).

import { instructionAt } from "../isa/index.ts";
import {
  formatValType,
  HEAP_ANY,
  HEAP_ARRAY,
  HEAP_EXTERN,
  HEAP_I31,
  type HeapType,
  I8,
  I16,
  I32,
  isDefaultable,
  isNullable,
  isNumericOrVector,
  isReference,
  nonNull,
  refType,
  unpacked,
  type ValType,
} from "../isa/types.ts";
import { MalformedError } from "../module/errors.ts";
import { limitOn } from "../module/limits.ts";
import type { ArrayType, ElementSegment, FieldType, StructType } from "../module/module.ts";
import { ControlRules } from "./control-rules.ts";

/** Rules that look at type definitions and tables. */
export class ReferenceRules extends ControlRules {
  // References

  protected refNull(): void {
    const heap = this.reader.a;
    this.types.checkHeapType(heap);
    this.push(refType(heap, true));
  }

  protected refFunc(): void {
    const index = this.reader.a;
    this.functionAt(index);
    this.noteFunctionReference(index);
    this.push(refType(this.context.module.functions[index], false));
  }

  /** Inside a body `ref.func` may only name a function that is declared outside of bodies. */
  protected noteFunctionReference(index: number): void {
    if (this.context.isDeclared(index)) return;
    throw this.invalid("undeclared function reference", `function ${index}`);
  }

  protected refIsNull(): void {
    this.operand = this.popReference();
    this.push(I32);
  }

  protected refAsNonNull(): void {
    this.operand = this.popReference();
    this.push(nonNull(this.operand));
  }

  protected refI31(): void {
    this.pop(I32);
    this.push(refType(HEAP_I31, false));
  }

  /** `any.convert_extern` and its reverse: the other hierarchy, null as before. */
  protected convert(from: HeapType, to: HeapType): void {
    const found = this.pop(refType(from, true));
    this.push(refType(to, isNullable(found)));
  }

  protected anyConvertExtern(): void {
    this.convert(HEAP_EXTERN, HEAP_ANY);
  }

  protected externConvertAny(): void {
    this.convert(HEAP_ANY, HEAP_EXTERN);
  }

  // Casts

  private popInHierarchyOf(heap: HeapType): void {
    this.types.checkHeapType(heap);
    this.operand = this.pop(refType(this.types.topOf(heap), true));
  }

  protected refTest(): void {
    this.popInHierarchyOf(this.reader.a);
    this.push(I32);
  }

  protected refCast(nullable: boolean): void {
    this.popInHierarchyOf(this.reader.a);
    this.push(refType(this.reader.a, nullable));
  }

  protected branchOnCast(onFail: boolean): void {
    const { a: flags, b: label, c: fromHeap, d: toHeap } = this.reader;
    this.types.checkHeapType(fromHeap);
    this.types.checkHeapType(toHeap);
    const from = refType(fromHeap, (flags & 1) !== 0);
    const to = refType(toHeap, (flags & 2) !== 0);
    if (!this.types.matches(to, from)) {
      throw this.mismatchText(`a subtype of ${formatValType(from)}`, formatValType(to));
    }
    const { labelTypes } = this.label(label);
    const last = labelTypes.length - 1;
    if (last < 0) throw this.mismatchText("a label that takes a reference", "[]");
    // What is not cast to `to`: null stays only if a cast to `to` would not take it.
    const difference = isNullable(to) ? nonNull(from) : from;
    this.operand = this.pop(from);
    this.push(onFail ? difference : to);
    this.popAll(labelTypes);
    for (let i = 0; i < last; i++) this.push(labelTypes[i]);
    this.push(onFail ? to : difference);
  }

  // Structs

  private structAt(index: number): StructType {
    const composite = this.context.module.types[index]?.composite;
    if (composite?.kind === "struct") return composite;
    const detail = composite === undefined ? `${index}` : `type ${index} is no struct type`;
    throw this.invalid("unknown type", detail, "struct", composite?.kind ?? "nothing");
  }

  private fieldAt(): FieldType {
    const { a: typeIndex, b: fieldIndex } = this.reader;
    const { fields } = this.structAt(typeIndex);
    if (fieldIndex >= fields.length) {
      throw this.invalid("unknown field", `${fieldIndex}, type ${typeIndex} has ${fields.length}`);
    }
    return fields[fieldIndex];
  }

  private requireDefaultable(type: ValType): void {
    if (isDefaultable(type)) return;
    throw this.mismatchText("a type with a default value", formatValType(type));
  }

  protected structNew(): void {
    const { fields } = this.structAt(this.reader.a);
    this.weigh(fields.length);
    for (let i = fields.length - 1; i >= 0 && !this.isBottomless; i--) {
      this.pop(unpacked(fields[i].type));
    }
    this.push(refType(this.reader.a, false));
  }

  protected structNewDefault(): void {
    const type = this.structAt(this.reader.a);
    if (!this.types.isDefaultable(type)) {
      for (const field of type.fields) this.requireDefaultable(field.type);
    }
    this.push(refType(this.reader.a, false));
  }

  /** Packed fields are read with an extension, others without. */
  private requirePacked(type: ValType, packed: boolean): void {
    if ((type === I8 || type === I16) === packed) return;
    throw this.mismatchText(packed ? "a packed type" : "an unpacked type", formatValType(type));
  }

  protected structGet(packed: boolean): void {
    const field = this.fieldAt();
    this.requirePacked(field.type, packed);
    this.pop(refType(this.reader.a, true));
    this.push(unpacked(field.type));
  }

  protected structSet(): void {
    const field = this.fieldAt();
    if (!field.mutable) throw this.invalid("immutable field", `field ${this.reader.b}`);
    this.pop(unpacked(field.type));
    this.pop(refType(this.reader.a, true));
  }

  // Arrays

  private arrayAt(index: number): FieldType {
    const composite = this.context.module.types[index]?.composite;
    if (composite?.kind === "array") return (composite as ArrayType).field;
    const detail = composite === undefined ? `${index}` : `type ${index} is no array type`;
    throw this.invalid("unknown type", detail, "array", composite?.kind ?? "nothing");
  }

  private mutableArrayAt(index: number): FieldType {
    const field = this.arrayAt(index);
    if (!field.mutable) throw this.invalid("immutable array", `type ${index}`);
    return field;
  }

  private pushArray(): void {
    this.push(refType(this.reader.a, false));
  }

  protected arrayNew(): void {
    const field = this.arrayAt(this.reader.a);
    this.pop(I32);
    this.pop(unpacked(field.type));
    this.pushArray();
  }

  protected arrayNewDefault(): void {
    this.requireDefaultable(this.arrayAt(this.reader.a).type);
    this.pop(I32);
    this.pushArray();
  }

  protected arrayNewFixed(): void {
    const field = this.arrayAt(this.reader.a);
    const count = this.reader.b;
    limitOn(this.context.limits, "arrayFixedLength", count, this.reader.start);
    const type = unpacked(field.type);
    this.weigh(count);
    for (let i = 0; i < count && !this.isBottomless; i++) this.pop(type);
    this.pushArray();
  }

  private requireNumeric(field: FieldType): void {
    if (isNumericOrVector(unpacked(field.type))) return;
    throw this.invalid("array type is not numeric or vector", formatValType(field.type));
  }

  protected arrayNewData(): void {
    this.requireNumeric(this.arrayAt(this.reader.a));
    this.dataAt(this.reader.b);
    this.pop(I32);
    this.pop(I32);
    this.pushArray();
  }

  private requireElementType(segment: ElementSegment, type: ValType): void {
    if (this.types.matches(segment.type, type)) return;
    throw this.mismatchText(formatValType(type), formatValType(segment.type));
  }

  protected arrayNewElem(): void {
    const field = this.arrayAt(this.reader.a);
    this.requireElementType(this.elementAt(this.reader.b), field.type);
    this.pop(I32);
    this.pop(I32);
    this.pushArray();
  }

  protected arrayGet(packed: boolean): void {
    const field = this.arrayAt(this.reader.a);
    this.requirePacked(field.type, packed);
    this.pop(I32);
    this.pop(refType(this.reader.a, true));
    this.push(unpacked(field.type));
  }

  protected arraySet(): void {
    const field = this.mutableArrayAt(this.reader.a);
    this.pop(unpacked(field.type));
    this.pop(I32);
    this.pop(refType(this.reader.a, true));
  }

  protected arrayLen(): void {
    this.pop(refType(HEAP_ARRAY, true));
    this.push(I32);
  }

  protected arrayFill(): void {
    const field = this.mutableArrayAt(this.reader.a);
    this.pop(I32);
    this.pop(unpacked(field.type));
    this.pop(I32);
    this.pop(refType(this.reader.a, true));
  }

  protected arrayCopy(): void {
    const { a: to, b: from } = this.reader;
    const target = this.mutableArrayAt(to);
    const source = this.arrayAt(from);
    if (!this.types.matches(source.type, target.type)) {
      const [expected, found] = [formatValType(target.type), formatValType(source.type)];
      const detail = `expected elements ${expected}, found ${found}`;
      throw this.invalid("array types do not match", detail, expected, found);
    }
    this.pop(I32);
    this.pop(I32);
    this.pop(refType(from, true));
    this.pop(I32);
    this.pop(refType(to, true));
  }

  /** Operands of array.init_data and array.init_elem: array, index, offset, length. */
  private popArrayInit(): void {
    this.pop(I32);
    this.pop(I32);
    this.pop(I32);
    this.pop(refType(this.reader.a, true));
  }

  protected arrayInitData(): void {
    this.requireNumeric(this.mutableArrayAt(this.reader.a));
    this.dataAt(this.reader.b);
    this.popArrayInit();
  }

  protected arrayInitElem(): void {
    const field = this.mutableArrayAt(this.reader.a);
    this.requireElementType(this.elementAt(this.reader.b), field.type);
    this.popArrayInit();
  }

  // Segments

  /** Data segments come after the code, so their number must have been announced. */
  protected dataAt(index: number): void {
    const { dataCount } = this.context.module;
    if (dataCount === null) {
      throw new MalformedError("data count section required", `for data segment ${index}`);
    }
    if (index >= dataCount) throw this.invalid(`unknown data segment ${index}`, "");
  }

  protected elementAt(index: number): ElementSegment {
    const segment = this.context.module.elements[index];
    if (segment === undefined) throw this.invalid(`unknown elem segment ${index}`, "");
    return segment;
  }

  // Tables

  protected tableGet(): void {
    const { element } = this.tableAt(this.reader.a);
    this.operand = element;
    this.pop(this.context.tableAddresses[this.reader.a]);
    this.push(element);
  }

  protected tableSet(): void {
    const { element } = this.tableAt(this.reader.a);
    this.operand = element;
    this.pop(element);
    this.pop(this.context.tableAddresses[this.reader.a]);
  }

  protected tableGrow(): void {
    const { element } = this.tableAt(this.reader.a);
    const address = this.context.tableAddresses[this.reader.a];
    this.operand = element;
    this.pop(address);
    this.pop(element);
    this.push(address);
  }

  protected tableFill(): void {
    const { element } = this.tableAt(this.reader.a);
    const address = this.context.tableAddresses[this.reader.a];
    this.operand = element;
    this.pop(address);
    this.pop(element);
    this.pop(address);
  }

  protected tableCopy(): void {
    const { a: to, b: from } = this.reader;
    const target = this.tableAt(to).element;
    const source = this.tableAt(from).element;
    if (!this.types.matches(source, target)) {
      throw this.mismatchText(formatValType(target), formatValType(source));
    }
    this.popCopy(this.context.tableAddresses[to], this.context.tableAddresses[from]);
  }

  /** Operands of a copy: the length has the smaller of the two address types. */
  protected popCopy(to: ValType, from: ValType): void {
    this.pop(Math.min(to, from));
    this.pop(from);
    this.pop(to);
  }

  protected checkTableInit(): void {
    const { a: segmentIndex, b: tableIndex } = this.reader;
    const { element } = this.tableAt(tableIndex);
    this.requireElementType(this.elementAt(segmentIndex), element);
  }

  /** Whether a `select` without a type may choose between values of this type. */
  protected requireSelectable(type: ValType): void {
    if (!isReference(type)) return;
    throw this.mismatchText("a number or vector", formatValType(type));
  }

  /** Hand-written rules of the 0xFB page: structs, arrays, casts. */
  protected aggregate(op: number): void {
    switch (op) {
      case 0x100: // struct.new
        return this.structNew();
      case 0x101: // struct.new_default
        return this.structNewDefault();
      case 0x102: // struct.get
        return this.structGet(false);
      case 0x103: // struct.get_s
      case 0x104: // struct.get_u
        return this.structGet(true);
      case 0x105: // struct.set
        return this.structSet();
      case 0x106: // array.new
        return this.arrayNew();
      case 0x107: // array.new_default
        return this.arrayNewDefault();
      case 0x108: // array.new_fixed
        return this.arrayNewFixed();
      case 0x109: // array.new_data
        return this.arrayNewData();
      case 0x10a: // array.new_elem
        return this.arrayNewElem();
      case 0x10b: // array.get
        return this.arrayGet(false);
      case 0x10c: // array.get_s
      case 0x10d: // array.get_u
        return this.arrayGet(true);
      case 0x10e: // array.set
        return this.arraySet();
      case 0x10f: // array.len
        return this.arrayLen();
      case 0x110: // array.fill
        return this.arrayFill();
      case 0x111: // array.copy
        return this.arrayCopy();
      case 0x112: // array.init_data
        return this.arrayInitData();
      case 0x113: // array.init_elem
        return this.arrayInitElem();
      case 0x114: // ref.test
      case 0x115: // ref.test null
        return this.refTest();
      case 0x116: // ref.cast
        return this.refCast(false);
      case 0x117: // ref.cast null
        return this.refCast(true);
      case 0x118: // br_on_cast
        return this.branchOnCast(false);
      case 0x119: // br_on_cast_fail
        return this.branchOnCast(true);
      case 0x11a: // any.convert_extern
        return this.anyConvertExtern();
      case 0x11b: // extern.convert_any
        return this.externConvertAny();
      case 0x11c: // ref.i31
        return this.refI31();
      default:
        // A row without a rule is a defect of ours; the tests look for it.
        throw new Error(`no typing rule for ${instructionAt(op)?.name ?? `opcode ${op}`}`);
    }
  }
}
