// Who executes an instance: the interpreter, or the host's own engine. Nobody above this folder
// knows more of it than the option of a store and, for statistics, what has come of it.

import { type HostCode, hostCode } from "../compiler/host-code.ts";
import { moveToHost } from "../compiler/tier.ts";
import { hostNamespace } from "../runtime/host-memory.ts";
import type { ModuleInstance } from "../runtime/instances.ts";

/** An instance on its way to the host's engine. */
export class Promotion {
  private readonly instance: ModuleInstance;
  private readonly code: HostCode;

  constructor(instance: ModuleInstance) {
    this.instance = instance;
    this.code = hostCode(instance.module, instance.store.prices);
  }

  /** Does a piece of the way; true when it is at the end, or stays with the interpreter. */
  advance(): boolean {
    const { code, instance } = this;
    if (!code.advance()) return false;
    instance.interpretedBecause = moveToHost(instance, code);
    return true;
  }
}

/** The way of a new instance to the tier that its store wants; null: it is there. */
export function promotionOf(instance: ModuleInstance): Promotion | null {
  if (instance.store.tier !== "compiled") return null;
  if (hostNamespace !== undefined) return new Promotion(instance);
  instance.interpretedBecause = "the host has no WebAssembly";
  return null;
}

/** Why code is interpreted, and how many functions this concerns. */
export interface LeftToInterpreter {
  readonly reason: string;
  readonly functions: number;
}

/** What of an instance the interpreter executes for good, by reasons. */
export function leftToInterpreter(instance: ModuleInstance): readonly LeftToInterpreter[] {
  const { interpretedBecause, leftOut, module } = instance;
  const functions = module.functions.length - module.importedFunctions;
  if (interpretedBecause !== null) return [{ reason: interpretedBecause, functions }];
  const counts = new Map<string, number>();
  for (const reason of leftOut.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => ({ reason, functions: count }));
}
