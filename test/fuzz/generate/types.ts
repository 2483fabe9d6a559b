// Random type sections for generated modules (spec: 2.3, 3.2, 3.3) and the matching relation the
// generator relies on. The relation is the generator's own and smaller than the specification's:
// it only says yes where that is plain, so that it cannot repeat a mistake of src/validation.

import { type Feature, type FeatureSet, featureBit } from "../../../src/isa/features.ts";
import {
  ANYREF,
  ARRAYREF,
  EQREF,
  EXNREF,
  EXTERNREF,
  F32,
  F64,
  FUNCREF,
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
  I8,
  I16,
  I31REF,
  I32,
  I64,
  isNullable,
  isReference,
  nonNull,
  refType,
  STRUCTREF,
  V128,
  type ValType,
} from "../../../src/isa/types.ts";
import type { FieldType } from "../../../src/module/module.ts";
import type { Random } from "../random.ts";
import { type ByteWriter, type ModuleWriter, SECTION } from "../writer.ts";

/** A type definition. Unused parts stay empty. */
export interface TypeDef {
  readonly kind: "func" | "struct" | "array";
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
  /** Of an array, exactly one. */
  readonly fields: readonly FieldType[];
  readonly final: boolean;
  readonly parent: number | null;
}

/**
 * Rules that can be broken on purpose, each in one of so many decisions: those of the type section,
 * of matching (which pairs of types), of operands, of locals without a value.
 */
const MISTAKES = { types: 5, matching: 12, operands: 150, locals: 3 } as const;

export type MistakeKind = keyof typeof MISTAKES;

/** All kinds of mistakes. */
export const MISTAKE_KINDS = Object.keys(MISTAKES) as readonly MistakeKind[];

interface Group {
  readonly start: number;
  readonly size: number;
}

const NONE: readonly never[] = [];

/** Abstract heap types directly above each abstract heap type. */
const ABOVE = new Map<HeapType, readonly HeapType[]>([
  [HEAP_NONE, [HEAP_I31, HEAP_STRUCT, HEAP_ARRAY]],
  [HEAP_I31, [HEAP_EQ]],
  [HEAP_STRUCT, [HEAP_EQ]],
  [HEAP_ARRAY, [HEAP_EQ]],
  [HEAP_EQ, [HEAP_ANY]],
  [HEAP_NOFUNC, [HEAP_FUNC]],
  [HEAP_NOEXTERN, [HEAP_EXTERN]],
  [HEAP_NOEXN, [HEAP_EXN]],
]);

const KIND_HEAPS = { func: HEAP_FUNC, struct: HEAP_STRUCT, array: HEAP_ARRAY } as const;

/** The types of a module being generated. */
export class TypeSpace {
  readonly defs: TypeDef[] = [];
  private readonly groups: Group[] = [];
  /** For each type the index of the first type it is a copy of, itself if it is none. */
  private readonly originals: number[] = [];
  private readonly random: Random;
  private readonly features: FeatureSet;
  private readonly mistakes: MistakeKind | null;
  private readonly mistaken = new Map<string, boolean>();

  constructor(random: Random, features: FeatureSet, mistakes: MistakeKind | null) {
    this.random = random;
    this.features = features;
    this.mistakes = mistakes;
  }

  /** Whether to break a rule of this kind now. */
  mistake(kind: MistakeKind): boolean {
    return this.mistakes === kind && this.random.oneIn(MISTAKES[kind]);
  }

  has(feature: Feature): boolean {
    return (this.features & featureBit(feature)) !== 0;
  }

  // Value types

  /** The types a value can have that mention no type index. */
  private simpleTypes(): ValType[] {
    const types = [I32, I64, F32, F64, I32, I64];
    if (this.has("simd")) types.push(V128);
    if (this.has("reference-types")) types.push(FUNCREF, EXTERNREF);
    if (this.has("exceptions")) types.push(EXNREF);
    if (this.has("gc")) types.push(ANYREF, EQREF, I31REF, STRUCTREF, ARRAYREF);
    return types;
  }

  private abstractHeaps(): HeapType[] {
    const heaps = [HEAP_FUNC, HEAP_EXTERN];
    if (this.has("exceptions")) heaps.push(HEAP_EXN, HEAP_NOEXN);
    if (!this.has("gc")) return heaps;
    heaps.push(HEAP_ANY, HEAP_EQ, HEAP_I31, HEAP_STRUCT, HEAP_ARRAY, HEAP_NONE, HEAP_NOFUNC);
    return [...heaps, HEAP_NOEXTERN];
  }

  /** A random value type whose type indices are below `limit`. */
  valType(limit = this.defs.length): ValType {
    const { random } = this;
    if (!this.has("function-references") || !random.oneIn(4))
      return random.pick(this.simpleTypes());
    return this.reference(limit);
  }

