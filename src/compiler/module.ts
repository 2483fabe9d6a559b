// The host's module for a module of the guest's: functions that pay and can be stopped, beside
// memories and tables that are imported, and globals of its own. It exports nothing (entrances.ts).
// Functions that are nothing for the host call the runtime.

import type { FeatureSet } from "../isa/features.ts";
import type { PriceTable } from "../isa/prices.ts";
import {
  bodyOf,
  type FuncType,
  funcTypeAt,
  type ModuleRecord,
  SECTION_NAMES,
  typeOfFunction,
} from "../module/module.ts";
import type { BodyValidator } from "../validation/body.ts";
import { functionValidator } from "../validation/module.ts";
import { RunRules } from "../validation/runs.ts";
import { Adapters, takesBits, writeToBits } from "./adapters.ts";
import { ByteWriter } from "./bytes.ts";
import { HostDraft } from "./draft.ts";
import { HostEmitter } from "./emitter.ts";
import { addEntrances, type Entrances } from "./entrances.ts";
import { FirstCalls } from "./first-calls.ts";
import { HostGlobals } from "./globals.ts";
import { takenInRuns } from "./handling.ts";
import { BranchHints, EMPTY_BODY, emptyFunctions } from "./hints.ts";
import { canHoldAll, writeType } from "./host-types.ts";
import { HostImports, type RuntimeImport } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import { LEAF_BYTES } from "./room.ts";
import { section, sharedCount, writeFunctions, writeHeader, writeShared } from "./sections.ts";
import { Sites } from "./sites.ts";
import { HostTables } from "./tables.ts";
import { type HostTarget, sharedMemories } from "./target.ts";
import { typeCode } from "./values.ts";

/** Bytes that are written for one of a function, about. */
const GROWTH = 2;
/** Instructions after which it is asked whether a function is too dear. */
const STEP = 64;

/** A module for the host, and what must be known to run it. */
export interface HostModule {
  readonly bytes: Uint8Array;
  readonly sites: Sites;
  /** What is imported from `RUNTIME`, by name. */
  readonly imports: readonly RuntimeImport[];
  /** How many functions it defines besides hints, and what they are for. */
  readonly functionCount: number;
  readonly entrances: Entrances;
  /** Why functions are not compiled, by index. */
  readonly leftOut: ReadonlyMap<number, string>;
  /** For whoever writes a function again. */
  readonly target: HostTarget;
  /** Two for each function: where its body begins in `bytes`, and the number of its first site. */
  readonly beginnings: Int32Array;
  /** The most bytes of stack that a call of one of its functions takes. */
  readonly frameBytes: number;
}

/** Writes a host module function by function. */
export class HostModuleWriter {
  private readonly target: HostTarget;
  private readonly validator: BodyValidator;
  private readonly code: ByteWriter;
  /** The next function, and what becomes of it. */
  private readonly draft = new HostDraft();
  private readonly function = new ByteWriter();
  private readonly sites = new Sites();
  /** Where indices of functions stand in `code`. */
  private readonly calls: number[] = [];
  private readonly hints = new BranchHints();
  private readonly leftOut = new Map<number, string>();
  private readonly beginnings: number[] = [];
  private frameBytes = LEAF_BYTES;
  /** Index of the next function, and what writes it if it has been begun. */
  private next: number;
  private emitter: HostEmitter | null = null;

  /** @param features what the host's engine knows */
  constructor(module: ModuleRecord, prices: PriceTable, features: FeatureSet) {
    const imports = new HostImports();
    const adapters = new Adapters(module, imports);
    const globals = new HostGlobals(module);
    const memories = sharedMemories(module, features);
    this.target = {
      module,
      prices,
      rules: new RunRules(prices.fixed, (op) => takenInRuns(op, features, memories)),
      features,
      imports,
      adapters,
      firstCalls: new FirstCalls(module),
      typeIndex: (index) => index,
      addedType: (...type) => module.types.length + imports.types.add(...type),
      tables: new HostTables(module, adapters, globals),
      memories,
      globals,
      access: globals,
    };
    const { bodyEnds, bodyStarts } = module;
    const bytes = (bodyEnds[bodyEnds.length - 1] ?? 0) - (bodyStarts[0] ?? 0);
    this.code = new ByteWriter(GROWTH * bytes);
    this.validator = functionValidator(module);
    this.next = module.importedFunctions;
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
    const firstSite = this.sites.end;
    try {
      if (!this.advance(instructions)) return true;
    } catch (error) {
      if (!(error instanceof LeftOut)) throw error;
      this.leftOut.set(this.next, error.message);
      calls.length = firstCall;
      out.length = 0;
      this.writeStub(this.next, out);
    }
    this.next++;
    this.emitter = null;
    code.u32(out.length);
    this.beginnings.push(code.length, firstSite);
    for (let i = firstCall; i < calls.length; i++) calls[i] += code.length;
    code.copy(out.bytes, 0, out.length);
    return true;
  }

