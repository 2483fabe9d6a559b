// The host's module for a module of the guest's: functions that pay and can be stopped, beside
// memories and tables that are imported, and globals of its own that are exported. Functions that
// are nothing for the host call the runtime.

import { Cursor } from "../binary/cursor.ts";
import type { FeatureSet } from "../isa/features.ts";
import type { PriceTable } from "../isa/prices.ts";
import { I32 } from "../isa/types.ts";
import {
  type FuncType,
  funcTypeAt,
  type Limits,
  type ModuleRecord,
  SECTION_NAMES,
} from "../module/module.ts";
import type { BodyValidator } from "../validation/body.ts";
import { functionValidator } from "../validation/module.ts";
import { ByteWriter } from "./bytes.ts";
import { HostEmitter } from "./emitter.ts";
import { BranchHints, EMPTY_BODY, emptyFunctions } from "./hints.ts";
import { HostImports, type RuntimeImport } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import { OP } from "./opcodes.ts";
import type { Site } from "./sites.ts";
import { type HostTarget, sharedWith } from "./target.ts";
import { canHold, KEPT, typeCode, writeDummy } from "./values.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const MUTABLE = 1;
/** Instructions after which it is asked whether a function is too dear. */
const STEP = 64;

/** Names of imports and exports, numbered by the guest's index spaces. */
export const NAMES = {
  functions: "functions",
  memories: "memories",
  tables: "tables",
  budget: "budget",
  global: (index: number) => `global ${index}`,
  function: (index: number) => `function ${index}`,
  kept: (index: number) => `kept ${index}`,
} as const;

/** A module for the host, and what must be known to run it. */
export interface HostModule {
  readonly bytes: Uint8Array;
  readonly sites: readonly Site[];
  /** What is imported from `RUNTIME`, by name. */
  readonly imports: readonly RuntimeImport[];
  /** How many memories and tables it imports. */
  readonly memories: number;
  readonly tables: number;
  /** Why functions are not compiled, by index. */
  readonly leftOut: ReadonlyMap<number, string>;
  /** For whoever writes a function again. */
  readonly target: HostTarget;
  /** Two for each function: where its body begins in `bytes`, and the number of its first site. */
  readonly beginnings: Int32Array;
}

/** Writes a host module function by function. */
export class HostModuleWriter {
  private readonly target: HostTarget;
  private readonly validator: BodyValidator;
  private readonly code = new ByteWriter();
  private readonly function = new ByteWriter();
  private readonly sites: Site[] = [];
  /** Where indices of defined functions stand in `code`. */
  private readonly calls: number[] = [];
  private readonly hints = new BranchHints();
  private readonly leftOut = new Map<number, string>();
  private readonly beginnings: number[] = [];
  /** Index of the next function, and what writes it if it has been begun. */
  private next: number;
  private emitter: HostEmitter | null = null;

  /** @param features what the host's engine knows */
  constructor(module: ModuleRecord, prices: PriceTable, features: FeatureSet) {
    const imports = new HostImports(module.importedFunctions);
    this.target = { module, prices, features, imports, ...sharedWith(module, features) };
    this.validator = functionValidator(module);
    this.next = module.importedFunctions;
  }

  /** Bytes of code that have been written. */
  get written(): number {
    return this.code.length;
  }

  /**
   * Writes about so many instructions of the next function; false if there is nothing to write.
   * @throws LeftOut if the module is nothing for the host
   */
  writeNext(instructions = Number.POSITIVE_INFINITY): boolean {
    const { calls, code, function: out, target } = this;
    if (this.next === target.module.functions.length) return false;
    const firstCall = calls.length;
    out.length = 0;
    const firstSite = this.sites.length;
    try {
      if (!this.advance(instructions)) return true;
    } catch (error) {
      if (!(error instanceof LeftOut)) throw error;
      this.leftOut.set(this.next, error.message);
      calls.length = firstCall;
      out.length = 0;
      this.writeStub(this.next, out, error.message);
    }
    this.next++;
    this.emitter = null;
    code.u32(out.length);
    this.beginnings.push(code.length, firstSite);
    for (let i = firstCall; i < calls.length; i++) calls[i] += code.length;
    code.copy(out.bytes, 0, out.length);
    return true;
  }

  /** Goes on with the next function; whether it is complete. */
  private advance(instructions: number): boolean {
    const emitter = this.emitter ?? this.begin(this.next);
    for (let left = instructions; left > 0; left -= STEP) {
      const ended = this.validator.advance(Math.min(left, STEP));
      emitter.checkEffort();
      if (!ended) continue;
      emitter.finish(this.function, this.sites, this.calls);
      this.hints.add(this.next, emitter.checks);
      return true;
    }
    return false;
  }

  private begin(index: number): HostEmitter {
    const { module } = this.target;
    const emitter = new HostEmitter(this.target, index);
    this.emitter = emitter;
    const body = index - module.importedFunctions;
    const [start, end] = [module.bodyStarts[body], module.bodyEnds[body]];
    this.validator.beginFunction(index, start, end, emitter);
    return emitter;
  }

