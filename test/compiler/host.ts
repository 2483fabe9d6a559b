// Runs what the host tier writes in the host's own WebAssembly, with a runtime as small as a test
// needs: memories, tables and globals are new, functions that are not compiled fail.

import { RUNTIME, type RuntimeImport } from "../../src/compiler/imports.ts";
import { type HostModule, HostModuleWriter } from "../../src/compiler/module.ts";
import { NAMES } from "../../src/compiler/sections.ts";
import { frameOf, SAVING, type SavedFrame } from "../../src/compiler/sites.ts";
import type { FeatureSet } from "../../src/isa/features.ts";
import { PRICE_TABLE_2 } from "../../src/isa/prices.ts";
import { FUNCREF, isReference, type ValType } from "../../src/isa/types.ts";
import type { ModuleRecord } from "../../src/module/module.ts";
import type { ModuleInstance } from "../../src/runtime/instances.ts";
import { fromRaw } from "../../src/runtime/values.ts";
import { bitsOfHostValue } from "../interpreter/differential.ts";

/** A memory and a table of the host's. */
export interface HostMemory {
  readonly buffer: ArrayBuffer;
}
interface HostTable {
  readonly length: number;
  set(index: number, element: unknown): void;
}

interface HostNamespace {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: Record<string, unknown> };
  Memory: new (descriptor: { initial: number; maximum?: number }) => HostMemory;
  Table: new (descriptor: { element: string; initial: number; maximum?: number }) => HostTable;
  RuntimeError: new (message: string) => Error;
}

const HOST = (globalThis as unknown as { WebAssembly: HostNamespace }).WebAssembly;

export function writeHostModule(record: ModuleRecord, features: FeatureSet): HostModule {
  const writer = new HostModuleWriter(record, PRICE_TABLE_2, features);
  while (writer.writeNext());
  return writer.finish();
}

/** A module that is compiled and instantiated. */
export class HostInstance {
  readonly written: HostModule;
  readonly exports: Record<string, never>;
  readonly saved: SavedFrame[] = [];
  /** Units handed out; and what the next site that asks is given. */
  granted = 0;
  refill: (left: number) => number = () => 2 ** 29;

  /** Whether something was asked of the runtime that it does not do. */
  lacked = false;
  readonly memories: readonly HostMemory[];

  constructor(written: HostModule, memories: readonly HostMemory[], tables: readonly HostTable[]) {
    this.written = written;
    this.memories = memories;
    const runtime = Object.fromEntries(
      written.imports.map((item, i) => [String(i), this.runtimeFunction(item)]),
    );
    const module = new HOST.Module(written.bytes);
    const instance = new HOST.Instance(module, {
      [NAMES.memories]: { ...memories },
      [NAMES.tables]: { ...tables },
      [RUNTIME]: runtime,
    });
    this.exports = instance.exports as never;
  }

  private runtimeFunction(item: RuntimeImport): (...values: unknown[]) => unknown {
    if (item.kind !== "site") {
      return () => {
        this.lacked = true;
        throw new HOST.RuntimeError(`there is no ${JSON.stringify(item)}`);
      };
    }
    return (...values) => {
      const [left, number] = values.slice(-2) as [number, number];
      const budget = left <= SAVING / 2 ? -1 : this.refill(left);
      this.budget.value = budget < 0 ? SAVING : budget;
      if (budget >= 0) this.granted += budget - left;
      else this.saved.push(frameOf(this.written.sites.at(number), values));
      return this.budget.value;
    };
  }

  private get budget(): { value: number } {
    return this.exports[NAMES.budget];
  }

  /** Units that are used since the begin. */
  get used(): number {
    return this.granted - this.budget.value;
  }

  /** The bits of a numeric global. */
  bitsOfGlobal(name: string, type: ValType) {
    const { value } = this.exports[name] as { value: number | bigint };
    return bitsOfHostValue(value, type);
  }

  /** Sets a global of type i32. */
  setBound(index: number, value: number): void {
    (this.exports[NAMES.global(index)] as { value: number }).value = value;
  }
}

/** A module as the host tier has it, in the state of an instance of the interpreter's. */
export function instantiateLike(ours: ModuleInstance, written: HostModule): HostInstance {
  const memories = ours.memories.slice(0, written.memories).map((memory) => {
    const { max } = memory.type;
    const made = new HOST.Memory({
      initial: memory.pages,
      ...(max !== null && { maximum: Number(max) }),
    });
    new Uint8Array(made.buffer).set(memory.bytes);
    return made;
  });
  const tables = ours.tables.slice(0, written.tables).map(({ length, type }) => {
    return new HOST.Table({
      element: type.element === FUNCREF ? "anyfunc" : "externref",
      initial: length,
      ...(type.max !== null && { maximum: Math.min(Number(type.max), 2 ** 20) }),
    });
  });
  const instance = new HostInstance(written, memories, tables);
  tables.forEach((table, i) => {
    for (let at = 0; at < table.length; at++) {
      const element = ours.tables[i].get(at);
      const index = ours.functions.indexOf(element as never);
      if (index >= 0) table.set(at, instance.exports[NAMES.function(index)]);
    }
  });
  ours.globals.forEach((global, i) => {
    const exported = instance.exports[NAMES.global(i)] as { value: unknown } | undefined;
    const { type } = global.type;
    if (exported === undefined || isReference(type)) return;
    exported.value = fromRaw(global.raw, type);
  });
  return instance;
}
