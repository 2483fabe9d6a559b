// Runs what the host tier writes in the host's own WebAssembly, with a runtime as small as a test
// needs: there is budget, and frames are kept; nothing else is imported.

import type { HostGlobal } from "../../src/compiler/border.ts";
import { HostFunctions } from "../../src/compiler/host-functions.ts";
import { RUNTIME } from "../../src/compiler/imports.ts";
import { type HostModule, HostModuleWriter } from "../../src/compiler/module.ts";
import { NAMES } from "../../src/compiler/sections.ts";
import { frameOf, SAVING, type SavedFrame } from "../../src/compiler/sites.ts";
import type { FeatureSet } from "../../src/isa/features.ts";
import { PRICE_TABLE_2 } from "../../src/isa/prices.ts";
import type { ModuleRecord } from "../../src/module/module.ts";

interface HostNamespace {
  validate: (bytes: Uint8Array) => boolean;
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => object;
}

export const HOST = (globalThis as unknown as { WebAssembly: HostNamespace }).WebAssembly;

export function writeHostModule(record: ModuleRecord, features: FeatureSet): HostModule {
  const writer = new HostModuleWriter(record, PRICE_TABLE_2, features);
  while (writer.writeNext());
  return writer.finish();
}

/** A module that is compiled and instantiated. */
export class HostInstance {
  readonly written: HostModule;
  readonly functions: HostFunctions;
  private readonly budget: HostGlobal;
  readonly saved: SavedFrame[] = [];
  /** Units handed out; and what the next site that asks is given. */
  granted = 0;
  refill: (left: number) => number = () => 2 ** 29;

  constructor(written: HostModule) {
    this.written = written;
    const reached = (...values: unknown[]) => this.reached(values);
    const runtime = Object.fromEntries(written.imports.map((_, i) => [String(i), reached]));
    this.functions = new HostFunctions(written);
    const tables = { [NAMES.functions]: this.functions.table };
    new HOST.Instance(new HOST.Module(written.bytes), {
      [RUNTIME]: runtime,
      [NAMES.tables]: tables,
    });
    this.budget = this.functions.global(written.target.globals.budget) as HostGlobal;
  }

  private reached(values: readonly unknown[]): number {
    const [left, number] = values.slice(-2) as [number, number];
    const refilled = left <= SAVING / 2 ? -1 : this.refill(left);
    const budget = refilled < 0 ? SAVING : refilled;
    if (refilled >= 0) this.granted += budget - left;
    else this.saved.push(frameOf(this.written.sites.at(number), values));
    this.budget.set(budget);
    return budget;
  }

  /** Units that are used since the begin. */
  get used(): number {
    return this.granted - (this.budget.get() as number);
  }
}