  /** What it takes of the host's memory, besides what is written of one function. */
  get hostBytes(): number {
    return this.code.bytes.length + this.sites.bytes;
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
      this.frameBytes = Math.max(this.frameBytes, emitter.frameBytes);
      return true;
    }
    return false;
  }

  private begin(index: number): HostEmitter {
    const { module } = this.target;
    const emitter = new HostEmitter(this.target, index, -1, this.draft);
    this.emitter = emitter;
    const { end, start } = bodyOf(module, index);
    this.validator.beginFunction(index, start, end, emitter);
    return emitter;
  }

  /** A function that has the runtime do its work. */
  private writeStub(index: number, out: ByteWriter): void {
    const type = this.typeOf(index);
    const { imports, module } = this.target;
    if (canHoldAll(module, type)) writeToBits(out, type, imports.function(index, type));
    // Nobody calls it who does not hold them.
    else for (const byte of EMPTY_BODY.slice(1)) out.u8(byte);
  }

  private typeOf(index: number): FuncType {
    return typeOfFunction(this.target.module, index);
  }

  /** Writes indices of the host's module where those of the guest's functions stand. */
  private link(): void {
    const { calls, code, target } = this;
    const { adapters, imports, module } = target;
    const { importedFunctions } = module;
    const indexOf = (index: number): number => {
      const type = this.typeOf(index);
      return takesBits(type)
        ? imports.function(index, type)
        : imports.count + adapters.imported(index);
    };
    // For the first call of an import functions are added, which moves all that are defined.
    const imported: number[] = [];
    for (const at of calls) {
      const index = code.valueAt(at);
      if (index < importedFunctions) imported[index] ??= indexOf(index);
    }
    imported.forEach((_, index) => {
      imported[index] = indexOf(index);
    });
    const first = imports.count - importedFunctions;
    for (const at of calls) {
      const index = code.valueAt(at);
      code.patch(at, index < importedFunctions ? imported[index] : first + index);
    }
  }

  /** The module, once all functions are written. */
  finish(): HostModule {
    const { beginnings, code, leftOut, sites, target } = this;
    const { adapters, firstCalls, globals, imports, module } = target;
    const entrances = addEntrances(target);
    this.link();
    const out = new ByteWriter();
    writeHeader(out);
    const defined = module.functions.slice(module.importedFunctions);
    section(out, "type", (w) => this.writeTypes(w));
    section(out, "import", (w) => this.writeImports(w));
    const functions = defined.length + adapters.count;
    const empty = emptyFunctions(defined.length);
    section(out, "function", (w) => {
      w.u32(functions + empty);
      for (const type of defined) w.u32(type);
      adapters.writeTypes(w);
      for (let i = 0; i < empty; i++) w.u32(defined[0]);
    });
    section(out, "global", (w) => globals.write(w, firstCalls.count));
    section(out, "element", (w) => writeFunctions(w, target, imports.count, functions));
    section(out, "custom", (w) => this.hints.write(w, imports.count - module.importedFunctions));
    adapters.write(code, this.function);
    for (let i = 0; i < empty; i++) for (const byte of EMPTY_BODY) code.u8(byte);
    const bodies = new ByteWriter();
    bodies.u32(functions + empty);
    out.u8(SECTION_NAMES.indexOf("code"));
    out.u32(bodies.length + code.length);
    out.copy(bodies.bytes, 0, bodies.length);
    for (let i = 0; i < beginnings.length; i += 2) beginnings[i] += out.length;
    const bytes = new Uint8Array(out.length + code.length);
    bytes.set(out.bytes.subarray(0, out.length));
    bytes.set(code.bytes.subarray(0, code.length), out.length);
    return {
      bytes,
      sites,
      imports: imports.list,
      functionCount: functions,
      entrances,
      leftOut,
      target,
      beginnings: Int32Array.from(beginnings),
      frameBytes: this.frameBytes,
    };
  }

  /** The guest's types, which keep their indices, and those that are added. */
  private writeTypes(out: ByteWriter): void {
    const { imports, module } = this.target;
    out.u32(module.types.length + imports.types.count);
    module.types.forEach((_, i) => {
      const type = funcTypeAt(module, i);
      // No function of another type is ever called.
      if (type === undefined || !canHoldAll(module, type)) writeType(out, [], []);
      else writeType(out, type.params.map(typeCode), type.results.map(typeCode));
    });
    imports.types.write(out);
  }

  private writeImports(out: ByteWriter): void {
    const { imports, module } = this.target;
    out.u32(imports.count + sharedCount(this.target));
    imports.writeImports(out, module.types.length);
    writeShared(out, this.target);
  }
}
