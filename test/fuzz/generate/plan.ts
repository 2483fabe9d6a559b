// Decides what a generated module declares (spec: 2.5 Modules): types, imports, functions, tables,
// memories, tags, globals, segments. Function bodies are generated against a finished plan
// (body.ts), constant expressions here need only what comes before them (constant.ts).

import { type Feature, type FeatureSet, featureBit } from "../../../src/isa/features.ts";
import {
  EXNREF,
  FUNCREF,
  HEAP_EXN,
  HEAP_FUNC,
  I32,
  isDefaultable,
  refType,
  type ValType,
} from "../../../src/isa/types.ts";
import type { GlobalType, MemoryType, TableType } from "../../../src/module/module.ts";
import type { Random } from "../random.ts";
import { ConstantGenerator } from "./constant.ts";
import { type MistakeKind, TypeSpace } from "./types.ts";

/** What a generated module may contain, and how it should behave. */
export interface GenerateOptions {
  readonly features: FeatureSet;
  /**
   * Makes execution end soon and mostly without traps: functions and loops count down an exported
   * global `fuel` and trap when it is used up, addresses are small, nothing is imported. Default
   * false.
   */
  readonly bounded?: boolean;
  /** Functions that a bounded module imports. Default 0. */
  readonly hostFunctions?: number;
  /** Instructions in a function body, roughly. Default 60. */
  readonly bodySize?: number;
  /** Breaks typing rules of one kind now and then. Default null: never. */
  readonly mistakes?: MistakeKind | null;
}

/** A table with its initialiser, null where there is none. */
export interface PlannedTable {
  readonly type: TableType;
  readonly init: Uint8Array | null;
}

export interface PlannedGlobal {
  readonly type: GlobalType;
  /** null for an import. */
  readonly init: Uint8Array | null;
}

export interface PlannedElements {
  readonly mode: "active" | "passive" | "declarative";
  readonly table: number;
  readonly at: Uint8Array | null;
  readonly type: ValType;
  /** Either function indices or constant expressions. */
  readonly functions: readonly number[] | null;
  readonly expressions: readonly Uint8Array[] | null;
}

export interface PlannedData {
  readonly mode: "active" | "passive";
  readonly memory: number;
  readonly at: Uint8Array | null;
  readonly content: Uint8Array;
}

const COUNT_32 = [0n, 1n, 2n, 7n, 100n] as const;

/** Everything a module declares but its function bodies. */
export class Plan {
  readonly features: FeatureSet;
  readonly bounded: boolean;
  readonly bodySize: number;
  private readonly hostFunctions: number;
  readonly random: Random;
  readonly types: TypeSpace;
  /** Type index of each function; imports first, as in every index space. */
  readonly functions: number[] = [];
  readonly tables: PlannedTable[] = [];
  readonly memories: MemoryType[] = [];
  readonly tags: number[] = [];
  readonly globals: PlannedGlobal[] = [];
  readonly elements: PlannedElements[] = [];
  readonly data: PlannedData[] = [];
  readonly imported = { func: 0, table: 0, memory: 0, global: 0, tag: 0 };
  readonly start: number | null;
  /** Index of the global that bounds execution; null unless `bounded`. */
  readonly fuel: number | null;
  readonly constants: ConstantGenerator;

  constructor(random: Random, options: GenerateOptions) {
    this.random = random;
    this.features = oneExceptionProposal(random, options.features);
    this.bounded = options.bounded ?? false;
    this.bodySize = options.bodySize ?? 60;
    this.hostFunctions = options.hostFunctions ?? 0;
    this.types = new TypeSpace(random, this.features, options.mistakes ?? null);
    this.constants = new ConstantGenerator(this);
    this.planTypes();
    this.planFunctions();
    this.planMemories();
    this.planTags();
    this.planImportedGlobals();
    this.planTables();
    this.planGlobals();
    this.fuel = this.bounded ? this.addFuel() : null;
    this.planElements();
    this.planData();
    this.start = this.planStart();
  }

  has(feature: Feature): boolean {
    return (this.features & featureBit(feature)) !== 0;
  }

