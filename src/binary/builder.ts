// The module record while it is being decoded: the same fields, growing.

import type { FeatureSet } from "../isa/features.ts";
import { type DecodingLimits, limitOn } from "../module/limits.ts";
import type {
  CustomSection,
  DataSegment,
  ElementSegment,
  Export,
  Global,
  Import,
  Memory,
  ModuleRecord,
  SectionSpan,
  SubType,
  Table,
} from "../module/module.ts";
import { type NameSection, NO_NAMES } from "../module/names.ts";
import { NameIndex } from "./name-index.ts";
import { readNameSection } from "./name-section.ts";

/** A growing `ModuleRecord`. Sections append to it; nothing is ever taken back. */
export class ModuleBuilder implements ModuleRecord {
  bytes: Uint8Array = new Uint8Array(0);
  readonly features: FeatureSet;
  readonly types: SubType[] = [];
  readonly imports: Import[] = [];
  readonly functions: number[] = [];
  importedFunctions = 0;
  readonly tables: Table[] = [];
  importedTables = 0;
  readonly memories: Memory[] = [];
  importedMemories = 0;
  readonly globals: Global[] = [];
  importedGlobals = 0;
  readonly vectorGlobals: number[] = [];
  readonly tags: number[] = [];
  importedTags = 0;
  readonly exports: Export[] = [];
  start: number | null = null;
  readonly elements: ElementSegment[] = [];
  readonly data: DataSegment[] = [];
  dataCount: number | null = null;
  readonly bodyStarts: number[] = [];
  readonly bodyEnds: number[] = [];
  readonly customs: CustomSection[] = [];
  readonly sections: SectionSpan[] = [];
  recordBytes = 0;
  private readonly limits: DecodingLimits;
  private nameSection: NameSection | null = null;

  readonly functionNames: NameIndex;

  constructor(features: FeatureSet, limits: DecodingLimits) {
    this.features = features;
    this.limits = limits;
    this.functionNames = new NameIndex(this, limits);
  }

  /** Counts memory that the description takes, for what stands at `offset`. */
  charge(bytes: number, offset: number): void {
    this.recordBytes += bytes;
    limitOn(this.limits, "recordBytes", this.recordBytes, offset);
  }

  /** Decoded when first asked for: a large name section costs nothing while nobody reads it. */
  get names(): NameSection {
    if (this.nameSection === null) {
      const custom = this.customs.find((section) => section.name === "name");
      if (custom === undefined) return NO_NAMES;
      this.nameSection = readNameSection(this.bytes, custom.start, custom.end);
    }
    return this.nameSection;
  }
}
