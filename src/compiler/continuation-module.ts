// Host modules of continuations: functions that begin at a loop's header, with the locals and
// operands of a frame that stands there, and do the rest of their function. Where that comes to the
// header of a loop around it, it leaves a frame there, for that loop's own continuation. All else
// they share with the host module of the guest's module, whose sites theirs are.

import { I32, type ValType } from "../isa/types.ts";
import {
  bodyOf,
  type FuncType,
  funcTypeAt,
  type ModuleRecord,
  typeOfFunction,
} from "../module/module.ts";
import type { BodyValidator } from "../validation/body.ts";
import { functionValidator } from "../validation/module.ts";
import { ByteWriter } from "./bytes.ts";
import { HostEmitter } from "./emitter.ts";
import { writeGetter } from "./entrances.ts";
import type { SiteFacts } from "./flow.ts";
import type { GlobalAccess, HostGlobals } from "./globals.ts";
import { codesOfBits, isSimple, writeType } from "./host-types.ts";
import { HostImports, type RuntimeImport } from "./imports.ts";
import { LeftOut } from "./left-out.ts";
import { OP } from "./opcodes.ts";
import type { Written, WrittenFunction } from "./places.ts";
import {
  MUTABLE,
  section,
  sharedCount,
  writeFunctions,
  writeHeader,
  writeShared,
} from "./sections.ts";
import type { OpenSites, Site, Sites } from "./sites.ts";
import type { HostTarget } from "./target.ts";
import {
  passedAs,
  typeCode,
  writeDummy,
  writeLocals,
  writePassed,
  writeUnpassed,
} from "./values.ts";

/** Instructions that are written in a piece. */
const INSTRUCTIONS = 256;

/** Host code that goes on at loops' headers. */
export interface ContinuationModule {
  readonly bytes: Uint8Array;
  /** What is imported from `RUNTIME`, by name. */
  readonly imports: readonly RuntimeImport[];
  readonly written: Written;
}

/** A function that begins at a loop's header. */
interface Continuation {
  /** The header's. */
  readonly site: Site;
  readonly type: FuncType;
  readonly code: ByteWriter;
}

function simpleType(module: ModuleRecord, index: number): FuncType {
  if (!isSimple(module, index)) {
    throw new LeftOut("it calls functions of types that are in a group");
  }
  return funcTypeAt(module, index) as FuncType;
}

/** The values of a site as a continuation takes them: live locals and operands, in order. */
function passedTypes({ locals, operands, passedLocals }: Site): ValType[] {
  return [...passedLocals.map((local) => locals[local]), ...operands];
}

/** The only global of a host module of continuations: what was left when it might have trapped. */
const KEPT_BUDGET = 0;

/** How continuations get at the globals of the module's host module. */
class ImportedGlobals implements GlobalAccess {
  private readonly globals: HostGlobals;
  private readonly imports: HostImports;

  constructor(globals: HostGlobals, imports: HostImports) {
    this.globals = globals;
    this.imports = imports;
  }

  get(out: ByteWriter, index: number): void {
    out.indexed(OP.call, this.imports.getter(index, this.globals.types[index]));
  }

  set(out: ByteWriter, index: number): void {
    out.indexed(OP.call, this.imports.setter(index, this.globals.types[index]));
  }

  isSame(): boolean {
    return false;
  }

  // A call in front of everything that may trap would be too dear: that is in a global of its own.

  keepBudget(out: ByteWriter): void {
    out.indexed(OP.globalSet, KEPT_BUDGET);
  }

  readonly keepsInGlobal = false;
}

/** Writes continuations into a host module. */
export class ContinuationWriter implements Written {
  private readonly target: HostTarget;
  private readonly validator: BodyValidator;
  private readonly sites: Sites;
  private readonly continuations: Continuation[] = [];
  /** Where the code of each begins in the module. */
  private readonly beginnings: number[] = [];

  /** @param main what the module's host module was written for, whose sites these are */
  constructor(main: HostTarget, sites: Sites) {
    const imports = new HostImports();
    const typeIndex = (index: number) => this.typeIndex(index);
    const addedType: HostTarget["addedType"] = (...type) => imports.types.add(...type);
    this.target = {
      ...main,
      imports,
      typeIndex,
      addedType,
      access: new ImportedGlobals(main.globals, imports),
    };
    this.validator = functionValidator(main.module);
    this.sites = sites;
  }

  /** What is known of sites already: they are those of the module's host module. */
  private factsOf(open: OpenSites): SiteFacts {
    const { sites } = this;
    const numbers = Array.from({ length: open.count }, (_, i) => sites.numberOf(open.offsetAt(i)));
    const live = numbers.map((number) => new Set(sites.at(number).passedLocals));
    return {
      numberOf: (site) => numbers[site],
      worstOf: (site) => sites.worstAt(numbers[site]),
      isLive: (site, local) => live[site].has(local),
    };
  }

  private typeIndex(index: number): number {
    const { params, results } = simpleType(this.target.module, index);
    return this.target.addedType(params.map(typeCode), results.map(typeCode));
  }