  /** A function that has the runtime do its work. */
  private writeStub(index: number, out: ByteWriter, why: string): void {
    const { imports, module } = this.target;
    const { params, results } = funcTypeAt(module, module.functions[index]) as FuncType;
    if (![...params, ...results].every(canHold)) {
      throw new LeftOut(`function ${index} cannot be called from outside, and ${why}`);
    }
    out.u32(0);
    params.forEach((_, i) => out.indexed(OP.localGet, i));
    out.indexed(OP.call, imports.function(index, params, results));
    out.u8(OP.end);
  }

  /** The module, once all functions are written. */
  finish(): HostModule {
    const { beginnings, code, leftOut, sites, target } = this;
    const { imports, memories, module, tables } = target;
    for (const at of this.calls) code.patch(at, code.valueAt(at) + imports.count);
    const out = new ByteWriter();
    for (const byte of HEADER) out.u8(byte);
    const defined = module.functions.slice(module.importedFunctions);
    this.section(out, "type", (w) => this.writeTypes(w));
    this.section(out, "import", (w) => this.writeImports(w));
    const empty = emptyFunctions(defined.length);
    this.section(out, "function", (w) => {
      w.u32(defined.length + empty);
      for (const type of defined) w.u32(type);
      for (let i = 0; i < empty; i++) w.u32(defined[0]);
    });
    this.section(out, "global", (w) => this.writeGlobals(w));
    this.section(out, "export", (w) => this.writeExports(w));
    this.section(out, "custom", (w) => this.hints.write(w, imports.list.length));
    for (let i = 0; i < empty; i++) for (const byte of EMPTY_BODY) code.u8(byte);
    const bodies = new ByteWriter();
    bodies.u32(defined.length + empty);
    out.u8(SECTION_NAMES.indexOf("code"));
    out.u32(bodies.length + code.length);
    out.copy(bodies.bytes, 0, bodies.length);
    for (let i = 0; i < beginnings.length; i += 2) beginnings[i] += out.length;
    out.copy(code.bytes, 0, code.length);
    const bytes = out.bytes.slice(0, out.length);
    return {
      bytes,
      sites,
      imports: imports.list,
      memories,
      tables,
      leftOut,
      target,
      beginnings: Int32Array.from(beginnings),
    };
  }

  private section(out: ByteWriter, name: string, write: (out: ByteWriter) => void): void {
    const content = new ByteWriter();
    write(content);
    out.u8(SECTION_NAMES.indexOf(name));
    out.sized(content);
  }

  /** The guest's types, which keep their indices, and those of what the runtime gives. */
  private writeTypes(out: ByteWriter): void {
    const { imports, module } = this.target;
    const section = module.sections.find(({ id }) => id === SECTION_NAMES.indexOf("type"));
    if (section === undefined) {
      out.u32(imports.list.length);
    } else {
      const cursor = new Cursor(module.bytes);
      cursor.reset(module.bytes, section.start, section.end);
      out.u32(cursor.u32() + imports.list.length);
      out.copy(module.bytes, cursor.pos, section.end);
    }
    imports.writeTypes(out);
  }

  private writeImports(out: ByteWriter): void {
    const { imports, memories, module, tables } = this.target;
    out.u32(imports.count + memories + tables);
    for (let i = 0; i < module.importedFunctions; i++) {
      out.name(NAMES.functions);
      out.name(String(i));
      out.indexed(0x00, module.functions[i]);
    }
    imports.writeImports(out, module.types.length);
    for (const [i, { type }] of module.tables.slice(0, tables).entries()) {
      out.name(NAMES.tables);
      out.name(String(i));
      out.u8(0x01);
      out.u8(typeCode(type.element));
      writeLimits(out, type);
    }
    for (const [i, { type }] of module.memories.slice(0, memories).entries()) {
      out.name(NAMES.memories);
      out.name(String(i));
      out.u8(0x02);
      writeLimits(out, type);
    }
  }

  /** The guest's globals keep their indices; behind them are the budget and kept operands. */
  private writeGlobals(out: ByteWriter): void {
    const { globals } = this.target.module;
    out.u32(globals.length + 1 + KEPT.length);
    const guests = globals.map(({ type }) => (canHold(type.type) ? type.type : I32));
    const types = [...guests, I32, ...KEPT];
    for (const type of types) {
      out.u8(typeCode(type));
      out.u8(MUTABLE);
      writeDummy(out, type);
      out.u8(OP.end);
    }
  }

  private writeExports(out: ByteWriter): void {
    const { imports, module } = this.target;
    const { functions, globals, importedFunctions } = module;
    const held = globals.flatMap(({ type }, i) => (canHold(type.type) ? [i] : []));
    out.u32(functions.length - importedFunctions + held.length + 1 + KEPT.length);
    for (let i = importedFunctions; i < functions.length; i++) {
      out.name(NAMES.function(i));
      out.indexed(0x00, imports.list.length + i);
    }
    for (const i of held) {
      out.name(NAMES.global(i));
      out.indexed(0x03, i);
    }
    out.name(NAMES.budget);
    out.indexed(0x03, globals.length);
    for (let i = 0; i < KEPT.length; i++) {
      out.name(NAMES.kept(i));
      out.indexed(0x03, globals.length + 1 + i);
    }
  }
}

function writeLimits(out: ByteWriter, { address64, max, min, shared }: Limits): void {
  out.u8((max === null ? 0 : 1) | (shared ? 2 : 0) | (address64 ? 4 : 0));
  out.u64(min);
  if (max !== null) out.u64(max);
}