  /** A random reference type; `reference-types` must be on. */
  reference(limit = this.defs.length): ValType {
    const { random } = this;
    if (!this.has("function-references")) return random.pick([FUNCREF, EXTERNREF]);
    const nullable = !random.oneIn(3);
    if (limit > 0 && random.oneIn(2)) return refType(random.below(limit), nullable);
    return refType(random.pick(this.abstractHeaps()), nullable);
  }

  /** A random number type. */
  number(): ValType {
    return this.random.pick([I32, I64, F32, F64]);
  }

  // Definitions

  /** Adds random recursion groups until there are at least `count` types. */
  fill(count: number): void {
    while (this.defs.length < count) {
      if (this.has("gc") && this.groups.length > 0 && this.random.oneIn(6)) this.copyGroup();
      else this.addGroup(this.has("gc") && this.random.oneIn(3) ? this.random.between(0, 3) : 1);
    }
  }

  /** Index of a plain function type with these parameters and results, added if need be. */
  func(params: readonly ValType[], results: readonly ValType[]): number {
    const same = (a: readonly ValType[], b: readonly ValType[]) =>
      a.length === b.length && a.every((type, index) => type === b[index]);
    const known = this.defs.findIndex(
      (def) => def.kind === "func" && same(def.params, params) && same(def.results, results),
    );
    if (known >= 0) return known;
    this.addDefs([{ kind: "func", params, results, fields: NONE, final: true, parent: null }]);
    return this.defs.length - 1;
  }

  private addDefs(defs: readonly TypeDef[], originals: readonly number[] = NONE): void {
    this.groups.push({ start: this.defs.length, size: defs.length });
    defs.forEach((def, index) => {
      this.originals.push(originals[index] ?? this.defs.length);
      this.defs.push(def);
    });
  }

  private addGroup(size: number): void {
    const end = this.defs.length + size;
    const start = this.defs.length;
    const defs: TypeDef[] = [];
    for (let i = 0; i < size; i++) defs.push(this.randomDef(start, defs, end));
    this.addDefs(defs);
  }

  private randomDef(start: number, group: readonly TypeDef[], end: number): TypeDef {
    const { random } = this;
    const parent = random.oneIn(3) ? this.extensible(start) : null;
    const final = !this.has("gc") || random.oneIn(2);
    if (parent !== null) return this.extended(parent, final, end);
    const kind = this.has("gc") ? random.pick(["func", "struct", "array"] as const) : "func";
    const limit = this.has("gc") ? end : start + group.length;
    const base = { kind, params: NONE, results: NONE, fields: NONE, final, parent: null };
    if (kind === "func") return { ...base, ...this.signature(limit) };
    const count = kind === "array" ? 1 : random.between(0, 4);
    return { ...base, fields: random.times(count, () => this.field(limit)) };
  }

  private signature(limit: number) {
    const { random } = this;
    const results = this.has("multi-value") ? random.pick([0, 0, 1, 1, 2, 3]) : random.below(2);
    return {
      params: random.times(random.pick([0, 0, 1, 2, 3, 5]), () => this.valType(limit)),
      results: random.times(results, () => this.valType(limit)),
    };
  }

  private field(limit: number): FieldType {
    const { random } = this;
    const type = random.oneIn(4) ? random.pick([I8, I16]) : this.valType(limit);
    return { type, mutable: random.oneIn(2) };
  }

  /** A complete earlier type that is not final and not too deep. */
  private extensible(start: number): number | null {
    const found = this.random.below(start);
    const def = this.defs[found];
    if (def === undefined || this.depth(found) > 20) return null;
    return def.final && !this.mistake("types") ? null : found;
  }

  private depth(index: number): number {
    const { parent } = this.defs[index];
    return parent === null ? 0 : this.depth(parent) + 1;
  }

  /** A subtype: more fields, and narrower ones where the field cannot be written. */
  private extended(parent: number, final: boolean, end: number): TypeDef {
    const { random } = this;
    const def = this.defs[parent];
    const fields = def.fields.map((field) => this.subField(field));
    if (def.kind === "struct") {
      fields.push(...random.times(random.below(3), () => this.field(end)));
      if (this.mistake("types")) fields.pop();
    }
    const params = def.params.map((type) => (this.mistake("types") ? this.narrower(type) : type));
    const results = def.results.map((type) => this.narrower(type));
    return { ...def, fields, params, results, final, parent };
  }

  private subField({ type, mutable }: FieldType): FieldType {
    const changeable = !mutable || this.mistake("types");
    const flipped = this.mistake("types") ? !mutable : mutable;
    return { type: changeable ? this.narrower(type) : type, mutable: flipped };
  }

  /** The type itself or a subtype. */
  narrower(type: ValType): ValType {
    const { random } = this;
    if (!isReference(type) || !this.has("function-references") || random.oneIn(2)) return type;
    const candidates = random.times(4, () => this.reference(this.originals.length));
    if (this.has("gc")) candidates.push(refType(this.bottom(heapOf(type)), isNullable(type)));
    candidates.push(nonNull(type));
    return random.pickFrom(candidates.filter((other) => this.matches(other, type))) ?? type;
  }