  /**
   * Writes the continuation of a loop's header, in pieces; offsets of the loops around it, the
   * innermost first.
   * @throws LeftOut if it is nothing for the host
   */
  *write(site: Site): Generator<void, readonly number[]> {
    const { imports, module } = this.target;
    const { functionIndex, offset } = site;
    const emitter = new HostEmitter(this.target, functionIndex, offset);
    const code = new ByteWriter();
    const calls: number[] = [];
    const { validator } = this;
    const { end, start } = bodyOf(module, functionIndex);
    validator.beginFunction(functionIndex, start, end, emitter);
    while (!validator.advance(INSTRUCTIONS)) {
      emitter.checkEffort();
      yield;
    }
    emitter.finishWithin(code, (open) => this.factsOf(open), calls);
    for (const at of calls) {
      const callee = code.valueAt(at);
      code.patch(at, imports.callee(callee, simpleType(module, module.functions[callee])));
    }
    const type = typeOfFunction(module, functionIndex);
    this.continuations.push({ site, type, code });
    return emitter.loopsAround;
  }

  /** The module, once all are written, in whose order `entranceOf` has them. */
  finish(): ContinuationModule {
    const { beginnings, continuations } = this;
    const { imports } = this.target;
    const first = imports.count;
    const firstType = imports.types.count;
    const out = new ByteWriter();
    let end = 0;
    writeHeader(out);
    section(out, "type", (w) => this.writeTypes(w));
    section(out, "import", (w) => this.writeImports(w));
    const functions = functionCount(continuations.length);
    section(out, "function", (w) => {
      w.u32(functions);
      for (let i = 0; i < functions; i++) w.u32(firstType + i);
    });
    section(out, "global", (w) => {
      w.u32(1);
      w.u8(typeCode(I32));
      w.u8(MUTABLE);
      writeDummy(w, I32);
      w.u8(OP.end);
    });
    section(out, "element", (w) => writeFunctions(w, this.target, first, functions));
    section(out, "code", (w) => {
      w.u32(functions);
      continuations.forEach((continuation, i) => {
        w.sized(continuation.code);
        beginnings.push(w.length - continuation.code.length);
        w.sized(entryOf(continuation, first + 2 * i));
      });
      const getter = new ByteWriter();
      writeGetter(getter, KEPT_BUDGET);
      w.sized(getter);
      end = w.length;
    });
    continuations.forEach((_, i) => {
      beginnings[i] += out.length - end;
    });
    return { bytes: out.bytes.slice(0, out.length), imports: imports.list, written: this };
  }

  // What was written, for whoever wants to know where something is in it

  get module(): ModuleRecord {
    return this.target.module;
  }

  functionAt(index: number): WrittenFunction | null {
    const number = (index - this.target.imports.count) / 2;
    if (!(number in this.continuations)) return null;
    const { functionIndex: funcIndex, offset } = this.continuations[number].site;
    const emitter = new HostEmitter(this.target, funcIndex, offset);
    const finish = () => emitter.finishWithin(new ByteWriter(), (open) => this.factsOf(open), []);
    return { funcIndex, beginning: this.beginnings[number], emitter, finish };
  }

  private writeTypes(out: ByteWriter): void {
    const { continuations } = this;
    const { types } = this.target.imports;
    out.u32(types.count + functionCount(continuations.length));
    types.write(out);
    for (const { site, type } of continuations) {
      const { locals, operands } = site;
      writeType(out, [...locals, ...operands].map(typeCode), type.results.map(typeCode));
      writeType(out, codesOfBits(passedTypes(site)), codesOfBits(type.results));
    }
    writeType(out, [], [typeCode(I32)]);
  }

  private writeImports(out: ByteWriter): void {
    const { imports } = this.target;
    out.u32(imports.count + sharedCount(this.target));
    imports.writeImports(out, 0);
    writeShared(out, this.target);
  }
}

/** The number of the function by which a continuation is entered: it is in the module behind it. */
export function entranceOf(continuation: number): number {
  return 2 * continuation + 1;
}

/** The number of the one that gives what was left where so many continuations trapped. */
export function keptBudgetOf(continuations: number): number {
  return 2 * continuations;
}

/** How many functions a module of so many has. */
export function functionCount(continuations: number): number {
  return keptBudgetOf(continuations) + 1;
}

/** That function: takes and gives bits, and calls the one at `index`. */
function entryOf({ site, type }: Continuation, index: number): ByteWriter {
  const { locals, operands, passedLocals } = site;
  const { results } = type;
  const out = new ByteWriter();
  let next = 0;
  const unpass = (type: ValType) => {
    writeUnpassed(out, type, next);
    next += passedAs(type).length;
  };
  writeLocals(out, results);
  const passed = new Set(passedLocals);
  locals.forEach((type, local) => {
    if (passed.has(local)) unpass(type);
    else writeDummy(out, type);
  });
  operands.forEach(unpass);
  out.indexed(OP.call, index);
  for (let i = results.length - 1; i >= 0; i--) out.indexed(OP.localSet, next + i);
  results.forEach((type, i) => {
    passedAs(type).forEach((_, part) => {
      writePassed(out, type, next + i, part);
    });
  });
  out.u8(OP.end);
  return out;
}