  /** Whether tags and `throw` exist. */
  get hasTags(): boolean {
    return this.has("exceptions") || this.has("legacy-exceptions");
  }

  private get passiveSegments(): boolean {
    return this.has("bulk-memory");
  }

  private planTypes(): void {
    const { random, types } = this;
    types.fill(random.between(1, 12));
    types.func([], []);
    types.func([I32], [I32]);
  }

  private funcTypes(): number[] {
    return this.types.indices((def) => def.kind === "func");
  }

  private planFunctions(): void {
    const { random } = this;
    const candidates = this.funcTypes();
    this.imported.func = this.bounded ? this.hostFunctions : random.pick([0, 0, 1, 3]);
    const count = this.imported.func + random.between(1, 6);
    for (let i = 0; i < count; i++) this.functions.push(random.pick(candidates));
  }

  private planMemories(): void {
    const { random } = this;
    const count = this.has("multi-memory") ? random.pick([0, 1, 1, 2, 3]) : random.pick([0, 1, 1]);
    for (let i = 0; i < count; i++) this.memories.push(this.memoryType());
    this.imported.memory = this.bounded ? 0 : random.below(count + 1) * random.below(2);
  }

  private memoryType(): MemoryType {
    const { random } = this;
    const address64 = this.has("memory64") && random.oneIn(3);
    const shared = this.has("threads") && random.oneIn(4);
    const pageSizeLog2 = this.has("custom-page-sizes") && random.oneIn(3) ? 0 : 16;
    const min = this.bounded ? 1n : random.pick([0n, 1n, 1n, 2n]);
    const max = shared || random.oneIn(2) ? min + random.pick([0n, 1n, 5n]) : null;
    return { min, max, address64, shared, pageSizeLog2 };
  }

  private planTags(): void {
    if (!this.hasTags) return;
    const { random, types } = this;
    const candidates = types.indices((def) => def.kind === "func" && def.results.length === 0);
    const count = random.between(0, 3);
    for (let i = 0; i < count; i++) this.tags.push(random.pick(candidates));
    this.imported.tag = this.bounded ? 0 : random.below(count + 1) * random.below(2);
    if (!this.has("exceptions") || !this.has("multi-value")) return;
    // Blocks that receive what a catch clause hands over need function types.
    for (const tag of this.tags) {
      const { params } = types.defs[tag];
      types.func([], params);
      const typed = this.has("function-references") && random.oneIn(2);
      types.func([], [...params, typed ? refType(HEAP_EXN, false) : EXNREF]);
    }
  }

  private planImportedGlobals(): void {
    if (this.bounded) return;
    const { random } = this;
    this.imported.global = random.pick([0, 0, 1, 3]);
    for (let i = 0; i < this.imported.global; i++) {
      const mutable = this.has("mutable-globals") && random.oneIn(3);
      this.globals.push({ type: { type: this.types.valType(), mutable }, init: null });
    }
  }

  private planGlobals(): void {
    const { random, constants } = this;
    const count = random.between(0, 5);
    for (let i = 0; i < count; i++) {
      const type = constants.possible(this.types.valType());
      const init = constants.expression(type);
      this.globals.push({ type: { type, mutable: random.oneIn(2) }, init });
    }
  }

  private addFuel(): number {
    const init = Uint8Array.of(0x41, 0xe8, 0x07, 0x0b); // i32.const 1000, end
    this.globals.push({ type: { type: I32, mutable: true }, init });
    return this.globals.length - 1;
  }

  private planTables(): void {
    const { random } = this;
    const several = this.has("reference-types");
    const count = several ? random.pick([0, 1, 2, 3]) : random.pick([0, 1]);
    this.imported.table = this.bounded ? 0 : random.below(count + 1) * random.below(2);
    for (let i = 0; i < count; i++) {
      // An initialiser sees the imported globals only, since tables come before globals.
      const element = several ? this.types.reference() : FUNCREF;
      this.tables.push(this.table(element, i < this.imported.table));
    }
  }