  /** Appends a group that equals an earlier one. */
  private copyGroup(): void {
    const { start, size } = this.random.pick(this.groups);
    const shift = this.defs.length - start;
    const moved = (type: ValType): ValType => {
      const inside = isReference(type) && heapOf(type) >= start && heapOf(type) < start + size;
      if (!inside) return type;
      // A mistake refers to another type of the group, so that the copy is none.
      const index = this.mistake("types") ? this.random.below(size) : heapOf(type) - start;
      return refType(start + shift + index, isNullable(type));
    };
    const group = this.defs.slice(start, start + size);
    const copies = group.map((def) => ({
      ...def,
      params: def.params.map(moved),
      results: def.results.map(moved),
      fields: def.fields.map(({ type, mutable }) => ({ type: moved(type), mutable })),
    }));
    this.addDefs(copies, this.originals.slice(start, start + size));
  }

  // Matching

  /** Whether a `sub` may stand where a `sup` is asked for. */
  matches(sub: ValType, sup: ValType): boolean {
    if (sub === sup) return true;
    if (!isReference(sub) || !isReference(sup)) return false;
    if (this.mistakes === "matching" && this.isMistaken(sub, sup)) return true;
    if (isNullable(sub) && !isNullable(sup)) return false;
    return this.heapMatches(heapOf(sub), heapOf(sup));
  }

  /** Pairs of types that wrongly match in this module; the same answer every time. */
  private isMistaken(sub: ValType, sup: ValType): boolean {
    const key = `${sub} ${sup}`;
    let answer = this.mistaken.get(key);
    if (answer === undefined) {
      answer = this.mistake("matching");
      this.mistaken.set(key, answer);
    }
    return answer;
  }

  allMatch(subs: readonly ValType[], sups: readonly ValType[]): boolean {
    return subs.length === sups.length && subs.every((sub, i) => this.matches(sub, sups[i]));
  }

  heapMatches(sub: HeapType, sup: HeapType): boolean {
    if (sub === sup) return true;
    if (sub >= 0 && sup >= 0) {
      if (this.originals[sub] === this.originals[sup]) return true;
      const { parent } = this.defs[sub] ?? { parent: null };
      return parent !== null && this.heapMatches(parent, sup);
    }
    if (sup >= 0) return sub === this.bottom(sup);
    if (sub >= 0) return this.heapMatches(this.kindHeap(sub), sup);
    return (ABOVE.get(sub) ?? NONE).some((above) => this.heapMatches(above, sup));
  }

  /** The abstract heap type above a type index; of a type still to come, none. */
  private kindHeap(index: number): HeapType {
    const def = this.defs[index];
    return def === undefined ? HEAP_BOT : KIND_HEAPS[def.kind];
  }

  /** The top of the hierarchy of a heap type. */
  top(heap: HeapType): HeapType {
    const abstract = heap >= 0 ? this.kindHeap(heap) : heap;
    return (
      [HEAP_FUNC, HEAP_EXTERN, HEAP_EXN].find((top) => this.heapMatches(abstract, top)) ?? HEAP_ANY
    );
  }

  /** The bottom of the hierarchy of a heap type. */
  bottom(heap: HeapType): HeapType {
    switch (this.top(heap)) {
      case HEAP_FUNC:
        return HEAP_NOFUNC;
      case HEAP_EXTERN:
        return HEAP_NOEXTERN;
      case HEAP_EXN:
        return HEAP_NOEXN;
      default:
        return HEAP_NONE;
    }
  }

  /** Indices of the definitions for which `accept` holds. */
  indices(accept: (def: TypeDef, index: number) => boolean): number[] {
    const found: number[] = [];
    this.defs.forEach((def, index) => {
      if (accept(def, index)) found.push(index);
    });
    return found;
  }

  // Binary format

  write(module: ModuleWriter): void {
    module.vectorSection(SECTION.type, this.groups, (w, { start, size }) => {
      const group = this.defs.slice(start, start + size);
      if (size !== 1 || (this.has("gc") && this.random.oneIn(4))) w.byte(0x4e).u32(size);
      for (const def of group) this.writeDef(w, def);
    });
  }

  private writeDef(w: ByteWriter, { final, parent, ...def }: TypeDef): void {
    if (!final || parent !== null || (this.has("gc") && this.random.oneIn(5))) {
      w.byte(final ? 0x4f : 0x50).vector(parent === null ? [] : [parent], (index) => w.u32(index));
    }
    if (def.kind === "func") {
      w.byte(0x60).vector(def.params, (type) => w.valType(type));
      w.vector(def.results, (type) => w.valType(type));
    } else if (def.kind === "struct") {
      w.byte(0x5f).vector(def.fields, (field) => writeField(w, field));
    } else writeField(w.byte(0x5e), def.fields[0]);
  }
}

function writeField(w: ByteWriter, { type, mutable }: FieldType): void {
  w.valType(type).byte(mutable ? 1 : 0);
}
