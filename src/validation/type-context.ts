// The types of one module: subtyping, and the validity of the type section (spec: 3.1 Conventions,
// 3.2 Types, 3.3 Matching). Types that are equal by their recursion groups have one id
// (type-table.ts), so that equality is an integer comparison.

import {
  BOT,
  formatValType,
  HEAP_ANY,
  HEAP_ARRAY,
  HEAP_BOT,
  HEAP_EQ,
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_FUNC,
  HEAP_I31,
  HEAP_NOEXN,
  HEAP_NOEXTERN,
  HEAP_NOFUNC,
  HEAP_NONE,
  HEAP_STRUCT,
  type HeapType,
  heapOf,
  isDefaultable,
  isNullable,
  isReference,
  type ValType,
} from "../isa/types.ts";
import { InvalidError, listed } from "../module/errors.ts";
import { type DecodingLimits, limitOn } from "../module/limits.ts";
import type { FieldType, FuncType, StructType, SubType } from "../module/module.ts";
import { Piece, type Rest } from "../module/pieces.ts";
import { depthOfId, fieldsOf, idMatches, partsOf, TypeIdentifier } from "./type-table.ts";

/** The abstract heap type directly above a composite type of this kind, and its bottom. */
export const KIND_HEAPS = { func: HEAP_FUNC, struct: HEAP_STRUCT, array: HEAP_ARRAY } as const;

/** Pairs of types that are remembered; a power of two. */
const KNOWN = 64;

/** Types of a module and their matching relation. Grows as recursion groups are added. */
export class TypeContext {
  readonly types: readonly SubType[];
  private readonly limits: DecodingLimits;
  private readonly identifier: TypeIdentifier;
  /** Id of each type whose group is complete. */
  private readonly ids: readonly number[];
  /** For each kind of struct that has been asked for: whether all of its fields have defaults. */
  private readonly defaultable = new Map<StructType, boolean>();
  /** Pairs of types that were found to match lately, by a hash of both. */
  private readonly knownSubs = new Int32Array(KNOWN).fill(-1);
  private readonly knownSups = new Int32Array(KNOWN);
  /** Where the types of the open group stand in the module. */
  private offsets: number[] = [];

  constructor(types: readonly SubType[], limits: DecodingLimits) {
    this.types = types;
    this.limits = limits;
    this.identifier = new TypeIdentifier(types);
    this.ids = this.identifier.ids;
  }

  /**
   * Takes up the type `index`, which stands at `offset`; with the last one of a group, all of it.
   * @throws InvalidError, MalformedError
   */
  add(index: number, offset: number): Rest {
    const { groupSize, groupStart } = this.types[index];
    const end = groupStart + groupSize;
    this.offsets.push(offset);
    this.checkReferences(index, end, offset);
    this.identifier.read(index);
    return index + 1 === end ? this.completeGroup(groupStart, end) : null;
  }

  private *completeGroup(start: number, end: number): Generator<void, void> {
    yield* this.identifier.identify(end);
    const piece = new Piece();
    for (let i = start; i < end; i++) {
      this.checkSupertype(i, this.offsets[i - start]);
      if (piece.isFull(partsOf(this.types[i].composite))) yield;
    }
    this.offsets = [];
  }

  /** Every type index inside type `index` must be below `end`, a supertype's below `index`. */
  private checkReferences(index: number, end: number, offset: number): void {
    const { composite, supers } = this.types[index];
    const check = (type: ValType) => {
      if (!isReference(type) || heapOf(type) < end) return;
      throw new InvalidError("unknown type", `${heapOf(type)}, in type ${index}`, { offset });
    };
    if (composite.kind === "func") {
      for (const type of composite.params) check(type);
      for (const type of composite.results) check(type);
    } else {
      for (const field of fieldsOf(composite)) check(field.type);
    }
    for (const parent of supers) {
      if (parent < index) continue;
      const detail = `${parent}, as supertype of type ${index}`;
      throw new InvalidError("unknown type", detail, { offset });
    }
    if (supers.length > 1) {
      const detail = `type ${index} has ${supers.length} supertypes`;
      throw new InvalidError("sub type", detail, { offset });
    }
  }

  private checkSupertype(index: number, offset: number): void {
    const { composite, supers } = this.types[index];
    if (supers.length === 0) return;
    const [parent] = supers;
    const depth = depthOfId(this.ids[index]);
    limitOn(this.limits, "subtypingDepth", depth, offset);
    if (this.types[parent].final) {
      const detail = `type ${index} extends type ${parent}, which is final`;
      throw new InvalidError("sub type", detail, { offset });
    }
    if (!this.compositeMatches(composite, this.types[parent].composite)) {
      const detail = `type ${index} does not match its supertype, type ${parent}`;
      throw new InvalidError("sub type", detail, { offset });
    }
  }