  private table(element: ValType, imported: boolean): PlannedTable {
    const { random } = this;
    // Active segments have up to three elements; they must fit where the module is to be run.
    const min = this.bounded ? 8n : random.pick(COUNT_32);
    const max = random.oneIn(2) ? min + random.pick(COUNT_32) : null;
    const address64 = this.has("memory64") && random.oneIn(3);
    const limits = { min, max, address64, shared: false };
    if (imported) return { type: { ...limits, element }, init: null };
    const type = this.constants.possible(element);
    const withInit = this.has("function-references") && (!isDefaultable(type) || random.oneIn(3));
    const init = withInit ? this.constants.expression(type) : null;
    return { type: { ...limits, element: type }, init };
  }

  private planElements(): void {
    const { random } = this;
    const count = random.between(0, 4);
    for (let i = 0; i < count; i++) {
      const segment = this.passiveSegments ? this.elementSegment() : this.plainElementSegment();
      if (segment !== null) this.elements.push(segment);
    }
    // Every function may be named by ref.func.
    if (!this.passiveSegments) return;
    const functions = this.functions.map((_, index) => index);
    const type = refType(HEAP_FUNC, false);
    const rest = { table: 0, at: null, type, functions, expressions: null };
    this.elements.push({ mode: "declarative", ...rest });
  }

  private plainElementSegment(): PlannedElements | null {
    const [table] = this.tables;
    if (table === undefined || !this.types.matches(refType(HEAP_FUNC, false), table.type.element)) {
      return null;
    }
    const type = refType(HEAP_FUNC, false);
    const functions = this.someFunctions();
    const at = this.offset(table.type.address64);
    return { mode: "active", table: 0, at, type, functions, expressions: null };
  }

  private someFunctions(): number[] {
    return this.random.times(this.random.below(4), () => this.random.below(this.functions.length));
  }

  private elementSegment(): PlannedElements | null {
    const { random, constants } = this;
    const mode = random.pick(["active", "passive", "declarative"] as const);
    const table = random.below(this.tables.length);
    const target = this.tables[table]?.type;
    if (mode === "active" && target === undefined) return null;
    const byIndex = random.oneIn(2) || !this.has("reference-types");
    const wanted = mode === "active" ? target.element : this.types.reference();
    const type = byIndex ? refType(HEAP_FUNC, false) : constants.possible(this.narrowed(wanted));
    if (mode === "active" && !this.types.matches(type, wanted)) return null;
    const functions = byIndex ? this.someFunctions() : null;
    const expressions = byIndex
      ? null
      : random.times(random.below(4), () => constants.expression(type));
    const at = mode === "active" ? this.offset(target.address64) : null;
    return { mode, table: mode === "active" ? table : 0, at, type, functions, expressions };
  }

  private narrowed(type: ValType): ValType {
    return this.types.narrower(type);
  }

  private planData(): void {
    const { random } = this;
    const count = random.between(0, 3);
    for (let i = 0; i < count; i++) {
      const content = Uint8Array.from(random.times(random.below(12), () => random.below(256)));
      const memory = random.below(this.memories.length);
      if (this.memories.length > 0 && (!this.passiveSegments || random.oneIn(2))) {
        const at = this.offset(this.memories[memory].address64);
        this.data.push({ mode: "active", memory, at, content });
      } else if (this.passiveSegments) {
        this.data.push({ mode: "passive", memory: 0, at: null, content });
      }
    }
  }

  /** Offset of an active segment; 0 where the module is to be run. */
  private offset(address64: boolean): Uint8Array {
    if (this.bounded) return Uint8Array.of(address64 ? 0x42 : 0x41, 0, 0x0b);
    return this.constants.address(address64);
  }

  private planStart(): number | null {
    const plain = this.functions.flatMap((type, index) => {
      const { params, results } = this.types.defs[type];
      return params.length === 0 && results.length === 0 ? [index] : [];
    });
    return this.random.oneIn(3) ? (this.random.pickFrom(plain) ?? null) : null;
  }
}

/** Engines refuse modules that use both exceptions proposals, so a module uses at most one. */
function oneExceptionProposal(random: Random, features: FeatureSet): FeatureSet {
  const old = featureBit("legacy-exceptions");
  const both = old | featureBit("exceptions");
  if ((features & both) !== both) return features;
  return features & ~(random.oneIn(4) ? featureBit("exceptions") : old);
}
