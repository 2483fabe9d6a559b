// What the commands of one script share: a store, instances and definitions by name, what is
// registered for imports; and what a command's verdict is.

import { readFileSync } from "node:fs";
import { Instantiation } from "../../embedding/instantiate.ts";
import { type DecodeSettings, moduleDecoder } from "../../embedding/module.ts";
import type { ValType } from "../../isa/types.ts";
import { ModuleError } from "../../module/errors.ts";
import type { ModuleRecord } from "../../module/module.ts";
import type { ModuleInstance } from "../../runtime/instances.ts";
import { type RuntimeLimits, Store } from "../../runtime/store.ts";
import type { Tier } from "../../runtime/tier.ts";
import { HostError } from "../command.ts";
import { reason } from "../input.ts";
import { Invoker } from "./execution.ts";
import type { Action } from "./script.ts";
import { type Externs, spectest } from "./spectest.ts";
import { argumentOf, type ExactValue, exactValue, HostReferences } from "./values.ts";

/** How one command went. */
export interface Verdict {
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped; empty for a passed command. */
  readonly reason: string;
  /** The error that the command asserts, or that refused its module: its message. */
  readonly message?: string;
}

/** How scripts are run. */
export interface RunSettings extends DecodeSettings {
  /** Modules are fed in chunks of so many bytes; absent: in one piece. */
  readonly chunk?: number;
  /** Invocations stop and resume after so much fuel; absent: they do not stop. */
  readonly slice?: number;
  /** Limits of the scripts' stores. */
  readonly storeLimits?: Partial<RuntimeLimits>;
  /** Who executes the scripts' modules; absent: the default of stores. */
  readonly tier?: Tier;
}

/** A module, or the error that refused it. */
export type Loaded =
  | { readonly module: ModuleRecord; readonly error?: never }
  | { readonly module?: never; readonly error: ModuleError };

/** A definition or an instance, or why there is none: commands that need it meet that error. */
type Held<T> = { readonly item: T } | { readonly error: unknown };

/** Results with their types. */
export interface Results {
  readonly types: readonly ValType[];
  readonly values: readonly ExactValue[];
}

function itemOf<T>(held: Held<T>): T {
  if ("error" in held) throw held.error;
  return held.item;
}

/** What was made, by name; the last one is the current one. */
class Shelf<T> {
  private readonly kind: string;
  private readonly named = new Map<string, Held<T>>();
  private current: Held<T>;

  constructor(kind: string) {
    this.kind = kind;
    this.current = { error: new Error(`there is no ${kind} yet`) };
  }

  put(name: string | undefined, held: Held<T>): void {
    this.current = held;
    if (name !== undefined) this.named.set(name, held);
  }

  /** The one with this name, or the current one. */
  get(name: string | undefined): T {
    if (name === undefined) return itemOf(this.current);
    return itemOf(this.named.get(name) ?? { error: new Error(`there is no ${this.kind} ${name}`) });
  }
}

/** Everything that outlives a command of a script. */
export class ScriptState {
  /** How many modules have been put through the decoder and the validator. */
  modules = 0;
  /** How many of them were valid. */
  validModules = 0;
  readonly hosts = new HostReferences();
  private readonly settings: RunSettings;
  readonly store: Store;
  readonly invoker: Invoker;
  private readonly definitions = new Shelf<ModuleRecord>("module definition");
  private readonly instances = new Shelf<ModuleInstance>("module instance");
  private readonly registered: Map<string, Held<Externs>>;

  /** `sharedMemory`: whether `spectest` has one. */
  constructor(settings: RunSettings, sharedMemory: boolean) {
    this.settings = settings;
    const { storeLimits, tier } = settings;
    this.store = new Store(storeLimits, undefined, undefined, tier);
    this.invoker = new Invoker(this.store, settings.slice ?? Number.POSITIVE_INFINITY);
    this.registered = new Map([["spectest", { item: spectest(this.store, sharedMemory) }]]);
  }

  /**
   * Decodes and validates the module in a file.
   * @throws HostError if it cannot be read
   */
  load(path: string): Loaded {
    const bytes = readModule(path);
    this.modules += 1;
    try {
      const module = this.decode(bytes);
      this.validModules += 1;
      return { module };
    } catch (error) {
      if (error instanceof ModuleError) return { error };
      throw error;
    }
  }

  private decode(bytes: Uint8Array): ModuleRecord {
    const { chunk = Math.max(bytes.length, 1) } = this.settings;
    const decoder = moduleDecoder(this.settings);
    for (let start = 0; start < bytes.length; start += chunk) {
      decoder.push(bytes.subarray(start, start + chunk));
    }
    return decoder.end();
  }

  /** Binds a definition; one that could not be made is an error for those who need it. */
  define(name: string | undefined, held: Held<ModuleRecord>): void {
    this.definitions.put(name, held);
  }

  /** Makes an instance of a definition the current one; a failure leaves none. */
  enter(definition: string | undefined, name: string | undefined): void {
    try {
      const item = this.instantiate(this.definitions.get(definition));
      this.instances.put(name, { item });
    } catch (error) {
      this.instances.put(name, { error });
      throw error;
    }
  }

  /**
   * Instantiates, and binds nothing.
   * @throws LinkError, Trap, Exhaustion, and what the start function raises
   */
  instantiate(module: ModuleRecord): ModuleInstance {
    const imports = module.imports.map((item) => {
      const held = this.registered.get(item.module);
      return held === undefined ? undefined : itemOf(held).get(item.name);
    });
    const instantiation = new Instantiation(this.store, module, imports);
    while (!instantiation.advance());
    const { instance, startFunction } = instantiation;
    if (startFunction !== null) this.invoker.invoke(startFunction, []);
    return instance;
  }

  /** Makes the exports of an instance importable; those of none are an error for who imports. */
  register(as: string, name: string | undefined): void {
    try {
      this.registered.set(as, { item: this.instances.get(name).exports });
    } catch (error) {
      this.registered.set(as, { error });
      throw error;
    }
  }

  /**
   * Performs an action.
   * @throws whatever ends it; Error if there is nothing to perform it on
   */
  perform({ args, field, module, type }: Action): Results {
    const extern = this.instances.get(module).exports.get(field);
    if (type === "get" && extern?.kind === "global") {
      const { raw, type: found } = extern.value;
      return { types: [found.type], values: [exactValue(raw, found.type)] };
    }
    if (type !== "invoke" || extern?.kind !== "func") {
      throw new Error(`there is nothing to ${type} that is called ${JSON.stringify(field)}`);
    }
    const { params, results } = extern.value.type;
    if (args.length !== params.length) {
      throw new Error(`${args.length} arguments for ${params.length} parameters`);
    }
    const given = args.map((arg) => argumentOf(arg, this.hosts));
    return { types: results, values: this.invoker.invoke(extern.value, given) };
  }
}

function readModule(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new HostError(`cannot read ${path}: ${reason(error)}`);
  }
}
