// A module as the host's engine has it, and the way there, which goes in pieces: bodies are written
// one after the other, then the host compiles what has been written. All instances of a module with
// the same price table share it.

import type { FeatureSet } from "../isa/features.ts";
import type { PriceTable } from "../isa/prices.ts";
import { isReference } from "../isa/types.ts";
import { type FuncType, funcTypeAt, type ModuleRecord } from "../module/module.ts";
import { millisecondsNow } from "../runtime/clock.ts";
import { hostNamespace } from "../runtime/host-memory.ts";
import { hostFeatures } from "./features.ts";
import { LeftOut } from "./left-out.ts";
import { type HostModule, HostModuleWriter } from "./module.ts";
import type { Site } from "./sites.ts";

/** Milliseconds of writing between two looks, and instructions between two looks at the clock. */
const PIECE = 0.3;
const INSTRUCTIONS = 256;

/** What has been written, and the host's module of it. */
export interface Compiled {
  readonly written: Omit<HostModule, "bytes">;
  readonly module: object;
}

/** table.set, table.init, table.copy, table.grow, table.fill */
const WRITES_TABLES: ReadonlySet<number> = new Set([0x26, 0x20c, 0x20e, 0x20f, 0x211]);

/** @throws LeftOut if no instance of such a module can be executed by the host */
function checkWritten(module: ModuleRecord, written: HostModule): void {
  const { imports, leftOut, sites, tables } = written;
  if (imports.some((item) => item.kind === "instruction" && WRITES_TABLES.has(item.op))) {
    throw new LeftOut("it writes to its tables");
  }
  const references = ({ locals, operands }: Site) => [...locals, ...operands].some(isReference);
  if (sites.some(references)) throw new LeftOut("it handles references");
  if (module.globals.some(({ type }) => isReference(type.type))) {
    throw new LeftOut("it has globals with references");
  }
  for (const typeIndex of module.functions) {
    const type = funcTypeAt(module, typeIndex) as FuncType;
    if ([...type.params, ...type.results].some(isReference)) {
      throw new LeftOut("it handles references");
    }
  }
  const isOpen = module.importedTables > 0 || module.exports.some(({ kind }) => kind === "table");
  if (tables > 0 && (isOpen || leftOut.size > 0)) {
    throw new LeftOut("others may write to its tables");
  }
}

/** The host's code of a module, complete or in the making. */
export class HostCode {
  private readonly record: ModuleRecord;
  private writer: HostModuleWriter | null;
  private compiled: Compiled | null = null;
  /** Why there is none. */
  private failure: LeftOut | null = null;

  /** @param features what the host's engine knows */
  constructor(record: ModuleRecord, prices: PriceTable, features: FeatureSet) {
    this.record = record;
    this.writer = new HostModuleWriter(record, prices, features);
  }

  /** Goes on for about a third of a millisecond; true when all is done, or it cannot be done. */
  advance(): boolean {
    const { writer } = this;
    if (writer === null) return true;
    try {
      const end = millisecondsNow() + PIECE;
      while (writer.writeNext(INSTRUCTIONS)) if (millisecondsNow() >= end) return false;
      this.compiled = this.compile(writer.finish());
    } catch (error) {
      if (!(error instanceof LeftOut)) throw error;
      this.failure = error;
    }
    this.writer = null;
    return true;
  }

  private compile(written: HostModule): Compiled {
    checkWritten(this.record, written);
    if (hostNamespace === undefined) throw new LeftOut("the host has no WebAssembly");
    const { bytes, ...rest } = written;
    try {
      const module = new hostNamespace.Module(bytes as Uint8Array<ArrayBuffer>);
      return { written: rest, module };
    } catch (error) {
      throw new LeftOut(`the host refuses it: ${(error as Error).message}`);
    }
  }

  /**
   * What instances are made of, once it is complete.
   * @throws LeftOut
   */
  get result(): Compiled {
    if (this.compiled === null) throw this.failure ?? new Error("it is not complete");
    return this.compiled;
  }
}

const codes = new WeakMap<ModuleRecord, WeakMap<PriceTable, HostCode>>();

/** The host's code of a module under a price table, begun or complete; made once. */
export function hostCode(module: ModuleRecord, prices: PriceTable): HostCode {
  let byPrices = codes.get(module);
  if (byPrices === undefined) {
    byPrices = new WeakMap();
    codes.set(module, byPrices);
  }
  let code = byPrices.get(prices);
  if (code === undefined) {
    code = new HostCode(module, prices, hostFeatures());
    byPrices.set(prices, code);
  }
  return code;
}
