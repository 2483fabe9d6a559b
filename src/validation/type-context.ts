// The types of one module: canonical types, subtyping, and the validity of the type section (spec:
// 3.1 Conventions, 3.2 Types, 3.3 Matching). Types that are equal by their recursion groups share
// one canonical index, the first of them, so that equality is an integer comparison.

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
  isNullable,
  isReference,
  type ValType,
} from "../isa/types.ts";
import { InvalidError, limitError } from "../module/errors.ts";
import type { DecodingLimits } from "../module/limits.ts";
import type { FieldType, FuncType, SubType } from "../module/module.ts";

/** The abstract heap type directly above a composite type of this kind, and its bottom. */
export const KIND_HEAPS = { func: HEAP_FUNC, struct: HEAP_STRUCT, array: HEAP_ARRAY } as const;

/** Types of a module and their matching relation. Grows as recursion groups are added. */
export class TypeContext {
  readonly types: readonly SubType[];
  private readonly limits: DecodingLimits;
  /** Canonical index of each type. */
  private readonly canonical: number[] = [];
  /** Number of supertypes above each type. */
  private readonly depths: number[] = [];
  private readonly groups = new Map<string, number>();

  constructor(types: readonly SubType[], limits: DecodingLimits) {
    this.types = types;
    this.limits = limits;
  }

  /** Validates and canonicalises the types decoded since the last call. */
  addNewTypes(): void {
    while (this.canonical.length < this.types.length) {
      const start = this.canonical.length;
      const end = start + this.types[start].groupSize;
      for (let i = start; i < end; i++) this.checkReferences(i, end);
      const equal = this.intern(start, end);
      for (let i = start; i < end; i++) this.canonical.push(equal + i - start);
      for (let i = start; i < end; i++) this.checkSupertype(i);
    }
  }

  /** Every type index inside type `index` must be below `end`, a supertype's below `index`. */
  private checkReferences(index: number, end: number): void {
    const { composite, supers } = this.types[index];
    const check = (type: ValType) => {
      if (!isReference(type) || heapOf(type) < end) return;
      throw new InvalidError("unknown type", `${heapOf(type)}, in type ${index}`);
    };
    if (composite.kind === "func") {
      for (const type of composite.params) check(type);
      for (const type of composite.results) check(type);
    } else {
      for (const field of fieldsOf(composite)) check(field.type);
    }
    for (const parent of supers) {
      if (parent >= index) {
        throw new InvalidError("unknown type", `${parent}, as supertype of type ${index}`);
      }
    }
  }

  /** Start of the first recursion group with the same structure. */
  private intern(start: number, end: number): number {
    const name = (heap: HeapType): string => {
      if (heap < 0) return `${heap}`;
      return heap >= start ? `r${heap - start}` : `c${this.canonical[heap]}`;
    };
    const type = (t: ValType): string => {
      return isReference(t) ? `${isNullable(t) ? "n" : "o"}${name(heapOf(t))}` : `${t}`;
    };
    let key = "";
    for (let i = start; i < end; i++) {
      const { composite, final, supers } = this.types[i];
      key += `${final ? "f" : "s"}${supers.map(name)}`;
      if (composite.kind === "func") {
        key += `(${composite.params.map(type)}>${composite.results.map(type)})`;
      } else {
        const fields = fieldsOf(composite).map((f) => `${f.mutable ? "m" : "i"}${type(f.type)}`);
        key += `${composite.kind[0]}${fields};`;
      }
    }
    const known = this.groups.get(key);
    if (known !== undefined) return known;
    this.groups.set(key, start);
    return start;
  }

  private checkSupertype(index: number): void {
    const { composite, supers } = this.types[index];
    if (supers.length > 1) {
      throw new InvalidError("sub type", `type ${index} has ${supers.length} supertypes`);
    }
    const [parent] = supers;
    this.depths.push(parent === undefined ? 0 : this.depths[parent] + 1);
    if (parent === undefined) return;
    if (this.depths[index] > this.limits.subtypingDepth) {
      throw limitError("subtypingDepth", this.depths[index], this.limits.subtypingDepth);
    }
    if (this.types[parent].final) {
      throw new InvalidError("sub type", `type ${index} extends type ${parent}, which is final`);
    }
    if (!this.compositeMatches(composite, this.types[parent].composite)) {
      const detail = `type ${index} does not match its supertype, type ${parent}`;
      throw new InvalidError("sub type", detail);
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
    const target = this.canonical[sup];
    for (
      let type: number | undefined = sub;
      type !== undefined;
      type = this.types[type].supers[0]
    ) {
      if (this.canonical[type] === target) return true;
    }
    return false;
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

  /** Raises InvalidError if the type mentions a type index that does not exist. */
  checkValType(type: ValType, offset?: number): void {
    if (isReference(type)) this.checkHeapType(heapOf(type), offset);
  }

  checkHeapType(heap: HeapType, offset?: number): void {
    if (heap < this.types.length) return;
    throw new InvalidError("unknown type", String(heap), offset === undefined ? {} : { offset });
  }

  format(types: readonly ValType[]): string {
    return `[${types.map((type) => formatValType(type)).join(" ")}]`;
  }
}

function fieldsOf(composite: Exclude<SubType["composite"], FuncType>): readonly FieldType[] {
  return composite.kind === "struct" ? composite.fields : [composite.field];
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