  private compositeMatches(sub: SubType["composite"], sup: SubType["composite"]): boolean {
    if (sub.kind === "func" || sup.kind === "func") {
      return sub.kind === "func" && sup.kind === "func" && this.funcMatches(sub, sup);
    }
    if (sub.kind !== sup.kind) return false;
    const subFields = fieldsOf(sub);
    const supFields = fieldsOf(sup);
    return (
      subFields.length >= supFields.length &&
      supFields.every((field, i) => this.fieldMatches(subFields[i], field))
    );
  }

  private fieldMatches(sub: FieldType, sup: FieldType): boolean {
    if (sub.mutable !== sup.mutable || !this.matches(sub.type, sup.type)) return false;
    return !sub.mutable || this.matches(sup.type, sub.type);
  }

  /** Function type matching: parameters the other way round (spec: 3.3.8). */
  funcMatches(sub: FuncType, sup: FuncType): boolean {
    return (
      this.resultMatches(sup.params, sub.params) && this.resultMatches(sub.results, sup.results)
    );
  }

  /** Result type matching, one by one (spec: 3.3.5). */
  resultMatches(sub: readonly ValType[], sup: readonly ValType[]): boolean {
    if (sub === sup) return true;
    return sub.length === sup.length && sub.every((type, i) => this.matches(type, sup[i]));
  }

  /** Whether a value of type `sub` may stand where `sup` is asked for (spec: 3.3.4). */
  matches(sub: ValType, sup: ValType): boolean {
    if (sub === sup || sub === BOT) return true;
    if (!isReference(sub) || !isReference(sup)) return false;
    if (isNullable(sub) && !isNullable(sup)) return false;
    return this.heapMatches(heapOf(sub), heapOf(sup));
  }

  /** Heap type matching (spec: 3.3.3). */
  heapMatches(sub: HeapType, sup: HeapType): boolean {
    if (sub === sup || sub === HEAP_BOT) return true;
    if (sub >= 0 && sup >= 0) return this.typeMatches(sub, sup);
    if (sub >= 0) return abstractMatches(KIND_HEAPS[this.types[sub].composite.kind], sup);
    if (sup >= 0) {
      return sub === (this.types[sup].composite.kind === "func" ? HEAP_NOFUNC : HEAP_NONE);
    }
    return abstractMatches(sub, sup);
  }

  private typeMatches(sub: number, sup: number): boolean {
    const at = (Math.imul(sub, 31) + sup) & (KNOWN - 1);
    if (this.knownSubs[at] === sub && this.knownSups[at] === sup) return true;
    const matches = idMatches(this.ids[sub], this.ids[sup]);
    if (matches) {
      this.knownSubs[at] = sub;
      this.knownSups[at] = sup;
    }
    return matches;
  }

  /** The top of the hierarchy a heap type belongs to. */
  topOf(heap: HeapType): HeapType {
    const abstract = heap >= 0 ? KIND_HEAPS[this.types[heap].composite.kind] : heap;
    switch (abstract) {
      case HEAP_FUNC:
      case HEAP_NOFUNC:
        return HEAP_FUNC;
      case HEAP_EXTERN:
      case HEAP_NOEXTERN:
        return HEAP_EXTERN;
      case HEAP_EXN:
      case HEAP_NOEXN:
        return HEAP_EXN;
      default:
        return HEAP_ANY;
    }
  }

  /** Whether all fields of a struct have a default value. */
  isDefaultable(type: StructType): boolean {
    let known = this.defaultable.get(type);
    if (known === undefined) {
      known = type.fields.every((field) => isDefaultable(field.type));
      this.defaultable.set(type, known);
    }
    return known;
  }

  /** Raises InvalidError if the type mentions a type index that does not exist. */
  checkValType(type: ValType, offset?: number): void {
    if (isReference(type)) this.checkHeapType(heapOf(type), offset);
  }

  checkHeapType(heap: HeapType, offset?: number): void {
    if (heap < this.types.length) return;
    throw new InvalidError("unknown type", String(heap), offset === undefined ? {} : { offset });
  }

  format(types: readonly ValType[]): string {
    return `[${listed(types, (type) => formatValType(type), " ")}]`;
  }
}

/** Matching of two different abstract heap types. */
export function abstractMatches(sub: HeapType, sup: HeapType): boolean {
  if (sub === sup) return true;
  switch (sup) {
    case HEAP_ANY:
      return sub === HEAP_NONE || (sub <= HEAP_EQ && sub >= HEAP_ARRAY);
    case HEAP_EQ:
      return sub === HEAP_NONE || (sub <= HEAP_I31 && sub >= HEAP_ARRAY);
    case HEAP_I31:
    case HEAP_STRUCT:
    case HEAP_ARRAY:
      return sub === HEAP_NONE;
    case HEAP_FUNC:
      return sub === HEAP_NOFUNC;
    case HEAP_EXTERN:
      return sub === HEAP_NOEXTERN;
    case HEAP_EXN:
      return sub === HEAP_NOEXN;
    default:
      return false;
  }
}
